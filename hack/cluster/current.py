"""The provider `current`: a cluster of one's own. It is used as it is, and never taken down."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from hack.cluster import tools
from hack.cluster.commands import Word, run
from hack.cluster.errors import ClusterError
from hack.cluster.images import Images
from hack.cluster.paths import Paths
from hack.cluster.progress import say

NOT_OURS = "the provider `current` uses your cluster as it is, and does not {what}"


class Current:
    """The cluster that the caller's kubeconfig points at."""

    name = "current"

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self.images = Images(paths)

    def up(self) -> None:
        """Check that the cluster answers."""
        tools.ensure(self.paths, tools.CLIENTS)
        kubectl: list[Word] = [self.paths.bin / "kubectl", "--kubeconfig", self.kubeconfig()]
        run([*kubectl, "get", "--raw", "/readyz"], remedy="is the kubeconfig's current context the one you mean?")

    def down(self) -> None:
        """Leave the cluster as it is."""
        say("the provider `current` leaves your cluster as it is")

    def load(self, images: Sequence[str]) -> None:
        """Images cannot be loaded into a cluster that is not known; raises ClusterError saying what to do."""
        raise ClusterError(
            f"images cannot be loaded into a cluster of your own: build {', '.join(images)} with their Dockerfiles, "
            "push them to a registry that your cluster reads, and install the chart with "
            "`--set image.repository=… --set image.tag=…`"
        )

    def kubeconfig(self) -> Path:
        """$KUBECONFIG where it names one file, else the usual one."""
        path = Path(os.environ.get("KUBECONFIG") or Path.home() / ".kube" / "config")
        if not path.is_file():
            raise ClusterError(f"no kubeconfig at {path}; set KUBECONFIG to the file of the cluster that you mean")
        return path

    def audit_log(self) -> Path:
        """Not known; raises ClusterError."""
        raise ClusterError("only the provider `local` has an audit log")

    def status(self) -> str:
        """The nodes, as Kubernetes sees them."""
        return run([self.paths.bin / "kubectl", "--kubeconfig", self.kubeconfig(), "get", "nodes"])

    def restart(self, name: str) -> None:
        """Not ours; raises ClusterError."""
        raise ClusterError(NOT_OURS.format(what=f"restart its {name}"))

    def kill(self, name: str) -> None:
        """Not ours; raises ClusterError."""
        raise ClusterError(NOT_OURS.format(what=f"kill its {name}"))

    def kill_container(self, identifier: str) -> None:
        """Not ours; raises ClusterError."""
        raise ClusterError(NOT_OURS.format(what=f"kill its container {identifier}"))

    def on_node(self, *command: str) -> str:
        """Not ours; raises ClusterError."""
        raise ClusterError(NOT_OURS.format(what=f"run {command[0]} on its node"))
