"""What befalls a run, drawn by theme: only calls, only watches, only people …, or everything together.

Each maker draws one kind of trouble, ``THEMES`` says which kinds belong together. Called by ``sowing``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from tests.simulation.plan import (
    ClockStep,
    Crash,
    Cut,
    DelayWatch,
    DrainNode,
    DropWatch,
    Freeze,
    Kill,
    LoseNode,
    Mishap,
    NoAnswer,
    Outage,
    Refuse,
    RepeatWatch,
    StaleList,
    Upgrade,
    Usurp,
)
from tests.simulation.plans.draw import Draw
from tests.simulation.plans.ground import Ground

KINDS = ("tasks", "jobs", "pods", "taskactions", "tasktemplates")
"""What operators watch."""
_EFFECTS: Sequence[Literal["none", "done", "late"]] = ("none", "done", "late")


Mishaps = Sequence[Mishap]
Maker = Callable[[Draw, Ground], Mishaps]


def refuse(draw: Draw, ground: Ground) -> Mishaps:
    """A call is refused."""
    status = draw.among({409: 3.0, 410: 1.0, 429: 2.0, 500: 2.0, 503: 2.0})
    after = draw.choice([None, 1, 5]) if status == 429 else None
    return [Refuse(ground.nth(draw), status, after)]


def no_answer(draw: Draw, ground: Ground) -> Mishaps:
    """A call gets no answer, whether it was done or not."""
    effect = draw.choice(_EFFECTS)
    return [NoAnswer(ground.nth(draw), effect, draw.choice([0.5, 5.0, 20.0, 45.0]), at_once=draw.happens(0.6))]


def late(draw: Draw, ground: Ground) -> Mishaps:
    """A call arrives when nobody reckons with it any more."""
    return [NoAnswer(ground.nth(draw), "late", draw.choice([10.0, 20.0, 40.0, 60.0]), at_once=draw.happens(0.7))]


def crash(draw: Draw, ground: Ground) -> Mishaps:
    """The operator dies at a call."""
    return [Crash(ground.nth(draw), draw.choice(("before", "after")), _pause(draw))]


def drop_watch(draw: Draw, ground: Ground) -> Mishaps:
    """Watches break."""
    return [DropWatch(ground.moment(draw), _kind(draw), compacted=draw.happens(0.5))]


def delay_watch(draw: Draw, ground: Ground) -> Mishaps:
    """News is late."""
    at, seconds = ground.moment(draw), draw.choice([2.0, 10.0, 30.0])
    return [DelayWatch(at, _kind(draw), seconds, draw.choice([0.5, 3.0, 20.0]))]


def repeat_watch(draw: Draw, ground: Ground) -> Mishaps:
    """News is told twice."""
    return [RepeatWatch(ground.moment(draw), _kind(draw), draw.choice([1, 3, 10]))]


def stale_list(draw: Draw, ground: Ground) -> Mishaps:
    """A list is old."""
    return [StaleList(ground.moment(draw), _kind(draw), draw.choice([1, 3, 10]))]


def kill(draw: Draw, ground: Ground) -> Mishaps:
    """SIGKILL at any time."""
    return [Kill(ground.moment(draw), draw.randrange(ground.operators), _pause(draw))]


def freeze(draw: Draw, ground: Ground) -> Mishaps:
    """SIGSTOP, for less or more than a Lease lasts."""
    return [Freeze(ground.moment(draw), draw.randrange(ground.operators), draw.choice([3.0, 12.0, 25.0, 60.0]))]


def cut(draw: Draw, ground: Ground) -> Mishaps:
    """No way to the API server, for less or more than a Lease lasts."""
    return [Cut(ground.moment(draw), draw.randrange(ground.operators), draw.choice([3.0, 12.0, 25.0, 60.0]))]


def usurp(draw: Draw, ground: Ground) -> Mishaps:
    """Two leaders."""
    return [Usurp(ground.moment(draw))]


def outage(draw: Draw, ground: Ground) -> Mishaps:
    """No API server."""
    return [Outage(ground.moment(draw), draw.choice([1.0, 5.0, 20.0, 60.0]))]


def upgrade(draw: Draw, ground: Ground) -> Mishaps:
    """New operators, perhaps with other settings."""
    flags = draw.choice([(), (), ("--workers", "1"), ("--max-running-tasks", "1"), ("--environment", "simulation")])
    return [Upgrade(ground.moment(draw), flags)]


def clock_step(draw: Draw, ground: Ground) -> Mishaps:
    """A wall clock leaps, of an operator or of the API server."""
    whose = draw.choice([None, *range(ground.operators)])
    leap = draw.choice([0.7, 20.0, 300.0, 3600.0]) * draw.choice([1, -1])
    return [ClockStep(ground.moment(draw), whose, leap)]


def lose_node(draw: Draw, ground: Ground) -> Mishaps:
    """A node falls silent; the last one always comes back."""
    node = draw.randrange(ground.nodes)
    lasts = [20.0, 90.0, 400.0] if node == ground.nodes - 1 else [60.0, 400.0, None, None]
    return [LoseNode(ground.moment(draw), node, draw.choice(lasts))]


def drain_node(draw: Draw, ground: Ground) -> Mishaps:
    """A node is drained for ever, but for the last one."""
    return [DrainNode(ground.moment(draw), draw.randrange(ground.nodes - 1))]


CALLS: Mapping[Maker, float] = {refuse: 4, no_answer: 3, outage: 0.7}
LATE: Mapping[Maker, float] = {late: 4, crash: 1}
WATCHES: Mapping[Maker, float] = {drop_watch: 2, delay_watch: 2, repeat_watch: 2, stale_list: 2}
CRASHES: Mapping[Maker, float] = {crash: 4, kill: 1, upgrade: 0.4}
LEADERS: Mapping[Maker, float] = {usurp: 4, freeze: 2, cut: 2, kill: 1, no_answer: 1, crash: 1}
CLOCKS: Mapping[Maker, float] = {clock_step: 4, kill: 1}
NODES: Mapping[Maker, float] = {lose_node: 2, drain_node: 2, crash: 0.5}
EVERYTHING: Mapping[Maker, float] = {
    **dict.fromkeys((refuse, no_answer, crash), 3.0),
    **dict.fromkeys((drop_watch, delay_watch, repeat_watch, stale_list, kill, freeze, cut, usurp), 1.0),
    **dict.fromkeys((outage, upgrade, clock_step, lose_node, drain_node), 1.0),
}


def _pause(draw: Draw) -> float:
    return draw.choice([0.0, 1.0, 1.0, 8.0, 30.0])


def _kind(draw: Draw) -> str | None:
    return draw.choice([None, *KINDS])
