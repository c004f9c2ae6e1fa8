"""``kubesaga diff``: what a new version of a template changes for those who use it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from kubesaga.cli.cluster import Cluster, on_cluster
from kubesaga.cli.errors import CliError
from kubesaga.cli.exits import ExitCode
from kubesaga.cli.groups import Section


class DiffFormat(StrEnum):
    """What ``-o`` takes."""

    TEXT = "text"
    JSON = "json"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("diff", rich_help_panel=Section.WRITE)(on_cluster(diff))


def diff(
    cluster: Cluster,
    old: Annotated[
        str,
        typer.Argument(
            metavar="OLD",
            help="A file with the old TaskTemplate (- is stdin), or [DOMAIN/]NAME[@VERSION] of one on the cluster.",
        ),
    ],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The new one, likewise.")],
    output: Annotated[DiffFormat, typer.Option("--output", "-o", help="How to show it.")] = DiffFormat.TEXT,
    template: Annotated[
        str | None,
        typer.Option("--template", metavar="[DOMAIN/]NAME", help="Which one, if the files have several."),
    ] = None,
) -> None:
    """Compare two versions of a TaskTemplate.

    Tells which changes break callers, and whether the version number says so. Breaking are, among others, a context or
    a result that fits the old schemas and not the new ones, a step that is gone (people and TaskActions name it),
    another domain or name. Breaking changes need a new major version, features a new minor one; below 1.0.0 a minor
    and a patch version.

    Exits with 1 if the new version number does not admit the changes. Files need no cluster.
    """
    from kubesaga.cli.comparison import Comparison, print_comparison
    from kubesaga.cli.output import print_json
    from kubesaga.cli.template_files import load_templates

    if old == new == "-":
        raise CliError("stdin cannot be both templates", "name a file for one of them")
    before, after = load_templates((old, new), template, cluster)
    compared = Comparison.of(before, after, (old, new))
    if output is DiffFormat.JSON:
        print_json(compared.as_dict())
    else:
        print_comparison(compared)
    if not compared.verdict.admitted:
        raise typer.Exit(ExitCode.NO)
