"""The one thing of a node that namespaces do not contain: its control groups, made before and removed after it."""

from __future__ import annotations

import time
from pathlib import Path

from hack.cluster.errors import ClusterError

MOUNT = Path("/sys/fs/cgroup")


def hierarchies() -> list[Path]:
    """Where control groups can be made: one place with cgroup v2, one per controller with v1."""
    if (MOUNT / "cgroup.procs").exists():
        return [MOUNT]
    return sorted(path.parent for path in MOUNT.glob("*/cgroup.procs") if not path.parent.is_symlink())


def create(name: str) -> None:
    """Make a control group of that name everywhere, which the kubelet then makes the pods' groups in."""
    for hierarchy in hierarchies():
        (hierarchy / name).mkdir(exist_ok=True)


def remove(name: str, seconds: float = 60.0) -> None:
    """Remove the control groups of that name and all below. Their processes have been ended already."""
    deadline = time.monotonic() + seconds
    for root in (hierarchy / name for hierarchy in hierarchies()):
        if root.exists():
            below = (path for path in root.rglob("*") if path.is_dir())
            for group in sorted([root, *below], reverse=True):
                remove_one(group, deadline)


def remove_one(group: Path, deadline: float) -> None:
    """Remove one control group; the kernel needs a moment to notice that its last process is gone."""
    while group.exists():
        try:
            group.rmdir()
        except OSError as busy:
            if time.monotonic() > deadline:
                raise ClusterError(f"control group {group} cannot be removed: {busy}") from busy
            time.sleep(0.01)
