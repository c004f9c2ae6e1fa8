"""What an application asks for: one Task, checked as far as it can be before anything is sent.

``TaskRequest`` is what ``submit`` takes; ``template_ref`` reads how people write a template's reference.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from pydantic import ValidationError

from kubesaga.api.constants import API_VERSION, DEFAULT_DOMAIN, TASK_KIND
from kubesaga.api.findings import Finding, check_task
from kubesaga.api.models import TemplateRef
from kubesaga.api.object_names import MAX_TASK_NAME, is_task_name, name_after
from kubesaga.client.errors import Cause, Invalid
from kubesaga.engine.vocabulary import DeletionPolicy, DesiredState

_REFERENCE = re.compile(r"(?:(?P<domain>[^/@]+)/)?(?P<name>[^/@]+)(?:@(?P<version>.+))?")
_AS_WRITTEN = (
    "write NAME, DOMAIN/NAME or DOMAIN/NAME@VERSION; VERSION is exact, such as 1.2.0, or a range, such as ^1.2"
)


def template_ref(text: str | TemplateRef) -> TemplateRef:
    """A reference as it is written in one word: ``orders/fulfil@^1``, ``fulfil``, ``fulfil@1.2.0``. Raises Invalid."""
    if isinstance(text, TemplateRef):
        return text
    match = _REFERENCE.fullmatch(text.strip())
    if match is None:
        raise Invalid(f"{text!r} names no template", _AS_WRITTEN)
    parts = {key: value for key, value in match.groupdict().items() if value is not None}
    try:
        return TemplateRef.read(parts)
    except ValidationError as error:
        wrong = [f"its {each['loc'][0]} cannot be {parts.get(str(each['loc'][0]))!r}" for each in error.errors()]
        raise Invalid(f"{text!r} names no template: {', '.join(wrong)}", _AS_WRITTEN) from error


@dataclass(frozen=True, slots=True)
class TaskRequest:
    """One Task to be created. The fields mean what they mean in Task.spec; what is None is left out.

    Without a ``name`` one is made from the template's. Raises Invalid, with every cause, where it is not valid by
    itself; whether the context is right is for the template's inputSchema to say.
    """

    template: str | TemplateRef
    context: Mapping[str, Any] | None = None
    name: str | None = None
    options: Mapping[str, Any] | None = None
    metadata: Mapping[str, Any] | None = None
    initiator: str | None = None
    source_system: str | None = None
    reason: str | None = None
    tags: Sequence[str] | None = None
    correlation_id: str | None = None
    parent_correlation_id: str | None = None
    idempotency_key: str | None = None
    priority: int | None = None
    bypass_steps: Sequence[str] | None = None
    desired_state: DesiredState | None = None
    cancellation: Mapping[str, Any] | None = None
    deletion_policy: DeletionPolicy | None = None
    ttl_after_finished: str | None = None
    labels: Mapping[str, str] | None = None
    annotations: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        if self.name is not None and not is_task_name(self.name):
            what = Cause("metadata.name", f"{self.name!r} is no name for a Task")
            raise Invalid(
                f"the request is not valid: {what}",
                f"write at most {MAX_TASK_NAME} lower-case letters, digits, inner - and .",
                (what,),
            )
        found = check_task(self.spec())
        if found:
            raise _invalid(found)

    @classmethod
    def of_manifest(cls, manifest: Mapping[str, Any]) -> Self:
        """The request that a Task's manifest (its YAML, read) is. Raises Invalid, also for unknown fields."""
        if manifest.get("apiVersion") != API_VERSION or manifest.get("kind") != TASK_KIND:
            found = f"{manifest.get('apiVersion')} {manifest.get('kind')}"
            remedy = f"write apiVersion: {API_VERSION}, kind: {TASK_KIND}"
            raise Invalid(f"the manifest is no Task: it says {found}", remedy)
        spec, meta = manifest.get("spec"), _metadata(manifest)
        found_in_spec = check_task(spec if isinstance(spec, Mapping) else {})
        if found_in_spec or not isinstance(spec, Mapping):
            raise _invalid(found_in_spec)
        given = {python: spec[wire] for python, wire in _FIELDS.items() if wire in spec}
        return cls(
            TemplateRef.read(spec["templateRef"]),
            name=meta.get("name"),
            labels=meta.get("labels"),
            annotations=meta.get("annotations"),
            **given,
        )

    def spec(self) -> dict[str, Any]:
        """Task.spec."""
        reference = template_ref(self.template).write()
        values = ((wire, getattr(self, python)) for python, wire in _FIELDS.items())
        return {"templateRef": reference, **{wire: _plain(value) for wire, value in values if value is not None}}

    def manifest(self, namespace: str) -> dict[str, Any]:
        """The Task to create, with a name of its own if the request has none."""
        name = self.name or made_name(template_ref(self.template).name)
        meta: dict[str, Any] = {"name": name, "namespace": namespace}
        if self.labels:
            meta["labels"] = dict(self.labels)
        if self.annotations:
            meta["annotations"] = dict(self.annotations)
        return {"apiVersion": API_VERSION, "kind": TASK_KIND, "metadata": meta, "spec": self.spec()}


def made_name(*words: str) -> str:
    """A new name that begins with these words. Made here and not by the API server: a create can then be repeated."""
    return name_after("-".join(words), secrets.token_hex(5))


def same_template(reference: Mapping[str, Any], wanted: TemplateRef) -> bool:
    """Whether a Task's templateRef names the same template; the version as it was asked for, if one is wanted."""
    return (
        reference.get("domain", DEFAULT_DOMAIN) == wanted.domain
        and reference["name"] == wanted.name
        and wanted.version in (None, reference.get("version"))
    )


# By their names here and in Task.spec.
_FIELDS = {
    "context": "context",
    "options": "options",
    "metadata": "metadata",
    "initiator": "initiator",
    "source_system": "sourceSystem",
    "reason": "reason",
    "tags": "tags",
    "correlation_id": "correlationId",
    "parent_correlation_id": "parentCorrelationId",
    "idempotency_key": "idempotencyKey",
    "priority": "priority",
    "bypass_steps": "bypassSteps",
    "desired_state": "desiredState",
    "cancellation": "cancellation",
    "deletion_policy": "deletionPolicy",
    "ttl_after_finished": "ttlAfterFinished",
}


def _metadata(manifest: Mapping[str, Any]) -> Mapping[str, Any]:
    """The manifest's metadata. Raises Invalid for values that are not of the kind that they have to be."""
    meta = manifest.get("metadata") or {}
    if not isinstance(meta, Mapping):
        raise _not_a(Cause("metadata", "is no object"))
    if not isinstance(meta.get("name", ""), str):
        raise _not_a(Cause("metadata.name", "is no text: put it in quotes"))
    for field in ("labels", "annotations"):
        values = meta.get(field) or {}
        if not isinstance(values, Mapping) or not all(isinstance(each, str) for each in values.values()):
            raise _not_a(Cause(f"metadata.{field}", "is no object of texts: put numbers, true and false in quotes"))
    return meta


def _not_a(cause: Cause) -> Invalid:
    return Invalid(f"the manifest is not valid: {cause}", "correct the manifest", (cause,))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        return list(value)
    return value


def _invalid(found: Sequence[Finding]) -> Invalid:
    causes = tuple(Cause(each.path, f"{each.message}; {each.remedy}") for each in found)
    return Invalid("the request is not valid: " + "; ".join(map(str, causes)), "correct the request", causes)
