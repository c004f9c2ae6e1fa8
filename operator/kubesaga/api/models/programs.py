"""What a step or a compensation runs: a handler on the SDK, or any container."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from kubesaga.api.constants import DEFAULT_METHOD
from kubesaga.api.models.base import FreeObject, Model
from kubesaga.api.models.kubernetes import Env, EnvFrom, VolumeMounts

_IMPORTED = r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_]*"
_VERSION = r"[0-9]+\.[0-9]+\.[0-9]+([+-][0-9A-Za-z.+-]*)?"
_REGISTERED = rf"([A-Za-z_][A-Za-z0-9_-]*/)?[A-Za-z_][A-Za-z0-9_-]*(\.[A-Za-z_][A-Za-z0-9_-]*)*(@{_VERSION})?"
CALLABLE_PATTERN = f"^({_IMPORTED}|{_REGISTERED})$"
METHOD_PATTERN = "^[A-Za-z][A-Za-z0-9_]*$"
_CALLABLE = re.compile(CALLABLE_PATTERN)


class ImagePullPolicy(StrEnum):
    """When the node fetches the image, as in a pod."""

    ALWAYS = "Always"
    IF_NOT_PRESENT = "IfNotPresent"
    NEVER = "Never"


def _check_callable(text: str) -> str:
    if not _CALLABLE.fullmatch(text):
        raise PydanticCustomError(
            "InvalidCallable",
            "{text} does not name a callable",
            {
                "text": repr(text[:100]),
                "remedy": "write package.module:Class or package.module.Class, as Python would import it, or the name "
                "of a registered handler: [namespace/]name[@version]",
            },
        )
    return text


Callable = Annotated[
    str,
    Field(max_length=253, json_schema_extra={"pattern": CALLABLE_PATTERN}),
    AfterValidator(_check_callable),
]
Image = Annotated[str, Field(min_length=1, max_length=512)]
Arguments = Annotated[tuple[Annotated[str, Field(max_length=32768)], ...], Field(max_length=128)]


class HandlerProgram(Model):
    """Python code in an image that has the Kubesaga SDK."""

    callable: Callable
    """package.module:Class, package.module.Class, or a registered handler's [namespace/]name[@version]."""
    method: Annotated[str, Field(pattern=METHOD_PATTERN, max_length=128)] = DEFAULT_METHOD
    """The method that runs."""
    config: FreeObject | None = None
    """Settings for the handler."""
    image: Image | None = None
    """Default: the template's; for a compensation first the step's own handler image."""
    env: Env | None = None
    """Environment, merged by name over the template's."""


class ContainerProgram(Model):
    """Any program: exit code 0 is success, 64 to 78 a permanent failure, anything else a retryable one."""

    image: Image | None = None
    """Default: the template's."""
    image_pull_policy: ImagePullPolicy | None = None
    """Default: the template's."""
    command: Arguments | None = None
    """Instead of the image's entry point."""
    args: Arguments | None = None
    """Arguments of the command."""
    env: Env | None = None
    """Environment, merged by name over the template's."""
    env_from: EnvFrom | None = None
    """Sources of environment, as in a pod, after the template's."""
    volume_mounts: VolumeMounts | None = None
    """Merged by mountPath over the template's."""
