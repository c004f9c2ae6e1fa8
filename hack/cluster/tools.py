"""The Go programs of hack/tools/go.mod, built once per set of pins and kept in the cache.

Kubernetes, etcd, CoreDNS, Helm and kind come from their Go modules, because those can be pinned by checksum and fetched
wherever Go modules can. A changed pin changes go.sum and so the folder that the programs are built into.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from hack.cluster.commands import run
from hack.cluster.errors import ClusterError
from hack.cluster.paths import CHECKOUT, Paths
from hack.cluster.progress import step

MODULE = CHECKOUT / "hack" / "tools"
PACKAGES = {
    "kubectl": "k8s.io/kubernetes/cmd/kubectl",
    "helm": "helm.sh/helm/v3/cmd/helm",
    "kind": "sigs.k8s.io/kind",
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
    "kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler",
    "kubelet": "k8s.io/kubernetes/cmd/kubelet",
    "kube-proxy": "k8s.io/kubernetes/cmd/kube-proxy",
    "dns": "./dns",
    "pause": "./pause",
}
CLIENTS = ("kubectl", "helm")
CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
NODE = ("pause", "kubelet", "kube-proxy", "dns")


def ensure(paths: Paths, names: Sequence[str]) -> None:
    """Build what is missing of the named programs; afterwards each is `paths.bin / name`."""
    folder = paths.cache / "tools" / pins()
    missing = [name for name in names if not (folder / name).exists()]
    if missing:
        require_go()
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(missing, start=1):
        with step(f"building {name}", number, len(missing)):
            build(PACKAGES[name], folder / name)
    point(paths.bin, folder)


def pins() -> str:
    """Twelve hex digits that change whenever a built program could."""
    digest = hashlib.sha256((MODULE / "go.sum").read_bytes())
    for source in sorted(MODULE.glob("*/*.go")):
        digest.update(source.read_bytes())
    digest.update(linker_flags().encode())
    return digest.hexdigest()[:12]


def require_go() -> None:
    """Raise ClusterError unless a Go compiler is on the PATH."""
    if shutil.which("go") is None:
        wanted = re.search(r"^go (\S+)$", (MODULE / "go.mod").read_text(), re.MULTILINE)
        version = wanted.group(1) if wanted else "a current version"
        raise ClusterError(
            f"Go is needed to build the test cluster's programs: install Go {version} or newer and put it on the PATH"
        )


def build(package: str, target: Path) -> None:
    """Build one program of the tools module, without cgo, so that it runs in any image."""
    partial = target.with_name(f"{target.name}.{os.getpid()}")
    run(
        ["go", "build", "-C", MODULE, "-mod=readonly", "-trimpath", "-ldflags", linker_flags(), "-o", partial, package],
        environment={"CGO_ENABLED": "0"},
        remedy="if modules could not be fetched, check the network and the Go environment (`go env GOPROXY`)",
    )
    partial.rename(target)


def linker_flags() -> str:
    """Strip the programs, and tell Kubernetes and Helm which version of Kubernetes they are."""
    found = re.search(r"k8s\.io/kubernetes (v(\d+)\.(\d+)\.\S+)", (MODULE / "go.mod").read_text())
    if found is None:
        raise ClusterError(f"no version of k8s.io/kubernetes in {MODULE / 'go.mod'}")
    version, major, minor = found.groups()
    kubernetes = {"gitVersion": version, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    helm = {"k8sVersionMajor": major, "k8sVersionMinor": minor}
    facts = {
        "k8s.io/component-base/version": kubernetes,
        "k8s.io/client-go/pkg/version": kubernetes,
        "helm.sh/helm/v3/pkg/chartutil": helm,
        "helm.sh/helm/v3/pkg/lint/rules": helm,
    }
    values = (f"-X {package}.{name}={value}" for package, names in facts.items() for name, value in names.items())
    return " ".join(["-s -w", *values])


def point(link: Path, folder: Path) -> None:
    """Make the link lead to the folder, in one step that a concurrent reader never sees half done."""
    if link.is_symlink() and link.resolve() == folder.resolve():
        return
    fresh = link.with_name(f"{link.name}.{os.getpid()}")
    fresh.symlink_to(folder.relative_to(link.parent))
    fresh.replace(link)
