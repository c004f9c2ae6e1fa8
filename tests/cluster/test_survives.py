"""Somebody else's hand in a Task's Jobs and pods: deleted, held back, taken. The Task goes on or says why not.

The Tasks of each fixture start side by side; the tests lay hand on them one after the other.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from kubesaga.api.constants import LABEL_TASK_UID
from kubesaga.engine.identity import attempt_name
from kubesaga.engine.vocabulary import Role
from tests.cluster import tasks
from tests.cluster.kubectl import PATIENCE, Kubectl, Manifest
from tests.cluster.moments import held, let_go, running_pod, until_step
from tests.cluster.namespaces import fresh_namespace
from tests.cluster.quotas import leave_no_room, leave_room_again

# The first attempt would run for ever, the second is done at once.
SECOND_TIME_LUCKY = f'if [ "$KUBESAGA_ATTEMPT" = 1 ]; then {tasks.sleep(600)}; fi; ' + tasks.report({"result": "done"})
SLOW_TO_STOP = "if [ $KUBESAGA_ATTEMPT = 1 ]; then trap 'sleep 4; exit 1' TERM; sleep 600 & wait $!; fi"


def workflows() -> list[Manifest]:
    """The workflows that somebody lays hand on."""
    return [
        *tasks.workflow("evicted", tasks.sh("work", held(tasks.report({"result": "replaced"})))),
        *tasks.workflow("job-deleted", tasks.sh("work", SECOND_TIME_LUCKY, retry=tasks.AT_ONCE)),
        *tasks.workflow("pod-deleted", tasks.sh("work", SECOND_TIME_LUCKY, retry=tasks.AT_ONCE)),
        *tasks.workflow("slow-to-stop", tasks.sh("work", SLOW_TO_STOP, retry=tasks.AT_ONCE)),
        tasks.task("taken"),  # its template comes later
    ]


@pytest.fixture(scope="module")
def kubectl(operator: Kubectl) -> Iterator[Kubectl]:
    """A namespace in which every workflow has been started, and one pod been evicted: its Job takes a while."""
    with fresh_namespace(operator) as own:
        own.apply(*workflows())
        evict(own, running_pod(own, "evicted", "work"))
        yield own


@pytest.fixture(scope="module")
def without_pods(operator: Kubectl) -> Iterator[Kubectl]:
    """A namespace without room for a pod, and two Tasks in it: one will wait for long, one will not."""
    with fresh_namespace(operator) as own:
        leave_no_room(own, "pods")
        own.apply(
            *tasks.workflow("held", tasks.sh("work", tasks.report({"result": "at last"}))),
            *tasks.workflow("starved", tasks.sh("work", "true", startTimeout="3s")),
        )
        yield own


@pytest.fixture(scope="module")
def without_jobs(operator: Kubectl) -> Iterator[Kubectl]:
    """A namespace without room for a Job, and two Tasks in it: one will wait for long, one will not."""
    with fresh_namespace(operator) as own:
        leave_no_room(own, "count/jobs.batch")
        own.apply(
            *tasks.workflow("no-room", tasks.sh("work", "true")),
            *tasks.workflow("too-long", tasks.sh("work", "true", startTimeout="3s")),
        )
        yield own


def evict(kubectl: Kubectl, pod: str) -> None:
    """Ask for a pod to go as a drained node does."""
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod}}
    path = f"/api/v1/namespaces/{kubectl.namespace}/pods/{pod}/eviction"
    kubectl.run("create", "--raw", path, "-f", "-", stdin=json.dumps(eviction))


def first_failure(found: Manifest) -> str:
    """What the recorded history says about the failure of the first attempt."""
    moves = [each for each in found["status"]["transitions"] if "Failed" in each["events"]]
    return str(moves[0]["message"])


def test_a_job_deleted_by_hand_before_it_started_is_created_again(namespace: Kubectl) -> None:
    leave_no_room(namespace, "pods")
    namespace.apply(*tasks.workflow("not-started", tasks.sh("work", "true")))
    name = tasks.step(until_step(namespace, "not-started", "work", "Enqueued"), "work")["jobName"]
    first = namespace.until("job", name, tasks.name_of, "there")
    namespace.delete("job", name)
    namespace.until("job", name, lambda job: job["metadata"]["uid"] != first["metadata"]["uid"], "there again")
    leave_room_again(namespace)
    ended = namespace.until(tasks.TASK, "not-started", tasks.ended, "finished")
    assert tasks.end_of(ended) == ("Complete", "Succeeded")
    assert (tasks.step(ended, "work")["attempt"], tasks.step(ended, "work")["jobName"]) == (1, name)


def test_a_retry_after_a_deleted_job_waits_until_its_pod_is_gone(kubectl: Kubectl) -> None:
    task = until_step(kubectl, "slow-to-stop", "work", "InProgress")
    kubectl.delete("job", tasks.step(task, "work")["jobName"])
    both = kubectl.until_listed(
        "pods",
        f"{LABEL_TASK_UID}={task['metadata']['uid']}",
        lambda pods: any(_of_attempt(pod, 2) for pod in pods),
        "tried again",
    )
    assert [pod["status"]["phase"] for pod in both if _of_attempt(pod, 1)] in ([], ["Failed"])
    found = kubectl.until(tasks.TASK, "slow-to-stop", tasks.ended, "finished")
    assert tasks.end_of(found) == ("Complete", "Succeeded")


def test_a_job_deleted_by_hand_while_it_runs_is_tried_again_under_a_new_name(kubectl: Kubectl) -> None:
    job = tasks.step(until_step(kubectl, "job-deleted", "work", "InProgress"), "work")["jobName"]
    kubectl.delete("job", job)
    found = kubectl.until(tasks.TASK, "job-deleted", tasks.ended, "finished")
    assert tasks.end_of(found) == ("Complete", "Succeeded")
    assert tasks.step(found, "work")["attempt"] == 2
    assert tasks.step(found, "work")["jobName"] != job
    assert first_failure(found).startswith("JobLost: ")


def test_a_pod_deleted_by_hand_fails_its_attempt_and_the_next_one_succeeds(kubectl: Kubectl) -> None:
    kubectl.delete("pod", running_pod(kubectl, "pod-deleted", "work"))
    found = kubectl.until(tasks.TASK, "pod-deleted", tasks.ended, "finished")
    assert tasks.end_of(found) == ("Complete", "Succeeded")
    assert tasks.step(found, "work")["attempt"] == 2
    assert first_failure(found).startswith("PodDeleted: ")


def test_an_evicted_pod_is_replaced_and_costs_no_attempt(kubectl: Kubectl) -> None:
    let_go(kubectl, "evicted", "work")
    found = kubectl.until(tasks.TASK, "evicted", tasks.ended, "finished")
    assert tasks.end_of(found) == ("Complete", "Succeeded")
    record = tasks.step(found, "work")
    assert record["attempt"] == 1
    (job,) = tasks.jobs_of(kubectl, found)
    assert tasks.name_of(job) == record["jobName"]
    (evicted,) = record["disrupted"]
    assert evicted not in {tasks.name_of(each) for each in kubectl.get_all("pods")}


def test_a_quota_without_room_for_a_pod_is_named_where_it_lasts_too_long(without_pods: Kubectl) -> None:
    found = without_pods.until(tasks.TASK, "starved", tasks.ended, "finished")
    assert tasks.end_of(found) == ("Error", "Aborted")
    assert tasks.error_of(found)["type"] == "StartTimeout"
    assert "a quota" in tasks.error_of(found)["message"]
    assert tasks.step(found, "work")["jobName"] in tasks.error_of(found)["message"]


def test_a_quota_without_room_for_a_pod_holds_the_task_until_it_is_lifted(without_pods: Kubectl) -> None:
    found = until_step(without_pods, "held", "work", "Enqueued")
    without_pods.until("job", tasks.step(found, "work")["jobName"], tasks.name_of, "there")
    assert without_pods.get_all("pods") == []
    leave_room_again(without_pods)
    found = without_pods.until(tasks.TASK, "held", tasks.ended, "finished")
    assert tasks.end_of(found) == ("Complete", "Succeeded")
    assert tasks.step(found, "work")["attempt"] == 1


def test_a_quota_without_room_for_a_job_is_named_and_its_tasks_go_on_once_it_is_lifted(without_jobs: Kubectl) -> None:
    without_jobs.until(
        tasks.TASK, "no-room", lambda t: "QuotaExceeded" in t.get("status", {}).get("message", ""), "naming the quota"
    )
    held = without_jobs.until(tasks.TASK, "too-long", _needs_attention, "in need of attention")
    assert "exceeded quota: tight" in held["status"]["message"]
    leave_room_again(without_jobs)
    patient = without_jobs.until(tasks.TASK, "no-room", tasks.ended, "finished")
    assert tasks.end_of(patient) == ("Complete", "Succeeded")
    assert tasks.step(patient, "work")["attempt"] == 1
    impatient = without_jobs.until(tasks.TASK, "too-long", tasks.ended, "finished")
    assert tasks.end_of(impatient) == ("Error", "Aborted")
    assert tasks.error_of(impatient)["type"] == "QuotaExceeded"
    assert not _needs_attention(impatient)


def test_a_job_of_the_very_name_made_by_somebody_else_does_not_pass_for_the_step(kubectl: Kubectl) -> None:
    # The name is known once the Task is: it waits for its template here.
    uid = kubectl.until(tasks.TASK, "taken", lambda t: t.get("status"), "waiting")["metadata"]["uid"]
    name = attempt_name("taken", uid, "work", Role.FORWARD, 1)
    kubectl.apply(foreign_job(name))
    kubectl.run("wait", f"job/{name}", "--for=condition=Complete", f"--timeout={PATIENCE:g}s")
    kubectl.apply(
        tasks.template("taken", tasks.sh("work", tasks.report({"result": "ours"})), defaults={"startTimeout": "5s"})
    )
    found = kubectl.until(tasks.TASK, "taken", tasks.ended, "finished")
    assert tasks.end_of(found) == ("Error", "Aborted")
    assert tasks.error_of(found)["type"] == "JobNameTaken"
    assert name in tasks.error_of(found)["message"]


def foreign_job(name: str) -> Manifest:
    """A Job that is none of the operator's, and succeeds."""
    container = {
        "name": "step",
        "image": tasks.IMAGE,
        "command": ["true"],
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    pod = {
        "restartPolicy": "Never",
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
    }
    spec = {"template": {"spec": pod}}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}, "spec": spec}


def _of_attempt(pod: Manifest, number: int) -> bool:
    return bool(pod["metadata"]["labels"]["kubesaga.dev/attempt"] == str(number))


def _needs_attention(found: Manifest) -> bool:
    return bool(tasks.condition(found, "NeedsAttention").get("status") == "True")
