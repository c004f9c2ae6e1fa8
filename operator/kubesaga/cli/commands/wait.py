"""``wait``: until a Task has ended, or has come to a state; the exit code says how."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from kubesaga.cli import exits, output
from kubesaga.cli.arguments import TaskName, Timeout
from kubesaga.cli.cluster import Cluster, on_cluster, seconds, task_expected
from kubesaga.cli.errors import CliError
from kubesaga.cli.exits import ExitCode
from kubesaga.cli.groups import Section
from kubesaga.engine.vocabulary import StepState, TaskState

if TYPE_CHECKING:
    from kubesaga.client import AsyncKubesaga, Task

FINISHED = "finished"
_LOOK = 5.0
"""Seconds between two looks at what sub-workflows ask."""


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("wait", rich_help_panel=Section.RUN)(on_cluster(wait))


def wait(
    cluster: Cluster,
    task: TaskName,
    for_: Annotated[
        str,
        typer.Option("--for", metavar="WHAT", help="finished, state=STATE or step=NAME=STATE."),
    ] = FINISHED,
    timeout: Timeout = None,
) -> None:
    """Wait for a Task.

    For its end, unless --for names a state of it or of a step. The exit code says how it ended; it is 16 if the
    Task needs attention and goes no further without a human. An approval is waited for, and so is a Task that is
    suspended or blocked: what it asks of you stands on stderr, with the command that answers it.
    """
    there = condition(for_)
    limit = seconds(timeout, "--timeout")

    async def do(saga: AsyncKubesaga) -> Task:
        from kubesaga.cli.following import Asking, Quiet, follow

        async with task_expected(saga, task):
            latest = await saga.get(task)
        met = lambda found: there(found) or is_over(found)  # noqa: E731
        return await follow(saga, latest, met, Quiet(), limit, asking=Asking(Quiet(), cluster.pointed), pause=_LOOK)

    finish(cluster.run(do), there, for_, cluster)


def is_over(task: Task) -> bool:
    """Whether nothing will come by itself any more."""
    return task.finished or task.needs_attention is not None


def condition(written: str) -> Callable[[Task], bool]:
    """What ``--for`` says, as a question to a Task. Raises CliError."""
    kind, _, rest = written.partition("=")
    if written == FINISHED:
        return lambda task: task.finished
    if kind == "state" and rest:
        state = _state(rest, TaskState)
        return lambda task: task.state == state
    step, equals, wanted = rest.partition("=")
    if kind == "step" and step and equals:
        state = _state(wanted, StepState)
        return lambda task: any(each.name == step and each.state == state for each in task.steps)
    raise CliError(f"--for {written}: is nothing to wait for", "write finished, state=STATE or step=NAME=STATE")


def _state(written: str, states: type[TaskState] | type[StepState]) -> str:
    for state in states:
        if state.lower() == written.lower():
            return str(state)
    raise CliError(f"--for: there is no state {written!r}", f"it is one of {', '.join(states)}")


def finish(task: Task, there: Callable[[Task], bool], what: str, cluster: Cluster) -> None:
    """Say what was waited for, and end with the code that fits. Raises typer.Exit, or CliError if it never comes."""
    if what != FINISHED and there(task):
        print(f"Task {task.name} is {task.state}")
        return
    if task.finished and task.outcome is not None:
        print(f"Task {task.name} ended {task.state}, outcome {task.outcome}: {task.message}")
        if what != FINISHED:
            raise CliError(f"Task {task.name} ended without {what}", None, ExitCode.REFUSED)
    else:
        print(f"Task {task.name} {task.message}")
    end(task, cluster)


def end(task: Task, cluster: Cluster) -> NoReturn:
    """End with the code of the outcome; where there is none, tell how it goes on. Raises typer.Exit."""
    if task.finished and task.outcome is not None:
        raise typer.Exit(exits.of_outcome(task.outcome))
    command = cluster.pointed(f"kubesaga explain {task.name} -n {task.namespace}")
    output.note(f"hint: see what you can do: {command}")
    raise typer.Exit(ExitCode.NEEDS_HUMAN)
