"""Plans that are a little simpler than a plan: one Task, step, setting or number less each. ``shrink`` tries them.

A plan without a step has no word of it left: dependencies, expressions and mishaps that named it go too.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

from tests.simulation.plan import DelayWatch, DropWatch, Mishap, Obj, Outcome, Plan, Submit

_SPEC_KEPT = frozenset({"version", "steps", "defaults", "name"})
_STEP_KEPT = frozenset({"name", "handler", "container", "task", "approval"})
_ROUND = (0.0, 1.0, 5.0, 20.0, 60.0)


def simpler_plans(plan: Plan) -> Iterator[Plan]:
    """In the order in which they are worth trying: what takes away most comes first."""
    yield from _without_a_submit(plan)
    yield from _without_a_template(plan)
    yield from _without_a_step(plan)
    yield from _without_a_script_entry(plan)
    yield from _with_plain_settings(plan)
    yield from _without_a_field(plan)
    yield from _without_a_wish(plan)
    yield from _with_plain_outcomes(plan)
    yield from _with_round_numbers(plan)


def _without_a_submit(plan: Plan) -> Iterator[Plan]:
    if len(plan.submits) > 1:
        for submit in plan.submits:
            yield replace(plan, submits=tuple(each for each in plan.submits if each is not submit))


def _without_a_template(plan: Plan) -> Iterator[Plan]:
    for template in plan.templates:
        yield replace(plan, templates=tuple(each for each in plan.templates if each is not template))


def _without_a_step(plan: Plan) -> Iterator[Plan]:
    for template in plan.templates:
        for key in ("finally", "steps"):
            for step in template["spec"].get(key, ()):
                yield from _stepless(plan, template, key, step["name"])


def _stepless(plan: Plan, template: Obj, key: str, name: str) -> Iterator[Plan]:
    """The plan without that step; those behind it wait for what it waited for, and then for nothing."""
    spec = template["spec"]
    gone = next(step for step in spec[key] if step["name"] == name)
    left = [step for step in spec[key] if step["name"] != name]
    if not left and key == "steps":
        return
    for heirs in ([*gone.get("dependsOn", ()), *gone.get("runAfter", ())], []):
        steps = [_orphaned(step, name, heirs) for step in left]
        changed = {**spec, key: steps} if steps else {each: spec[each] for each in spec if each != key}
        if f"steps.{name}." in changed.get("output", ""):
            del changed["output"]
        script = {program: outcomes for program, outcomes in plan.script.items() if program.rstrip("~") != name}
        yield replace(_with_spec(plan, template, changed), script=script)


def _orphaned(step: Obj, name: str, heirs: list[str]) -> Obj:
    changed = dict(step)
    for key in ("dependsOn", "runAfter"):
        if name in changed.get(key, ()):
            kept = [each for each in changed[key] if each != name]
            changed[key] = list(dict.fromkeys([*kept, *heirs]))
            if not changed[key]:
                del changed[key]
    if f"steps.{name}." in changed.get("when", ""):
        del changed["when"]
    return changed


def _without_a_script_entry(plan: Plan) -> Iterator[Plan]:
    for name in plan.script:
        yield replace(plan, script={each: outcomes for each, outcomes in plan.script.items() if each != name})
    for name, outcomes in plan.script.items():
        for i in range(len(outcomes) if len(outcomes) > 1 else 0):
            yield replace(plan, script={**plan.script, name: outcomes[:i] + outcomes[i + 1 :]})


def _with_plain_settings(plan: Plan) -> Iterator[Plan]:
    if plan.feed != "direct":
        yield replace(plan, feed="direct")
    if plan.operators > 1:
        yield replace(plan, operators=1)
    if plan.decisive:
        yield replace(plan, decisive=False)
    for i in range(0, len(plan.flags), 2):
        yield replace(plan, flags=plan.flags[:i] + plan.flags[i + 2 :])


def _without_a_field(plan: Plan) -> Iterator[Plan]:
    """Without one of the settings of a template, its defaults or a step."""
    for template in plan.templates:
        spec = template["spec"]
        for key in sorted(spec.keys() - _SPEC_KEPT):
            yield _with_spec(plan, template, _without(spec, key))
        for key in sorted(spec.get("defaults", {}).keys() - {"image"}):
            yield _with_spec(plan, template, {**spec, "defaults": _without(spec["defaults"], key)})
        for part in ("steps", "finally"):
            for i, step in enumerate(spec.get(part, ())):
                for simpler in _simpler_steps(step):
                    yield _with_spec(plan, template, {**spec, part: [*spec[part][:i], simpler, *spec[part][i + 1 :]]})


def _simpler_steps(step: Obj) -> Iterator[Obj]:
    for key in sorted(step.keys() - _STEP_KEPT):
        yield _without(step, key)
    for key in ("compensation", "retry"):
        for inner in sorted(step.get(key, {})):
            yield {**step, key: _without(step[key], inner)}


def _without_a_wish(plan: Plan) -> Iterator[Plan]:
    for submit in plan.submits:
        for key in sorted(submit.task["spec"].keys() - {"templateRef"}):
            spec = _without(submit.task["spec"], key)
            yield _with_submit(plan, submit, replace(submit, task={**submit.task, "spec": spec}))
        if "version" in submit.task["spec"]["templateRef"]:
            spec = {**submit.task["spec"], "templateRef": _without(submit.task["spec"]["templateRef"], "version")}
            yield _with_submit(plan, submit, replace(submit, task={**submit.task, "spec": spec}))


def _with_plain_outcomes(plan: Plan) -> Iterator[Plan]:
    for name, outcomes in plan.script.items():
        for i, outcome in enumerate(outcomes):
            for simpler in _simpler_outcomes(outcome):
                yield replace(plan, script={**plan.script, name: (*outcomes[:i], simpler, *outcomes[i + 1 :])})


def _simpler_outcomes(outcome: Outcome) -> Iterator[Outcome]:
    if outcome.log:
        yield replace(outcome, log=b"", document={"result": None})
    if outcome.seconds not in (None, 1.0):
        yield replace(outcome, seconds=1.0)
    if len(json.dumps(outcome.document)) > 40 and outcome.code == 0:
        yield replace(outcome, document={"result": None})
    if outcome.grace != 0.2:
        yield replace(outcome, grace=0.2)


def _with_round_numbers(plan: Plan) -> Iterator[Plan]:
    for submit in plan.submits:
        for at in _rounder(submit.at):
            yield _with_submit(plan, submit, replace(submit, at=at))
    for i, mishap in enumerate(plan.mishaps):
        for simpler in _simpler_mishaps(mishap):
            yield replace(plan, mishaps=(*plan.mishaps[:i], simpler, *plan.mishaps[i + 1 :]))


def _simpler_mishaps(mishap: Mishap) -> Iterator[Mishap]:
    values: Any = mishap
    for each in fields(values):
        value = getattr(mishap, each.name)
        if isinstance(value, float):
            for number in _rounder(value):
                yield replace(values, **{each.name: number})
        elif each.name == "nth" and value > 1:
            yield replace(values, nth=1)
    if isinstance(mishap, DropWatch | DelayWatch) and mishap.kind is None:
        for kind in ("tasks", "jobs", "pods", "taskactions", "tasktemplates"):
            yield replace(mishap, kind=kind)


def _rounder(number: float) -> list[float]:
    """Simpler numbers than that; the whole ones near it if it is none itself."""
    if number in _ROUND:
        return [each for each in _ROUND if each < number]
    near = [] if number.is_integer() else [float(math.floor(number)), float(math.ceil(number))]
    return [*_ROUND, *(each for each in near if each not in _ROUND)]


def _with_spec(plan: Plan, template: Obj, spec: Obj) -> Plan:
    changed = {**template, "spec": spec}
    return replace(plan, templates=tuple(changed if each is template else each for each in plan.templates))


def _with_submit(plan: Plan, submit: Submit, changed: Submit) -> Plan:
    return replace(plan, submits=tuple(changed if each is submit else each for each in plan.submits))


def _without(obj: Obj, key: str) -> Obj:
    return {each: value for each, value in obj.items() if each != key}
