"""The one error that a run of chaos ends with; `__main__` prints it without a traceback."""

from __future__ import annotations


class ChaosError(Exception):
    """The run cannot be done: what is wrong, where, and how to fix it."""
