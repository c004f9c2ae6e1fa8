"""The Python client against the real API server, the real operator and real pods."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubesaga.client import (
    ActionPhase,
    ActionRejected,
    AlreadyExists,
    AsyncKubesaga,
    Forbidden,
    Invalid,
    Kubesaga,
    NoResult,
    NotFound,
    NotInstalled,
    Permission,
    Role,
    RunningSteps,
    TaskFailed,
    TaskOutcome,
    TaskRequest,
    TaskState,
    Unauthorized,
    translated,
    watching,
)
from kubesaga.client.access import find_access
from tests.cluster.kubectl import PATIENCE, Kubectl
from tests.cluster.rights import account_name, until_may
from tests.cluster.tasks import AT_ONCE, TASK, report, sh, sleep, template
from tests.cluster.test_sizes import FRAMES_ITSELF
from tests.docs.pages import page

Act = Callable[[AsyncKubesaga], Awaitable[None]]
UNDOING = {"container": {"command": ["sh", "-c", "echo undoing"]}}


def run(namespace: Kubectl, act: Act, kubeconfig: Path | None = None) -> None:
    """Let a client work in the test's namespace."""

    async def main() -> None:
        config = str(kubeconfig or namespace.kubeconfig)
        async with AsyncKubesaga.connect(config, namespace=namespace.namespace) as saga, asyncio.timeout(3 * PATIENCE):
            await act(saga)

    asyncio.run(main())


async def until_told(saga: AsyncKubesaga, name: str, reason: str) -> None:
    """Wait until the operator, which writes Events when it has nothing better to do, has written this one."""
    while reason not in {event.reason for event in await saga.events(name)}:  # noqa: ASYNC110  nobody tells
        await asyncio.sleep(0.25)


def test_a_task_is_submitted_waited_for_and_read(namespace: Kubectl) -> None:
    pay = sh("pay", f"echo first; echo second >&2; {report({'result': {'id': 7}})}")
    load = sh("load", FRAMES_ITSELF, dependsOn=["pay"])
    namespace.apply(template("work", pay, load, output="{'id': steps.pay.result.id}"))

    async def act(saga: AsyncKubesaga) -> None:
        request = TaskRequest("work@^1", {"order": 4711}, name="one", initiator="test", reason="to see")
        with pytest.raises(NotFound):
            await saga.get("one")
        assert (await saga.submit(request, dry_run=True)).name == "one"
        task = await saga.submit(request)
        assert (await saga.submit(request)).uid == task.uid
        with pytest.raises(AlreadyExists):
            await saga.submit(TaskRequest("work", {"order": 1}, name="one"))
        task = (await saga.wait("one", timeout=PATIENCE)).raise_for_outcome()
        assert (task.outcome, task.progress) == (TaskOutcome.SUCCEEDED, "2/2")
        assert str(task.template) == "default/work@1.0.0"
        assert await saga.result("one") == {"id": 7}
        assert (await saga.submit(request)).uid == task.uid
        assert (await saga.result("one", "pay")) == {"id": 7}
        step = task.step("load")
        assert step is not None
        assert step.result_ref is not None
        assert await saga.result("one", "load") == "x" * 9000
        lines = [line async for line in saga.logs("one", "pay", follow=True)]
        assert {(str(line), line.attempt) for line in lines} == {("first", 1), ("second", 1)}
        assert None not in {line.at for line in lines}
        assert await saga.history("one") == task.status["transitions"]
        assert [each.name for each in await saga.list(template="work", state=TaskState.COMPLETE)] == ["one"]
        await until_told(saga, "one", "TaskStarted")
        assert (await saga.template("work@1")).reference == "default/work@1.0.0"
        revision = await saga.revision(task)
        assert revision is not None
        assert [each["name"] for each in revision["steps"]] == ["pay", "load"]
        await saga.delete("one")
        with pytest.raises(NotFound):
            await saga.wait("one")

    run(namespace, act)


def test_a_failed_task_is_repaired_by_actions_and_followed(namespace: Kubectl) -> None:
    fails = "echo attempt $KUBESAGA_ATTEMPT; test $KUBESAGA_ATTEMPT -gt 2"
    namespace.apply(template("work", sh("pay", fails, retry=AT_ONCE), sh("ship", "true", dependsOn=["pay"])))

    async def act(saga: AsyncKubesaga) -> None:
        await saga.submit(TaskRequest("work", name="one"))
        lines = [line async for line in saga.logs("one", "pay", follow=True)]
        assert [(line.attempt, str(line)) for line in lines] == [(1, "attempt 1"), (2, "attempt 2")]
        task = await saga.wait("one", timeout=PATIENCE)
        assert (task.outcome, task.succeeded) == (TaskOutcome.ABORTED, False)
        with pytest.raises(TaskFailed, match="Task one ended Aborted"):
            await saga.result("one")
        with pytest.raises(NoResult, match="it is Failed"):
            await saga.result("one", "pay")
        with pytest.raises(ActionRejected, match="GiveUp of Task one was rejected"):
            await saga.give_up("one")
        action = await saga.retry("one", "pay", reason="the bank is back", expected_attempt=2)
        assert (action.phase, action.requested_by) == (ActionPhase.APPLIED, await saga.whoami())
        assert (await saga.wait("one", timeout=PATIENCE)).succeeded
        assert [(each.type, each.phase) for each in await saga.actions("one")] == [
            ("GiveUp", "Rejected"),
            ("Retry", "Applied"),
        ]
        assert [str(line) async for line in saga.logs("one", "pay", attempt=3)] == ["attempt 3"]

    run(namespace, act)


