"""Nothing is undone while forward work can still run: whoever decides an end looks at what is recorded as over, too."""

from __future__ import annotations

from kubesaga.api import constants as c
from kubesaga.runtime.cache import Obj

from .test_sub_workflows import ENDS, sub
from .world import World, done, fails

SAGA = {"failureStrategy": "Compensate"}


def running_beside_undoing(world: World) -> list[str]:
    """The forward Jobs that are not over when a compensation's Job is created; filled while the world plays."""
    found: list[str] = []

    def see(plural: str, type_: str, obj: Obj) -> None:
        if plural == "jobs" and type_ == "ADDED" and obj["metadata"]["labels"][c.LABEL_ROLE] == "compensation":
            jobs = [job for job in world.kube.all("jobs") if job["metadata"]["labels"][c.LABEL_ROLE] == "forward"]
            found.extend(job["metadata"]["name"] for job in jobs if not (job.get("status") or {}).get("conditions"))

    world.kube.watchers.append(see)
    return found


def test_a_step_is_not_undone_before_the_job_of_its_success_is_over() -> None:
    async def act(world: World) -> None:
        world.template("order", {"name": "a", "compensation": {}}, {"name": "b"}, **SAGA)
        world.task("t", "order")
        await world.until_state("t", *ENDS)

    world = World()
    beside = running_beside_undoing(world)
    # b's failure is told while a has succeeded and its Job is not over: no live step is left.
    world.script |= {"a": [done(seconds=1.6)], "b": [fails()]}
    world.play(act)
    assert world.started == ["b", "a", "a~"]
    assert beside == []


def test_nothing_is_undone_beside_a_child_that_a_human_reopened() -> None:
    async def act(world: World) -> None:
        world.script["x"] = [fails(), done(seconds=500)]
        world.template("sub", {"name": "x"})
        once = {**sub("s", "sub"), "retry": {"maxAttempts": 1}}
        world.template("order", {"name": "a", "compensation": {}}, once, blockedTimeout="10m", **SAGA)
        world.task("t", "order")
        await world.until_state("t", "BlockedByFailures")
        world.act("again", world.child("t", "s"), "Retry")
        await world.until(lambda: world.started.count("x") == 2)
        world.act("enough", "t", "GiveUp")
        await world.until_state("t", *ENDS)

    world = World()
    beside = running_beside_undoing(world)
    world.play(act)
    assert world.started.count("a~") == 1
    assert beside == []
