"""From Jobs and pods as the API server shows them to what the engine is told."""

from __future__ import annotations

from typing import Any

from kubesaga.api import constants as c
from kubesaga.api.documents import Framed, Output
from kubesaga.api.times import epoch
from kubesaga.engine.snapshot import Observation, Phase
from kubesaga.runtime.observe import framed_document, has_failed, observe

T0, T1 = "2026-01-01T00:00:00Z", "2026-01-01T00:00:05Z"
OWNER = {"uid": "uid-j", "controller": True}


def job(*conditions: str, parallelism: int = 1, labels: dict[str, str] | None = None, **reasons: str) -> dict[str, Any]:
    """With a ``parallelism`` of 0: as it is once it was told to stop."""
    return {
        "metadata": {"name": "j", "uid": "uid-j", "creationTimestamp": T0, "labels": labels or {}},
        "spec": {"parallelism": parallelism, **({} if parallelism else {"activeDeadlineSeconds": 1})},
        "status": {
            "startTime": T0,
            "conditions": [{"type": c, "status": "True", "reason": reasons.get(c, "")} for c in conditions],
        },
    }


def pod(state: dict[str, Any] | None = None, *, name: str = "p", created: str = T0, **status: Any) -> dict[str, Any]:
    containers = [{"name": "step", "image": "img", "state": state}] if state else []
    return {
        "metadata": {"name": name, "creationTimestamp": created, "ownerReferences": [OWNER]},
        "spec": {"nodeName": "n"},
        "status": {"containerStatuses": containers, **status},
    }


def terminated(code: int, message: str = "", **more: Any) -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "message": message, "startedAt": T0, "finishedAt": T1, **more}}


def seen(a_job: dict[str, Any], *pods: dict[str, Any]) -> Observation:
    return observe(a_job, pods, expects_document=True)


def test_a_job_without_a_pod_waits() -> None:
    assert seen(job()).phase is Phase.WAITING


def test_a_running_container_runs() -> None:
    assert seen(job(), pod({"running": {"startedAt": T0}})).phase is Phase.RUNNING


def test_success_is_read_from_the_container_before_pod_and_job_say_so() -> None:
    observation = seen(job(), pod(terminated(0, '{"result": 1}'), phase="Running"))
    assert (observation.phase, observation.result, observation.terminal) == (Phase.SUCCEEDED, 1, False)
    assert observation.finished_at is not None


def test_failure_is_not_read_from_the_container_because_its_pod_may_be_replaced() -> None:
    observation = seen(job(), pod(terminated(1), phase="Failed"))
    assert observation.phase is Phase.WAITING


def test_failure_is_read_from_the_job() -> None:
    observation = seen(job("Failed"), pod(terminated(1, '{"error": {"type": "X"}}'), phase="Failed"))
    assert (observation.phase, observation.terminal) == (Phase.FAILED, True)
    assert observation.error is not None
    assert observation.error.type == "X"


def test_failure_target_counts_unless_we_stopped_the_job() -> None:
    failed = pod(terminated(1), phase="Failed")
    assert seen(job("FailureTarget"), failed).phase is Phase.FAILED
    assert not seen(job("FailureTarget"), failed).terminal
    assert seen(job("FailureTarget", parallelism=0), failed).phase is not Phase.FAILED


def test_a_deadline_that_somebody_else_gave_the_job_counts_once_its_pod_had_its_grace() -> None:
    running = pod({"running": {"startedAt": T0}}, phase="Running")
    assert seen(job("FailureTarget", FailureTarget="DeadlineExceeded"), running).phase is Phase.RUNNING
    ended = job("FailureTarget", "Failed", FailureTarget="DeadlineExceeded", Failed="DeadlineExceeded")
    assert seen(ended, pod(terminated(143), phase="Failed")).phase is Phase.FAILED


def test_a_job_that_somebody_scaled_to_0_has_not_been_told_to_stop() -> None:
    idle = job()
    idle["spec"]["parallelism"] = 0
    assert not seen(idle).stopping
    assert seen(job(parallelism=0)).stopping