def test_a_task_that_is_cancelled_is_undone(namespace: Kubectl) -> None:
    steps = (sh("pay", "true", compensation=UNDOING), sh("ship", sleep(3600), dependsOn=["pay"]))
    namespace.apply(template("work", *steps))

    async def act(saga: AsyncKubesaga) -> None:
        await saga.submit(TaskRequest("work", name="one"))
        async for task in saga.watch("one"):
            if task.state is TaskState.STEPS_IN_PROCESS and task.progress == "1/2":
                break
        await saga.suspend("one")
        await saga.resume("one")
        await saga.cancel("one", compensate=True)
        await saga.cancel("one", mode=RunningSteps.TERMINATE)
        with pytest.raises(Invalid, match="desiredState cannot be changed once it is Cancelled") as refused:
            await saga.resume("one")
        assert refused.value.causes
        task = await saga.wait("one", timeout=PATIENCE)
        assert (task.state, task.outcome) == (TaskState.CANCELLED, TaskOutcome.COMPENSATED)
        lines = [str(line) async for line in saga.logs("one", "pay", role=Role.COMPENSATION)]
        assert lines == ["undoing"]

    run(namespace, act)


def test_a_watch_that_the_server_ends_goes_on(namespace: Kubectl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "ROUND_SECONDS", 1)
    namespace.apply(template("work", sh("pay", sleep(5)), sh("ship", "true", dependsOn=["pay"])))

    async def act(saga: AsyncKubesaga) -> None:
        await saga.submit(TaskRequest("work", name="one"))
        seen: list[tuple[str, str]] = []
        async with aclosing(saga.watch(selector="!unknown")) as versions:
            async for task in versions:
                seen.append((task.raw["metadata"]["resourceVersion"], task.progress))
                if task.finished:
                    break
        assert len({version for version, _ in seen}) == len(seen)
        assert [progress for _, progress in seen if progress][-1] == "2/2"

    run(namespace, act)


def test_approvals_and_sub_workflows_are_reached(namespace: Kubectl) -> None:
    asks: dict[str, Any] = {"name": "ask", "approval": {}}
    calls = {"name": "below", "dependsOn": ["ask"], "task": {"templateRef": {"name": "child"}}}
    namespace.apply(template("child", sh("work", "true")), template("parent", asks, calls))

    async def act(saga: AsyncKubesaga) -> None:
        await saga.submit(TaskRequest("parent", name="one"))
        async for task in saga.watch("one"):
            if (step := task.step("ask")) is not None and step.state == "InProgress":
                break
        assert (await saga.approve("one", "ask", {"by": "me"})).phase is ActionPhase.APPLIED
        assert (await saga.wait("one", timeout=PATIENCE)).succeeded
        assert await saga.result("one", "ask") == {"by": "me"}
        (child,) = await saga.children("one")
        assert child.parent is not None
        assert (child.parent.name, child.parent.step, child.succeeded) == ("one", "below", True)

    run(namespace, act)


def test_the_api_servers_rules_are_told_with_their_causes(namespace: Kubectl) -> None:
    async def act(saga: AsyncKubesaga) -> None:
        invalid = {**TaskRequest("work").manifest(namespace.namespace), "spec": {"templateRef": {}}}
        with pytest.raises(Invalid) as refused, translated("creating a Task"):
            await saga.kube.create(f"/apis/kubesaga.dev/v1alpha1/namespaces/{namespace.namespace}/tasks", invalid)
        assert [cause.field for cause in refused.value.causes] == ["spec.templateRef.name"]
        with pytest.raises(NotInstalled), translated("reading"):
            await saga.kube.get("/apis/kubesaga.dev/v1alpha1/namespaces/default/gadgets")
        with pytest.raises(NotFound, match="namespaces"):
            await saga.submit(TaskRequest("work"), namespace="there-is-none")

    run(namespace, act)


