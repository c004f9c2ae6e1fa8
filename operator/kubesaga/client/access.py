"""Which cluster, as whom, and in which namespace: found as kubectl finds it.

A kubeconfig that is given, else $KUBECONFIG (several files, the first to say something wins), else ~/.kube/config;
where none of these is there, the pod's service account. The namespace is the one given, else the context's, else the
pod's.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from kubernetes.aio.client.configuration import Configuration

from kubesaga.client.errors import Misconfigured
from kubesaga.client.impersonation import Header, impersonation
from kubesaga.kube.connection import ConnectError, file_configuration, in_pod, pod_configuration

DEFAULT_NAMESPACE = "default"
_USUAL = "~/.kube/config"
_POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
_GIVE_ONE = "give a kubeconfig, set KUBECONFIG, or run it in a pod with a service account"


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach a cluster. ``context`` is the kubeconfig's, None in a pod; ``headers`` go with each request."""

    configuration: Configuration
    namespace: str
    context: str | None
    headers: tuple[Header, ...] = ()


async def find_access(kubeconfig: str | None, context: str | None, namespace: str | None) -> Access:
    """The cluster, user and namespace to use. Sends nothing. Raises Misconfigured."""
    files = _files(kubeconfig)
    try:
        if not files and context is None and in_pod():
            return Access(pod_configuration(), namespace or _pods_namespace(), None)
        if not files:
            tried = kubeconfig or os.environ.get("KUBECONFIG") or _USUAL
            raise Misconfigured(f"there is no kubeconfig at {tried}", _GIVE_ONE)
        configs = [_read(path) for path in files]
        name, chosen = _context(files, configs, context)
        configuration = await file_configuration(os.pathsep.join(map(str, files)), name)
    except ConnectError as error:
        raise Misconfigured(str(error), "correct the kubeconfig, or use another context") from error
    headers = impersonation(_named(configs, "user", chosen.get("user")))
    return Access(configuration, namespace or chosen.get("namespace") or DEFAULT_NAMESPACE, name, headers)


def _files(kubeconfig: str | None) -> list[Path]:
    """The kubeconfig files that are there; one that was named has to be."""
    if kubeconfig is not None:
        path = Path(kubeconfig).expanduser()
        if not path.is_file():
            raise Misconfigured(f"there is no kubeconfig at {kubeconfig}", "check the path")
        return [path]
    listed = os.environ.get("KUBECONFIG") or _USUAL
    paths = (Path(part).expanduser() for part in listed.split(os.pathsep) if part)
    return [path for path in paths if path.is_file()]


def _context(files: list[Path], configs: list[Mapping[str, Any]], wanted: str | None) -> tuple[str, Mapping[str, Any]]:
    """The context to use: its name and its fields."""
    name = wanted or next((str(each["current-context"]) for each in configs if each.get("current-context")), None)
    contexts = dict(_entries(configs, "context"))
    known = ", ".join(sorted(contexts)) or "none"
    where = ", ".join(map(str, files))
    if name is None:
        raise Misconfigured(f"{where} has no current-context", f"name a context; there are: {known}")
    if name not in contexts:
        raise Misconfigured(f"{where} has no context {name}", f"name one of those that there are: {known}")
    if not isinstance(contexts[name], Mapping):
        raise Misconfigured(f"{where}: its context {name} is no object", "correct the kubeconfig")
    return name, contexts[name]


def _named(configs: list[Mapping[str, Any]], kind: str, name: Any) -> Mapping[str, Any]:
    """The fields of the entry of this name, none where there is none."""
    found = dict(_entries(configs, kind)).get(name)
    return found if isinstance(found, Mapping) else {}


def _entries(configs: list[Mapping[str, Any]], kind: str) -> Iterator[tuple[str, Any]]:
    """The contexts or users by name; the last file first, so that the first wins."""
    for config in reversed(configs):
        for each in config.get(f"{kind}s") or ():
            if isinstance(each, Mapping) and "name" in each:
                yield each["name"], each.get(kind) or {}


def _read(path: Path) -> Mapping[str, Any]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        problem = " ".join(str(error).split())
        raise Misconfigured(f"the kubeconfig {path} is no YAML: {problem}", "correct the file") from error
    except OSError as error:
        raise Misconfigured(
            f"the kubeconfig {path} cannot be read: {error.strerror}", "check who may read it"
        ) from error
    if not isinstance(content, Mapping):
        raise Misconfigured(f"the kubeconfig {path} is not one: it holds no object", "correct the file")
    return content


def _pods_namespace() -> str:
    if given := os.environ.get("POD_NAMESPACE"):
        return given
    return _POD_NAMESPACE.read_text(encoding="utf-8").strip() if _POD_NAMESPACE.is_file() else DEFAULT_NAMESPACE
