"""The one error that the test cluster's commands end with; `__main__` prints it without a traceback."""

from __future__ import annotations


class ClusterError(Exception):
    """Something that the person at the keyboard has to know: what failed, where, and how to fix it."""
