"""What is wrong with a workflow written in Python: found when it is made, exported or about to run, never midway.

WorkflowError
├── NoImportPath     what runs on a cluster must be found by its name
├── AsyncTaskFound   SyncRunner was given a coroutine function
└── EngineMissing    the runners need the engine's wheel
"""

from __future__ import annotations


class WorkflowError(ValueError):
    """The workflow cannot be what its author wrote; the message says what is wrong and how to fix it."""


class NoImportPath(WorkflowError):
    """A function or class cannot be found by package and name, so that no step's pod could run it."""


class AsyncTaskFound(WorkflowError):
    """SyncRunner cannot await: nothing has been run."""


class EngineMissing(WorkflowError, ImportError):
    """The in-process runners decide by the operator's own engine, which is not installed."""
