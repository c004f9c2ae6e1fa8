"""Which failures of a pod count for its Job, and how long the Job waits before it replaces one.

Kubernetes' podFailurePolicy and its backoff, as far as Jobs of one pod at a time know them. Used by ``job_sync``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from kubesaga.api.times import epoch
from tests.simulation.plan import Obj
from tests.simulation.workloads.pod_status import condition

_FIRST_BACKOFF = 10.0
_LONGEST_BACKOFF = 600.0


@dataclass(frozen=True, slots=True)
class Backoff:
    """A Job's failures since the last success, and when the last of them was."""

    failures: int = 0
    last: float = 0.0

    def after(self, succeeded: list[Obj], failed: list[Obj]) -> Backoff:
        """With the pods that have newly ended."""
        if succeeded:
            since = max(map(ended_at, succeeded))
            failed = [pod for pod in failed if ended_at(pod) > since]
        if not failed:
            return Backoff() if succeeded else self
        before = 0 if succeeded else self.failures
        return replace(self, failures=before + len(failed), last=max(map(ended_at, failed)))

    def remaining(self, now: float) -> float:
        """Seconds until the next pod may be created."""
        if self.failures == 0:
            return 0.0
        backoff = float(min(_FIRST_BACKOFF * 2 ** (self.failures - 1), _LONGEST_BACKOFF))
        return max(0.0, backoff - (now - self.last))


def ended_at(pod: Obj) -> float:
    """When a pod ended, as its status tells."""
    meta = pod["metadata"]
    containers = (pod.get("status") or {}).get("containerStatuses") or ()
    ends: list[str] = [(each["state"].get("terminated") or {}).get("finishedAt") or "" for each in containers]
    if ends and all(ends):
        return max(map(epoch, ends))
    ready = condition(pod, "Ready")
    if ready is not None and ready["status"] == "False":
        return epoch(ready["lastTransitionTime"])
    if meta.get("deletionTimestamp"):
        return epoch(meta["deletionTimestamp"]) - float(meta.get("deletionGracePeriodSeconds", 0))
    return epoch(meta["creationTimestamp"])


def counts(policy: Obj | None, pod: Obj) -> bool:
    """Whether a failed pod counts against the backoffLimit."""
    rule = _matching(policy, pod)
    return rule is None or rule["action"] != "Ignore"


def why_it_fails_its_job(policy: Obj | None, pods: Iterable[Obj]) -> str | None:
    """The message of the first failed pod that ends its whole Job by a rule."""
    for pod in pods:
        rule = _matching(policy, pod)
        if rule is not None and rule["action"] == "FailJob":
            meta = pod["metadata"]
            return f"Pod {meta['namespace']}/{meta['name']} matches FailJob rule"
    return None


def _matching(policy: Obj | None, pod: Obj) -> Obj | None:
    for rule in (policy or {}).get("rules") or ():
        for wanted in rule.get("onPodConditions") or ():
            found = condition(pod, wanted["type"])
            if found is not None and found["status"] == wanted.get("status", "True"):
                matching: Obj = rule
                return matching
        if "onExitCodes" in rule and _by_exit_code(rule["onExitCodes"], pod):
            of_code: Obj = rule
            return of_code
    return None


def _by_exit_code(wanted: Obj, pod: Obj) -> bool:
    for status in (pod.get("status") or {}).get("containerStatuses") or ():
        code = (status["state"].get("terminated") or {}).get("exitCode", 0)
        if code and wanted.get("containerName") in (None, status["name"]):
            return (code in wanted["values"]) is (wanted["operator"] == "In")
    return False
