"""A node that has died with pods on it: a Node object that was ready once, and that no kubelet stands behind.

What runs there is bound to it by the scheduler and told of by the tests, as its kubelet would have done before it
died. Whatever is deleted there never goes: nobody is left to say that it has stopped.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime

from tests.cluster import tasks
from tests.cluster.kubectl import Kubectl, KubectlError, Manifest
from tests.cluster.namespaces import fresh_namespace
from tests.cluster.tasks import TASK, sh

KEY = "kubesaga.dev/test-node"
CANCELLED, DELETED = "cancelled", "deleted"
_UNREACHABLE = "node.kubernetes.io/unreachable"
_BREATH = 10.0
"""Seconds between two words of a node that lives, as of a kubelet; after some fifty in silence it counts as dead."""
_ROOM = {"cpu": "4", "memory": "4Gi", "pods": "10"}


@contextmanager
def stranded(operator: Kubectl) -> Iterator[Kubectl]:
    """A namespace whose Tasks run on a node that has died; one has been cancelled, the pod of one is being evicted.

    Kubernetes notices after less than a minute; the operator gives up waiting three minutes later.
    """
    with _dead_node(operator) as node, fresh_namespace(operator) as kubectl:
        kubectl.apply(
            *tasks.workflow(CANCELLED, _on(node, {"operator": "Exists"})),
            # Evicted as soon as the node is found to be out of reach.
            *tasks.workflow(
                DELETED,
                _on(
                    node,
                    {"key": KEY, "operator": "Exists"},
                    {"key": _UNREACHABLE, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 0},
                ),
            ),
        )
        with _alive(operator, node):
            for name in (CANCELLED, DELETED):
                _tell_of_a_start(kubectl, name)
                kubectl.until(TASK, name, lambda t: tasks.step(t, "work").get("state") == "InProgress", "running")
        cancel = {"spec": {"desiredState": "Cancelled", "cancellation": {"mode": "Terminate"}}}
        kubectl.run("patch", TASK, CANCELLED, "--type=merge", "-p", json.dumps(cancel))
        yield kubectl
        # With its Node the pods go as well, a minute later.


@contextmanager
def _dead_node(operator: Kubectl) -> Iterator[str]:
    name = f"ghost-{secrets.token_hex(4)}"
    taint = {"key": KEY, "value": name, "effect": "NoSchedule"}
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": {KEY: name}}}
    operator.create({**node, "spec": {"taints": [taint]}})
    try:
        _breathe(operator, name)
        yield name
    finally:
        operator.delete("node", name)


@contextmanager
def _alive(operator: Kubectl, node: str) -> Iterator[None]:
    """The node says that it is well for as long as the block runs, however long that is, and no longer."""
    over = threading.Event()

    def breathe() -> None:
        while not over.wait(_BREATH):
            with suppress(KubectlError):  # the next breath will do
                _breathe(operator, node)

    thread = threading.Thread(target=breathe)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _breathe(operator: Kubectl, node: str) -> None:
    now = _now()
    ready = {
        "type": "Ready",
        "status": "True",
        "reason": "KubeletReady",
        "message": "its last words",
        "lastHeartbeatTime": now,
        "lastTransitionTime": now,
    }
    _patch_status(operator, "node", node, {"capacity": _ROOM, "allocatable": _ROOM, "conditions": [ready]})


def _on(node: str, *tolerations: Manifest) -> Manifest:
    return sh("work", "true", pod={"nodeSelector": {KEY: node}, "tolerations": list(tolerations)})


def _tell_of_a_start(kubectl: Kubectl, task: str) -> None:
    uid = kubectl.until(TASK, task, lambda t: tasks.step(t, "work").get("jobName"), "enqueued")["metadata"]["uid"]
    selector = f"kubesaga.dev/task-uid={uid}"
    (pod,) = kubectl.until_listed("pods", selector, lambda pods: pods and pods[0]["spec"].get("nodeName"), "bound")
    (container,) = pod["spec"]["containers"]
    running = {
        "name": container["name"],
        "image": container["image"],
        "imageID": container["image"],
        "ready": True,
        "started": True,
        "restartCount": 0,
        "state": {"running": {"startedAt": _now()}},
    }
    _patch_status(kubectl, "pod", tasks.name_of(pod), {"phase": "Running", "containerStatuses": [running]})


def _patch_status(kubectl: Kubectl, kind: str, name: str, status: Manifest) -> None:
    patch = json.dumps({"status": status})
    kubectl.run("patch", kind, name, "--subresource=status", "--type=merge", "-p", patch)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
