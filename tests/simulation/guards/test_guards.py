"""Every guarantee is broken by a story that its guard objects to: forged ones, and one of an operator that fails."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

from kubesaga.api import constants as c
from kubesaga.runtime import reconcile
from tests.guarantees.breach import Breach, Violation
from tests.guarantees.identifiers import Guarantee
from tests.simulation.plan import Obj, Plan, Submit
from tests.simulation.simulation import play

TESTS = sorted(Path(__file__).parent.glob("test_guards*.py"))


def broken() -> Iterator[Guarantee]:
    """What forged stories break."""
    for test in TESTS:
        for node in ast.walk(ast.parse(test.read_text("utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "breaks":
                assert isinstance(node.args[0], ast.Attribute)
                yield Guarantee[node.args[0].attr]


def plan() -> Plan:
    """One Task of one step, and nothing that goes wrong."""
    step: Obj = {"name": "a", "handler": {"callable": "a:B"}}
    spec = {"version": "1.0.0", "defaults": {"image": "img"}, "steps": [step]}
    template = {"apiVersion": c.API_VERSION, "kind": c.TEMPLATE_KIND, "metadata": {"name": "flow"}, "spec": spec}
    task = {**template, "kind": c.TASK_KIND, "metadata": {"name": "t"}, "spec": {"templateRef": {"name": "flow"}}}
    return Plan("one step", 1, (template,), (Submit(2.0, task),))


def test_every_guarantee_is_broken_by_a_story() -> None:
    by_an_operator = {Guarantee.OPERATOR_SURVIVES}
    assert set(broken()) == set(Guarantee) - by_an_operator


def test_an_operator_whose_own_code_fails_is_accused() -> None:
    def fail(*_: Any) -> Any:
        raise ZeroDivisionError("a fault of ours")

    assert play(plan()).violation is None
    with patch.object(reconcile, "decide", fail):
        violation = play(plan()).violation
    assert violation is not None
    assert violation.guarantee == Guarantee.OPERATOR_SURVIVES
    assert "a fault of ours" in str(violation)


def test_a_violation_says_what_where_and_when() -> None:
    breach = Breach(Guarantee.DONE_WORK_IS_KEPT, "Task default/t, step a, attempt 1", "result was 1 and is 2")
    violation = Violation.of(breach, 12.5)
    assert str(violation) == "done-work-is-kept at 12.500: Task default/t, step a, attempt 1: result was 1 and is 2"
    assert (violation.guarantee, violation.at) == ("done-work-is-kept", 12.5)
