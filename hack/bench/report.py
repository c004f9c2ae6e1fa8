"""The document that the benchmark prints: figures beside their targets, and what they were measured on."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kubesaga import __version__

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Target:
    """What one number is promised to be at most."""

    of: str
    measured: float
    limit: float
    below: bool = False
    """The promise is "less than", not "at most"."""

    @property
    def met(self) -> bool:
        """Whether the promise holds."""
        return self.measured < self.limit if self.below else self.measured <= self.limit

    def write(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "of": self.of,
            "measured": round(self.measured, 4),
            "target": f"{'<' if self.below else '<='} {self.limit:g}",
            "met": self.met,
        }


@dataclass(frozen=True)
class Figure:
    """One figure: what was measured, in words; the numbers, by name with their unit in it; and the promises."""

    name: str
    what: str
    numbers: dict[str, Any]
    targets: Sequence[Target] = field(default_factory=tuple)

    @property
    def met(self) -> bool:
        """Whether all promises hold."""
        return all(target.met for target in self.targets)

    def write(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "name": self.name,
            "what": self.what,
            **self.numbers,
            "targets": [target.write() for target in self.targets],
            "met": self.met,
        }


def unmeasured(name: str, why: str) -> dict[str, Any]:
    """What stands in a figure's place when it could not be measured."""
    return {"name": name, "error": why, "met": False}


def versions() -> dict[str, str]:
    """What was measured, as far as this machine's side knows."""
    return {
        "kubesaga": __version__,
        "commit": _commit(),
        "python": platform.python_version(),
    }


def machine() -> dict[str, Any]:
    """What it was measured on. `loadBefore` is the one-minute load average: another's work spoils the figures."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "memoryMiB": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        "system": f"{platform.system()} {platform.release()}",
        "loadBefore": round(os.getloadavg()[0], 2),
    }


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def _commit() -> str:
    """The checkout's commit, with a + when there are changes on top of it."""
    command = ["git", "-C", str(CHECKOUT), "describe", "--always", "--dirty=+", "--abbrev=12"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return "unknown"
    return answer.stdout.strip() or "unknown"


def summary(document: dict[str, Any]) -> str:
    """The targets as lines for a person: what was measured, what was promised, and whether it holds."""
    lines = []
    for figure in document["figures"]:
        if "error" in figure:
            lines.append(f"  {figure['name']}: not measured: {figure['error']}")
        for target in figure.get("targets", ()):
            mark = "met" if target["met"] else "MISSED"
            lines.append(f"  {figure['name']}: {target['of']} {target['measured']:g} ({target['target']}) {mark}")
    return "\n".join(lines)


def fail(message: str) -> int:
    """Say why there is no document; the command's exit status."""
    print(f"bench: {message}", file=sys.stderr)
    return 1