def test_a_bad_document_counts_once_the_job_is_terminal() -> None:
    garbage = pod(terminated(0, "garbage"), phase="Succeeded")
    assert seen(job(), garbage).phase is Phase.RUNNING
    observation = seen(job("Complete"), garbage)
    assert observation.error is not None
    assert observation.error.type == "InvalidResult"


def test_a_deadline_is_read_from_the_pod_before_the_exit_code() -> None:
    late = pod(terminated(143), phase="Failed", reason="DeadlineExceeded")
    observation = seen(job("Failed", Failed="BackoffLimitExceeded"), late)
    assert observation.error is not None
    assert (observation.error.type, observation.error.outcome_unknown) == ("Timeout", True)


def test_what_an_sdk_says_when_told_to_stop_does_not_hide_the_deadline() -> None:
    said = terminated(143, '{"error": {"type": "Terminated", "retryable": true}}')
    observation = seen(job("Failed"), pod(said, phase="Failed", reason="DeadlineExceeded"))
    assert observation.error is not None
    assert observation.error.type == "Timeout"


def test_a_pod_deleted_by_hand_is_named_so() -> None:
    deleted = pod(terminated(137), phase="Failed")
    deleted["metadata"]["deletionTimestamp"] = T1
    observation = seen(job("Failed"), {**deleted, "gone": True})
    assert observation.error is not None
    assert observation.error.type == "PodDeleted"


def test_a_pod_that_somebody_deletes_should_be_gone_by_its_grace_and_one_that_is_over_is() -> None:
    leaving = pod({"running": {"startedAt": T0}}, phase="Running")
    leaving["metadata"]["deletionTimestamp"] = T1
    assert seen(job(), leaving).gone_by == epoch(T1)
    assert seen(job(), {**leaving, "gone": True}).gone_by is None
    assert seen(job(), pod({"running": {"startedAt": T0}}, phase="Running")).gone_by is None


def test_a_failed_job_without_a_pod_leaves_the_outcome_unknown() -> None:
    observation = seen(job("Failed"))
    assert observation.error is not None
    assert (observation.error.type, observation.error.outcome_unknown) == ("PodLost", True)


def test_a_complete_job_without_a_pod_leaves_the_outcome_unknown() -> None:
    observation = seen(job("Complete"))
    assert observation.error is not None
    assert (observation.error.type, observation.error.outcome_unknown) == ("PodLost", True)


def stopped(**status: Any) -> dict[str, Any]:
    """A Job that has been stopped, and counts these pods."""
    over = job("Failed", parallelism=0)
    over["status"] |= status
    return over


def test_a_stopped_attempt_may_have_run_where_its_job_counts_a_pod_of_which_nobody_knows_the_end() -> None:
    assert not seen(stopped()).may_have_run
    assert seen(stopped(failed=1)).may_have_run
    assert seen(stopped(uncountedTerminatedPods={"failed": ["uid"]})).may_have_run
    waiting = {"waiting": {"reason": "ContainerCreating"}}
    stale, gone = pod(waiting, phase="Pending"), {**pod(waiting, phase="Pending"), "gone": True}
    assert seen(stopped(failed=1), stale).may_have_run
    assert not seen(stopped(failed=1), gone).may_have_run
    assert seen(stopped(failed=1), {**gone, "unheard": True}).may_have_run
    of_another = {**gone, "metadata": {**gone["metadata"], "ownerReferences": [{**OWNER, "uid": "uid-before"}]}}
    assert seen(stopped(failed=1), of_another).may_have_run


def test_a_stopped_attempt_has_run_where_a_pod_of_it_did() -> None:
    never = {"terminated": {"exitCode": 137, "reason": "ContainerStatusUnknown", "startedAt": None}}
    assert not seen(stopped(failed=1), pod(never, phase="Failed")).may_have_run
    assert seen(stopped(failed=1), pod(terminated(143), phase="Failed")).may_have_run
    evicted = pod(terminated(137), phase="Failed", conditions=[{"type": "DisruptionTarget", "status": "True"}])
    replacement = {**pod(name="new", created=T1, phase="Pending"), "gone": True}
    assert seen(stopped(failed=1), evicted, replacement).may_have_run
    assert seen(stopped(failed=1), evicted).may_have_run


