"""``kubesaga lint``: what is wrong with manifests, without a cluster."""

from __future__ import annotations

from typing import Annotated

import typer

from kubesaga.cli.exits import ExitCode
from kubesaga.cli.groups import Section
from kubesaga.cli.lint.formats import LintFormat
from kubesaga.cli.output import note


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("lint", rich_help_panel=Section.WRITE)(lint)


def lint(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH", help="Files and folders (with all below them); - is stdin.")
    ],
    output: Annotated[
        LintFormat,
        typer.Option("--output", "-o", "--format", help="How to show it; sarif and github are for CI services."),
    ] = LintFormat.TEXT,
    environment: Annotated[
        str | None,
        typer.Option("--environment", metavar="NAME", help="Check templates also as they are in this environment."),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail on warnings too, and if there is nothing to check.")
    ] = False,
) -> None:
    """Check manifests in files, without a cluster.

    Checks TaskTemplates, Tasks and TaskActions as the API server and the operator would, and what they say of each
    other: the context of a Task against the inputSchema of its template, sub-workflows that run each other in a circle,
    names and versions that are taken. Other documents are passed over.

    A comment `# kubesaga-lint: ignore CODE, CODE` in or above a document keeps problems of these codes about it out.

    Exits with 1 if there are errors (with --strict also warnings, or nothing to check).
    """
    from kubesaga.cli.lint.check import check_files
    from kubesaga.cli.lint.report import show_report

    report = check_files(paths, environment)
    show_report(report, output)
    note(report.summary())
    if report.fails(strict):
        raise typer.Exit(ExitCode.NO)
