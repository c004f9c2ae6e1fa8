"""One operator works, the others wait: leadership by a Lease.

``__main__`` acquires before it reconciles, holds while it does, and exits on LostLeadership: the new
process starts from what is recorded. A stale leader does no harm in between (semantics 6), so that the
Lease may be lenient.

Clocks of different machines are never compared: a Lease counts as expired once this process has seen it
unchanged for its whole duration, by its own monotonic clock.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from kubesaga.kube.client import Kube, KubeError, leases_path
from kubesaga.runtime import metrics
from kubesaga.runtime.cache import Obj
from kubesaga.runtime.clocks import Clock, monotonic, wall

log = logging.getLogger(__name__)

RELEASE_TIMEOUT = 5.0


class LostLeadership(Exception):
    """This process must stop working at once; another leads or may soon lead."""


class LeaderElector:
    """Leadership under the Lease ``name``. Durations in seconds.

    ``identity`` must be this process's alone: a Lease that bears it is taken over without waiting.

    The Lease is renewed every half ``renew_deadline`` (5 s). If that fails there is time for several more
    attempts, one each ``retry_period``. Without success this process gives up ``renew_deadline`` after its last
    renewal, and another can take over ``lease_duration - renew_deadline`` later at the earliest.

    One that waits looks every ``retry_period``, and at the moment when the Lease runs out: so a leader that vanished
    is followed at most ``lease_duration + retry_period`` (17 s) after its last renewal.
    """

    def __init__(
        self,
        kube: Kube,
        namespace: str,
        name: str = "kubesaga-operator",
        *,
        identity: str,
        lease_duration: float = 15,
        renew_deadline: float = 10,
        retry_period: float = 2,
        clock: Callable[[], float] = monotonic,
        wall: Clock = wall,
    ) -> None:
        self._kube = kube
        self._namespace = namespace
        self._name = name
        self._identity = identity
        self._lease_duration = lease_duration
        self._renew_deadline = renew_deadline
        self._retry_period = retry_period
        self._clock = clock
        self._wall = wall
        self._lease: Obj | None = None
        self._unchanged_since = 0.0
        self._expires_at = 0.0
        self._renewed_at = 0.0
        self._is_leader = False

    @property
    def is_leader(self) -> bool:
        """Whether this process leads, as far as it knows."""
        return self._is_leader

    async def acquire(self, stop: asyncio.Event) -> bool:
        """Wait until this process leads; False if ``stop`` came first."""
        said = ""
        while not stop.is_set():
            try:
                if await self._try_to_lead():
                    self._lead(True)
                    log.info("leading as %s", self._identity)
                    return True
            except KubeError as error:
                if str(error) != said:
                    log.warning("cannot acquire the lease %s/%s: %s", self._namespace, self._name, error)
                said = str(error)
            await _pause(stop, self._until_next_look())
        return False

    async def hold(self, stop: asyncio.Event) -> None:
        """Renew until ``stop``; raises LostLeadership."""
        try:
            while not stop.is_set():
                await _pause(stop, self._renew_deadline / 2)
                await self._renew(stop)
        except LostLeadership:
            self._lead(False)
            raise

    async def release(self) -> None:
        """Let another lead at once. Never fails: what is not released expires."""
        if not self._is_leader:
            return
        self._lead(False)
        try:
            async with asyncio.timeout(RELEASE_TIMEOUT):
                await self._write_ours({"holderIdentity": "", "leaseDurationSeconds": 1})
        except (KubeError, TimeoutError, LostLeadership) as error:
            log.warning("could not release the lease %s/%s: %s", self._namespace, self._name, str(error) or "timeout")

    def _until_next_look(self) -> float:
        left = self._expires_at - self._clock()
        return left if 0 < left < self._retry_period else self._retry_period

    def _lead(self, leads: bool) -> None:
        self._is_leader = leads
        metrics.leading(leads)

    async def _try_to_lead(self) -> bool:
        now = self._clock()
        try:
            lease = await self._kube.get(leases_path(self._namespace, self._name))
        except KubeError as error:
            if not error.not_found:
                raise
            return await self._take(now, {})
        if self._lease is None or _version(lease) != _version(self._lease):
            self._unchanged_since = now
        self._lease = lease
        spec = lease.get("spec") or {}
        holder = spec.get("holderIdentity")
        duration = spec.get("leaseDurationSeconds") or self._lease_duration
        self._expires_at = self._unchanged_since + duration
        if holder and holder != self._identity and now < self._expires_at:
            return False
        return await self._take(now, spec)

    async def _take(self, now: float, spec: Obj) -> bool:
        """Write this process into the Lease; False if another was quicker."""
        transitions = int(spec.get("leaseTransitions") or 0)
        try:
            await self._write({"acquireTime": self._now(), "leaseTransitions": transitions + 1, **self._claim()})
        except KubeError as error:
            if not (error.conflict or error.already_exists):
                raise
            return False
        self._renewed_at = now
        return True

    async def _renew(self, stop: asyncio.Event) -> None:
        asked = False
        while not stop.is_set():
            now = self._clock()
            left = self._renewed_at + self._renew_deadline - now
            if left <= 0 and asked:
                raise LostLeadership(f"the lease could not be renewed for {self._renew_deadline:g} s")
            # A process that was held up itself asks once: the write fails if anybody has touched the Lease meanwhile.
            asked = True
            try:
                async with asyncio.timeout(min(left, self._renew_deadline / 2) if left > 0 else self._retry_period):
                    await self._write_ours(self._claim())
            except (KubeError, TimeoutError) as error:
                log.warning("cannot renew the lease %s/%s: %s", self._namespace, self._name, str(error) or "timeout")
            else:
                self._renewed_at = now
                return
            left = self._renewed_at + self._renew_deadline - self._clock()
            await _pause(stop, max(0.0, min(self._retry_period, left)))

    async def _write_ours(self, changes: Obj) -> None:
        """Change the Lease while it is ours; raises LostLeadership when it is not any more."""
        try:
            await self._write({**self._current(), **changes})
        except KubeError as error:
            if not (error.conflict or error.not_found or error.already_exists):
                raise
            await self._reread()
            await self._write({**self._current(), **changes})

    async def _reread(self) -> None:
        """Somebody touched the Lease: find out whether it is still ours."""
        try:
            self._lease = await self._kube.get(leases_path(self._namespace, self._name))
        except KubeError as error:
            if not error.not_found:
                raise
            self._lease = None  # deleted by hand: the next write creates it, unless another is quicker
            return
        holder = self._current().get("holderIdentity")
        if holder != self._identity:
            raise LostLeadership(f"{holder or 'nobody'} holds the lease now")

    def _current(self) -> Obj:
        spec: Obj = (self._lease or {}).get("spec") or {}
        return spec

    def _claim(self) -> Obj:
        return {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": round(self._lease_duration),
            "renewTime": self._now(),
        }

    def _now(self) -> str:
        moment = datetime.fromtimestamp(self._wall(), UTC)
        return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")

    async def _write(self, spec: Obj) -> None:
        """Create the Lease, or replace the very version that was seen last."""
        metadata: Obj = {"name": self._name, "namespace": self._namespace}
        body: Obj = {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": metadata,
            "spec": spec,
        }
        if self._lease is None:
            self._lease = await self._kube.create(leases_path(self._namespace), body)
            return
        body["metadata"] = self._lease["metadata"]
        self._lease = await self._kube.update(leases_path(self._namespace, self._name), body)


def _version(lease: Obj) -> Any:
    return lease["metadata"]["resourceVersion"]


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    """Sleep, but not past ``stop``."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return
