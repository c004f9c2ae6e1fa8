"""The pytest plugin: golden histories.

pytest loads it by its entry point wherever this SDK is installed. The rest of the kit is plain functions.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.register_assert_rewrite("kubesaga_sdk.testing.template_run")

_OPTION = "--update-histories"
_OWNERS = pytest.StashKey[dict[Path, str]]()
"""Golden file → the test that it is named after."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option that writes the golden files."""
    group = parser.getgroup("kubesaga")
    group.addoption(_OPTION, action="store_true", help="write golden histories anew, to be read before they count")


@pytest.fixture
def golden_history(request: pytest.FixtureRequest) -> Callable[..., None]:
    """Compares a run with its golden file: ``golden_history(run)``, ``golden_history(run, "name")``.

    The file is ``histories/<name>.json`` beside the test's own, by default named after the test.
    ``pytest --update-histories`` writes it.
    """

    def compare(run: Any, name: str | None = None) -> None:
        __tracebackhide__ = True
        file = Path(request.path).parent / "histories" / f"{(name or request.node.name).replace('/', '_')}.json"
        if name is None:
            owner = request.config.stash.setdefault(_OWNERS, {}).setdefault(file, request.node.nodeid)
            if owner != request.node.nodeid:
                pytest.fail(f"{file} is that of {owner} already: give this one a name, golden_history(run, 'name')")
        found = json.dumps(run.history(), indent=2, ensure_ascii=False) + "\n"
        if request.config.getoption(_OPTION):
            file.parent.mkdir(exist_ok=True)
            file.write_text(found, "utf-8")
        elif not file.exists():
            pytest.fail(f"{file}: there is no such golden history; write it with: pytest {_OPTION}")
        known = json.loads(file.read_text("utf-8"))
        assert json.loads(found) == known, f"other than {file} says; if that is meant: pytest {_OPTION}"

    return compare
