"""``kubesaga stats``: how long workflows and their steps take, and how often they fail, over the Tasks there are.

Pure sums over stories. Only what the Tasks' statuses still hold is counted: a history that has moved into ConfigMaps
leaves out its oldest attempts.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from kubesaga.cli.views.attempts import AttemptView, attempts
from kubesaga.cli.views.story import Story
from kubesaga.engine.vocabulary import Role, StepOutcome, TaskOutcome

FAILURES = frozenset(
    {TaskOutcome.FAILED, TaskOutcome.ABORTED, TaskOutcome.COMPENSATED, TaskOutcome.COMPENSATION_FAILED}
)
NOT_RUN = frozenset({TaskOutcome.CANCELLED, TaskOutcome.INVALID_REQUEST, TaskOutcome.DUPLICATE})
"""Ends that say nothing about how well the workflow works."""


@dataclass(frozen=True, slots=True)
class Durations:
    """Seconds: the median and the 95th percentile (nearest rank); None where there is nothing to measure."""

    p50: float | None
    p95: float | None

    @classmethod
    def of(cls, seconds: Iterable[float]) -> Durations:
        """Of all these."""
        ordered = sorted(seconds)
        return cls(_nearest_rank(ordered, 0.5), _nearest_rank(ordered, 0.95))


@dataclass(frozen=True)
class TemplateStats:
    """One version of a template; ``failure_rate`` is of those that ran to an end of their own (None: none did)."""

    template: str
    tasks: int
    live: int
    outcomes: dict[str, int]
    failure_rate: float | None
    durations: Durations


@dataclass(frozen=True)
class StepStats:
    """One step of a template's version, over all Tasks: its own work, not its undoing.

    ``durations`` are those of attempts that succeeded; ``recovered`` counts Tasks in which the step succeeded after an
    attempt had failed, ``failed`` those in which it failed for good.
    """

    template: str
    step: str
    tasks: int
    attempts: int
    failed_attempts: int
    recovered: int
    failed: int
    durations: Durations

    @property
    def flakiness(self) -> float:
        """The share of its attempts that failed."""
        return self.failed_attempts / self.attempts if self.attempts else 0.0


def by_template(stories: Iterable[Story]) -> list[TemplateStats]:
    """Each template's versions, by name."""
    groups: dict[str, list[Story]] = defaultdict(list)
    for story in stories:
        groups[story.template].append(story)
    return [_template(template, group) for template, group in sorted(groups.items())]


def by_step(stories: Iterable[Story]) -> list[StepStats]:
    """Each step that was launched, by template and name."""
    runs: dict[tuple[str, str], list[list[AttemptView]]] = defaultdict(list)
    failed: Counter[tuple[str, str]] = Counter()
    for story in stories:
        of_step: dict[str, list[AttemptView]] = defaultdict(list)
        for attempt in attempts(story):
            if attempt.role is Role.FORWARD:
                of_step[attempt.step].append(attempt)
        for step, made in of_step.items():
            runs[story.template, step].append(made)
            record = story.step(step)
            failed[story.template, step] += record is not None and record.outcome is StepOutcome.FAILED
    return [_step(template, step, made, failed[template, step]) for (template, step), made in sorted(runs.items())]


def slowest(steps: Iterable[StepStats], count: int) -> list[StepStats]:
    """The steps whose 95th percentile is longest."""
    measured = [step for step in steps if step.durations.p95 is not None]
    return sorted(measured, key=lambda step: step.durations.p95 or 0.0, reverse=True)[:count]


def flakiest(steps: Iterable[StepStats], count: int) -> list[StepStats]:
    """The steps of whose attempts the largest share failed."""
    failing = [step for step in steps if step.failed_attempts]
    return sorted(failing, key=lambda step: (step.flakiness, step.failed_attempts), reverse=True)[:count]


def data(stories: Sequence[Story]) -> dict[str, Any]:
    """All of it as plain JSON values; durations in seconds."""
    return {
        "tasks": len(stories),
        "templates": [
            {
                "template": each.template,
                "tasks": each.tasks,
                "live": each.live,
                "outcomes": each.outcomes,
                "failureRate": each.failure_rate,
                "p50": each.durations.p50,
                "p95": each.durations.p95,
            }
            for each in by_template(stories)
        ],
        "steps": [
            {
                "template": each.template,
                "step": each.step,
                "tasks": each.tasks,
                "attempts": each.attempts,
                "failedAttempts": each.failed_attempts,
                "recovered": each.recovered,
                "failed": each.failed,
                "p50": each.durations.p50,
                "p95": each.durations.p95,
            }
            for each in by_step(stories)
        ],
    }


def _template(template: str, stories: list[Story]) -> TemplateStats:
    outcomes = Counter(story.status.outcome for story in stories if story.status.outcome is not None)
    ran = sum(count for outcome, count in outcomes.items() if outcome not in NOT_RUN)
    failures = sum(count for outcome, count in outcomes.items() if outcome in FAILURES)
    taken = (story.duration for story in stories if story.status.outcome not in NOT_RUN)
    return TemplateStats(
        template=template,
        tasks=len(stories),
        live=sum(not story.ended for story in stories),
        outcomes={str(outcome): count for outcome, count in sorted(outcomes.items())},
        failure_rate=failures / ran if ran else None,
        durations=Durations.of(seconds for seconds in taken if seconds is not None),
    )


def _step(template: str, step: str, runs: list[list[AttemptView]], failed: int) -> StepStats:
    made = [attempt for run in runs for attempt in run]
    good = [attempt for attempt in made if attempt.outcome is StepOutcome.SUCCEEDED]
    return StepStats(
        template=template,
        step=step,
        tasks=len(runs),
        attempts=len(made),
        failed_attempts=sum(attempt.outcome is StepOutcome.FAILED for attempt in made),
        recovered=sum(_failed_once(run) and run[-1].outcome is StepOutcome.SUCCEEDED for run in runs),
        failed=failed,
        durations=Durations.of(attempt.seconds for attempt in good if attempt.seconds is not None),
    )


def _failed_once(run: list[AttemptView]) -> bool:
    return any(attempt.outcome is StepOutcome.FAILED for attempt in run)


def _nearest_rank(ordered: list[float], share: float) -> float | None:
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else None
