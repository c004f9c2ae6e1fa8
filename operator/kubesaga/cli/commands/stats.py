"""``stats``: durations and failure rates of workflows and their steps, over the Tasks there are."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from kubesaga.cli import output
from kubesaga.cli.cluster import Cluster, on_cluster, seconds
from kubesaga.cli.groups import Section
from kubesaga.cli.options import AllNamespaces, TextFormat, TextOutput
from kubesaga.cli.output import Table

if TYPE_CHECKING:
    from kubesaga.cli.views.stats import StepStats, TemplateStats
    from kubesaga.cli.views.story import Story
    from kubesaga.client import AsyncKubesaga, Task

_MOST_STEPS = 10


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("stats", rich_help_panel=Section.CLUSTER)(on_cluster(stats))


def stats(
    cluster: Cluster,
    template: Annotated[
        str | None, typer.Option("--template", metavar="[DOMAIN/]NAME[@VERSION]", help="Only Tasks of this template.")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="DURATION", help="Only Tasks created so lately, such as 24h.")
    ] = None,
    all_namespaces: AllNamespaces = False,
    output_: TextOutput = TextFormat.TEXT,
) -> None:
    """Show how long workflows and their steps take, and how often they fail.

    Over the Tasks that are still there. The failure rate is of those that ran to an end of their own: cancelled,
    invalid and duplicate ones say nothing about a workflow. A step's durations are of attempts that succeeded.
    """
    from kubesaga.cli.views.matching import Wanted
    from kubesaga.cli.views.stats import data
    from kubesaga.cli.views.story import Story

    lately = seconds(since, "--since")
    wanted = Wanted.of(template, "--template") if template is not None else None

    async def read(saga: AsyncKubesaga) -> list[Task]:
        return await saga.list(all_namespaces=all_namespaces)

    earliest = 0.0 if lately is None else time.time() - lately
    stories = [Story.of(task.raw) for task in cluster.run(read)]
    stories = [s for s in stories if (s.created_at or 0.0) >= earliest and (wanted is None or wanted.matches(s))]
    if output_ is TextFormat.JSON:
        output.print_json(data(stories))
    elif output_ is TextFormat.YAML:
        output.print_yaml(data(stories))
    else:
        _print(stories)


def _print(stories: list[Story]) -> None:
    from kubesaga.cli.views.stats import by_step, by_template, flakiest, slowest

    if not stories:
        output.note("no Tasks found")
        return
    steps = by_step(stories)
    print("Templates")
    output.print_table(_templates(by_template(stories)))
    for heading, chosen in (
        ("Slowest steps", slowest(steps, _MOST_STEPS)),
        ("Flakiest steps", flakiest(steps, _MOST_STEPS)),
    ):
        if chosen:
            print(f"\n{heading}")
            output.print_table(_steps(chosen))


def _templates(found: list[TemplateStats]) -> Table:
    from kubesaga.cli.views.times import span

    table = Table(("Template", "Tasks", "Live", "Failed", "P50", "P95", "Outcomes"))
    for each in found:
        outcomes = ", ".join(f"{outcome} {count}" for outcome, count in each.outcomes.items())
        failed = "" if each.failure_rate is None else f"{100 * each.failure_rate:.1f} %"
        p50, p95 = span(each.durations.p50), span(each.durations.p95)
        table.add(each.template, each.tasks, each.live, failed, p50, p95, outcomes)
    return table


def _steps(found: list[StepStats]) -> Table:
    from kubesaga.cli.views.times import span

    table = Table(("Template", "Step", "Tasks", "Attempts", "Failed", "Recovered", "For good", "P50", "P95"))
    for each in found:
        failed = f"{each.failed_attempts} ({100 * each.flakiness:.0f} %)"
        p50, p95 = span(each.durations.p50), span(each.durations.p95)
        table.add(each.template, each.step, each.tasks, each.attempts, failed, each.recovered, each.failed, p50, p95)
    return table
