"""What the local provider needs of the machine itself: Linux, root, and a few Debian packages, which it installs.

A package is installed only where its command is missing, so that a containerd or iptables that came from elsewhere
(Docker's own packages, for example) stays as it is.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from hack.cluster.commands import run
from hack.cluster.errors import ClusterError
from hack.cluster.progress import step

CNI_PLUGINS = Path("/usr/lib/cni")
NODE_PACKAGES = {
    "containerd": "containerd",
    "runc": "runc",
    str(CNI_PLUGINS / "ptp"): "containernetworking-plugins",
    "iptables": "iptables",
    "ip": "iproute2",
    "openssl": "openssl",
    "nsenter": "util-linux",
}
# A machine that has just started may be at its own upgrades. The Makefile waits as long.
PATIENTLY = ("-o", "DPkg::Lock::Timeout=300")
IMAGE_PACKAGES = {"buildah": "buildah", "mmdebstrap": "mmdebstrap", "unshare": "util-linux"}


def require_root() -> None:
    """Raise ClusterError unless this is Linux and the caller may make namespaces and mounts."""
    if sys.platform != "linux":
        raise ClusterError(
            f"the local provider needs Linux, this is {sys.platform}; "
            "install a Docker engine and use `--provider kind`, or `--provider current` for a cluster of your own"
        )
    if os.geteuid() != 0:
        raise ClusterError(
            "the local provider makes namespaces, mounts and a network device, which takes root; run it as root, "
            "or install a Docker engine and use `--provider kind`, or `--provider current` for a cluster of your own"
        )


def missing_packages(needed: dict[str, str]) -> list[str]:
    """The packages whose command (a name on the PATH, or a path) is not there."""
    return sorted({package for command, package in needed.items() if shutil.which(command) is None})


def install_packages(packages: Iterable[str]) -> None:
    """Install Debian packages, after refreshing the package lists."""
    names = list(packages)
    if not names:
        return
    if shutil.which("apt-get") is None:
        raise ClusterError(
            "this machine has no apt-get; install with its own package manager what provides: " + ", ".join(names)
        )
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    with step(f"installing packages: {', '.join(names)}"):
        run(
            ["apt-get", "update"],
            environment=quiet,
            remedy="the package lists could not be read; is the package mirror reachable?",
        )
        run(["apt-get", *PATIENTLY, "install", "--yes", "--no-install-recommends", *names], environment=quiet)
