"""Somebody else's hand in a Task's Jobs and pods: deleted, held back, taken. The Task goes on or says why not."""

from __future__ import annotations

import json

from kubesaga.api.constants import LABEL_TASK_UID
from kubesaga.engine.identity import attempt_name
from kubesaga.engine.vocabulary import Role
from tests.cluster import tasks
from tests.cluster.kubectl import Kubectl, Manifest

# The first attempt would run for ever, the second is done at once.
SECOND_TIME_LUCKY = f'if [ "$KUBESAGA_ATTEMPT" = 1 ]; then {tasks.sleep(600)}; fi; ' + tasks.report({"result": "done"})


def lucky(name: str) -> list[Manifest]:
    """A workflow whose one step succeeds at its second attempt."""
    return tasks.workflow(name, tasks.sh("work", SECOND_TIME_LUCKY, retry=tasks.AT_ONCE))


def running(kubectl: Kubectl, name: str) -> Manifest:
    """The Task as soon as the start of its step is on record."""
    return kubectl.until(tasks.TASK, name, lambda t: tasks.step(t, "work").get("state") == "InProgress", "running")


def no_more(resource: str) -> Manifest:
    """A ResourceQuota that leaves no room for a resource: `pods`, `count/jobs.batch`."""
    metadata = {"name": "tight"}
    return {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": {resource: "0"}}}


def evict(kubectl: Kubectl, pod: str) -> None:
    """Ask for a pod to go as a drained node does."""
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": pod}}
    path = f"/api/v1/namespaces/{kubectl.namespace}/pods/{pod}/eviction"
    kubectl.run("create", "--raw", path, "-f", "-", stdin=json.dumps(eviction))


def first_failure(found: Manifest) -> str:
    """What the recorded history says about the failure of the first attempt."""
    moves = [each for each in found["status"]["transitions"] if "Failed" in each["events"]]
    return str(moves[0]["message"])


def test_a_job_deleted_by_hand_while_it_runs_is_tried_again_under_a_new_name(namespace: Kubectl) -> None:
    namespace.apply(*lucky("job-deleted"))
    job = tasks.step(running(namespace, "job-deleted"), "work")["jobName"]
    namespace.delete("job", job)
    found = namespace.until(tasks.TASK, "job-deleted", tasks.ended, "finished")
    assert tasks.end_of(found) == ("Complete", "Succeeded")
    assert tasks.step(found, "work")["attempt"] == 2
    assert tasks.step(found, "work")["jobName"] != job
    assert first_failure(found).startswith("JobLost: ")


def test_a_retry_after_a_deleted_job_waits_until_its_pod_is_gone(namespace: Kubectl) -> None:
    slow_to_stop = "trap 'sleep 4; exit 1' TERM; sleep 600 & wait $!"
    script = f'if [ "$KUBESAGA_ATTEMPT" = 1 ]; then {slow_to_stop}; fi'
    namespace.apply(*tasks.workflow("slow-to-stop", tasks.sh("work", script, retry=tasks.AT_ONCE)))
    job = tasks.step(running(namespace, "slow-to-stop"), "work")["jobName"]
    namespace.delete("job", job)
    uid = namespace.get(tasks.TASK, "slow-to-stop")["metadata"]["uid"]
    both = namespace.until_listed(
        "pods", f"{LABEL_TASK_UID}={uid}", lambda pods: any(_of_attempt(pod, 2) for pod in pods), "tried again"
    )
    assert [pod["status"]["phase"] for pod in both if _of_attempt(pod, 1)] in ([], ["Failed"])
    found = namespace.until(tasks.TASK, "slow-to-stop", tasks.ended, "finished")
    assert tasks.end_of(found) == ("Complete", "Succeeded")


def test_a_job_deleted_by_hand_before_it_started_is_created_again(namespace: Kubectl) -> None:
    nowhere = {"nodeSelector": {"kubesaga.dev/test": "nowhere"}}
    namespace.apply(*tasks.workflow("not-started", tasks.sh("work", "true", pod=nowhere, startTimeout="8s")))
    found = namespace.until(tasks.TASK, "not-started", lambda t: tasks.step(t, "work").get("jobName"), "enqueued")
    name = tasks.step(found, "work")["jobName"]
    first = namespace.until("job", name, tasks.name_of, "there")
    namespace.delete("job", name)
    again = namespace.until("job", name, lambda job: job["metadata"]["uid"] != first["metadata"]["uid"], "there again")
    assert tasks.name_of(again) == name
    ended = namespace.until(tasks.TASK, "not-started", tasks.ended, "finished")
    assert (tasks.error_of(ended)["type"], tasks.step(ended, "work")["attempt"]) == ("Unschedulable", 1)


def test_a_pod_deleted_by_hand_fails_its_attempt_and_the_next_one_succeeds(namespace: Kubectl) -> None:
    namespace.apply(*lucky("pod-deleted"))
    running(namespace, "pod-deleted")
    (pod,) = namespace.get_all("pods")
    namespace.delete("pod", tasks.name_of(pod))
    found = namespace.until(tasks.TASK, "pod-deleted", tasks.ended, "finished")
    assert tasks.end_of(found) == ("Complete", "Succeeded")
    assert tasks.step(found, "work")["attempt"] == 2
    assert first_failure(found).startswith("PodDeleted: ")


def test_an_evicted_pod_is_replaced_and_costs_no_attempt(namespace: Kubectl) -> None:
    script = f"{tasks.sleep(6)}; {tasks.report({'result': 'replaced'})}"
    namespace.apply(*tasks.workflow("evicted", tasks.sh("work", script)))
    running(namespace, "evicted")
    (pod,) = namespace.get_all("pods")
    evict(namespace, tasks.name_of(pod))
    found = namespace.until(tasks.TASK, "evicted", tasks.ended, "finished")
    assert tasks.end_of(found) == ("Complete", "Succeeded")
    assert tasks.step(found, "work")["attempt"] == 1
    (job,) = tasks.jobs_of(namespace, found)
    assert tasks.name_of(job) == tasks.step(found, "work")["jobName"]
    assert tasks.name_of(pod) not in {tasks.name_of(each) for each in namespace.get_all("pods")}


def test_a_quota_without_room_for_a_pod_holds_the_task_until_it_is_lifted(namespace: Kubectl) -> None:
    namespace.apply(no_more("pods"))
    namespace.apply(*tasks.workflow("held", tasks.sh("work", tasks.report({"result": "at last"}))))
    namespace.until_listed("events", "", lambda events: _reasons(events) >= {"FailedCreate"}, "refused a pod")
    assert tasks.step(namespace.get(tasks.TASK, "held"), "work")["state"] == "Enqueued"
    namespace.run("delete", "resourcequota", "tight")
    found = namespace.until(tasks.TASK, "held", tasks.ended, "finished")
    assert tasks.end_of(found) == ("Complete", "Succeeded")
    assert tasks.step(found, "work")["attempt"] == 1


def test_a_quota_without_room_for_a_pod_is_named_where_it_lasts_too_long(namespace: Kubectl) -> None:
    namespace.apply(no_more("pods"))
    namespace.apply(*tasks.workflow("starved", tasks.sh("work", "true", startTimeout="3s")))
    found = namespace.until(tasks.TASK, "starved", tasks.ended, "finished")
    assert tasks.end_of(found) == ("Error", "Aborted")
    assert tasks.error_of(found)["type"] == "StartTimeout"
    assert "a quota" in tasks.error_of(found)["message"]
    assert tasks.step(found, "work")["jobName"] in tasks.error_of(found)["message"]


def test_a_quota_without_room_for_a_job_is_named_and_the_task_goes_on_once_it_is_lifted(namespace: Kubectl) -> None:
    namespace.apply(no_more("count/jobs.batch"))
    namespace.apply(*tasks.workflow("no-room", tasks.sh("work", "true")))
    namespace.until(
        tasks.TASK, "no-room", lambda t: "QuotaExceeded" in t["status"].get("message", ""), "naming the quota"
    )
    namespace.run("delete", "resourcequota", "tight")
    found = namespace.until(tasks.TASK, "no-room", tasks.ended, "finished")
    assert tasks.end_of(found) == ("Complete", "Succeeded")
    assert tasks.step(found, "work")["attempt"] == 1


def test_a_quota_without_room_for_a_job_that_lasts_too_long_needs_attention_until_it_is_lifted(
    namespace: Kubectl,
) -> None:
    namespace.apply(no_more("count/jobs.batch"))
    namespace.apply(*tasks.workflow("too-long", tasks.sh("work", "true", startTimeout="3s")))
    held = namespace.until(tasks.TASK, "too-long", _needs_attention, "in need of attention")
    assert "exceeded quota: tight" in held["status"]["message"]
    namespace.run("delete", "resourcequota", "tight")
    found = namespace.until(tasks.TASK, "too-long", tasks.ended, "finished")
    assert tasks.end_of(found) == ("Error", "Aborted")
    assert tasks.error_of(found)["type"] == "QuotaExceeded"
    assert not _needs_attention(found)


def test_a_job_of_the_very_name_made_by_somebody_else_does_not_pass_for_the_step(namespace: Kubectl) -> None:
    # The name is known once the Task is: it waits for its template here.
    namespace.apply(tasks.task("taken"))
    uid = namespace.until(tasks.TASK, "taken", lambda t: t.get("status"), "waiting")["metadata"]["uid"]
    name = attempt_name("taken", uid, "work", Role.FORWARD, 1)
    namespace.apply(foreign_job(name))
    namespace.run("wait", f"job/{name}", "--for=condition=Complete", "--timeout=60s")
    namespace.apply(
        tasks.template("taken", tasks.sh("work", tasks.report({"result": "ours"})), defaults={"startTimeout": "5s"})
    )
    found = namespace.until(tasks.TASK, "taken", tasks.ended, "finished")
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


def _reasons(events: list[Manifest]) -> set[str]:
    return {each["reason"] for each in events}


def _needs_attention(found: Manifest) -> bool:
    return bool(tasks.condition(found, "NeedsAttention").get("status") == "True")
