"""``kubesaga report``: a Task's whole run as a document for whoever asks later what happened.

The content, in sections that both renderings (``report_markdown``, ``report_html``) print; ``report_data`` has the same
as data.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kubesaga.cli.views.attempts import AttemptView, attempts
from kubesaga.cli.views.chronicle import subject
from kubesaga.cli.views.critical_path import Link, critical_path
from kubesaga.cli.views.story import Story
from kubesaga.cli.views.times import span, stamp
from kubesaga.engine.records import ResultRef
from kubesaga.engine.vocabulary import Role, StepState


@dataclass(frozen=True)
class Section:
    """A heading and a table under it; ``empty`` stands where there are no rows."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    empty: str = "None."


@dataclass(frozen=True)
class Bar:
    """One attempt in the picture of the run; both ends as shares of the whole (0 to 1)."""

    label: str
    begin: float
    end: float
    good: bool
    undo: bool


@dataclass(frozen=True)
class Report:
    """One Task's document; those of its sub-workflows follow it."""

    title: str
    summary: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    bars: tuple[Bar, ...]
    children: tuple[Report, ...]


def report(story: Story) -> Report:
    """The document of a Task, whether it has ended or not."""
    found = attempts(story)
    return Report(
        title=f"Task {story.name}",
        summary=tuple((key, value) for key, value in _summary(story) if value),
        sections=(
            _timeline(story),
            _attempts(story, found),
            _path(story),
            _errors(story, found),
            _compensation(story),
            _actions(story),
        ),
        bars=tuple(_bars(story, found)),
        children=tuple(report(child) for child in story.children.values()),
    )


def _summary(story: Story) -> Iterator[tuple[str, str]]:
    status, spec = story.status, story.spec
    yield "Outcome", f"{status.outcome} ({status.state})" if status.outcome else f"{status.state}, not ended"
    yield "In a sentence", status.message
    yield "Template", story.template
    yield "Namespace", story.namespace
    yield "Started", stamp(status.started_at)
    yield "Finished", stamp(status.finished_at)
    yield "Took", span(story.duration)
    yield "Runs", str(status.run) if status.run > 1 else ""
    yield "Initiator", spec.get("initiator", "")
    yield "Source", spec.get("sourceSystem", "")
    yield "Reason", spec.get("reason", "")
    yield "Tags", ", ".join(spec.get("tags") or ())
    yield "Correlation", spec.get("correlationId", "") or story.uid
    yield "Context", _json(spec.get("context"))
    yield "Result", _json(status.result)


def _json(value: Any) -> str:
    if isinstance(value, ResultRef):
        return f"{value.size} bytes in ConfigMap {value.name}"
    return "" if value is None else json.dumps(value, ensure_ascii=False)


def _offset(story: Story, at: float | None) -> str:
    start = story.status.started_at
    return "" if at is None or start is None else f"+{span(at - start)}"


def _timeline(story: Story) -> Section:
    rows = (
        (stamp(m.at), _offset(story, m.at), subject(m), ", ".join(m.events), f"{m.source} → {m.target}", m.message)
        for m in story.moves
    )
    return Section("Timeline", ("When", "After", "What", "Events", "From → to", "Why"), tuple(rows), "Nothing moved.")


def _name(of: AttemptView | Link) -> str:
    return of.step if of.role is Role.FORWARD else f"{of.step} (undo)"


def _attempts(story: Story, found: list[AttemptView]) -> Section:
    rows = (
        (
            _name(attempt),
            str(attempt.number),
            _offset(story, attempt.enqueued_at),
            span(attempt.seconds),
            str(attempt.outcome or "under way"),
        )
        for attempt in found
    )
    return Section("Attempts", ("Step", "Attempt", "Launched", "Took", "Outcome"), tuple(rows), "No step was launched.")


def _path(story: Story) -> Section:
    total = story.duration
    rows = []
    for link in critical_path(story):
        share = f"{100 * link.seconds / total:.0f} %" if total else ""
        rows.append((_name(link), _offset(story, link.begun_at), span(link.waited), span(link.seconds), share))
    empty = "No step has ended." if story.plan else "Not known: the Task's template revision cannot be read."
    return Section("Critical path", ("Step", "Launched", "Waited", "Took", "Of the whole"), tuple(rows), empty)


def _errors(story: Story, found: list[AttemptView]) -> Section:
    rows = [
        (_name(attempt), str(attempt.number), stamp(attempt.ended_at), attempt.message)
        for attempt in found
        if attempt.message
    ]
    launched = {(attempt.step, attempt.role) for attempt in found}
    for role, record in story.records():
        if record.error is not None and (record.name, role) not in launched:
            rows.append((record.name, "", stamp(record.finished_at), str(record.error)))
    if story.status.error is not None:
        rows.append(("the Task's result", "", "", str(story.status.error)))
    return Section("Errors", ("Step", "Attempt", "When", "What"), tuple(rows))


def _compensation(story: Story) -> Section:
    columns = ("Step", "After", "State", "Attempts", "Finished", "Error")
    saga = story.status.saga
    if saga is None:
        return Section("Compensation", columns, (), "None was due.")
    rows = []
    for entry in saga.plan:
        record = story.step(entry.step)
        undo = record.compensation if record else None
        state = "left as it is" if entry.step in saga.abandoned else str(undo.state if undo else StepState.PENDING)
        done = ("", "", "") if undo is None else (str(undo.attempt), stamp(undo.finished_at), str(undo.error or ""))
        rows.append((entry.step, ", ".join(entry.after), state, *done))
    return Section("Compensation", columns, tuple(rows), "It was due, and there was nothing to undo.")


def _actions(story: Story) -> Section:
    rows = tuple(
        (stamp(a.at), str(a.type), a.step or "", a.requested_by or "", a.reason or "", a.message)
        for a in story.status.actions
    )
    return Section("Actions", ("When", "What", "Step", "By", "Reason", "Effect"), rows, "No human intervened.")


def _bars(story: Story, found: list[AttemptView]) -> Iterator[Bar]:
    ends = [attempt.ended_at for attempt in found if attempt.ended_at is not None]
    start = story.status.started_at
    if start is None or not ends or max(ends) <= start:
        return
    whole = max(ends) - start
    for attempt in found:
        begun = attempt.enqueued_at
        if begun is None or attempt.ended_at is None:
            continue
        again = f" #{attempt.number}" if attempt.number > 1 else ""
        yield Bar(
            label=_name(attempt) + again,
            begin=max(0.0, (begun - start) / whole),
            end=(attempt.ended_at - start) / whole,
            good=not attempt.message,
            undo=attempt.role is Role.COMPENSATION,
        )
