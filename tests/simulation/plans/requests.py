"""The Tasks of a plan: which templates they ask for, and what each of them wants. Called by ``sowing``."""

from __future__ import annotations

from kubesaga.api import constants as c
from tests.simulation.plan import Obj, Submit
from tests.simulation.plans.draw import Draw
from tests.simulation.plans.workflows import Workflows


def draw_requests(draw: Draw, workflows: Workflows, *, count: int, has_releases: bool) -> tuple[Submit, ...]:
    """This many Tasks, the first at once, the others a little later."""
    submits = []
    for number in range(count):
        at = 0.0 if number == 0 or draw.happens(0.3) else round(draw.uniform(0, 15), 2)
        template = workflows.named(draw.choice(workflows.mains))
        name = f"t{number + 1}"
        spec = _request(draw, template, has_releases=has_releases)
        task = {"apiVersion": c.API_VERSION, "kind": c.TASK_KIND, "metadata": {"name": name}, "spec": spec}
        submits.append(Submit(at, task))
    return tuple(submits)


def _request(draw: Draw, template: Obj, *, has_releases: bool) -> Obj:
    reference = {"name": template["metadata"]["name"]}
    if has_releases or draw.happens(0.1):
        reference["version"] = draw.choice(["^1.0", "1.0.0", ">=1.1 <2"] if has_releases else ["^1.0", "1.0.0", "1.x"])
    spec: Obj = {"templateRef": reference, "context": _context(draw, template)}
    if template["spec"].get("identityStrategy") == "CallerProvided":
        spec["idempotencyKey"] = draw.choice(["same", "same", "other"])
    return spec | _wishes(draw, template)


def _context(draw: Draw, template: Obj) -> Obj:
    context: Obj = {}
    if draw.happens(0.2):
        context["go"] = draw.choice([True, False])
    if "inputSchema" in template["spec"] and draw.happens(0.3):
        context["go"] = "perhaps"
    if draw.happens(0.03):
        context["text"] = "long " * 8_000
    return context


def _wishes(draw: Draw, template: Obj) -> Obj:
    wishes: Obj = {}
    if draw.happens(0.1):
        wishes["tags"] = [draw.choice(["quiet", "loud"])]
    if draw.happens(0.15):
        wishes["priority"] = draw.choice([-10, 10])
    if draw.happens(0.2):
        wishes["deletionPolicy"] = draw.choice(["Compensate", "Compensate", "Delete"])
    if draw.happens(0.06):
        wishes["ttlAfterFinished"] = draw.choice(["2s", "30s"])
    if draw.happens(0.03):
        wishes["desiredState"] = "Suspended"
    skippable = [step["name"] for step in template["spec"]["steps"] if step.get("skippable")]
    if skippable and draw.happens(0.4):
        wishes["bypassSteps"] = [draw.choice(skippable)]
    return wishes
