"""``kubesaga get``: one Task on one page, for humans.

What it is, where it is, its steps with their errors, what was undone, and who did what.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence

from kubesaga.cli.views.story import Story, failed_attempt
from kubesaga.cli.views.times import ago, span, stamp
from kubesaga.cli.views.tree import rows
from kubesaga.cli.views.waits import expected, waits
from kubesaga.engine.records import ResultRef
from kubesaga.engine.vocabulary import Role, StepState

_KEY_WIDTH = 12
_VALUE_LENGTH = 400
_GAP = "  "


def page(story: Story, now: float) -> list[str]:
    """All of it, as lines."""
    lines = [_pair(key, value) for key, value in _head(story, now) if value]
    lines += _section("Waits for", (_with_since(fact.what, fact.at, now) for fact in waits(story)))
    lines += _section("Next", (f"{stamp(fact.at)}  {fact.what}".strip() for fact in expected(story)))
    lines += _section("Steps", _steps(story, now))
    lines += _section("Errors", _errors(story))
    lines += _section("Compensation", _compensation(story))
    lines += _section("Actions", _actions(story))
    lines += _section("Result", _result(story))
    return lines


def _head(story: Story, now: float) -> Iterator[tuple[str, str]]:
    status, spec = story.status, story.spec
    state = f"{status.state}, outcome {status.outcome}" if status.outcome else str(status.state)
    yield "Name", story.name
    yield "Namespace", story.namespace
    yield "Template", story.template
    yield (
        "State",
        state + (f" (for {span(now - status.state_since)})" if status.state_since and not story.ended else ""),
    )
    yield "Message", status.message
    yield "Attention", f"{status.attention.reason}" if status.attention else ""
    yield "Initiator", spec.get("initiator", "")
    yield "Reason", spec.get("reason", "")
    yield "Parent", f"{status.parent.name}, step {status.parent.step}" if status.parent else ""
    yield "Created", _moment(story.created_at, now)
    yield "Started", _moment(status.started_at, now)
    yield "Finished", _moment(status.finished_at, now)
    yield "Took", span(story.duration)
    yield "Context", _json(spec.get("context"))


def _moment(at: float | None, now: float) -> str:
    return "" if at is None else f"{stamp(at)} ({ago(at, now)})"


def _pair(key: str, value: str) -> str:
    return f"{key + ':':<{_KEY_WIDTH}} {value}"


def _with_since(what: str, at: float | None, now: float) -> str:
    return what if at is None else f"{what} ({ago(at, now)})"


def _section(heading: str, items: Iterable[str]) -> list[str]:
    listed = [_GAP + item for item in items]
    return ["", f"{heading}:", *listed] if listed else []


def _steps(story: Story, now: float) -> list[str]:
    if not story.status.steps:
        return []
    cells = [(row.label, row.state, row.attempts, row.time) for row in rows(story, now)[1:]]
    return aligned([("STEP", "STATE", "ATTEMPTS", "TIME"), *cells])


def aligned(cells: Sequence[Sequence[str]]) -> list[str]:
    """Rows of equal length as lines whose columns stand under each other."""
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    return [_GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def _errors(story: Story) -> Iterator[str]:
    if story.status.error is not None:
        yield f"the Task's result: {story.status.error}"
    for role, record in story.records():
        if record.error is not None:
            what = record.name if role is Role.FORWARD else f"{record.name} (undo)"
            code = f" [{record.error.code}]" if record.error.code else ""
            unknown = "; whether the work was done is not known" if record.error.outcome_unknown else ""
            yield f"{what}, attempt {failed_attempt(record)}: {record.error}{code}{unknown}"


def _compensation(story: Story) -> Iterator[str]:
    saga = story.status.saga
    if saga is None:
        return
    yield f"due because: {saga.trigger}"
    for entry in saga.plan:
        record = story.step(entry.step)
        undoing = record.compensation if record else None
        state = StepState.PENDING if undoing is None else undoing.state
        left = ", left as it is" if entry.step in saga.abandoned else ""
        after = f", after {', '.join(entry.after)}" if entry.after else ""
        yield f"{entry.step}: {state}{left}{after}"


def _actions(story: Story) -> Iterator[str]:
    for action in story.status.actions:
        on = f" {action.step}" if action.step else ""
        why = f" ({action.reason})" if action.reason else ""
        yield f"{stamp(action.at)}  {action.type}{on} by {action.requested_by or 'unknown'}{why}: {action.message}"


def _result(story: Story) -> Iterator[str]:
    result = story.status.result
    if isinstance(result, ResultRef):
        yield f"{result.size} bytes in ConfigMap {result.name}"
    elif result is not None:
        yield _json(result)


def _json(value: object) -> str:
    if value is None:
        return ""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _VALUE_LENGTH else text[: _VALUE_LENGTH - 1] + "…"
