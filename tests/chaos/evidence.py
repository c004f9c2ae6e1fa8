"""What the guarantees' own checks want to see afterwards, gathered from the watches and from the cluster."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from typing import Any

from kubesaga.kube.client import actions_path, configmaps_path, revisions_path
from tests.chaos.cluster import Cluster
from tests.chaos.comparison import Deviation
from tests.chaos.watch import Sight
from tests.guarantees.afterwards import Evidence, check

Obj = dict[str, Any]


async def gather(cluster: Cluster, tasks: Sight, jobs: Sight, pods: Sight) -> Evidence:
    """Everything as it is now, and of pods also those that are gone, as they were last seen. Raises KubeError."""
    return Evidence(
        tasks=list(tasks.now.values()),
        jobs=list(jobs.now.values()),
        pods=known(pods),
        config_maps=await cluster.list(configmaps_path(cluster.namespace)),
        revisions=await cluster.list(revisions_path(cluster.namespace)),
        actions=await cluster.list(actions_path(cluster.namespace)),
        now=time.time(),
    )


def latest(versions: Iterable[Obj]) -> list[Obj]:
    """The last version of each object."""
    return list({seen["metadata"]["uid"]: seen for seen in versions}.values())


def known(pods: Sight) -> list[Obj]:
    """Every pod whose end was seen or is still to come. One that vanished between two watches tells neither."""
    there = {pod["metadata"]["uid"] for pod in pods.now.values()}
    return [pod for pod in latest(pods.versions) if pod["metadata"]["uid"] in there or _has_ended(pod)]


def _has_ended(pod: Obj) -> bool:
    statuses = pod.get("status", {}).get("containerStatuses") or ()
    return all("running" not in (each.get("state") or {}) for each in statuses)


def breaches(evidence: Evidence) -> Iterator[Deviation]:
    """Every guarantee that does not hold, as far as can be seen."""
    for breach in check(evidence):
        yield Deviation(str(breach.guarantee), breach.where, breach.what)
