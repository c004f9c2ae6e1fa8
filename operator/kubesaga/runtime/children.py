"""Sub-workflows seen from above: the child Task of a step, built, recognised, and read.

``launches`` creates a child where the engine launches a step of kind Task, ``attempts`` reads what has become of it. A
step has one child for ever: a retry of the step reopens it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kubesaga.api import constants as c
from kubesaga.api.request import child_request
from kubesaga.api.status import read_status
from kubesaga.engine import kinship
from kubesaga.engine.plan import ChildTask
from kubesaga.engine.records import ResultRef, StepError, TaskStatus
from kubesaga.engine.snapshot import Child
from kubesaga.engine.vocabulary import DeletionPolicy, DesiredState, TaskOutcome, TaskState
from kubesaga.kube.client import KubeError
from kubesaga.runtime.ownership import owner_references
from kubesaga.runtime.refusals import Refusal
from kubesaga.runtime.results import ResultMissing, Results

Obj = dict[str, Any]

GONE = Child(gone=True)
FOREIGN = Child(foreign=True)


def build_child(
    parent: Obj,
    step: str,
    name: str,
    child: ChildTask,
    context: Mapping[str, Any],
    policy: DeletionPolicy,
    identities: Mapping[str, str] | None = None,
) -> Obj:
    """The child Task of a step. ``policy`` is the parent's: under Compensate it must outlive a foreground deletion.
    ``identities`` are the labels of those that the parent works for."""
    meta = _metadata(parent, step, name, policy)
    meta["labels"] |= identities or {}
    return {
        "apiVersion": c.API_VERSION,
        "kind": c.TASK_KIND,
        "metadata": meta,
        "spec": child_request(parent, child, context),
    }


def build_fence(parent: Obj, step: str, name: str, child: ChildTask, attempt: int, policy: DeletionPolicy) -> Obj:
    """A Task that takes the child's name and ends at once, so that a create that arrives late finds it taken.

    It stands for attempts up to this one; a later attempt puts the real child in its place.
    """
    fence = build_child(parent, step, name, child, {}, policy)
    fence["metadata"]["labels"] |= {c.LABEL_FENCE: "true", c.LABEL_ATTEMPT: str(attempt)}
    fence["spec"]["desiredState"] = str(DesiredState.CANCELLED)
    return fence


def belongs_to(task: Obj, parent: Obj, step: str) -> bool:
    """Whether a Task found under a child's name says that it is the child of this step."""
    labels = task["metadata"].get("labels") or {}
    return _family_labels(parent, step).items() <= labels.items()


def asks_the_same(found: Obj, wanted: Obj) -> bool:
    """Whether a Task found under a child's name runs what the child would: anybody may write labels."""
    return _request(found) == _request(wanted)


def fenced_attempt(task: Obj) -> int | None:
    """The latest attempt that a child Task only takes the name for; None if it is a real one."""
    labels = task["metadata"].get("labels") or {}
    if c.LABEL_FENCE not in labels:
        return None
    number = labels.get(c.LABEL_ATTEMPT, "")
    return int(number) if number.isdecimal() else 0


async def read_child(task: Obj, results: Results) -> Child:
    """What the parent's decision needs to know of a child. Raises KubeError."""
    status = read_status(task.get("status"))
    seen = kinship.seen_child(status, fence=fenced_attempt(task) is not None)
    return await _with_result(seen, status, task["metadata"]["namespace"], results)


async def _with_result(seen: Child, status: TaskStatus, namespace: str, results: Results) -> Child:
    """A large result is handed up as a value: what it stands in goes with the child."""
    if not isinstance(status.result, ResultRef):
        return seen
    try:
        values = await results.load(namespace, [status.result])
    except ResultMissing as error:
        return Child(state=TaskState.ERROR, outcome=TaskOutcome.FAILED, message=str(error), obeyed=seen.obeyed)
    return replace(seen, result=values[status.result.name])


def refusal(error: KubeError) -> Refusal | None:
    """What a failed create of a child Task says about the attempt; None for a passing fault of the API server."""
    if error.invalid:
        what = StepError(
            "ChildRefused",
            f"the API server does not accept the step's child Task: {error.message}. Correct the template.",
            retryable=False,
        )
        return Refusal(what, hopeless=True)
    if error.forbidden:
        type_ = "QuotaExceeded" if "exceeded quota" in error.message else "ChildForbidden"
        return Refusal(StepError(type_, f"the step's child Task was refused: {error.message}"), hopeless=False)
    return None


def name_taken(name: str) -> Refusal:
    """The refusal of a child whose name is that of a Task which is not the step's."""
    error = StepError("NameTaken", f"a Task {name} that is not this step's child was there before", retryable=False)
    return Refusal(error, hopeless=True, name_taken=True)


def _metadata(parent: Obj, step: str, name: str, policy: DeletionPolicy) -> Obj:
    meta = parent["metadata"]
    return {
        "name": name,
        "namespace": meta["namespace"],
        "labels": {
            c.LABEL_MANAGED_BY: c.MANAGED_BY,
            c.LABEL_TASK: meta["name"],
            **_family_labels(parent, step),
        },
        "ownerReferences": owner_references(parent, policy),
    }


def _family_labels(parent: Obj, step: str) -> dict[str, str]:
    return {c.LABEL_PARENT_UID: parent["metadata"]["uid"], c.LABEL_PARENT_STEP: step}


def _request(task: Obj) -> tuple[Any, ...]:
    spec = task["spec"]
    reference = spec["templateRef"]
    called = (reference.get("domain", c.DEFAULT_DOMAIN), reference["name"], reference.get("version"))
    return (*called, spec.get("context") or {}, spec.get("options") or {}, spec.get("bypassSteps") or [])
