"""The simulated garbage collector and namespace controller, beyond what the contract shows: when they act."""

from __future__ import annotations

import pytest

from tests.simulation.contract.objects import config_map, owned_by, pod, task
from tests.simulation.contract.simulated import EPOCH
from tests.simulation.server.api_server import Refusal
from tests.simulation.server.asking import NS, names, new_server


def test_the_garbage_collector_takes_its_time_and_acts_in_its_own_name() -> None:
    server, timers = new_server()
    users: list[str] = []
    owner = server.create(task("owner"))
    server.create(config_map("m", {"ownerReferences": [owned_by(owner)]}))
    server.observers.append(lambda change: users.append(change.user))
    server.delete("tasks", NS, "owner")
    assert names(server, "configmaps") == ["m"]
    timers.run()
    assert names(server, "configmaps") == []
    assert users == ["human", "garbage-collector"]
    assert timers.now > EPOCH


def test_the_servers_controllers_wait_while_nobody_reaches_it() -> None:
    server, timers = new_server()
    owner = server.create(task("owner"))
    server.create(config_map("m", {"ownerReferences": [owned_by(owner)]}))
    server.away = True
    server.delete("tasks", NS, "owner")
    timers.run()
    assert names(server, "configmaps") == ["m"]
    server.away = False
    timers.run()
    assert names(server, "configmaps") == []


def test_a_dependent_that_joins_an_owner_under_foreground_deletion_goes_too() -> None:
    server, timers = new_server()
    owner = server.create(task("owner"))
    blocking = {"ownerReferences": [owned_by(owner, blocks=True)]}
    server.create(config_map("held", {**blocking, "finalizers": ["example.com/held"]}))
    server.delete("tasks", NS, "owner", propagation="Foreground")
    timers.run()
    server.create(config_map("late", blocking))
    timers.run()
    assert names(server, "configmaps") == ["held"]
    server.merge("configmaps", NS, "held", {"metadata": {"finalizers": None}})
    timers.run()
    assert names(server, "tasks") == []


def test_a_namespace_ends_when_its_last_pod_has() -> None:
    server, timers = new_server()
    server.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}})
    server.create(pod("p", nodeName="node-1"), namespace="n")
    server.create(task("t"), namespace="n")
    server.delete("namespaces", "", "n")
    timers.run()
    assert (names(server, "pods"), names(server, "tasks")) == (["p"], ["t"])
    server.delete("pods", "n", "p", force=True, user="kubelet")
    timers.run()
    assert (names(server, "pods"), names(server, "tasks")) == ([], [])
    assert names(server, "namespaces") == ["default"]


def test_the_default_namespace_cannot_be_deleted() -> None:
    server, _ = new_server()
    with pytest.raises(Refusal, match="may not be deleted"):
        server.delete("namespaces", "", "default")
