"""Requests: what they become, and what is refused before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from kubesaga.api.findings import check_task
from kubesaga.api.models import TaskSpec, TemplateRef
from kubesaga.client import DeletionPolicy, DesiredState, Invalid, TaskRequest, template_ref

EVERYTHING = """
apiVersion: kubesaga.dev/v1alpha1
kind: Task
metadata: {name: order-1, labels: {team: x}, annotations: {note: y}}
spec:
  templateRef: {domain: orders, name: fulfil, version: ^1}
  context: {order: 4711}
  options: {fast: true}
  metadata: {k: v}
  initiator: shop
  sourceSystem: web
  reason: because
  tags: [a, b]
  correlationId: c1
  parentCorrelationId: c0
  idempotencyKey: order-1
  priority: 5
  bypassSteps: [pack]
  desiredState: Suspended
  cancellation: {mode: Terminate}
  deletionPolicy: Compensate
  ttlAfterFinished: 1h
"""


@pytest.mark.parametrize(
    ("text", "domain", "name", "version"),
    [
        ("fulfil", "default", "fulfil", None),
        ("orders/fulfil", "orders", "fulfil", None),
        ("fulfil@1.2.0", "default", "fulfil", "1.2.0"),
        ("orders/fulfil@^1", "orders", "fulfil", "^1"),
        ("orders/fulfil@>=1 <3", "orders", "fulfil", ">=1 <3"),
    ],
)
def test_a_template_is_named_in_one_word(text: str, domain: str, name: str, version: str | None) -> None:
    assert template_ref(text) == TemplateRef(domain=domain, name=name, version=version)


@pytest.mark.parametrize("text", ["", "/x", "a/b/c", "Orders/fulfil", "fulfil@", "fulfil@one", "fulfil@1@2", "a b"])
def test_what_names_no_template_is_refused_with_how_to_write_it(text: str) -> None:
    with pytest.raises(Invalid, match="names no template") as error:
        template_ref(text)
    assert "DOMAIN/NAME@VERSION" in error.value.remedy


def test_a_request_can_say_all_that_a_task_can() -> None:
    manifest = yaml.safe_load(EVERYTHING)
    assert set(manifest["spec"]) == {field.alias for field in TaskSpec.model_fields.values()}
    request = TaskRequest.of_manifest(manifest)
    assert request.manifest("shop") == {
        **manifest,
        "metadata": {**manifest["metadata"], "namespace": "shop"},
    }
    again = TaskRequest(
        TemplateRef(domain="orders", name="fulfil", version="^1"),
        {"order": 4711},
        deletion_policy=DeletionPolicy.COMPENSATE,
        desired_state=DesiredState.SUSPENDED,
        tags=("a",),
    )
    assert check_task(again.spec()) == []


def test_names_are_made_of_the_templates_and_are_never_the_same() -> None:
    request = TaskRequest(f"orders/{'long_' * 11}name")
    names = {request.manifest("shop")["metadata"]["name"] for _ in range(50)}
    assert len(names) == 50
    for name in names:
        TaskRequest("fulfil", name=name)


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"name": "Order_1"}, "metadata.name"),
        ({"name": "x" * 64}, "metadata.name"),
        ({"context": {"when": object()}}, "spec.context.when"),
        ({"context": {"amount": float("nan")}}, "spec.context.amount"),
        ({"context": [1]}, "spec.context"),
        ({"tags": "one"}, "spec.tags"),
        ({"priority": 5000}, "spec.priority"),
        ({"ttl_after_finished": "soon"}, "spec.ttlAfterFinished"),
        ({"metadata": {"large": "x" * 5000}}, "spec.metadata"),
    ],
)
def test_what_is_wrong_with_a_request_is_told_at_once(fields: dict[str, Any], where: str) -> None:
    with pytest.raises(Invalid, match="the request is not valid") as error:
        TaskRequest("fulfil", **fields)
    assert [cause.field for cause in error.value.causes] == [where]


def test_a_manifest_that_is_no_task_is_refused() -> None:
    with pytest.raises(Invalid, match="is no Task: it says v1 Pod"):
        TaskRequest.of_manifest({"apiVersion": "v1", "kind": "Pod"})
    manifest = yaml.safe_load(EVERYTHING)
    manifest["spec"]["contxt"] = {}
    with pytest.raises(Invalid, match=r"spec\.contxt"):
        TaskRequest.of_manifest(manifest)
    with pytest.raises(Invalid):
        TaskRequest.of_manifest({"apiVersion": "kubesaga.dev/v1alpha1", "kind": "Task"})


@pytest.mark.parametrize(
    ("metadata", "where"),
    [
        ("order-1", "metadata"),
        ({"name": 4711}, "metadata.name"),
        ({"labels": ["a"]}, "metadata.labels"),
        ({"annotations": {"a": 1}}, "metadata.annotations"),
    ],
)
def test_metadata_of_a_wrong_kind_are_told_by_their_field(metadata: Any, where: str) -> None:
    manifest = {"apiVersion": "kubesaga.dev/v1alpha1", "kind": "Task", "spec": {"templateRef": {"name": "fulfil"}}}
    with pytest.raises(Invalid) as refused:
        TaskRequest.of_manifest(manifest | {"metadata": metadata})
    assert [cause.field for cause in refused.value.causes] == [where]
