"""What can go wrong for an application, and what to do about it: every error has a ``remedy``.

Each method of the client raises these and nothing of the Kubernetes client. ``translated`` is the one place in which a
refusal of the API server gets its meaning.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kubesaga.api.constants import GROUP
from kubesaga.kube.errors import KubeError

if TYPE_CHECKING:
    from kubesaga.client.objects import Action
    from kubesaga.client.views import Task


class KubesagaError(Exception):
    """The base of all. ``str(error)`` says what went wrong and where, ``remedy`` what can be done."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.remedy = remedy


class Misconfigured(KubesagaError):
    """There is no usable kubeconfig, or not the context that was asked for."""


class Unreachable(KubesagaError):
    """The API server did not answer, however often it was asked."""


class Unauthorized(KubesagaError):
    """The API server does not know who asks."""


class Forbidden(KubesagaError):
    """RBAC, a quota or an admission policy refuses."""


class NotFound(KubesagaError):
    """There is no such object."""


class NotInstalled(NotFound):
    """The cluster has none of Kubesaga's resources."""


class AlreadyExists(KubesagaError):
    """Another object has the name."""


class Conflict(KubesagaError):
    """The object has changed in between."""


@dataclass(frozen=True, slots=True)
class Cause:
    """One thing that is wrong with a request: the field (``spec.context``; may be empty) and why."""

    field: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" if self.field else self.message


class Invalid(KubesagaError):
    """The request breaks the schema or a rule. ``causes`` are all that was found."""

    def __init__(self, message: str, remedy: str, causes: tuple[Cause, ...] = ()) -> None:
        super().__init__(message, remedy)
        self.causes = causes


class ServerFault(KubesagaError):
    """The API server failed or was overloaded, however often it was asked."""


class WaitTimeout(KubesagaError):
    """What was waited for has not happened in time. ``task`` is the Task as it was seen last, if it is one."""

    def __init__(self, message: str, remedy: str, task: Task | None = None) -> None:
        super().__init__(message, remedy)
        self.task = task


class ActionRejected(KubesagaError):
    """The operator did not do what a TaskAction asks for."""

    def __init__(self, action: Action) -> None:
        super().__init__(f"{action.type} of Task {action.task} was rejected: {action.message}", _AS_IT_SAYS)
        self.action = action


class TaskFailed(KubesagaError):
    """The Task ended, and not well."""

    def __init__(self, task: Task) -> None:
        super().__init__(
            f"Task {task.name} ended {task.outcome or task.state}" + (f": {task.message}" if task.message else ""),
            "look at the errors of its steps; a Task that ended Failed or Aborted can be repaired by a TaskAction",
        )
        self.task = task


class NoResult(KubesagaError):
    """What was asked for has no result, or has it no more."""


_AS_IT_SAYS = "do what the message says, if it still has to be done"
_TOO_LARGE = 413
# What the API server says before the words of a CRD's own rule about an object.
_RULE = 'Invalid value: "object": '
_AGAIN = "try again in a moment"
_CERTIFICATE = re.compile("certificate|ssl", re.IGNORECASE)
# What aiohttp says of each connection, also of one that failed before any certificate was seen.
_TRANSPORT = re.compile(r" ssl:\w+(?= \[)")


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Let a KubeError leave the block as one of the errors above; ``what`` says what was tried (``reading Task a``)."""
    try:
        yield
    except KubeError as error:
        raise of_kube(error, what) from error


def of_kube(error: KubeError, what: str) -> KubesagaError:
    """The error of the client that a failed call means."""
    if error.status == _TOO_LARGE:
        return Invalid(f"{what}: {error.message}", "send less: store what is large elsewhere, and send where it is")
    for holds, make in _MEANINGS:
        if getattr(error, holds):
            return make(error, what)
    return ServerFault(f"{what}: {error}", _AGAIN)


def _unreachable(error: KubeError, what: str) -> KubesagaError:
    if error.status == 0:
        message = _TRANSPORT.sub("", error.message)
        remedy = "check that the cluster runs and that the kubeconfig's server address is right"
        if _CERTIFICATE.search(message):
            remedy = "check the kubeconfig's certificate-authority, and that the cluster was not created anew since"
        return Unreachable(f"{what}: the API server does not answer: {message}", remedy)
    return ServerFault(f"{what}: the API server fails: {error}", _AGAIN)


def _unauthorized(error: KubeError, what: str) -> KubesagaError:
    return Unauthorized(
        f"{what}: the API server does not accept the credentials: {error.message}",
        "log in again, or check the kubeconfig's user; a token may have expired",
    )


def _forbidden(error: KubeError, what: str) -> KubesagaError:
    if "exceeded quota" in error.message:
        return Forbidden(f"{what}: {error.message}", "delete Tasks that have ended, or have the quota raised")
    if "being terminated" in error.message:
        return Forbidden(f"{what}: {error.message}", "use a namespace that is not being deleted")
    return Forbidden(
        f"{what}: {error.message}",
        "ask an administrator for a Role that allows it; docs/client.md has one to start from",
    )


def _not_found(error: KubeError, what: str) -> KubesagaError:
    if error.unserved:
        return NotInstalled(
            f"{what}: the cluster does not have the resources of {GROUP}",
            "install Kubesaga (helm upgrade --install kubesaga charts/kubesaga), or use another context",
        )
    return NotFound(f"{what}: {error.message}", "check the name and the namespace")


def _already_exists(error: KubeError, what: str) -> KubesagaError:
    return AlreadyExists(f"{what}: {error.message}", "choose another name, or leave it out and get one made")


def _conflict(error: KubeError, what: str) -> KubesagaError:
    return Conflict(f"{what}: {error.message}", "read the object again, and decide anew")


def _invalid(error: KubeError, what: str) -> KubesagaError:
    # Without a field the API server says that it has not looked for more, because of the others.
    causes = tuple(Cause(field, message.removeprefix(_RULE)) for field, message in error.causes if field != "<nil>")
    said = "; ".join(map(str, causes)) or error.message
    return Invalid(f"{what}: {said}", "correct the request", causes)


def _gone(error: KubeError, what: str) -> KubesagaError:
    return ServerFault(f"{what}: the API server dropped what was being read: {error.message}", "ask for less at once")


# The first that holds; the names are properties of KubeError.
_MEANINGS: tuple[tuple[str, Callable[[KubeError, str], KubesagaError]], ...] = (
    ("unauthorized", _unauthorized),
    ("forbidden", _forbidden),
    ("not_found", _not_found),
    ("already_exists", _already_exists),
    ("conflict", _conflict),
    ("gone", _gone),
    ("invalid", _invalid),
    ("transient", _unreachable),
)
