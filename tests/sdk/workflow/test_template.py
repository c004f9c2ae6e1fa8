"""to_template and to_plan: valid on a cluster, equal to each other, and only of what a pod can import."""

from __future__ import annotations

import dataclasses
import functools
import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from kubesaga.api.compile import compile_plan, effective_template
from kubesaga.api.durations import parse_duration
from kubesaga.api.models import TaskTemplateSpec
from kubesaga.engine.plan import Plan, Step
from kubesaga_sdk.workflow import (
    BackoffStrategy,
    Definition,
    ExecutionContext,
    FailureStrategy,
    Jitter,
    NoImportPath,
    RetryPolicy,
    StepTemplates,
    SyncRunner,
    Task,
    TaskHandler,
    Workflow,
    WorkflowError,
)
from kubesaga_sdk.workflow.retry import MAX_SECONDS
from kubesaga_sdk.workflow.template import duration
from tests.docs.pages import findings
from tests.sdk.support import PYTHON_PATH, ROOT
from tests.sdk.workflow import flows
from tests.sdk.workflow.clocks import Clock

Data = dict[str, Any]


def do(context: ExecutionContext[Data]) -> None:
    """Nothing."""


class Box:
    """Where functions may live."""

    class Inner(flows.ValidateCart):
        """A handler that no template could name."""

    @staticmethod
    def static(context: ExecutionContext[Data]) -> None:
        """One that has a path."""

    def method(self, context: ExecutionContext[Data]) -> None:
        """One that has none: whose method is it?"""

    def __call__(self, context: ExecutionContext[Data]) -> None:
        """An object as a function."""


picky = Workflow(
    "Picky",
    [
        Task(
            "everything", do,
            RetryPolicy(
                7, 0.25, BackoffStrategy.FIBONACCI, 90, jitter=Jitter.EQUAL, max_duration=600,
                retry_on=(ConnectionError, TimeoutError), give_up_on=(ValueError,),
            ),
            do, 1.5, undo_retry_policy=RetryPolicy(9, backoff=BackoffStrategy.NONE), description="All of it.",
        ),
        Task("rest", Box.static, RetryPolicy(2, 0.1 + 0.2, factor=3.5, retry_on=(Exception,))),
    ],
    FailureStrategy.CONTINUE,
    timeout=90,
)  # fmt: skip

DEFINITIONS: list[Definition[Any]] = [flows.aborting, flows.going_on, flows.saga, flows.process_order, picky]


def compiled(definition: Definition[Any]) -> Plan:
    """What the operator makes of the template."""
    template = definition.to_template()
    written = effective_template(template["spec"], name=template["metadata"]["name"], default_image="handlers:1")
    return compile_plan(TaskTemplateSpec.read(written))


def comparable(step: Step) -> dict[str, Any]:
    return {field.name: getattr(step, field.name) for field in dataclasses.fields(step)}


@pytest.mark.parametrize("definition", DEFINITIONS, ids=lambda d: f"{d.name}-{d.failure_strategy}")
class TestEveryDefinition:
    def test_has_a_template_without_findings(self, definition: Definition[Any]) -> None:
        template = json.loads(definition.to_json(image="handlers:1"))
        assert template == definition.to_template(image="handlers:1")
        assert findings(template) == []

    def test_has_the_plan_that_the_operator_makes_of_its_template(self, definition: Definition[Any]) -> None:
        own, theirs = definition.to_plan(), compiled(definition)
        assert [comparable(step) for step in own.steps] == [comparable(step) for step in theirs.steps]
        for field in dataclasses.fields(Plan):
            if field.name not in ("steps", "output", "check_input"):
                assert getattr(own, field.name) == getattr(theirs, field.name), field.name
        scope = {"steps": {step.name: {"result": {"data": step.name, "metadata": {}}} for step in own.steps}}
        assert (own.output and own.output(scope)) == (theirs.output and theirs.output(scope))