def test_a_replaced_pod_is_not_read_for_the_newer_one() -> None:
    old = pod(terminated(137), name="old", phase="Failed")
    new = pod({"running": {"startedAt": T1}}, name="new", created=T1)
    assert seen(job(), old, new).phase is Phase.RUNNING


def test_a_job_whose_pod_was_evicted_waits_anew_for_its_next_pod() -> None:
    evicted = pod(terminated(143), phase="Failed", conditions=[{"type": "DisruptionTarget", "status": "True"}])
    fresh = seen(job())
    again = seen(job(), evicted)
    assert again.phase is Phase.WAITING
    assert fresh.waiting_since is not None
    assert again.waiting_since == fresh.waiting_since + 5  # when the container ended


def test_an_image_that_cannot_be_pulled_is_named_the_same_between_two_pulls() -> None:
    one = seen(job(), pod({"waiting": {"reason": "ErrImagePull", "message": "tag 1 not found at 12:00"}}))
    two = seen(job(), pod({"waiting": {"reason": "ImagePullBackOff", "message": "back-off 20s"}}))
    assert one.problem == two.problem
    assert one.problem is not None
    assert "'img'" in one.problem.message


def test_an_unschedulable_pod_says_what_the_scheduler_says() -> None:
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"}
    observation = seen(job(), pod(conditions=[condition]))
    assert observation.problem is not None
    assert observation.problem.message == "0/1 nodes"


def test_a_fence_is_a_fence_whatever_its_conditions() -> None:
    observation = seen(job("Failed", labels={"kubesaga.dev/fence": "true"}))
    assert (observation.phase, observation.terminal) == (Phase.FENCED, True)


def held(**more: Any) -> dict[str, Any]:
    """A Job that a quota system has suspended."""
    suspended = job("Suspended", **more)
    suspended["spec"]["suspend"] = True
    return suspended


def test_a_job_held_by_a_quota_system_does_not_wait_for_itself() -> None:
    assert seen(held()).waiting_since is None
    assert not seen(held()).terminal


def test_a_held_job_that_was_stopped_is_over_for_its_deadline_would_never_pass() -> None:
    observation = seen(held(parallelism=0))
    assert (observation.phase, observation.terminal, observation.started_at) == (Phase.FAILED, True, None)
    assert observation.error is not None
    assert (observation.error.type, observation.error.outcome_unknown) == ("Stopped", True)


def test_what_ran_before_a_held_job_was_stopped_is_not_forgotten() -> None:
    preempted = {**pod(terminated(143), phase="Failed"), "gone": True}
    observation = seen(held(parallelism=0), preempted)
    assert observation.terminal
    assert observation.started_at is not None


def test_a_held_job_is_not_over_while_a_pod_of_it_may_run() -> None:
    for field in ("active", "terminating"):
        counted = held(parallelism=0)
        counted["status"][field] = 1
        assert not seen(counted).terminal
    assert not seen(held(parallelism=0), pod({"running": {"startedAt": T0}}, phase="Running")).terminal
    pending = pod(phase="Pending")
    assert not seen(held(parallelism=0), pending).terminal
    assert seen(held(parallelism=0), {**pending, "gone": True}).terminal


def taken_away(name: str, created: str) -> dict[str, Any]:
    target = [{"type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI"}]
    return {**pod(terminated(143), name=name, created=created, phase="Failed", conditions=target), "gone": True}


def test_pods_that_kubernetes_took_away_are_named_oldest_first() -> None:
    running = pod({"running": {"startedAt": T1}}, name="c", created=T1)
    observation = seen(job(), running, taken_away("b", "2026-01-01T00:00:03Z"), taken_away("a", T0))
    assert (observation.phase, observation.disrupted) == (Phase.RUNNING, ("a", "b"))


def test_a_pod_that_failed_by_itself_or_is_only_not_ready_was_not_taken_away() -> None:
    ready = [{"type": "Ready", "status": "False"}, {"type": "DisruptionTarget", "status": "False"}]
    assert seen(job(), pod(terminated(1), phase="Failed", conditions=ready)).disrupted == ()


