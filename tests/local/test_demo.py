"""``make demo-local``: the example's three orders come out as they should, without a cluster."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hack.cluster.paths import CHECKOUT


@pytest.mark.slow
def test_the_three_orders_end_as_the_example_says(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "hack.demo.local", str(tmp_path / "demo")],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "order-succeeds: Succeeded: all 5 steps done" in done.stdout
    assert "undone, in this order: ship_order, " in done.stdout
    assert "order-refused: InvalidRequest:" in done.stdout
    assert "refund   amount 4990, customer mallory" in done.stdout
