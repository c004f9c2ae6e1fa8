"""Which kind of cluster a command is about.

The provider of the running cluster is remembered beside its state, so that it has to be named once at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from hack.cluster.current import Current
from hack.cluster.engines import Docker
from hack.cluster.errors import ClusterError
from hack.cluster.images import Images
from hack.cluster.kind import Kind
from hack.cluster.local import Local
from hack.cluster.paths import Paths

NAMES = ("kind", "local", "current")


class Provider(Protocol):
    """A way to have a cluster. All methods raise ClusterError with a remedy when they cannot do what they say."""

    name: str
    images: Images

    def up(self) -> None:
        """Bring the cluster up; an answering one is left alone."""

    def down(self) -> None:
        """Take the cluster down, with all that it left on the machine."""

    def load(self, images: Sequence[str]) -> None:
        """Build these images of the project's where they changed, and make them available to pods."""

    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""

    def audit_log(self) -> Path:
        """The API server's audit log: one JSON document per write."""

    def status(self) -> str:
        """What runs, for people."""

    def restart(self, name: str) -> None:
        """End a component in order and start it again."""

    def kill(self, name: str) -> None:
        """End a component by SIGKILL."""

    def kill_container(self, identifier: str) -> None:
        """End the first process of a container by SIGKILL."""

    def on_node(self, *command: str) -> str:
        """Run a command as root where the node's processes and its network are, and return its output."""


def choose(name: str | None, paths: Paths) -> Provider:
    """The provider of that name; else that of the cluster which is up; else kind with a Docker engine, local without.

    Raises ClusterError when another provider's cluster is up in the same cache.
    """
    running = remembered(paths)
    if name is not None and running is not None and name not in (running, "current"):
        raise ClusterError(f"a cluster of the provider {running} is up; take it down first (`make cluster-down`)")
    match name or running or ("kind" if Docker.answers() else "local"):
        case "kind":
            return Kind(paths)
        case "current":
            return Current(paths)
        case _:
            return Local(paths)


def remembered(paths: Paths) -> str | None:
    """The provider whose cluster has its state in this cache."""
    if not paths.state.exists():
        return None
    return "kind" if (paths.state / "kind").exists() else "local"
