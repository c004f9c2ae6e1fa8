"""The pages about workflows in Python: their code runs, and the template that a page shows is the one that is made."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest

from kubesaga_sdk.workflow import ExecutionContext, SyncRunner
from tests.docs.pages import manifests, page


def run(name: str, module: str) -> ModuleType:
    """A page's code as a module, but for what is TaskChain's."""
    blocks = re.findall(r"```python\n(.*?)```", page(name), flags=re.DOTALL)
    made = ModuleType(module)
    sys.modules[module] = made
    for block in blocks:
        if "from taskchain" not in block:
            exec(compile(block, module, "exec", dont_inherit=True), vars(made))
    return made


@pytest.fixture(autouse=True)
def modules() -> Iterator[None]:
    """Whatever a test makes importable is so for that test only."""
    before = set(sys.modules)
    yield
    for name in ("shop", "shop.onboarding", "shop.fulfilment"):
        if name not in before:
            sys.modules.pop(name, None)


def test_the_workflow_of_the_page_runs_and_has_a_template(capsys: pytest.CaptureFixture[str]) -> None:
    found = run("python-workflows", "shop.fulfilment")
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "shipped teapot-1"
    assert said[1].startswith("Succeeded payment-of-")
    assert said[2] == "{'paid': 30}"
    steps = [step["name"] for step in found.workflow.to_template()["spec"]["steps"]]
    assert steps == ["reserve", "payment_charge", "ship"]
    assert found.ProcessOrder().to_template()["metadata"]["name"] == "process-order"


def test_a_declined_card_undoes_the_reservation_of_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    found: Any = run("python-workflows", "shop.fulfilment")
    capsys.readouterr()
    outcome = found.SyncRunner().run(found.workflow, found.ExecutionContext(found.Order("teapot", "expired")))
    assert (outcome.outcome, capsys.readouterr().out) == ("Compensated", "released teapot-1\n")


def test_the_converted_workflow_runs_and_its_template_is_the_one_shown(capsys: pytest.CaptureFixture[str]) -> None:
    found = run("coming-from-taskchain", "shop.onboarding")
    assert capsys.readouterr().out == "", "to import it is to run nothing: each step's pod does"
    assert SyncRunner().run(found.workflow, ExecutionContext(found.Signup("ada@example.com"))).status == "SUCCESS"
    template, _ = manifests(page("coming-from-taskchain"))
    assert found.workflow.to_template(image="shop-handlers:1.0.0") == template


def test_the_pages_list_every_argument_and_every_strategy() -> None:
    import dataclasses

    from kubesaga_sdk.workflow import BackoffStrategy, FailureStrategy, Jitter, RetryPolicy

    text = page("python-workflows")
    named = [field.name for field in dataclasses.fields(RetryPolicy)]
    words = [each.name for kind in (BackoffStrategy, FailureStrategy, Jitter) for each in kind]
    assert [name for name in (*named, *words) if f"`{name}`" not in text] == []
