"""What the API server adds to new Jobs and pods, and what it lets nobody change in them and other built-in kinds."""

from __future__ import annotations

import json
from typing import Any

from tests.simulation.server.kinds import CONFIG_MAPS, EVENTS, JOBS, NAMESPACES, PODS, REVISIONS, Kind
from tests.simulation.server.refusals import IMMUTABLE, Cause

Obj = dict[str, Any]

_JOB_NAME = ("job-name", "batch.kubernetes.io/job-name")
_CONTROLLER_UID = ("controller-uid", "batch.kubernetes.io/controller-uid")
_JOB_DEFAULTS: Obj = {
    "parallelism": 1,
    "backoffLimit": 6,
    "completionMode": "NonIndexed",
    "suspend": False,
    "manualSelector": False,
}
_JOB_FIXED = ("completions", "selector", "template", "completionMode", "podFailurePolicy", "successPolicy", "managedBy")
_POD_DEFAULTS: Obj = {
    "restartPolicy": "Always",
    "terminationGracePeriodSeconds": 30,
    "dnsPolicy": "ClusterFirst",
    "schedulerName": "default-scheduler",
    "securityContext": {},
}
_CONTAINER_DEFAULTS: Obj = {
    "resources": {},
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
}


def completed(kind: Kind, obj: Obj) -> Obj:
    """A new object with what the server adds."""
    if kind is JOBS:
        return _job(obj)
    if kind is PODS:
        status = {"phase": "Pending", "qosClass": "BestEffort"}
        return {**obj, "spec": _pod_spec(obj.get("spec") or {}), "status": status}
    if kind is EVENTS:
        return {"eventTime": None, **obj}
    if kind is NAMESPACES:
        labels = {"kubernetes.io/metadata.name": obj["metadata"]["name"], **(obj["metadata"].get("labels") or {})}
        metadata = {**obj["metadata"], "labels": labels}
        return {**obj, "metadata": metadata, "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}
    return obj


def change_causes(kind: Kind, before: Obj, after: Obj) -> list[Cause]:
    """What an update changes that cannot be changed."""
    if kind is JOBS:
        return _fixed(before["spec"], after.get("spec") or {})
    if kind is CONFIG_MAPS and before.get("immutable"):
        return _sealed(before, after)
    if kind is REVISIONS and _content(before) != _content(after):
        return [Cause("data", f"Invalid value: {IMMUTABLE}")]
    return []


def patch_causes(kind: Kind) -> list[Cause]:
    """What no patch can change, whatever it says.

    A patch has a ControllerRevision's content written anew, with other white space than its author's, which then counts
    as a change.
    """
    return [Cause("data", f"Invalid value: {IMMUTABLE}")] if kind is REVISIONS else []


def _job(obj: Obj) -> Obj:
    metadata, spec = obj["metadata"], dict(obj.get("spec") or {})
    if "completions" not in spec and "parallelism" not in spec:
        spec["completions"] = 1
    replacement = "Failed" if "podFailurePolicy" in spec else "TerminatingOrFailed"
    spec = {**_JOB_DEFAULTS, "podReplacementPolicy": replacement, **spec}
    template = spec.get("template") or {}
    labels = (template.get("metadata") or {}).get("labels") or {}
    named = dict.fromkeys(_JOB_NAME, metadata["name"]) | dict.fromkeys(_CONTROLLER_UID, metadata["uid"]) | labels
    spec["template"] = {
        **template,
        "metadata": {**(template.get("metadata") or {}), "labels": named},
        "spec": _pod_spec(template.get("spec") or {}),
    }
    spec["selector"] = {"matchLabels": {_CONTROLLER_UID[1]: metadata["uid"]}}
    if not metadata.get("labels"):
        metadata = {**metadata, "labels": named}
    return {**obj, "metadata": metadata, "spec": spec, "status": {}}


def _pod_spec(spec: Obj) -> Obj:
    containers = [
        {**_CONTAINER_DEFAULTS, "imagePullPolicy": _pull_policy(container), **container}
        for container in spec.get("containers") or ()
    ]
    return {**_POD_DEFAULTS, **spec, "containers": containers}


def _pull_policy(container: Obj) -> str:
    _, _, tag = container.get("image", "").rpartition("/")[2].partition(":")
    return "Always" if tag in ("", "latest") else "IfNotPresent"


def _fixed(before: Obj, after: Obj) -> list[Cause]:
    return [
        Cause(f"spec.{field}", f"Invalid value: {IMMUTABLE}")
        for field in _JOB_FIXED
        if before.get(field) != after.get(field)
    ]


def _sealed(before: Obj, after: Obj) -> list[Cause]:
    message = "Forbidden: field is immutable when `immutable` is set"
    changed = [field for field in ("data", "binaryData") if before.get(field) != after.get(field)]
    if not after.get("immutable"):
        changed.insert(0, "immutable")
    return [Cause(field, message, "FieldValueForbidden") for field in changed]


def _content(revision: Obj) -> str:
    return json.dumps(revision.get("data"))
