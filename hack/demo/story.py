"""The story as it happens: one line for each change of a Task, as `kubectl get ktask -w` would tell it."""

from __future__ import annotations

import time

from hack.demo.cluster import TASKS, Cluster, DemoError

PATIENCE = 180.0
"""Seconds until the demo gives up on a Task."""

_FIELDS = (".metadata.name", ".status.state", ".status.outcome", ".status.progress", ".status.message")
_LINE = "jsonpath=" + '{"|"}'.join(f"{{{field}}}" for field in _FIELDS) + r'{"\n"}'
_LONGEST_MESSAGE = 110


def tell(cluster: Cluster, tasks: set[str]) -> None:
    """Print every change until all of these Tasks have ended. Raises DemoError where one does not."""
    started, going, last = time.monotonic(), set(tasks), dict[str, str]()
    with cluster.lines(PATIENCE, "get", TASKS, "--watch", "-o", _LINE) as lines:
        for line in lines:
            name, state, outcome, progress, message = line.rstrip("\n").split("|", 4)
            if not state or last.get(name) == line:
                continue
            last[name] = line
            print(_told(time.monotonic() - started, name, outcome or state, progress, message), flush=True)
            if outcome:
                going.discard(name)
            if not going:
                return
    raise DemoError(_stuck(going))


def _told(seconds: float, name: str, state: str, progress: str, message: str) -> str:
    if len(message) > _LONGEST_MESSAGE:
        message = message[: _LONGEST_MESSAGE - 1] + "…"
    return f"{seconds:5.1f} s  {name:18} {state:24} {progress:5} {message}".rstrip()


def _stuck(names: set[str]) -> str:
    return (
        f"{', '.join(sorted(names))} did not end within {PATIENCE:.0f} s; look at `kubectl -n kubesaga-demo describe "
        "ktask`, and at the operator's log: `kubectl -n kubesaga-system logs deployment/kubesaga`"
    )
