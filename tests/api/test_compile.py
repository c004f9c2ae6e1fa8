"""From a template to the engine's plan, and to the content that a revision pins."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from kubesaga.api.compile import compile_plan, content_hash, effective_template
from kubesaga.api.input_schema import InvalidSchemaError
from kubesaga.api.models import TaskTemplateSpec
from kubesaga.engine.plan import Compensation, Plan, RetryPolicy, Step, Violation
from kubesaga.engine.vocabulary import Backoff, CompensationWhen, FailureStrategy, Jitter, RunningSteps


def spec(*steps: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"version": "1.0.0", "steps": list(steps), **fields}


def step(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "handler": {"callable": f"shop:{name.title()}"}, **fields}


def plan(*steps: dict[str, Any], **fields: Any) -> Plan:
    return compile_plan(TaskTemplateSpec.read(spec(*steps, **fields)))


def test_a_step_that_says_nothing_gets_the_engines_defaults() -> None:
    assert plan(step("a")) == Plan(steps=(Step("a"),))


def test_everything_that_a_template_says_is_in_the_plan() -> None:
    compiled = plan(
        step("a"),
        step("b", priority=3, continueOnError=True),
        step(
            "c",
            dependsOn=["a"],
            runAfter=["b"],
            startTimeout="90s",
            retry={
                "maxAttempts": 7,
                "backoff": "Linear",
                "initialInterval": "500ms",
                "factor": 3,
                "maxInterval": "1h",
                "jitter": "Full",
            },
            compensation={"when": "Succeeded", "retry": {"maxAttempts": 9}},
        ),
        failureStrategy="Compensate",
        runningSteps="Terminate",
        blockedTimeout="1m",
        timeout="1h30m",
        parallelism=2,
    )
    assert compiled == Plan(
        steps=(
            Step("a"),
            Step("b", priority=3, continue_on_error=True),
            Step(
                "c",
                depends_on=("a",),
                run_after=("b",),
                retry=RetryPolicy(7, Backoff.LINEAR, 0.5, 3.0, 3600.0, Jitter.FULL),
                start_timeout=90.0,
                compensation=Compensation(CompensationWhen.SUCCEEDED, RetryPolicy(9), 90.0),
            ),
        ),
        failure_strategy=FailureStrategy.COMPENSATE,
        running_steps=RunningSteps.TERMINATE,
        blocked_timeout=60.0,
        timeout=5400.0,
        parallelism=2,
    )


def test_a_step_overrides_the_defaults_field_by_field() -> None:
    compiled = plan(
        step("a", retry={"initialInterval": "2s"}),
        step("b", startTimeout="1m", compensation={"retry": {"backoff": "None"}}),
        defaults={"retry": {"maxAttempts": 5, "backoff": "Fixed"}, "startTimeout": "2m"},
    )
    a, b = compiled.steps
    assert a.retry == RetryPolicy(5, Backoff.FIXED, initial_interval=2.0)
    assert a.start_timeout == 120.0
    assert b.retry == RetryPolicy(5, Backoff.FIXED)
    assert b.start_timeout == 60.0
    assert b.compensation == Compensation(retry=RetryPolicy(5, Backoff.NONE), start_timeout=60.0)


def test_the_input_schema_becomes_the_plans_check() -> None:
    compiled = plan(step("a"), inputSchema={"required": ["customer"]})
    assert compiled.check_input({}) == [Violation("", '"customer" is a required property')]
    assert compiled.check_input({"customer": 1}) == []


def test_a_schema_that_cannot_be_used_is_refused() -> None:
    with pytest.raises(InvalidSchemaError, match=r"inputSchema/\$ref"):
        plan(step("a"), inputSchema={"$ref": "https://example.com/x.json"})


def test_the_pinned_content_writes_the_built_in_defaults_out() -> None:
    content = effective_template(spec(step("a")), name="order", default_image="handlers:1")
    assert content["name"] == "order"
    assert content["domain"] == "default"
    assert content["defaults"] == {
        "image": "handlers:1",
        "retry": {
            "maxAttempts": 3,
            "backoff": "Exponential",
            "initialInterval": "1s",
            "factor": 2.0,
            "maxInterval": "30s",
            "jitter": "None",
        },
        "startTimeout": "10m",
    }


def test_what_the_template_says_goes_before_what_the_operator_has() -> None:
    written = spec(step("a"), name="order", defaults={"image": "mine:1", "retry": {"maxAttempts": 1}})
    content = effective_template(written, name="other", default_image="handlers:1")
    assert content["name"] == "order"
    assert content["defaults"]["image"] == "mine:1"
    assert content["defaults"]["retry"]["maxAttempts"] == 1


def test_the_pinned_content_is_a_template_that_pins_to_itself() -> None:
    content = effective_template(spec(step("a"), step("b", dependsOn=["a"])), name="order")
    assert effective_template(content) == content
    pinned = compile_plan(TaskTemplateSpec.model_validate(content))
    assert pinned == plan(step("a"), step("b", dependsOn=["a"]))


def test_the_hash_tells_contents_apart_and_nothing_else() -> None:
    one = effective_template(spec(step("a"), name="order"))
    same = effective_template({**spec(step("a", retry=None), name="order"), "failureStrategy": "Abort"})
    other = effective_template(spec(step("a", priority=1), name="order"))
    assert content_hash(one) == content_hash(dict(reversed(same.items())))
    assert content_hash(one) != content_hash(other)
    assert len(content_hash(one)) == 64


def test_a_template_of_the_wrong_shape_cannot_be_pinned() -> None:
    with pytest.raises(ValidationError):
        effective_template({"version": "1.0.0"})


@pytest.mark.parametrize(
    "written",
    [
        spec(step("a", priority="1")),
        spec(step("a", continueOnError="yes")),
        spec(step("a"), parallelism=2.5),
        spec(step("a"), description=1),
    ],
)
def test_a_template_is_read_as_strictly_as_the_api_server_does(written: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TaskTemplateSpec.read(written)


def test_a_null_counts_as_absent_but_not_in_what_is_the_users() -> None:
    written = spec(step("a", retry=None, priority=None), failureStrategy=None)
    written["steps"][0]["handler"]["config"] = {"region": None}
    read = TaskTemplateSpec.read(written)
    assert read.failure_strategy is FailureStrategy.ABORT
    assert read.steps[0].priority == 0
    assert read.steps[0].handler is not None
    assert read.steps[0].handler.config == {"region": None}
