"""Tasks and TaskActions as the API server holds them, for tests of the runtime."""

from __future__ import annotations

from typing import Any

from kubesaga.api.constants import (
    API_VERSION,
    LABEL_PARENT_STEP,
    LABEL_PARENT_UID,
    LABEL_TASK,
    LABEL_TASK_UID,
)
from kubesaga.api.times import rfc3339
from kubesaga.runtime.cache import Obj

NS = "shop"


def task(name: str, state: str | None = None, *, created: float = 0, **parts: Any) -> Obj:
    """A Task of template ``order``; ``spec``, ``status`` and ``metadata`` add to it."""
    metadata = {"name": name, "namespace": NS, "creationTimestamp": rfc3339(created), "generation": 1}
    status = {"state": state} if state else {}
    return {
        "apiVersion": API_VERSION,
        "kind": "Task",
        "metadata": {**metadata, **parts.get("metadata", {})},
        "spec": {"templateRef": {"name": "order"}, **parts.get("spec", {})},
        "status": {**status, **parts.get("status", {})},
    }


def child_of(parent: Obj, step: str, name: str, state: str | None = None, **parts: Any) -> Obj:
    """A Task that is labelled as the child of a parent's step."""
    labels = {
        LABEL_TASK: parent["metadata"]["name"],
        LABEL_PARENT_UID: parent["metadata"]["uid"],
        LABEL_PARENT_STEP: step,
    }
    metadata = {**parts.pop("metadata", {}), "labels": labels}
    return task(name, state, metadata=metadata, **parts)


def action(name: str, on: str, type_: str = "Retry", *, created: float = 0, **spec: Any) -> Obj:
    """An action on the Task of this name."""
    metadata = {"name": name, "namespace": NS, "creationTimestamp": rfc3339(created), "generation": 1}
    return {
        "apiVersion": API_VERSION,
        "kind": "TaskAction",
        "metadata": metadata,
        "spec": {"taskRef": {"name": on}, "type": type_, "requestedBy": "ann", **spec},
    }


def job(name: str, task_uid: str, *, created: float = 0) -> Obj:
    """A Job that bears a Task's UID."""
    metadata = {
        "name": name,
        "namespace": NS,
        "creationTimestamp": rfc3339(created),
        "labels": {LABEL_TASK_UID: task_uid},
    }
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": {}, "status": {}}
