"""How a step's input document reaches its pod: in a variable, or as a file where it is large.

Pure construction, called by ``jobs``. The ConfigMap behind the file must be there before the Job.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kubesaga.api import constants as c
from kubesaga.api.input_text import input_text
from kubesaga.engine.vocabulary import DeletionPolicy
from kubesaga.runtime.configmaps import build_config_map

Obj = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Delivery:
    """What the Job needs for its input: a variable's name and value, and for a file the ConfigMap that holds it."""

    variable: str
    value: str
    config_map: Obj | None = None

    @property
    def volumes(self) -> list[Obj]:
        """The pod's volume, if there is a file."""
        if self.config_map is None:
            return []
        name = self.config_map["metadata"]["name"]
        return [{"name": c.INPUT_VOLUME, "configMap": {"name": name, "defaultMode": 0o444}}]

    @property
    def mounts(self) -> list[Obj]:
        """The container's mount, if there is a file."""
        if self.config_map is None:
            return []
        return [{"name": c.INPUT_VOLUME, "mountPath": c.INPUT_PATH, "readOnly": True}]


def deliver(
    task: Mapping[str, Any],
    policy: DeletionPolicy,
    job_name: str,
    document: Mapping[str, Any],
    labels: Mapping[str, str],
) -> Delivery:
    """Choose how the document travels; ``labels`` are for the ConfigMap, if it takes one. Raises InputTooLarge."""
    text = input_text(document)
    if len(text.encode()) <= c.INLINE_INPUT_BYTES:
        return Delivery(c.ENV_INPUT, text)
    data = {c.INPUT_KEY: text}
    config_map = build_config_map(task, policy, f"{job_name}-input", c.CONTENT_INPUT, data, labels=labels)
    return Delivery(c.ENV_INPUT_FILE, f"{c.INPUT_PATH}/{c.INPUT_KEY}", config_map)
