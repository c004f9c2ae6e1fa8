"""What an attempt reads in a process is what the operator would give it."""

from __future__ import annotations

from typing import Any

from kubesaga.engine.decision import Attempt
from kubesaga.engine.records import StepError
from kubesaga.engine.vocabulary import Role
from kubesaga.local.tasks import LocalTask, local_task, new_task
from kubesaga.local.templates import Templates
from kubesaga_sdk import step_input
from kubesaga_sdk.workflow import inputs
from kubesaga_sdk.workflow.steps import RUN_FACTS
from tests.sdk.workflow import flows

NOW = 1_700_000_000.0


def compare(task: LocalTask, history: inputs.History, attempt: Attempt) -> None:
    theirs = step_input.complete(task.input(attempt), "the operator")
    ours = inputs.document(task.session, history, attempt, config=theirs["config"], metadata={"tenant": "t"})
    assert ours["metadata"].keys() - {"tenant"} == RUN_FACTS
    for document in (ours, theirs):
        # A process has no namespace, and needs no name of what it calls.
        document["metadata"].pop("namespace")
        document["task"] = {key: document["task"].get(key) for key in ("name", "uid", "tags")}
        document["step"] = {key: document["step"][key] for key in ("name", "role", "maxAttempts")}
        # A Kubernetes object was created at a whole second.
        document["metadata"].pop("createdAt")
    assert ours == {key: theirs[key] for key in ours}


def test_every_document_of_a_saga_is_the_operator_s_own() -> None:
    templates = Templates()
    templates.add(flows.saga.to_template(image="handlers:1"), "here")
    reference = {"domain": "shop", "name": "fulfilment"}
    spec: dict[str, Any] = {"templateRef": reference, "context": {"sku": "x"}, "metadata": {"tenant": "t"}}
    obj = new_task({"metadata": {"name": "fulfilment"}, "spec": spec}, "uid-1", NOW)
    task = local_task(obj, templates.find("shop", "fulfilment", None))
    history, session, now, compared = inputs.History(), task.session, NOW, list[tuple[str, Role, int]]()
    while not session.ended:
        decision = session.decide(now)
        task.write(decision, now)
        history.add(decision.transitions)
        now = decision.wake_at or now + 1
        for attempt in decision.launches:
            compare(task, history, attempt)
            compared.append((attempt.step, attempt.role, attempt.number))
            session.started(attempt, now)
            if attempt in (Attempt("payment_charge", Role.FORWARD, 1), Attempt("ship", Role.FORWARD, 1)):
                error = StepError("Down", "no", code="D", retryable=attempt.step != "ship")
                session.failed(attempt, now, error)
            else:
                session.succeeded(attempt, now, {"data": {"sku": "x"}, "metadata": {}})
    forward, undo = Role.FORWARD, Role.COMPENSATION
    assert compared == [
        ("reserve", forward, 1), ("payment_charge", forward, 1), ("payment_charge", forward, 2),
        ("payment_receipts_receipt", forward, 1), ("ship", forward, 1),
        ("payment_charge", undo, 1), ("reserve", undo, 1),
    ]  # fmt: skip
