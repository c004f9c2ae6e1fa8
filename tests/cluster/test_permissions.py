"""Who may do what to a Task, asked of the real API server: RBAC, and the admission policy for TaskActions.

The users exist by impersonation only: `--as` is what an authenticator would have found out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

import pytest

from kubesaga.api.constants import ACTION_KIND, ACTION_PLURAL, API_VERSION, GROUP
from kubesaga.engine.vocabulary import ActionType
from tests.cluster import tasks
from tests.cluster.installation import DEPLOYMENT
from tests.cluster.kubectl import Kubectl, KubectlError, Manifest
from tests.cluster.rights import until_may

ACTION = f"{ACTION_PLURAL}.{GROUP}"
RBAC = "rbac.authorization.k8s.io"
AGAIN = {ActionType.RETRY, ActionType.RETRY_COMPENSATION}
ON_A_STEP = {ActionType.RETRY, ActionType.COMPLETE, ActionType.SKIP, ActionType.FAIL, ActionType.APPROVE,
             ActionType.REJECT, ActionType.MARK_COMPENSATED, ActionType.CONFIRM_STOPPED}  # fmt: skip


def action(name: str, task: str, type_: str, by: str, **spec: object) -> Manifest:
    """A TaskAction as this user writes it."""
    step = {"step": "work"} if type_ in ON_A_STEP else {}
    return {
        "apiVersion": API_VERSION,
        "kind": ACTION_KIND,
        "metadata": {"name": name},
        "spec": {"taskRef": {"name": task}, "type": type_, "requestedBy": by, **step, **spec},
    }


def bind(kubectl: Kubectl, user: str, cluster_role: str, verb: str = "create") -> None:
    """Give a user a ClusterRole in this namespace, by which they may do this to TaskActions."""
    kubectl.apply(_binding(user, {"kind": "ClusterRole", "name": cluster_role}))
    until_may(kubectl, user, verb, ACTION)


def grant(kubectl: Kubectl, user: str, verbs: Iterable[str], tasks_named: Iterable[str] = ()) -> None:
    """Give a user a Role of their own with these verbs on Tasks, all or those of these names, and TaskActions."""
    rule: Manifest = {"apiGroups": [GROUP], "resources": ["tasks"], "verbs": list(verbs)}
    if tasks_named:
        rule["resourceNames"] = list(tasks_named)
    create = {"apiGroups": [GROUP], "resources": [ACTION_PLURAL], "verbs": ["create"]}
    role = {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": {"name": user}, "rules": [rule, create]}
    kubectl.apply(role, _binding(user, {"kind": "Role", "name": user}))
    until_may(kubectl, user, "create", ACTION)


def _binding(user: str, role: Manifest) -> Manifest:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": f"{user}-{role['name']}"},
        "roleRef": {"apiGroup": RBAC, **role},
        "subjects": [{"apiGroup": RBAC, "kind": "User", "name": user}],
    }


def create(kubectl: Kubectl, user: str, manifest: Manifest, *options: str) -> None:
    """Create an object as this user."""
    kubectl.run("create", f"--as={user}", *options, "-f", "-", stdin=json.dumps(manifest))


def refused(kubectl: Kubectl, user: str, manifest: Manifest) -> str:
    """Why this user cannot create the object."""
    return kubectl.refused("create", f"--as={user}", "-f", "-", stdin=json.dumps(manifest))


def allowed_types(kubectl: Kubectl, user: str) -> set[ActionType]:
    """The types that this user may create TaskActions of, for some Task."""
    refusals: dict[ActionType, str] = {}
    for type_ in ActionType:
        try:
            create(kubectl, user, action("probe", "some-task", type_, user), "--dry-run=server")
        except KubectlError as error:
            refusals[type_] = str(error)
    for type_, why in refusals.items():
        assert f'takes the verb "{type_.lower()}" on tasks.{GROUP} "some-task"' in why
    return set(ActionType) - set(refusals)


def answered(kubectl: Kubectl, name: str) -> Manifest:
    """The TaskAction's status once it has been answered."""
    found = kubectl.until(ACTION, name, lambda a: a.get("status", {}).get("phase"), "answered")
    status: Manifest = found["status"]
    return status