def test_a_workflow_s_template_names_its_functions() -> None:
    template = flows.saga.to_template(image="handlers:1")
    assert template["metadata"] == {"name": "fulfilment"}
    spec = template["spec"]
    assert {key: value for key, value in spec.items() if key != "steps"} == {
        "domain": "shop", "version": "1.2.0", "failureStrategy": "Compensate", "timeout": "3600s",
        "output": "steps.ship.result", "defaults": {"image": "handlers:1"},
    }  # fmt: skip
    module = "tests.sdk.workflow.flows"
    assert spec["steps"][1] == {
        "name": "payment_charge",
        "dependsOn": ["reserve"],
        "handler": {
            "callable": "kubesaga_sdk.workflow.steps:RunTask",
            "config": {"function": f"{module}:charge", "undo": f"{module}:note", "data": f"{module}:Order"},
        },
        "retry": {"maxAttempts": 3, "initialInterval": "2s", "jitter": "Full"},
        "compensation": {"when": "Succeeded", "retry": {"maxAttempts": 3}},
    }
    assert spec["steps"][2]["handler"]["config"]["function"] == f"{module}:receipt"


def test_retry_policies_become_rules_of_the_template() -> None:
    first, second = (step["retry"] for step in picky.to_template()["spec"]["steps"])
    assert first == {
        "maxAttempts": 7, "backoff": "Fibonacci", "initialInterval": "250ms", "maxInterval": "90s", "jitter": "Equal",
        "maxDuration": "600s",
        "rules": [
            {"onErrorTypes": ["ValueError"], "action": "Fail"},
            {"onErrorTypes": ["ConnectionError", "TimeoutError", "Timeout"], "action": "Retry"},
            {"onErrorTypes": ["*"], "action": "Fail"},
        ],
    }  # fmt: skip
    assert second == {
        "maxAttempts": 2, "initialInterval": "300ms", "factor": 3.5,
        "rules": [{"onErrorTypes": ["*"], "action": "Retry"}],
    }  # fmt: skip


def test_a_task_handler_s_template_names_its_handlers() -> None:
    template = flows.process_order.to_template()
    assert template["metadata"] == {"name": "process-order"}
    module = "tests.sdk.workflow.flows"
    assert template["spec"] == {
        "domain": "shop", "name": "process_order", "version": "1.0.0", "description": "Processes one order.",
        "failureStrategy": "Compensate",
        "inputSchema": {"type": "object", "required": ["prices"], "properties": {"prices": {"type": "array"}}},
        "steps": [
            {
                "name": "validate_cart", "description": "Adds up.",
                "handler": {"callable": f"{module}:ValidateCart", "config": {"limit": 100}},
                "retry": {"maxAttempts": 1},
            },
            {
                "name": "charge", "dependsOn": ["validate_cart"], "handler": {"callable": f"{module}:Charge"},
                "timeout": "30s", "retry": {"maxAttempts": 5},
                "compensation": {"when": "Succeeded", "timeout": "30s", "retry": {"maxAttempts": 3}},
            },
            {
                "name": "reserve_stock", "dependsOn": ["validate_cart"],
                "handler": {"callable": f"{module}:reserve_stock"}, "retry": {"maxAttempts": 1},
                "compensation": {
                    "when": "Succeeded", "handler": {"callable": f"{module}:Release"}, "retry": {"maxAttempts": 3},
                },
            },
            {
                "name": "confirm", "dependsOn": ["charge", "reserve_stock"],
                "handler": {"callable": f"{module}:Confirm"},
                "retry": {"maxAttempts": 3}, "skippable": True,
            },
        ],
    }  # fmt: skip


def _made_in_a_call() -> Any:
    def closure(context: ExecutionContext[Data]) -> None: ...

    return closure


def do_again(context: ExecutionContext[Data]) -> None:
    """Hidden by the next line."""


_hidden = do_again
do_again = do


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (lambda _: None, "is a lambda: a step on a cluster is found by its import path. Define it with def"),
        (_made_in_a_call(), "is _made_in_a_call.closure, which exists only inside a call"),
        (Box().method, "is not what tests.sdk.workflow.test_template:Box.method names"),
        (Box(), "is an object of Box, not a function or class"),
        (functools.partial(do), "is an object of partial, not a function or class"),
        (_hidden, "is not what tests.sdk.workflow.test_template:do_again names"),
    ],
)  # fmt: skip
class TestWhatHasNoImportPath:
    def test_is_refused_as_a_task_s_function(self, function: Any, said: str) -> None:
        with pytest.raises(NoImportPath) as refused:
            Workflow[Data]("Flow", [Task("first", do), Task("odd", function)]).to_template()
        assert str(refused.value).startswith(f"the function of task odd {said}")

    def test_is_refused_as_an_undo(self, function: Any, said: str) -> None:
        with pytest.raises(NoImportPath) as refused:
            Workflow[Data]("Flow", [Task("odd", do, undo=function)]).to_template()
        assert str(refused.value).startswith(f"the undo of task odd {said}")


