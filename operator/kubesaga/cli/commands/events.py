"""``events`` and ``history``: what Kubernetes was told about a Task, and every move that it made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from kubesaga.cli import output
from kubesaga.cli.arguments import TaskName
from kubesaga.cli.cluster import Cluster, check_step, on_cluster, task_expected
from kubesaga.cli.groups import Section
from kubesaga.cli.options import Format, Output
from kubesaga.cli.output import Table

if TYPE_CHECKING:
    from kubesaga.client import AsyncKubesaga, Event, Task


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("events", rich_help_panel=Section.RUN)(on_cluster(events))
    app.command("history", rich_help_panel=Section.RUN)(on_cluster(history))


def events(cluster: Cluster, task: TaskName, output_: Output = Format.TABLE) -> None:
    """Show the Kubernetes Events of a Task, oldest first.

    The API server keeps them for an hour or so; what stays is the history.
    """

    async def read(saga: AsyncKubesaga) -> list[Event]:
        async with task_expected(saga, task):
            await saga.get(task)
        return await saga.events(task)

    found = cluster.run(read)
    if not found and output_ in (Format.TABLE, Format.WIDE):
        output.note("no Events: the API server keeps them for an hour or so; see `kubesaga history`")
    table = Table(("When", "Type", "Reason", "Count", "Message"), styles={"Warning": "yellow"})
    for event in found:
        when = f"{event.last_at:%Y-%m-%d %H:%M:%S} UTC"
        table.add(when, event.type, event.reason, event.count, event.message)
    data = {"apiVersion": "v1", "kind": "List", "items": [event.raw for event in found]}
    output.show(output_, data, table, [event.raw["metadata"]["name"] for event in found])


def history(
    cluster: Cluster,
    task: TaskName,
    step: Annotated[str | None, typer.Option("--step", metavar="STEP", help="Only this step, its undoing too.")] = None,
    output_: Output = Format.TABLE,
) -> None:
    """Show every move that a Task and its steps made, the whole history from its start."""

    async def read(saga: AsyncKubesaga) -> tuple[Task, list[dict[str, Any]]]:
        async with task_expected(saga, task):
            found = await saga.get(task)
        if step is not None:
            check_step(task, step, [each.name for each in found.steps])
        return found, await saga.history(task)

    _, entries = cluster.run(read)
    from kubesaga.cli.views.chronicle import cells
    from kubesaga.cli.views.story import Move

    chosen = [entry for entry in entries if step is None or entry.get("step") == step]
    table = Table(("When", "What", "Attempt", "Events", "From → to", "Why"))
    for entry in chosen:
        table.add(*cells(Move.of(entry)))
    output.show(output_, chosen, table, [", ".join(entry["events"]) for entry in chosen])
