"""``kubesaga explain``: what a Task waits for, since when, what happens next and when, and what a human can do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from kubesaga.api.times import rfc3339
from kubesaga.cli.views.remedies import remedies
from kubesaga.cli.views.remedy import Remedy
from kubesaga.cli.views.story import Story
from kubesaga.cli.views.times import ago, span, stamp
from kubesaga.cli.views.waits import Fact, expected, waits

_WIDTH = 2
_COMMAND_WIDTH = 80
"""What is longer does not push the others' explanations aside."""


@dataclass(frozen=True)
class Explanation:
    """The answer; ``needs_human`` says that nothing goes on without one of the ``remedies``."""

    headline: str
    message: str
    needs_human: str
    waits: tuple[Fact, ...]
    expected: tuple[Fact, ...]
    remedies: tuple[Remedy, ...]


def explain(story: Story, now: float, pointed: Callable[[str], str] = str) -> Explanation:
    """All of it, from the Task's status and its template; ``pointed`` adds to a command which cluster is meant."""
    attention = story.status.attention
    return Explanation(
        headline=_headline(story, now),
        message=story.status.message,
        needs_human="" if attention is None else f"{attention.reason}: {attention.message}",
        waits=tuple(waits(story)),
        expected=tuple(expected(story)),
        remedies=tuple(replace(each, command=pointed(each.command)) for each in remedies(story)),
    )


def _headline(story: Story, now: float) -> str:
    status = story.status
    if not story.seen:
        return f"{story.name} has not been seen by an operator; it was created {ago(story.created_at, now)}"
    if story.ended:
        taken = f", after {span(story.duration)}" if story.duration is not None else ""
        return f"{story.name} ended {status.state}, outcome {status.outcome}, {ago(status.finished_at, now)}{taken}"
    since = f" for {span(now - status.state_since)}" if status.state_since is not None else ""
    stale = "; it is stale: that is longer than its template's lifecycle allows" if status.stale else ""
    return f"{story.name} is {status.state}{since}{stale}"


def text(explanation: Explanation, now: float) -> list[str]:
    """As lines for humans."""
    lines = [explanation.headline]
    if explanation.needs_human:
        lines += ["", "It needs a human:", f"  {explanation.needs_human}"]
    elif explanation.message not in {"", *(fact.what for fact in explanation.waits)}:
        lines.append(f"  {explanation.message}")
    lines += _section("It waits for:", (_since(fact, now) for fact in explanation.waits))
    lines += _section("What happens next:", (_due(fact, now) for fact in explanation.expected))
    lines += _section("What you can do:", _commands(explanation.remedies))
    return lines


def _section(heading: str, items: Iterable[str]) -> list[str]:
    listed = [" " * _WIDTH + item for item in items]
    return ["", heading, *listed] if listed else []


def _since(fact: Fact, now: float) -> str:
    return fact.what if fact.at is None else f"{fact.what} (since {stamp(fact.at)}, {ago(fact.at, now)})"


def _due(fact: Fact, now: float) -> str:
    if fact.at is None:
        return fact.what
    return f"{stamp(fact.at)} ({'any moment' if fact.at <= now else ago(fact.at, now)}): {fact.what}"


def _commands(found: Iterable[Remedy]) -> Iterator[str]:
    listed = list(found)
    width = max((len(remedy.command) for remedy in listed if len(remedy.command) <= _COMMAND_WIDTH), default=0)
    return (f"{remedy.command.ljust(width)}   # {remedy.does}" for remedy in listed)


def data(explanation: Explanation) -> dict[str, Any]:
    """As plain JSON values; times as RFC 3339."""
    return {
        "headline": explanation.headline,
        "message": explanation.message,
        "needsHuman": explanation.needs_human or None,
        "waitsFor": [_fact(fact, "since") for fact in explanation.waits],
        "next": [_fact(fact, "at") for fact in explanation.expected],
        "canDo": [{"command": remedy.command, "does": remedy.does} for remedy in explanation.remedies],
    }


def _fact(fact: Fact, key: str) -> dict[str, Any]:
    return {"what": fact.what, key: None if fact.at is None else rfc3339(fact.at)}
