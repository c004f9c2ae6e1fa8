"""What a real API server admits and refuses by the CRDs alone: structure, bounds, CEL rules, columns.

The CRDs are installed under a group of their own, so that the tests neither need nor touch an installed Kubesaga.
KUBECONFIG says which cluster.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from kubesaga.api.constants import API_VERSION, VERSION
from kubesaga.api.crds import task_action_crd, task_crd, task_template_crd
from tests.cluster.kubectl import PATIENCE
from tests.corpus.entries import ENTRIES, Entry

pytestmark = pytest.mark.cluster

Obj = dict[str, Any]
GROUP = "rules.example.com"
TASKS = f"tasks.{GROUP}"
TEMPLATES = f"tasktemplates.{GROUP}"
ACTIONS = f"taskactions.{GROUP}"
RESOURCES = {"Task": TASKS, "TaskTemplate": TEMPLATES, "TaskAction": ACTIONS}
_OWN_KUBECTL = Path(__file__).parents[2] / ".cache" / "bin" / "kubectl"
NESTED = {"order": {"items": [{"sku": "teapot", "quantity": 1}]}, "note": "x"}


def kubectl(*arguments: str, given: Obj | None = None) -> subprocess.CompletedProcess[str]:
    program = str(_OWN_KUBECTL) if _OWN_KUBECTL.exists() else shutil.which("kubectl")
    assert program, "no kubectl: run `make cluster-up`, or install kubectl"
    assert os.environ.get("KUBECONFIG"), "set KUBECONFIG, such as to the output of `make -s kubeconfig`"
    return subprocess.run(
        [program, *arguments],
        input=json.dumps(given) if given is not None else None,
        capture_output=True,
        text=True,
        timeout=2 * PATIENCE,
        check=False,
    )


def succeed(*arguments: str, given: Obj | None = None) -> str:
    done = kubectl(*arguments, given=given)
    assert done.returncode == 0, done.stderr
    return done.stdout


def renamed(crd: Obj) -> Obj:
    crd = deepcopy(crd)
    crd["metadata"]["name"] = f"{crd['spec']['names']['plural']}.{GROUP}"
    crd["spec"]["group"] = GROUP
    # Names that an installed Kubesaga has taken already.
    del crd["spec"]["names"]["shortNames"], crd["spec"]["names"]["categories"]
    return crd


def wait_served() -> None:
    """A resource that is Established is served, and told of, a moment later."""
    deadline = time.monotonic() + PATIENCE
    while (asked := kubectl("get", ",".join(RESOURCES.values()), "--all-namespaces")).returncode:
        assert time.monotonic() < deadline, asked.stderr
        time.sleep(0.2)


@pytest.fixture(scope="module")
def namespace() -> Iterator[str]:
    crds: Obj = {
        "apiVersion": "v1",
        "kind": "List",
        "items": [renamed(crd) for crd in (task_crd(), task_template_crd(), task_action_crd())],
    }
    name = f"rules-{uuid.uuid4().hex[:8]}"
    try:
        succeed("apply", "--server-side", "-f", "-", given=crds)
        succeed("wait", "--for=condition=Established", f"--timeout={PATIENCE:g}s", "crd", *RESOURCES.values())
        wait_served()
        succeed("create", "namespace", name)
        yield name
    finally:
        kubectl("delete", "namespace", name, "--wait=false", "--ignore-not-found")
        kubectl("delete", "crd", *RESOURCES.values(), "--wait=false", "--ignore-not-found")


def manifest(kind: str, spec: Obj, name: str | None = None) -> Obj:
    name = name or f"t-{uuid.uuid4().hex[:12]}"
    return {"apiVersion": f"{GROUP}/{VERSION}", "kind": kind, "metadata": {"name": name}, "spec": spec}


def task(**fields: Any) -> Obj:
    return manifest("Task", {"templateRef": {"name": "order"}, **fields})


def action(type_: str = "Retry", **fields: Any) -> Obj:
    spec = {"taskRef": {"name": "order-1"}, "type": type_, "requestedBy": "carol", **fields}
    return manifest("TaskAction", spec)


def step(name: str = "a", **fields: Any) -> Obj:
    return {"name": name, "handler": {"callable": "shop:A"}, **fields}


def template(*steps: Obj, **fields: Any) -> Obj:
    return manifest("TaskTemplate", {"version": "1.0.0", "steps": list(steps) or [step()], **fields})


@pytest.fixture
def create(namespace: str) -> Callable[[Obj], subprocess.CompletedProcess[str]]:
    return lambda given: kubectl("-n", namespace, "create", "-o", "json", "-f", "-", given=given)


Create = Callable[[Obj], subprocess.CompletedProcess[str]]


def created(create: Create, given: Obj) -> Obj:
    done = create(given)
    assert done.returncode == 0, done.stderr
    obj: Obj = json.loads(done.stdout)
    return obj


def changed(namespace: str, obj: Obj, *operations: Obj) -> subprocess.CompletedProcess[str]:
    patch = json.dumps(operations)
    return kubectl(
        "-n", namespace, "patch", RESOURCES[obj["kind"]], obj["metadata"]["name"], "--type=json", "-p", patch
    )


def put(path: str, value: Any) -> Obj:
    return {"op": "add", "path": path, "value": value}


def drop(path: str) -> Obj:
    return {"op": "remove", "path": path}


# --- Tasks -------------------------------------------------------------------


FULL = {
    "context": NESTED,
    "options": {"fast": True},
    "metadata": {"ticket": 5},
    "initiator": "carol",
    "sourceSystem": "shop",
    "reason": "an order",
    "tags": ["urgent"],
    "correlationId": "c-1",
    "parentCorrelationId": "p-1",
    "idempotencyKey": "order-4711",
    "bypassSteps": ["notify"],
    "deletionPolicy": "Compensate",
}
CHANGEABLE: Obj = {
    "desiredState": "Suspended",
    "cancellation": {"mode": "Terminate", "compensate": True},
    "ttlAfterFinished": "1h",
}


def test_a_task_with_every_field_is_admitted_and_its_domain_defaulted(create: Create) -> None:
    given = {**FULL, **CHANGEABLE, "priority": 5}
    spec = created(create, task(**given))["spec"]
    assert spec == {"templateRef": {"name": "order", "domain": "default"}, **given}


def test_a_task_runs_and_has_no_priority_unless_it_says_otherwise(create: Create) -> None:
    spec = created(create, task())["spec"]
    assert (spec["desiredState"], spec["priority"]) == ("Running", 0)


@pytest.mark.parametrize("field", CHANGEABLE)
def test_what_is_still_wanted_of_a_task_may_come_change_and_go(create: Create, namespace: str, field: str) -> None:
    obj = created(create, task())
    for operation in (put(f"/spec/{field}", CHANGEABLE[field]), drop(f"/spec/{field}")):
        done = changed(namespace, obj, operation)
        assert done.returncode == 0, done.stderr


def test_a_cancelled_task_stays_cancelled(create: Create, namespace: str) -> None:
    obj = created(create, task(desiredState="Cancelled"))
    for operation in (
        put("/spec/desiredState", "Running"),
        put("/spec/desiredState", "Suspended"),
        drop("/spec/desiredState"),
    ):
        assert "cannot be changed once it is Cancelled" in changed(namespace, obj, operation).stderr


def test_a_cancelled_tasks_mode_goes_from_drain_to_terminate_only(create: Create, namespace: str) -> None:
    obj = created(create, task(desiredState="Cancelled"))
    for value in ({"mode": "Drain"}, {"mode": "Terminate"}):
        done = changed(namespace, obj, put("/spec/cancellation", value))
        assert done.returncode == 0, done.stderr
    for operation in (
        put("/spec/cancellation/mode", "Drain"),
        drop("/spec/cancellation/mode"),
        drop("/spec/cancellation"),
    ):
        assert "only change from Drain to Terminate" in changed(namespace, obj, operation).stderr


@pytest.mark.parametrize("compensate", [True, False])
def test_whether_a_cancelled_task_is_undone_is_settled(create: Create, namespace: str, compensate: bool) -> None:
    obj = created(create, task(desiredState="Cancelled", cancellation={"compensate": compensate}))
    refused = changed(namespace, obj, put("/spec/cancellation/compensate", not compensate))
    assert "spec.cancellation.compensate cannot be changed" in refused.stderr
    gone = changed(namespace, obj, drop("/spec/cancellation"))
    assert (gone.returncode == 0) is not compensate


def test_a_task_may_be_cancelled_and_told_how_in_one_go(create: Create, namespace: str) -> None:
    obj = created(create, task(cancellation={"mode": "Terminate"}))
    cancelled = put("/spec/desiredState", "Cancelled")
    done = changed(namespace, obj, cancelled, put("/spec/cancellation", {"mode": "Drain", "compensate": True}))
    assert done.returncode == 0, done.stderr


def test_the_priority_of_a_task_is_settled(create: Create, namespace: str) -> None:
    refused = changed(namespace, created(create, task()), put("/spec/priority", 5))
    assert "spec.priority cannot be changed" in refused.stderr


@pytest.mark.parametrize(
    ("version", "admitted"),
    [
        ("1.0.0", True),
        ("^2.1", True),
        ("~1.4", True),
        (">=1 <3", True),
        ("1.0.0-rc.1", True),
        ("latest", False),
        ("^", False),
    ],
)
def test_a_version_is_exact_or_a_range(create: Create, version: str, admitted: bool) -> None:
    done = create(manifest("Task", {"templateRef": {"name": "order", "version": version}}))
    assert (done.returncode == 0) is admitted
    assert admitted or "^2.1, ~1.4" in done.stderr


@pytest.mark.parametrize("field", FULL)
def test_a_field_of_a_task_can_neither_come_nor_go(create: Create, namespace: str, field: str) -> None:
    with_it, without = created(create, task(**FULL)), created(create, task())
    for refused in (
        changed(namespace, with_it, drop(f"/spec/{field}")),
        changed(namespace, without, put(f"/spec/{field}", FULL[field])),
    ):
        assert refused.returncode != 0
        assert f"spec.{field} cannot be changed" in refused.stderr


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/spec/templateRef/version", "1.0.0"),
        ("/spec/templateRef/domain", "other"),
        ("/spec/context/note", "y"),
        ("/spec/context/order/items/0/quantity", 2),
        ("/spec/context/new", 1),
        ("/spec/tags/0", "idle"),
        ("/spec/initiator", "mallory"),
    ],
)
def test_no_value_in_a_task_can_be_changed(create: Create, namespace: str, path: str, value: Any) -> None:
    refused = changed(namespace, created(create, task(**FULL)), put(path, value))
    assert refused.returncode != 0
    assert "cannot be changed: create another Task" in refused.stderr


def test_labels_of_a_task_may_change(create: Create, namespace: str) -> None:
    labelled = changed(namespace, created(create, task(**FULL)), put("/metadata/labels", {"a": "b"}))
    assert labelled.returncode == 0, labelled.stderr


@pytest.mark.parametrize(("length", "admitted"), [(63, True), (64, False)])
def test_a_tasks_name_must_fit_into_a_label(create: Create, length: int, admitted: bool) -> None:
    name = uuid.uuid4().hex.ljust(length, "x")
    done = create(manifest("Task", {"templateRef": {"name": "order"}}, name))
    assert (done.returncode == 0) is admitted
    assert admitted or "at most 63 characters" in done.stderr


# --- TaskTemplates -----------------------------------------------------------


def test_a_template_gets_its_defaults_and_needs_nothing_else(create: Create) -> None:
    spec = created(create, template(step(compensation={})))["spec"]
    assert spec["failureStrategy"] == "Abort"
    assert spec["domain"] == "default"
    assert spec["steps"][0]["handler"]["method"] == "call"
    assert spec["steps"][0]["compensation"] == {"when": "Started"}
    assert "retry" not in spec["steps"][0]


def test_a_null_counts_as_absent(create: Create) -> None:
    spec = created(create, template(step(retry=None, priority=None), failureStrategy=None, timeout=None))["spec"]
    assert spec["failureStrategy"] == "Abort"
    assert "timeout" not in spec
    assert spec["steps"][0]["priority"] == 0
    assert "retry" not in spec["steps"][0]


REFUSED: dict[str, tuple[Obj, str]] = {
    "no step": (manifest("TaskTemplate", {"version": "1.0.0", "steps": []}), "at least 1 items"),
    "a step twice": (template(step("a"), step("a")), "Duplicate value"),
    "two programs": (template(step(container={"image": "x"})), "exactly one of handler, container, task and approval"),
    "two kinds": (template(step(approval={})), "exactly one of handler, container, task and approval"),
    "no program": (template({"name": "a"}), "exactly one of handler, container, task and approval"),
    "approval undone by nothing": (
        template({"name": "a", "approval": {}, "compensation": {}}),
        "nothing undoes a container or an approval",
    ),
    "finally without a program": (
        template(**{"finally": [{"name": "b"}]}),
        "a step of finally has either a handler or a container",
    ),
    "finally compensated": (template(**{"finally": [step("b", compensation={})]}), 'unknown field "spec.finally[0]'),
    "more steps than there may be": (
        template(*(step(f"s{i}") for i in range(500)), **{"finally": [step("b")]}),
        "may have 500 steps together",
    ),
    "rule for nothing": (
        template(step(retry={"rules": [{"action": "Retry"}]})),
        "a rule names what it is for: onExitCodes",
    ),
    "rule for success": (
        template(step(retry={"rules": [{"onExitCodes": [0], "action": "Retry"}]})),
        "spec.steps[0].retry.rules[0].onExitCodes[0]",
    ),
    "override of an unknown field": (
        template(environments={"production": {"steps": [{"name": "a", "image": "x"}]}}),
        'unknown field "spec.environments.production.steps[0].image"',
    ),
    "container undone by nothing": (
        template({"name": "a", "container": {}, "compensation": {}}),
        "nothing undoes a container or an approval",
    ),
    "undone by two": (
        template(step(compensation={"handler": {"callable": "a:B"}, "container": {}})),
        "exclude each other",
    ),
    "reserved variable": (
        template(step(handler={"callable": "a:B", "env": [{"name": "KUBESAGA_STEP", "value": "b"}]})),
        "reserved for the step's input",
    ),
    "variable twice": (
        template(defaults={"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]}),
        "Duplicate value",
    ),
    "variable with two values": (
        template(defaults={"env": [{"name": "A", "value": "1", "valueFrom": {"fieldRef": {}}}]}),
        "value and valueFrom exclude each other",
    ),
    "unknown field": (template(colour="red"), 'unknown field "spec.colour"'),
    "unknown word": (template(failureStrategy="abort"), "Unsupported value"),
    "duration": (template(timeout="90"), "spec.timeout"),
    "version": (template(version="1.0"), "spec.version"),
    "attempts": (template(step(retry={"maxAttempts": 0})), "maxAttempts"),
    "step name": (template(step("chargePayment")), "spec.steps[0].name"),
    "callable": (template(step(handler={"callable": "a()"})), "callable"),
    "fraction of a cpu": (template(step(resources={"limits": {"cpu": 0.5}})), "limits.cpu"),
}


@pytest.mark.parametrize(("given", "said"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_template_is_refused(create: Create, given: Obj, said: str) -> None:
    done = create(given)
    assert done.returncode != 0
    assert said in done.stderr


def test_kubernetes_own_types_are_kept_as_they_are_written(create: Create) -> None:
    defaults: Obj = {
        "image": "x",
        "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}],
        "envFrom": [{"secretRef": {"name": "s", "optional": True}}],
        "volumeMounts": [{"name": "v", "mountPath": "/v", "subPath": "x", "readOnly": True}],
        "resources": {"requests": {"cpu": 1, "memory": "1Gi"}},
        "pod": {
            "volumes": [{"name": "v", "projected": {"sources": [{"configMap": {"name": "c"}}]}}],
            "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
            "tolerations": [{"key": "spot", "operator": "Exists"}],
            "securityContext": {"fsGroup": 5, "sysctls": [{"name": "a", "value": "b"}]},
        },
    }
    schema = {"type": "object", "properties": {"a": {"enum": [1, None, "x"]}}, "required": ["a"]}
    spec = created(create, template(defaults=defaults, inputSchema=schema))["spec"]
    assert spec["defaults"] == defaults
    assert spec["inputSchema"] == schema


def test_a_released_version_never_changes_but_may_be_followed(create: Create, namespace: str) -> None:
    released = created(create, template())
    refused = changed(namespace, released, put("/spec/description", "new"))
    assert "a released version never changes" in refused.stderr
    schema = {"type": "object"}
    assert changed(namespace, released, put("/spec/inputSchema", schema)).returncode != 0
    followed = changed(namespace, released, put("/spec/inputSchema", schema), put("/spec/version", "1.0.1"))
    assert followed.returncode == 0, followed.stderr
    deeper = changed(namespace, released, put("/spec/inputSchema/type", "array"))
    assert "a released version never changes" in deeper.stderr


def test_a_pre_release_may_change(create: Create, namespace: str) -> None:
    candidate = created(create, template(version="1.1.0-rc.1"))
    done = changed(namespace, candidate, put("/spec/description", "new"))
    assert done.returncode == 0, done.stderr


def test_an_object_whose_name_is_no_logical_name_needs_one(create: Create) -> None:
    dotted = template()
    dotted["metadata"]["name"] = f"order.{uuid.uuid4().hex}"
    assert "give spec.name" in create(dotted).stderr
    dotted["spec"]["name"] = "order"
    assert created(create, dotted)["spec"]["name"] == "order"


def test_the_largest_template_is_admitted(create: Create) -> None:
    steps = [
        step(f"s{i}", handler={"callable": "a:B", "env": [{"name": f"E{n}", "value": "x"} for n in range(10)]})
        for i in range(500)
    ]
    assert len(created(create, template(*steps))["spec"]["steps"]) == 500
    assert create(template(*steps, step("one_more"))).returncode != 0


def test_a_template_may_use_the_whole_language(create: Create) -> None:
    steps = [
        step("a", resultSchema={"type": "object"}, retry={"rules": [{"onErrorTypes": ["*"], "action": "Ignore"}]}),
        {"name": "b", "task": {"templateRef": {"name": "pay"}, "contextFrom": {"total": "steps.a.result.total"}}},
        {"name": "c", "approval": {}, "when": "steps.b.outcome == 'Succeeded'", "skippable": True},
        step("d", compensation={}),
        {"name": "e", "task": {"templateRef": {"name": "ship", "version": ">=1 <3"}}, "compensation": {}},
    ]
    fields: Obj = {
        "output": "steps.a.result",
        "outputSchema": {"type": "object"},
        "defaultContext": NESTED,
        "defaultOptions": {"fast": False},
        "identityStrategy": "Strict",
        "lifecycle": {"waitingForDependencies": "48h", "total": "72h"},
        "environments": {"production": {"steps": [{"name": "ALL", "handler": {"config": NESTED}, "timeout": "5m"}]}},
        "finally": [step("report"), step("tell", dependsOn=["report"], when="task.outcome != 'Succeeded'")],
    }
    spec = created(create, template(*steps, **fields))["spec"]
    assert spec["steps"][1]["task"]["templateRef"] == {"name": "pay", "domain": "default"}
    assert spec["steps"][2]["approval"] == {"onTimeout": "Fail"}
    assert spec["lifecycle"]["action"] == "Mark"
    assert {name: spec[name] for name in ("defaultContext", "environments")} == {
        "defaultContext": NESTED,
        "environments": fields["environments"],
    }


# --- TaskActions -------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (action("Complete"), "spec.step is required for Complete"),
        (action("ConfirmStopped"), "spec.step is required for Complete"),
        (action("GiveUp", step="charge"), "spec.step must be left out for GiveUp, Abandon"),
        (action("Retry", expectedAttempt=1), "spec.expectedAttempt needs spec.step"),
        (action("Redo"), 'spec.type: Unsupported value: "Redo"'),
        (action(requestedBy=""), "spec.requestedBy"),
        (action(requestedBy=None), "spec.requestedBy: Required value"),
        (action(taskRef={}), "spec.taskRef.name: Required value"),
    ],
)
def test_a_wrong_action_is_refused(create: Create, given: Obj, said: str) -> None:
    done = create(given)
    assert done.returncode != 0
    assert said in done.stderr


@pytest.mark.parametrize("result", [None, True, 5, 1.5, "x", [1, None], {"a": {"b": None}}, {}])
def test_an_actions_result_is_kept_whatever_it_is(create: Create, result: Any) -> None:
    spec = created(create, action("Complete", step="charge", result=result))["spec"]
    assert spec["result"] == result


@pytest.mark.parametrize(
    "operation",
    [
        put("/spec/type", "Retry"),
        put("/spec/step", "charge"),
        put("/spec/result", {"paid": False}),
        put("/spec/result/paid", False),
        drop("/spec/result"),
        drop("/spec/reason"),
        put("/spec/requestedBy", "mallory"),
        put("/spec/taskRef/uid", "1234"),
    ],
    ids=lambda operation: f"{operation['op']} {operation['path']}",
)
def test_nothing_in_an_action_can_be_changed(create: Create, namespace: str, operation: Obj) -> None:
    obj = created(create, action("Resolve", result={"paid": True}, reason="told by phone"))
    refused = changed(namespace, obj, operation)
    assert "a TaskAction cannot be changed: create another one" in refused.stderr


def test_a_null_result_cannot_come_later(create: Create, namespace: str) -> None:
    obj = created(create, action("Resolve"))
    refused = changed(namespace, obj, put("/spec/result", None))
    assert "a TaskAction cannot be changed: create another one" in refused.stderr


def test_kubectl_tells_what_became_of_an_action(create: Create, namespace: str) -> None:
    obj = created(create, action("Skip", step="charge"))
    with_status(namespace, obj, {"phase": "Rejected", "message": "charge is not skippable"})
    head, row = succeed("-n", namespace, "get", ACTIONS, obj["metadata"]["name"], "-o", "wide").splitlines()
    assert head.split() == ["NAME", "TASK", "TYPE", "STEP", "PHASE", "MESSAGE", "AGE"]
    assert row.split()[1:5] == ["order-1", "Skip", "charge", "Rejected"]


# --- The corpus --------------------------------------------------------------


@pytest.fixture(scope="module")
def answers(namespace: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What kubectl is told about each wrong manifest, as it stands in its file, by the file's name."""
    folder = tmp_path_factory.mktemp("corpus")
    for entry in ENTRIES:
        text = entry.file.read_text(encoding="utf-8").replace(API_VERSION, f"{GROUP}/{VERSION}")
        named = re.sub(r"(?m)^metadata: \{name: .*\}$", f"metadata: {{name: {entry.name}}}", text)
        (folder / entry.file.name).write_text(named, encoding="utf-8")
    done = kubectl("-n", namespace, "create", "--dry-run=server", "-f", str(folder))
    said = re.split(r"(?m)^(?=Error from server|The Task)", done.stderr)
    return {entry.name: "".join(part for part in said if _is_about(part, entry)) for entry in ENTRIES}


