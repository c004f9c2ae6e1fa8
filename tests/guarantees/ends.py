"""How a Task may end: what one write may change of a decided end, of one that is reached, of what is to be undone.

The second half of what is asked of every write, after ``changes``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kubesaga.api import constants as c
from kubesaga.engine.vocabulary import EndingPhase, EndingTrigger, StepKind, TaskEvent, TaskOutcome
from tests.guarantees.attempts import DONE, ENDED, FORWARD, LIVE, NOTHING, Obj, state_of, state_of_record
from tests.guarantees.breach import Breach
from tests.guarantees.changes import TaskChange
from tests.guarantees.identifiers import Guarantee
from tests.guarantees.workflow import Workflow

_AFTER_THE_END = frozenset(
    {TaskEvent.REOPEN.value, TaskEvent.RESOLVE.value, TaskEvent.COMPENSATE_REQUESTED.value},
)
_PHASES = [phase.value for phase in EndingPhase]
_UNDONE = frozenset({TaskOutcome.COMPENSATED.value, TaskOutcome.COMPENSATION_FAILED.value})
_BY_STRATEGY = frozenset({EndingTrigger.FAILED.value, EndingTrigger.DEADLINE.value, EndingTrigger.STALE.value})
_SAID_AT_THE_END = ("state", "outcome", "finishedAt", "result", "resultRef", "ending", "run")


def check_final(change: TaskChange) -> Iterator[Breach]:
    """ends-are-final."""
    was = state_of(change.before)
    if was not in ENDED:
        return
    events = change.task_events
    if events:
        if events[0] not in _AFTER_THE_END:
            yield change.breach(Guarantee.ENDS_ARE_FINAL, f"{was} was left by {events[0]} for {state_of(change.after)}")
        return
    for field in _SAID_AT_THE_END:
        if change.old.get(field) != change.new.get(field):
            said = f"{field} was {change.old.get(field)!r} and is {change.new.get(field)!r}, without an event"
            yield change.breach(Guarantee.ENDS_ARE_FINAL, said)
    for moved in change.moved:
        if moved.before.get("state") != moved.after.get("state"):
            said = f"went from {moved.before.get('state')} to {moved.after.get('state')} after the Task's end"
            yield change.breach(Guarantee.ENDS_ARE_FINAL, said, moved)


def check_decided(change: TaskChange) -> Iterator[Breach]:
    """decided-end-is-kept."""
    old, new = change.old.get("ending"), change.new.get("ending")
    if old != new and old and not _is_another_end(change):
        yield from _check_kept(change, old, new)
    if old is None and new is None:
        return
    ended = state_of(change.after) in ENDED
    if ended and new and change.new.get("outcome") != new["outcome"]:
        said = f"decided was {new['outcome']}, the outcome is {change.new.get('outcome')}"
        yield change.breach(Guarantee.DECIDED_END_IS_KEPT, said)
    if ended and new and new["phase"] != EndingPhase.DONE.value:
        yield change.breach(Guarantee.DECIDED_END_IS_KEPT, f"it is {state_of(change.after)} in phase {new['phase']}")


def _is_another_end(change: TaskChange) -> bool:
    """A Task that is taken up again, resolved after its end, or undone for its parent, ends anew."""
    again = {TaskEvent.REOPEN.value, TaskEvent.COMPENSATE_REQUESTED.value}
    resolved = state_of(change.before) in ENDED and TaskEvent.RESOLVE.value in change.task_events
    return resolved or not again.isdisjoint(change.task_events)


def _check_kept(change: TaskChange, old: Obj, new: Obj | None) -> Iterator[Breach]:
    if new is None:
        yield change.breach(Guarantee.DECIDED_END_IS_KEPT, f"{dict(old)} was dropped")
        return
    for field in ("trigger", "at", "compensate"):
        if old.get(field) != new.get(field):
            said = f"{field} was {old.get(field)!r} and is {new.get(field)!r}"
            yield change.breach(Guarantee.DECIDED_END_IS_KEPT, said)
    undone = bool((change.new.get("compensation") or NOTHING).get("plan")) and new["outcome"] in _UNDONE
    if old["outcome"] != new["outcome"] and not (undone and old["phase"] != EndingPhase.FINALLY.value):
        yield change.breach(Guarantee.DECIDED_END_IS_KEPT, f"outcome was {old['outcome']} and is {new['outcome']}")
    if _PHASES.index(new["phase"]) < _PHASES.index(old["phase"]):
        yield change.breach(Guarantee.DECIDED_END_IS_KEPT, f"phase went back from {old['phase']} to {new['phase']}")


def check_no_new_work(change: TaskChange) -> Iterator[Breach]:
    """no-new-work-once-ending."""
    if change.old.get("ending") is None or change.old.get("run") != change.new.get("run"):
        return
    for moved in change.moved:
        if moved.role == FORWARD and moved.begins and not moved.after.get("final"):
            said = f"was begun although the end was decided: {dict(change.old['ending'])}"
            yield change.breach(Guarantee.NO_NEW_WORK_ONCE_ENDING, said, moved)


def check_due(change: TaskChange) -> Iterator[Breach]:
    """due-undoing-done-or-named, as the end is decided and the plan of undoing is written down."""
    workflow = change.workflow
    if workflow is None:
        return
    old, new = change.old.get("ending"), change.new.get("ending")
    if new and (old is None or old["trigger"] != new["trigger"]) and not _fits(change, workflow, new):
        said = f"compensate is {bool(new.get('compensate'))} where the end is decided by {new['trigger']}"
        yield change.breach(Guarantee.DUE_UNDOING_DONE_OR_NAMED, said)
    was, now = change.old.get("compensation"), change.new.get("compensation")
    if was and not now:
        yield change.breach(Guarantee.DUE_UNDOING_DONE_OR_NAMED, "the plan of what is to be undone was dropped")
    elif was and now and was["plan"] != now["plan"]:
        said = f"the plan was {_names(was)} and is {_names(now)}"
        yield change.breach(Guarantee.DUE_UNDOING_DONE_OR_NAMED, said)
    elif now and not was:
        yield from _check_frozen(change, workflow, now)
    elif new and new.get("compensate") and new["phase"] in _PHASES[2:] and not now:
        yield from _missing(change, workflow, frozenset())


def _fits(change: TaskChange, workflow: Workflow, ending: Obj) -> bool:
    """Whether undoing is decided as the template, the user or the parent says."""
    trigger, compensate = ending["trigger"], bool(ending.get("compensate"))
    if trigger == EndingTrigger.RESOLVED.value and (change.before is None or state_of(change.before) in ENDED):
        return True  # it keeps what was decided when it failed
    if trigger in _BY_STRATEGY:
        return compensate is workflow.compensates
    if trigger == EndingTrigger.CANCELLED.value:
        return compensate is bool((change.after["spec"].get("cancellation") or NOTHING).get("compensate"))
    return compensate is (trigger in {EndingTrigger.DELETED.value, EndingTrigger.REQUESTED.value})


def _check_frozen(change: TaskChange, workflow: Workflow, saga: Obj) -> Iterator[Breach]:
    """Everything that may exist is in the plan, in the reverse order of the whole graph, and nothing runs any more."""
    planned = frozenset(entry["step"] for entry in saga["plan"])
    yield from _missing(change, workflow, planned)
    befores = {entry["step"]: entry.get("after") or () for entry in saga["plan"]}
    for name in planned:
        for later in sorted(workflow.after[name] & planned):
            if not _leads(name, later, befores):
                said = f"{name} is planned to be undone before {later}, which came after it: {befores}"
                yield change.breach(Guarantee.UNDONE_IN_REVERSE, said)
    running = [step["name"] for step in change.new.get("steps") or () if step.get("state") in LIVE]
    if running and planned:
        yield change.breach(
            Guarantee.NO_UNDOING_BESIDE_WORK, f"undoing was planned while these are under way: {running}"
        )


def _missing(change: TaskChange, workflow: Workflow, planned: frozenset[str]) -> Iterator[Breach]:
    for record in change.new.get("steps") or ():
        name = record["name"]
        if name in workflow.steps and workflow.is_due(name, record) is not (name in planned):
            verb = "is not" if name not in planned else "is"
            said = f"{name} {verb} in the plan: {record.get('state')}, attempt {record.get('attempt', 0)}"
            yield change.breach(Guarantee.DUE_UNDOING_DONE_OR_NAMED, said)


def _leads(start: str, to: str, befores: dict[str, tuple[str, ...]]) -> bool:
    """Whether undoing ``start`` waits for the undoing of ``to``."""
    seen: set[str] = set()
    todo = list(befores[start])
    while todo:
        name = todo.pop()
        if name == to:
            return True
        if name not in seen:
            seen.add(name)
            todo.extend(befores.get(name, ()))
    return False


def check_order(change: TaskChange) -> Iterator[Breach]:
    """dependencies-first and undone-in-reverse, for what is begun by this write."""
    workflow = change.workflow
    begun = [moved for moved in change.moved if moved.begins]
    if workflow is None or not begun:
        return
    records = {step["name"]: step for step in change.new["steps"]}
    states = {name: state_of_record(record) for name, record in records.items()}
    for moved in begun:
        if moved.role == FORWARD:
            waits = workflow.unsatisfied(workflow.steps[moved.step], states)
            if waits:
                yield change.breach(Guarantee.DEPENDENCIES_FIRST, f"was begun while {waits} is {states[waits]}", moved)
            continue
        planned = {entry["step"] for entry in (change.new.get("compensation") or NOTHING).get("plan") or ()}
        if moved.step not in planned:
            yield change.breach(Guarantee.UNDONE_IN_REVERSE, f"was begun although the plan is {sorted(planned)}", moved)
        for later in sorted(workflow.after[moved.step] & planned):
            undone = state_of_record(records[later].get("compensation") or NOTHING)
            if undone not in DONE:
                yield change.breach(
                    Guarantee.UNDONE_IN_REVERSE, f"was begun while the undoing of {later} is {undone}", moved
                )


def check_ended(change: TaskChange) -> Iterator[Breach]:
    """success-is-true and due-undoing-done-or-named, as a Task ends."""
    if state_of(change.after) not in ENDED or not change.task_events:
        return
    records = change.new.get("steps") or ()
    if state_of(change.after) == "Complete":
        yield from _check_success(change, records)
    saga = change.new.get("compensation") or NOTHING
    left = {
        entry["step"]
        for entry in saga.get("plan") or ()
        if state_of_record(_undoing(records, entry["step"])) not in DONE
    }
    unnamed = sorted(left - set(saga.get("abandoned") or ()))
    outcome = change.new.get("outcome")
    if unnamed:
        said = f"ended {outcome}, and neither undone nor named as abandoned: {unnamed}"
        yield change.breach(Guarantee.DUE_UNDOING_DONE_OR_NAMED, said)
    if left and outcome == TaskOutcome.COMPENSATED.value:
        yield change.breach(Guarantee.DUE_UNDOING_DONE_OR_NAMED, f"ended {outcome}, and not undone: {sorted(left)}")


def _check_success(change: TaskChange, records: Sequence[Obj]) -> Iterator[Breach]:
    for record in records:
        tolerated = change.workflow is not None and change.workflow.steps[record["name"]].continue_on_error
        state = state_of_record(record)
        if not (record.get("final") or state in DONE or (tolerated and state == "Error")):
            yield change.breach(
                Guarantee.SUCCESS_IS_TRUE, f"the Task is Complete while step {record['name']} is {state}"
            )


def _undoing(records: Sequence[Obj], step: str) -> Obj:
    record = next((each for each in records if each["name"] == step), NOTHING)
    return record.get("compensation") or NOTHING


def _names(saga: Obj) -> list[str]:
    return [f"{entry['step']} after {list(entry.get('after') or ())}" for entry in saga["plan"]]


def check_held(change: TaskChange) -> Iterator[Breach]:
    """due-undoing-done-or-named, as a Task's first work is recorded: it cannot be deleted before that is undone."""
    workflow, meta = change.workflow, change.after["metadata"]
    if workflow is None or not any(moved.begins for moved in change.moved):
        return
    policy = change.after["spec"].get("deletionPolicy") or ("Compensate" if workflow.compensates else "Delete")
    begins = any(moved.begins and _is_program(workflow, moved.step) for moved in change.moved)
    if policy == "Compensate" and begins and c.FINALIZER not in (meta.get("finalizers") or ()):
        said = "work begins, and nothing holds the Task until it is undone: the finalizer is missing"
        yield change.breach(Guarantee.DUE_UNDOING_DONE_OR_NAMED, said)


def _is_program(workflow: Workflow, step: str) -> bool:
    return workflow.steps[step].kind is StepKind.PROGRAM
