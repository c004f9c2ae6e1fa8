"""Tasker's retries as ours: both count attempts in total, the first included.

Tasker Rails runs a step while its attempts are fewer than `retry_limit`, Tasker core while they are fewer than
`max_attempts`, so both numbers are `maxAttempts`. What may not be retried has one attempt. Called for steps and for
environments.
"""

from __future__ import annotations

from typing import Any

from kubesaga.api.constants import MAX_ATTEMPTS
from kubesaga.api.durations import format_duration
from kubesaga.cli.importing.fields import Fields
from kubesaga.engine.vocabulary import Backoff

TASKER_ATTEMPTS = 3
_ATTEMPTS = ("max_attempts", "limit", "retry_limit", "default_retry_limit")
_RETRYABLE = ("retryable", "default_retryable")
_BACKOFFS = {
    "none": Backoff.NONE,
    "fixed": Backoff.FIXED,
    "constant": Backoff.FIXED,
    "linear": Backoff.LINEAR,
    "exponential": Backoff.EXPONENTIAL,
    "exponential_backoff": Backoff.EXPONENTIAL,
    "fibonacci": Backoff.FIBONACCI,
}
_INTERVALS = {"initialInterval": "backoff_base_ms", "maxInterval": "max_backoff_ms"}
_MAX_MILLISECONDS = 99_999 * 3_600_000


def step_retry(step: Fields) -> dict[str, Any]:
    """A step's `retry`: of its own fields (Rails) and of its object `retry` (core)."""
    found = _attempts(step, step.flag(*_RETRYABLE), step.whole(*_ATTEMPTS))
    inner = step.table("retry")
    if inner is not None:
        found |= _attempts(inner, inner.flag(*_RETRYABLE), inner.whole(*_ATTEMPTS))
        found |= _delays(inner)
        inner.close()
    return found


def replaced_retry(retry: Fields) -> dict[str, Any]:
    """An environment's `retry` of Tasker core, which takes the place of the step's whole `retry`.

    Ours is merged field by field, so what core would fill in is written out.
    """
    retryable, attempts = retry.flag(*_RETRYABLE), retry.whole(*_ATTEMPTS)
    found = {"maxAttempts": TASKER_ATTEMPTS, **_attempts(retry, retryable, attempts)}
    found |= {"backoff": str(Backoff.EXPONENTIAL), **_delays(retry)}
    missing = [name for name, source in _INTERVALS.items() if name not in found and source]
    if missing:
        retry.notes.changed(
            retry.path, f"retry is merged field by field here: {' and '.join(missing)} stay those of the step"
        )
    retry.close()
    return found


def _attempts(fields: Fields, retryable: bool | None, attempts: int | None) -> dict[str, Any]:
    if retryable is False:
        if attempts is not None and attempts != 1:
            fields.notes.changed(fields.path, f"not retryable: one attempt, its limit of {attempts} has no effect")
        return {"maxAttempts": 1}
    if attempts is None:
        return {}
    bounded = min(max(attempts, 1), MAX_ATTEMPTS)
    if bounded != attempts:
        fields.notes.changed(fields.path, f"{attempts} attempts are {bounded} here (1 to {MAX_ATTEMPTS})")
    return {"maxAttempts": bounded}


def _delays(retry: Fields) -> dict[str, Any]:
    found: dict[str, Any] = {}
    written = retry.text("backoff")
    if written is not None:
        backoff = _BACKOFFS.get(written.rpartition(".")[2].lstrip(":").lower())
        if backoff is None:
            retry.notes.lost(retry.at("backoff"), f"{written} is no backoff; left out, which is Exponential")
        else:
            found["backoff"] = str(backoff)
    for name, source in _INTERVALS.items():
        interval = milliseconds(retry, source)
        if interval is not None:
            found[name] = interval
    return found


def milliseconds(fields: Fields, name: str) -> str | None:
    """A duration of a field in milliseconds: 1500 is ``1s500ms``."""
    value = fields.whole(name)
    if value is None:
        return None
    if not 0 <= value <= _MAX_MILLISECONDS:
        fields.notes.lost(fields.at(name), f"{value} ms is out of range; left out")
        return None
    return format_duration(value / 1000)


def timeout(fields: Fields) -> str | None:
    """A step's `timeout`, of seconds or milliseconds; what is below a second is a second here."""
    seconds, shorter = fields.whole("timeout_seconds", "timeout"), fields.whole("timeout_ms")
    value = seconds * 1000 if seconds is not None else shorter
    name = "timeout_seconds" if seconds is not None else "timeout_ms"
    if value is None:
        return None
    if not 0 < value <= _MAX_MILLISECONDS:
        fields.notes.lost(fields.at(name), f"{value} ms is no timeout; left out")
        return None
    if value < 1000:
        fields.notes.changed(fields.at(name), f"{value} ms is 1s here: no pod starts faster")
    return format_duration(max(value, 1000) / 1000)
