"""From Jobs and pods as the API server shows them to what the engine is told."""

from __future__ import annotations

from typing import Any

from kubesaga.engine.snapshot import Observation, Phase
from kubesaga.runtime.observe import observe

T0, T1 = "2026-01-01T00:00:00Z", "2026-01-01T00:00:05Z"


def job(*conditions: str, parallelism: int = 1, labels: dict[str, str] | None = None, **reasons: str) -> dict[str, Any]:
    return {
        "metadata": {"name": "j", "creationTimestamp": T0, "labels": labels or {}},
        "spec": {"parallelism": parallelism},
        "status": {
            "startTime": T0,
            "conditions": [{"type": c, "status": "True", "reason": reasons.get(c, "")} for c in conditions],
        },
    }


def pod(state: dict[str, Any] | None = None, *, name: str = "p", created: str = T0, **status: Any) -> dict[str, Any]:
    containers = [{"name": "step", "image": "img", "state": state}] if state else []
    return {
        "metadata": {"name": name, "creationTimestamp": created},
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


def test_a_failed_job_without_a_pod_leaves_the_outcome_unknown() -> None:
    observation = seen(job("Failed"))
    assert observation.error is not None
    assert (observation.error.type, observation.error.outcome_unknown) == ("PodLost", True)


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


def test_a_job_held_by_a_quota_system_does_not_wait_for_itself() -> None:
    held = job()
    held["spec"]["suspend"] = True
    assert seen(held).waiting_since is None
