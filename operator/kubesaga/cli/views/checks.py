"""What ``kubesaga doctor`` makes of what it has read: each judgement a line, with the remedy where it is not good.

Pure; ``commands.doctor`` reads the objects. A check that could not be made, because the user may not read what it
needs, is a warning: it says nothing about the cluster.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from kubesaga.api.constants import LABEL_STEP, LABEL_TASK, MAIN_CONTAINER
from kubesaga.api.times import epoch
from kubesaga.cli.views.times import span

Obj = Mapping[str, Any]

OLDEST_KUBERNETES = (1, 31)
LEASE_PATIENCE = 45.0
"""Seconds after which a Lease that lasts 15 and is renewed every 5 has lost its holder, whatever two clocks differ."""
_UPGRADE = "install or upgrade the chart of this version: helm upgrade --install kubesaga charts/kubesaga"
_PULL_FAILURES = frozenset({"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName"})


class Level(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the doctor: what was looked at, how it is, and what to do about it."""

    name: str
    level: Level
    message: str
    remedy: str = ""


def unknown(name: str, why: str) -> Check:
    """A check that could not be made."""
    return Check(name, Level.WARN, f"not known: {why}", "ask somebody who may read it, or for the right to")


def kubernetes(version: Obj) -> Check:
    """The API server's version, as GET /version has it."""
    major, minor = (int("".join(filter(str.isdigit, str(version.get(key, "")))) or 0) for key in ("major", "minor"))
    found = str(version.get("gitVersion", f"v{major}.{minor}"))
    if (major, minor) < OLDEST_KUBERNETES:
        return Check(
            "Kubernetes", Level.FAIL, f"{found} is too old", "Kubesaga needs 1.31 or newer: upgrade the cluster"
        )
    return Check("Kubernetes", Level.OK, found)


def no_namespace(name: str) -> Check:
    """The namespace that was asked about is not there."""
    return Check("Namespace", Level.FAIL, f"there is no namespace {name}", "name another with -n, or create it")


def definition(expected: Obj, found: Obj | None) -> Check:
    """One CRD: that it is there, served, and has the schema of this version of Kubesaga."""
    name = str(expected["metadata"]["name"])
    label = f"CRD {name}"
    if found is None:
        return Check(label, Level.FAIL, "is not there", _UPGRADE)
    if not _established(found):
        return Check(label, Level.FAIL, "is not served by the API server", f"kubectl describe crd {name}")
    wanted = expected["spec"]["versions"][0]
    versions = {version["name"]: version for version in found["spec"]["versions"]}
    there = versions.get(wanted["name"])
    if there is None:
        return Check(label, Level.FAIL, f"lacks the version {wanted['name']}", _UPGRADE)
    if there["schema"] != wanted["schema"]:
        message = "is of another version of Kubesaga than this program"
        return Check(label, Level.WARN, message, f"use the program of the operator's version, or {_UPGRADE}")
    return Check(label, Level.OK, f"{wanted['name']}, of this version")


def _established(found: Obj) -> bool:
    listed = (found.get("status") or {}).get("conditions") or ()
    return any(each["type"] == "Established" and each["status"] == "True" for each in listed)


def rights(may: Mapping[str, bool], namespace: str) -> list[Check]:
    """What the user may do, by the answers of access reviews: ``verb resource`` → allowed."""
    allowed = [right for right, allowed in may.items() if allowed]
    denied = [right for right, allowed in may.items() if not allowed]
    where = f"in namespace {namespace}"
    checks = [Check("Your rights", Level.OK, f"{where}: {', '.join(allowed)}")] if allowed else []
    if denied:
        remedy = "bind a ClusterRole of the release (view, task-edit, task-operate) or Kubernetes' view, edit, admin"
        checks.append(Check("Your rights", Level.WARN, f"not {where}: {', '.join(denied)}", remedy))
    return checks


def operator_rights(denied: Iterable[str], account: str) -> Check:
    """Whether the operator's service account may do what it needs."""
    listed = list(denied)
    if listed:
        remedy = "install the chart with rbac.create=true, or grant what it lists"
        return Check("Operator's rights", Level.FAIL, f"{account} may not: {', '.join(listed)}", remedy)
    return Check("Operator's rights", Level.OK, account)


def chosen(deployments: Iterable[Obj], namespace: str) -> Obj | None:
    """Of several operators the one that serves the namespace; else the first; None if there is none."""
    found = list(deployments)
    serving = [each for each in found if _serves(setting(each, "NAMESPACES"), namespace)]
    return next(iter(serving or found), None)


