"""Programs as they truly ran, whatever the API server was told: what holds when one begins, and when all is over."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from kubesaga.api import constants as c
from kubesaga.engine.vocabulary import StepKind, StepOutcome, StepState
from tests.guarantees.attempts import (
    COMPENSATION,
    DONE,
    FORWARD,
    NOTHING,
    Obj,
    has_ended,
    name_of_program,
    state_of,
    state_of_record,
    status_of,
)
from tests.guarantees.breach import Breach
from tests.guarantees.identifiers import Guarantee
from tests.guarantees.story import Run, Story, attempt_of_run

Find = Callable[[str], Obj | None]
"""Looks a ConfigMap up by its name, in the Task's namespace."""

_ANY: Any = object()


def check_begin(story: Story, run: Run) -> Iterator[Breach]:
    """What must hold as a program begins. ``story.live`` and ``story.runs`` are those that began before it."""
    yield from check_beside(story, run)
    yield from _check_record(story, run)
    yield from check_turn(story, run)
    yield from _check_input(story, run)


def check_beside(story: Story, run: Run) -> Iterator[Breach]:
    """one-live-attempt and no-undoing-beside-work."""
    attempt, where = attempt_of_run(run), _where(story, run)
    beside = [other for other in story.live if attempt_of_run(other) not in story.out_of_sight]
    for other in beside:
        said = f"begins beside {attempt_of_run(other)} (pod {other.pod})"
        same = (other.step, other.role) == (run.step, run.role)
        if same and not (attempt_of_run(other) == attempt and attempt in story.run_again | story.doubled):
            yield Breach(Guarantee.ONE_LIVE_ATTEMPT, where, said)
        if other.role != run.role:
            yield Breach(Guarantee.NO_UNDOING_BESIDE_WORK, where, said)


def _where(story: Story, run: Run) -> str:
    return f"{story.name}, {attempt_of_run(run)} (pod {run.pod})"


def _check_record(story: Story, run: Run) -> Iterator[Breach]:
    """No program begins that is not recorded, whose step is done, or whose Task has ended."""
    record, where = story.record(run.step, run.role), _where(story, run)
    number = record.get("attempt", 0)
    if number < run.attempt:
        yield Breach(Guarantee.INTENT_BEFORE_EFFECT, where, f"begins while attempt {number} is recorded")
    if story.may_run_again(run):
        return
    if state_of_record(record) in DONE:
        said = f"begins although it is {state_of_record(record)} by attempt {number}"
        yield Breach(Guarantee.DONE_WORK_IS_KEPT, where, said)
    if has_ended(story.task):
        said = f"begins although the Task is {state_of(story.task)}"
        yield Breach(Guarantee.NOTHING_RUNS_AFTER_THE_END, where, said)
    phase = (status_of(story.task).get("ending") or NOTHING).get("phase")
    if run.role == FORWARD and phase not in (None, "Quiescing") and not record.get("final"):
        yield Breach(Guarantee.NO_NEW_WORK_ONCE_ENDING, where, f"begins in phase {phase} of the Task's end")


def check_turn(story: Story, run: Run) -> Iterator[Breach]:
    """dependencies-first and undone-in-reverse: what it waits for has truly been done."""
    workflow, where = story.workflow, _where(story, run)
    if workflow is None or run.step not in workflow.steps:
        return
    if run.role == FORWARD:
        step = workflow.steps[run.step]
        for parent in step.depends_on:
            if _claims_success(story, parent, FORWARD) and not story.has_succeeded(parent, FORWARD):
                said = f"begins although no program of step {parent}, which it depends on, has succeeded"
                yield Breach(Guarantee.DEPENDENCIES_FIRST, where, said)
        return
    planned = {entry["step"] for entry in (status_of(story.task).get("compensation") or NOTHING).get("plan") or ()}
    for later in sorted(workflow.after[run.step] & planned):
        undone = workflow.steps[later].undo_kind is not StepKind.PROGRAM or story.has_succeeded(later, COMPENSATION)
        if not (undone or _is_marked(story, later)):
            said = f"begins although step {later}, which came after it, has not been undone"
            yield Breach(Guarantee.UNDONE_IN_REVERSE, where, said)


def _is_marked(story: Story, step: str) -> bool:
    """Whether a human has said that the step is undone."""
    return state_of_record(story.record(step, COMPENSATION)) == StepState.RESOLVED_MANUALLY.value


def _claims_success(story: Story, step: str, role: str) -> bool:
    """Whether the record says that a program of it succeeded."""
    assert story.workflow is not None
    record, kind = story.record(step, role), story.workflow.steps[step].kind
    if role == COMPENSATION:
        kind = story.workflow.steps[step].undo_kind
    well = state_of_record(record) == StepState.COMPLETE.value and record.get("outcome") == StepOutcome.SUCCEEDED.value
    return well and kind is StepKind.PROGRAM and (step, role) not in story.by_hand


