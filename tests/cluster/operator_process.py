"""An operator as a process of this machine, so that a test can kill it at the very moment that it means.

It is the real program with the real settings, for one namespace; only the cluster's own operator must be away.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from hack.cluster.paths import CHECKOUT
from tests.cluster.kubectl import Kubectl


class OperatorProcess:
    """The operator for one namespace: started, killed and started again, always under one identity."""

    def __init__(self, kubectl: Kubectl, log: Path) -> None:
        self._kubectl = kubectl
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; what it says is appended to the log."""
        namespace = self._kubectl.namespace
        options = {
            "namespaces": namespace,
            "lease-namespace": namespace,
            "kubeconfig": str(self._kubectl.kubeconfig),
            "identity": "test",
            "health-port": "0",
            "log-format": "text",
        }
        words = [f"--{name}={value}" for name, value in options.items()]
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "kubesaga.runtime", *words],
                env={**os.environ, "PYTHONPATH": str(CHECKOUT / "operator")},
                stdout=output,
                stderr=subprocess.STDOUT,
            )

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
