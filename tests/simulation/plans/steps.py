"""One step of a template, drawn: what it runs, what it waits for, how it is retried and undone.

``workflows`` makes templates of them. Only what can end is drawn: a program that may run for ever has a time-out.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from kubesaga.api.durations import parse_duration
from tests.simulation.plan import Obj
from tests.simulation.plans.draw import Draw

_INTERVALS = {"200ms": 2.0, "1s": 5.0, "4s": 3.0}
_LONG_INTERVALS = {"1s": 1.0, "30s": 2.0, "2m": 3.0, "15m": 1.0}
_TIMEOUTS = {"4s": 2.0, "12s": 2.0, "45s": 1.0}
_BACKOFFS = {"None": 1.0, "Fixed": 2.0, "Linear": 1.0, "Exponential": 3.0, "Fibonacci": 1.0}
# What is ignored is tried again for ever: only what comes to an end may be.
_RULES = (
    [{"onErrorTypes": ["Late"], "action": "Ignore"}, {"onErrorCodes": ["E1"], "action": "Fail"}],
    [{"onExitCodes": [1, 17], "action": "Fail"}, {"onErrorTypes": ["*"], "action": "Retry"}],
    [{"onPodReasons": ["Evicted", "Preempted"], "action": "Ignore"}],
)


@dataclass
class Style:
    """What the steps of one template have in common."""

    letter: str
    undoes: float
    """The share of its steps that have a compensation."""
    is_patient: bool
    """Whether it has waits of minutes."""
    approvals: float = 0.06
    """The share of its steps that are approvals."""
    children: list[str] = field(default_factory=list)
    """Templates that its steps may run as sub-workflows."""

    @property
    def is_below(self) -> bool:
        """Whether it is a sub-workflow itself."""
        return self.letter.endswith("x")


def retry(draw: Draw, *, is_patient: bool) -> Obj:
    """When a failed attempt is tried again."""
    settings: Obj = {
        "maxAttempts": draw.among({1: 1.0, 2: 3.0, 3: 4.0, 4: 1.0}),
        "backoff": draw.among(_BACKOFFS),
        "initialInterval": draw.among(_LONG_INTERVALS if is_patient else _INTERVALS),
        "maxInterval": "15m" if is_patient else "8s",
    }
    if draw.happens(0.2):
        settings["jitter"] = draw.choice(["Full", "Equal"])
    if draw.happens(0.1):
        settings["maxDuration"] = draw.choice(["6s", "20s"])
    if draw.happens(0.15):
        settings["rules"] = draw.choice(_RULES)
    return settings


def forward_step(draw: Draw, style: Style, name: str, parents: list[str]) -> Obj:
    """A step of the workflow."""
    step: Obj = {"name": name, **_waits(draw, parents), **_work(draw, style)}
    if "approval" not in step:
        step |= _undo(draw, style, step)
    if "task" not in step:
        step |= _limits(draw, style) if "approval" not in step else {}
    elif draw.happens(0.3):
        step["retry"] = {"maxAttempts": 2, "initialInterval": "1s"}
    return step | _manners(draw, name, parents)


def final_step(draw: Draw, style: Style, name: str, earlier: list[str]) -> Obj:
    """A step of ``finally``."""
    step: Obj = {"name": name, **_program(draw), **_limits(draw, style)}
    if earlier and draw.happens(0.5):
        step["dependsOn"] = earlier[-1:]
    if draw.happens(0.25):
        step["when"] = 'task.outcome != "Succeeded"'
    return step


def seconds(duration: str | None) -> float | None:
    """A duration as the template has it, in seconds."""
    return None if duration is None else parse_duration(duration)


def _waits(draw: Draw, parents: list[str]) -> Obj:
    loose = [name for name in parents if draw.happens(0.12)]
    firm = [name for name in parents if name not in loose]
    return {key: names for key, names in (("dependsOn", firm), ("runAfter", loose)) if names}


def _work(draw: Draw, style: Style) -> Obj:
    if draw.happens(style.approvals):
        return {"approval": _approval(draw, style)}
    if style.children and draw.happens(0.45):
        task: Obj = {"templateRef": {"name": draw.choice(style.children)}, "context": {"from": "above"}}
        if draw.happens(0.3):
            task["contextFrom"] = {"go": "context.go"}
        return {"task": task}
    return _program(draw)


def _program(draw: Draw) -> Obj:
    if draw.happens(0.15):
        return {"container": {"command": ["work"]}}
    return {"handler": {"callable": "shop.handlers:Work"}}


def _approval(draw: Draw, style: Style) -> Obj:
    if draw.happens(0.5):
        return {}
    timeout = draw.choice(["20m", "3m"]) if style.is_patient else draw.choice(["2s", "20s"])
    return {"timeout": timeout, "onTimeout": draw.choice(["Fail", "Approve", "Skip"])}


def _undo(draw: Draw, style: Style, step: Obj) -> Obj:
    declared = draw.happens(style.undoes) if "task" not in step else draw.happens(style.undoes * 0.4)
    if not declared:
        return {}
    undo: Obj = {}
    if "handler" not in step or draw.happens(0.2):
        undo |= draw.choice([{"handler": {"callable": "shop.handlers:Undo"}}, {"container": {"command": ["undo"]}}])
    if draw.happens(0.35):
        undo["when"] = draw.choice(["Started", "Succeeded"])
    if draw.happens(0.3):
        undo["retry"] = retry(draw, is_patient=style.is_patient)
    if draw.happens(0.25):
        undo["timeout"] = draw.among(_TIMEOUTS)
    return {"compensation": undo}


def _limits(draw: Draw, style: Style) -> Obj:
    limits: Obj = {}
    if draw.happens(0.3):
        limits["retry"] = retry(draw, is_patient=style.is_patient)
    if draw.happens(0.35):
        limits["timeout"] = draw.among(_TIMEOUTS)
    if draw.happens(0.2):
        limits["startTimeout"] = draw.choice(["8s", "30s", "2m"])
    return limits


def _manners(draw: Draw, name: str, parents: list[str]) -> Obj:
    manners: Obj = {}
    if draw.happens(0.08):
        manners["continueOnError"] = True
    if draw.happens(0.15):
        manners["skippable"] = True
    if draw.happens(0.1):
        manners["priority"] = draw.choice([-5, 10])
    if draw.happens(0.08):
        manners["resultSchema"] = {"type": ["object", "null"], "properties": {"n": {"type": "integer", "maximum": 90}}}
    if draw.happens(0.12):
        manners["when"] = _condition(draw, parents)
    return manners


def _condition(draw: Draw, parents: list[str]) -> str:
    told = ["context.go", '!("quiet" in task.tags)']
    if parents:
        before = f"steps.{draw.choice(parents)}"
        told += [f'{before}.outcome == "Succeeded"', f"double({before}.result.n) > 20.0"]
    return draw.choice(told)