def test_kubernetes_own_word_for_the_end_is_kept_beside_the_classification() -> None:
    cases = [
        (pod(terminated(137, reason="OOMKilled"), phase="Failed"), "OutOfMemory", "OOMKilled"),
        (pod(terminated(137), phase="Failed", reason="Evicted", message="disk"), "Evicted", "Evicted"),
        (pod(terminated(143), phase="Failed", reason="DeadlineExceeded"), "Timeout", "DeadlineExceeded"),
        (pod(terminated(128, reason="StartError"), phase="Failed"), "ContainerCannotRun", "StartError"),
        (pod(terminated(1, reason="Error"), phase="Failed"), "ExitCode", None),
        (pod(terminated(1, '{"error": {"type": "X"}}', reason="OOMKilled"), phase="Failed"), "X", "OOMKilled"),
    ]
    for a_pod, type_, reason in cases:
        error = seen(job("Failed"), a_pod).error
        assert error is not None
        assert (error.type, error.pod_reason) == (type_, reason)


IN_THE_LOG = terminated(0, '{"resultFrame": {"bytes": 5000, "sha256": "%s"}}' % ("a" * 64))


def test_a_result_in_the_log_counts_as_running_until_it_is_read() -> None:
    ended = pod(IN_THE_LOG, phase="Succeeded")
    for a_job in (job(), job("Complete")):
        assert framed_document([ended]) == ("p", Framed(5000, "a" * 64))
        assert seen(a_job, ended).phase is Phase.RUNNING
        read = observe(a_job, [ended], expects_document=True, framed=Output(result=[1]))
        assert (read.phase, read.result) == (Phase.SUCCEEDED, [1])


def test_a_result_that_is_not_in_the_log_needs_none_to_be_read() -> None:
    for state in (terminated(0, '{"result": 1}'), terminated(0), terminated(1), {"running": {"startedAt": T0}}):
        assert framed_document([pod(state)]) is None


def test_the_work_of_a_pod_that_outlived_its_job_counts_under_its_fence() -> None:
    fence = job("Failed", parallelism=0, labels={c.LABEL_FENCE: "true"})
    well = pod(terminated(0, '{"result": 1}'), phase="Succeeded")
    assert (seen(fence, well).phase, seen(fence, well).result) == (Phase.SUCCEEDED, 1)
    assert seen(fence, pod(terminated(0, "garbage"), phase="Succeeded")).phase is Phase.FAILED
    said = seen(fence, pod(terminated(1, '{"error": {"type": "Declined", "retryable": false}}'), phase="Failed"))
    assert said.error is not None
    assert (said.phase, said.error.type, said.error.retryable) == (Phase.FENCED, "Declined", False)
    killed = seen(fence, pod(terminated(137), phase="Failed"))
    assert (killed.phase, killed.error, killed.may_have_run) == (Phase.FENCED, None, True)


def test_a_job_that_was_told_to_stop_has_failed_only_once_it_says_so_itself() -> None:
    assert has_failed(job("FailureTarget"))
    assert not has_failed(job("FailureTarget", parallelism=0))
    assert has_failed(job("FailureTarget", "Failed", parallelism=0))


def test_what_a_deleted_job_has_left_behind_runs_on_under_its_fence() -> None:
    fence = job("Failed", parallelism=0, labels={c.LABEL_FENCE: "true"})
    going = pod({"running": {"startedAt": T0}}, phase="Running")
    going["metadata"]["deletionTimestamp"] = T1
    observation = seen(fence, going)
    assert (observation.phase, observation.terminal, observation.stopping) == (Phase.RUNNING, False, True)
    assert (observation.location, observation.gone_by) == ("pod p on n", epoch(T1))
    assert seen(fence, pod(phase="Pending")).phase is Phase.WAITING
    for over in ({**going, "gone": True}, pod(terminated(137), phase="Failed")):
        assert seen(fence, over) == Observation(Phase.FENCED, terminal=True, may_have_run=True)
