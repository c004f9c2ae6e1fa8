"""The parts of a pod that a step may set.

Kubernetes' own types are passed through as they are written: the API server checks them when the Job is
created. Only what Kubesaga itself must rely on is typed: reserved names, quantities, lists that are merged by
name.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from kubesaga.api.constants import ENV_PREFIX, GROUP, MAX_ENV
from kubesaga.api.models.base import FreeObject, Model, Quantity, cel, list_map


def _check_env_name(name: str) -> str:
    if name.startswith(ENV_PREFIX):
        raise PydanticCustomError(
            "ReservedEnvironment",
            "{name} is reserved: {prefix}* variables are how a step gets its input",
            {"name": name, "prefix": ENV_PREFIX, "remedy": "choose a name without this prefix"},
        )
    return name


class EnvVar(Model):
    """An environment variable."""

    model_config = ConfigDict(
        json_schema_extra=cel(
            (
                f"!self.name.startsWith('{ENV_PREFIX}')",
                f"{ENV_PREFIX}* variables are reserved for the step's input",
            ),
            ("!(has(self.value) && has(self.valueFrom))", "value and valueFrom exclude each other"),
        )
    )

    name: Annotated[str, Field(min_length=1, max_length=256), AfterValidator(_check_env_name)]
    """Not KUBESAGA_*, which is reserved."""
    value: Annotated[str, Field(max_length=32768)] | None = None
    """As in a pod: $(OTHER) is replaced by an earlier variable, $$ is a dollar sign."""
    value_from: FreeObject | None = None
    """As in a pod: secretKeyRef, configMapKeyRef, fieldRef or resourceFieldRef."""


Env = Annotated[tuple[EnvVar, ...], Field(max_length=MAX_ENV, json_schema_extra=list_map("name"))]
EnvFrom = Annotated[tuple[FreeObject, ...], Field(max_length=16)]


class VolumeMount(Model):
    """Where a volume of the pod appears in the container; further fields as in a pod."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"x-kubernetes-preserve-unknown-fields": True})

    name: Annotated[str, Field(min_length=1, max_length=63)]
    """A volume that pod.volumes declares, in the step or in the defaults."""
    mount_path: Annotated[str, Field(min_length=1, max_length=1024)]
    """Path in the container."""


VolumeMounts = Annotated[tuple[VolumeMount, ...], Field(max_length=32, json_schema_extra=list_map("mountPath"))]


class Volume(Model):
    """A volume of the pod: a name, and one source as in a pod."""

    model_config = ConfigDict(extra="allow", json_schema_extra={"x-kubernetes-preserve-unknown-fields": True})

    name: Annotated[str, Field(min_length=1, max_length=63)]
    """What volumeMounts refer to."""


class LocalObjectReference(Model):
    """An object in the same namespace."""

    name: Annotated[str, Field(min_length=1, max_length=253)]
    """Its name."""


Quantities = Annotated[dict[str, Quantity], Field(max_length=16)]


class Resources(Model):
    """What the container needs at least (requests) and gets at most (limits)."""

    requests: Quantities | None = None
    """Reserved for the container, such as cpu: 100m."""
    limits: Quantities | None = None
    """Never exceeded by the container, such as memory: 256Mi."""


def _check_own_keys(entries: dict[str, str]) -> dict[str, str]:
    for key in entries:
        if key.split("/", maxsplit=1)[0] == GROUP:
            raise PydanticCustomError(
                "ReservedLabel",
                "{key} is reserved: {group}/* labels and annotations are how the operator knows its pods",
                {"key": repr(key), "group": GROUP, "remedy": "choose a key with another prefix, or none"},
            )
    return entries


# No CEL twin of this check: no schema bounds a key's length, so the rule's cost would be unbounded.
_NotOurs = AfterValidator(_check_own_keys)
LabelValue = Annotated[str, Field(max_length=63)]
Labels = Annotated[dict[str, LabelValue], Field(max_length=32), _NotOurs]
Annotations = Annotated[dict[str, Annotated[str, Field(max_length=4096)]], Field(max_length=32), _NotOurs]


class PodSettings(Model):
    """How a step's pod is placed and what it may use.

    A step's settings go over the defaults': maps are merged by key, volumes and imagePullSecrets by name,
    tolerations are added, everything else is replaced as a whole.
    """

    service_account_name: Annotated[str, Field(max_length=253)] | None = None
    """The pod's identity. Its token is not mounted."""
    node_selector: Annotated[dict[str, LabelValue], Field(max_length=32)] | None = None
    """Labels that the node must have."""
    tolerations: Annotated[tuple[FreeObject, ...], Field(max_length=32)] | None = None
    """Taints that the pod puts up with, as in a pod."""
    affinity: FreeObject | None = None
    """Which nodes and neighbours it prefers, as in a pod."""
    priority_class_name: Annotated[str, Field(max_length=253)] | None = None
    """The pod's scheduling priority."""
    image_pull_secrets: (
        Annotated[tuple[LocalObjectReference, ...], Field(max_length=16, json_schema_extra=list_map("name"))] | None
    ) = None
    """Secrets with the image registry's credentials."""
    security_context: FreeObject | None = None
    """The pod's security context, over the operator's restricted one."""
    volumes: Annotated[tuple[Volume, ...], Field(max_length=32, json_schema_extra=list_map("name"))] | None = None
    """Volumes that volumeMounts may refer to."""
    labels: Labels | None = None
    """Labels for the Job and its pod, such as a quota system's queue name."""
    annotations: Annotations | None = None
    """Annotations for the Job and its pod."""
