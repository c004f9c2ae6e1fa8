"""``explain``: what a Task waits for, since when, what happens next and when, and what a human can do."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import typer

from kubesaga.cli import output
from kubesaga.cli.arguments import TaskName
from kubesaga.cli.cluster import Cluster, on_cluster, task_expected
from kubesaga.cli.groups import Section
from kubesaga.cli.options import TextFormat, TextOutput
from kubesaga.cli.stories import Stories

if TYPE_CHECKING:
    from kubesaga.cli.views.story import Story
    from kubesaga.client import AsyncKubesaga


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("explain", rich_help_panel=Section.RUN)(on_cluster(explain))


def explain(cluster: Cluster, task: TaskName, output_: TextOutput = TextFormat.TEXT) -> None:
    """Explain where a Task is.

    What it waits for and since when, what happens next by itself and when, and what you can do about it, as commands
    to copy.
    """

    async def read(saga: AsyncKubesaga) -> Story:
        async with task_expected(saga, task):
            return await Stories(saga).below(await saga.get(task))

    story = cluster.run(read)
    from kubesaga.cli.views import explain as pages

    now = time.time()
    explanation = pages.explain(story, now, cluster.pointed)
    match output_:
        case TextFormat.TEXT:
            output.print_lines(pages.text(explanation, now))
        case TextFormat.JSON:
            output.print_json(pages.data(explanation))
        case TextFormat.YAML:
            output.print_yaml(pages.data(explanation))
