"""What the local provider runs: a component is a name and a command line, in paths of the inside of the node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hack.cluster.namespaces import BIN, STATE

PKI = f"{STATE}/pki"
CONFIG = f"{STATE}/etc"
NODE_NAME = "kubesaga"


@dataclass(frozen=True)
class Component:
    """A long-lived process of the cluster. `grace_seconds` is how long it may take to end when asked to."""

    name: str
    command: tuple[str, ...]
    grace_seconds: float = 10.0


def program(name: str, flags: Mapping[str, object], grace_seconds: float = 10.0) -> Component:
    """A component that is a built program with `--flag=value` arguments."""
    command = (f"{BIN}/{name}", *(f"--{flag}={value}" for flag, value in flags.items()))
    return Component(name, command, grace_seconds)


def kubeconfig(name: str) -> str:
    """Where a component's own kubeconfig is."""
    return f"{CONFIG}/{name}.kubeconfig"
