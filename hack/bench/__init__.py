"""The benchmark: Kubesaga's speed beside the floor that Kubernetes itself sets, in one run, as JSON.

`make bench` calls `python -m hack.bench`; docs/performance.md says what each figure means. It needs a running cluster
with Kubesaga installed (`make install`), and only its own namespace in it.
"""
