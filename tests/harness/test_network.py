"""The address plans, and the configuration that is made from them."""

from __future__ import annotations

import ipaddress
import itertools
import json
from pathlib import Path

import pytest

from hack.cluster import control_plane, network, node
from hack.cluster.component import Component
from hack.cluster.errors import ClusterError
from hack.cluster.network import ALIAS_LENGTH, Network, alias, every_network, overlap


def test_no_two_clusters_share_an_address() -> None:
    ranges = [target for plan in every_network() for target in plan.ranges]
    assert len(ranges) == 2 * network.SLOTS
    assert [pair for pair in itertools.combinations(ranges, 2) if overlap(*pair)] == []


@pytest.mark.parametrize("plan", every_network())
def test_all_addresses_of_a_cluster_are_private_and_where_they_belong(plan: Network) -> None:
    inside, services = (ipaddress.ip_network(target) for target in plan.ranges)
    assert inside.is_private
    assert services.is_private
    pods = ipaddress.ip_network(plan.pods)
    assert overlap(plan.pods, plan.cluster)
    for address in (plan.host, plan.node):
        assert ipaddress.ip_address(address) in inside
        assert ipaddress.ip_address(address) not in pods
    assert ipaddress.ip_address(plan.api_service) == services[1]
    assert pods.num_addresses > node.MOST_PODS


def test_a_cables_alias_tells_state_folders_apart_even_when_they_are_long() -> None:
    parent = Path("/" + "a" * 300)
    one, other = alias(parent / "one"), alias(parent / "other")
    assert one != other
    assert max(len(one), len(other)) <= ALIAS_LENGTH
    assert alias(Path("/short")) == "/short"


def test_a_network_whose_addresses_are_in_use_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "routes", lambda: ["10.244.3.0/24", "10.97.0.7", "192.0.2.0/24"])
    monkeypatch.setattr(Network, "owner", lambda _: None)
    monkeypatch.setattr(Network, "disconnect", lambda _: None)
    assert network.free_network() == Network(2)


def test_without_a_free_network_the_owners_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "routes", list)
    monkeypatch.setattr(Network, "owner", lambda plan: f"/checkout/{plan.slot}")
    with pytest.raises(ClusterError, match="kubesaga7 belongs to /checkout/7"):
        network.free_network()


def test_a_cluster_without_its_cable_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Network, "owner", lambda _: None)
    with pytest.raises(ClusterError, match="take it `down` and `up` again"):
        network.network_of(Path("/checkout/cluster"))


def flag(component: Component, name: str) -> str:
    (value,) = [word.partition("=")[2] for word in component.command if word.startswith(f"--{name}=")]
    return value


def test_every_component_is_told_the_same_addresses() -> None:
    plan = Network(1)
    files = node.configuration_files(plan, "group")
    kubelet = json.loads(files["kubelet.json"])
    (plugin,) = json.loads(files["cni/10-kubesaga.conflist"])["plugins"]
    assert flag(control_plane.apiserver(plan), "service-cluster-ip-range") == plan.services
    assert flag(control_plane.apiserver(plan), "advertise-address") == plan.node
    assert flag(node.kubelet(plan), "node-ip") == plan.node
    assert kubelet["clusterDNS"] == [plan.node]
    assert f"bind {plan.node}" in files["Corefile"]
    assert json.loads(files["kube-proxy.json"])["clusterCIDR"] == plugin["ipam"]["subnet"] == plan.pods
    assert f"IP:{plan.api_service}" in control_plane.server_names(plan)


def test_a_pod_has_routes_to_the_cluster_and_no_other() -> None:
    plan = Network(0)
    (plugin,) = json.loads(node.configuration_files(plan, "group")["cni/10-kubesaga.conflist"])["plugins"]
    assert [route["dst"] for route in plugin["ipam"]["routes"]] == [plan.cluster, plan.services]
    assert plugin["ipMasq"] is False


def test_only_writes_reach_the_audit_log() -> None:
    policy = json.loads(control_plane.configuration_files()["audit-policy.json"])
    logged, rest = policy["rules"]
    assert logged == {"level": "Metadata", "verbs": ["create", "update", "patch", "delete", "deletecollection"]}
    assert rest == {"level": "None"}
