"""What became of a local run: the outcome, the result, what failed and where its log is, what was undone in order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from kubesaga.cli.exits import ExitCode, of_outcome
from kubesaga.cli.options import TextFormat
from kubesaga.cli.output import note, print_json, print_lines, print_yaml
from kubesaga.cli.views.attempts import attempts
from kubesaga.cli.views.story import Story
from kubesaga.engine.decision import Attempt
from kubesaga.engine.vocabulary import Role, StepOutcome, StepState, TaskState
from kubesaga.local.run import Run
from kubesaga.local.tasks import LocalTask

_WORTH_SHOWING = 2000


def show(run: Run, output: TextFormat, state_option: str) -> ExitCode:
    """Print it as ``-o`` asks: the Task object, or the summary; returns how the command ends."""
    match output:
        case TextFormat.JSON:
            print_json(run.root.obj)
        case TextFormat.YAML:
            print_yaml(json.loads(json.dumps(run.root.obj)))
        case TextFormat.TEXT:
            print_lines(summary(run))
    unused = ", ".join("/".join(answer.path) or str(answer.type) for answer in run.answers)
    if unused:
        note(f"not asked for: {unused}")
    outcome = run.root.session.status.outcome
    if outcome is not None and run.family.ended:
        return of_outcome(outcome)
    for line in _what_to_do(run, state_option):
        note(line)
    return ExitCode.NEEDS_HUMAN


def summary(run: Run) -> Iterator[str]:
    """The lines for a human."""
    status = run.root.session.status
    yield ""
    yield f"{run.name}: {status.outcome or status.state}: {status.message}"
    if status.result is not None:
        yield f"result: {_shortened(run.root.session.result)}"
    for task in run.tasks.values():
        yield from _failures(run, task)
    undone = [name for _, name in sorted(_undone(run))]
    if undone:
        yield f"undone, in this order: {', '.join(undone)}"
    logs = run.store.logs(run.name)
    if any(logs.glob("*.log")):
        yield f"logs: {logs}"


def _failures(run: Run, task: LocalTask) -> Iterator[str]:
    """Each failed attempt that a step did not get over, with the log of its program if it had one."""
    for step in task.session.status.steps:
        for role, record in ((Role.FORWARD, step), (Role.COMPENSATION, step.compensation)):
            if record is None or record.error is None or record.outcome is not StepOutcome.FAILED:
                continue
            log = run.log(task, Attempt(step.name, role, record.attempt))
            where = f" (log: {log.name})" if log.exists() else ""
            yield f"failed: {_called(task, step.name, role)}: {record.error}{where}"


def _undone(run: Run) -> Iterator[tuple[float, str]]:
    for task in run.tasks.values():
        for each in attempts(_whole(run, task)):
            if each.role is Role.COMPENSATION and each.outcome is StepOutcome.SUCCEEDED:
                yield each.ended_at or 0.0, "/".join((*task.path, each.step))


def _whole(run: Run, task: LocalTask) -> Story:
    """The Task with all of its history, of which its status keeps the newest part only."""
    return Story.of(task.obj, history=[*run.store.history(task.uid), *task.obj["status"].get("transitions", ())])


def _called(task: LocalTask, step: str, role: Role) -> str:
    path = "/".join((*task.path, step))
    return path if role is Role.FORWARD else f"undoing {path}"


def _what_to_do(run: Run, state_option: str) -> Iterator[str]:
    go_on = f"kubesaga run --resume {run.name}{state_option}"
    yield f"{run.name} waits for a human"
    for path in run.approvals():
        yield f"  {'/'.join(path)}: {go_on} --approve {'/'.join(path)}   (or --reject)"
    stuck = list(_stuck(run))
    for task, step in stuck:
        named, whole = "/".join((*task.path, step)), "/".join(task.path) + "=" if task.path else ""
        other = f"or MarkCompensated, or --act {whole}Abandon"
        yield f"  undoing {named}: {go_on} --act {named}=RetryCompensation   ({other})"
    if run.root.session.suspended:
        yield f"  {run.root.session.status.message}: {go_on}"
    elif not (stuck or run.approvals()):
        yield from (f"  {message}" for message in _messages(run))
        yield f"  {go_on} --act STEP=ACTION   (Retry, Complete, Resolve, Skip, Fail, GiveUp, …)"


def _stuck(run: Run) -> Iterator[tuple[LocalTask, str]]:
    """The steps whose undoing has failed for good, each with its Task."""
    for task in run.tasks.values():
        status = task.session.status
        for step in status.steps if status.state is TaskState.COMPENSATING else ():
            if step.compensation is not None and step.compensation.state is StepState.ERROR:
                yield task, step.name


def _messages(run: Run) -> list[str]:
    """Why it waits: what needs attention in any of its Tasks, else where it is."""
    found = [task.session.status.attention for task in run.tasks.values()]
    return [each.message for each in found if each is not None] or [run.root.session.status.message]


def _shortened(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _WORTH_SHOWING else text[: _WORTH_SHOWING - 1] + "…"
