"""The provider `local`: a real single-node Kubernetes on a machine without a Docker engine.

Its node lives in namespaces (namespaces.py) behind one cable (network.py); the components' command lines are in
control_plane.py and node.py.
"""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from hack.cluster import control_groups, control_plane, machine, network, node, tools
from hack.cluster.api import Api, wait_until
from hack.cluster.archive import write_archive, write_layer
from hack.cluster.component import NODE_NAME, Component
from hack.cluster.errors import ClusterError
from hack.cluster.images import Images
from hack.cluster.namespaces import Machine
from hack.cluster.paths import Paths
from hack.cluster.pki import Authority
from hack.cluster.processes import Ledger
from hack.cluster.progress import step

# Who each component is to the API server: user and group.
IDENTITIES = {
    "admin": ("kubernetes-admin", "system:masters"),
    "kube-controller-manager": ("system:kube-controller-manager", ""),
    "kube-scheduler": ("system:kube-scheduler", ""),
    "kube-proxy": ("system:kube-proxy", ""),
    "kubelet": (f"system:node:{NODE_NAME}", "system:nodes"),
    "dns": ("kubesaga:dns", "system:masters"),
}
WITHOUT_API = ("etcd", "kube-apiserver", "containerd")
WITH_API = ("kube-controller-manager", "kube-scheduler", "kubelet", "dns")
# It looks for the node's addresses for 30 s, and ends for good once they come later.
WITH_NODE = ("kube-proxy",)
COMPONENTS = (*WITHOUT_API, *WITH_API, *WITH_NODE)
START_SECONDS = 180.0


