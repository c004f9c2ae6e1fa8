"""docs/testing.md does what it shows: its files are written to a folder, and pytest runs them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from kubesaga_sdk import testing
from tests.docs.pages import findings, manifests, page
from tests.sdk.support import PYTHON_PATH

pytestmark = pytest.mark.slow

PAGE = page("testing")
FILES = dict(re.findall(r"```(?:python|yaml)\n# (\S+)\n(.*?)```", PAGE, flags=re.DOTALL))


def test_every_block_is_a_file() -> None:
    assert len(FILES) == PAGE.count("```python\n") + PAGE.count("```yaml\n") == 4


def test_the_tests_of_the_page_pass(tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--update-histories"]
    environment = {"PYTHONPATH": f"{PYTHON_PATH}:{tmp_path}", "PATH": "/usr/bin:/bin"}
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout
    assert f"{PAGE.count('def test_')} passed" in ran.stdout


def test_the_template_passes_the_checks() -> None:
    (template,) = manifests(PAGE)
    assert findings(template) == []


def test_the_page_names_what_the_kit_exports() -> None:
    told = set(re.findall(r"\w+", PAGE))
    assert {name for name in testing.__all__ if name[0].islower()} <= told
