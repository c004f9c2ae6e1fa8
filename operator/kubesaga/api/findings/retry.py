"""What is wrong with retries: intervals at odds, rules that match nothing."""

from __future__ import annotations

from collections.abc import Iterator

from kubesaga.api.durations import format_duration, parse_duration
from kubesaga.api.findings.finding import Code, Finding, finding
from kubesaga.api.findings.raw import Raw, all_steps, an_object, has, objects
from kubesaga.api.models.retry import MATCHERS
from kubesaga.engine.plan import RetryPolicy


def retry_findings(spec: Raw, path: str) -> list[Finding]:
    """Findings about every ``retry``: of the defaults, steps, compensations and environments."""
    general = an_object(an_object(spec, "defaults"), "retry")
    found = [*_findings(general, {}, f"{path}.defaults.retry")]
    for where, _, step in all_steps(spec, path):
        found += _findings(an_object(step, "retry"), general, f"{where}.retry")
        compensation = an_object(step, "compensation")
        found += _findings(an_object(compensation, "retry"), general, f"{where}.compensation.retry")
    return found


def override_findings(retry: Raw, path: str) -> Iterator[Finding]:
    """Findings about a ``retry`` of an environment, which goes over one that is checked by itself."""
    yield from _rule_findings(retry, path)


def _findings(retry: Raw, under: Raw, path: str) -> Iterator[Finding]:
    yield from _interval_findings(retry, under, path)
    yield from _rule_findings(retry, path)


def _interval_findings(retry: Raw, under: Raw, path: str) -> Iterator[Finding]:
    if not retry.keys() & {"initialInterval", "maxInterval"}:
        return
    policy = RetryPolicy()
    merged = {**under, **retry}
    first = _seconds(merged.get("initialInterval"), policy.initial_interval)
    most = _seconds(merged.get("maxInterval"), policy.max_interval)
    if first is not None and most is not None and first > most:
        yield finding(
            Code.INVALID_RETRY,
            path,
            f"initialInterval {format_duration(first)} is above maxInterval {format_duration(most)}",
            "raise maxInterval or lower initialInterval",
        )


def _rule_findings(retry: Raw, path: str) -> Iterator[Finding]:
    for i, rule in objects(retry, "rules"):
        if not any(has(rule, name) for name in MATCHERS):
            yield finding(
                Code.INVALID_RETRY,
                f"{path}.rules[{i}]",
                "the rule does not say what it is for",
                f"give it one of {', '.join(MATCHERS)}; onErrorTypes: ['*'] is any error",
            )


def _seconds(written: object, default: float) -> float | None:
    if written is None:
        return default
    try:
        return parse_duration(written) if isinstance(written, str) else None
    except ValueError:
        return None
