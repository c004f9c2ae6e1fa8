"""What a cluster could leave behind on the machine, read off before and after; used by test_lifecycle.py."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from hack.cluster.processes import Process, every_pid, identify

# Folders that Kubernetes, containerd and CNI plugins write to on an ordinary node.
WATCHED_FOLDERS = (
    "/etc",
    "/etc/cni",
    "/opt",
    "/run",
    "/run/containerd",
    "/run/lock",
    "/run/netns",
    "/tmp",
    "/var/lib",
    "/var/lib/cni",
    "/var/lib/containerd",
    "/var/log",
    "/var/log/containers",
    "/var/log/pods",
)
# What other programs may do to the machine in the meantime.
PASSING = re.compile(r"^/tmp/|^/run/(systemd|user|lock)/|^/var/(lib/apt|lib/dpkg|log/apt)")
SETTINGS = (
    "kernel/keys/root_maxbytes",
    "kernel/keys/root_maxkeys",
    "kernel/panic",
    "kernel/panic_on_oops",
    "net/ipv4/conf/all/route_localnet",
    "net/ipv4/ip_forward",
    "net/netfilter/nf_conntrack_max",
    "vm/overcommit_memory",
    "vm/panic_on_oom",
)


def snapshot(control_group: str) -> dict[str, list[str]]:
    """Everything that is compared, by kind. Other clusters' control groups are left out: their pods come and go."""
    return {
        "mounts": sorted(Path("/proc/mounts").read_text().splitlines()),
        "network devices": _lines("ip", "-brief", "link"),
        "addresses": _lines("ip", "-brief", "address"),
        "routes": _lines("ip", "route", "show", "table", "all"),
        "rules": _lines("ip", "rule"),
        "firewall": _firewall(),
        "control groups": _control_groups(control_group),
        "files": _files(),
        "hosts": Path("/etc/hosts").read_text().splitlines(),
        "settings": [f"{name}={_setting(name)}" for name in SETTINGS],
    }


def _lines(*command: str) -> list[str]:
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return sorted(line.strip() for line in done.stdout.splitlines())


def _firewall() -> list[str]:
    rules = [*_lines("iptables-save"), *_lines("ip6tables-save")]
    return [re.sub(r"\[\d+:\d+\]", "", rule) for rule in rules if not rule.startswith("#")]


def _control_groups(own: str) -> list[str]:
    # Unlike a glob, a walk passes over what goes away meanwhile, such as the pods of other clusters.
    groups = (os.path.join(place, name) for place, names, _ in os.walk("/sys/fs/cgroup") for name in names)
    return sorted(group for group in groups if "/kubesaga-" not in group or own in group)


def _files() -> list[str]:
    found = (str(path) for folder in map(Path, WATCHED_FOLDERS) if folder.is_dir() for path in folder.iterdir())
    return sorted(path for path in found if not PASSING.match(path))


def _setting(name: str) -> str:
    file = Path("/proc/sys") / name
    return file.read_text().strip() if file.exists() else "absent"


def processes_in_namespaces_of(holder: Process) -> list[Process]:
    """All processes that share a mount, network or process namespace with this one."""
    own = _namespaces(holder.pid)
    pids = [pid for pid in every_pid() if own & _namespaces(pid)]
    return [process for pid in pids if (process := identify(pid)) is not None]


def _namespaces(pid: int) -> set[str]:
    try:
        return {str((Path("/proc") / str(pid) / "ns" / kind).readlink()) for kind in ("mnt", "net", "pid")}
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return set()
