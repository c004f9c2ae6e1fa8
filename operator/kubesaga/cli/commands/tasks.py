"""``list`` and ``get``: which Tasks there are, and one of them on a page."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import aclosing
from typing import TYPE_CHECKING, Annotated

import typer

from kubesaga.cli import output
from kubesaga.cli.arguments import TaskName
from kubesaga.cli.cluster import Cluster, on_cluster, task_expected
from kubesaga.cli.groups import Section
from kubesaga.cli.options import AllNamespaces, Format, Output
from kubesaga.cli.output import Table
from kubesaga.cli.stories import Stories
from kubesaga.cli.tables import STYLES
from kubesaga.engine.vocabulary import TaskOutcome, TaskState

if TYPE_CHECKING:
    from kubesaga.cli.views.story import Story
    from kubesaga.client import AsyncKubesaga, Task

_NAME = "task.kubesaga.dev/{}"
_WIDE = frozenset({"Started", "Initiator", "Message"})


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("list", rich_help_panel=Section.RUN)(on_cluster(list_tasks))
    app.command("get", rich_help_panel=Section.RUN)(on_cluster(get))


def list_tasks(
    cluster: Cluster,
    state: Annotated[
        TaskState | None,
        typer.Option("--state", metavar="STATE", case_sensitive=False, help="Only those in this state."),
    ] = None,
    outcome: Annotated[
        TaskOutcome | None,
        typer.Option("--outcome", metavar="OUTCOME", case_sensitive=False, help="Only those that ended so."),
    ] = None,
    template: Annotated[
        str | None,
        typer.Option("--template", metavar="[DOMAIN/]NAME[@VERSION]", help="Only those of this template."),
    ] = None,
    selector: Annotated[
        str | None, typer.Option("--selector", "-l", metavar="LABELS", help="Only those with these labels.")
    ] = None,
    all_namespaces: AllNamespaces = False,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Go on, with a line for each change.")] = False,
    output_: Output = Format.TABLE,
) -> None:
    """List Tasks.

    They are the namespace's, the newest last; the filters all have to hold.
    """
    fits = _filter(state, outcome, template)

    async def read(saga: AsyncKubesaga) -> list[Task]:
        found = await saga.list(all_namespaces=all_namespaces, selector=selector)
        return [task for task in found if fits(task)]

    async def go_on(saga: AsyncKubesaga) -> None:
        widths: list[int] = []
        async with aclosing(saga.watch(all_namespaces=all_namespaces, selector=selector)) as versions:
            async for task in versions:
                if not task.deleted and fits(task):
                    _print_change(task, widths, output_, all_namespaces=all_namespaces)

    if watch:
        cluster.run(go_on)
        return
    tasks = sorted(cluster.run(read), key=lambda task: (task.created_at, task.name))
    if not tasks and output_ in (Format.TABLE, Format.WIDE):
        output.note("no Tasks found")
    data = {"apiVersion": "v1", "kind": "List", "items": [task.raw for task in tasks]}
    output.show(output_, data, table_of(tasks, namespaces=all_namespaces), [_NAME.format(task.name) for task in tasks])


def get(cluster: Cluster, task: TaskName, output_: Output = Format.TABLE) -> None:
    """Show one Task on a page.

    It says what the Task waits for, how its steps stand, their errors, what was undone, and who intervened; with
    -o wide its history as well.
    """
    whole = output_ is Format.WIDE

    async def read(saga: AsyncKubesaga) -> tuple[Task, Story | None]:
        async with task_expected(saga, task):
            found = await saga.get(task)
        as_page = output_ in (Format.TABLE, Format.WIDE)
        return found, await Stories(saga).of(found, whole=whole) if as_page else None

    found, story = cluster.run(read)
    if story is None:
        output.show(output_, found.raw, Table(()), [_NAME.format(found.name)])
        return
    from kubesaga.cli.views.chronicle import cells
    from kubesaga.cli.views.page import aligned, page

    output.print_lines(page(story, time.time()))
    if whole and story.moves:
        output.print_lines(["", "History:", *("  " + line for line in aligned([cells(move) for move in story.moves]))])


def _filter(state: str | None, outcome: str | None, template: str | None) -> Callable[[Task], bool]:
    """Whether a Task is to be listed. Raises CliError for a template that names none."""
    from kubesaga.cli.views.matching import Wanted
    from kubesaga.cli.views.story import Story

    wanted = Wanted.of(template, "--template") if template is not None else None

    def fits(task: Task) -> bool:
        if state not in (None, task.state) or outcome not in (None, task.outcome):
            return False
        return wanted is None or wanted.matches(Story.of(task.raw))

    return fits


def table_of(tasks: list[Task], *, namespaces: bool) -> Table:
    """Tasks as rows."""
    columns = ["Name", "State", "Outcome", "Progress", "Template", "Age", "Started", "Initiator", "Message"]
    table = Table(["Namespace", *columns] if namespaces else columns, wide=_WIDE, styles=STYLES)
    for task in tasks:
        table.add(*([task.namespace] if namespaces else []), *_cells(task))
    return table


def _cells(task: Task) -> list[object]:
    from kubesaga.cli.views.story import Story
    from kubesaga.cli.views.times import span, stamp

    story = Story.of(task.raw)
    age = None if story.created_at is None else span(time.time() - story.created_at)
    return [
        task.name,
        story.status.state,
        story.status.outcome,
        task.progress,
        story.template,
        age,
        stamp(story.status.started_at),
        story.spec.get("initiator"),
        story.status.message,
    ]


def _print_change(task: Task, widths: list[int], format_: Format, *, all_namespaces: bool) -> None:
    """One line as soon as it is known; columns only ever get wider."""
    if format_ not in (Format.TABLE, Format.WIDE):
        output.show(format_, task.raw, Table(()), [_NAME.format(task.name)])
        return
    table = table_of([task], namespaces=all_namespaces)
    table = table if format_ is Format.WIDE else table.narrowed()
    lines = [table.rows[0]] if widths else [[column.upper() for column in table.columns], table.rows[0]]
    widths.extend([0] * (len(table.columns) - len(widths)))
    widths[:] = [max(width, *(len(line[i]) for line in lines)) for i, width in enumerate(widths)]
    for line in lines:
        print("   ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip(), flush=True)
