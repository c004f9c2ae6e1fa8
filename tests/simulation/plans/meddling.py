"""What people do to a run: they suspend, cancel, delete, act, and touch what is not theirs. Drawn by theme.

The makers beside those of ``calamities``. Called by ``sowing``; ``people`` plays it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from kubesaga.api.models.action import WITH_RESULT, WITH_STEP, WITHOUT_STEP
from kubesaga.engine.vocabulary import ActionType
from tests.simulation.plan import (
    Act,
    ApplyTemplate,
    ChangeTask,
    ChangeTemplate,
    DeleteJob,
    DeletePod,
    DeleteTask,
    DeleteTemplate,
    HumanAct,
    Obj,
)
from tests.simulation.plans.draw import Draw
from tests.simulation.plans.ground import Ground

_ROLES: Sequence[Literal["forward", "compensation"]] = ("forward", "forward", "compensation")
_PROPAGATIONS: Sequence[Literal["Background", "Foreground", "Orphan"]] = ("Background", "Foreground", "Orphan")

Maker = Callable[[Draw, Ground], Sequence[HumanAct]]


def delete_job(draw: Draw, ground: Ground) -> Sequence[HumanAct]:
    """A Job is deleted by hand."""
    task = ground.task(draw)
    how = draw.choice(_PROPAGATIONS)
    return [DeleteJob(ground.moment(draw), task, ground.step(draw, task), draw.choice(_ROLES), how)]


def delete_pod(draw: Draw, ground: Ground) -> Sequence[HumanAct]:
    """A pod is deleted by hand."""
    task = ground.task(draw)
    step, role = ground.step(draw, task), draw.choice(_ROLES)
    return [DeletePod(ground.moment(draw), task, step, role, force=draw.happens(0.3))]


def change_template(draw: Draw, ground: Ground) -> Sequence[HumanAct]:
    """A template becomes another release while Tasks of it run."""
    template = draw.choice(ground.workflows.templates)
    spec: Obj = {"version": "1.0.1", "description": "Changed on the way.", "timeout": "1h"}
    if draw.happens(0.5):
        spec["steps"] = template["spec"]["steps"][:1]
        spec |= {"output": None, "finally": None}
    return [ChangeTemplate(ground.moment(draw), template["metadata"]["name"], spec)]


def delete_template(draw: Draw, ground: Ground) -> Sequence[HumanAct]:
    """A template goes while Tasks of it run; perhaps it comes back, as it was or as another one of that version."""
    template = draw.choice(ground.workflows.templates)
    at = ground.moment(draw)
    deleted = DeleteTemplate(at, template["metadata"]["name"])
    if draw.happens(0.5):
        return [deleted]
    again = template if draw.happens(0.6) else {**template, "spec": {**template["spec"], "description": "Another."}}
    return [deleted, ApplyTemplate(at + draw.choice([0.5, 20.0]), again)]


def release_template(draw: Draw, ground: Ground) -> Sequence[HumanAct]:
    """A further release appears."""
    return [ApplyTemplate(ground.moment(draw), draw.choice(ground.workflows.releases))]


def suspend(draw: Draw, ground: Ground) -> Sequence[HumanAct]:
    """A Task is suspended, and mostly resumed."""
    task, at = ground.task(draw), ground.moment(draw)
    acts = [ChangeTask(at, task, {"desiredState": "Suspended"})]
    if draw.happens(0.8):
        acts.append(ChangeTask(at + draw.choice([0.3, 5.0, 60.0]), task, {"desiredState": "Running"}))
    return acts


def cancel(draw: Draw, ground: Ground) -> Sequence[HumanAct]:
    """A Task is cancelled; Drain perhaps becomes Terminate."""
    task, at = ground.task(draw), ground.moment(draw)
    compensate = draw.happens(0.5)
    mode = draw.choice(["Drain", "Terminate"])
    acts = [ChangeTask(at, task, _cancelled(mode, compensate=compensate))]
    if mode == "Drain" and draw.happens(0.4):
        acts.append(ChangeTask(at + draw.choice([0.2, 3.0]), task, _cancelled("Terminate", compensate=compensate)))
    return acts


def delete_task(draw: Draw, ground: Ground) -> Sequence[HumanAct]:
    """A Task is deleted, perhaps twice, a sub-workflow's as soon as another one."""
    below = [path for path in ground.tasks if "/" in path]
    task = draw.choice(below) if below and draw.happens(0.5) else ground.task(draw)
    at = ground.moment(draw)
    acts = [DeleteTask(at, task, draw.choice(("Background", "Background", "Foreground")))]
    if draw.happens(0.2):
        acts.append(DeleteTask(at + draw.choice([0.1, 2.0]), task))
    return acts


def act(draw: Draw, ground: Ground) -> Sequence[HumanAct]:
    """A TaskAction of any type, now and then twice."""
    task = ground.task(draw)
    type_ = draw.choice(list(ActionType))
    spec: Obj = {}
    if type_ in WITH_STEP or (type_ not in WITHOUT_STEP and draw.happens(0.5)):
        spec["step"] = ground.step(draw, task)
    if type_ in WITH_RESULT and draw.happens(0.5):
        spec["result"] = draw.choice([None, {"n": 7}, {"n": 95}, {"n": 1, "text": "by hand " * 900}])
    if "step" in spec and draw.happens(0.1):
        spec["expectedAttempt"] = draw.choice([1, 2])
    first = Act(ground.moment(draw), task, str(type_), spec)
    return [first, Act(first.at, task, str(type_), spec)] if draw.happens(0.15) else [first]


def repair(draw: Draw, ground: Ground) -> Sequence[HumanAct]:
    """Somebody who waits for a failure tries again and again to mend it, also after the end."""
    task = ground.task(draw)
    ways = {"Retry": 5.0, "Complete": 1.0, "Resolve": 1.0, "Skip": 1.5, "Approve": 1.0, "Reject": 1.0, "GiveUp": 1.5}
    acts = []
    for moment in sorted(draw.uniform(0.4, 2.5) for _ in range(draw.choice([1, 2, 3]))):
        type_ = draw.among(ways)
        spec: Obj = {} if type_ == "GiveUp" or (type_ == "Retry" and draw.happens(0.5)) else {"step": "?"}
        acts.append(Act(round(moment * ground.span, 2), task, type_, spec, patience=40.0))
    return acts


HANDS: Mapping[Maker, float] = {delete_job: 3, delete_pod: 3}
TEMPLATES: Mapping[Maker, float] = {change_template: 2, delete_template: 2, release_template: 1}
LIFE: Mapping[Maker, float] = {suspend: 2, cancel: 2, delete_task: 2, act: 3, repair: 4}
ENDS: Mapping[Maker, float] = {cancel: 2, delete_task: 1, act: 1}
EVERYTHING: Mapping[Maker, float] = {**HANDS, **TEMPLATES, **LIFE}


def _cancelled(mode: str, *, compensate: bool) -> Obj:
    return {"desiredState": "Cancelled", "cancellation": {"mode": mode, "compensate": compensate}}
