"""What the chart's tests stand on: the helm binary, and the manifests of one rendering.

The tests render with the real helm and read the manifests back; no cluster is needed.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Manifest = dict[str, Any]

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "kubesaga"
RELEASE = "kubesaga"
NAMESPACE = "kubesaga-system"
# What helm assumes where it does not ask a cluster depends on how it was built.
KUBERNETES = "1.34.0"


@dataclass(frozen=True)
class Rendered:
    """The manifests of one rendering of the chart."""

    manifests: tuple[Manifest, ...]

    def __iter__(self) -> Iterator[Manifest]:
        return iter(self.manifests)

    def of_kind(self, kind: str) -> list[Manifest]:
        """Every manifest of a kind, in the order of rendering."""
        return [manifest for manifest in self.manifests if manifest["kind"] == kind]

    def one(self, kind: str, name: str = RELEASE) -> Manifest:
        """The manifest of that kind and name; an AssertionError where there is not exactly one."""
        found = [m for m in self.of_kind(kind) if m["metadata"]["name"] == name]
        assert len(found) == 1, f"{len(found)} manifests are {kind}/{name}, expected one"
        return found[0]

    def names(self) -> set[tuple[str, str]]:
        """Kind and name of everything rendered."""
        return {(manifest["kind"], manifest["metadata"]["name"]) for manifest in self.manifests}


Render = Callable[[Manifest], Rendered]


class Helm:
    """Runs the helm binary on the chart."""

    def __init__(self, binary: Path) -> None:
        self._binary = binary

    def run(self, *args: str, values: Manifest | None = None) -> subprocess.CompletedProcess[str]:
        """One helm command; the values reach it as a values file on its standard input."""
        command = [str(self._binary), *args]
        if values is not None:
            command += ["--values", "-"]
        return subprocess.run(
            command, input=json.dumps(values or {}), capture_output=True, text=True, check=False, timeout=60
        )

    def template(
        self, values: Manifest, *, chart: Path = CHART, kubernetes: str = KUBERNETES
    ) -> subprocess.CompletedProcess[str]:
        """`helm template` of the chart, successful or not."""
        where = ("--namespace", NAMESPACE, "--kube-version", kubernetes)
        return self.run("template", RELEASE, str(chart), *where, values=values)
