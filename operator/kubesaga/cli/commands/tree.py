"""``tree``: a Task's steps with states, attempts and durations, sub-workflows below their steps; once, or live."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from kubesaga.cli import output
from kubesaga.cli.arguments import TaskName
from kubesaga.cli.cluster import Cluster, on_cluster, task_expected
from kubesaga.cli.groups import Section
from kubesaga.cli.stories import Stories
from kubesaga.cli.tables import tree_lines, tree_table
from kubesaga.cli.views.tree import rows

if TYPE_CHECKING:
    from kubesaga.cli.views.story import Story
    from kubesaga.client import AsyncKubesaga


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("tree", rich_help_panel=Section.RUN)(on_cluster(tree))


def tree(
    cluster: Cluster,
    task: TaskName,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Draw it again with every change, to its end.")] = False,
) -> None:
    """Show a Task's steps as a tree.

    Each has its state, attempts and duration; its undoing and the steps of its sub-workflow stand below it.
    """

    async def read(saga: AsyncKubesaga) -> Story:
        async with task_expected(saga, task):
            return await Stories(saga).of(await saga.get(task))

    async def go_on(saga: AsyncKubesaga) -> None:
        from kubesaga.cli.following import canvas, follow

        async with task_expected(saga, task):
            latest = await saga.get(task)
        with canvas(sys.stdout) as drawn:
            await follow(saga, latest, lambda found: found.finished, drawn)

    if watch:
        cluster.run(go_on)
        return
    found = rows(cluster.run(read), time.time())
    if output.is_terminal(sys.stdout):
        console = output.console()
        console.print(tree_table(found, console.width))
    else:
        output.print_table(tree_lines(found))
