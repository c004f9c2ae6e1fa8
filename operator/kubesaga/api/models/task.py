"""Task.spec: one request to run a template. None of it can be changed afterwards."""

from __future__ import annotations

import json
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from kubesaga.api.constants import DEFAULT_DOMAIN, MAX_METADATA_BYTES, MAX_TAGS
from kubesaga.api.models.base import FreeObject, LogicalName, Model, ShortText, Text, Version, cel


def _check_metadata(metadata: dict[str, Any]) -> dict[str, Any]:
    size = len(json.dumps(metadata, ensure_ascii=False, separators=(",", ":")).encode())
    if size > MAX_METADATA_BYTES:
        raise PydanticCustomError(
            "MetadataTooLarge",
            "{size} bytes, of which {limit} are allowed",
            {
                "size": size,
                "limit": MAX_METADATA_BYTES,
                "remedy": "keep the data elsewhere and pass a reference, or move it to spec.context",
            },
        )
    return metadata


class TemplateRef(Model):
    """Which template to run."""

    domain: LogicalName = DEFAULT_DOMAIN
    """Its logical owner."""
    name: LogicalName
    """Its logical name: spec.name of the TaskTemplate, else its metadata.name."""
    version: Version | None = None
    """Its exact version; default: the highest release."""


def _immutable(*names: str) -> dict[str, Any]:
    # At spec, with has(): a transition rule on the field itself is not run when the field comes or goes.
    rule = "has(self.{0}) == has(oldSelf.{0}) && (!has(self.{0}) || self.{0} == oldSelf.{0})"
    return cel(*((rule.format(name), f"spec.{name} cannot be changed: create another Task") for name in names))


class TaskSpec(Model):
    """One request to run a workflow."""

    model_config = ConfigDict(
        json_schema_extra=_immutable(
            "templateRef",
            "context",
            "options",
            "metadata",
            "initiator",
            "sourceSystem",
            "reason",
            "tags",
            "correlationId",
            "parentCorrelationId",
        )
    )

    template_ref: TemplateRef
    """Which template to run."""
    context: FreeObject | None = None
    """The input of the workflow: what the template's inputSchema describes, and every step can read."""
    options: FreeObject | None = None
    """Settings of this run that steps can read, apart from its input."""
    metadata: Annotated[FreeObject, AfterValidator(_check_metadata)] | None = None
    """Anything that travels along for readers, at most 4 KiB."""
    initiator: ShortText | None = None
    """Who or what asked for it."""
    source_system: ShortText | None = None
    """Where the request came from."""
    reason: Text | None = None
    """Why it was asked for."""
    tags: (
        Annotated[tuple[Annotated[str, Field(min_length=1, max_length=63)], ...], Field(max_length=MAX_TAGS)] | None
    ) = None
    """For finding it again."""
    correlation_id: ShortText | None = None
    """Ties the Task to what happens elsewhere."""
    parent_correlation_id: ShortText | None = None
    """The correlation id of what caused this one."""
