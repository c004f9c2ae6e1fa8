"""What was done counts as done: no attempt is given up, and no undoing left out, whose program has done its work.

Asked by the simulation at every write, because it knows how programs truly ended, and ``afterwards`` of a cluster.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from kubesaga.engine.vocabulary import CompensationWhen, StepEvent
from tests.guarantees.attempts import (
    COMPENSATION,
    FORWARD,
    LIVE,
    NOTHING,
    Attempt,
    Obj,
    has_ended,
    state_of_record,
    status_of,
)
from tests.guarantees.breach import Breach
from tests.guarantees.changes import Moved, TaskChange
from tests.guarantees.identifiers import Guarantee
from tests.guarantees.story import Run, Story, attempt_of_run

_GIVES_UP = frozenset({StepEvent.FAILED.value, StepEvent.CANCEL.value})
_STOPPED = (137, 143)
_OF_RESULTS = frozenset({"NoResult", "InvalidResult", "ResultTooLarge", "ResultUnreadable"})
"""Why an attempt fails whose program exited with 0: it is not what it did that is wrong, but what it left."""


def check_given_up(story: Story, change: TaskChange, find_pod: Callable[[str], Obj | None]) -> Iterator[Breach]:
    """failure-is-true. ``find_pod`` looks a pod of the Task's namespace up, as the API server has it."""
    for moved in change.moved:
        if not (state_of_record(moved.before) in LIVE and _GIVES_UP.intersection(moved.events)):
            continue
        attempt = Attempt(moved.step, moved.role, moved.before.get("attempt", 0))
        error = moved.after.get("error") or NOTHING
        if attempt in story.out_of_sight or error.get("type") in _OF_RESULTS:
            continue
        for run in story.runs:
            if attempt_of_run(run) == attempt and did_its_work(run) and _says_so(find_pod(run.pod)):
                said = f"is given up ({error.get('type')}) although pod {run.pod} did its work"
                yield change.breach(Guarantee.FAILURE_IS_TRUE, said, _as_it_was(moved))


def check_made_again(story: Story) -> Iterator[Breach]:
    """failure-is-true, as far as it is seen afterwards: no attempt was made after one whose program did its work.

    Left out is what may be refused although it was done: of a step with a resultSchema, or begun anew by somebody.
    """
    for run in story.runs:
        step = story.workflow.steps.get(run.step) if story.workflow else None
        latest, attempt = story.record(run.step, run.role).get("attempt", 0), attempt_of_run(run)
        if step is None or step.checks_result or (run.step, run.role) in story.anew or latest <= run.attempt:
            continue
        known = attempt not in story.out_of_sight and not story.may_run_again(run)
        if known and (did_its_work(run) or (step.may_be_silent[run.role] and run.code == 0 and not run.document)):
            said = f"{attempt} did its work (pod {run.pod}), and attempt {latest} was made"
            yield Breach(Guarantee.FAILURE_IS_TRUE, story.name, said)


def check_planned(story: Story, change: TaskChange) -> Iterator[Breach]:
    """due-undoing-done-or-named: what truly ran and did not itself say that it failed is planned to be undone."""
    saga, ending = change.new.get("compensation"), change.new.get("ending") or NOTHING
    ends_without = not saga and bool(ending.get("compensate")) and has_ended(change.after) and bool(change.task_events)
    begins = bool(saga) and not change.old.get("compensation")
    if story.workflow is None or not (begins or ends_without):
        return
    planned = {entry["step"] for entry in saga["plan"]} if saga else set()
    for name, step in story.workflow.steps.items():
        if name in planned or step.final or step.undo_when != CompensationWhen.SUCCEEDED.value:
            continue
        if run := next((each for each in _not_undone(story.runs, name) if may_have_worked(each)), None):
            said = f"{name} is not in the plan, and {attempt_of_run(run)} ended with {run.code} (pod {run.pod})"
            yield change.breach(Guarantee.DUE_UNDOING_DONE_OR_NAMED, said)


def did_its_work(run: Run) -> bool:
    """Whether a program ended well and left a result."""
    document = _read(run.document)
    return run.code == 0 and isinstance(document, dict) and "result" in document and not _has_error(document)


def may_have_worked(run: Run) -> bool:
    """Whether a program ended well, or was stopped before it could say."""
    return run.code in (None, 0, *_STOPPED) and not _has_error(run.document)


def _not_undone(runs: Iterable[Run], step: str) -> list[Run]:
    """The forward runs of a step since it was last undone."""
    found: list[Run] = []
    for run in runs:
        if run.step == step and run.role == FORWARD:
            found.append(run)
        elif run.step == step and run.role == COMPENSATION and run.code == 0:
            found.clear()
    return found


def _has_error(document: Any) -> bool:
    said = _read(document)
    return isinstance(said, dict) and isinstance(said.get("error"), dict)


def _read(document: Any) -> Any:
    """A document, which may be JSON; None where it is neither."""
    if not isinstance(document, str):
        return document
    try:
        return json.loads(document)
    except ValueError:
        return None


def _says_so(pod: Obj | None) -> bool:
    """Whether the API server knows that the pod's program exited with 0."""
    statuses = status_of(pod).get("containerStatuses") or ()
    ends = [each["state"]["terminated"] for each in statuses if "terminated" in (each.get("state") or {})]
    return any(end["exitCode"] == 0 for end in ends)


def _as_it_was(moved: Moved) -> Moved:
    return Moved(moved.step, moved.role, moved.before, moved.before, moved.events)
