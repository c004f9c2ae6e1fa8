"""Writes anew what a real API server says in every scenario: ``python -m tests.simulation.contract.record KUBECONFIG``.

To be run against the Kubernetes that Kubesaga is tested with, when a scenario is added or changed.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.simulation.contract.real import RealServer
from tests.simulation.contract.scenarios import SCENARIOS, play
from tests.simulation.contract.transcript import Entry

RECORD = Path(__file__).with_name("kube_apiserver_1_34.json")


def recorded() -> dict[str, list[Entry]]:
    """The transcripts by scenario."""
    transcripts: dict[str, list[Entry]] = json.loads(RECORD.read_text(encoding="utf-8"))
    return transcripts


def write(transcripts: dict[str, list[Entry]]) -> None:
    """One entry to a line, so that a difference is one in the file too."""
    scenarios = []
    for name, entries in transcripts.items():
        lines = ",\n".join("  " + json.dumps(entry, ensure_ascii=False, sort_keys=True) for entry in entries)
        scenarios.append(f" {json.dumps(name)}: [\n{lines}\n ]")
    RECORD.write_text("{\n" + ",\n".join(scenarios) + "\n}\n", encoding="utf-8")


def main(kubeconfig: Path, names: list[str]) -> None:
    """Record the scenarios of these names, or all."""
    server = RealServer(kubeconfig)
    before = recorded() if RECORD.exists() and names else {}
    with server.serving():
        said = {name: play(name, server) for name in names or SCENARIOS}
    write({name: said[name] if name in said else before[name] for name in SCENARIOS if name in said or name in before})


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
