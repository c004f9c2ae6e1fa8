"""What the patient human decides about a Task that waits: tried out at first, in the end such that the Task ends.

Called by ``people`` when a run is at rest.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from kubesaga.engine.states import TERMINAL_TASK_STATES
from kubesaga.engine.vocabulary import ActionType, DesiredState, StepState, TaskState
from tests.simulation.people import sights
from tests.simulation.plan import Act, ChangeTask, DeletePod, HumanAct, Obj

_REPAIRS = (
    ActionType.RETRY,
    ActionType.RETRY,
    ActionType.COMPLETE,
    ActionType.RESOLVE,
    ActionType.SKIP,
    ActionType.GIVE_UP,
)
_NO_TEMPLATE = frozenset({TaskState.PENDING, ""})
_CANCEL: Obj = {"desiredState": "Cancelled", "cancellation": {"mode": "Terminate"}}

Decision = list[HumanAct]


def decide(task: Obj, random: Random, *, is_patient: bool) -> Decision:
    """What is done about it; nothing if it has ended or waits for another Task only."""
    status = sights.status_of(task)
    if status.get("state") in TERMINAL_TASK_STATES:
        return []
    for looks in (_suspended, _stuck, _approvals, _blocked):
        found = looks(task, random, is_patient)
        if found:
            return found
    if status.get("state", "") in _NO_TEMPLATE or not is_patient:
        return _end(task)
    return []


def _suspended(task: Obj, random: Random, is_patient: bool) -> Decision:
    if (task["spec"].get("desiredState") or "") != DesiredState.SUSPENDED:
        return []
    if is_patient and random.random() < 0.2:
        return _end(task)
    return [ChangeTask(0.0, _name(task), {"desiredState": "Running"})]


def _stuck(task: Obj, random: Random, is_patient: bool) -> Decision:
    """By the reason of NeedsAttention."""
    reason = sights.attention(task)
    remedy = _REMEDIES.get(reason or "")
    return remedy(task, random, is_patient) if remedy else []


def _undo_failed(task: Obj, random: Random, is_patient: bool) -> Decision:
    type_ = random.choice([ActionType.RETRY_COMPENSATION, ActionType.MARK_COMPENSATED, ActionType.ABANDON])
    if not is_patient:
        type_ = random.choice([ActionType.MARK_COMPENSATED, ActionType.ABANDON])
    spec = {"step": "?"} if type_ is ActionType.MARK_COMPENSATED else {}
    return [_act(task, type_, spec)]


def _not_stopped(task: Obj, random: Random, _: bool) -> Decision:
    """The pods of a dead node are taken away, or a human says that they are gone."""
    if random.random() < 0.3:
        roles = ("forward", "compensation")
        return [DeletePod(0.0, _name(task), "?", role, force=True) for role in roles]  # type: ignore[arg-type]
    return [_act(task, ActionType.CONFIRM_STOPPED, {"step": "?"})]


def _approvals(task: Obj, random: Random, is_patient: bool) -> Decision:
    decided = []
    for name in sights.open_approvals(task):
        types = [ActionType.APPROVE, ActionType.APPROVE, ActionType.REJECT]
        type_ = random.choice([*types, ActionType.COMPLETE, ActionType.RESOLVE] if is_patient else types)
        decided.append(_act(task, type_, {"step": name}))
    return [*decided]


def _blocked(task: Obj, random: Random, is_patient: bool) -> Decision:
    if sights.status_of(task).get("state") != TaskState.BLOCKED_BY_FAILURES:
        return []
    type_ = random.choice(_REPAIRS) if is_patient else ActionType.GIVE_UP
    failed = [step["name"] for step in sights.steps_of(task) if step["state"] == StepState.ERROR]
    if not failed or type_ is ActionType.GIVE_UP:
        return [_act(task, ActionType.GIVE_UP, {})]
    return [_act(task, type_, {"step": random.choice(failed)})]


def _lost_child(task: Obj, random: Random, is_patient: bool) -> Decision:
    type_ = random.choice([ActionType.COMPLETE, ActionType.RESOLVE, ActionType.FAIL])
    return [_act(task, type_, {"step": "?"})] if is_patient else _end(task)


def _end(task: Obj) -> Decision:
    """It is to end; what is being undone already is left as it is."""
    name = _name(task)
    if sights.status_of(task).get("state") == TaskState.COMPENSATING:
        return [Act(0.0, name, str(ActionType.ABANDON))]
    return [ChangeTask(0.0, name, _CANCEL)]


_REMEDIES: dict[str, Callable[[Obj, Random, bool], Decision]] = {
    "CompensationFailed": _undo_failed,
    "StepNotStopped": _not_stopped,
    "ChildMissing": _lost_child,
}


def _act(task: Obj, type_: ActionType, spec: Obj) -> Act:
    return Act(0.0, _name(task), str(type_), spec)


def _name(task: Obj) -> str:
    return str(task["metadata"]["name"])
