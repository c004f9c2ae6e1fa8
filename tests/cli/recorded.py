"""Task objects as the operator would have written them, recorded while the real engine plays a template.

Played in virtual time in the engine's own world, so that each moment is known; tests/cluster shows that real Tasks
read the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubesaga.api.compile import compile_plan, effective_template
from kubesaga.api.models import TaskTemplateSpec
from kubesaga.api.status import write_status
from kubesaga.api.times import rfc3339
from tests.engine.world import World

Obj = dict[str, Any]

BEGUN = 1_767_323_045.0
"""2026-01-02 03:04:05 UTC: when every recorded Task is created."""


def template(*steps: Obj, **spec: Any) -> Obj:
    """The content of a revision."""
    written = {"version": "1.2.0", "domain": "shop", "defaults": {"image": "handlers:1"}, "steps": list(steps), **spec}
    return effective_template(written, name="fulfil")


def handler(name: str, **step: Any) -> Obj:
    """A step that runs a handler."""
    return {"name": name, "handler": {"callable": "shop:Handler"}, **step}


def world(content: Mapping[str, Any], script: Any, **changes: Any) -> World:
    """The engine's world for a Task of this template."""
    plan = compile_plan(TaskTemplateSpec.read(content))
    return World(plan, script, now=BEGUN, name=changes.pop("name", "order-1"), **changes)


def recorded(played: World, **spec: Any) -> Obj:
    """The Task object after all decisions of a world, each written as the operator does."""
    finals = [played.plan.steps[i].name for i in played.plan.finals]
    status: Obj | None = None
    at = BEGUN
    for decision in played.decisions:
        at = decision.transitions[-1].at if decision.transitions else at
        status = write_status(decision.status, status, decision.transitions, 1, at, finals)
    return task(name=played.name, uid=played.uid, status=status, **spec)


def task(name: str = "order-1", uid: str = "uid-1", status: Obj | None = None, **spec: Any) -> Obj:
    """A Task object."""
    return {
        "apiVersion": "kubesaga.dev/v1alpha1",
        "kind": "Task",
        "metadata": {"name": name, "namespace": "shop", "uid": uid, "creationTimestamp": rfc3339(BEGUN)},
        "spec": {"templateRef": {"domain": "shop", "name": "fulfil", "version": "^1"}, **spec},
        **({"status": status} if status is not None else {}),
    }


SHOP = template(
    handler("reserve", compensation={}),
    handler("charge", dependsOn=["reserve"], compensation={}, timeout="30s"),
    handler("mail", dependsOn=["reserve"], continueOnError=True),
    handler("ship", dependsOn=["charge"], skippable=True),
    {"name": "signature", "dependsOn": ["ship"], "approval": {"timeout": "1h"}},
    failureStrategy="Compensate",
    blockedTimeout="30s",
    timeout="2h",
    **{"finally": [handler("bye")]},
)
"""A workflow with something of everything."""
