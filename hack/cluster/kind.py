"""The provider `kind`: a cluster in Docker containers, where a Docker engine answers."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from hack.cluster import tools
from hack.cluster.commands import Word, run, succeeds
from hack.cluster.engines import Docker
from hack.cluster.errors import ClusterError
from hack.cluster.images import Images
from hack.cluster.node import KILL_CONTAINER
from hack.cluster.paths import Paths
from hack.cluster.progress import step

# Components that systemd runs in the node; the others are processes that the kubelet starts again.
SERVICES = ("containerd", "kubelet")


class Kind:
    """A cluster of one node, made by kind."""

    name = "kind"

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self.images = Images(paths)
        self._cluster = f"kubesaga-{paths.identity}"

    @property
    def _node(self) -> str:
        return f"{self._cluster}-control-plane"

    def _exists(self) -> bool:
        names = run([self.paths.bin / "kind", "get", "clusters"]).split()
        return self._cluster in names

    def up(self) -> None:
        """Create the cluster if there is none."""
        if not Docker.answers():
            raise ClusterError("no Docker engine answers (`docker version`); start it, or use `--provider local`")
        tools.ensure(self.paths, [*tools.CLIENTS, "kind"])
        if self._exists():
            return
        self.paths.state.mkdir(parents=True, exist_ok=True)
        (self.paths.state / "kind").touch()
        with step("creating a kind cluster"):
            create: list[Word] = ["create", "cluster", "--name", self._cluster, "--kubeconfig", self.paths.kubeconfig]
            run([self.paths.bin / "kind", *create, "--wait", "120s"])

    def load(self, images: Sequence[str]) -> None:
        """Build these images of the project's and load them into the node."""
        for image in images:
            self.images.build(image)
            with step(f"loading {image}"):
                run([self.paths.bin / "kind", "load", "docker-image", image, "--name", self._cluster])

    def down(self) -> None:
        """Delete the cluster. Fine when there is none."""
        if (self.paths.bin / "kind").exists() and self._exists():
            run([self.paths.bin / "kind", "delete", "cluster", "--name", self._cluster])
        if self.paths.state.exists():
            shutil.rmtree(self.paths.state)

    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        if not self.paths.kubeconfig.exists():
            raise ClusterError("the kind cluster is not up; start it with `make cluster-up`")
        return self.paths.kubeconfig

    def audit_log(self) -> Path:
        """kind's API server writes none."""
        raise ClusterError("only the provider `local` has an audit log")

    def status(self) -> str:
        """Whether the node's container runs, and the node as Kubernetes sees it."""
        if not succeeds(["docker", "container", "inspect", self._node]):
            return "kind cluster: down"
        return run([self.paths.bin / "kubectl", "--kubeconfig", self.kubeconfig(), "get", "nodes"])

    def restart(self, name: str) -> None:
        """End a component in order; systemd or the kubelet starts it again."""
        if name in SERVICES:
            run(["docker", "exec", self._node, "systemctl", "restart", name])
        else:
            self._signal("TERM", name)

    def kill(self, name: str) -> None:
        """End a component by SIGKILL; systemd or the kubelet starts it again."""
        self._signal("KILL", name)

    def kill_container(self, identifier: str) -> None:
        """End the first process of a container, known to containerd by this identifier, by SIGKILL."""
        run(["docker", "exec", self._node, *KILL_CONTAINER, identifier])

    def on_node(self, *command: str) -> str:
        """Run a command in the node's container."""
        return run(["docker", "exec", self._node, *command])

    def _signal(self, signal: str, name: str) -> None:
        remedy = f"is {name} the name of a component's program?"
        run(["docker", "exec", self._node, "pkill", f"-{signal}", "-f", f"^([^ ]*/)?{name}( |$)"], remedy=remedy)
