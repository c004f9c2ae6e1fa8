"""What there is to read: results, history, Events, children, dead letters, templates, what is installed."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from kubesaga.api.constants import LABEL_DEAD_LETTER, LABEL_PARENT_UID
from kubesaga.api.history import HISTORY_KEY, history_name
from kubesaga.client import (
    AsyncKubesaga,
    NoResult,
    NotFound,
    NotInstalled,
    OperatorInfo,
    Permission,
    Role,
    TaskFailed,
    TaskRequest,
)
from tests.client.cluster import NAMESPACE, Cluster, config_map, play, template

LARGE = {"rows": list(range(500))}


def reference(name: str, value: Any) -> dict[str, Any]:
    """A ResultRef, and the ConfigMap that it means."""
    text = json.dumps(value)
    return {"name": name, "sha256": hashlib.sha256(text.encode()).hexdigest(), "size": len(text)}


def test_results_are_read_wherever_they_are(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        await saga.submit(TaskRequest("fulfil", name="a"))
        undoing = {"state": "Complete", "outcome": "Succeeded", "attempt": 1, "result": "refunded"}
        done = {"state": "Complete", "outcome": "Succeeded", "attempt": 1}
        steps = [
            {"name": "pay", **done, "result": {"id": 7}, "compensation": undoing},
            {"name": "load", **done, "resultRef": reference("large", LARGE)},
            {"name": "nothing", **done},
            {"name": "later", "state": "Pending"},
            {"name": "bad", "state": "Error", "outcome": "Failed", "error": {"type": "Refused", "message": "no money"}},
        ]
        cluster.server.create(config_map("large", {"result": LARGE}))
        cluster.status("a", state="StepsInProcess", steps=steps)
        assert await saga.result("a", "pay") == {"id": 7}
        assert await saga.result("a", "pay", role=Role.COMPENSATION) == "refunded"
        assert await saga.result("a", "load") == LARGE
        assert await saga.result("a", "nothing") is None
        with pytest.raises(NoResult, match="step later of Task a has no result: it is Pending"):
            await saga.result("a", "later")
        with pytest.raises(NoResult, match="has no result: it is Failed: Refused: no money"):
            await saga.result("a", "bad")
        with pytest.raises(NoResult, match="was not compensated"):
            await saga.result("a", "load", role=Role.COMPENSATION)
        with pytest.raises(NotFound, match="Task a has no step pya") as missing:
            await saga.result("a", "pya")
        assert "pay, load" in missing.value.remedy
        with pytest.raises(NoResult, match="has not ended"):
            await saga.result("a")
        cluster.status("a", state="Complete", outcome="Succeeded", resultRef=reference("large", LARGE))
        assert await saga.result("a") == LARGE
        cluster.status("a", state="Error", outcome="Failed")
        with pytest.raises(TaskFailed):
            await saga.result("a")

    play(tmp_path, act)


def test_a_large_result_that_is_gone_or_was_changed_is_no_result(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        await saga.submit(TaskRequest("fulfil", name="a"))
        cluster.status("a", state="Complete", outcome="Succeeded", resultRef=reference("large", LARGE))
        with pytest.raises(NoResult, match=r"ConfigMap large in namespace shop, which holds a large result .* is gone"):
            await saga.result("a")
        cluster.server.create(config_map("large", {"result": "[]"}))
        with pytest.raises(NoResult, match="holds something else than was stored"):
            await saga.result("a")

    play(tmp_path, act)


def test_a_history_is_read_whole(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        task = await saga.submit(TaskRequest("fulfil", name="a"))
        assert await saga.history("a") == []
        entries = [{"at": f"2026-01-01T00:00:0{n}Z", "events": ["Start"], "from": "A", "to": "B"} for n in range(5)]
        for number, part in enumerate((entries[:2], entries[2:4])):
            name = history_name("a", task.uid, number)
            cluster.server.create(config_map(name, {HISTORY_KEY: part}))
        cluster.status("a", historyBlocks=2, transitions=entries[4:])
        assert await saga.history("a") == entries
        cluster.server.delete("configmaps", NAMESPACE, history_name("a", task.uid, 0))
        with pytest.raises(NoResult, match="a part of its history of Task a, is gone"):
            await saga.history("a")

    play(tmp_path, act)


def test_events_of_a_task_come_in_their_order(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        task = await saga.submit(TaskRequest("fulfil", name="a"))
        for name, second, uid in (("late", 9, task.uid), ("early", 1, task.uid), ("other", 5, "another")):
            at = f"2026-01-01T00:00:0{second}Z"
            event = {
                "apiVersion": "v1",
                "kind": "Event",
                "metadata": {"name": name, "namespace": NAMESPACE},
                "involvedObject": {"kind": "Task", "name": "a", "namespace": NAMESPACE, "uid": uid},
                "type": "Warning",
                "reason": "StepFailed",
                "message": f"{name} news",
                "count": 2,
                "firstTimestamp": at,
                "lastTimestamp": at,
            }
            cluster.server.create(event)
        events = await saga.events("a")
        assert [event.message for event in events] == ["early news", "late news"]
        first = events[0]
        assert (first.type, first.reason, first.count, first.last_at.second) == ("Warning", "StepFailed", 2, 1)

    play(tmp_path, act)


def test_relatives_and_dead_letters_are_found_by_their_labels(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, _: Cluster) -> None:
        parent = await saga.submit(TaskRequest("fulfil", name="a"))
        await saga.submit(TaskRequest("pay", name="b", labels={LABEL_PARENT_UID: parent.uid}))
        await saga.submit(TaskRequest("pay", name="c", labels={LABEL_DEAD_LETTER: "true"}))
        assert [task.name for task in await saga.children("a")] == ["b"]
        assert [task.name for task in await saga.dead_letters()] == ["c"]

    play(tmp_path, act)


def test_a_template_is_found_as_a_task_would_find_it(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        for version in ("1.0.0", "1.2.0", "2.0.0", "2.1.0-rc.1"):
            cluster.server.create(template(version=version))
        cluster.server.create(template("pay", domain="orders"))
        assert [each.reference for each in await saga.templates()] == [
            "default/fulfil@1.0.0",
            "default/fulfil@1.2.0",
            "default/fulfil@2.0.0",
            "default/fulfil@2.1.0-rc.1",
            "orders/pay@1.0.0",
        ]
        assert [each.name for each in await saga.templates(domain="orders")] == ["pay-1.0.0"]
        assert (await saga.template("fulfil")).version == "2.0.0"
        assert (await saga.template("fulfil@^1")).version == "1.2.0"
        assert (await saga.template("fulfil@2.1.0-rc.1")).version == "2.1.0-rc.1"
        with pytest.raises(NotFound, match="no version of template default/fulfil@3 fits") as missing:
            await saga.template("fulfil@3")
        assert missing.value.remedy.startswith("there are: 1.0.0, 1.2.0")
        with pytest.raises(NotFound, match="there is no template orders/fulfil in namespace shop") as missing:
            await saga.template("orders/fulfil")
        assert missing.value.remedy == "in domain orders there are: pay"

    play(tmp_path, act)


def test_the_pinned_content_of_a_tasks_template_is_read(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        task = await saga.submit(TaskRequest("orders/fulfil", name="a"))
        assert await saga.revision(task) is None
        content = template()["spec"]
        meta = {"name": "fulfil-abc", "namespace": NAMESPACE}
        kind = {"apiVersion": "apps/v1", "kind": "ControllerRevision"}
        cluster.server.create({**kind, "metadata": meta, "revision": 1, "data": content})
        cluster.status("a", template={"name": "fulfil", "version": "1.0.0", "revision": "fulfil-abc"})
        task = await saga.get("a")
        assert str(task.template) == "orders/fulfil@1.0.0"
        assert await saga.revision(task) == content

    play(tmp_path, act)


def test_permissions_are_asked_for_one_by_one(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        cluster.mays = {("create", "tasks")}
        submit, approve = Permission("create", "tasks"), Permission("approve", "tasks", name="a")
        assert await saga.can_i([submit, approve]) == {submit: True, approve: False}
        assert await saga.whoami() == "alice"
        assert str(approve) == "approve tasks.kubesaga.dev"

    play(tmp_path, act)


def test_what_is_installed_is_told_as_far_as_one_may_see(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        deployment = {
            "metadata": {
                "name": "kubesaga",
                "namespace": "kubesaga-system",
                "labels": {"app.kubernetes.io/version": "0.1.0"},
            },
            "spec": {"replicas": 2, "template": {"spec": {"containers": [{"image": "op:1"}]}}},
            "status": {"readyReplicas": 1},
        }
        listed = {"kind": "DeploymentList", "apiVersion": "apps/v1", "metadata": {"resourceVersion": "1"}}
        cluster.fixed["/apis/apps/v1/deployments"] = {**listed, "items": [deployment]}
        lease = "/apis/coordination.k8s.io/v1/namespaces/kubesaga-system/leases/kubesaga"
        cluster.fixed[lease] = {"spec": {"holderIdentity": "kubesaga-abc"}}
        found = await saga.installation()
        assert (found.server_version, found.missing) == ("v1.34.1", frozenset())
        expected = OperatorInfo("kubesaga-system", "kubesaga", "op:1", "0.1.0", 2, 1, "kubesaga-abc", None)
        assert found.operators == (expected,)

    play(tmp_path, act)


def test_a_cluster_without_kubesaga_is_called_so(tmp_path: Path) -> None:
    async def act(saga: AsyncKubesaga, cluster: Cluster) -> None:
        cluster.refuse(404, "NotFound", "the server could not find the requested resource")
        with pytest.raises(NotInstalled, match="the cluster does not have the resources of kubesaga") as error:
            await saga.list()
        assert "helm" in error.value.remedy
        listed = {"kind": "DeploymentList", "apiVersion": "apps/v1", "metadata": {"resourceVersion": "1"}}
        cluster.fixed["/apis/apps/v1/deployments"] = {**listed, "items": []}
        found = await saga.installation()
        assert found.operators == ()

    play(tmp_path, act)
