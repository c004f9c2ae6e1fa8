"""``cancel``, ``suspend`` and ``resume``: what is wanted of a Task from now on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from kubesaga.cli.arguments import TaskName
from kubesaga.cli.cluster import Cluster, on_cluster, task_expected
from kubesaga.cli.errors import CliError
from kubesaga.cli.exits import ExitCode
from kubesaga.cli.groups import Section

if TYPE_CHECKING:
    from kubesaga.client import AsyncKubesaga, Task


def register(app: typer.Typer) -> None:
    """Add the commands."""
    for command in (cancel, suspend, resume):
        app.command(command.__name__, rich_help_panel=Section.ACT)(on_cluster(command))


def cancel(
    cluster: Cluster,
    task: TaskName,
    terminate: Annotated[bool, typer.Option("--terminate", help="Stop the steps that run; else they finish.")] = False,
    compensate: Annotated[bool, typer.Option("--compensate", help="Undo what was done, in reverse order.")] = False,
) -> None:
    """Cancel a Task. It cannot be taken back.

    Of one that is being cancelled already, --terminate stops the steps that still run.
    """
    from kubesaga.engine.vocabulary import RunningSteps

    async def do(saga: AsyncKubesaga) -> Task:
        async with task_expected(saga, task):
            refuse_if_ended(await saga.get(task), "cancel")
            mode = RunningSteps.TERMINATE if terminate else None
            return await saga.cancel(task, mode=mode, compensate=True if compensate else None)

    print(f"Task {cluster.run(do).name} is being cancelled" + (" and undone" if compensate else ""))


def suspend(cluster: Cluster, task: TaskName) -> None:
    """Start nothing new of a Task until it is resumed; what runs goes on to its end."""

    async def do(saga: AsyncKubesaga) -> Task:
        async with task_expected(saga, task):
            refuse_if_ended(await saga.get(task), "suspend")
            return await saga.suspend(task)

    print(f"Task {cluster.run(do).name} is suspended")


def resume(cluster: Cluster, task: TaskName) -> None:
    """Let a suspended Task go on."""

    async def do(saga: AsyncKubesaga) -> Task:
        async with task_expected(saga, task):
            refuse_if_ended(await saga.get(task), "resume")
            return await saga.resume(task)

    print(f"Task {cluster.run(do).name} goes on")


def refuse_if_ended(task: Task, verb: str) -> None:
    """What is wanted of a Task that has ended changes nothing. Raises CliError."""
    if task.finished:
        hint = f"see what can be done: kubesaga explain {task.name} -n {task.namespace}"
        raise CliError(f"Task {task.name} has ended {task.outcome}: nothing to {verb}", hint, ExitCode.REFUSED)