def test_what_is_defined_in_the_script_that_is_run_is_refused(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "from kubesaga_sdk.workflow import Workflow, task\n"
        "@task()\n"
        "def first(context): ...\n"
        "print(Workflow('Flow', [first]).to_json())\n"
    )
    run = subprocess.run(
        [sys.executable, script], env={"PYTHONPATH": PYTHON_PATH}, capture_output=True, text=True, check=False
    )
    assert "the function of task first is defined in the script that is run (__main__)" in run.stderr


def test_a_handler_class_that_exists_only_inside_a_call_is_refused() -> None:
    class Local(flows.ValidateCart):
        """Not importable."""

    class Flow(TaskHandler):
        name = "flow"

        def define_step_templates(self, templates: StepTemplates) -> None:
            templates.define(name="local", handler=Local)

    with pytest.raises(NoImportPath, match=r"the handler of step local is .*Local, which exists only inside a call"):
        Flow().to_template()


def test_a_dependency_that_is_named_twice_is_one() -> None:
    class Flow(TaskHandler):
        name = "flow"

        def define_step_templates(self, templates: StepTemplates) -> None:
            templates.define(name="a", handler=flows.ValidateCart)
            templates.define(name="b", handler=flows.ValidateCart, depends_on=["a", "A"])

    assert Flow().to_template()["spec"]["steps"][1]["dependsOn"] == ["a"]


def test_a_handler_class_within_a_class_is_refused() -> None:
    class Flow(TaskHandler):
        name = "flow"

        def define_step_templates(self, templates: StepTemplates) -> None:
            templates.define(name="inner", handler=Box.Inner)

    said = r"the handler of step inner is .*test_template:Box.Inner, a class within a class.*: move it to the top level"
    with pytest.raises(NoImportPath, match=said):
        Flow().to_template()


@pytest.mark.parametrize(
    ("settings", "task", "said"),
    [
        ({"version": "1.0"}, {}, "the version of flow is '1.0': a template's is three numbers"),
        ({"version": "v1.0.0"}, {}, "the version of flow"),
        ({"version": "1.0.0+build"}, {}, "the version of flow"),
        ({"version": "1.0.0-" + "x" * 60}, {}, "the version of flow"),
        ({"domain": "Web Shop"}, {}, "the domain of flow is 'Web Shop': a template's has letters a to z"),
        ({"input_schema": {"enum": {1}}}, {}, "flow: input_schema.enum: set is no JSON type"),
        ({"timeout": 0.5}, {}, "the timeout of flow is 0.5 seconds; on a cluster, where a pod is stopped, it is at le"),
        ({}, {"timeout": 0.5}, "the timeout of step a is 0.5 seconds"),
        ({}, {"retry_policy": RetryPolicy(max_duration=0.5)}, "max_duration of step a is 0.5 seconds"),
        ({}, {"undo_retry_policy": RetryPolicy(max_duration=0.5)}, "max_duration of the undo of step a is 0.5 seconds"),
    ],
)
def test_what_a_cluster_would_refuse_is_refused_when_it_is_exported(
    settings: dict[str, Any], task: dict[str, Any], said: str
) -> None:
    workflow = Workflow[Data]("Flow", [Task("a", do, undo=do, **task)], **settings)
    with pytest.raises(WorkflowError, match=said):
        workflow.to_template()
    clock = Clock()
    runner = SyncRunner(clock=clock, sleep=clock.sleep)
    assert runner.run(workflow, ExecutionContext[Data]({})).succeeded  # In a process nothing is the matter with it.


@pytest.mark.parametrize("version", ["0.0.0", "1.10.3", "1.0.0-rc.1", "1.0.0-0.x-y"])
def test_the_operator_takes_the_versions_that_are_exported(version: str) -> None:
    template = Workflow[Data]("Flow", [Task("a", do)], version=version).to_template(image="handlers:1")
    assert findings(template) == []


@pytest.mark.parametrize("seconds", [0.001, 0.3, 1.0, 1.5, 90, 86_400.001, 2_000_000.5, MAX_SECONDS])
def test_the_operator_reads_durations_as_they_were_meant(seconds: float) -> None:
    written = duration(seconds)
    assert written is not None
    assert parse_duration(written) == seconds


