"""The Jobs that are created: what a step gets, what it may do, and what a Task's author cannot reach."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest

from kubesaga.api.programs import Program, ProgramKind
from kubesaga.engine.decision import Attempt
from kubesaga.engine.plan import Compensation, Plan, RetryPolicy, Step
from kubesaga.engine.records import ParentLink, ResultRef, StepError, StepRecord, TaskStatus
from kubesaga.engine.vocabulary import DeletionPolicy, Role, StepState
from kubesaga.runtime.jobs import JobBundle, belongs_to, build_fence, job_name
from kubesaga.runtime.jobs import build_job as build_bundle

PLAN = Plan(
    steps=(
        Step("first", continue_on_error=True),
        Step("second", depends_on=("first",)),
        Step("third", depends_on=("second",), retry=RetryPolicy(max_attempts=5), compensation=Compensation()),
    ),
    timeout=60.0,
)
STATUS = TaskStatus(
    started_at=1_700_000_000.0,
    steps=(
        StepRecord("first", StepState.ERROR, attempt=1, error=StepError("Odd", "it was odd", code="E1")),
        StepRecord("second", StepState.COMPLETE, attempt=1, result={"n": 2}),
        StepRecord("third", StepState.ENQUEUED, attempt=4, retry_base=2, result={"id": 7}),
    ),
)
THIRD = Attempt("third", Role.FORWARD, 4)
PROGRAM = Program(kind=ProgramKind.HANDLER, image="img", callable="a.b:C", method="call", config={"k": 1})


def task(context: Any = None) -> dict[str, Any]:
    return {
        "metadata": {
            "name": "order-1",
            "namespace": "shop",
            "uid": "uid-1",
            "creationTimestamp": "2026-01-01T00:00:00Z",
        },
        "spec": {"templateRef": {"name": "t"}, "context": context or {"customer": "carol"}, "initiator": "me"},
    }


def bundle(
    task: dict[str, Any],
    plan: Plan,
    status: TaskStatus,
    attempt: Attempt,
    program: Program,
    *,
    policy: DeletionPolicy = DeletionPolicy.DELETE,
    **values: Any,
) -> JobBundle:
    """As gather and apply have it made; ``values`` by the names of the ConfigMaps, with ``_`` for ``-``."""
    loaded = {name.replace("_", "-"): value for name, value in values.items()}
    context, options = task["spec"].get("context") or {}, task["spec"].get("options") or {}
    return build_bundle(
        task, plan, status, attempt, program, policy=policy, context=context, options=options, values=loaded
    )


def build_job(*args: Any, **more: Any) -> dict[str, Any]:
    """The Job of a bundle whose input is in it."""
    made = bundle(*args, **more)
    assert made.input is None
    return made.job


def container(job: dict[str, Any]) -> dict[str, Any]:
    (only,) = job["spec"]["template"]["spec"]["containers"]
    found: dict[str, Any] = only
    return found


def environment(job: dict[str, Any]) -> dict[str, str]:
    """As the kubelet expands it: ``$$`` is a dollar sign."""
    return {entry["name"]: entry["value"].replace("$$", "$") for entry in container(job)["env"] if "value" in entry}


def input_of(job: dict[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(environment(job)["KUBESAGA_INPUT"])
    return document


def test_a_step_sees_the_request_its_attempt_and_the_results_of_all_its_ancestors() -> None:
    document = input_of(build_job(task(), PLAN, STATUS, THIRD, PROGRAM))
    assert document["context"] == {"customer": "carol"}
    assert document["results"] == {"first": None, "second": {"n": 2}}
    assert document["errors"] == {"first": {"type": "Odd", "code": "E1", "message": "it was odd"}}
    assert (document["attempt"], document["retryCount"], document["step"]["maxAttempts"]) == (4, 1, 5)
    assert document["deadline"] == "2023-11-14T22:14:20.000000Z"
    assert document["correlationId"] == "uid-1"


def test_a_compensation_gets_the_forward_result_and_key_and_one_of_its_own_and_no_deadline() -> None:
    compensating = replace(STATUS.steps[2], compensation=StepRecord("third", attempt=1))
    status = replace(STATUS, steps=(*STATUS.steps[:2], compensating))
    forward = input_of(build_job(task(), PLAN, STATUS, THIRD, PROGRAM))
    undo = input_of(build_job(task(), PLAN, status, Attempt("third", Role.COMPENSATION, 1), PROGRAM))
    assert undo["forward"] == {"result": {"id": 7}, "error": None}
    assert undo["idempotencyKey"] == forward["idempotencyKey"] != undo["compensationKey"]
    assert undo["deadline"] is None


def test_a_context_cannot_read_the_pods_environment_through_the_kubelets_expansion() -> None:
    job = build_job(task({"note": "$(SECRET) and $$(SECRET)"}), PLAN, STATUS, THIRD, PROGRAM)
    raw = next(entry["value"] for entry in container(job)["env"] if entry["name"] == "KUBESAGA_INPUT")
    assert "$$(SECRET) and $$$$(SECRET)" in raw
    assert input_of(job)["context"]["note"] == "$(SECRET) and $$(SECRET)"


def test_any_text_in_a_result_reaches_the_next_step_as_it_is() -> None:
    for odd in ("\ud800", "\x00", "\U0001f680\n\u2028", "$(HOME)$$"):
        record = replace(STATUS.steps[1], result=odd)
        status = replace(STATUS, steps=(STATUS.steps[0], record, STATUS.steps[2]))
        assert input_of(build_job(task(), PLAN, status, THIRD, PROGRAM))["results"]["second"] == odd


def test_a_large_result_is_put_where_its_reference_stands() -> None:
    record = replace(STATUS.steps[1], result=ResultRef("second-result", "0" * 64, 9))
    status = replace(STATUS, steps=(STATUS.steps[0], record, STATUS.steps[2]))
    job = build_job(task(), PLAN, status, THIRD, PROGRAM, second_result={"rows": 9})
    assert input_of(job)["results"]["second"] == {"rows": 9}


def test_a_large_input_is_a_file_that_only_its_step_reads() -> None:
    context = {"blob": "x" * 40_000}
    made = bundle(task(context), PLAN, STATUS, THIRD, PROGRAM)
    assert made.input is not None
    variables = environment(made.job)
    assert variables["KUBESAGA_INPUT_FILE"] == "/run/kubesaga/input.json"
    assert "KUBESAGA_INPUT" not in variables
    assert {"name": "kubesaga-input", "mountPath": "/run/kubesaga", "readOnly": True} in container(made.job)[
        "volumeMounts"
    ]
    volumes = {volume["name"]: volume for volume in made.job["spec"]["template"]["spec"]["volumes"]}
    name = made.input["metadata"]["name"]
    assert volumes["kubesaga-input"]["configMap"] == {"name": name, "defaultMode": 0o444}
    assert name == f"{job_name(task(), THIRD)}-input"
    assert json.loads(made.input["data"]["input.json"])["context"] == context


def test_a_small_input_needs_no_file() -> None:
    job = build_job(task(), PLAN, STATUS, THIRD, PROGRAM)
    assert "KUBESAGA_INPUT_FILE" not in environment(job)
    assert [volume["name"] for volume in job["spec"]["template"]["spec"]["volumes"]] == ["tmp"]


@pytest.mark.parametrize(("policy", "owners"), [(DeletionPolicy.DELETE, 1), (DeletionPolicy.COMPENSATE, 0)])
def test_jobs_fences_and_inputs_go_with_their_task_unless_it_is_compensated_first(
    policy: DeletionPolicy, owners: int
) -> None:
    made = bundle(task({"blob": "x" * 40_000}), PLAN, STATUS, THIRD, PROGRAM, policy=policy)
    fence = build_fence(task(), THIRD, policy)
    for obj in (made.job, made.input, fence):
        assert obj is not None
        assert len(obj["metadata"]["ownerReferences"]) == owners
        assert obj["metadata"]["labels"]["kubesaga.dev/task-uid"] == "uid-1"
    assert belongs_to(made.job, task(), THIRD)
    assert belongs_to(fence, task(), THIRD)


def test_the_variable_and_the_document_bear_the_same_key() -> None:
    own = {**task(), "spec": {**task()["spec"], "idempotencyKey": "order-7"}}
    child = replace(STATUS, parent=ParentLink("p", "uid-0", "sub", "root", ("sub",), ("default/p",)))
    keys = set()
    for a_task, status in ((task(), STATUS), (own, STATUS), (task(), child)):
        job = build_job(a_task, PLAN, status, THIRD, PROGRAM)
        assert environment(job)["KUBESAGA_IDEMPOTENCY_KEY"] == input_of(job)["idempotencyKey"]
        assert re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-01", environment(job)["TRACEPARENT"])
        keys.add(input_of(job)["idempotencyKey"])
    assert len(keys) == 3


def test_pods_are_restricted() -> None:
    job = build_job(task(), PLAN, STATUS, THIRD, PROGRAM)
    pod = job["spec"]["template"]["spec"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert container(job)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


def test_a_job_runs_one_pod_and_only_disruptions_replace_it() -> None:
    spec = build_job(task(), PLAN, STATUS, THIRD, PROGRAM)["spec"]
    assert (spec["backoffLimit"], spec["podReplacementPolicy"]) == (0, "Failed")
    assert spec["template"]["spec"]["restartPolicy"] == "Never"
    (rule,) = spec["podFailurePolicy"]["rules"]
    assert rule["action"] == "Ignore"
    assert "ttlSecondsAfterFinished" not in spec


def test_the_templates_labels_pass_through_and_do_not_replace_ours() -> None:
    pod = {"labels": {"kueue.x-k8s.io/queue-name": "q"}, "annotations": {"team": "shop"}}
    job = build_job(task(), PLAN, STATUS, THIRD, replace(PROGRAM, pod=pod))
    for meta in (job["metadata"], job["spec"]["template"]["metadata"]):
        assert meta["labels"]["kueue.x-k8s.io/queue-name"] == "q"
        assert meta["labels"]["kubesaga.dev/task-uid"] == "uid-1"
        assert meta["labels"]["kubesaga.dev/attempt"] == "4"
        assert meta["annotations"] == {"team": "shop"}


def test_a_steps_timeout_is_its_pods_deadline_in_whole_seconds() -> None:
    job = build_job(task(), PLAN, STATUS, THIRD, replace(PROGRAM, timeout_seconds=1.5))
    assert job["spec"]["template"]["spec"]["activeDeadlineSeconds"] == 2


def test_a_fence_takes_the_attempts_name_runs_nothing_and_carries_no_queue() -> None:
    job, fence = build_job(task(), PLAN, STATUS, THIRD, PROGRAM), build_fence(task(), THIRD, DeletionPolicy.DELETE)
    assert fence["metadata"]["name"] == job["metadata"]["name"] == job_name(task(), THIRD)
    assert (fence["spec"]["parallelism"], fence["spec"]["activeDeadlineSeconds"]) == (0, 1)
    assert all(label.startswith(("kubesaga.dev/", "app.kubernetes.io/")) for label in fence["metadata"]["labels"])