def _is_about(said: str, entry: Entry) -> bool:
    return f'{entry.kind} "{entry.name}" is invalid' in said or f"/{entry.file.name}" in said


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_what_the_schema_can_say_of_a_wrong_manifest_is_said_by_the_server(
    answers: dict[str, str], entry: Entry
) -> None:
    said = answers[entry.name]
    assert bool(said) is bool(entry.refused), said
    for place in entry.refused:
        assert re.search(rf"{re.escape(place)}(?![\w\[.])", said), f"{place} is not named in: {said}"


# --- Statuses ----------------------------------------------------------------


def with_status(namespace: str, obj: Obj, status: Obj) -> Obj:
    resource = RESOURCES[obj["kind"]]
    patch = json.dumps([put("/status", status)])
    output = succeed(
        "-n",
        namespace,
        "patch",
        resource,
        obj["metadata"]["name"],
        "--subresource=status",
        "--type=json",
        "-o",
        "json",
        "-p",
        patch,
    )
    written: Obj = json.loads(output)["status"]
    return written


def test_an_empty_status_has_not_been_observed(create: Create, namespace: str) -> None:
    assert with_status(namespace, created(create, task()), {}) == {"observedGeneration": -1}
    assert with_status(namespace, created(create, template()), {}) == {"observedGeneration": -1}


