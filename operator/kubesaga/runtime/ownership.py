"""Whether what the operator creates for a Task goes with it at once, or only when the Task has been undone.

Everything made for a Task carries its UID as a label. Under deletionPolicy Delete it also carries an ownerReference, so
that Kubernetes deletes it with the Task; under Compensate it does not, because a foreground deletion would take it
before the Task's work is undone (semantics 5, Delete). Used wherever an object is built.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubesaga.api import constants as c
from kubesaga.engine.plan import Plan
from kubesaga.engine.vocabulary import DeletionPolicy, FailureStrategy


def deletion_policy(task: Mapping[str, Any], plan: Plan) -> DeletionPolicy:
    """The Task's own, else Compensate for a template that compensates, else Delete."""
    written = task["spec"].get("deletionPolicy")
    if written:
        return DeletionPolicy(written)
    compensates = plan.failure_strategy is FailureStrategy.COMPENSATE
    return DeletionPolicy.COMPENSATE if compensates else DeletionPolicy.DELETE


def owner_references(task: Mapping[str, Any], policy: DeletionPolicy) -> list[dict[str, Any]]:
    """For the metadata of an object made for the Task."""
    if policy is DeletionPolicy.COMPENSATE:
        return []
    meta = task["metadata"]
    return [
        {
            "apiVersion": c.API_VERSION,
            "kind": c.TASK_KIND,
            "name": meta["name"],
            "uid": meta["uid"],
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]
