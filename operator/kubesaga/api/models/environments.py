"""What a template does differently where the operator runs for a certain environment."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from kubesaga.api.constants import ALL_STEPS, MAX_ENVIRONMENTS, MAX_STEPS
from kubesaga.api.models.base import FreeObject, Model, Timeout, is_logical_name, list_map
from kubesaga.api.models.retry import RetrySettings

OVERRIDDEN_NAME_PATTERN = f"^({ALL_STEPS}|[a-z]([a-z0-9_]{{0,38}}[a-z0-9])?)$"


class HandlerOverride(Model):
    """Settings of the step's handler."""

    config: FreeObject | None = None
    """Merged over the handler's own config, object by object."""


class StepOverride(Model):
    """What is different for one step, or for all of them."""

    name: Annotated[str, Field(pattern=OVERRIDDEN_NAME_PATTERN, max_length=40)]
    """A step of the workflow or of finally, or ALL: every step with a handler or a container. What is said of a step
    by its name goes over what is said of ALL."""
    handler: HandlerOverride | None = None
    """For a step with a handler."""
    retry: RetrySettings | None = None
    """Over the step's own, field by field."""
    timeout: Timeout | None = None
    """Instead of the step's own."""


class EnvironmentSpec(Model):
    """What is different in one environment."""

    steps: Annotated[tuple[StepOverride, ...], Field(max_length=MAX_STEPS, json_schema_extra=list_map("name"))]
    """The steps that are different."""


def _check_names(environments: dict[str, EnvironmentSpec]) -> dict[str, EnvironmentSpec]:
    for name in environments:
        if not is_logical_name(name):
            raise PydanticCustomError(
                "InvalidField",
                "{name} is no environment's name",
                {
                    "name": repr(name[:100]),
                    "remedy": "write lower-case letters, digits, - and _, first a letter, at most 63 characters",
                },
            )
    return environments


Environments = Annotated[dict[str, EnvironmentSpec], Field(max_length=MAX_ENVIRONMENTS), AfterValidator(_check_names)]
