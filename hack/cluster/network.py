"""The addresses of a local cluster, and the one link between it and the machine it runs on.

The node has a network namespace of its own with no default route: whatever is sent to a service or a pod, or by a pod
to the outside, has nowhere to go but the node. On the machine's side there is one virtual cable and two routes into
it, each backed by an "unreachable" route that stays when the node dies, so that cluster traffic never takes the
machine's default route. The cable carries the state folder's path as its alias: that is how a cluster finds its own
network again, and how clusters of several checkouts keep out of each other's way.
"""

from __future__ import annotations

import ipaddress
import json
from dataclasses import dataclass
from pathlib import Path

from hack.cluster.commands import run, succeeds
from hack.cluster.errors import ClusterError
from hack.cluster.namespaces import Machine

DEVICES = Path("/sys/class/net")
SLOTS = 8
PREFIX = 30
LAST_RESORT_METRIC = "9999"
ALIAS_LENGTH = 255


@dataclass(frozen=True)
class Network:
    """One of the address plans that a cluster on this machine can have; `slot` counts from 0."""

    slot: int

    @property
    def cable(self) -> str:
        """The name of the machine's end of the virtual cable."""
        return f"kubesaga{self.slot}"

    @property
    def _prefix(self) -> str:
        return f"10.{244 - self.slot}"

    @property
    def cluster(self) -> str:
        """Everything that is not a service: pods, and the cable."""
        return f"{self._prefix}.0.0/16"

    @property
    def pods(self) -> str:
        """Where pods' addresses are taken from."""
        return f"{self._prefix}.0.0/17"

    @property
    def services(self) -> str:
        """Where services' addresses are taken from."""
        return f"10.{96 + self.slot}.0.0/16"

    @property
    def api_service(self) -> str:
        """The address of the service `kubernetes`, which is the first one."""
        return f"10.{96 + self.slot}.0.1"

    @property
    def host(self) -> str:
        """The machine's address on the cable."""
        return f"{self._prefix}.255.1"

    @property
    def node(self) -> str:
        """The node's address, where the API server listens."""
        return f"{self._prefix}.255.2"

    @property
    def ranges(self) -> tuple[str, str]:
        """All of the addresses that must never leave the machine."""
        return self.cluster, self.services

    def owner(self) -> str | None:
        """The alias of the state folder whose cluster holds this network now, or None."""
        try:
            return (DEVICES / self.cable / "ifalias").read_text().strip() or "an unknown place"
        except OSError:  # there is no such device, or it is being removed at this moment
            return None

    def connect(self, machine: Machine, state: Path) -> None:
        """Lay the cable into the node, and the routes on both sides."""
        holder = machine.require_holder()
        run(["ip", "link", "add", self.cable, "type", "veth", "peer", "name", "node0", "netns", str(holder.pid)])
        run(["ip", "link", "set", self.cable, "alias", alias(state)])
        run(["ip", "addr", "add", f"{self.host}/{PREFIX}", "dev", self.cable])
        run(["ip", "link", "set", self.cable, "up"])
        machine.run("sh", "-euc", self._inside())
        for target in self.ranges:
            run(["ip", "route", "add", "unreachable", target, "metric", LAST_RESORT_METRIC])
            run(["ip", "route", "add", target, "via", self.node])

    def _inside(self) -> str:
        # A service's address is translated before it is routed, except for packets that the node itself sends: those
        # need a route first, and a bridge that leads nowhere is a device that every kernel has.
        return f"""
            ip link set lo up
            ip addr add {self.node}/{PREFIX} dev node0
            ip link set node0 up
            ip link add services type bridge
            ip link set services up
            ip route add {self.services} dev services src {self.node}
            ip route add unreachable {self.cluster} metric {LAST_RESORT_METRIC}
            echo 1 > /proc/sys/net/ipv4/ip_forward
        """

    def disconnect(self) -> None:
        """Take the cable away if it is there, and the routes with it."""
        delete = ["ip", "link", "delete", self.cable]
        # The kernel takes the cable away by itself some time after the node's end: maybe just now.
        if self.owner() is not None and not succeeds(delete) and self.owner() is not None:
            run(delete)
        for target in self.ranges:
            if run(["ip", "route", "show", "exact", target, "type", "unreachable"]).strip():
                run(["ip", "route", "delete", "unreachable", target, "metric", LAST_RESORT_METRIC])


def alias(state: Path) -> str:
    """What a cable says about its owner: the path of the state folder, or the end of it when it is too long."""
    return str(state)[-ALIAS_LENGTH:]


def every_network() -> list[Network]:
    """All address plans, in the order in which they are taken."""
    return [Network(slot) for slot in range(SLOTS)]


def network_of(state: Path) -> Network:
    """The network of the cluster that runs from this state folder; ClusterError when it has none."""
    for network in every_network():
        if network.owner() == alias(state):
            return network
    raise ClusterError(f"the cluster in {state} has no network any more; take it `down` and `up` again")


def free_network() -> Network:
    """The first network that no cluster has and no route of the machine overlaps; ClusterError without one."""
    taken = [f"{network.cable} belongs to {owner}" for network in every_network() if (owner := network.owner())]
    reachable = routes()
    for network in every_network():
        used = any(overlap(target, other) for target in network.ranges for other in reachable)
        if not used and network.owner() is None:
            network.disconnect()  # what a cluster that died without `down` has left
            return network
    raise ClusterError(
        f"no network is free for a local cluster: {'; '.join(taken) or 'the machine has routes to all of them'}. "
        "Take clusters down that are not needed, or use another provider."
    )


def disconnect(state: Path) -> None:
    """Take the network of this state folder's cluster away, and routes of clusters that died without `down`."""
    for network in every_network():
        if network.owner() in (alias(state), None):
            network.disconnect()


def routes() -> list[str]:
    """Where the machine's IPv4 routes lead to, without the default route and routes that refuse."""
    listed = json.loads(run(["ip", "-json", "route", "show"]))
    return [str(route["dst"]) for route in listed if "dev" in route and route["dst"] != "default"]


def overlap(one: str, other: str) -> bool:
    """Whether two networks (or addresses) have an address in common."""
    return ipaddress.ip_network(one).overlaps(ipaddress.ip_network(other))
