"""Tasker core's limits of staleness as ours. Called by `template`."""

from __future__ import annotations

from typing import Any

from kubesaga.api.durations import format_duration
from kubesaga.cli.importing.fields import Fields
from kubesaga.engine.vocabulary import StaleAction

_LIMITS = {
    "total": "max_duration_minutes",
    "waitingForDependencies": "max_waiting_for_dependencies_minutes",
    "waitingForRetry": "max_waiting_for_retry_minutes",
    "stepsInProcess": "max_steps_in_process_minutes",
}
_ACTIONS = {"dlq": StaleAction.MARK, "none": StaleAction.MARK, "error": StaleAction.FAIL}


def convert_lifecycle(template: Fields) -> dict[str, Any]:
    """`lifecycle`, empty where the template says nothing."""
    lifecycle = template.table("lifecycle")
    if lifecycle is None:
        return {}
    found: dict[str, Any] = {}
    for name, source in _LIMITS.items():
        minutes = lifecycle.whole(source)
        if minutes is not None and minutes > 0:
            found[name] = format_duration(minutes * 60)
        elif minutes is not None:
            lifecycle.notes.lost(lifecycle.at(source), f"{minutes} minutes is no limit; left out")
    action = _action(lifecycle)
    lifecycle.close()
    if not found:
        lifecycle.notes.changed(lifecycle.path, "names no limit; without one no Task is stale here")
        return {}
    return {**found, "action": str(action)} if action is not StaleAction.MARK else found


def _action(lifecycle: Fields) -> StaleAction:
    written = (lifecycle.text("staleness_action") or "dlq").lower()
    action = _ACTIONS.get(written)
    if action is None:
        lifecycle.notes.lost(lifecycle.at("staleness_action"), f"{written} is no action; it is Mark here")
        action = StaleAction.MARK
    if written == "none":
        lifecycle.notes.changed(
            lifecycle.at("staleness_action"), "none is Mark here: a condition and a label, and nothing else"
        )
    if lifecycle.flag("auto_fail_on_timeout"):
        action = StaleAction.FAIL
    if lifecycle.flag("auto_dlq_on_timeout") is False:
        lifecycle.notes.lost(
            lifecycle.at("auto_dlq_on_timeout"), "false: a stale Task always gets the label of the dead letters"
        )
    return action