class Local:
    """A cluster of one node in this machine's namespaces."""

    name = "local"

    def __init__(self, paths: Paths) -> None:
        self.paths = paths
        self.images = Images(paths)
        self.machine = Machine(paths)
        self.ledger = Ledger(paths.state / "processes")

    def components(self) -> dict[str, Component]:
        """What the cluster consists of, by name, in the order in which it is started."""
        own = network.network_of(self.paths.state)
        parts = [
            control_plane.etcd(),
            control_plane.apiserver(own),
            node.containerd(),
            control_plane.controller_manager(),
            control_plane.scheduler(),
            node.kubelet(own),
            node.kube_proxy(),
            node.dns(),
        ]
        return {part.name: part for part in parts}

    def up(self) -> None:
        """Bring the cluster up, or whatever of it is down; what runs is left alone."""
        machine.require_root()
        machine.install_packages(machine.missing_packages(machine.NODE_PACKAGES))
        tools.ensure(self.paths, [*tools.CLIENTS, *tools.CONTROL_PLANE, *tools.NODE])
        if self.machine.holder() is None:
            self._create()
        self._start_missing(WITHOUT_API)
        self._wait_for_containerd()
        self._load_pause_image()
        self._wait_for_api()
        self._start_missing(WITH_API)
        self._wait_for_node()
        self._start_missing(WITH_NODE)

    def _create(self) -> None:
        self.down()
        own = network.free_network()
        self.paths.cache.mkdir(parents=True, exist_ok=True)
        self.paths.state.mkdir(mode=0o700)
        try:
            self._write_files(own)
            control_groups.create(self._control_group)
            self.machine.create()
            own.connect(self.machine, self.paths.state)
        except BaseException:  # half a node would look like a whole one to the next `up`
            self.down()
            raise

    @property
    def _control_group(self) -> str:
        return f"kubesaga-{self.paths.identity}"

    @property
    def _pki(self) -> Path:
        return self.paths.state / "pki"

    def _write_files(self, own: network.Network) -> None:
        authority = Authority.create(self._pki)
        authority.issue_server("apiserver", "kube-apiserver", control_plane.server_names(own))
        authority.issue_server("kubelet-server", NODE_NAME, [f"DNS:{NODE_NAME}", f"IP:{own.node}"])
        files = {**control_plane.configuration_files(), **node.configuration_files(own, self._control_group)}
        for name, (user, group) in IDENTITIES.items():
            authority.issue_client(name, user, group)
            files[f"{name}.kubeconfig"] = authority.kubeconfig(name, control_plane.server(own))
        for name, content in files.items():
            file = self.paths.state / "etc" / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)
        self.paths.kubeconfig.touch(mode=0o600)
        self.paths.kubeconfig.write_text(files["admin.kubeconfig"])

    def _start_missing(self, names: Sequence[str]) -> None:
        for name in names:
            if self.ledger.find(name) is None:
                self._start(name)

    def _start(self, name: str) -> None:
        self.ledger.record(name, self.machine.start(self.components()[name].command, self._log(name)))

    def _log(self, name: str) -> Path:
        return self.paths.state / "log" / f"{name}.log"

    def _api(self) -> Api:
        return Api(control_plane.server(network.network_of(self.paths.state)), self._pki)

    def _wait_for_api(self) -> None:
        self._wait_for("kube-apiserver", "API server ready", self._api().ready)

    def _wait_for_node(self) -> None:
        api = self._api()
        self._wait_for("kubelet", "node ready", lambda: api.node_ready(NODE_NAME))
        self._wait_for("kube-controller-manager", "pods can be created", api.default_account_exists)

    def _wait_for_containerd(self) -> None:
        self._wait_for("containerd", "containerd ready", lambda: self.machine.succeeds("ctr", "version"))

    def _wait_for(self, component: str, what: str, condition: Callable[[], bool]) -> None:
        def lives() -> bool:
            return self.ledger.find(component) is not None

        wait_until(what, condition, START_SECONDS, self._log(component), lives)

    def _load_pause_image(self) -> None:
        layer, archive = self.paths.state / "pause-layer.tar", self.paths.state / "pause.tar"
        if not archive.exists():
            write_layer(layer, [self.paths.bin / "pause"])
            write_archive(archive, node.PAUSE_IMAGE, layer, platform.machine(), ["/pause"])
            self._import(archive)

    def _import(self, archive: Path) -> None:
        self.machine.run(*node.IMPORT_IMAGE, stdin=archive)

    def load(self, images: Sequence[str]) -> None:
        """Build these images of the project's where they changed, and put those into the node's containerd."""
        self.machine.require_holder()
        loaded = self.paths.state / "images"
        loaded.mkdir(exist_ok=True)
        for image in images:
            archive = self.images.archive(image)
            record = loaded / image.partition(":")[0]
            if record.exists() and record.read_text() == archive.name:
                continue
            with step(f"loading {image}"):
                self._import(archive)
            record.write_text(archive.name)

    def down(self) -> None:
        """End the cluster and remove all that it left on the machine. Fine when there is nothing."""
        machine.require_root()
        self.machine.destroy()
        network.disconnect(self.paths.state)
        control_groups.remove(self._control_group)
        if self.paths.state.exists():
            shutil.rmtree(self.paths.state)

    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig. Raises ClusterError when the cluster is not up."""
        self.machine.require_holder()
        return self.paths.kubeconfig

    def audit_log(self) -> Path:
        """Where the API server writes who wrote what, one JSON document per line."""
        self.machine.require_holder()
        return self.paths.state / control_plane.AUDIT_LOG

    def status(self) -> str:
        """One line per component, and whether the node is ready."""
        if self.machine.holder() is None:
            return "local cluster: down"
        own = network.network_of(self.paths.state)
        parts = {name: self.ledger.find(name) for name in self.components()}
        lines = [f"  {name}: {f'process {part.pid}' if part else 'down'}" for name, part in parts.items()]
        ready = "ready" if self._api().node_ready(NODE_NAME) else "not ready"
        return "\n".join([f"local cluster: node {ready}, {control_plane.server(own)}", *lines])

    def kill(self, name: str) -> None:
        """End a component with SIGKILL, as a crash would; it stays away until `restart` or `up`."""
        self._component(name)
        process = self.ledger.find(name)
        if process is None:
            raise ClusterError(f"{name} does not run; `restart {name}` starts it")
        process.kill()

    def kill_container(self, identifier: str) -> None:
        """End the first process of a container, known to containerd by this identifier, by SIGKILL."""
        self.machine.run(*node.KILL_CONTAINER, identifier)

    def on_node(self, *command: str) -> str:
        """Run a command in the node's namespaces."""
        return self.machine.run(*command)

    def restart(self, name: str) -> None:
        """End a component in order if it runs, start it again, and wait until it serves."""
        component = self._component(name)
        if name == "kube-apiserver" and self.ledger.find("etcd") is None:
            raise ClusterError("kube-apiserver cannot serve without etcd, which does not run; `up` starts both")
        process = self.ledger.find(name)
        if process is not None:
            process.stop(component.grace_seconds)
        self._start(name)
        if name in ("etcd", "kube-apiserver"):
            self._wait_for_api()
        elif name == "containerd":
            self._wait_for_containerd()

    def _component(self, name: str) -> Component:
        self.machine.require_holder()
        components = self.components()
        if name not in components:
            raise ClusterError(f"no component {name!r}; there are: {', '.join(components)}")
        return components[name]
