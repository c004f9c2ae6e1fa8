"""From a number to a plan: ``sow(seed)`` is the same plan for ever, and no two seeds are much alike.

Each part of a plan has a generator of its own, so that a change to one part of the sowing leaves the others alone.
Called by the tests of seeds and by ``python -m tests.simulation``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tests.simulation.plan import ApplyTemplate, CallFault, Mishap, Obj, Plan, Submit
from tests.simulation.plans import calamities, meddling
from tests.simulation.plans.draw import Draw
from tests.simulation.plans.ground import Ground, all_tasks
from tests.simulation.plans.outcomes import draw_script
from tests.simulation.plans.requests import draw_requests
from tests.simulation.plans.workflows import ENVIRONMENT, Workflows, draw_workflows

KOPF_SHARE = 0.1
"""The share of plans whose operator watches by kopf."""
DECISIVE_SHARE = 0.6
"""The share of plans whose people decide in the end whatever Tasks wait for."""
PATIENT_SHARE = 0.1
"""The share of plans with waits of minutes."""
NO_RESYNC = ("--resync-interval", "86400")
"""In half of the plans nothing may rest on the operator looking at everything again every few minutes."""

_CALLS_PER_STEP, _CALLS_PER_TASK = 5, 8
_SECONDS_PER_STEP, _SECONDS_PER_TASK = 4.0, 4.0
_MOST_MISHAPS = 8
_NODES = 3

Makers = Mapping[Callable[[Draw, Ground], Sequence[Any]], float]


@dataclass(frozen=True)
class Theme:
    """What goes wrong in a plan, by weight."""

    makers: Makers
    operators: int = 1
    hurries: bool = False
    """Whether starts are given up soon, so that late requests meet what has been given up."""
    waits: bool = False
    """Whether failed Tasks wait for a repair for a while, of whichever kind."""


THEMES: dict[str, Theme] = {
    "nothing": Theme({}),
    "calls": Theme(calamities.CALLS),
    "late": Theme({**calamities.LATE, **meddling.ENDS}, hurries=True),
    "watches": Theme(calamities.WATCHES),
    "crashes": Theme(calamities.CRASHES),
    "leaders": Theme(calamities.LEADERS, operators=2),
    "clocks": Theme(calamities.CLOCKS),
    "nodes": Theme({**calamities.NODES, **meddling.ENDS}),
    "hands": Theme({**calamities.CRASHES, **meddling.HANDS}),
    "templates": Theme({**calamities.CRASHES, **meddling.TEMPLATES}),
    "life": Theme(meddling.LIFE, waits=True),
    "life and crashes": Theme({**calamities.CRASHES, **meddling.LIFE}, waits=True),
    "everything": Theme({**calamities.EVERYTHING, **meddling.EVERYTHING}, operators=2),
}
_SHARES = {"nothing": 0.5, "late": 1.5, "crashes": 2.0, "leaders": 2.0, "life": 2.0, "everything": 4.0}
"""By weight; of themes that are not named 1."""


def sow(seed: int) -> Plan:
    """The plan of a number."""
    draw = Draw.of(seed, "kind")
    name = draw.among({name: _SHARES.get(name, 1.0) for name in THEMES})
    theme, tasks, has_releases = THEMES[name], draw.among({1: 6.0, 2: 3.0, 3: 1.0}), draw.happens(0.1)
    workflows = _workflows(seed, draw, theme, tasks)
    submits = draw_requests(Draw.of(seed, "requests"), workflows, count=tasks, has_releases=has_releases)
    early, late = _apart(Draw.of(seed, "templates"), workflows, has_releases=has_releases)
    ground = _ground(workflows, submits, theme.operators)
    return Plan(
        name=f"{seed}: {name}",
        seed=seed,
        templates=early,
        submits=submits,
        script=draw_script(Draw.of(seed, "script"), workflows.programs()),
        mishaps=(*late, *_mishaps(Draw.of(seed, "mishaps"), theme, ground, len(late))),
        operators=theme.operators,
        flags=_flags(draw, workflows, tasks),
        feed="kopf" if draw.happens(KOPF_SHARE) else "direct",
        nodes=_NODES,
        decisive=draw.happens(DECISIVE_SHARE),
    )


def _workflows(seed: int, draw: Draw, theme: Theme, tasks: int) -> Workflows:
    """The templates, as the theme wants them."""
    mains = 2 if tasks > 1 and draw.happens(0.4) else 1
    workflows = draw_workflows(Draw.of(seed, "workflows"), mains=mains, is_patient=draw.happens(PATIENT_SHARE))
    if theme.hurries:
        workflows = workflows.with_changes(_hurried)
    if theme.waits and draw.happens(0.9):
        workflows = workflows.with_changes(_waiting)
    return workflows


def _hurried(spec: Obj) -> Obj:
    return {**spec, "defaults": {**spec["defaults"], "startTimeout": "8s"}}


def _waiting(spec: Obj) -> Obj:
    steps = [{**step, "skippable": True} for step in spec["steps"]]
    return {**spec, "blockedTimeout": "40s", "steps": steps}


def _ground(workflows: Workflows, submits: Sequence[Submit], operators: int) -> Ground:
    tasks = all_tasks(submits, workflows)
    steps = sum(len(template["spec"]["steps"]) for template in tasks.values())
    longest = max(len(template["spec"]["steps"]) for template in tasks.values())
    return Ground(
        calls=_CALLS_PER_TASK * len(tasks) + _CALLS_PER_STEP * steps,
        span=max(submit.at for submit in submits) + _SECONDS_PER_TASK + _SECONDS_PER_STEP * longest,
        operators=operators,
        nodes=_NODES,
        tasks=tasks,
        workflows=workflows,
    )


def _apart(draw: Draw, workflows: Workflows, *, has_releases: bool) -> tuple[tuple[Obj, ...], list[Mishap]]:
    """The templates that are there from the start, and those that come later."""
    early, late = list(workflows.templates), []
    if has_releases:
        first, second = workflows.releases
        early.append(first)
        late.append(ApplyTemplate(round(draw.uniform(0, 15), 2), second))
    if draw.happens(0.06):
        late.append(ApplyTemplate(draw.choice([0.5, 2.0, 30.0]), early.pop(draw.randrange(len(early)))))
    return tuple(early), list(late)


def _mishaps(draw: Draw, theme: Theme, ground: Ground, there: int) -> Iterable[Mishap]:
    wanted = draw.randint(1, _MOST_MISHAPS) - there if theme.makers else 0
    found: list[Mishap] = []
    taken: set[int] = set()
    while len(found) < wanted:
        found.extend(draw.among(theme.makers)(draw, ground))
    return [_at_a_free_call(each, taken) if isinstance(each, CallFault) else each for each in found]


def _at_a_free_call(fault: CallFault, taken: set[int]) -> CallFault:
    """No two faults befall one call."""
    nth = fault.nth
    while nth in taken:
        nth += 1
    taken.add(nth)
    return replace(fault, nth=nth)


def _flags(draw: Draw, workflows: Workflows, tasks: int) -> tuple[str, ...]:
    flags: tuple[str, ...] = NO_RESYNC if draw.happens(0.5) else ()
    if any("environments" in template["spec"] for template in workflows.templates) and draw.happens(0.7):
        flags += ("--environment", ENVIRONMENT)
    if tasks > 1 and draw.happens(0.15):
        flags += ("--max-running-tasks", draw.choice(["1", "2"]))
    if draw.happens(0.1):
        flags += ("--workers", draw.choice(["1", "2"]))
    return flags
