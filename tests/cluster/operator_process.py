"""An operator as a process of this machine, so that a test can kill it at the very moment that it means.

It is the real program with the real settings, for one namespace and under a Lease of that namespace: it leads whatever
else leads. The cluster's own operator must be away, unless a test means to have two.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from hack.cluster.paths import CHECKOUT
from tests.cluster.kubectl import PATIENCE, Kubectl, Manifest

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
        identity = self._settings.get("identity", IDENTITY)
        self._kubectl.until("lease", LEASE, lambda lease: _holder(lease) == identity, f"held by {identity}")

    def freeze(self) -> float:
        """Have it do nothing, and know nothing of it; returns when, in seconds since the epoch."""
        self._signal(signal.SIGSTOP)
        return time.time()

    def thaw(self) -> None:
        """Let it go on where it was."""
        self._signal(signal.SIGCONT)

    def stir(self, seconds: float) -> float:
        """Let it go on for a moment; returns when it was frozen again."""
        self.thaw()
        time.sleep(seconds)
        return self.freeze()

    def wait_ended(self) -> int:
        """Wait until it has ended by itself; returns its exit code."""
        return self._running().wait(PATIENCE)

    def kill(self) -> None:
        """End it as a power cut would. Fails if it had ended by itself."""
        self._signal(signal.SIGKILL)
        self._running().wait()
        self._process = None

    def close(self) -> None:
        """End it if it runs."""
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def _signal(self, number: signal.Signals) -> None:
        process = self._running()
        assert process.poll() is None, f"the operator ended by itself:\n{self.log()}"
        process.send_signal(number)

    def _running(self) -> subprocess.Popen[bytes]:
        assert self._process is not None, "the operator was not started"
        return self._process

    def log(self) -> str:
        """The end of what it has said so far."""
        return self._log.read_text()[-8000:]


def _holder(lease: Manifest) -> object:
    return lease["spec"].get("holderIdentity")
