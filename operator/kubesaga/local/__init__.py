"""The engine without a cluster: Tasks of one process, their programs run on this machine.

``start`` makes a Run of manifests, or of what a killed one left behind; ``run`` drives it: the engine decides,
``store`` keeps every decision before it is carried out, ``processes`` and ``inline`` run what is launched. ``kubesaga
run`` and the test kit (``testing``) stand on it. Nothing here knows of Kubernetes.
"""
