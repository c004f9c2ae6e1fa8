"""`python -m kubesaga_sdk list`: what there is, for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.sdk.support import Ended, StepProcess


def listed(folder: Path, *arguments: str, **environ: str) -> Ended:
    return StepProcess(folder, environ, ("list", *arguments)).end()


def by_callable(ended: Ended) -> dict[str, dict[str, Any]]:
    return {each["callable"]: each for each in json.loads(ended.stdout)["handlers"]}


def test_json_tells_all_about_a_functional_handler(tmp_path: Path) -> None:
    ended = listed(tmp_path, "--json", "functional_handlers")
    assert ended.exit_code == 0
    handlers = by_callable(ended)
    assert handlers["functional_handlers:charge"] == {
        "name": "charge",
        "namespace": "",
        "version": "1.2.0",
        "callable": "functional_handlers:charge",
        "class": "charge",
        "module": "functional_handlers",
        "kind": "function",
        "methods": ["call", "compensate"],
        "async": False,
        "depends_on": {"cart": "validate_cart"},
        "inputs": ["card", "tip"],
        "doc": "Charge a card.",
    }
    assert handlers["functional_handlers:typed"]["inputs"] == ["sku", "quantity", "notes"]
    assert handlers["functional_handlers:charge_later"]["async"] is True
    assert "functional_handlers:lacking" in handlers


def test_json_tells_all_about_a_class(tmp_path: Path) -> None:
    ended = listed(tmp_path, "--json", "registered.cards")
    assert by_callable(ended)["registered.cards:Decorated"] == {
        "name": "of_a_class",
        "namespace": "",
        "version": "3.0.0",
        "callable": "registered.cards:Decorated",
        "class": "Decorated",
        "module": "registered.cards",
        "kind": "class",
        "methods": ["call", "refund"],
        "async": True,
        "depends_on": {},
        "inputs": [],
        "doc": "A class under a name that a decorator gives it.",
    }


def test_the_table_has_a_line_for_each_handler(tmp_path: Path) -> None:
    ended = listed(tmp_path, "travel")
    assert ended.stdout.splitlines() == [
        "NAME            VERSION  METHODS          CALLABLE",
        "Confirm         1.0.0    call,compensate  travel:Confirm         "
        "Turn what is held into a booking; `compensate` cancels it.",
        "Hold            1.0.0    call,compensate  travel:Hold            "
        "Ask for a place and have it held; `compensate` gives it back.",
        "WriteItinerary  1.0.0    call             travel:WriteItinerary  "
        "Put the bookings together: the results of sub-workflows are results as any others.",
    ]


def test_what_could_not_be_loaded_is_an_error_beside_the_rest(tmp_path: Path) -> None:
    ended = listed(tmp_path, "--json", "registered")
    assert ended.exit_code == 1
    assert json.loads(ended.stdout)["failures"] == [
        {"module": "registered.broken", "error": "RuntimeError: no licence for cards"}
    ]
    assert ended.stderr == "error: registered.broken could not be loaded: RuntimeError: no licence for cards\n"
    assert "registered.cards:Named" in by_callable(ended)


def test_what_a_module_prints_is_no_part_of_the_list(tmp_path: Path) -> None:
    (tmp_path / "chatty.py").write_text(
        "from kubesaga_sdk import StepHandler\nprint('hello')\n\n\n"
        "class Mine(StepHandler):\n    def call(self, context): ...\n"
    )
    ended = listed(tmp_path, "--json", "chatty")
    assert set(by_callable(ended)) == {"chatty:Mine"}
    assert ended.stderr == "hello\n"


def test_without_names_it_looks_where_a_step_would(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from kubesaga_sdk import StepHandler\n\n\nclass Mine(StepHandler):\n    def call(self, context): ...\n"
    )
    found = by_callable(listed(tmp_path, "--json"))
    assert {"mine:Mine", "order_fulfillment.handlers:ShipOrder", "sample_handlers:Returns"} <= set(found)
    assert [name for name in found if name.startswith("kubesaga_sdk")] == []
    assert "sample_handlers:Abstract" not in found
    assert set(by_callable(listed(tmp_path, "--json", KUBESAGA_HANDLERS="mine"))) == {"mine:Mine"}
