"""The steps that a user names on the command line: whether they are there, and whether they can fail.

Asked by ``start`` before a run begins, and before it goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from kubesaga.engine.plan import Step
from kubesaga.engine.vocabulary import Role, StepKind
from kubesaga.local.faults import Fault, Faults
from kubesaga.local.run import OF_TASKS, Answer
from kubesaga.local.templates import Template, Templates

_LISTED = 20


def wrong_steps(faults: Faults, answers: Sequence[Answer], root: Template, templates: Templates) -> list[str]:
    """What is wrong with the steps that rehearsed failures and answers name; their paths lead from the root down.

    Raises LocalError for a sub-workflow on the way whose template is not there.
    """
    problems = [_wrong(fault.path, partial(_cannot_fail, fault), root, templates) for fault in faults.faults]
    problems += [_wrong(answer.path, partial(_cannot_do, answer), root, templates) for answer in answers]
    return list(filter(None, problems))


def _wrong(
    path: tuple[str, ...], unfit: Callable[[Step], str | None], template: Template, templates: Templates
) -> str | None:
    """That the path leads to no step, or why the one that it leads to is ``unfit``; None if it is not."""
    step, called = None, "/".join(path)
    for name in path:
        if step is not None:
            if step.child is None:
                return f"{called}: step {step.name!r} of template {template.called} is no sub-workflow"
            template = templates.find(step.child.domain, step.child.name, step.child.version)
        step = next((each for each in template.plan.steps if each.name == name), None)
        if step is None:
            there = ", ".join(each.name for each in template.plan.steps[:_LISTED])
            return f"{called}: template {template.called} has no step {name!r}; it has: {there}"
    return None if step is None else unfit(step)


def _cannot_do(answer: Answer, step: Step) -> str | None:
    """Why this cannot be said of the step."""
    if answer.type not in OF_TASKS or step.child is not None:
        return None
    return (
        f"{answer.type} is for a whole Task, and {'/'.join(answer.path)} is no sub-workflow: write --act {answer.type}"
    )


def _cannot_fail(fault: Fault, step: Step) -> str | None:
    """Why nothing of the step could be made to fail; None if something can."""
    if fault.role is Role.COMPENSATION:
        if step.compensation is None:
            return f"--fail {fault.called}: has no compensation that could fail"
        kind = step.compensation.kind
    else:
        kind = step.kind
    match kind:
        case StepKind.TASK:
            return f"--fail {fault.called}: runs a sub-workflow: name a step of that, {fault.called}/STEP"
        case StepKind.APPROVAL:
            path = "/".join(fault.path)
            return f"--fail {path}: waits for a human, and runs no program that could fail: use --reject {path}"
    return None
