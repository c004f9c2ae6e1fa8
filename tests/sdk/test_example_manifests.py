"""examples/order-fulfillment as it is applied: the API takes it, and what it names exists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
import yaml

from kubesaga.api.models import TaskSpec, TaskTemplateSpec
from kubesaga_sdk.loader import load
from tests.sdk.support import ROOT

FOLDER = ROOT / "examples" / "order-fulfillment"


def manifests(kind: str) -> Iterator[dict[str, Any]]:
    for path in sorted(FOLDER.glob("*.yaml")):
        for manifest in yaml.safe_load_all(path.read_text()):
            assert "namespace" not in manifest["metadata"], f"{path} must be applicable in any namespace"
            if manifest["kind"] == kind:
                yield manifest


def template() -> dict[str, Any]:
    (only,) = manifests("TaskTemplate")
    spec: dict[str, Any] = only["spec"]
    return spec


def test_the_template_is_one_and_every_task_refers_to_it() -> None:
    spec = TaskTemplateSpec.read(template())
    tasks = [TaskSpec.read(task["spec"]) for task in manifests("Task")]
    assert len(tasks) == 3
    for task in tasks:
        reference = task.template_ref
        assert (reference.domain, reference.name, reference.version) == (spec.domain, spec.name, spec.version)


def test_every_callable_and_every_compensation_exists() -> None:
    steps = template()["steps"]
    assert len(steps) == 5
    for step in steps:
        load(step["handler"]["callable"], "call")
        if "compensation" in step:
            load(step["handler"]["callable"], "compensate")
    assert [step["name"] for step in steps if "compensation" in step] == [
        "reserve_inventory", "charge_payment", "ship_order",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "violations"), [("order-succeeds", 0), ("order-compensated", 0), ("order-refused", 2)]
)
def test_only_the_order_that_is_to_be_refused_breaks_the_schema(name: str, violations: int) -> None:
    (task,) = (task for task in manifests("Task") if task["metadata"]["name"] == name)
    validator = jsonschema_rs.Draft202012Validator(template()["inputSchema"])
    assert len(list(validator.iter_errors(task["spec"]["context"]))) == violations


def test_the_warehouse_is_fit_for_a_restricted_namespace() -> None:
    (deployment,) = manifests("Deployment")
    pod = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    (service,) = manifests("Service")
    assert service["spec"]["selector"].items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
    assert service["spec"]["ports"][0]["targetPort"] == container["ports"][0]["name"]
