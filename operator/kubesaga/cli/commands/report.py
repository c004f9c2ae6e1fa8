"""``report``: a Task's whole run as a document."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from kubesaga.cli import output
from kubesaga.cli.arguments import TaskName
from kubesaga.cli.cluster import Cluster, on_cluster, task_expected
from kubesaga.cli.groups import Section
from kubesaga.cli.stories import Stories

if TYPE_CHECKING:
    from kubesaga.cli.views.story import Story
    from kubesaga.client import AsyncKubesaga


class ReportFormat(StrEnum):
    """What a report is written in."""

    MARKDOWN = "markdown"
    HTML = "html"
    JSON = "json"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("report", rich_help_panel=Section.CLUSTER)(on_cluster(report))


def report(
    cluster: Cluster,
    task: TaskName,
    output_: Annotated[ReportFormat, typer.Option("--output", "-o", help="In which form.")] = ReportFormat.MARKDOWN,
) -> None:
    """Write a report about a Task's run.

    Outcome, timeline, attempts, critical path, errors, compensation, who did what; sub-workflows included.
    """

    async def read(saga: AsyncKubesaga) -> Story:
        async with task_expected(saga, task):
            return await Stories(saga).of(await saga.get(task), whole=True)

    story = cluster.run(read)
    match output_:
        case ReportFormat.JSON:
            from kubesaga.cli.views.report_data import data

            output.print_json(data(story))
        case ReportFormat.HTML:
            from kubesaga.cli.views.report import report as made
            from kubesaga.cli.views.report_html import html_page

            print(html_page(made(story)), end="")
        case ReportFormat.MARKDOWN:
            from kubesaga.cli.views.report import report as made
            from kubesaga.cli.views.report_markdown import markdown

            print(markdown(made(story)), end="")
