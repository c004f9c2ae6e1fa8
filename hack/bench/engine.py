"""The figure `engine`: what one decision costs, in microseconds, without any cluster.

A Task is driven from its start to its end by the real `decide`; every attempt succeeds. Every pass (or an even sample
of them) is then timed on its own: `decide` is pure, so a pass can be repeated as often as wanted.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from dataclasses import dataclass

from hack.bench.report import Figure, Target
from hack.bench.stats import median
from hack.cluster.progress import say
from kubesaga.engine.decide import decide
from kubesaga.engine.plan import Plan, Step
from kubesaga.engine.records import PinnedTemplate, TaskStatus
from kubesaga.engine.snapshot import Observation, Phase, Snapshot
from kubesaga.engine.states import LIVE_STEP_STATES, TERMINAL_TASK_STATES

SMALL, SMALL_MICROS = 10, 100.0
LARGE, LARGE_MICROS = 1000, 5000.0
SAMPLED_PASSES = 40
REPEATS = 7
REPEAT_SECONDS = 0.004
NOW = 1_000_000.0
PINNED = PinnedTemplate("bench", "1.0.0", "bench-0")
ENDED_WELL = Observation(Phase.SUCCEEDED, terminal=True, started_at=NOW, finished_at=NOW, result={"ok": True})


@dataclass(frozen=True)
class Cost:
    """Microseconds of the passes of one Task.

    `typical` is the median pass and `worst` the dearest, with what it launched, where attempts end one at a time;
    `burst` is the dearest where all that run end between two passes.
    """

    typical: float
    worst: float
    worst_launches: int
    burst: float


def chain_plan(steps: int) -> Plan:
    """Steps one after another."""
    return Plan(tuple(Step(f"s{i}", (f"s{i - 1}",) if i else ()) for i in range(steps)))


def layered_plan(steps: int, width: int) -> Plan:
    """Layers of `width` steps; each step waits for three of the layer before."""

    def parents(i: int) -> tuple[str, ...]:
        if i < width:
            return ()
        layer, place = divmod(i, width)
        first = (layer - 1) * width
        return tuple(dict.fromkeys(f"s{first + (place + offset) % width}" for offset in range(3)))

    return Plan(tuple(Step(f"s{i}", parents(i)) for i in range(steps)))


def fan_plan(steps: int) -> Plan:
    """One root, all but two side by side, and one that waits for these."""
    leaves = tuple(f"s{i}" for i in range(steps - 2))
    return Plan((Step("root"), *(Step(leaf, ("root",)) for leaf in leaves), Step("join", leaves)))


@dataclass(frozen=True)
class Shape:
    """A graph that is measured; `promised` whether the targets hold for it."""

    name: str
    plan: Plan
    promised: bool = True


def shapes(steps: int) -> list[Shape]:
    """The graphs that are measured. A fan as wide as the whole Task is the dearest there is: for information."""
    width = max(2, steps // 10)
    return [
        Shape(f"chain:{steps}", chain_plan(steps)),
        Shape(f"layered:{steps // width}x{width}", layered_plan(steps, width)),
        Shape(f"fan:{steps - 2}", fan_plan(steps), promised=False),
    ]


def passes(plan: Plan, *, all_at_once: bool) -> Iterator[Snapshot]:
    """The snapshot of every pass from a Task's start to its end.

    Between two passes the first of the running attempts ends, or all of them together. Raises RuntimeError when a
    pass moves nothing.
    """
    status = TaskStatus()
    while status.state not in TERMINAL_TASK_STATES:
        live = [i for i, record in enumerate(status.steps) if record.state in LIVE_STEP_STATES]
        ended = live if all_at_once else live[:1]
        running = Observation(Phase.RUNNING, started_at=NOW)
        seen = dict.fromkeys(live, running) | dict.fromkeys(ended, ENDED_WELL)
        if status.ending is not None:
            seen = dict.fromkeys(range(len(status.steps)), ENDED_WELL)
        snapshot = Snapshot("bench", "uid", {}, status, template=PINNED, forward=seen)
        yield snapshot
        after = decide(plan, snapshot, NOW).status
        if after is status:
            raise RuntimeError(f"a Task stands still in {status.state}: {status.message}")
        status = after


def cost(plan: Plan) -> Cost:
    """Time a Task's passes, one attempt ending at a time and all at once."""
    one_by_one = [_micros(plan, snapshot) for snapshot in _sample(list(passes(plan, all_at_once=False)))]
    together = [_micros(plan, snapshot) for snapshot in _sample(list(passes(plan, all_at_once=True)))]
    worst, launches = max(one_by_one)
    return Cost(median([micros for micros, _ in one_by_one]), worst, launches, max(together)[0])


def _sample(snapshots: list[Snapshot]) -> list[Snapshot]:
    """At most SAMPLED_PASSES, evenly spread, with the first two and the last."""
    if len(snapshots) <= SAMPLED_PASSES:
        return snapshots
    gap = len(snapshots) / (SAMPLED_PASSES - 2)
    chosen = {0, 1, len(snapshots) - 1} | {int(i * gap) for i in range(SAMPLED_PASSES - 2)}
    return [snapshots[i] for i in sorted(chosen)]


def _micros(plan: Plan, snapshot: Snapshot) -> tuple[float, int]:
    """Microseconds of a pass, and how many attempts it launches.

    Processor time, the least of a few repetitions, as timeit has it: the rest is other processes' noise.
    """
    began = time.perf_counter()
    launches = len(decide(plan, snapshot, NOW).launches)  # also fills what a plan computes once and keeps
    rounds = max(1, int(REPEAT_SECONDS / max(1e-9, time.perf_counter() - began)))
    measured = []
    for _ in range(REPEATS):
        began = time.process_time()
        for _ in range(rounds):
            decide(plan, snapshot, NOW)
        measured.append((time.process_time() - began) / rounds * 1e6)
    return min(measured), launches


def measure() -> Figure:
    """All shapes in both sizes. Takes some ten seconds of one core."""
    costs: dict[str, dict[str, float]] = {}
    targets = []
    collecting = gc.isenabled()
    gc.disable()  # as timeit does: the collector's share depends on what else is in memory
    try:
        for steps, limit in ((SMALL, SMALL_MICROS), (LARGE, LARGE_MICROS)):
            for shape in shapes(steps):
                found = cost(shape.plan)
                say(f"engine {shape.name}: {found.typical:.0f} µs a pass, the worst {found.worst:.0f} µs")
                costs[shape.name] = {
                    "typicalMicros": round(found.typical, 1),
                    "worstMicros": round(found.worst, 1),
                    "worstPassLaunches": found.worst_launches,
                    "burstMicros": round(found.burst, 1),
                }
                if shape.promised:
                    targets.append(Target(f"{shape.name} typicalMicros", found.typical, limit, below=True))
                    targets.append(Target(f"{shape.name} worstMicros", found.worst, limit, below=True))
    finally:
        if collecting:
            gc.enable()
    return Figure("engine", "one call of decide() for a Task of 10 or 1,000 steps", {"shapes": costs}, targets)
