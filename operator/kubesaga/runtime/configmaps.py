"""The immutable ConfigMaps of a Task: what is too large for its status or for a Job.

Large results, large inputs and the older history are written once, before the object that refers to them, and are never
changed. ``results``, ``inputs`` and ``apply`` build and store them here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubesaga.api import constants as c
from kubesaga.engine.vocabulary import DeletionPolicy
from kubesaga.kube.client import Kube, KubeError, configmaps_path
from kubesaga.runtime.ownership import owner_references

Obj = dict[str, Any]

_WHOSE = (c.LABEL_MANAGED_BY, c.LABEL_TASK, c.LABEL_TASK_UID, c.LABEL_CONTENT)


class NameTaken(KubeError):
    """A ConfigMap of this name holds something else; the message says what to do. Trying again changes nothing."""

    def __init__(self, namespace: str, name: str) -> None:
        super().__init__(
            422,
            "NameTaken",
            f"ConfigMap {name} in namespace {namespace} is in the way: it was not made for this Task, or was changed. "
            "Find out who creates ConfigMaps under Kubesaga's names, and delete it",
        )


def build_config_map(
    task: Mapping[str, Any],
    policy: DeletionPolicy,
    name: str,
    content: str,
    data: Mapping[str, str],
    annotations: Mapping[str, str] | None = None,
    labels: Mapping[str, str] | None = None,
) -> Obj:
    """An immutable ConfigMap of the Task. ``content`` is one of the constants CONTENT_*."""
    meta = task["metadata"]
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name,
            "namespace": meta["namespace"],
            "labels": {
                c.LABEL_MANAGED_BY: c.MANAGED_BY,
                c.LABEL_TASK: meta["name"],
                c.LABEL_TASK_UID: meta["uid"],
                c.LABEL_CONTENT: content,
                **(labels or {}),
            },
            "annotations": dict(annotations or {}),
            "ownerReferences": owner_references(task, policy),
        },
        "immutable": True,
        "data": dict(data),
    }


async def put_config_map(kube: Kube, obj: Obj) -> None:
    """Create it; one that an earlier pass has created is as good. Raises KubeError, NameTaken among them."""
    meta = obj["metadata"]
    try:
        await kube.create(configmaps_path(meta["namespace"]), obj)
    except KubeError as error:
        if not error.already_exists:
            raise
        found = await kube.get(configmaps_path(meta["namespace"], meta["name"]))
        if not _is_the_same(found, obj):
            raise NameTaken(meta["namespace"], meta["name"]) from error


def _is_the_same(found: Obj, wanted: Obj) -> bool:
    labels = found["metadata"].get("labels") or {}
    if any(labels.get(label) != wanted["metadata"]["labels"][label] for label in _WHOSE):
        return False
    # An input tells how the Task stood when its attempt was first to be launched; the first one stands.
    is_input = labels[c.LABEL_CONTENT] == c.CONTENT_INPUT
    return is_input or bool((found.get("data") or {}) == wanted["data"])
