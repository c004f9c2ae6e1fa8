"""The limits of a template's lifecycle, as they stand for a Task: when it becomes stale, why it is a dead letter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kubesaga.api.durations import format_duration
from kubesaga.cli.views.story import Story
from kubesaga.cli.views.times import span


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit: ``said`` tells how long (``{}``), ``since`` when that began, ``due`` when it is too long."""

    said: str
    since: float
    due: float
    allowed: float


def limits(story: Story) -> Iterator[Limit]:
    """Those that the Task is under now; none where its template is not known."""
    status = story.status
    if story.plan is None:
        return
    lifecycle = story.plan.lifecycle
    limit = lifecycle.limits.get(status.state)
    if limit is not None and status.state_since is not None:
        begun = max(status.state_since, status.resumed_at or 0.0)  # a suspension has it begin anew
        yield Limit(f"has been {status.state} for {{}}", status.state_since, begun + limit, limit)
    if lifecycle.total is not None and status.run_started_at is not None:
        begun = status.run_started_at
        yield Limit("has taken {} in all", begun, begun + lifecycle.total, lifecycle.total)


def reasons(story: Story, now: float) -> list[str]:
    """A line for each limit that is exceeded; one that says so much if the template is not known."""
    until = story.status.finished_at if story.status.finished_at is not None else now
    lines = [_line(story, limit, until) for limit in limits(story) if limit.due <= until]
    return lines or [f"{story.name} is stale: it waited longer than its template's lifecycle allows"]


def _line(story: Story, limit: Limit, until: float) -> str:
    taken = limit.said.format(span(until - limit.since))
    return f"{story.name} {taken}; its template allows {format_duration(limit.allowed)}"
