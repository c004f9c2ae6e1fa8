"""The templates of a plan, with those of their sub-workflows, and the list of all programs that may run.

``sowing`` draws them first: everything else in a plan refers to them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from kubesaga.api import constants as c
from tests.simulation.plan import Obj
from tests.simulation.plans.draw import Draw
from tests.simulation.plans.graphs import graph
from tests.simulation.plans.steps import Style, final_step, forward_step, retry, seconds

ENVIRONMENT = "simulation"

_SIZES = {1: 2.0, 2: 4.0, 3: 4.0, 4: 3.0, 5: 1.0, 6: 1.0}
_SMALL_SIZES = {1: 3.0, 2: 4.0, 3: 2.0}
_STRATEGIES = {"Compensate": 5.0, "Abort": 2.0, "Continue": 2.0}


@dataclass(frozen=True)
class Program:
    """What a step, or its compensation (``name`` with ``~``), runs in a pod."""

    template: str
    name: str
    attempts: int
    limit: float | None
    """Seconds that an attempt may take."""
    start_limit: float
    """Seconds until it must have started."""
    is_handler: bool
    is_checked: bool
    """Whether its result has a schema."""

    @property
    def undoes(self) -> bool:
        """Whether it is a compensation."""
        return self.name.endswith("~")


@dataclass(frozen=True)
class Workflows:
    """All templates of a plan, each once, and which of them Tasks ask for."""

    templates: tuple[Obj, ...]
    mains: tuple[str, ...]
    releases: tuple[Obj, ...]
    """Further releases, which come later."""

    def named(self, name: str) -> Obj:
        """The first release of a template."""
        return next(template for template in self.templates if template["metadata"]["name"] == name)

    def with_changes(self, change: Callable[[Obj], Obj]) -> Workflows:
        """The same with all specs changed."""
        templates = tuple({**template, "spec": change(template["spec"])} for template in self.templates)
        return replace(self, templates=templates, releases=tuple(_release(templates[-1], n) for n in (1, 2)))

    def programs(self) -> tuple[Program, ...]:
        """Every program of every template."""
        return tuple(program for template in self.templates for program in programs(template))


def draw_workflows(draw: Draw, *, mains: int, is_patient: bool) -> Workflows:
    """One template for Tasks, or two, and sub-workflows below them."""
    templates: list[Obj] = []
    names = []
    for number in range(mains):
        letter = "ab"[number]
        below = _children(draw, letter, templates, is_patient=is_patient) if draw.happens(0.22) else []
        style = _style(draw, letter, is_patient=is_patient, below=below)
        sizes = _SMALL_SIZES if below or mains > 1 else _SIZES
        templates.append(_template(draw, f"flow-{letter}", style, draw.among(sizes)))
        names.append(f"flow-{letter}")
    return Workflows(tuple(templates), tuple(names), tuple(_release(templates[-1], n) for n in (1, 2)))


def programs(template: Obj) -> Iterator[Program]:
    """The programs of one template."""
    spec = template["spec"]
    for step in [*spec["steps"], *spec.get("finally", ())]:
        if "handler" in step or "container" in step:
            yield _program(template, step["name"], spec["defaults"], step, step)
        undo = step.get("compensation")
        if undo is not None:
            yield _program(template, step["name"] + "~", spec["defaults"], undo, undo if "container" in undo else step)


def _program(template: Obj, name: str, defaults: Obj, own: Obj, kind: Obj) -> Program:
    merged = {**defaults, **own, "retry": {**defaults.get("retry", {}), **own.get("retry", {})}}
    return Program(
        template["metadata"]["name"],
        name,
        merged["retry"].get("maxAttempts", 3),
        seconds(merged.get("timeout")),
        seconds(merged.get("startTimeout")) or 600.0,
        "handler" in kind,
        "resultSchema" in own,
    )


def _children(draw: Draw, letter: str, templates: list[Obj], *, is_patient: bool) -> list[str]:
    """A sub-workflow, now and then with one of its own."""
    child, grandchild = f"part-{letter}", f"detail-{letter}"
    below = []
    if draw.happens(0.25):
        style = _style(draw, f"{letter}xx", is_patient=is_patient, below=[])
        templates.append(_template(draw, grandchild, style, draw.choice([1, 2])))
        below = [grandchild]
    style = _style(draw, f"{letter}x", is_patient=is_patient, below=below)
    templates.append(_template(draw, child, style, draw.choice([1, 2, 2, 3])))
    return [child]


def _style(draw: Draw, letter: str, *, is_patient: bool, below: list[str]) -> Style:
    return Style(
        letter,
        undoes=draw.choice([0.3, 0.6, 0.6, 0.9]),
        is_patient=is_patient,
        approvals=draw.choice([0.0, 0.0, 0.15, 0.35]),
        children=below,
    )


def _template(draw: Draw, name: str, style: Style, count: int) -> Obj:
    steps: list[Obj] = []
    for i, parents in enumerate(graph(draw, count)):
        steps.append(forward_step(draw, style, f"{style.letter}{i + 1}", [steps[j]["name"] for j in parents]))
    if style.children and not any("task" in step for step in steps):
        kept = {key: value for key, value in steps[-1].items() if key in {"name", "dependsOn", "runAfter"}}
        steps[-1] = {**kept, "task": {"templateRef": {"name": style.children[0]}}}
    spec: Obj = {"version": "1.0.0", **_behaviour(draw, style), "steps": steps, **_extras(draw, style, steps)}
    return {"apiVersion": c.API_VERSION, "kind": c.TEMPLATE_KIND, "metadata": {"name": name}, "spec": spec}


def _behaviour(draw: Draw, style: Style) -> Obj:
    defaults: Obj = {"image": "shop:1"}
    if draw.happens(0.5):
        defaults["retry"] = retry(draw, is_patient=style.is_patient)
    if draw.happens(0.15):
        defaults["timeout"] = "20s"
    if draw.happens(0.25):
        defaults["startTimeout"] = "25s"
    behaviour: Obj = {"failureStrategy": draw.among(_STRATEGIES), "defaults": defaults}
    if draw.happens(0.4):
        behaviour["runningSteps"] = draw.choice(["Drain", "Terminate"])
    if draw.happens(0.2):
        behaviour["blockedTimeout"] = "30m" if style.is_patient else draw.choice(["3s", "15s"])
    if draw.happens(0.15):
        behaviour["timeout"] = "10m" if style.is_patient else draw.choice(["5s", "15s", "40s"])
    if draw.happens(0.15):
        behaviour["parallelism"] = draw.choice([1, 2])
    if draw.happens(0.12) and not style.is_below:
        behaviour["identityStrategy"] = draw.choice(["Strict", "CallerProvided"])
    return behaviour


def _extras(draw: Draw, style: Style, steps: list[Obj]) -> Obj:
    extras: Obj = {"defaultContext": {"go": True}}
    if draw.happens(0.25):
        names: list[str] = []
        extras["finally"] = []
        for number in range(draw.choice([1, 1, 2])):
            extras["finally"].append(final_step(draw, style, f"{style.letter}z{number + 1}", names))
            names.append(f"{style.letter}z{number + 1}")
    if draw.happens(0.12):
        extras["inputSchema"] = {"type": "object", "required": ["go"], "properties": {"go": {"type": "boolean"}}}
    if draw.happens(0.1):
        extras["lifecycle"] = _lifecycle(draw)
    if draw.happens(0.12):
        last = steps[-1]["name"]
        extras["output"] = draw.choice([f"steps.{last}.outcome", f"steps.{last}.result.n"])
    if draw.happens(0.08):
        better: Obj = {"name": c.ALL_STEPS, "retry": {"maxAttempts": 3, "initialInterval": "500ms"}}
        extras["environments"] = {ENVIRONMENT: {"steps": [better]}}
    return extras


def _lifecycle(draw: Draw) -> Obj:
    limits = draw.sample(
        ["waitingForDependencies", "waitingForRetry", "stepsInProcess", "blockedByFailures", "compensating", "total"], 2
    )
    return {**dict.fromkeys(limits, draw.choice(["4s", "20s"])), "action": draw.choice(["Mark", "Fail"])}


def _release(template: Obj, minor: int) -> Obj:
    """A later release of a template, with less to do."""
    name = template["metadata"]["name"]
    spec = {**template["spec"], "name": name, "version": f"1.{minor}.0", "description": "Another release."}
    return {**template, "metadata": {"name": f"{name}-1-{minor}"}, "spec": spec}