def test_the_documented_role_is_enough_and_no_more(namespace: Kubectl, tmp_path: Path) -> None:
    role = yaml.safe_load(page("client").split("```yaml\n")[1].split("```")[0])
    namespace.apply(role, *_account(namespace, "order-service"))
    me = account_name(namespace, "order-service")
    until_may(namespace, me, "create", TASK)
    namespace.apply(template("work", sh("pay", f"echo paid; {report({'result': 1})}"), output="steps.pay.result"))
    token = namespace.run("create", "token", "order-service").strip()
    config = _kubeconfig(namespace, tmp_path, token)

    async def act(saga: AsyncKubesaga) -> None:
        assert await saga.whoami() == me
        await saga.submit(TaskRequest("work", name="one"))
        task = await saga.wait("one", timeout=PATIENCE)
        assert await saga.result("one") == 1
        assert [str(line) async for line in saga.logs("one", "pay", follow=True)] == ["paid"]
        await until_told(saga, "one", "TaskStarted")
        assert await saga.history("one")
        assert await saga.revision(task)
        assert await saga.children("one") == []
        with pytest.raises(ActionRejected):
            await saga.retry("one")
        with pytest.raises(Forbidden, match='may not GiveUp: it takes the verb "giveup"'):
            await saga.give_up("one")
        with pytest.raises(Forbidden, match="must be who creates the TaskAction"):
            await saga.retry("one", requested_by="somebody")
        with pytest.raises(Forbidden) as refused:
            await saga.list(namespace="kube-system")
        assert "Role" in refused.value.remedy
        allowed = [Permission("create", "tasks"), Permission("retry", "tasks"), Permission("get", "pods", "")]
        refused_ones = [Permission("giveup", "tasks"), Permission("create", "tasktemplates")]
        assert await saga.can_i(allowed + refused_ones) == {
            **dict.fromkeys(allowed, True),
            **dict.fromkeys(refused_ones, False),
        }
        found = await saga.installation()
        assert (found.missing, found.operators) == (frozenset(), None)

    run(namespace, act, config)


def test_the_same_cluster_and_namespace_are_found_as_by_kubectl(
    namespace: Kubectl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def config(file: str, server: str, current: str, *contexts: str) -> str:
        written = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {"server": server}}],
            "contexts": [
                {"name": name, "context": {"cluster": "c", "user": "u", "namespace": f"{file}-{name}"}}
                for name in contexts
            ],
            "users": [{"name": "u", "user": {"token": file}}],
            "current-context": current,
        }
        (tmp_path / file).write_text(json.dumps(written))
        return str(tmp_path / file)

    files = [
        config("empty", "http://a", "", "a"),
        str(tmp_path / "missing"),
        config("first", "http://b", "b", "a", "b"),
        config("second", "http://c", "c", "b", "c"),
    ]
    for chosen in (files, files[1:], files[3:]):
        monkeypatch.setenv("KUBECONFIG", ":".join(chosen))
        for context in (None, "b"):
            option = [] if context is None else [f"--context={context}"]
            command = [str(namespace.program), "config", "view", "--minify", "--raw", "-o", "json", *option]
            seen = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
            (there,), (cluster,), (user,) = seen["contexts"], seen["clusters"], seen["users"]
            found = asyncio.run(find_access(None, context, None))
            assert (found.context, found.namespace) == (there["name"], there["context"]["namespace"])
            assert found.configuration.host == cluster["cluster"]["server"]
            assert found.configuration.api_key == {"BearerToken": f"Bearer {user['user']['token']}"}


def test_a_token_that_is_not_known_is_unauthorized(namespace: Kubectl, tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga) -> None:
        with pytest.raises(Unauthorized):
            await saga.list()

    run(namespace, act, _kubeconfig(namespace, tmp_path, "nobody's"))


def test_the_blocking_client_does_the_same_and_sees_the_operator(namespace: Kubectl, operator: Kubectl) -> None:
    namespace.apply(template("work", sh("pay", report({"result": 1}))))
    with Kubesaga.connect(str(namespace.kubeconfig), namespace=namespace.namespace) as saga:
        name = saga.submit(TaskRequest("work")).name
        states = []
        for task in saga.watch(name):
            states.append(task.state)
            if task.finished:
                break
        assert states[-1] is TaskState.COMPLETE
        assert saga.result(name) == {"pay": 1}
        found = saga.installation()
        assert found.operators is not None
        (seen,) = [each for each in found.operators if each.namespace == operator.namespace]
        assert seen.ready == seen.desired
        assert seen.leader
        assert seen.renewed_at


def _account(namespace: Kubectl, role: str) -> list[dict[str, Any]]:
    """A ServiceAccount that has the Role of its own name."""
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role}
    subject = {"kind": "ServiceAccount", "name": role, "namespace": namespace.namespace}
    binding = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": role}}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": role}},
        {**binding, "roleRef": reference, "subjects": [subject]},
    ]


def _kubeconfig(namespace: Kubectl, folder: Path, token: str) -> Path:
    """The cluster's kubeconfig, for somebody else."""
    config = json.loads(namespace.run("config", "view", "--raw", "-o", "json"))
    for user in config["users"]:
        user["user"] = {"token": token}
    path = folder / "kubeconfig"
    path.write_text(json.dumps(config))
    return path
