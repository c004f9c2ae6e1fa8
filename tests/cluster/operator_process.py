"""An operator as a process of this machine, so that a test can kill it at the very moment that it means.

It is the real program with the real settings, for one namespace and under a Lease of that namespace: it leads whatever
else leads. The cluster's own operator must be away, unless a test means to have two.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from hack.cluster.paths import CHECKOUT
from tests.cluster.kubectl import Kubectl, Manifest

IDENTITY = "test"
LEASE = "kubesaga-operator"


class OperatorProcess:
    """The operator for one namespace: started, killed and started again, always under one identity.

    ``settings`` are more of its options.
    """

    def __init__(self, kubectl: Kubectl, log: Path, **settings: object) -> None:
        self._kubectl = kubectl
        self._log = log
        self._settings = {name.replace("_", "-"): value for name, value in settings.items()}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; what it says is appended to the log."""
        namespace = self._kubectl.namespace
        options = {
            "namespaces": namespace,
            "lease-namespace": namespace,
            "lease-name": LEASE,
            "kubeconfig": self._kubectl.kubeconfig,
            "identity": IDENTITY,
            "health-port": 0,
            "log-format": "text",
            **self._settings,
        }
        words = [f"--{name}={value}" for name, value in options.items()]
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "kubesaga.runtime", *words],
                env={**os.environ, "PYTHONPATH": str(CHECKOUT / "operator")},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def wait_leading(self) -> None:
        """Wait until it has taken its Lease."""
        self._kubectl.until("lease", LEASE, _held, "held by the operator of this test")

    def kill(self) -> None:
        """End it as a power cut would. Fails if it had ended by itself."""
        assert self._process is not None
        assert self._process.poll() is None, f"the operator ended by itself:\n{self.log()}"
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._process = None

    def close(self) -> None:
        """End it if it runs."""
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def log(self) -> str:
        """The end of what it has said so far."""
        return self._log.read_text()[-8000:]


def _held(lease: Manifest) -> bool:
    return bool(lease["spec"].get("holderIdentity") == IDENTITY)
