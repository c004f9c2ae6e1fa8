"""No room in a namespace: a ResourceQuota that is in force before anything is asked of it."""

from __future__ import annotations

from tests.cluster.kubectl import Kubectl

_NAME = "tight"


def leave_no_room(kubectl: Kubectl, resource: str) -> None:
    """Admit no more of a resource: `pods`, `count/jobs.batch`.

    Kubernetes enforces a quota only once its controller has written into the status what it limits.
    """
    metadata = {"name": _NAME}
    kubectl.apply(
        {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": {resource: "0"}}}
    )
    kubectl.until("resourcequota", _NAME, lambda quota: quota.get("status", {}).get("hard"), "in force")


def leave_room_again(kubectl: Kubectl) -> None:
    """Lift the quota."""
    kubectl.run("delete", "resourcequota", _NAME)
