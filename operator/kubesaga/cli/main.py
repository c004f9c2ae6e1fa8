"""The entry point of ``kubesaga`` and ``kubectl-saga``: from arguments to an exit code.

Everything that can go wrong ends here: an expected error as a line on stderr with its remedy, Ctrl-C and a reader
that has gone with the codes that shells give them, anything else as a bug. ``--debug`` shows the traceback of each.
"""

from __future__ import annotations

import errno
import io
import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from kubesaga import __version__
from kubesaga.cli.errors import CliError, print_error
from kubesaga.cli.exits import ExitCode
from kubesaga.cli.groups import SagaApp, print_help_if_alone
from kubesaga.cli.options import CLUSTER_NAMES

COMMANDS: tuple[str, ...] = (
    "submit",
    "tasks",
    "tree",
    "logs",
    "explain",
    "wait",
    "events",
    "templates",
    "actions",
    "control",
    "report",
    "stats",
    "doctor",
    "dead_letter",
    "run",
    "lint",
    "graph",
    "diff",
    "import_",
    "init",
    "generate",
)
"""The modules of ``kubesaga.cli.commands``; their order is that of the help."""

KUBECTL_PLUGIN = "kubectl-saga"
_DEBUG = "--debug"


def main(arguments: Sequence[str] | None = None, *, program: str | None = None) -> int:
    """Run a command and return its exit code.

    ``arguments`` are those after the program's name, by default the process's; ``program`` is the name under which
    it was called.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    called = KUBECTL_PLUGIN if (program or Path(sys.argv[0]).stem) == KUBECTL_PLUGIN else "kubesaga"
    debug, given = _without_debug(given)
    _make_streams_writable()
    try:
        code = _run(_cluster_last(given), called)
        sys.stdout.flush()  # So that a reader who has gone is found here, and not when the interpreter ends.
    except (Exception, KeyboardInterrupt) as error:
        if debug:
            traceback.print_exc()
        return _ended_by(error)
    return code


def new_app() -> typer.Typer:
    """The whole app, with every command."""
    app = SagaApp()
    app.callback()(_root)
    for name in COMMANDS:
        import_module(f"kubesaga.cli.commands.{name}").register(app)
    return app


def _root(
    ctx: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    _debug: Annotated[
        bool, typer.Option(_DEBUG, help="Show the traceback of an error. May stand anywhere on the line.")
    ] = False,
) -> None:
    """Kubesaga: workflows that end well, or are undone.

    The same program is `kubesaga` and `kubectl saga`. `kubesaga COMMAND --help` tells about a command; docs/cli.md
    has all of them, and the exit codes.
    """
    if version:
        typer.echo(f"kubesaga {__version__}")
        raise typer.Exit
    print_help_if_alone(ctx)


def _make_streams_writable() -> None:
    """What is printed to a closed stream is dropped; what a stream's encoding does not have is replaced."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, io.StringIO())
        elif isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="replace")


def _without_debug(arguments: list[str]) -> tuple[bool, list[str]]:
    """Whether ``--debug`` is there, and the other arguments; what comes after ``--`` is not looked at."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    rest = [argument for argument in arguments[:end] if argument != _DEBUG]
    return len(rest) < end, [*rest, *arguments[end:]]


def _cluster_last(arguments: list[str]) -> list[str]:
    """As kubectl takes them, the options of the cluster may stand before the command too: ``-n shop list``."""
    at = 0
    while at < len(arguments) and (width := _width_of(arguments[at])):
        at += width
    leading, rest = arguments[:at], arguments[at:]
    end = rest.index("--") if "--" in rest else len(rest)
    return [*rest[:end], *leading, *rest[end:]] if rest else arguments


def _width_of(word: str) -> int:
    """How many arguments the option of the cluster that begins with this word takes up; 0 if it is none."""
    name, equals, _ = word.partition("=")
    if name in CLUSTER_NAMES:
        return 1 if equals else 2
    return 1 if word.startswith("-n") else 0


def _run(arguments: list[str], called: str) -> int:
    command = typer.main.get_command(new_app())
    complete = f"_{called.replace('-', '_').upper()}_COMPLETE"
    if complete in os.environ:
        command.main(arguments, prog_name=called, complete_var=complete)
    try:
        with command.make_context(_shown(called, arguments), arguments) as context:
            command.invoke(context)
    except typer.Exit as ended:
        return ended.exit_code
    return ExitCode.DONE


def _shown(called: str, arguments: list[str]) -> str:
    """The program's name in help and errors; the scripts for completion need that of the file."""
    if called == KUBECTL_PLUGIN and not any(word.endswith("-completion") for word in arguments):
        return KUBECTL_PLUGIN.replace("-", " ")
    return called


def _ended_by(error: BaseException) -> ExitCode:
    """Tell about the error, and say how the process ends."""
    match error:
        case CliError():
            print_error(error.message, error.hint)
            return error.code
        case typer.TyperException():
            _print_usage_error(error)
            return ExitCode.USAGE
        case KeyboardInterrupt() | typer.Abort():
            print("interrupted", file=sys.stderr)
            return ExitCode.INTERRUPTED
        case BrokenPipeError():
            # Nobody reads: what is still in the buffer must not be written when the interpreter ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return ExitCode.BROKEN_PIPE
        case OSError(filename=path) if path:
            print_error(f"{path}: {(error.strerror or str(error)).lower()}", "check the path and its permissions")
            return ExitCode.USAGE
        case OSError(errno=errno.ENOSPC):
            print_error("no space left on device", "make room on the disk, and where temporary files are (TMPDIR)")
            return ExitCode.USAGE
    print_error(
        f"a bug in kubesaga: {type(error).__name__}: {error}",
        f"run it again with {_DEBUG} and report what it prints",
    )
    return ExitCode.BUG


def _print_usage_error(error: typer.TyperException) -> None:
    message = error.format_message().rstrip(".").replace("Value error, ", "")
    context, meant = getattr(error, "ctx", None), getattr(error, "possibilities", None)
    if meant:
        message, hint = error.message, f"did you mean {' or '.join(sorted(meant))}?"
    else:
        hint = f"see: {context.command_path} --help" if context else "see: kubesaga --help"
    print_error(message[:1].lower() + message[1:], hint)
