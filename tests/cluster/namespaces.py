"""Namespaces of the tests' own.

They enforce the `restricted` pod security standard, so that every test shows that the pods of steps comply with it.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from tests.cluster.kubectl import PATIENCE, Kubectl

RESTRICTED = {"pod-security.kubernetes.io/enforce": "restricted"}


@contextmanager
def fresh_namespace(kubectl: Kubectl, labels: dict[str, str] = RESTRICTED) -> Iterator[Kubectl]:
    """A new namespace for as long as the block runs; its deletion is not waited for."""
    name = f"kubesaga-test-{secrets.token_hex(4)}"
    own = kubectl.within(name)
    metadata = {"name": name, "labels": {"kubesaga.dev/test": "true", **labels}}
    own.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    try:
        # Without its service account no pod is admitted yet.
        own.run("wait", "--for=create", "serviceaccount/default", f"--timeout={PATIENCE:g}s")
        yield own
    finally:
        own.run("delete", "namespace", name, "--wait=false", "--ignore-not-found")