class TestATaskHandlerThatIsNone:
    def refused(self, said: str, name: str = "flow", step: str = "a", **settings: Any) -> None:
        class Flow(TaskHandler):
            def define_step_templates(self, templates: StepTemplates) -> None:
                templates.define(**{"name": step, "handler": flows.ValidateCart, **settings})
                templates.define(name="b", handler=flows.ValidateCart, depends_on="a")

        Flow.name = name
        with pytest.raises(WorkflowError, match=said):
            Flow().to_template()

    def test_without_a_name(self) -> None:
        self.refused(r"Flow.name must be a template's name", name="Flow!")

        class Nameless(TaskHandler):
            def define_step_templates(self, templates: StepTemplates) -> None: ...

        with pytest.raises(WorkflowError, match=r"Nameless.name must be a template's name"):
            Nameless().to_template()

    def test_without_steps(self) -> None:
        class Empty(TaskHandler):
            name = "empty"

            def define_step_templates(self, templates: StepTemplates) -> None: ...

        with pytest.raises(WorkflowError, match="at least one step"):
            Empty().to_plan()

    def test_with_a_timeout_that_is_none(self) -> None:
        self.refused("the timeout of step a is at least a millisecond, not 0 seconds", timeout=0)

    def test_with_a_dependency_on_nothing(self) -> None:
        self.refused(r"step a depends on c, which no define\(name=…\) defines", depends_on="c")

    def test_with_a_circle(self) -> None:
        self.refused("these steps wait for each other: a → b → a|b → a → b", depends_on="b")

    def test_with_a_handler_that_is_none(self) -> None:
        self.refused(r"step a: <function do .* is no class with a method call\(context\)", handler=do)

    def test_with_an_undo_that_the_handler_has_not(self) -> None:
        self.refused(r"ValidateCart.* is no class with a method compensate\(context\)", undo=True)

    def test_with_a_config_that_json_cannot_hold(self) -> None:
        self.refused("step a: config.lock: lock is no JSON type", config={"lock": threading.Lock()})

    def test_with_one_name_twice(self) -> None:
        self.refused("two steps would be called b", step="b")


class TestTheCommand:
    def run(self, *arguments: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-W", "error", "-m", "kubesaga_sdk", "template", *arguments],
            env={"PYTHONPATH": f"{PYTHON_PATH}:{ROOT}:{folder}"},
            capture_output=True,
            text=True,
            check=False,
        )

    def test_prints_the_template_of_a_workflow(self) -> None:
        ended = self.run("tests.sdk.workflow.flows:saga", "--image", "handlers:1")
        assert (ended.returncode, ended.stderr) == (0, "")
        assert json.loads(ended.stdout) == flows.saga.to_template(image="handlers:1")

    def test_prints_nothing_else_whatever_the_module_prints(self, tmp_path: Path) -> None:
        (tmp_path / "chatty.py").write_text(
            "from tests.sdk.workflow.flows import process_order as flow\nprint('hello')\n"
        )
        ended = self.run("chatty:flow", folder=tmp_path)
        assert json.loads(ended.stdout) == flows.process_order.to_template()
        assert ended.stderr == "hello\n"

    @pytest.mark.parametrize("name", ["ProcessOrder", "process_order"])
    def test_prints_the_template_of_a_task_handler(self, name: str) -> None:
        assert json.loads(self.run(f"tests.sdk.workflow.flows:{name}").stdout) == flows.process_order.to_template()

    @pytest.mark.parametrize(
        ("reference", "said"),
        [
            ("nowhere:flow", "nowhere:flow: there is no module nowhere"),
            ("tests.sdk.workflow.flows:nothing", "module 'tests.sdk.workflow.flows' has no attribute 'nothing'"),
            ("tests.sdk.workflow.flows:work", "is function <function work"),
            ("tests.sdk.workflow.flows", "names no workflow: write package.module:name"),
            ("kubesaga_sdk.workflow:TaskHandler", "cannot be made without arguments: Can't instantiate abstract class"),
        ],
    )
    def test_says_in_one_line_what_is_wrong(self, reference: str, said: str) -> None:
        ended = self.run(reference)
        assert (ended.returncode, ended.stdout, len(ended.stderr.splitlines())) == (64, "", 1)
        assert ended.stderr.startswith("error: ")
        assert said in ended.stderr
