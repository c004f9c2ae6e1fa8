"""``kubesaga run``: a workflow on this machine, by the same engine as on a cluster."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kubesaga.cli.errors import CliError
from kubesaga.cli.exits import ExitCode
from kubesaga.cli.groups import Section
from kubesaga.cli.options import TextFormat, TextOutput
from kubesaga.cli.output import note

if TYPE_CHECKING:
    from kubesaga.local.run import Run
    from kubesaga.local.store import Store

DEFAULT_STATE = Path(".kubesaga") / "runs.db"

_Words = list[str] | None


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("run", rich_help_panel=Section.WRITE)(run)


def run(
    files: Annotated[
        _Words,
        typer.Argument(metavar="FILE|FOLDER", help="TaskTemplates and Tasks; with --resume the name of a run."),
    ] = None,
    context: Annotated[
        str | None, typer.Option("--context", "-c", metavar="@FILE|JSON", help="The Task's context.")
    ] = None,
    parameters: Annotated[
        _Words,
        typer.Option("-p", metavar="KEY=VALUE", help="A field of the context, over --context; a.b=1 is one inside a."),
    ] = None,
    template: Annotated[
        str | None,
        typer.Option("--template", metavar="[DOMAIN/]NAME[@VERSION]", help="Which template, where there are several."),
    ] = None,
    task: Annotated[
        str | None, typer.Option("--task", metavar="NAME", help="Which Task, where the files have several.")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="The name of the Task and the run.")
    ] = None,
    inline: Annotated[
        bool, typer.Option("--inline", help="Run handlers in this process instead of processes of their own.")
    ] = False,
    fast: Annotated[bool, typer.Option("--fast", help="Skip the waits between attempts.")] = False,
    fail: Annotated[
        _Words,
        typer.Option(
            "--fail",
            metavar="[undo:]STEP[:ATTEMPT][=KIND]",
            help="Have a step, or its undoing, fail: Permanent (default), Retryable, Timeout.",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", metavar="N", help="Have some attempts fail at random, the same for each N.")
    ] = None,
    approve: Annotated[_Words, typer.Option("--approve", metavar="STEP", help="Approve a step that waits.")] = None,
    reject: Annotated[_Words, typer.Option("--reject", metavar="STEP", help="Reject a step that waits.")] = None,
    act: Annotated[
        _Words, typer.Option("--act", metavar="[STEP=]ACTION", help="Any TaskAction, once nothing goes on by itself.")
    ] = None,
    reason: Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="Why you decide so.")] = None,
    environment: Annotated[
        str | None, typer.Option("--environment", metavar="NAME", help="The environment of the template to run as.")
    ] = None,
    handlers: Annotated[
        _Words, typer.Option("--handlers", metavar="DIR", help="Where handlers are imported from; here by default.")
    ] = None,
    mount: Annotated[
        _Words, typer.Option("--mount", metavar="PATH=DIR", help="Which folder stands for a path of a container.")
    ] = None,
    python: Annotated[
        str | None, typer.Option("--python", metavar="FILE", help="The Python that runs handlers; by default this one.")
    ] = None,
    state: Annotated[Path, typer.Option("--state", metavar="FILE", help="Where runs are kept.")] = DEFAULT_STATE,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Go on with a run that was interrupted, killed, or suspended, or waited for a human."
        ),
    ] = False,
    output: TextOutput = TextFormat.TEXT,
) -> None:
    """Run a workflow here, without a cluster: the same decisions, retries and compensation, in local processes.

    Give a file with a TaskTemplate and a context, or one with a Task. Templates in the same folder are found by
    themselves. Handlers run as `python -m kubesaga_sdk`, containers as their commands, which must be programs of this
    machine. Every decision is written to the state file first, so that a run that was killed goes on with --resume.

    Ends with the code of the Task's outcome, with 16 if it waits for a human: then answer with --resume --approve STEP,
    for example. Steps of a sub-workflow are written as STEP/STEP.
    """
    from kubesaga.cli.local.answers import answers
    from kubesaga.cli.local.request import request
    from kubesaga.local.start import Settings, start
    from kubesaga.local.start import resume as go_on

    human = answers(approve or [], reject or [], act or [], reason)
    changed = _changed(handlers, python, mount, inline=inline, fast=fast, fail=fail, seed=seed)
    if resume:
        name = _only(files)
        with _explained(), _state(state, create=False) as store:
            _go(go_on(store, name, human, **changed), output)
        return
    asked = request(files or [], context, parameters or [], template, task, name, environment)
    settings = Settings(**{"handlers": (".", *asked.folders), **changed})
    with _explained(), _state(state, create=True) as store:
        _go(start(asked.named(store.names()), asked.templates, store, settings, human), output)


def _go(run: Run, output: TextFormat) -> None:
    from kubesaga.cli.local.display import Display
    from kubesaga.cli.local.summary import show
    from kubesaga.cli.local.user import user_name

    run.requested_by = user_name()
    with _stopped_by_signals(), Display(output is TextFormat.TEXT) as display:
        run.watcher = display
        try:
            run.go()
        except KeyboardInterrupt:
            display.close()
            note(f"go on with: kubesaga run --resume {run.name}{_state_option(run.store)}")
            raise
    code = show(run, output, _state_option(run.store))
    if code is not ExitCode.DONE:
        raise typer.Exit(code)


@contextmanager
def _stopped_by_signals() -> Iterator[None]:
    """Take SIGTERM, and the end of the terminal, for Ctrl-C: the programs, which would not hear of it, are stopped.

    What is ignored stays so (nohup).
    """
    numbers = [each for each in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(each) is not signal.SIG_IGN]
    before = {number: signal.signal(number, signal.default_int_handler) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _state_option(store: Store) -> str:
    return "" if store.path == DEFAULT_STATE else f" --state {store.path}"


@contextmanager
def _state(path: Path, *, create: bool) -> Iterator[Store]:
    from kubesaga.local.store import Store

    store = Store(path, create=create)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def _explained() -> Iterator[None]:
    """What the local engine has to say against something, as the CLI says it."""
    from kubesaga.local.errors import Fault, LocalError

    codes = {Fault.INPUT: ExitCode.USAGE, Fault.NOT_FOUND: ExitCode.NOT_FOUND, Fault.REFUSED: ExitCode.REFUSED}
    try:
        yield
    except LocalError as error:
        raise CliError(error.message, error.hint, codes[error.fault]) from error


def _changed(handlers: _Words, python: str | None, mount: _Words, **flags: Any) -> dict[str, Any]:
    """The Settings that the command line says something about; a run that goes on keeps the others."""
    given: dict[str, Any] = {name: value for name, value in flags.items() if value not in (None, False)}
    if "fail" in given:
        given["fail"] = tuple(given["fail"])
    if handlers:
        given["handlers"] = tuple(_folder(written) for written in handlers)
    if python:
        given["python"] = _program(python)
    if mount:
        given["mounts"] = dict(_mount(written) for written in mount)
    return given


def _folder(written: str) -> str:
    if not Path(written).is_dir():
        raise CliError(f"--handlers {written}: is no folder", "name the folder that handlers are imported from")
    return written


def _program(written: str) -> str:
    if shutil.which(written) is None:
        raise CliError(f"--python {written}: is no program of this machine", "write --python .venv/bin/python")
    return written


def _mount(written: str) -> tuple[str, str]:
    path, equals, folder = written.partition("=")
    if not (path and equals and Path(folder).is_dir()):
        raise CliError(
            f"--mount {written}: is not PATH=DIR with a folder of this machine", "write --mount /data=./data"
        )
    return path, str(Path(folder).resolve())


def _only(names: _Words) -> str | None:
    if names and len(names) > 1:
        raise CliError("--resume takes one run", "name one, or none for the latest that has not ended")
    return names[0] if names else None