def _check_input(story: Story, run: Run) -> Iterator[Breach]:
    """done-work-is-kept: it sees what is recorded of the steps that it depends on."""
    workflow, given, where = story.workflow, run.input.get("results"), _where(story, run)
    if workflow is None or given is None or run.step not in workflow.steps:
        return
    for parent in workflow.steps[run.step].depends_on:
        record = story.record(parent, FORWARD)
        known = state_of_record(record) in DONE and parent in given and "resultRef" not in record
        if known and given[parent] != record.get("result"):
            said = f"gets {given[parent]!r} of step {parent}, whose result is {record.get('result')!r}"
            yield Breach(Guarantee.DONE_WORK_IS_KEPT, where, said)


class Keys:
    """Which step has which idempotency key: one each, over all Tasks."""

    def __init__(self) -> None:
        self._keys: dict[tuple[str, ...], str] = {}
        self._places: dict[str, tuple[str, ...]] = {}

    def check(self, story: Story, run: Run) -> Iterator[Breach]:
        """key-never-changes, for a program that begins."""
        if not run.key and not run.input:
            return
        place = _place(story.task, run.step)
        yield from self._check(story, run, place, run.key)
        if run.role == COMPENSATION:
            yield from self._check(story, run, (*place, "~"), run.input.get("compensationKey") or "")

    def _check(self, story: Story, run: Run, place: tuple[str, ...], key: str) -> Iterator[Breach]:
        where = _where(story, run)
        known = self._keys.setdefault(place, key)
        if known != key:
            yield Breach(
                Guarantee.KEY_NEVER_CHANGES, where, f"gets the key {key!r}, and {known!r} was given out before"
            )
        owner = self._places.setdefault(key, place)
        if owner != place:
            yield Breach(Guarantee.KEY_NEVER_CHANGES, where, f"gets the key {key!r} of another: {'/'.join(owner)}")


def _place(task: Obj, step: str) -> tuple[str, ...]:
    """The root Task's key and the path of steps from it: what the step is called over all runs and children."""
    parent = status_of(task).get("parent")
    if parent:
        return (parent["rootKey"], *parent["path"], step)
    return (task["spec"].get("idempotencyKey") or task["metadata"]["uid"], step)


def check_over(story: Story, config_map: Find) -> Iterator[Breach]:
    """What the runs say against a Task's status once all is at rest."""
    if story.workflow is None:
        return
    for step in story.workflow.steps:
        for role in (FORWARD, COMPENSATION):
            if _claims_success(story, step, role):
                yield from _check_success(story, step, role, config_map)
    yield from _check_end(story)
    yield from _check_undone(story)


def _check_success(story: Story, step: str, role: str, config_map: Find) -> Iterator[Breach]:
    record = story.record(step, role)
    where = f"{story.name}, {name_of_program(step, role)}, attempt {record.get('attempt', 0)}"
    mine = [run for run in story.runs if (run.step, run.role, run.attempt) == (step, role, record.get("attempt", 0))]
    well = [run for run in mine if run.code == 0]
    if not well:
        said = f"says Succeeded, and its programs ended with {[run.code for run in mine]}"
        yield Breach(Guarantee.SUCCESS_IS_TRUE, where, said)
        return
    if role == COMPENSATION:
        return
    recorded, left = _recorded(record, config_map), [_result(run.document) for run in well]
    if _ANY not in left and recorded not in left:
        yield Breach(Guarantee.SUCCESS_IS_TRUE, where, f"says {recorded!r}, and its programs left {left!r}")


def _recorded(record: Obj, config_map: Find) -> Any:
    """The result on record; a word about it where it should be stored outside and is not."""
    if "resultRef" not in record:
        return record.get("result")
    found = config_map(record["resultRef"]["name"])
    return "nothing: its ConfigMap is gone" if found is None else json.loads(found["data"][c.RESULT_KEY])


def _result(document: Any) -> Any:
    """What a program returned by its document; anything, where that is in its log."""
    if document is None:
        return None
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except ValueError:
            return _ANY
    if isinstance(document, dict) and "result" in document:
        return document["result"]
    return _ANY


def _check_end(story: Story) -> Iterator[Breach]:
    """No program runs on in a Task that has ended, but what a human said is gone."""
    if not has_ended(story.task):
        return
    for run in story.live:
        attempt, where = attempt_of_run(run), _where(story, run)
        if attempt not in story.out_of_sight and not story.may_run_again(run):
            where = f"{story.name}, {attempt} (pod {run.pod})"
            yield Breach(Guarantee.NOTHING_RUNS_AFTER_THE_END, where, f"runs while the Task is {state_of(story.task)}")


def _check_undone(story: Story) -> Iterator[Breach]:
    """Under Compensated, whatever ran and can be undone has been undone after it."""
    status, workflow = status_of(story.task), story.workflow
    if workflow is None or status.get("outcome") != "Compensated":
        return
    last = {run.step: i for i, run in enumerate(story.runs) if run.role == FORWARD}
    for name, i in last.items():
        step = workflow.steps[name]
        if step.undo_kind is not StepKind.PROGRAM or not workflow.is_due(name, story.record(name, FORWARD)):
            continue
        undone = any(run.step == name and run.role == COMPENSATION and run.code == 0 for run in story.runs[i + 1 :])
        if not (undone or _is_marked(story, name)):
            where = f"{story.name}, step {name}"
            said = f"ran as {attempt_of_run(story.runs[i])}, and no undoing has succeeded since"
            yield Breach(Guarantee.DUE_UNDOING_DONE_OR_NAMED, where, said)
