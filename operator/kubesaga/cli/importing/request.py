"""A task request of either dialect as a Task. Called by `convert`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubesaga.api import constants as c
from kubesaga.cli.importing.fields import Fields, shown
from kubesaga.cli.importing.steps import text
from kubesaga.cli.importing.versioning import convert_version
from kubesaga.cli.importing.words import StepNames, logical_name, object_name

_TEXTS = {
    "initiator": "initiator",
    "sourceSystem": "source_system",
    "correlationId": "correlation_id",
    "parentCorrelationId": "parent_correlation_id",
    "idempotencyKey": "idempotency_key",
}
_MAX_SHORT_TEXT = 256
_MAX_TAG = 63
_METADATA = {
    "requested_at": "when a Task was asked for is its metadata.creationTimestamp",
    "claim_timeout_seconds": "Tasks are not claimed",
}
_STATE = ("status", "complete", "task_id", "task_uuid")


def convert_request(request: Fields, object_words: str, steps: Mapping[tuple[str, str], StepNames]) -> dict[str, Any]:
    """The Task, with every field of the source taken or noted.

    ``object_words`` is what its name in the cluster is made of; ``steps`` has the steps' names of the templates that
    are imported along with it, by domain and name.
    """
    domain = _logical(request, "namespace", "namespace_name") or c.DEFAULT_DOMAIN
    name = _logical(request, "name") or "imported"
    reference: dict[str, Any] = {"name": name, "version": convert_version(request, always=True)}
    if domain != c.DEFAULT_DOMAIN:
        reference = {"domain": domain, **reference}
    spec: dict[str, Any] = {"templateRef": reference}
    for field in ("context", "options"):
        if values := request.plain(field):
            spec[field] = values
    for field, source in _TEXTS.items():
        _short_text(request, spec, field, source)
    if reason := text(request, "reason"):
        spec["reason"] = reason
    _tags(request, spec)
    if priority := request.whole("priority"):
        spec["priority"] = priority
    _bypassed(request, spec, steps.get((domain, name)) or StepNames())
    _metadata(request, spec)
    request.close()
    return {
        "apiVersion": c.API_VERSION,
        "kind": c.TASK_KIND,
        "metadata": {"name": object_name(object_words)},
        "spec": spec,
    }


def _logical(request: Fields, *names: str) -> str | None:
    path = request.at(next((name for name in names if request.has(name)), names[0]))
    written = request.text(*names)
    if written is None:
        return None
    found = logical_name(written)
    if found != written:
        request.notes.changed(path, f"{written} is called {found}")
    return found


def _short_text(request: Fields, spec: dict[str, Any], field: str, source: str) -> None:
    path, value = request.at(source), request.text(source)
    if not value:
        return
    if len(value) > _MAX_SHORT_TEXT and field == "idempotencyKey":
        request.notes.lost(path, f"{shown(value)} is longer than {_MAX_SHORT_TEXT} characters; left out")
        return
    if field == "idempotencyKey":
        request.notes.changed(path, "tells requests apart only where the template says CallerProvided")
    if len(value) > _MAX_SHORT_TEXT:
        request.notes.changed(path, f"is cut to {_MAX_SHORT_TEXT} characters")
    spec[field] = value[:_MAX_SHORT_TEXT]


def _tags(request: Fields, spec: dict[str, Any]) -> None:
    tags = [tag for tag in request.words("tags") if tag]
    fitting = [tag for tag in tags if len(tag) <= _MAX_TAG][: c.MAX_TAGS]
    if fitting:
        spec["tags"] = fitting
    rest = [tag for tag in tags if tag not in fitting]
    if rest:
        spec["metadata"] = {**spec.get("metadata", {}), "tags": rest}
        request.notes.kept(
            request.at("tags"),
            f"{len(rest)} of them are in metadata.tags: at most {c.MAX_TAGS} of {_MAX_TAG} characters are tags",
        )


def _bypassed(request: Fields, spec: dict[str, Any], names: StepNames) -> None:
    steps = request.words("bypass_steps")
    if not steps:
        return
    spec["bypassSteps"] = list(dict.fromkeys(names.find(step) for step in steps))
    request.notes.changed(
        request.at("bypass_steps"), "only steps that the template has as skippable may be bypassed here"
    )


def _metadata(request: Fields, spec: dict[str, Any]) -> None:
    for field, why in _METADATA.items():
        value = request.take(field)
        if value is not None:
            spec["metadata"] = {**spec.get("metadata", {}), field: value}
            request.notes.kept(request.at(field), f"{why}; it is in metadata.{field}")
    for field in _STATE:
        value = request.take(field)
        if value is not None:
            request.notes.lost(request.at(field), f"{shown(value)}: how far a request has come is not imported")
