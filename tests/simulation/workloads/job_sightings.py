"""What watches show of one Job and its pods, in words, without what differs from run to run.

Used by the contract that the simulated workloads and a real cluster both keep (``job_cases``): both tell a
``Sightings`` of every event, and the lines that come of it are compared with those that a case expects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.workloads.job_pods import is_tracked
from tests.simulation.workloads.pod_status import DISRUPTION, condition, holds, is_terminal, phase_of

Obj = dict[str, Any]

_COUNTS = ("active", "terminating", "succeeded", "failed")


@dataclass(frozen=True)
class Maybe:
    """A line that need not be seen, and why not."""

    line: str
    why: str


@dataclass(frozen=True)
class OneOf:
    """One of these lines is seen, and why it is not always the same."""

    lines: tuple[str, ...]
    why: str


Line = str | Maybe | OneOf


@dataclass
class Sightings:
    """Told of every event in order; ``jobs`` and ``pods`` have the lines, neighbours that are alike taken together."""

    job: list[str] = field(default_factory=list)
    pods: dict[str, list[str]] = field(default_factory=dict)
    news: int = 0
    job_now: Obj | None = None
    pods_now: dict[str, Obj] = field(default_factory=dict)

    def see(self, resource: str, type_: str, obj: Obj) -> None:
        """One event of a watch."""
        if resource == "jobs":
            lines, line = self.job, job_line(type_, obj)
            self.job_now = None if type_ == "DELETED" else obj
        else:
            name = obj["metadata"]["name"]
            lines, line = self.pods.setdefault(name, []), pod_line(type_, obj)
            self.pods_now[name] = obj
            if type_ == "DELETED":
                del self.pods_now[name]
        if not lines or lines[-1] != line:
            lines.append(line)
            self.news += 1

    @property
    def newest_pod(self) -> Obj | None:
        """The pod that was seen first last, if it is still there."""
        return self.pods_now.get(list(self.pods)[-1]) if self.pods else None

    @property
    def is_over(self) -> bool:
        """Whether nothing of the Job runs or will run."""
        job_is_over = self.job_now is None or any(has(self.job_now, end) for end in ("Complete", "Failed"))
        return bool(self.job) and job_is_over and all(map(is_terminal, self.pods_now.values()))

    @property
    def leftovers(self) -> list[str]:
        """The pods that are there at the end and still tracked."""
        return [name for name, pod in self.pods_now.items() if is_tracked(pod)]


def has(job: Obj, type_: str) -> bool:
    """Whether the Job's condition of that type is True."""
    conditions = (job.get("status") or {}).get("conditions") or ()
    return any(each["type"] == type_ and each["status"] == "True" for each in conditions)


def job_line(type_: str, job: Obj) -> str:
    """A Job in words."""
    if type_ == "DELETED":
        return "gone"
    status = job.get("status") or {}
    words = ["deleted"] if job["metadata"].get("deletionTimestamp") else []
    words += [f"{name} {status[name]}" for name in _COUNTS if status.get(name)]
    for each in status.get("conditions") or ():
        words.append(each["type"] + ("" if each["status"] == "True" else "=False") + f":{each.get('reason')}")
    return ", ".join(words) or "new"


def pod_line(type_: str, pod: Obj) -> str:
    """A pod in words."""
    if type_ == "DELETED":
        return "gone"
    status = pod.get("status") or {}
    words = [phase_of(pod), *(["bound"] if pod["spec"].get("nodeName") else [])]
    if status.get("reason"):
        words.append(status["reason"])
    if pod["metadata"].get("deletionTimestamp"):
        words.append("deleted")
    if holds(pod, DISRUPTION):
        words.append((condition(pod, DISRUPTION) or {})["reason"])
    if (condition(pod, "PodScheduled") or {}).get("reason"):
        words.append("Unschedulable")
    words += [_container(each["state"]) for each in status.get("containerStatuses") or ()]
    return ", ".join(words)


def _container(state: Obj) -> str:
    if "running" in state:
        return "running"
    if "waiting" in state:
        return str(state["waiting"]["reason"])
    ended = state["terminated"]
    said = str(ended.get("message", ""))
    document = f" {said}" if said.startswith("{") else ""  # else the kubelet's own words, or the end of a log
    return f"{ended['reason']} {ended['exitCode']}{document}"


def differs(expected: Sequence[Line], seen: Sequence[str]) -> str | None:
    """How what was seen is not what was expected; None where it is."""
    if _fits(list(expected), list(seen)):
        return None
    wanted = (" or ".join(_words(each)) for each in expected)
    marked = [
        f"  {'(?) ' if isinstance(each, Maybe) else ''}{words}" for each, words in zip(expected, wanted, strict=True)
    ]
    return "\n".join(["expected:", *marked, "seen:", *(f"  {line}" for line in seen)])


def _fits(expected: list[Line], seen: list[str]) -> bool:
    if not expected:
        return not seen
    first, rest = expected[0], expected[1:]
    if seen and seen[0] in _words(first) and _fits(rest, seen[1:]):
        return True
    return isinstance(first, Maybe) and _fits(rest, seen)


def _words(line: Line) -> tuple[str, ...]:
    match line:
        case Maybe():
            return (line.line,)
        case OneOf():
            return line.lines
        case _:
            return (line,)
