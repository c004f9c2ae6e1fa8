"""The SDK, and the handlers of examples/container-only in sh and JavaScript, do what a step has to do."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.contract.cases import CASES, Case

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "container-only"
SDK_CALLABLE = "tests.contract.subject:Asked"


def _node() -> str:
    found = shutil.which("node")
    if found is None:
        pytest.fail(
            "node is not on the PATH: install Node.js 18 or newer (Debian: apt-get install nodejs), which runs "
            "examples/container-only/handler.mjs",
            pytrace=False,
        )
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
class TestEveryProgramPasses:
    def test_a_handler_on_the_sdk(self, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT / "handlers_image"), str(ROOT)]))
        assert case.fault([sys.executable, "-m", "kubesaga_sdk"], SDK_CALLABLE) is None

    def test_the_examples_shell_script(self, case: Case) -> None:
        assert case.fault(["sh", str(EXAMPLE / "handler.sh")], None) is None

    def test_the_examples_node_script(self, case: Case) -> None:
        assert case.fault([_node(), str(EXAMPLE / "handler.mjs")], None) is None
