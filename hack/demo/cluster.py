"""The demo's way to the cluster: kubectl, with the kubeconfig of the test cluster or of the caller."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from hack.cluster.paths import CHECKOUT, Paths

NAMESPACE = "kubesaga-demo"
TASKS = "tasks.kubesaga.dev"  # in full: other groups may have a kind of that name as well
OPERATOR = ("deployment/kubesaga", "--namespace=kubesaga-system")
INSTALL = "install it with `make install`"


class DemoError(Exception):
    """Why the demo cannot go on, and what to do about it."""


@dataclass(frozen=True)
class Cluster:
    """A cluster with Kubesaga on it."""

    kubectl: str
    kubeconfig: str

    @classmethod
    def find(cls) -> Cluster:
        """The cluster that KUBECONFIG names, else the project's test cluster. Raises DemoError."""
        built = Paths.from_environment().bin / "kubectl"
        kubectl = str(built) if built.is_file() else shutil.which("kubectl")
        if kubectl is None:
            raise DemoError("there is no kubectl, neither built nor on PATH: run `make cluster-up`, which builds it")
        return cls(kubectl, os.environ.get("KUBECONFIG") or _test_cluster())

    def command(self, *arguments: str) -> list[str]:
        """The command line of kubectl in the demo's namespace."""
        return [self.kubectl, f"--kubeconfig={self.kubeconfig}", f"--namespace={NAMESPACE}", *arguments]

    def run(self, *arguments: str) -> str:
        """What kubectl prints. Raises DemoError with what it said when it fails."""
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise DemoError(f"kubectl {' '.join(arguments)} failed: {done.stderr.strip()}")
        return done.stdout

    def json(self, *arguments: str) -> Any:
        """What kubectl prints, parsed."""
        return json.loads(self.run(*arguments))

    @contextmanager
    def lines(self, seconds: float, *arguments: str) -> Iterator[IO[str]]:
        """What kubectl prints as it comes; it is ended with the block, or when that many seconds are over."""
        process = subprocess.Popen(self.command(*arguments), stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        alarm = threading.Timer(seconds, process.kill)
        alarm.start()
        try:
            yield process.stdout
        finally:
            alarm.cancel()
            process.kill()
            process.wait()
            process.stdout.close()

    def require_operator(self) -> None:
        """Raise DemoError unless an operator is there and ready."""
        self.run("get", "--raw", "/readyz")
        try:
            self.run("rollout", "status", *OPERATOR, "--timeout=60s")
        except DemoError as error:
            raise DemoError(f"the operator is not ready: {error}; {INSTALL}") from error

    def fresh_namespace(self) -> None:
        """Have the demo's namespace, and nothing in it of an earlier time."""
        self.run("delete", "namespace", NAMESPACE, "--ignore-not-found", "--timeout=120s")
        self.run("create", "namespace", NAMESPACE)


def shown(path: Path) -> str:
    """A path as one would type it in the checkout."""
    return str(path.relative_to(CHECKOUT))


def _test_cluster() -> str:
    words = [sys.executable, "-m", "hack.cluster", "kubeconfig"]
    asked = subprocess.run(words, cwd=CHECKOUT, capture_output=True, text=True, check=False)
    if asked.returncode != 0:
        raise DemoError(f"{asked.stderr.strip()}\nBring a cluster up with `make cluster-up`, or set KUBECONFIG.")
    return asked.stdout.strip()
