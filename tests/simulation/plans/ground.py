"""What there is in a run that something may befall: calls, time, machines, Tasks and their steps. Drawn by ``sowing``;
the makers of ``calamities`` and ``meddling`` aim at it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.simulation.plan import Obj, Submit
from tests.simulation.plans.draw import Draw
from tests.simulation.plans.workflows import Workflows


@dataclass(frozen=True)
class Ground:
    """``calls`` and ``span`` (seconds) are what an undisturbed run comes to, roughly. ``tasks`` has the template of
    each Task, sub-workflows by their paths."""

    calls: int
    span: float
    operators: int
    nodes: int
    tasks: Mapping[str, Obj]
    workflows: Workflows

    def nth(self, draw: Draw) -> int:
        """One of its calls, now and then one that only trouble brings."""
        return draw.randint(1, self.calls * 2 if draw.happens(0.1) else self.calls)

    def moment(self, draw: Draw) -> float:
        """A time while it lasts, now and then far beyond."""
        return draw.moment(self.span)

    def task(self, draw: Draw) -> str:
        """Some Task."""
        return draw.choice(list(self.tasks))

    def step(self, draw: Draw, task: str) -> str:
        """One of its steps, or whichever fits what is done."""
        if draw.happens(0.6):
            return "?"
        return str(draw.choice(self.tasks[task]["spec"]["steps"])["name"])


def all_tasks(submits: Sequence[Submit], workflows: Workflows) -> dict[str, Obj]:
    """The template of each Task, and of each that its steps may run below it."""
    tasks: dict[str, Obj] = {}
    for submit in submits:
        template = workflows.named(submit.task["spec"]["templateRef"]["name"])
        _enter(tasks, submit.task["metadata"]["name"], template, workflows)
    return tasks


def _enter(tasks: dict[str, Obj], path: str, template: Obj, workflows: Workflows) -> None:
    tasks[path] = template
    for step in template["spec"]["steps"]:
        if "task" in step:
            child = workflows.named(step["task"]["templateRef"]["name"])
            _enter(tasks, f"{path}/{step['name']}", child, workflows)
