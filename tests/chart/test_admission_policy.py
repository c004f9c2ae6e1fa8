"""The admission policy for TaskActions: whom it asks for what; tests/cluster/test_permissions tries it on a cluster."""

from __future__ import annotations

import pytest

from tests.chart.rendering import Manifest, Render, Rendered

NAME = "kubesaga-task-actions"


def policy(rendered: Rendered) -> Manifest:
    spec: Manifest = rendered.one("ValidatingAdmissionPolicy", NAME)["spec"]
    return spec


def test_creating_a_task_action_is_refused_unless_the_policy_could_be_evaluated(default: Rendered) -> None:
    spec = policy(default)
    assert spec["failurePolicy"] == "Fail"
    (rule,) = spec["matchConstraints"]["resourceRules"]
    assert rule == {
        "apiGroups": ["kubesaga.dev"],
        "apiVersions": ["*"],
        "operations": ["CREATE"],
        "resources": ["taskactions"],
    }


def test_the_caller_and_the_verb_are_checked_and_both_refusals_say_what_is_missing(default: Rendered) -> None:
    caller, verb = policy(default)["validations"]
    assert caller["expression"] == "object.spec.requestedBy == request.userInfo.username"
    assert "request.userInfo.username" in caller["messageExpression"]
    assert ".check(variables.verb)" in verb["expression"]
    assert "variables.verb" in verb["messageExpression"]
    assert {caller["reason"], verb["reason"]} == {"Forbidden"}


def test_the_binding_denies_everywhere_or_where_the_operator_serves(default: Rendered, render: Render) -> None:
    binding = default.one("ValidatingAdmissionPolicyBinding", NAME)["spec"]
    assert binding == {"policyName": NAME, "validationActions": ["Deny"]}
    served = render({"operator": {"watchNamespaces": ["orders"]}})
    (where,) = served.one("ValidatingAdmissionPolicyBinding", NAME)["spec"]["matchResources"]["namespaceSelector"][
        "matchExpressions"
    ]
    assert where == {"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["orders"]}


@pytest.mark.parametrize("kind", ["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"])
def test_the_policy_can_be_left_to_somebody_else(render: Render, kind: str) -> None:
    assert render({"admissionPolicy": {"enabled": False}}).of_kind(kind) == []