@pytest.mark.parametrize("result", [None, True, 5, 1.5, "x", [1, None], {"a": {"b": None}}, {}])
def test_a_result_is_kept_whatever_it_is(create: Create, namespace: str, result: Any) -> None:
    status = {
        "observedGeneration": 1,
        "state": "Complete",
        "result": result,
        "startedAt": "2026-11-20T14:26:29.123456Z",
        "steps": [{"name": "a", "state": "Complete", "result": result, "metadata": {"n": None}}],
    }
    assert with_status(namespace, created(create, task()), status) == status


def test_kubectl_tells_the_story_of_a_task(create: Create, namespace: str) -> None:
    obj = created(create, task())
    status: Obj = {
        "state": "Error",
        "outcome": "Compensated",
        "progress": "3/5",
        "message": "ship_order was refused",
        "template": {"name": "order", "version": "1.0.0", "revision": "order-1"},
    }
    with_status(namespace, obj, status)
    head, row = succeed("-n", namespace, "get", TASKS, obj["metadata"]["name"], "-o", "wide").splitlines()
    assert head.split() == [
        "NAME", "STATE", "OUTCOME", "PROGRESS", "TEMPLATE", "VERSION", "MESSAGE", "AGE"
    ]  # fmt: skip
    assert row.split()[1:6] == ["Error", "Compensated", "3/5", "order", "1.0.0"]
    assert "ship_order was refused" in row
