"""The pytest plugin, in a pytest of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sdk.support import PYTHON_PATH

pytestmark = pytest.mark.slow

TEST = """
import pytest

from kubesaga_sdk.testing import run_template

FLOW = {"apiVersion": "kubesaga.dev/v1alpha1", "kind": "TaskTemplate", "metadata": {"name": "flow"},
        "spec": {"version": "1.0.0", "steps": [{"name": "a", "handler": {"callable": "x:Y"}}]}}


@pytest.mark.parametrize("way", ["a/b"])
def test_flow(golden_history, way):
    golden_history(run_template(FLOW, stubs={"a": RESULT}))
"""


def pytest_in(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    environment = {"PYTHONPATH": PYTHON_PATH, "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_a_golden_history_is_written_kept_and_defended(tmp_path: Path) -> None:
    test = tmp_path / "test_flow.py"
    test.write_text(TEST.replace("RESULT", "1"))
    missing = pytest_in(tmp_path)
    assert missing.returncode == 1
    assert "--update-histories" in missing.stdout
    assert pytest_in(tmp_path, "--update-histories").returncode == 0
    written = json.loads((tmp_path / "histories" / "test_flow[a_b].json").read_text())
    assert written["(root)"]["steps"]["a"]["outcome"] == "Succeeded"
    assert pytest_in(tmp_path).returncode == 0
    test.write_text(TEST.replace("RESULT", "ValueError()"))
    other = pytest_in(tmp_path)
    assert other.returncode == 1
    assert "Aborted" in other.stdout


def test_two_tests_of_one_name_do_not_share_a_golden_history(tmp_path: Path) -> None:
    for module in ("test_first.py", "test_second.py"):
        (tmp_path / module).write_text(TEST.replace("RESULT", "1"))
    written = pytest_in(tmp_path, "--update-histories")
    assert written.returncode == 1
    assert "is that of test_first.py::test_flow[a/b] already: give this one a name" in written.stdout
    second = (tmp_path / "test_second.py").read_text()
    (tmp_path / "test_second.py").write_text(second.replace('stubs={"a": 1}))', "stubs={\"a\": 1}), 'second')"))
    assert pytest_in(tmp_path, "--update-histories").returncode == 0
    assert sorted(file.name for file in (tmp_path / "histories").iterdir()) == ["second.json", "test_flow[a_b].json"]
