"""`python -m hack.demo.local FOLDER`: the example's three orders without a cluster, by `kubesaga run` on this machine.

Starts the warehouse that the handlers talk to as a process of its own, shows each order's way, and what is in the books
afterwards. State and logs are in the folder, which is emptied first. Exit code 0 when every order ended as the example
says, 1 when one did not.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hack.cluster.paths import CHECKOUT
from hack.demo.summary import Object, ledger_table

EXAMPLE = Path("examples") / "order-fulfillment"
HANDLERS = Path("handlers_image") / "examples"
KUBESAGA = Path(sys.executable).with_name("kubesaga")
EXPECTED = {
    "order-succeeds": (0, "The bank is busy at the first try; the second one goes through."),
    "order-compensated": (11, "The shipper refuses; what was done is undone in reverse order."),
    "order-refused": (14, "Breaks the input schema; no program is started for it."),
}
NEXT = f"""\
What to try next:

  kubesaga() {{ .venv/bin/kubesaga "$@"; }}
  kubesaga run examples/data-pipeline --task hot-day --handlers {HANDLERS}
  kubesaga run examples/data-pipeline --task hot-day --handlers {HANDLERS} --name rehearsal --seed 3 --fast
  kubesaga run examples/approval --task claim-large --handlers {HANDLERS}      # asks you
  kubesaga run --help
  make demo                                                                    # the same orders on a cluster
"""


def main() -> int:
    """Run the demo; returns the process's exit code."""
    folder = Path(sys.argv[1]).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        with _warehouse(folder) as port:
            unexpected = [name for name in EXPECTED if not _run(name, folder, port)]
            print("\nThe warehouse's ledger\n")
            print(ledger_table(_ledger(port)))
    except KeyboardInterrupt:
        return 130
    print(f"\n{NEXT}")
    for name in unexpected:
        print(f"error: {name} should have ended with exit code {EXPECTED[name][0]}", file=sys.stderr)
    return 1 if unexpected else 0


def _run(name: str, folder: Path, port: str) -> bool:
    """One order; whether it ended as it should."""
    code, what = EXPECTED[name]
    print(f"\n$ kubesaga run {EXAMPLE} --task {name} --handlers {HANDLERS}\n# {what}", flush=True)
    command = [
        str(KUBESAGA), "run", str(EXAMPLE), "--task", name, "--handlers", str(HANDLERS),
        "--state", str(folder / "runs.db"),
    ]  # fmt: skip
    return subprocess.run(command, cwd=CHECKOUT, env=_environment(port), check=False).returncode == code


def _environment(port: str) -> dict[str, str]:
    """What Kubernetes tells a pod of the Service named warehouse."""
    return {**os.environ, "WAREHOUSE_SERVICE_HOST": "127.0.0.1", "WAREHOUSE_SERVICE_PORT": port}


@contextmanager
def _warehouse(folder: Path) -> Iterator[str]:
    """The warehouse on a free port of the loopback; its books go with the folder."""
    environment = {"WAREHOUSE_LISTEN": "127.0.0.1:0", "WAREHOUSE_DATABASE": str(folder / "warehouse.db")}
    process = subprocess.Popen(
        [sys.executable, "-m", "order_fulfillment.warehouse"],
        cwd=CHECKOUT / HANDLERS,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().rstrip().rpartition(":")[2]
        finally:
            process.terminate()


def _ledger(port: str) -> list[Object]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{port}/ledger") as response:
        entries: list[Object] = json.load(response)
    return entries


if __name__ == "__main__":
    sys.exit(main())
