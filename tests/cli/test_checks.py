"""What the doctor makes of what it reads."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from kubesaga.api.crds import task_crd
from kubesaga.api.times import rfc3339
from kubesaga.cli.views import checks
from kubesaga.cli.views.checks import Check, Level

NOW = 1_000_000.0


def installed() -> dict[str, Any]:
    """The CRD as the API server has it."""
    there = deepcopy(task_crd())
    there["status"] = {"conditions": [{"type": "Established", "status": "True"}]}
    return there


def deployment(ready: int = 1, replicas: int = 1, version: str = "0.1.0") -> dict[str, Any]:
    return {
        "metadata": {
            "name": "kubesaga",
            "namespace": "kubesaga-system",
            "labels": {"app.kubernetes.io/version": version},
        },
        "spec": {"replicas": replicas},
        "status": {"readyReplicas": ready},
    }


def serving(name: str, *namespaces: str) -> dict[str, Any]:
    """The Deployment of an operator that was told to look at these namespaces, or at all."""
    told = [{"name": "KUBESAGA_OPERATOR_NAMESPACES", "value": ",".join(namespaces)}] if namespaces else []
    found = deployment()
    found["metadata"]["name"] = name
    found["spec"]["template"] = {"spec": {"containers": [{"name": "operator", "env": told}]}}
    return found


def lease(age: float, holder: str = "kubesaga-abc") -> dict[str, Any]:
    return {"spec": {"holderIdentity": holder, "renewTime": rfc3339(NOW - age)}}


@pytest.mark.parametrize(
    ("check", "level", "word"),
    [
        (checks.kubernetes({"major": "1", "minor": "34+", "gitVersion": "v1.34.1"}), Level.OK, "v1.34.1"),
        (checks.kubernetes({"major": "1", "minor": "30", "gitVersion": "v1.30.0"}), Level.FAIL, "too old"),
        (checks.deployment(deployment(), "0.1.0"), Level.OK, "1 of 1 replicas ready"),
        (checks.deployment(deployment(1, 2), "0.1.0"), Level.WARN, "1 of 2"),
        (checks.deployment(deployment(), "0.2.0"), Level.WARN, "version 0.1.0"),
        (checks.deployment(deployment(0), "0.1.0"), Level.FAIL, "none of 1 replicas is ready"),
        (checks.deployment(deployment(0, 0), "0.1.0"), Level.FAIL, "scaled to 0"),
        (checks.deployment(None, "0.1.0"), Level.FAIL, "no Deployment"),
        (
            checks.lease(lease(4), "kubesaga", deployment(), NOW),
            Level.OK,
            "kubesaga-abc, which renewed its Lease 4.0s ago",
        ),
        (
            checks.lease(lease(300), "kubesaga", deployment(), NOW),
            Level.FAIL,
            "has not renewed the Lease kubesaga for 5m",
        ),
        (checks.lease(lease(4, ""), "kubesaga", deployment(), NOW), Level.FAIL, "nobody holds"),
        (checks.lease(None, "kubesaga", deployment(), NOW), Level.FAIL, "never led"),
        (checks.served("shop", None), Level.OK, "serves shop"),
        (checks.served("shop", "shop,billing"), Level.OK, "serves shop"),
        (checks.served("shop", "billing"), Level.FAIL, "does not serve shop, only billing"),
        (checks.operator_rights([], "system:serviceaccount:a:b"), Level.OK, "system:serviceaccount:a:b"),
        (checks.operator_rights(["create jobs"], "system:serviceaccount:a:b"), Level.FAIL, "may not: create jobs"),
        (checks.unknown("Leader", "you may not read it"), Level.WARN, "not known: you may not read it"),
    ],
)
def test_each_state_of_things_has_its_level(check: Check, level: Level, word: str) -> None:
    assert check.level is level
    assert word in check.message
    assert bool(check.remedy) == (level is not Level.OK)


def test_of_several_operators_the_one_is_examined_that_serves_the_namespace() -> None:
    operators = [serving("orders", "orders"), serving("shop", "billing", "shop")]
    assert [checks.chosen(operators, namespace) for namespace in ("shop", "orders")] == operators[::-1]
    assert checks.chosen(operators, "elsewhere") == operators[0]
    assert checks.chosen([*operators, everywhere := serving("all")], "elsewhere") == everywhere
    assert checks.chosen([], "shop") is None


@pytest.mark.parametrize(("ready", "replicas", "level"), [(0, 1, Level.FAIL), (1, 2, Level.WARN)])
def test_an_operator_that_is_not_ready_says_what_its_pod_waits_for(ready: int, replicas: int, level: Level) -> None:
    found = checks.deployment(deployment(ready, replicas), "0.1.0", [pod(None), pod("ImagePullBackOff")])
    assert found.level is level
    assert found.message.endswith(": order-1-charge-x waits: ImagePullBackOff of handlers:9")


def test_a_definition_of_this_version_is_good() -> None:
    assert checks.definition(task_crd(), installed()).level is Level.OK


def test_a_definition_that_is_not_there_is_a_fault() -> None:
    found = checks.definition(task_crd(), None)
    assert (found.level, found.message) == (Level.FAIL, "is not there")


def test_a_definition_that_is_not_served_yet_is_a_fault() -> None:
    there = installed()
    there["status"] = {}
    assert checks.definition(task_crd(), there).level is Level.FAIL


def test_a_definition_of_another_schema_is_of_another_version() -> None:
    there = installed()
    del there["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]["properties"]["priority"]
    found = checks.definition(task_crd(), there)
    assert (found.level, found.message) == (Level.WARN, "is of another version of Kubesaga than this program")


def test_a_definition_without_this_version_of_the_api_is_a_fault() -> None:
    there = installed()
    there["spec"]["versions"][0]["name"] = "v1"
    assert checks.definition(task_crd(), there).message == "lacks the version v1alpha1"


def test_rights_are_told_apart() -> None:
    good, bad = checks.rights({"list tasks": True, "create tasks": False}, "shop")
    assert (good.level, good.message) == (Level.OK, "in namespace shop: list tasks")
    assert (bad.level, bad.message) == (Level.WARN, "not in namespace shop: create tasks")


def pod(reason: str | None) -> dict[str, Any]:
    state = {"waiting": {"reason": reason}} if reason else {"running": {}}
    labels = {"kubesaga.dev/task": "order-1", "kubesaga.dev/step": "charge"}
    return {
        "metadata": {"name": "order-1-charge-x", "namespace": "shop", "labels": labels},
        "status": {"containerStatuses": [{"name": "step", "image": "handlers:9", "state": state}]},
    }


def test_a_pod_that_cannot_have_its_image_is_a_fault_that_names_task_step_and_image() -> None:
    (found,) = checks.image_pulls([pod(None), pod("ImagePullBackOff")])
    assert found.level is Level.FAIL
    assert found.message == "shop/order-1-charge-x (Task order-1, step charge): ImagePullBackOff of handlers:9"


def test_pods_that_run_or_start_are_good() -> None:
    (found,) = checks.image_pulls([pod(None), pod("ContainerCreating")])
    assert found.level is Level.OK


def test_a_namespace_that_is_not_there_is_a_fault() -> None:
    found = checks.no_namespace("shpo")
    assert (found.level, found.message) == (Level.FAIL, "there is no namespace shpo")
    assert found.remedy
