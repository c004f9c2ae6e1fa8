"""``submit``: create a Task, of a template or from a file, and wait for it if asked."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kubesaga.cli import output
from kubesaga.cli.arguments import Timeout
from kubesaga.cli.cluster import Cluster, on_cluster, seconds
from kubesaga.cli.errors import CliError
from kubesaga.cli.groups import Section
from kubesaga.cli.inputs import key_values, merge, nested, parse_context, parse_documents, read_text, shown_name
from kubesaga.cli.options import Format, Output

if TYPE_CHECKING:
    from kubesaga.client import AsyncKubesaga, Task, TaskRequest


class DryRun(StrEnum):
    """Who is asked instead of a Task being created."""

    NONE = "none"
    CLIENT = "client"
    SERVER = "server"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("submit", rich_help_panel=Section.RUN)(on_cluster(submit))


def submit(
    cluster: Cluster,
    template: Annotated[
        str | None,
        typer.Argument(metavar="[DOMAIN/]NAME[@VERSION]", help="The template; a version may be a range such as ^1.2."),
    ] = None,
    file: Annotated[
        str | None, typer.Option("--file", "-f", metavar="FILE", help="Tasks as manifests instead; - is stdin.")
    ] = None,
    parameters: Annotated[
        list[str] | None,
        typer.Option("-p", metavar="KEY=VALUE", help="A field of the context, over --context; a.b=1 is one inside a."),
    ] = None,
    context: Annotated[
        str | None,
        typer.Option("--context", "-c", metavar="@FILE|JSON", help="The Task's context: its input."),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="The Task's name; default: one is made.")
    ] = None,
    initiator: Annotated[
        str | None, typer.Option("--initiator", metavar="WHO", help="Who or what asks for it.")
    ] = None,
    reason: Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why it is asked for.")] = None,
    tags: Annotated[
        list[str] | None, typer.Option("--tag", metavar="TAG", help="For finding it again; may be repeated.")
    ] = None,
    idempotency_key: Annotated[
        str | None, typer.Option("--idempotency-key", metavar="KEY", help="What makes it the same request as another.")
    ] = None,
    priority: Annotated[
        int | None,
        typer.Option(
            "--priority", metavar="N", min=-1000, max=1000, help="Higher starts first where Tasks are limited."
        ),
    ] = None,
    dry_run: Annotated[
        DryRun, typer.Option("--dry-run", help="Create nothing: check it here, or have the API server check it.")
    ] = DryRun.NONE,
    wait: Annotated[
        bool, typer.Option("--wait", "-w", help="Watch it to its end; the exit code says how it ended.")
    ] = False,
    timeout: Timeout = None,
    output_: Output = Format.TABLE,
) -> None:
    """Create a Task.

    Of a template with a context, or from a file with Tasks. With --wait the exit code tells the outcome; it is 16
    if the Task needs attention and goes no further without a human. An approval is waited for, and so is a Task that
    is suspended or blocked: what it asks of you stands on stderr, with the command that answers it.
    """
    request: dict[str, Any] = {
        "name": name,
        "initiator": initiator,
        "reason": reason,
        "tags": tags or None,
        "idempotency_key": idempotency_key,
        "priority": priority,
    }
    limit = seconds(timeout, "--timeout")
    requests, namespace = _requests(template, file, context, parameters, request)
    cluster = replace(cluster, namespace=one_namespace(cluster.namespace, namespace))
    if dry_run is DryRun.CLIENT:
        _print_manifests([each.manifest(cluster.namespace or "default") for each in requests], output_)
        return
    if wait and len(requests) > 1:
        raise CliError("--wait follows one Task, and the file has several", "submit them, then: kubesaga wait TASK")

    async def do(saga: AsyncKubesaga) -> list[Task]:
        tasks = [await _submitted(saga, each, dry_run is DryRun.SERVER) for each in requests]
        if wait and dry_run is DryRun.NONE:
            return [await _followed(saga, tasks[0], limit, cluster)]
        return tasks

    found = cluster.run(do)
    _show(found, output_, dry_run, waited=wait and dry_run is DryRun.NONE)
    if wait and dry_run is DryRun.NONE:
        from kubesaga.cli.commands.wait import end

        end(found[0], cluster)


def _requests(
    template: str | None,
    file: str | None,
    context: str | None,
    parameters: list[str] | None,
    request: dict[str, Any],
) -> tuple[list[TaskRequest], set[str]]:
    """What is asked for, and the namespaces that a file names. Raises CliError."""
    if file is not None:
        options = {"TEMPLATE": template, "--context": context, "-p": parameters or None}
        options |= {f"--{name.removesuffix('s').replace('_', '-')}": value for name, value in request.items()}
        beside = [option for option, value in options.items() if value is not None]
        if beside:
            hint = "the file says all of it: leave one of the two out"
            raise CliError(f"{beside[0]} cannot be given beside -f", hint)
        return _from_file(file)
    if template is None:
        raise CliError(
            "nothing to submit", "name a template, such as: kubesaga submit orders/fulfil -p order=4711; or -f FILE"
        )
    from kubesaga.client import KubesagaError, TaskRequest

    made = parse_context(context) if context is not None else {}
    merge(made, nested(key_values(parameters or ())))
    try:
        return [TaskRequest(template, context=made or None, **request)], set()
    except KubesagaError as error:
        raise CliError(str(error), error.remedy) from error


def one_namespace(option: str | None, named: set[str]) -> str | None:
    """Where to submit: as the option or the file says. Raises CliError where they say different things."""
    said = named | ({option} if option is not None else set())
    if len(said) > 1:
        hint = "leave -n out, or give it as the file has it" if option is not None else "submit them file by file"
        raise CliError(f"there is more than one namespace: {', '.join(sorted(said))}", hint)
    return next(iter(said), None)


def _from_file(file: str) -> tuple[list[TaskRequest], set[str]]:
    from kubesaga.client import KubesagaError, TaskRequest

    name = shown_name(file)
    found: list[TaskRequest] = []
    namespaces: set[str] = set()
    for document in parse_documents(read_text(file), name):
        if not isinstance(document, Mapping):
            raise CliError(f"{name}: a document is no object", "write Tasks, as for kubectl apply")
        if document.get("kind") == "TaskTemplate":
            raise CliError(f"{name}: has a TaskTemplate", f"templates are applied: kubectl apply -f {name}")
        try:
            found.append(TaskRequest.of_manifest(document))
            namespaces |= {str(named) for named in [(document.get("metadata") or {}).get("namespace")] if named}
        except KubesagaError as error:
            raise CliError(f"{name}: {error}", error.remedy) from error
    if not found:
        raise CliError(f"{name}: has no Task", "write one, with apiVersion, kind, metadata and spec")
    return found, namespaces


def _print_manifests(manifests: list[dict[str, Any]], format_: Format) -> None:
    if format_ is Format.JSON:
        for manifest in manifests:
            output.print_json(manifest)
    elif format_ is Format.NAME:
        output.print_lines(f"task.kubesaga.dev/{manifest['metadata']['name']}" for manifest in manifests)
    else:
        output.print_yaml(manifests, documents=True)


async def _submitted(saga: AsyncKubesaga, request: TaskRequest, dry_run: bool) -> Task:
    """Create it, if its template is there: a Task without one would wait for it in silence."""
    from kubesaga.cli.template_files import named_template
    from kubesaga.client import Forbidden, template_ref

    reference = template_ref(request.template)
    version = f"@{reference.version}" if reference.version else ""
    with suppress(Forbidden):  # who may create Tasks need not be able to read templates
        await named_template(saga, f"{reference.domain}/{reference.name}{version}")
    return await saga.submit(request, dry_run=dry_run)


async def _followed(saga: AsyncKubesaga, task: Task, limit: float | None, cluster: Cluster) -> Task:
    from kubesaga.cli.commands.wait import is_over
    from kubesaga.cli.following import Asking, canvas, follow

    output.note(f"Task {task.name} in namespace {task.namespace}")
    with canvas(sys.stderr) as drawn:
        return await follow(saga, task, is_over, drawn, limit, asking=Asking(drawn, cluster.pointed))


def _show(tasks: list[Task], format_: Format, dry_run: DryRun, *, waited: bool) -> None:
    names = [f"task.kubesaga.dev/{task.name}" for task in tasks]
    if format_ is Format.NAME:
        output.print_lines(names)
    elif format_ is Format.JSON:
        for task in tasks:
            output.print_json(task.raw)
    elif format_ is Format.YAML:
        output.print_yaml([dict(task.raw) for task in tasks], documents=True)
    elif waited:
        print(f"Task {tasks[0].name} {'ended' if tasks[0].finished else 'is'} {_state(tasks[0])}: {tasks[0].message}")
    else:
        done = "would be created (server dry run)" if dry_run is DryRun.SERVER else "created"
        output.print_lines(f"Task {task.name} {done}" for task in tasks)


def _state(task: Task) -> str:
    return f"{task.state}, outcome {task.outcome}" if task.outcome else task.state
