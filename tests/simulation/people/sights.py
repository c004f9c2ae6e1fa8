"""What a human sees who looks at the cluster: the Task at the end of a path, a step's newest Job, the steps that fit.

Asked by ``people`` and ``decisions``.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from kubesaga.api import constants as c
from kubesaga.engine.states import LIVE_STEP_STATES
from kubesaga.engine.vocabulary import ActionType, StepState, TaskState
from tests.simulation.plan import Obj
from tests.simulation.server.api_server import ApiServer

NAMESPACE = "default"
_UNFINISHED = frozenset(StepState) - {StepState.COMPLETE, StepState.CANCELLED, StepState.RESOLVED_MANUALLY}
_FITTING = {
    ActionType.RETRY: frozenset({StepState.ERROR}),
    ActionType.SKIP: frozenset({StepState.PENDING, StepState.ERROR, StepState.WAITING_FOR_RETRY}),
    ActionType.FAIL: frozenset({StepState.PENDING, StepState.WAITING_FOR_RETRY, *LIVE_STEP_STATES}),
    ActionType.COMPLETE: _UNFINISHED,
    ActionType.RESOLVE: _UNFINISHED,
    ActionType.APPROVE: LIVE_STEP_STATES,
    ActionType.REJECT: LIVE_STEP_STATES,
}


def task_at(server: ApiServer, path: str) -> Obj | None:
    """The Task of this name, or the one that a step of it runs."""
    name, *steps = path.split("/")
    task = server.peek(c.TASK_PLURAL, NAMESPACE, name)
    for step in steps:
        record = next((each for each in steps_of(task) if each["name"] == step), {}) if task else {}
        child = record.get("childName")
        task = server.peek(c.TASK_PLURAL, NAMESPACE, child) if child else None
    return task


def status_of(task: Obj) -> Obj:
    """Its status, which may be empty."""
    found: Obj = task.get("status") or {}
    return found


def steps_of(task: Obj) -> list[Obj]:
    """The records of its steps."""
    found: list[Obj] = status_of(task).get("steps") or []
    return found


def newest(server: ApiServer, resource: str, task: Obj, step: str, role: str, random: Random) -> Obj | None:
    """The Job or pod of a step's latest attempt; of any step's if ``step`` is ``?``, first of one that runs."""
    uid = task["metadata"]["uid"]
    found = sorted(_workloads(server, resource, uid, role), key=_age)
    if step != "?":
        return next((obj for obj in reversed(found) if obj["metadata"]["labels"][c.LABEL_STEP] == step), None)
    running = [obj for obj in found if not _is_over(obj)]
    return random.choice(running or found) if found else None


def fitting_steps(task: Obj, type_: str) -> list[str]:
    """The steps that the action may be about, as far as a glance at the status tells."""
    kind = ActionType(type_)
    if kind in (ActionType.RETRY_COMPENSATION, ActionType.MARK_COMPENSATED):
        return [step["name"] for step in steps_of(task) if _undoing_failed(step)]
    if kind is ActionType.CONFIRM_STOPPED:
        return [step["name"] for step in steps_of(task) if "stop" in step or "stop" in (step.get("compensation") or {})]
    states = _FITTING.get(kind, frozenset())
    return [
        step["name"] for step in steps_of(task) if step["state"] in states and (_is_open(step) or not _answers(kind))
    ]


def fits(task: Obj, type_: str) -> bool:
    """Whether an action on the Task as a whole has something to act on."""
    if ActionType(type_) is ActionType.GIVE_UP:
        return bool(status_of(task).get("state") == TaskState.BLOCKED_BY_FAILURES)
    if ActionType(type_) in (ActionType.RETRY, ActionType.RETRY_COMPENSATION):
        return bool(fitting_steps(task, type_))
    return True


def open_approvals(task: Obj) -> list[str]:
    """The steps that wait for a human's word."""
    return [step["name"] for step in steps_of(task) if step["state"] in LIVE_STEP_STATES and _is_open(step)]


def attention(task: Obj) -> str | None:
    """Why the Task needs a human, if it does."""
    for condition in status_of(task).get("conditions") or ():
        if condition["type"] == c.NEEDS_ATTENTION and condition["status"] == "True":
            return str(condition["reason"])
    return None


def _answers(kind: ActionType) -> bool:
    return kind in (ActionType.APPROVE, ActionType.REJECT)


def _is_open(step: Obj) -> bool:
    """Whether it has neither Job nor child: an approval."""
    return "jobName" not in step and "childName" not in step


def _undoing_failed(step: Obj) -> bool:
    return bool((step.get("compensation") or {}).get("state") == StepState.ERROR)


def _workloads(server: ApiServer, resource: str, uid: str, role: str) -> Iterator[Obj]:
    for obj in server.all(resource, NAMESPACE):
        labels = obj["metadata"].get("labels") or {}
        if labels.get(c.LABEL_TASK_UID) == uid and labels.get(c.LABEL_ROLE) == role:
            yield obj


def _age(obj: Obj) -> tuple[int, str]:
    return int(obj["metadata"]["labels"].get(c.LABEL_ATTEMPT, 0)), str(obj["metadata"]["name"])


def _is_over(obj: Obj) -> bool:
    status = obj.get("status") or {}
    if obj["kind"] == "Pod":
        return status.get("phase") in ("Succeeded", "Failed")
    return any(each["type"] in ("Complete", "Failed") for each in status.get("conditions") or ())
