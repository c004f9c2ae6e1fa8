"""Worlds of parents and children: each Task decided by itself, seeing of the others what ``gather`` would show it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from kubesaga.engine.decision import Attempt
from kubesaga.engine.plan import ChildTask, Compensation, Plan, Scope, Step
from kubesaga.engine.policies import reopen
from kubesaga.engine.policies.parent import stop_command
from kubesaga.engine.records import ParentLink, ResultRef, StepRecord
from kubesaga.engine.scope import scope
from kubesaga.engine.snapshot import Child, Parent, Phase
from kubesaga.engine.states import LIVE_STEP_STATES, TERMINAL_TASK_STATES
from kubesaga.engine.vocabulary import DesiredState, Role, StepKind, StepState
from tests.engine.world import Outcome, World

UNDO_CHILD = Compensation(kind=StepKind.TASK)


def sub(name: str, template: str = "sub", **changes: Any) -> Step:
    """A step that runs a sub-workflow, undone by asking it to compensate."""
    make_context: Callable[[Scope], Mapping[str, Any]] = changes.pop("make_context", lambda _: {})
    child = ChildTask("default", template, None, make_context)
    return Step(name, kind=StepKind.TASK, child=child, **{"compensation": UNDO_CHILD, **changes})


@dataclass
class Kin:
    """A child Task, or the fence that has taken its name up to an attempt."""

    world: World
    fenced: int | None = None
    gone: bool = False


@dataclass
class Family:
    """A root Task and all below it. ``plans`` are the templates of sub-workflows, by name."""

    root: World
    plans: Mapping[str, Plan]
    script: Callable[[Attempt], Outcome]
    kin: dict[tuple[str, str], Kin] = field(default_factory=dict)  # by the parent's UID and its step
    make: type[World] = World

    def __post_init__(self) -> None:
        self._adopt(self.root)

    def child(self, *path: str) -> World:
        """The Task at the end of these steps."""
        world = self.root
        for step in path:
            world = self.kin[world.uid, step].world
        return world

    def worlds(self) -> Iterator[World]:
        yield self.root
        yield from (kin.world for kin in list(self.kin.values()) if kin.fenced is None and not kin.gone)

    def pass_all(self, **how: Any) -> None:
        for world in self.worlds():
            world.pass_once(**how)

    def tick(self, seconds: float) -> None:
        for world in self.worlds():
            world.tick(seconds)

    def run(self, limit: int = 2_000) -> Family:
        """Until the root has ended or waits for a human, and nothing else goes on by itself."""
        return self.run_until(self.is_over, limit)

    def is_over(self) -> bool:
        return (self.root.ended or self.root.stuck()) and all(w.ended or w.stuck() for w in self.worlds())

    def run_until(self, there: Callable[[], bool], limit: int = 2_000, tick: float = 0.5) -> Family:
        for _ in range(limit):
            self.pass_all()
            if there():
                return self
            self.tick(tick)
        said = "; ".join(f"{w.uid}: {w.status.state}, {w.status.message}" for w in self.worlds())
        raise AssertionError(f"not there after {limit} passes: {said}")

    def run_chaotically(self, random: Random, limit: int = 3_000) -> Family:
        """Each pass of each Task may crash after its write; they take turns in any order."""
        for _ in range(limit):
            worlds = list(self.worlds())
            random.shuffle(worlds)
            for world in worlds:
                world.pass_once(crash_after_write=random.random() < 0.15)
            if self.is_over():
                return self
            self.tick(random.choice([0.0, 0.1, 0.5, 2.0]))
        said = "; ".join(f"{w.uid}: {w.status.state}, {w.status.message}" for w in self.worlds())
        raise AssertionError(f"not over after {limit} passes: {said}")

    def settle(self, limit: int = 3_000) -> Family:
        """As ``World.settle``, for all: a pass for whoever sees something new, or asked to be woken."""
        for _ in range(limit):
            wakes = [self._look(world) for world in list(self.worlds())]
            if any(wake is None for wake in wakes):
                continue
            now = self.root.now
            moments = [job.next_change(now) for w in self.worlds() for job in w.jobs.values() if not job.fence]
            at = min([*moments, *(wake for wake in wakes if wake is not None)], default=math.inf)
            if at == math.inf:
                assert all(w.ended or w.names_a_human() or self._waits(w) for w in self.worlds()), self._said()
                assert self.root.ended or any(w.names_a_human() for w in self.worlds()), self._said()
                return self
            self.tick(max(0.0, at - now))
        raise AssertionError(f"not settled after {limit} rounds: {self._said()}")

    def _look(self, world: World) -> float | None:
        """One pass; None if it brought something new, else when it asks to be woken."""
        before = world.snapshot()
        decision = world.pass_once()
        if decision.status is not before.status or replace(world.snapshot(), status=before.status) != before:
            return None
        return math.inf if decision.wake_at is None else decision.wake_at

    def _waits(self, world: World) -> bool:
        """Whether it waits for a child, or by its parent's suspension: then another names the human."""
        waits = any(
            step.kind is StepKind.TASK and (record.state in LIVE_STEP_STATES or record.compensation is not None)
            for step, record in zip(world.plan.steps, world.status.steps, strict=False)
        )
        above = world.parent()
        return waits or bool(above and above.suspended)

    def _said(self) -> str:
        return "; ".join(f"{w.uid}: {w.status.state}, {w.status.message}" for w in self.worlds())

    def check_no_undoing_beside_children(self) -> None:
        """No compensation above while forward work below can run, and none of a child beside its own."""
        for world in self.worlds():
            for attempt in world.launched:
                if attempt.role is not Role.COMPENSATION:
                    continue
                at = world.jobs[attempt].created_at
                for below in self.worlds():
                    if below.uid.startswith(world.uid + "/"):
                        running = [a for a in below.launched if a.role is Role.FORWARD and self._ran(below, a, at)]
                        assert not running, f"{attempt} beside {running} of {below.uid}"

    def _ran(self, world: World, attempt: Attempt, at: float) -> bool:
        job = world.jobs[attempt]
        seen = job.observe(at)
        finals = {step.name for step in world.plan.steps if step.final}
        return seen.phase is Phase.RUNNING and not job.outcome.deaf and attempt.step not in finals

    # --- what one sees of the other ------------------------------------------------------------------------

    def _adopt(self, world: World) -> None:
        world.children = lambda: self._children_of(world)
        world.launch_child = lambda attempt, fence: self._create(world, attempt, fence=fence)

    def _create(self, parent: World, attempt: Attempt, *, fence: bool) -> None:
        """The child Task of a step, unless it is there; a later attempt puts it in the place of its fence."""
        key = (parent.uid, attempt.step)
        known = self.kin.get(key)
        if known is not None and not known.gone and (known.fenced is None or known.fenced >= attempt.number or fence):
            return
        step = parent.plan.steps[parent.plan.graph.index[attempt.step]]
        assert step.child is not None
        i = parent.plan.graph.index[attempt.step]
        seen = scope(
            parent.plan, parent.status, i, context=parent.context, about=parent.about, values=parent.store
        )  # fmt: skip
        world = self.make(
            self.plans[step.child.name], self.script, step.child.make_context(seen), parent.now,
            name=str(parent.step(attempt.step).child_name), uid=f"{parent.uid}/{attempt.step}",
            desired=DesiredState.CANCELLED if fence else DesiredState.RUNNING,
        )  # fmt: skip
        world.parent = lambda: self._parent_of(world, parent, attempt.step)
        self._adopt(world)
        self.kin[key] = Kin(world, attempt.number if fence else None)

    def _children_of(self, parent: World) -> dict[int, Child]:
        seen: dict[int, Child] = {}
        for i, record in enumerate(parent.status.steps):
            if record.child_name is None:
                continue
            undoing = record.compensation is not None and record.compensation.state in LIVE_STEP_STATES
            kin = self.kin.get((parent.uid, record.name))
            runs = kin is not None and not kin.gone and not kin.world.ended
            if not (record.state in LIVE_STEP_STATES or undoing or parent.status.ending or runs):
                continue
            child = self._seen(parent, record, undoing=undoing)
            if child is not None:
                seen[i] = child
        return seen

    def _seen(self, parent: World, record: StepRecord, *, undoing: bool) -> Child | None:
        kin = self.kin.get((parent.uid, record.name))
        must_exist = record.state is StepState.IN_PROGRESS or record.attempt > 1 or undoing
        if kin is None or kin.gone:
            return Child(gone=True) if must_exist else None
        if kin.fenced is not None and kin.fenced < record.attempt:
            return None
        status, store = kin.world.status, kin.world.store
        return Child(
            fence=kin.fenced is not None,
            state=status.state,
            outcome=status.outcome,
            message=status.message,
            result=store[status.result.name] if isinstance(status.result, ResultRef) else status.result,
            started_at=status.started_at,
            finished_at=status.finished_at,
            obeyed=status.parent.attempt if status.parent else 1,
            undone=status.saga is not None and status.state in TERMINAL_TASK_STATES,
            reopenable=reopen.possible(status),
            attention=status.attention.message if status.attention else "",
        )

    def _parent_of(self, child: World, parent: World, step: str) -> Parent:
        record, status = parent.step(step), parent.status
        above = status.parent
        own = f"{parent.plan.domain}/{parent.plan.name}"
        link = child.status.parent or ParentLink(
            name=parent.name, uid=parent.uid, step=step,
            root_key=above.root_key if above else parent.uid,
            path=(*(above.path if above else ()), step),
            templates=(*(above.templates if above else ()), own),
            attempt=record.attempt,
        )  # fmt: skip
        planned = parent.plan.steps[parent.plan.graph.index[step]].compensation
        asked = record.compensation is not None and record.compensation.state in LIVE_STEP_STATES
        grand = parent.parent()
        return Parent(
            link,
            attempt=record.attempt,
            wanted=record.state in LIVE_STEP_STATES and record.stop is None,
            stop=stop_command(record, status.ending),
            undo=asked and planned is not None and planned.kind is StepKind.TASK,
            ending=parent.ended or status.ending is not None,
            ended=parent.ended,
            suspended=parent.desired is DesiredState.SUSPENDED or bool(grand and grand.suspended),
        )


def launches_below(family: Family, role: Role = Role.FORWARD) -> list[str]:
    """``parent-step/step`` of every attempt of a program below the root, in order of creation."""
    jobs = [
        (world.jobs[attempt].created_at, f"{world.uid.removeprefix(family.root.uid + '/')}/{attempt.step}")
        for world in family.worlds()
        if world is not family.root
        for attempt in world.launched
        if attempt.role is role
    ]
    return [name for _, name in sorted(jobs)]
