"""``templates``: which TaskTemplates there are, and one of them on a page."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kubesaga.cli import output
from kubesaga.cli.cluster import Cluster, on_cluster
from kubesaga.cli.groups import Section, new_group
from kubesaga.cli.options import AllNamespaces, Format, Output
from kubesaga.cli.output import Table

if TYPE_CHECKING:
    from kubesaga.client import AsyncKubesaga, Task, Template

_WIDE = frozenset({"Object", "Revision", "Description"})
_STYLES = {"True": "green", "False": "red"}
_MOST_USERS = 10


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = new_group("Look at TaskTemplates: versions, schemas, steps, users.")
    group.command("list")(on_cluster(list_))
    group.command("show")(on_cluster(show))
    app.add_typer(group, name="templates", rich_help_panel=Section.RUN)


def list_(
    cluster: Cluster,
    domain: Annotated[str | None, typer.Option("--domain", metavar="NAME", help="Only those of this owner.")] = None,
    all_namespaces: AllNamespaces = False,
    output_: Output = Format.TABLE,
) -> None:
    """List templates, each version on a line."""

    async def read(saga: AsyncKubesaga) -> list[Template]:
        return await saga.templates(domain=domain, all_namespaces=all_namespaces)

    from kubesaga.cli.views.template import age, identity, is_ready, sort_key, users

    found = sorted((template.raw for template in cluster.run(read)), key=sort_key)
    if not found and output_ in (Format.TABLE, Format.WIDE):
        output.note("no TaskTemplates found")
    columns = ("Domain", "Name", "Version", "Ready", "Tasks", "Age", "Object", "Revision", "Description")
    table = Table(("Namespace", *columns) if all_namespaces else columns, wide=_WIDE, styles=_STYLES)
    for each in found:
        table.add(
            *([each["metadata"]["namespace"]] if all_namespaces else []),
            *identity(each),
            is_ready(each),
            users(each),
            age(each, time.time()),
            each["metadata"]["name"],
            (each.get("status") or {}).get("revision"),
            " ".join(each["spec"].get("description", "").split()),
        )
    data = {"apiVersion": "v1", "kind": "List", "items": found}
    output.show(output_, data, table, [f"tasktemplate.kubesaga.dev/{each['metadata']['name']}" for each in found])


def show(
    cluster: Cluster,
    reference: Annotated[
        str, typer.Argument(metavar="[DOMAIN/]NAME[@VERSION]", help="Which; a version may be a range such as ^1.2.")
    ],
    output_: Output = Format.TABLE,
) -> None:
    """Show one template on a page.

    Its versions, what it takes and yields, its steps and what they run, its graph, and the Tasks that run it.
    """

    async def read(saga: AsyncKubesaga) -> tuple[Template, list[Template], list[Task]]:
        found = await named_template(saga, reference)
        domain, name, version = identity(found.raw)
        versions = [each for each in await saga.templates(domain=domain) if identity(each.raw)[:2] == (domain, name)]
        users = Wanted(domain, name, version)
        return found, versions, [task for task in await saga.list() if users.matches(Story.of(task.raw))]

    from kubesaga.cli.template_files import named_template
    from kubesaga.cli.views.matching import Wanted
    from kubesaga.cli.views.story import Story
    from kubesaga.cli.views.template import identity, page

    found, versions, tasks = cluster.run(read)
    if output_ not in (Format.TABLE, Format.WIDE):
        output.show(output_, found.raw, Table(()), [f"tasktemplate.kubesaga.dev/{found.raw['metadata']['name']}"])
        return
    output.print_lines(page(found.raw, [each.raw for each in versions], time.time()))
    print("\nGraph:")
    print(_graph(found.raw))
    _print_users(tasks)


def _graph(template: dict[str, Any]) -> str:
    from kubesaga.cli.drawing import draw
    from kubesaga.cli.drawing.formats import DrawingFormat
    from kubesaga.engine.graph import GraphError

    try:
        return draw(template["spec"], DrawingFormat.ASCII, name=template["metadata"]["name"])
    except GraphError as error:
        return f"none: {error}"


def _print_users(tasks: list[Task]) -> None:
    from kubesaga.cli.commands.tasks import table_of

    if not tasks:
        print("\nTasks: none")
        return
    newest = sorted(tasks, key=lambda task: task.created_at, reverse=True)[:_MOST_USERS]
    print(f"\nTasks ({len(tasks)}" + (f", the newest {len(newest)}" if len(newest) < len(tasks) else "") + "):")
    output.print_table(table_of(newest, namespaces=False).narrowed())
