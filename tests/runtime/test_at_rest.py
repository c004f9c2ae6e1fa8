"""Tasks that wait cost nothing: no write, and no read but the sweep's, however long they wait and for what."""

from __future__ import annotations

import asyncio
from collections import Counter

from .world import World, endless, fails

SWEPT = {"tasks", "tasktemplates", "taskactions", "jobs", "pods", "controllerrevisions"}


def test_an_hour_of_waiting_for_all_kinds_of_things_is_no_write_and_no_read_of_a_single_object() -> None:
    calls: list[tuple[str, str]] = []

    async def act(world: World) -> None:
        world.script |= {"runs": [endless()], "breaks": [fails()], "done~": [fails()]}
        world.template(
            "approved",
            {"name": "first"},
            {"name": "ok", "approval": {}, "dependsOn": ["first"]},
            lifecycle={"waitingForDependencies": "60s"},
        )
        world.template("above", {"name": "sub", "task": {"templateRef": {"name": "approved"}}})
        world.template("long", {"name": "runs"})
        world.template("blocked", {"name": "breaks"}, blockedTimeout="10h")
        world.template(
            "stuck",
            {"name": "done", "compensation": {}},
            {"name": "breaks", "dependsOn": ["done"]},
            failureStrategy="Compensate",
        )
        for name in ("approved", "above", "long", "blocked", "stuck", "missing"):
            world.task(name, name)
        world.task("held", "approved", desiredState="Suspended")
        await asyncio.sleep(300)
        before = len(world.kube.calls)
        await asyncio.sleep(3600)
        calls.extend(call for call in world.kube.calls[before:] if "/leases" not in call[1])

    world = World().play(act)
    assert Counter(method for method, _ in calls).keys() == {"GET"}
    assert {path.rsplit("/", 1)[-1] for _, path in calls} <= SWEPT
    assert not any("/namespaces/" in path for _, path in calls)
    assert {world.state(name) for name in ("approved", "above", "held")} == {"WaitingForDependencies"}
    assert [world.state(name) for name in ("long", "blocked", "stuck")] == [
        "StepsInProcess",
        "BlockedByFailures",
        "Compensating",
    ]
