"""``dead-letter``: the Tasks that have waited longer than their template's lifecycle allows."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import typer

from kubesaga.cli import output
from kubesaga.cli.arguments import TaskName
from kubesaga.cli.cluster import Cluster, on_cluster, task_expected
from kubesaga.cli.errors import CliError
from kubesaga.cli.exits import ExitCode
from kubesaga.cli.groups import Section, new_group
from kubesaga.cli.options import AllNamespaces, Format, Output
from kubesaga.cli.output import Table
from kubesaga.cli.stories import Stories
from kubesaga.cli.tables import STYLES

if TYPE_CHECKING:
    from kubesaga.cli.views.story import Story
    from kubesaga.client import AsyncKubesaga, Task


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = new_group("Look at Tasks that wait longer than their template's lifecycle allows.")
    group.command("list")(on_cluster(list_))
    group.command("show")(on_cluster(show))
    app.add_typer(group, name="dead-letter", rich_help_panel=Section.CLUSTER)


def list_(cluster: Cluster, all_namespaces: AllNamespaces = False, output_: Output = Format.TABLE) -> None:
    """List the stale Tasks, the one that has waited longest first."""

    async def read(saga: AsyncKubesaga) -> list[Task]:
        return await saga.dead_letters(all_namespaces=all_namespaces)

    from kubesaga.cli.views.story import Story
    from kubesaga.cli.views.times import span

    stories = [(Story.of(task.raw), task) for task in cluster.run(read)]
    stories.sort(key=lambda pair: pair[0].status.state_since or 0.0)
    if not stories and output_ in (Format.TABLE, Format.WIDE):
        output.note("no Task is stale")
    columns = ("Name", "State", "Since", "Template", "Message")
    table = Table(("Namespace", *columns) if all_namespaces else columns, wide=frozenset({"Message"}), styles=STYLES)
    for story, _ in stories:
        since = story.status.state_since
        waited = None if since is None else span(time.time() - since)
        where = [story.namespace] if all_namespaces else []
        table.add(*where, story.name, story.status.state, waited, story.template, story.status.message)
    data = {"apiVersion": "v1", "kind": "List", "items": [task.raw for _, task in stories]}
    output.show(output_, data, table, [f"task.kubesaga.dev/{story.name}" for story, _ in stories])


def show(cluster: Cluster, task: TaskName) -> None:
    """Explain why a Task is stale and what can be done about it."""

    async def read(saga: AsyncKubesaga) -> Story:
        async with task_expected(saga, task):
            return await Stories(saga).below(await saga.get(task))

    story = cluster.run(read)
    if not story.status.stale:
        hint = f"see: kubesaga explain {task} -n {story.namespace}"
        raise CliError(f"Task {task} is not stale", hint, ExitCode.NOT_FOUND)
    from kubesaga.cli.views.explain import explain, text
    from kubesaga.cli.views.staleness import reasons

    now = time.time()
    output.print_lines([*reasons(story, now), "", *text(explain(story, now, cluster.pointed), now)])
