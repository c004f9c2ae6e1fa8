"""The step contract, put to any program: does it do what the operator expects of a step?

``python -m tests.contract -- COMMAND`` runs the cases against a command of one's own; ``test_contract`` runs them
against the SDK and against the handlers of examples/container-only.
"""
