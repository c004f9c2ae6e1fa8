"""The local provider's machine: mount, process and network namespaces that the whole cluster lives in.

Everything that a node does to its machine (mounts, network devices, routes, firewall rules, sockets, files in /run and
/var) happens in here, so nothing of it can be left behind: ending the one process that holds the namespaces ends every
process in them, and the kernel takes the rest away. It also gives the cluster the whole range of ports and short,
standard paths, whatever the checkout is called.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path

from hack.cluster.commands import run, succeeds
from hack.cluster.errors import ClusterError
from hack.cluster.paths import Paths
from hack.cluster.processes import Process, child_of, command_line, every_pid, identify, spawn

BIN = "/run/kubesaga/bin"
STATE = "/run/kubesaga/state"
END_SECONDS = 120.0
"""How long the end of a whole node may take, of all its pods, on a busy machine."""
# No proxy and no other setting of the caller's shell may change what the cluster does.
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/bin", "HOME": "/root", "TMPDIR": "/var/tmp"}
# The kubelet wants to change these for the whole machine; inside, they are ordinary files that it may write to.
KERNEL_SETTINGS = (
    "kernel/keys/root_maxbytes",
    "kernel/keys/root_maxkeys",
    "kernel/panic",
    "kernel/panic_on_oops",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
)
# /run is covered first and /var last, because the checkout itself may lie below /var.
ARRANGE = f"""
mount --make-rshared /
mount -t tmpfs -o mode=0755 tmpfs /run
mkdir -p {BIN} {STATE} /run/lock
mount --bind "$KUBESAGA_BIN" {BIN}
mount --bind "$KUBESAGA_STATE" {STATE}
mkdir -p {STATE}/var/lib {STATE}/var/log {STATE}/var/tmp
chmod 1777 {STATE}/var/tmp
ln -sfn /run {STATE}/var/run
mount --bind {STATE}/var /var
for setting in {" ".join(KERNEL_SETTINGS)}; do
  mkdir -p "$(dirname /run/kubesaga/sys/$setting)"
  cat "/proc/sys/$setting" > "/run/kubesaga/sys/$setting"
  mount --bind "/run/kubesaga/sys/$setting" "/proc/sys/$setting"
done
"""


class Machine:
    """The namespaces of one state folder: made by `create`, found again by `holder`, gone after `destroy`."""

    def __init__(self, paths: Paths) -> None:
        self.paths = paths

    @property
    def _holder_command(self) -> list[str]:
        # The state folder is an argument only so that the process can be told from all others.
        return [str(self.paths.bin.resolve() / "pause"), "kubesaga-node", str(self.paths.state)]

    @property
    def _log(self) -> Path:
        return self.paths.state / "log" / "node.log"

    def holder(self) -> Process | None:
        """The process that holds the namespaces, recognised by its command line, or None when there is none."""
        wanted = self._holder_command[1:]
        for pid in every_pid():
            words = command_line(pid)
            if words[1:] == wanted and Path(words[0]).name == "pause":
                return identify(pid)
        return None

    def create(self) -> Process:
        """Make the namespaces and arrange their mounts; returns the process that holds them."""
        unshare = ["unshare", "--mount", "--pid", "--net", "--fork", "--mount-proc", "--propagation", "slave"]
        holder = child_of(spawn([*unshare, *self._holder_command], self._log, ENVIRONMENT))
        self.wait_for_exec(holder)
        places = {"KUBESAGA_BIN": str(self.paths.bin.resolve()), "KUBESAGA_STATE": str(self.paths.state)}
        run(["nsenter", *self._enter(holder), "sh", "-euc", ARRANGE], environment=places)
        return holder

    def wait_for_exec(self, holder: Process) -> None:
        """Wait until the forked process has become the holder, with its namespaces complete."""
        while holder.alive and command_line(holder.pid) != self._holder_command:
            os.sched_yield()
        if not holder.alive:
            raise ClusterError(
                f"the node's namespaces could not be made: {self._log.read_text().strip() or 'no reason given'}. "
                "In a container without privileges this is not possible."
            )

    def require_holder(self) -> Process:
        """The holder, or ClusterError when the cluster is not up."""
        holder = self.holder()
        if holder is None:
            raise ClusterError("the local cluster is not up; start it with `make cluster-up`")
        return holder

    def run(self, *command: str, stdin: Path | None = None) -> str:
        """Run a command inside, to its end, and return its output.

        Paths in the command are those of the inside; `stdin` is a file of the outside to read from.
        """
        enter = ["nsenter", *self._enter(self.require_holder()), "env", "-i", *assignments()]
        return run([*enter, *command], stdin=stdin)

    def succeeds(self, *command: str) -> bool:
        """Whether a command inside ends with status zero."""
        return succeeds(["nsenter", *self._enter(self.require_holder()), "env", "-i", *assignments(), *command])

    def start(self, command: Sequence[str], log: Path) -> Process:
        """Start a long-lived process inside. Its id is the one that it has outside."""
        return child_of(spawn(["nsenter", *self._enter(self.require_holder()), *command], log, ENVIRONMENT))

    def destroy(self) -> None:
        """End every process inside, and with them the namespaces. Fine when there is nothing to end."""
        holder = self.holder()
        if holder is None:
            return
        holder.signal(signal.SIGKILL)
        if not holder.wait_gone(END_SECONDS):
            raise ClusterError(f"the node (process {holder.pid}) does not end; is a process in it stuck in the kernel?")

    @staticmethod
    def _enter(holder: Process) -> list[str]:
        return [f"--target={holder.pid}", "--mount", "--net", "--pid", "--wd=/", "--"]


def assignments() -> list[str]:
    """The environment of the inside, as arguments for env(1)."""
    return [f"{name}={value}" for name, value in ENVIRONMENT.items()]
