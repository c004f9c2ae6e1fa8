"""``kubesaga graph``: a template as a picture."""

from __future__ import annotations

from typing import Annotated

import typer

from kubesaga.cli.cluster import Cluster, on_cluster
from kubesaga.cli.drawing.formats import DrawingFormat
from kubesaga.cli.errors import CliError
from kubesaga.cli.groups import Section


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("graph", rich_help_panel=Section.WRITE)(on_cluster(graph))


def graph(
    cluster: Cluster,
    source: Annotated[
        str,
        typer.Argument(
            metavar="TEMPLATE",
            help="A file with a TaskTemplate (- is stdin), or [DOMAIN/]NAME[@VERSION] on the cluster.",
        ),
    ],
    output: Annotated[
        DrawingFormat,
        typer.Option("--output", "-o", help="ascii for the terminal, mermaid for Markdown, dot for Graphviz."),
    ] = DrawingFormat.ASCII,
    template: Annotated[
        str | None,
        typer.Option("--template", metavar="[DOMAIN/]NAME[@VERSION]", help="Which one, if the file has several."),
    ] = None,
    undo: Annotated[
        bool, typer.Option("--undo", help="Draw the order in which compensations run instead, if every step was done.")
    ] = False,
) -> None:
    """Draw the steps of a TaskTemplate.

    Shows what each step runs, whom it waits for, and what has a compensation. Steps of one layer can run side by side,
    steps of finally stand apart. A file needs no cluster.
    """
    from kubesaga.cli.drawing import draw
    from kubesaga.cli.template_files import load_templates, logical_name, where_to_look
    from kubesaga.engine.graph import GraphError

    (chosen,) = load_templates([source], template, cluster)
    try:
        typer.echo(draw(chosen["spec"], output, name=logical_name(chosen), undo=undo))
    except GraphError as error:
        raise CliError(f"{source}: {error}", where_to_look(source)) from None
