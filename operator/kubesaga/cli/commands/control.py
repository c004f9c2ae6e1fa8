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
            found = await saga.get(task)
            refuse_if_ended(found, "suspend")
            _refuse_if_cancelled(found)
            return await saga.suspend(task)

    print(f"Task {cluster.run(do).name} is suspended")


def resume(cluster: Cluster, task: TaskName) -> None:
    """Let a suspended Task go on."""

    from kubesaga.engine.vocabulary import DesiredState

    async def do(saga: AsyncKubesaga) -> Task:
        async with task_expected(saga, task):
            found = await saga.get(task)
            refuse_if_ended(found, "resume")
            _refuse_if_cancelled(found)
            if found.desired_state is DesiredState.SUSPENDED:
                await saga.resume(task)
            else:
                _refuse_if_held_by_its_parent(found)
            return found

    found = cluster.run(do)
    goes_on = found.desired_state is DesiredState.SUSPENDED
    print(f"Task {found.name} {'goes on' if goes_on else 'is not suspended'}")


def _refuse_if_cancelled(task: Task) -> None:
    """A cancellation cannot be taken back. Raises CliError."""
    from kubesaga.engine.vocabulary import DesiredState

    if task.desired_state is DesiredState.CANCELLED:
        hint = f"see what can be done: kubesaga explain {task.name} -n {task.namespace}"
        raise CliError(f"Task {task.name} is being cancelled, which cannot be taken back", hint, ExitCode.REFUSED)


def _refuse_if_held_by_its_parent(task: Task) -> None:
    """What is suspended with another Task is resumed with it. Raises CliError."""
    if task.suspended and task.parent is not None:
        hint = f"kubesaga resume {task.parent.name} -n {task.namespace}"
        raise CliError(f"Task {task.name} is suspended with its parent Task {task.parent.name}", hint, ExitCode.REFUSED)


def refuse_if_ended(task: Task, verb: str) -> None:
    """What is wanted of a Task that has ended changes nothing. Raises CliError."""
    if task.finished:
        hint = f"see what can be done: kubesaga explain {task.name} -n {task.namespace}"
        raise CliError(f"Task {task.name} has ended {task.outcome}: nothing to {verb}", hint, ExitCode.REFUSED)