def setting(deployment: Obj, name: str) -> str | None:
    """What the operator was told by one of its environment variables; None for nothing."""
    for container in deployment["spec"]["template"]["spec"]["containers"]:
        for variable in container.get("env") or ():
            if variable["name"] == f"KUBESAGA_OPERATOR_{name}":
                return variable.get("value") or None
    return None


def deployment(found: Obj | None, version: str, pods: Iterable[Obj] = ()) -> Check:
    """The operator's Deployment: that it is there, ready, and of this program's version; ``pods`` tell why not."""
    if found is None:
        return Check("Operator", Level.FAIL, "no Deployment of the operator is there", _UPGRADE)
    meta = found["metadata"]
    where = f"{meta['namespace']}/{meta['name']}"
    wanted = found["spec"].get("replicas", 1)
    ready = (found.get("status") or {}).get("readyReplicas", 0)
    if ready < 1:
        remedy = f"kubectl -n {meta['namespace']} describe pod -l app.kubernetes.io/component=operator"
        why = "it is scaled to 0" if wanted == 0 else f"none of {wanted} replicas is ready{_waiting(pods)}"
        return Check("Operator", Level.FAIL, f"{where}: {why}", remedy)
    theirs = (meta.get("labels") or {}).get("app.kubernetes.io/version")
    message = f"{where}: {ready} of {wanted} replicas ready, version {theirs or 'unknown'}"
    if ready < wanted:
        return Check("Operator", Level.WARN, message + _waiting(pods), f"kubectl -n {meta['namespace']} get pods")
    if theirs != version:
        remedy = f"this program is {version}: use that of the operator's version"
        return Check("Operator", Level.WARN, message, remedy)
    return Check("Operator", Level.OK, message)


def _waiting(pods: Iterable[Obj]) -> str:
    """What the first container that waits waits for, such as its image."""
    for pod in pods:
        for container in (pod.get("status") or {}).get("containerStatuses") or ():
            waiting = (container.get("state") or {}).get("waiting")
            if waiting:
                return f": {pod['metadata']['name']} waits: {waiting.get('reason')} of {container.get('image')}"
    return ""


def lease(found: Obj | None, name: str, operator: Obj, now: float) -> Check:
    """Whether somebody leads: a Lease that is held and was renewed lately; ``operator`` is the Deployment."""
    meta = operator["metadata"]
    remedy = f"read the operator's log: kubectl -n {meta['namespace']} logs deployment/{meta['name']}"
    if found is None:
        return Check("Leader", Level.FAIL, f"there is no Lease {name}: the operator has never led", remedy)
    spec = found.get("spec") or {}
    holder, renewed = spec.get("holderIdentity"), spec.get("renewTime")
    if not holder or not renewed:
        return Check("Leader", Level.FAIL, f"nobody holds the Lease {name}", remedy)
    age = now - epoch(renewed)
    if age > LEASE_PATIENCE:
        return Check("Leader", Level.FAIL, f"{holder} has not renewed the Lease {name} for {span(age)}", remedy)
    return Check("Leader", Level.OK, f"{holder}, which renewed its Lease {span(age)} ago")


def served(namespace: str, watched: str | None) -> Check:
    """Whether the operator looks at the namespace; ``watched`` are those that it was told (None: all)."""
    if not _serves(watched, namespace):
        remedy = f"add {namespace} to operator.watchNamespaces of the chart"
        return Check("Namespace", Level.FAIL, f"the operator does not serve {namespace}, only {watched}", remedy)
    return Check("Namespace", Level.OK, f"the operator serves {namespace}")


def _serves(watched: str | None, namespace: str) -> bool:
    return watched is None or namespace in watched.split(",")


def image_pulls(pods: Iterable[Obj]) -> list[Check]:
    """The pods of Tasks whose image cannot be had; one good line where there is none."""
    checks = [check for pod in pods if (check := _image_pull(pod)) is not None]
    return checks or [Check("Images", Level.OK, "no pod of a Task waits for its image")]


def _image_pull(pod: Obj) -> Check | None:
    meta = pod["metadata"]
    labels = meta.get("labels") or {}
    for container in (pod.get("status") or {}).get("containerStatuses") or ():
        reason = ((container.get("state") or {}).get("waiting") or {}).get("reason")
        if container.get("name") == MAIN_CONTAINER and reason in _PULL_FAILURES:
            task = f"Task {labels.get(LABEL_TASK)}, step {labels.get(LABEL_STEP)}"
            message = f"{meta['namespace']}/{meta['name']} ({task}): {reason} of {container.get('image')}"
            remedy = "check the image's name, that the node reaches its registry, and pod.imagePullSecrets"
            return Check("Images", Level.FAIL, message, remedy)
    return None