def test_whoever_may_retry_may_not_complete(namespace: Kubectl) -> None:
    blocked = tasks.template("broken", tasks.sh("work", "exit 70"), blockedTimeout="10m")
    namespace.apply(blocked, tasks.task("broken"))
    namespace.until(tasks.TASK, "broken", lambda t: t.get("status", {}).get("state") == "BlockedByFailures", "blocked")
    grant(namespace, "rita", ["retry"])
    why = refused(namespace, "rita", action("forge", "broken", "Complete", "rita", result={"paid": True}))
    assert 'rita may not Complete: it takes the verb "complete" on tasks.kubesaga.dev "broken"' in why
    create(namespace, "rita", action("again", "broken", "Retry", "rita"))
    assert answered(namespace, "again")["phase"] == "Applied"
    grant(namespace, "carla", ["complete"])
    namespace.until(
        tasks.TASK,
        "broken",
        lambda t: t["status"]["state"] == "BlockedByFailures" and tasks.step(t, "work")["attempt"] == 2,
        "blocked again",
    )
    create(namespace, "carla", action("repair", "broken", "Complete", "carla", result={"paid": True}))
    assert answered(namespace, "repair")["phase"] == "Applied"
    found = namespace.until(tasks.TASK, "broken", tasks.ended, "finished")
    assert tasks.end_of(found)[0] == "Complete"
    asked = [(each["type"], each["requestedBy"]) for each in found["status"]["actions"]]
    assert asked == [("Retry", "rita"), ("Complete", "carla")]


def test_nobody_can_act_under_another_name(namespace: Kubectl) -> None:
    bind(namespace, "mallory", "admin")
    why = refused(namespace, "mallory", action("forged", "some-task", "Approve", "alice"))
    assert "spec.requestedBy must be who creates the TaskAction: write mallory" in why
    bind(namespace, f"system:serviceaccount:{namespace.namespace}:default", "admin")
    robot = f"system:serviceaccount:{namespace.namespace}:default"
    create(namespace, robot, action("honest", "some-task", "Approve", robot), "--dry-run=server")


def test_a_right_can_be_given_for_one_task(namespace: Kubectl) -> None:
    grant(namespace, "boss", ["approve", "reject"], tasks_named=["order-1"])
    create(namespace, "boss", action("yes", "order-1", "Approve", "boss"), "--dry-run=server")
    assert 'on tasks.kubesaga.dev "order-2"' in refused(namespace, "boss", action("yes", "order-2", "Approve", "boss"))


@pytest.mark.parametrize(
    ("role", "types"), [("edit", AGAIN), ("admin", set(ActionType)), (f"{DEPLOYMENT}-task-edit", AGAIN)]
)
def test_editors_try_again_and_administrators_decide(namespace: Kubectl, role: str, types: set[ActionType]) -> None:
    bind(namespace, "user", role)
    assert allowed_types(namespace, "user") == types


def test_a_viewer_reads_actions_and_creates_none(namespace: Kubectl) -> None:
    bind(namespace, "eve", "view", "list")
    assert namespace.run("get", ACTION, "--as=eve", "-o", "name") == ""
    assert 'cannot create resource "taskactions"' in refused(
        namespace, "eve", action("try", "some-task", "Retry", "eve")
    )


def test_an_action_cannot_be_changed_nor_answered_by_those_who_write_it(namespace: Kubectl) -> None:
    bind(namespace, "anna", "admin")
    create(namespace, "anna", action("one", "no-such-task", "Retry", "anna"))
    merge = ("--type=merge", "-p")
    spec = namespace.refused("patch", ACTION, "one", *merge, '{"spec": {"type": "Complete"}}')
    assert "a TaskAction cannot be changed" in spec
    status = ["patch", ACTION, "one", "--subresource=status", "--as=anna", *merge, '{"status": {"phase": "Applied"}}']
    assert 'resource "taskactions/status"' in namespace.refused(*status)
