"""Why a Task is a dead letter: which limit of its template's lifecycle it is past, and by how much."""

from __future__ import annotations

from kubesaga.api.durations import format_duration
from kubesaga.cli.views.story import Story
from kubesaga.cli.views.times import span


def reasons(story: Story, now: float) -> list[str]:
    """A line for each limit that is exceeded; one that says so much if the template is not known."""
    status = story.status
    until = status.finished_at if status.finished_at is not None else now
    lines = []
    if story.plan is not None:
        limits = story.plan.lifecycle
        limit = limits.limits.get(status.state)
        if limit is not None and status.state_since is not None:
            waited, allowed = span(until - status.state_since), format_duration(limit)
            lines.append(f"{story.name} has been {status.state} for {waited}; its template allows {allowed}")
        if limits.total is not None and status.run_started_at is not None:
            taken, allowed = span(until - status.run_started_at), format_duration(limits.total)
            lines.append(f"{story.name} has taken {taken} in all; its template allows {allowed}")
    return lines or [f"{story.name} is stale: it waited longer than its template's lifecycle allows"]
