"""One step of either dialect as a step of ours. Called by `template`."""

from __future__ import annotations

from typing import Any

from kubesaga.api.constants import DEFAULT_METHOD
from kubesaga.cli.importing.branching import Branch, step_type
from kubesaga.cli.importing.callables import Callables
from kubesaga.cli.importing.fields import Fields, shown
from kubesaga.cli.importing.kept import Keepsakes
from kubesaga.cli.importing.retry import step_retry, timeout
from kubesaga.cli.importing.schemas import upgraded
from kubesaga.cli.importing.words import StepNames

_MAX_TEXT = 4096
_DEPENDENCIES = ("dependencies", "depends_on", "depends_on_steps", "depends_on_step")


def convert_step(step: Fields, original: str, names: StepNames, callables: Callables, kept: Keepsakes) -> Branch:
    """The step, with every field of the source taken or noted."""
    found: dict[str, Any] = {"name": names.find(original)}
    _put(found, "description", text(step, "description"))
    _put(found, "dependsOn", _depends_on(step, names))
    branch = Branch(original, step_type(step), step.path, found)
    _put(found, "handler", _handler(step, callables))
    _put(found, "retry", step_retry(step))
    _put(found, "timeout", timeout(step))
    if step.flag("skippable"):
        found["skippable"] = True
    _put(found, "resultSchema", _result_schema(step))
    _keep(step, original, kept)
    step.close()
    return branch


def text(fields: Fields, name: str) -> str | None:
    """A text for readers, cut to what the API takes."""
    value = fields.text(name)
    if value is None or len(value) <= _MAX_TEXT:
        return value
    fields.notes.changed(fields.at(name), f"is cut to {_MAX_TEXT} characters")
    return value[:_MAX_TEXT]


def _put(found: dict[str, Any], name: str, value: Any) -> None:
    if value not in (None, [], {}):
        found[name] = value


def _depends_on(step: Fields, names: StepNames) -> list[str]:
    found = [name for field in _DEPENDENCIES for name in step.words(field)]
    return list(dict.fromkeys(names.find(name) for name in found))


def _handler(step: Fields, callables: Callables) -> dict[str, Any]:
    config = step.take("handler_config")
    inner = step.table("handler") if isinstance(step.peek("handler"), dict) else None
    path = step.at("handler_class" if step.has("handler_class") else "handler")
    name = step.text("handler_class", "handler", "handler_key")
    found: dict[str, Any] = {}
    if inner is not None:
        path, name = inner.at("callable"), inner.text("callable", "class", "handler_class") or name
        config = inner.take("initialization", "config") or config
        method = inner.text("method")
        if method not in (None, DEFAULT_METHOD):
            found["method"] = method
        _put_resolver(inner)
        inner.close()
    if name is None:
        step.notes.lost(step.path, "no handler is named; the step has nothing to do until you give it one")
        return {}
    return {"callable": callables.convert(name, path, step.notes), **found, **_config(step, config)}


def _config(step: Fields, config: Any) -> dict[str, Any]:
    if config in (None, {}, []):
        return {}
    if isinstance(config, dict):
        return {"config": config}
    step.notes.changed(step.at("handler_config"), "is no object; it is config.value here")
    return {"config": {"value": config}}


def _put_resolver(handler: Fields) -> None:
    resolver = handler.text("resolver")
    if resolver is not None:
        handler.notes.lost(
            handler.at("resolver"), f"{resolver}: a callable is imported by its name here; there are no resolvers"
        )


def _result_schema(step: Fields) -> dict[str, Any] | None:
    schema = step.plain("result_schema")
    if schema is None:
        return None
    step.notes.changed(
        step.at("result_schema"), "is enforced here: a result that breaks it is a permanent failure of the step"
    )
    return upgraded(schema, step.at("result_schema"), step.notes)


def _keep(step: Fields, original: str, kept: Keepsakes) -> None:
    path = step.at("system_dependency" if step.has("system_dependency") else "dependent_system")
    kept.keep_of(
        "step-systems", original, step.text("system_dependency", "dependent_system"), path, "systems are not modelled"
    )
    kept.keep_of(
        "publishes-events",
        original,
        step.take("publishes_events"),
        step.at("publishes_events"),
        "events are not declared; publish them in the handler by context.publish(name, payload)",
    )
    for name, why in _WITHOUT_COUNTERPART.items():
        value = step.take(name)
        if value not in (None, [], {}):
            step.notes.lost(step.at(name), f"{shown(value)}: {why}")


_WITHOUT_COUNTERPART = {
    "batch_config": "there are no batches; the handler goes through them itself",
    "composition": "steps without code have no counterpart; write a handler, or run a container",
    "lifecycle": "limits of staleness hold for a whole Task; a step has retry and timeout",
    "custom_events": "events are not declared; publish them in the handler by context.publish(name, payload)",
}
