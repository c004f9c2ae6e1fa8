"""Objects that the scenarios create."""

from __future__ import annotations

from typing import Any

from kubesaga.api import constants as c
from tests.simulation.contract.server import Obj


def task(name: str, meta: Obj | None = None, **spec: Any) -> Obj:
    """A Task."""
    return {
        "apiVersion": c.API_VERSION,
        "kind": c.TASK_KIND,
        "metadata": {"name": name, **(meta or {})},
        "spec": {"templateRef": {"name": "order"}, **spec},
    }


def action(name: str) -> Obj:
    """A TaskAction."""
    return {
        "apiVersion": c.API_VERSION,
        "kind": c.ACTION_KIND,
        "metadata": {"name": name},
        "spec": {"taskRef": {"name": "t"}, "type": "Retry", "requestedBy": "carol"},
    }


def template(name: str, *steps: Obj, **spec: Any) -> Obj:
    """A TaskTemplate."""
    return {
        "apiVersion": c.API_VERSION,
        "kind": c.TEMPLATE_KIND,
        "metadata": {"name": name},
        "spec": {"version": "1.0.0", "steps": list(steps), **spec},
    }


def config_map(name: str, meta: Obj | None = None, **fields: Any) -> Obj:
    """A ConfigMap."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **(meta or {})}, **fields}


def owned_by(owner: Obj, *, blocks: bool = False) -> Obj:
    """For ``ownerReferences``."""
    reference = {"apiVersion": owner["apiVersion"], "kind": owner["kind"]}
    reference |= {"name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"]}
    return {**reference, "blockOwnerDeletion": True} if blocks else reference


def job(name: str, meta: Obj | None = None, **spec: Any) -> Obj:
    """A Job that the Job controller leaves alone."""
    pod = {"restartPolicy": "Never", "containers": [{"name": "step", "image": "image"}]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, **(meta or {})},
        "spec": {"managedBy": "example.com/nobody", "template": {"spec": pod}, **spec},
    }


def pod(name: str, meta: Obj | None = None, **spec: Any) -> Obj:
    """A pod that no scheduler and no kubelet cares for."""
    nobodys = {"schedulerName": "nobody", "automountServiceAccountToken": False}
    containers = [{"name": "step", "image": "image"}]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, **(meta or {})},
        "spec": {**nobodys, "containers": containers, **spec},
    }


def lease(name: str, holder: str, **meta: Any) -> Obj:
    """A Lease."""
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": name, **meta},
        "spec": {"holderIdentity": holder, "leaseDurationSeconds": 15},
    }


def revision(name: str, data: Obj) -> Obj:
    """A ControllerRevision."""
    return {
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {"name": name},
        "revision": 1,
        "data": data,
    }


def event(name: str, namespace: str, about: Obj) -> Obj:
    """An Event."""
    reference = {"kind": about["kind"], "namespace": namespace, "name": about["metadata"]["name"]}
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name},
        "involvedObject": reference,
        "type": "Normal",
        "reason": "Started",
        "message": "it began",
        "count": 1,
        "firstTimestamp": "2026-11-20T14:26:29Z",
        "lastTimestamp": "2026-11-20T14:26:29Z",
        "source": {"component": "contract"},
        "reportingComponent": "contract",
        "reportingInstance": "the-script",
    }


def with_meta(obj: Obj, **meta: Any) -> Obj:
    """The object with other metadata; None takes a field away."""
    changed = {**obj["metadata"], **meta}
    return {**obj, "metadata": {key: value for key, value in changed.items() if value is not None}}
