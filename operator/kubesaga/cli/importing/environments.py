"""Overrides by environment, which both dialects and we have. Called by `template`."""

from __future__ import annotations

from typing import Any

from kubesaga.api.constants import ALL_STEPS
from kubesaga.cli.importing.fields import Fields
from kubesaga.cli.importing.retry import replaced_retry, step_retry, timeout
from kubesaga.cli.importing.words import StepNames, logical_name


def convert_environments(template: Fields, names: StepNames) -> dict[str, Any]:
    """`environments`, by name; one that changes no step is left out, which is noted where it says anything."""
    found: dict[str, Any] = {}
    environments = template.plain("environments") or {}
    for original, written in environments.items():
        path = f"{template.at('environments')}.{original}"
        if not isinstance(written, dict):
            if written is not None:
                template.notes.lost(path, "is not an object; left out")
            continue
        name = logical_name(original)
        if name != original:
            template.notes.changed(path, f"environment {original} is called {name}")
        steps = _steps(Fields(written, path, template.notes), names)
        if steps:
            found[name] = {"steps": steps}
    return found


def _steps(environment: Fields, names: StepNames) -> list[dict[str, Any]]:
    rows = environment.rows("steps", "step_templates")
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        name = _name(row, names)
        if name is None:
            continue
        if name == ALL_STEPS and found:
            row.notes.changed(row.path, "what is said of ALL counts less than what is said of a step, in any order")
        override = _override(row)
        row.close()
        if override:
            found[name] = {"name": name, **found.get(name, {}), **override}
    _note_task_handler(environment)
    environment.close()
    return list(found.values())


def _name(row: Fields, names: StepNames) -> str | None:
    original = row.text("name")
    if original == ALL_STEPS:
        return ALL_STEPS
    if original is None or not names.knows(original):
        row.notes.lost(row.path, f"is about step {original}, which the template does not have; left out")
        return None
    return names.find(original)


def _override(row: Fields) -> dict[str, Any]:
    found: dict[str, Any] = {}
    config = row.plain("handler_config")
    handler = row.table("handler")
    if handler is not None:
        config = handler.plain("initialization", "config") or config
        handler.close(known="an override's handler, which has only initialization")
    if config:
        found["handler"] = {"config": config}
        if any(isinstance(value, dict) for value in config.values()):
            row.notes.changed(row.path, "config is merged object by object here, not only at its first level")
    limit = timeout(row)
    if limit is not None:
        found["timeout"] = limit
    retry = row.table("retry")
    settings = replaced_retry(retry) if retry is not None else step_retry(row)
    return {**found, "retry": settings} if settings else found


def _note_task_handler(environment: Fields) -> None:
    value = environment.take("task_handler")
    if value is not None:
        environment.notes.lost(environment.at("task_handler"), "a template has no handler of its own; left out")
