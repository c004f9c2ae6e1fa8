"""The one error that a benchmark ends with; `__main__` prints it without a traceback."""

from __future__ import annotations


class BenchError(Exception):
    """A figure cannot be measured: what is wrong, where, and how to fix it."""
