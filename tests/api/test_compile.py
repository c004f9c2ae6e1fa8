"""From a template to the engine's plan, and to the content that a revision pins."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from kubesaga.api.compile import (
    compile_plan,
    content_hash,
    effective_context,
    effective_options,
    effective_template,
)
from kubesaga.api.expressions import InvalidExpression, compile_condition, compile_expression
from kubesaga.api.input_schema import InvalidSchemaError
from kubesaga.api.models import TaskTemplateSpec
from kubesaga.engine.plan import (
    Approval,
    Compensation,
    ExpressionError,
    Lifecycle,
    Plan,
    RetryPolicy,
    RetryRule,
    Step,
    Violation,
)
from kubesaga.engine.vocabulary import (
    Backoff,
    CompensationWhen,
    FailureStrategy,
    IdentityStrategy,
    Jitter,
    OnTimeout,
    RuleAction,
    RunningSteps,
    StaleAction,
    StepKind,
    TaskState,
)

NOTHING: dict[str, Any] = {"context": {}, "steps": {}, "task": {}}


def spec(*steps: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"version": "1.0.0", "steps": list(steps), **fields}


def step(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "handler": {"callable": f"shop:{name.title()}"}, **fields}


def plan(*steps: dict[str, Any], **fields: Any) -> Plan:
    return compile_plan(TaskTemplateSpec.read(spec(*steps, **fields)))


def test_a_step_that_says_nothing_gets_the_engines_defaults() -> None:
    assert plan(step("a")) == Plan(steps=(Step("a"),))


def test_everything_that_a_template_says_is_in_the_plan() -> None:
    rules = (
        RetryRule(RuleAction.FAIL, exit_codes=(3, 4), codes=("GONE",)),
        RetryRule(RuleAction.IGNORE, types=("*",), pod_reasons=("OOMKilled",)),
    )
    compiled = plan(
        step("a"),
        step("b", priority=3, continueOnError=True, skippable=True, when="context.b"),
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
                "maxDuration": "2h",
                "rules": [
                    {"onExitCodes": [3, 4], "onErrorCodes": ["GONE"], "action": "Fail"},
                    {"onErrorTypes": ["*"], "onPodReasons": ["OOMKilled"], "action": "Ignore"},
                ],
            },
            compensation={"when": "Succeeded", "retry": {"maxAttempts": 9}},
        ),
        failureStrategy="Compensate",
        runningSteps="Terminate",
        blockedTimeout="1m",
        timeout="1h30m",
        parallelism=2,
        domain="shop",
        name="order",
        output="steps.c.result",
        identityStrategy="Strict",
        lifecycle={"waitingForRetry": "10m", "compensating": "1h", "total": "24h", "action": "Fail"},
    )
    assert compiled == Plan(
        steps=(
            Step("a"),
            Step(
                "b",
                priority=3,
                continue_on_error=True,
                skippable=True,
                when=compile_condition("context.b"),
                reads=frozenset(),
            ),
            Step(
                "c",
                depends_on=("a",),
                run_after=("b",),
                retry=RetryPolicy(7, Backoff.LINEAR, 0.5, 3.0, 3600.0, Jitter.FULL, 7200.0, rules),
                start_timeout=90.0,
                compensation=Compensation(CompensationWhen.SUCCEEDED, RetryPolicy(9), 90.0),
            ),
        ),
        failure_strategy=FailureStrategy.COMPENSATE,
        running_steps=RunningSteps.TERMINATE,
        blocked_timeout=60.0,
        timeout=5400.0,
        parallelism=2,
        domain="shop",
        name="order",
        output=compile_expression("steps.c.result"),
        output_reads=frozenset({"c"}),
        identity=IdentityStrategy.STRICT,
        lifecycle=Lifecycle(
            {TaskState.WAITING_FOR_RETRY: 600.0, TaskState.COMPENSATING: 3600.0}, 86400.0, StaleAction.FAIL
        ),
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


@pytest.mark.parametrize(
    ("field", "state"),
    [
        ("waitingForDependencies", TaskState.WAITING_FOR_DEPENDENCIES),
        ("waitingForRetry", TaskState.WAITING_FOR_RETRY),
        ("stepsInProcess", TaskState.STEPS_IN_PROCESS),
        ("blockedByFailures", TaskState.BLOCKED_BY_FAILURES),
        ("compensating", TaskState.COMPENSATING),
    ],
)
def test_every_limit_of_the_lifecycle_is_that_of_its_state(field: str, state: TaskState) -> None:
    assert plan(step("a"), lifecycle={field: "90s"}).lifecycle == Lifecycle({state: 90.0})


def test_a_result_and_the_output_are_checked_whatever_their_type() -> None:
    compiled = plan(step("a", resultSchema={"type": "integer"}), outputSchema={"type": "array"})
    check_result, check_output = compiled.steps[0].check_result, compiled.check_output
    assert check_result is not None
    assert check_output is not None
    assert check_result(3) == []
    assert [violation.pointer for violation in check_result("3")] == [""]
    assert check_output([]) == []
    assert len(check_output(None)) == 1


@pytest.mark.parametrize(
    ("written", "field"),
    [
        (spec(step("a", resultSchema={"$ref": "#"})), "resultSchema"),
        (spec(step("a"), outputSchema={"$ref": "#"}), "outputSchema"),
    ],
)
def test_any_schema_that_cannot_be_used_is_refused_by_its_name(written: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidSchemaError, match=f"^{field}/"):
        compile_plan(TaskTemplateSpec.read(written))


@pytest.mark.parametrize(
    "written",
    [
        spec(step("a", when="1 +")),
        spec(step("a"), output="foo"),
        spec(step("a"), **{"finally": [step("z", when="foo")]}),
        spec({"name": "a", "task": {"templateRef": {"name": "other"}, "contextFrom": {"x": "foo"}}}),
    ],
)
def test_an_expression_that_cannot_be_compiled_is_refused(written: dict[str, Any]) -> None:
    with pytest.raises(InvalidExpression):
        compile_plan(TaskTemplateSpec.read(written))


def test_the_output_is_made_of_the_scope() -> None:
    output = plan(step("a"), output="{'total': steps.a.result.n + context.n}").output
    assert output is not None
    scope = {"context": {"n": 1}, "steps": {"a": {"result": {"n": 2}}}, "task": {}}
    assert output(scope) == {"total": 3}


def test_an_approval_waits_without_retries() -> None:
    compiled = plan(
        {"name": "a", "approval": {}},
        {"name": "b", "approval": {"timeout": "2h", "onTimeout": "Skip"}},
        defaults={"retry": {"maxAttempts": 9}},
    )
    assert [s.kind for s in compiled.steps] == [StepKind.APPROVAL, StepKind.APPROVAL]
    assert [s.approval for s in compiled.steps] == [Approval(), Approval(7200.0, OnTimeout.SKIP)]
    assert [s.retry for s in compiled.steps] == [RetryPolicy(1), RetryPolicy(1)]
    assert [s.compensation for s in compiled.steps] == [None, None]


def child(**fields: Any) -> dict[str, Any]:
    return {"name": "ship", "task": {"templateRef": {"name": "shipping"}}, **fields}


def test_a_sub_workflow_is_named_as_a_task_names_it() -> None:
    ref = {"domain": "logistics", "name": "shipping", "version": "^2.1"}
    first, second = plan(child(), {"name": "b", "task": {"templateRef": ref}}).steps
    assert first.kind is second.kind is StepKind.TASK
    assert first.child is not None
    assert second.child is not None
    assert (first.child.domain, first.child.name, first.child.version) == ("default", "shipping", None)
    assert (second.child.domain, second.child.name, second.child.version) == ("logistics", "shipping", "^2.1")


def test_a_sub_workflow_is_not_tried_again_unless_its_step_says_so() -> None:
    defaults = {"retry": {"maxAttempts": 9, "backoff": "Fixed"}, "startTimeout": "2m"}
    silent, written = (plan(child(**f), defaults=defaults).steps[0] for f in ({}, {"retry": {"maxAttempts": 2}}))
    assert silent.retry == RetryPolicy(1)
    assert written.retry == RetryPolicy(2)
    assert silent.start_timeout == 120.0


@pytest.mark.parametrize(
    ("fields", "compensation"),
    [
        ({}, Compensation(retry=RetryPolicy(1), kind=StepKind.TASK)),
        ({"compensation": {}}, Compensation(retry=RetryPolicy(1), kind=StepKind.TASK)),
        (
            {"compensation": {"when": "Succeeded", "retry": {"maxAttempts": 4}}},
            Compensation(CompensationWhen.SUCCEEDED, RetryPolicy(4), kind=StepKind.TASK),
        ),
        ({"compensation": {"handler": {"callable": "shop:Recall"}}}, Compensation(retry=RetryPolicy(9))),
        ({"compensation": {"container": {"image": "x"}}}, Compensation(retry=RetryPolicy(9))),
    ],
)
def test_a_sub_workflow_is_undone_by_its_own_program_else_by_its_child(
    fields: dict[str, Any], compensation: Compensation
) -> None:
    assert plan(child(**fields), defaults={"retry": {"maxAttempts": 9}}).steps[0].compensation == compensation


def test_the_childs_context_is_made_of_values_and_expressions() -> None:
    written = child()
    written["task"]["context"] = {"to": {"name": "carol", "zip": "0"}, "fixed": [1]}
    written["task"]["contextFrom"] = {"to": "{'zip': context.zip}", "order": "steps.a.result", "fixed": "[2]"}
    made = plan(step("a"), written).steps[1].child
    assert made is not None
    scope = {"context": {"zip": "1010"}, "steps": {"a": {"result": None}}, "task": {}}
    assert made.make_context(scope) == {"to": {"name": "carol", "zip": "1010"}, "fixed": [2], "order": None}
    with pytest.raises(ExpressionError, match=r"context\.zip"):
        made.make_context(NOTHING)


def test_a_child_without_a_context_gets_an_empty_one() -> None:
    made = plan(child()).steps[0].child
    assert made is not None
    assert made.make_context(NOTHING) == {}


def test_the_steps_of_finally_come_last_and_are_marked() -> None:
    compiled = plan(
        step("a"),
        defaults={"retry": {"maxAttempts": 9}},
        **{"finally": [step("notify", when="task.outcome == 'Failed'"), step("clean", dependsOn=["notify"])]},
    )
    assert compiled.steps[1:] == (
        Step(
            "notify",
            retry=RetryPolicy(9),
            when=compile_condition("task.outcome == 'Failed'"),
            reads=frozenset(),
            final=True,
        ),
        Step("clean", depends_on=("notify",), retry=RetryPolicy(9), final=True),
    )
    assert (compiled.forward, compiled.finals) == (range(1), range(1, 3))


def test_a_tasks_context_goes_over_the_templates_object_by_object() -> None:
    template = TaskTemplateSpec.read(
        spec(
            step("a"),
            defaultContext={"to": {"country": "AT", "zip": "1010"}, "items": [1, 2], "note": "none", "gift": False},
            defaultOptions={"dry_run": False},
        )
    )
    task = {"context": {"to": {"zip": "8010"}, "items": [3], "note": None, "extra": 1}}
    assert effective_context(template, task) == {
        "to": {"country": "AT", "zip": "8010"},
        "items": [3],
        "note": None,
        "gift": False,
        "extra": 1,
    }
    assert effective_options(template, task) == {"dry_run": False}
    assert effective_options(template, {"options": {"dry_run": True}}) == {"dry_run": True}
    assert template.default_context is not None
    assert template.default_context["to"] == {"country": "AT", "zip": "1010"}


def test_without_defaults_a_tasks_context_is_its_own() -> None:
    template = TaskTemplateSpec.read(spec(step("a")))
    assert effective_context(template, {}) == effective_options(template, {"context": {"a": 1}}) == {}
    assert effective_context(template, {"context": {"a": 1}}) == {"a": 1}


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


def test_default_rules_and_the_longest_duration_of_retries_are_pinned() -> None:
    retry = {"maxDuration": "1h", "rules": [{"onExitCodes": [3], "action": "Fail"}]}
    content = effective_template(spec(step("a"), defaults={"retry": retry}))
    assert content["defaults"]["retry"] | retry == content["defaults"]["retry"]
    assert compile_plan(TaskTemplateSpec.read(content)) == plan(step("a"), defaults={"retry": retry})
    assert "rules" not in effective_template(spec(step("a"), defaults={"retry": {"rules": []}}))["defaults"]["retry"]


def test_the_operators_environment_is_pinned_and_the_others_are_not() -> None:
    environments = {"prod": {"steps": [{"name": "a", "timeout": "9m"}]}, "test": {"steps": []}}
    written = spec(step("a", timeout="1m"), environments=environments)
    in_prod, nowhere = (effective_template(written, environment=name) for name in ("prod", None))
    assert in_prod["steps"][0]["timeout"] == "9m"
    assert nowhere["steps"][0]["timeout"] == "1m"
    assert "environments" not in in_prod
    assert "environments" not in nowhere
    assert content_hash(in_prod) == content_hash(effective_template(spec(step("a", timeout="9m"))))


def test_what_the_template_says_goes_before_what_the_operator_has() -> None:
    written = spec(step("a"), name="order", defaults={"image": "mine:1", "retry": {"maxAttempts": 1}})
    content = effective_template(written, name="other", default_image="handlers:1")
    assert content["name"] == "order"
    assert content["defaults"]["image"] == "mine:1"
    assert content["defaults"]["retry"]["maxAttempts"] == 1


def test_the_pinned_content_is_a_template_that_pins_to_itself() -> None:
    written = spec(step("a"), step("b", dependsOn=["a"]))
    content = effective_template(written, name="order")
    assert effective_template(content) == content
    pinned = compile_plan(TaskTemplateSpec.model_validate(content))
    assert pinned == plan(step("a"), step("b", dependsOn=["a"]), name="order")


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


def test_a_step_reads_what_its_condition_and_its_childs_context_mention() -> None:
    child = {"task": {"templateRef": {"name": "other"}, "contextFrom": {"n": "steps.b.result"}}}
    several = {"name": "c", "dependsOn": ["a", "b"], "when": "steps.a.result > 1", **child}
    assert plan(step("a"), step("b"), several).steps[2].reads == frozenset({"a", "b"})
    any_ = {
        "name": "c",
        "dependsOn": ["a", "b"],
        "when": "steps.exists(name, steps[name].outcome == 'Failed')",
        **child,
    }
    assert plan(step("a"), step("b"), any_).steps[2].reads is None
