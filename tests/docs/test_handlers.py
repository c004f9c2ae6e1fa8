"""docs/handlers.md does what it shows: its files are written, its commands run, its tables are those of the code."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from kubesaga_sdk import ApiHandler, ApiResponse, StepContext, StepHandler, errors, http_status
from kubesaga_sdk.api_response import ERRORS
from kubesaga_sdk.contract import EVENT_FIELD, EVENT_LIMIT
from kubesaga_sdk.loader import load
from tests.docs.pages import ROOT, findings, manifests, page

PAGE = page("handlers")
CONTRACT = page("step-contract")
FILES = dict(re.findall(r"```python\n# (\w+\.py)\n(.*?)```", PAGE, flags=re.DOTALL))
CONSOLE = re.findall(r"```console\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with the files of the page."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_every_python_block_is_a_file() -> None:
    assert len(FILES) == PAGE.count("```python\n") >= 6


@pytest.mark.parametrize("block", CONSOLE)
def test_the_commands_print_what_the_page_shows(project: Path, block: str) -> None:
    shown = re.findall(r"^\$ (.*)\n((?:[^$].*\n)*)", block, flags=re.MULTILINE)
    assert len(shown) >= 1
    for command, printed in shown:
        ran = subprocess.run(
            ["sh", "-c", command.replace("python -m", f"{sys.executable} -W error -m")],
            cwd=project,
            env={"PYTHONPATH": str(ROOT / "handlers_image"), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ran.returncode, ran.stdout) == (0, printed), ran.stderr


@pytest.mark.parametrize("name", sorted(FILES))
def test_every_file_can_be_imported_and_its_handlers_loaded(
    project: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(project))
    module = name.removesuffix(".py")
    classes = re.findall(r"^class (\w+)\((?:StepHandler|ApiHandler)\)", FILES[name], flags=re.MULTILINE)
    functions = re.findall(r"^def (\w+)\(.*context", FILES[name], flags=re.MULTILINE)
    handlers = classes or functions
    assert handlers
    for each in handlers:
        load(f"{module}:{each}", "call")
    monkeypatch.delitem(sys.modules, module)


def test_the_template_passes_the_checks() -> None:
    found = list(manifests(PAGE))
    assert len(found) == 1
    assert findings(found[0]) == []


def test_the_statuses_are_those_of_the_api_handler() -> None:
    rows = re.findall(r"^\| ([\d, ]+) \| `(\w+)` \| (yes|no)", PAGE, flags=re.MULTILINE)
    listed: set[int] = set()
    for statuses, name, again in rows:
        for status in map(int, re.findall(r"\d+", statuses)):
            listed.add(status)
            plain = name.replace("StepTimeout", "Timeout").replace("StepValidation", "Validation")
            assert type(ApiResponse(status, {}, b"").error()) is getattr(errors, plain)
            assert http_status.is_retryable(status) is (again == "yes")
    assert listed == set(ERRORS) | {425}


def test_what_the_tables_say_a_context_has_is_there() -> None:
    table = PAGE.split("| Of the context |")[1].split("\n\n")[0]
    cells = re.findall(r"^\| (`.+?) \|", table, flags=re.MULTILINE)
    named = {word for cell in cells for word in re.findall(r"`(\w+)[`(]", cell)}
    public = {name for name in dir(StepContext) if not name.startswith("_")}
    assert named <= public
    assert len(named) > 20


def test_the_methods_that_are_named_are_there() -> None:
    for name in ("get", "post", "put", "patch", "delete", "request", "api_success", "api_failure"):
        assert f"`{name}" in PAGE or f".{name}(" in PAGE
        assert hasattr(ApiHandler, name)
    assert hasattr(StepHandler, "handler_namespace")


def test_an_event_looks_as_the_contract_shows_it() -> None:
    (shown,) = (json.loads(line) for line in re.findall(r'^\{"ts".*\}$', CONTRACT, flags=re.MULTILINE))
    assert list(shown[EVENT_FIELD]) == ["name", "sequence", "payload"]
    assert f"at most {EVENT_LIMIT} bytes" in CONTRACT
    rows = re.findall(r"^\| `(\w+)` \|", CONTRACT.split("\n## Events\n")[1].split("\n## ")[0], flags=re.MULTILINE)
    assert rows == ["name", "sequence", "payload", "omittedBytes"]
