"""Requests for Tasks: which two are the same one, and what a step with a sub-workflow asks of its child Task.

The operator holds a Task to the request that it was created with, and the client knows its own request again. A child
Task is asked for by the operator and by local runs, in the same words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubesaga.api.compile import content_hash
from kubesaga.api.constants import DEFAULT_DOMAIN
from kubesaga.engine.plan import ChildTask

_CHANGEABLE = frozenset({"desiredState", "cancellation", "ttlAfterFinished"})
# What a child takes over from its parent: who asked, and why, is the same question on every level.
_PASSED_ON = ("correlationId", "parentCorrelationId", "reason", "sourceSystem", "tags")


def request_hash(spec: Mapping[str, Any]) -> str:
    """SHA-256 of what cannot be changed about a request. What says nothing (a default that a later API server writes
    out, an empty list) makes no difference."""
    said = {field: value for field, value in spec.items() if field not in _CHANGEABLE and value}
    reference = said.get("templateRef") or {}
    if reference.get("domain") == DEFAULT_DOMAIN:
        said["templateRef"] = {field: value for field, value in reference.items() if field != "domain"}
    return content_hash(said)


def child_request(parent: Mapping[str, Any], child: ChildTask, context: Mapping[str, Any]) -> dict[str, Any]:
    """The spec of a step's child Task; ``parent`` is the Task object, ``context`` what the step gives to the child."""
    reference = {"domain": child.domain, "name": child.name}
    if child.version is not None:
        reference["version"] = child.version
    return {
        "templateRef": reference,
        "context": dict(context),
        "initiator": f"task/{parent['metadata']['name']}",
        **{field: parent["spec"][field] for field in _PASSED_ON if field in parent["spec"]},
    }
