"""What a template does differently in the operator's environment."""

from __future__ import annotations

from typing import Any

import pytest

from kubesaga.api.environments import in_environment
from kubesaga.api.models import TaskTemplateSpec


def template(overrides: list[dict[str, Any]], *steps: dict[str, Any], **fields: Any) -> TaskTemplateSpec:
    written = {"version": "1.0.0", "steps": list(steps), "environments": {"prod": {"steps": overrides}}, **fields}
    return TaskTemplateSpec.read(written)


def step(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "handler": {"callable": "shop:Charge", "config": {"url": {"host": "a", "port": 1}}}, **fields}


def in_prod(overrides: list[dict[str, Any]], *steps: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return in_environment(template(overrides, *steps, **fields), "prod").write()


def test_a_steps_config_is_merged_its_retry_field_by_field_and_its_timeout_replaced() -> None:
    override: dict[str, Any] = {
        "name": "a",
        "handler": {"config": {"url": {"host": "b"}, "key": 1}},
        "retry": {"maxAttempts": 9, "rules": [{"onExitCodes": [3], "action": "Fail"}]},
        "timeout": "9m",
    }
    rules = [{"onExitCodes": [1], "action": "Retry"}, {"onExitCodes": [2], "action": "Retry"}]
    retry = {"maxAttempts": 2, "backoff": "Fixed", "rules": rules}
    changed, other = in_prod([override], step("a", retry=retry, timeout="1m"), step("b", timeout="1m"))["steps"]
    assert changed["handler"]["config"] == {"url": {"host": "b", "port": 1}, "key": 1}
    assert changed["handler"]["callable"] == "shop:Charge"
    assert changed["retry"] == {**override["retry"], "backoff": "Fixed"}
    assert changed["timeout"] == "9m"
    assert other == TaskTemplateSpec.read({"version": "1.0.0", "steps": [step("b", timeout="1m")]}).write()["steps"][0]


def test_what_is_said_of_a_step_goes_over_what_is_said_of_all_whatever_their_order() -> None:
    overrides: list[dict[str, Any]] = [
        {"name": "a", "handler": {"config": {"key": "own"}}, "timeout": "2m"},
        {"name": "ALL", "handler": {"config": {"key": "all", "more": 1}}, "timeout": "1m", "retry": {"maxAttempts": 4}},
    ]
    for order in (overrides, overrides[::-1]):
        a, b = in_prod(order, step("a"), step("b"))["steps"]
        assert (a["timeout"], b["timeout"]) == ("2m", "1m")
        assert (a["handler"]["config"]["key"], b["handler"]["config"]["key"]) == ("own", "all")
        assert a["handler"]["config"]["more"] == 1
        assert a["retry"] == b["retry"] == {"maxAttempts": 4}


def test_the_steps_of_finally_have_environments_too() -> None:
    overrides: list[dict[str, Any]] = [
        {"name": "notify", "timeout": "9m"},
        {"name": "ALL", "retry": {"maxAttempts": 4}},
    ]
    written = in_prod(overrides, step("a"), **{"finally": [step("notify"), step("clean")]})
    notify, clean = written["finally"]
    assert (notify["timeout"], clean.get("timeout")) == ("9m", None)
    assert notify["retry"] == clean["retry"] == {"maxAttempts": 4}


def test_all_means_the_steps_that_run_a_program() -> None:
    ship = {"name": "ship", "task": {"templateRef": {"name": "shipping"}}}
    ask = {"name": "ask", "approval": {"timeout": "1h"}}
    pack = {"name": "pack", "container": {"image": "x"}}
    overrides: list[dict[str, Any]] = [
        {"name": "ALL", "timeout": "1m", "retry": {"maxAttempts": 4}, "handler": {"config": {"key": 1}}},
        {"name": "ship", "retry": {"maxAttempts": 2}},
    ]
    shipped, asked, packed = in_prod(overrides, ship, ask, pack)["steps"]
    assert shipped["retry"] == {"maxAttempts": 2}
    assert "timeout" not in shipped
    assert asked.keys() & {"timeout", "retry"} == set()
    assert (packed["timeout"], packed["retry"]) == ("1m", {"maxAttempts": 4})
    assert "handler" not in packed


@pytest.mark.parametrize("environment", [None, "", "staging"])
def test_elsewhere_nothing_is_different_and_no_environment_remains(environment: str | None) -> None:
    given = template([{"name": "ALL", "timeout": "9m"}], step("a"))
    made = in_environment(given, environment)
    assert made.environments is None
    assert made.steps == given.steps


def test_a_template_without_environments_stays_as_it_is() -> None:
    given = TaskTemplateSpec.read({"version": "1.0.0", "steps": [step("a")]})
    assert in_environment(given, "prod") == given


def test_the_template_that_was_given_is_not_changed() -> None:
    given = template([{"name": "a", "handler": {"config": {"url": {"host": "b"}}}}], step("a"))
    before = given.write()
    in_environment(given, "prod")
    assert given.write() == before
