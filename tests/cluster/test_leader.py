"""Leadership on a real Lease: taken, handed over, and taken over from one that vanished."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from kubesaga.kube.client import Kube, leases_path
from kubesaga.runtime.leader import LeaderElector, LostLeadership
from tests.cluster.kubectl import Kubectl

NAME = "test-leader"


def scene(
    namespace: Kubectl, seconds: float, act: Callable[[Kube, Callable[[str], LeaderElector]], Awaitable[None]]
) -> None:
    """``act`` with a connection and a maker of electors whose Lease lasts so many seconds."""

    async def main() -> None:
        kube = await Kube.connect(str(namespace.kubeconfig))

        def elector(identity: str) -> LeaderElector:
            return LeaderElector(
                kube,
                namespace.namespace,
                NAME,
                identity=identity,
                lease_duration=seconds,
                renew_deadline=seconds * 2 / 3,
                retry_period=0.2,
            )

        await act(kube, elector)
        await kube.close()

    asyncio.run(main())


def test_leadership_goes_from_one_to_the_next_on_release(namespace: Kubectl) -> None:
    async def act(kube: Kube, elector: Callable[[str], LeaderElector]) -> None:
        stop = asyncio.Event()
        first, second = elector("first"), elector("second")
        assert await first.acquire(stop)
        holding = asyncio.create_task(first.hold(stop))
        waiting = asyncio.create_task(second.acquire(stop))
        await asyncio.sleep(25)  # longer than the Lease lasts: it is being renewed
        assert (first.is_leader, waiting.done()) == (True, False)
        holding.cancel()
        await first.release()
        assert await asyncio.wait_for(waiting, 30)
        lease = await kube.get(leases_path(namespace.namespace, NAME))
        assert (lease["spec"]["holderIdentity"], lease["spec"]["leaseTransitions"]) == ("second", 2)

    scene(namespace, 24, act)  # a renewal may take as long as on a machine that is busy with other tests, without loss


def test_one_that_vanished_is_succeeded_and_finds_out_when_it_returns(namespace: Kubectl) -> None:
    async def act(kube: Kube, elector: Callable[[str], LeaderElector]) -> None:
        stop = asyncio.Event()
        vanished, successor = elector("vanished"), elector("successor")
        assert await vanished.acquire(stop)
        assert await asyncio.wait_for(successor.acquire(stop), 30)
        with pytest.raises(LostLeadership):
            await asyncio.wait_for(vanished.hold(stop), 30)
        await vanished.release()
        lease = await kube.get(leases_path(namespace.namespace, NAME))
        assert lease["spec"]["holderIdentity"] == "successor"

    scene(namespace, 3, act)
