"""Least privilege: the operator and people get exactly the verbs listed here, and where they are listed."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest

from kubesaga.cli.commands.doctor import NEEDED
from kubesaga.engine.vocabulary import ActionType
from tests.chart.rendering import NAMESPACE, ROOT, Manifest, Render, Rendered

READ = {"get", "list", "watch"}
OPERATOR = {
    "kubesaga.dev/tasks": READ | {"create", "patch", "delete", "deletecollection"},
    "kubesaga.dev/tasktemplates": READ,
    "kubesaga.dev/taskactions": READ,
    "kubesaga.dev/tasks/status": {"patch"},
    "kubesaga.dev/tasktemplates/status": {"patch"},
    "kubesaga.dev/taskactions/status": {"patch"},
    "kubesaga.dev/tasks/finalizers": {"update"},
    "batch/jobs": READ | {"create", "patch", "deletecollection"},
    "/pods": READ,
    "/pods/log": {"get"},
    "/configmaps": {"get", "create", "delete", "deletecollection"},
    "apps/controllerrevisions": {"get", "list", "create", "update", "delete"},
    "/events": {"create", "patch"},
}
EDIT = {"create", "update", "patch", "delete", "deletecollection"}
# A TaskAction's type, in lower case, is the verb that it takes.
AGAIN = {str(each).lower() for each in (ActionType.RETRY, ActionType.RETRY_COMPENSATION)}
DECIDING = {str(each).lower() for each in ActionType} - AGAIN
PAGE = (ROOT / "docs" / "operations.md").read_text()


def grants(role: Manifest) -> dict[str, set[str]]:
    """Verbs by `group/resource`."""
    table: dict[str, set[str]] = {}
    for rule in role["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                table.setdefault(f"{group}/{resource}", set()).update(rule["verbs"])
    return table


def roles(rendered: Rendered) -> list[Manifest]:
    return rendered.of_kind("Role") + rendered.of_kind("ClusterRole")


def bindings(rendered: Rendered) -> list[Manifest]:
    return rendered.of_kind("RoleBinding") + rendered.of_kind("ClusterRoleBinding")


def strings(role: Manifest) -> Iterable[str]:
    return (text for rule in role["rules"] for values in rule.values() for text in values)


def test_the_operator_may_do_this_cluster_wide_and_nothing_more(default: Rendered) -> None:
    assert grants(default.one("ClusterRole")) == OPERATOR


def test_no_role_has_a_wildcard(render: Render) -> None:
    for values in ({}, {"operator": {"watchNamespaces": ["orders"]}}):
        for role in roles(render(values)):
            assert not [text for text in strings(role) if "*" in text], role["metadata"]["name"]


def test_watched_namespaces_get_a_role_each_and_nothing_cluster_wide_for_the_operator(render: Render) -> None:
    rendered = render({"operator": {"watchNamespaces": ["orders", "billing"]}})
    served = {m["metadata"]["namespace"]: m for m in rendered.of_kind("Role") if m["metadata"]["name"] == "kubesaga"}
    bound = {m["metadata"]["namespace"] for m in rendered.of_kind("RoleBinding") if m["metadata"]["name"] == "kubesaga"}
    assert set(served) == bound == {"orders", "billing"}
    assert all(grants(role) == OPERATOR for role in served.values())
    assert rendered.of_kind("ClusterRoleBinding") == []
    assert ("ClusterRole", "kubesaga") not in rendered.names()


@pytest.mark.parametrize("fullname", ["kubesaga", "second"])
def test_the_operator_may_touch_its_own_lease_only(render: Render, fullname: str) -> None:
    rendered = render({"fullnameOverride": fullname})
    role = rendered.one("Role", f"{fullname}-leader")
    assert role["metadata"]["namespace"] == NAMESPACE
    create, hold = role["rules"]
    assert create == {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["create"]}
    assert hold["resources"] == ["leases"]
    assert set(hold["verbs"]) == {"get", "update"}
    (container,) = rendered.one("Deployment", fullname)["spec"]["template"]["spec"]["containers"]
    lease = [e["value"] for e in container["env"] if e["name"] == "KUBESAGA_OPERATOR_LEASE_NAME"]
    assert hold["resourceNames"] == lease == [fullname]


@pytest.mark.parametrize("account", [{}, {"name": "saga"}, {"create": False, "name": "saga"}, {"create": False}])
def test_every_binding_is_to_the_service_account_that_the_pod_runs_as(render: Render, account: Manifest) -> None:
    rendered = render({"serviceAccount": account, "operator": {"watchNamespaces": ["orders"]}})
    name = rendered.one("Deployment")["spec"]["template"]["spec"]["serviceAccountName"]
    assert name == account.get("name", "kubesaga" if account.get("create", True) else "default")
    assert [m["metadata"]["name"] for m in rendered.of_kind("ServiceAccount")] == [name] * account.get("create", True)
    assert len(bindings(rendered)) == 2
    for binding in bindings(rendered):
        assert binding["subjects"] == [{"kind": "ServiceAccount", "name": name, "namespace": NAMESPACE}]


def test_every_binding_names_a_role_of_the_chart(default: Rendered) -> None:
    for binding in bindings(default):
        assert (binding["roleRef"]["kind"], binding["roleRef"]["name"]) in default.names()


def test_viewers_read_editors_write_administrators_decide_and_nobody_writes_a_status(default: Rendered) -> None:
    resources = ("tasks", "tasktemplates", "taskactions")
    task_edit = {
        "kubesaga.dev/tasks": EDIT | AGAIN,
        "kubesaga.dev/taskactions": {"create", "delete", "deletecollection"},
    }
    expected = {
        "kubesaga-view": ("view", {f"kubesaga.dev/{resource}": READ for resource in resources}),
        "kubesaga-task-edit": ("edit", task_edit),
        "kubesaga-template-edit": ("edit", {"kubesaga.dev/tasktemplates": EDIT}),
        "kubesaga-task-operate": ("admin", {"kubesaga.dev/tasks": DECIDING, "kubesaga.dev/taskactions": {"create"}}),
    }
    for name, (aggregate, table) in expected.items():
        role = default.one("ClusterRole", name)
        labels = role["metadata"]["labels"]
        aggregated = {k for k in labels if k.startswith("rbac.authorization.k8s.io/")}
        assert aggregated == {f"rbac.authorization.k8s.io/aggregate-to-{aggregate}"}
        assert grants(role) == table


def test_the_operations_page_lists_the_operators_rights_as_they_are() -> None:
    assert rights_on_the_page() == {
        **{resource.partition("/")[2]: verbs for resource, verbs in OPERATOR.items()},
        "leases": {"create", "get", "update"},
    }


def test_the_doctor_asks_for_what_the_operator_needs() -> None:
    # What a cluster may do without: only those that enforce owner references' permissions ask for it.
    needed = {resource: verbs for resource, verbs in OPERATOR.items() if resource != "kubesaga.dev/tasks/finalizers"}
    assert {f"{group}/{name}": set(verbs.split()) for (group, name), verbs in NEEDED.items()} == needed


def rights_on_the_page() -> dict[str, set[str]]:
    """Verbs by resource, from the table under "What the operator may do"."""
    section = PAGE.partition("## What the operator may do")[2].partition("\n## ")[0]
    verbs = READ | EDIT
    found: dict[str, set[str]] = {}
    for row in re.findall(r"^\| (`.*?) \| (.*?) \|", section, flags=re.MULTILINE):
        for resource in re.findall(r"`([a-z/]+)`", row[0]):
            found[resource] = set(re.findall(r"[a-z]+", row[1])) & verbs
    return found


def test_roles_are_left_out_where_somebody_else_grants_them(render: Render) -> None:
    rendered = render({"rbac": {"create": False, "userRoles": False}})
    assert roles(rendered) == bindings(rendered) == []
