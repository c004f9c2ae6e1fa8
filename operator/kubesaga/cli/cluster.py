"""The way from a command to the cluster: the options that choose it, the client, and its errors as the CLI's.

``on_cluster`` gives a command the options and hands it a ``Cluster``, by which it calls the client. Nothing is
connected before that, so that a command can refuse bad input first.
"""

from __future__ import annotations

import difflib
import inspect
import shlex
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, get_type_hints

from kubesaga.cli import exits, options
from kubesaga.cli.errors import CliError
from kubesaga.cli.exits import ExitCode

if TYPE_CHECKING:
    from kubesaga.client import AsyncKubesaga, KubesagaError

_P = ParamSpec("_P")
_T = TypeVar("_T")

_DEFAULT_TIMEOUT = 30.0
_SHARED: dict[str, Any] = {
    "namespace": options.Namespace,
    "kubeconfig": options.Kubeconfig,
    "kube_context": options.KubeContext,
    "request_timeout": options.RequestTimeout,
}


@dataclass(frozen=True)
class Cluster:
    """The cluster and the namespace that a command was pointed at; None means the kubeconfig's own choice."""

    namespace: str | None = None
    kubeconfig: str | None = None
    kube_context: str | None = None
    request_timeout: str | None = None

    def pointed(self, command: str) -> str:
        """A command to copy, for the same cluster: with the options that chose it."""
        context = "--context" if command.startswith("kubectl ") else "--kube-context"
        given = {"--kubeconfig": self.kubeconfig, context: self.kube_context}
        return command + "".join(f" {name} {shlex.quote(value)}" for name, value in given.items() if value)

    def run(self, work: Callable[[AsyncKubesaga], Awaitable[_T]]) -> _T:
        """Connect, do this, and disconnect. Raises CliError for whatever goes wrong with the cluster."""
        import asyncio

        timeout = seconds(self.request_timeout, "--request-timeout") or _DEFAULT_TIMEOUT
        return asyncio.run(self._run(work, timeout))

    async def _run(self, work: Callable[[AsyncKubesaga], Awaitable[_T]], timeout: float) -> _T:
        from kubesaga.client import AsyncKubesaga, KubesagaError

        try:
            async with AsyncKubesaga.connect(
                self.kubeconfig, self.kube_context, self.namespace, request_timeout=timeout
            ) as saga:
                return await work(saga)
        except KubesagaError as error:
            raise cli_error(error) from error


def on_cluster(command: Callable[Concatenate[Cluster, _P], None]) -> Callable[..., None]:
    """A command whose first parameter is the cluster that the shared options name."""
    hints = get_type_hints(command, include_extras=True)
    first, *own = inspect.signature(command).parameters.values()
    parameters = [each.replace(annotation=hints[each.name]) for each in own]
    parameters += [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in _SHARED.items()
    ]

    def called(**given: Any) -> None:
        cluster = Cluster(**{name: given.pop(name) for name in _SHARED})
        command(cluster, **given)  # type: ignore[call-arg]

    called.__name__ = getattr(command, "__name__", first.name)
    called.__doc__ = command.__doc__
    called.__annotations__ = {each.name: each.annotation for each in parameters}
    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    return called


def cli_error(error: KubesagaError) -> CliError:
    """An error of the client as the one line that a user sees."""
    from kubesaga.client import ActionRejected

    hint = error.remedy
    if isinstance(error, ActionRejected):
        hint = f"see what fits: kubesaga explain {error.action.task} -n {error.action.namespace}"
    return CliError(str(error), hint, _code(error))


def _code(error: KubesagaError) -> ExitCode:
    from kubesaga import client

    codes: dict[type[KubesagaError], ExitCode] = {
        client.Misconfigured: ExitCode.USAGE,
        client.Unreachable: ExitCode.UNREACHABLE,
        client.ServerFault: ExitCode.UNREACHABLE,
        client.Unauthorized: ExitCode.FORBIDDEN,
        client.Forbidden: ExitCode.FORBIDDEN,
        client.NotFound: ExitCode.NOT_FOUND,
        client.NoResult: ExitCode.NOT_FOUND,
        client.WaitTimeout: ExitCode.TIMEOUT,
    }
    if isinstance(error, client.Invalid) and error.__cause__ is None:
        return ExitCode.USAGE  # found here, before anything was sent
    if isinstance(error, client.TaskFailed) and error.task.outcome is not None:
        return exits.of_outcome(error.task.outcome)
    return next((code for kind, code in codes.items() if isinstance(error, kind)), ExitCode.REFUSED)


def seconds(written: str | None, option: str) -> float | None:
    """A duration that was given as an option, in seconds. Raises CliError."""
    from kubesaga.api.durations import parse_duration

    if written is None:
        return None
    try:
        return parse_duration(written)
    except ValueError as error:
        raise CliError(f"{option} {error}", f"such as {option} 30s") from None


@asynccontextmanager
async def task_expected(saga: AsyncKubesaga, name: str) -> AsyncIterator[None]:
    """What is done in the block is about this Task: where it is not there, say which ones are."""
    from kubesaga.client import KubesagaError, NotFound, NotInstalled

    try:
        yield
    except NotInstalled:
        raise
    except NotFound as error:
        try:
            names = [task.name for task in await saga.list()]
        except KubesagaError:
            names = []
        where = f"namespace {saga.namespace}"
        raise CliError(f"{where} has no Task {name!r}", _near(name, names, where), ExitCode.NOT_FOUND) from error


def _near(name: str, names: Sequence[str], where: str) -> str:
    close = difflib.get_close_matches(name, names, n=3)
    if close:
        return f"did you mean {' or '.join(close)}?"
    return f"{where} has: {', '.join(sorted(names)[:8])}" if names else f"{where} has no Tasks: look elsewhere with -n"


def check_step(name: str, step: str, steps: Sequence[str]) -> None:
    """Refuse a step that the Task does not have. Raises CliError."""
    if step in steps:
        return
    close = difflib.get_close_matches(step, steps, n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else f"it has: {', '.join(steps[:20]) or 'none yet'}"
    raise CliError(f"Task {name} has no step {step!r}", hint, ExitCode.NOT_FOUND)
