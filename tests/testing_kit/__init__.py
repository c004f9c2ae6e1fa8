"""The test kit that users get: ``kubesaga_sdk.testing``, and the engine behind its ``run_template``."""
