"""The operator's settings: flags of its command line, each with a KUBESAGA_OPERATOR_* variable behind it.

``__main__`` reads them once; the Helm chart sets the variables. A flag wins over its variable.
"""

from __future__ import annotations

import argparse
import os
import re
import secrets
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubesaga import __version__
from kubesaga.api.models.base import is_logical_name
from kubesaga.api.object_names import is_object_name

PREFIX = "KUBESAGA_OPERATOR_"
LEAST_RETENTION = 120
"""Seconds: a Job's name must be taken for longer than a request for it may be on its way, or its sender be frozen."""
_NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")


@dataclass(frozen=True)
class OperatorSettings:
    """How the operator runs. Durations in seconds; no ``namespaces`` means all of them.

    ``max_running_tasks`` of 0 means no limit; without ``environment`` no template's overrides are used.
    """

    namespaces: tuple[str, ...]
    lease_namespace: str
    lease_name: str
    identity: str
    workers: int
    resync_interval: float
    job_retention: float
    revision_retention: float
    max_running_tasks: int
    environment: str | None
    default_image: str | None
    health_port: int
    log_format: str
    log_level: str
    kubeconfig: str | None

    @classmethod
    def parse(
        cls, arguments: Sequence[str] | None = None, environment: Mapping[str, str] | None = None
    ) -> OperatorSettings:
        """Read the command line and the environment; bad input is explained and exits with code 2."""
        values = os.environ if environment is None else environment
        parser = _parser(values)
        return cls(**vars(parser.parse_args(arguments)))


def _parser(environment: Mapping[str, str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="kubesaga-operator",
        description="The Kubesaga operator: runs Tasks from their TaskTemplates.",
        epilog=f"Every option can also be given as a variable: --lease-name as {PREFIX}LEASE_NAME.",
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=__version__)
    _Options(parser, environment).add_all()
    return parser


class _Options:
    """Adds options whose default is their variable, if it is set."""

    def __init__(self, parser: argparse.ArgumentParser, environment: Mapping[str, str]) -> None:
        self._parser = parser
        self._environment = environment

    def add_all(self) -> None:
        self._add("namespaces", _namespaces, (), "comma-separated namespaces to serve (default: all)")
        self._add("lease-namespace", _label, _own_namespace(), "namespace of the leader's Lease")
        self._add("lease-name", _object_name, "kubesaga-operator", "name of the leader's Lease")
        self._add("identity", _text, _unique_identity(), "this process in the Lease, unique (in a pod: its name)")
        self._add("workers", _at_least(int, 1), 8, "Tasks worked on at once")
        self._add("resync-interval", _at_least(float, 1), 300.0, "seconds between two full lists of everything")
        self._add(
            "job-retention", _at_least(float, LEAST_RETENTION), 3600.0, "seconds that an ended Task's Jobs are kept"
        )
        self._add("revision-retention", _at_least(float, 0), 3600.0, "seconds that an unused template revision is kept")
        self._add("max-running-tasks", _at_least(int, 0), 0, "most Tasks under way at once, others wait; 0: no limit")
        self._add("environment", _environment, None, "which of a template's environments overrides its steps")
        self._add("default-image", _text, None, "image of handler steps whose template names none")
        self._add("health-port", _port, 8080, "port of /healthz, /readyz and /metrics; 0 picks a free one")
        self._add("log-format", _one_of("json", "text"), "json", "json or text")
        self._add("log-level", _one_of("debug", "info", "warning", "error"), "info", "debug, info, warning or error")
        self._add(
            "kubeconfig",
            _text,
            None,
            "kubeconfig file (default: the pod's service account, else $KUBECONFIG)",
        )

    def _add(self, name: str, read: Callable[[str], Any], default: Any, what: str) -> None:
        variable = PREFIX + name.replace("-", "_").upper()
        if self._environment.get(variable):
            try:
                default = read(self._environment[variable])
            except argparse.ArgumentTypeError as error:
                self._parser.error(f"{variable}: {error}")
        shown = "" if default is None or default == () else f" (now: {default})"
        self._parser.add_argument(f"--{name}", type=read, default=default, help=what + shown)


def _unique_identity() -> str:
    """Two processes of one host must not both find their own name in the Lease."""
    return f"{socket.gethostname()}-{secrets.token_hex(3)}"


def _own_namespace() -> str:
    """The pod's namespace; outside a pod ``default``."""
    return _NAMESPACE_FILE.read_text().strip() if _NAMESPACE_FILE.is_file() else "default"


def _text(value: str) -> str:
    if not value.strip():
        raise argparse.ArgumentTypeError("must not be empty")
    return value.strip()


def _label(value: str) -> str:
    if not _LABEL.fullmatch(value):
        raise argparse.ArgumentTypeError(
            f"{value!r} is no namespace's name: at most 63 lower-case letters, digits and inner '-'"
        )
    return value


def _object_name(value: str) -> str:
    if not is_object_name(value):
        raise argparse.ArgumentTypeError(f"{value!r} is no object's name: lower-case letters, digits, '-' and '.'")
    return value


def _environment(value: str) -> str:
    if not is_logical_name(value):
        raise argparse.ArgumentTypeError(
            f"{value!r} is no environment's name: at most 63 lower-case letters, digits and inner '-' and '_', "
            "beginning with a letter"
        )
    return value


def _namespaces(value: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(_label(part.strip()) for part in value.split(",") if part.strip()))


def _at_least(number: type[int] | type[float], least: int) -> Callable[[str], float]:
    def read(value: str) -> float:
        try:
            result = number(value)
        except ValueError:
            result = None
        if result is None or not least <= result < float("inf"):
            what = "a whole number" if number is int else "a number"
            raise argparse.ArgumentTypeError(f"{value!r} is not {what} of at least {least}")
        return result

    return read


def _port(value: str) -> int:
    if not value.isdecimal() or int(value) > 65535:
        raise argparse.ArgumentTypeError(f"{value!r} is no port: 0 to 65535")
    return int(value)


def _one_of(*choices: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value.lower() not in choices:
            raise argparse.ArgumentTypeError(f"{value!r} is not one of {', '.join(choices)}")
        return value.lower()

    return read
