"""One look of the Job controller at one Job: what it does about the pods, and what it writes into the status.

The rules of Kubernetes 1.34's ``syncJob`` in their order, for Jobs that run one pod at a time and are not indexed.
Called by ``job_controller``, on the state of the moment: where the original waits for its caches, there is nothing to
wait for here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from kubesaga.api.times import epoch
from tests.simulation.plan import Obj
from tests.simulation.server.api_server import ApiServer, Refusal
from tests.simulation.workloads import job_pods, pod_failures
from tests.simulation.workloads.job_status import JobStatus, made
from tests.simulation.workloads.pod_failures import Backoff
from tests.simulation.workloads.pod_status import holds, phase_of

USER = "job-controller"


@dataclass(slots=True)
class World:
    """What the controller works with: the API server, dice, and the time in seconds and as it is written."""

    server: ApiServer
    random: Random
    now: Callable[[], float]
    stamp: Callable[[], str]


class JobSync:
    """One look. ``backoff`` is to be remembered until the next, ``again_in`` is when that is due, whatever happens."""

    def __init__(self, world: World, job: Obj, pods: list[Obj], backoff: Backoff) -> None:
        self.backoff = backoff
        self.again_in: list[float] = []
        self._world = world
        self._job = job
        self._spec = job["spec"]
        self._policy = self._spec.get("podFailurePolicy")
        self._is_suspended = bool(self._spec.get("suspend"))
        self._replaces_only_failed = self._spec.get("podReplacementPolicy") == "Failed" or self._policy is not None
        self._pods = pods
        self._status = JobStatus(job)
        self._verdict: Obj | None = None
        self._active_pods = [pod for pod in pods if job_pods.is_active(pod)]
        self._active = len(self._active_pods)
        self._ready = sum(holds(pod, "Ready") for pod in self._active_pods)
        self._terminating = sum(map(job_pods.is_terminating, pods))

    def run(self) -> None:
        """Look, act and write. Raises Refusal where a write is refused."""
        succeeded, failed = self._new_ends()
        self._backoff = self.backoff.after(succeeded, failed)
        if "startTime" not in self._status.fields and not self._is_suspended:
            self._status.fields["startTime"] = self._world.stamp()
        counted = sum(pod_failures.counts(self._policy, pod) for pod in failed)
        failures = self._status.count("failed") + len(self._status.noted("failed")) + counted
        successes = self._status.count("succeeded") + len(self._status.noted("succeeded")) + len(succeeded)
        self._verdict = self._judge(failures)
        if self._verdict is not None:
            self._delete_active_pods()
        else:
            self._go_on(successes)
        counts = {"active": self._active, "ready": self._ready, "terminating": self._terminating}
        self._status.fields |= counts
        self._track()

    # --- what the Job has come to --------------------------------------------------------------------------------

    def _judge(self, failures: int) -> Obj | None:
        """The condition that ends the Job, if it is decided that it ends."""
        decided = self._status.condition("SuccessCriteriaMet") or self._status.condition("FailureTarget")
        if decided is not None:
            return decided
        failed_pods = filter(self._has_failed, self._pods)
        if message := pod_failures.why_it_fails_its_job(self._policy, failed_pods):
            return self._made("FailureTarget", "PodFailurePolicy", message)
        if failures > self._spec.get("backoffLimit", 6):
            return self._made("FailureTarget", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
        left = self._left()
        if left is not None and left <= 0:
            return self._made("FailureTarget", "DeadlineExceeded", "Job was active longer than specified deadline")
        if left is not None:
            self.again_in.append(left)
        return None

    def _left(self) -> float | None:
        """Seconds until the Job's deadline; None where it has none now."""
        limit = self._spec.get("activeDeadlineSeconds")
        if limit is None or self._is_suspended:
            return None
        if "startTime" not in self._status.before:
            return float(limit)
        return float(epoch(self._status.fields["startTime"]) + limit - self._world.now())

    def _new_ends(self) -> tuple[list[Obj], list[Obj]]:
        """The pods that have succeeded and failed and are not yet in the status."""
        known = {*self._status.noted("succeeded"), *self._status.noted("failed")}
        new = [pod for pod in self._pods if job_pods.is_tracked(pod) and pod["metadata"]["uid"] not in known]
        return [pod for pod in new if phase_of(pod) == "Succeeded"], [pod for pod in new if self._has_failed(pod)]

    def _has_failed(self, pod: Obj) -> bool:
        if phase_of(pod) == "Failed":
            return True
        is_deleted = pod["metadata"].get("deletionTimestamp") and phase_of(pod) != "Succeeded"
        return bool(is_deleted) and not self._replaces_only_failed

    # --- what is done about its pods -----------------------------------------------------------------------------

    def _delete_active_pods(self) -> None:
        for pod in self._active_pods:
            self._delete(pod)
        self._terminating += self._active
        self._active = self._ready = 0

    def _go_on(self, successes: int) -> None:
        may_act = not self._job["metadata"].get("deletionTimestamp")
        if may_act:
            self._manage(successes)
        if successes >= self._spec.get("completions", 1) and self._active == 0:
            message = "Reached expected number of succeeded pods"
            self._verdict = self._made("SuccessCriteriaMet", "CompletionsReached", message)
        elif may_act:
            self._say_whether_suspended()

    def _manage(self, successes: int) -> None:
        """As many pods as are wanted, not more and, in time, not less."""
        wanted = 0 if self._is_suspended else self._wanted(successes)
        if self._active > wanted:
            self._remove(self._active_pods[wanted:])
            return
        terminating = self._terminating if self._replaces_only_failed else 0
        if wanted - terminating - self._active > 0:
            self._create()

    def _wanted(self, successes: int) -> int:
        parallelism: int = self._spec.get("parallelism", 1)
        if "completions" in self._spec:
            return max(0, min(int(self._spec["completions"]) - successes, parallelism))
        return self._active if successes else parallelism

    def _remove(self, pods: list[Obj]) -> None:
        for pod in pods:
            self._untrack(pod)
            self._delete(pod)
            self._ready -= holds(pod, "Ready")
        self._active -= len(pods)
        self._terminating += len(pods)

    def _create(self) -> None:
        wait = self._backoff.remaining(self._world.now())
        if wait > 0:
            self.again_in.append(wait)
            return
        pod = job_pods.made(self._job, self._world.random)
        self._world.server.create(pod, namespace=self._job["metadata"]["namespace"], user=USER)
        self._active += 1

    def _say_whether_suspended(self) -> None:
        known = self._status.condition("Suspended")
        if self._is_suspended and known is None:
            self._status.put(self._made("Suspended", "JobSuspended", "Job suspended"))
        elif not self._is_suspended and known is not None:
            self._status.put(made("Suspended", self._world.stamp(), "JobResumed", "Job resumed", status="False"))
            self._status.fields["startTime"] = self._world.stamp()

    # --- what is written -----------------------------------------------------------------------------------------

    def _track(self) -> None:
        """Count the pods that are over, let go of them, and say how the Job ends."""
        tracked = [pod for pod in self._pods if job_pods.is_tracked(pod)]
        ended = [pod for pod in tracked if self._may_let_go(pod)]
        self._status.count_noted({pod["metadata"]["uid"] for pod in tracked})
        for pod in ended:
            self._note(pod)
        final = self._announce()
        self._flush()
        for pod in ended:
            self._untrack(pod)
        self._status.count_noted(set())
        if final is not None and not self._terminating and self._status.is_counted:
            self._status.put(final)
            if final["type"] == "Complete":
                self._status.fields["completionTime"] = final["lastTransitionTime"]
        self._flush()

    def _may_let_go(self, pod: Obj) -> bool:
        is_ending = self._verdict is not None or self._job["metadata"].get("deletionTimestamp")
        return bool(is_ending) or phase_of(pod) == "Succeeded" or self._has_failed(pod)

    def _note(self, pod: Obj) -> None:
        uid = pod["metadata"]["uid"]
        if uid in self._status.noted("failed") or uid in self._status.noted("succeeded"):
            return
        job_fails = self._verdict is not None and self._verdict["type"] == "FailureTarget"
        if phase_of(pod) == "Succeeded":
            self._status.note("succeeded", uid)
        elif (job_fails or self._has_failed(pod)) and pod_failures.counts(self._policy, pod):
            self._status.note("failed", uid)

    def _announce(self) -> Obj | None:
        """Say that the Job's end is decided; the condition to be set when nothing of it runs any more."""
        if self._verdict is None:
            return None
        interim = self._verdict["type"]
        if self._status.condition(interim) is None:
            self._status.put(self._verdict)
        final = "Complete" if interim == "SuccessCriteriaMet" else "Failed"
        return self._made(final, self._verdict["reason"], self._verdict["message"])

    def _flush(self) -> None:
        status = self._status.unwritten()
        if status is None:
            return
        self._job = self._world.server.replace({**self._job, "status": status}, status=True, user=USER)
        self._status.before = status
        self.backoff = self._backoff

    def _untrack(self, pod: Obj) -> None:
        if job_pods.is_tracked(pod):
            meta, patch = pod["metadata"], job_pods.untracked(pod)
            _unless_gone(lambda: self._world.server.merge("pods", meta["namespace"], meta["name"], patch, user=USER))

    def _delete(self, pod: Obj) -> None:
        meta = pod["metadata"]
        server, uid = self._world.server, meta["uid"]
        _unless_gone(lambda: server.delete("pods", meta["namespace"], meta["name"], uid=uid, user=USER))

    def _made(self, type_: str, reason: str, message: str) -> Obj:
        return made(type_, self._world.stamp(), reason, message)


def _unless_gone(write: Callable[[], object]) -> None:
    try:
        write()
    except Refusal as refusal:
        if refusal.status != 404:
            raise
