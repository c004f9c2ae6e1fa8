"""Chaos: the examples run while everything on the test cluster that can be killed is, and the books are audited after.

`make chaos` calls `python -m tests.chaos`; CONTRIBUTING.md says what it proves. It kills parts of the cluster itself,
so it only ever runs on this checkout's own test cluster, with Kubesaga installed (`make install`).
"""
