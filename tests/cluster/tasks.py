"""Templates and Tasks as the tests write them, and what can be read off a Task that ran.

``kubectl`` applies the first and brings the second; nothing here talks to a cluster but ``run_all`` and
``attempts_as_recorded``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from kubesaga.api.constants import (
    GROUP,
    LABEL_ATTEMPT,
    LABEL_ROLE,
    LABEL_STEP,
    LABEL_TASK_UID,
    TASK_PLURAL,
    TEMPLATE_PLURAL,
)
from kubesaga.engine.identity import attempt_name
from kubesaga.engine.vocabulary import Role
from tests.cluster.kubectl import PATIENCE, Kubectl, KubectlError, Manifest

# In full: other groups may have a kind of that name as well.
TASK = f"{TASK_PLURAL}.{GROUP}"
TEMPLATE = f"{TEMPLATE_PLURAL}.{GROUP}"

IMAGE = "kubesaga-handlers:dev"
ONCE: Manifest = {"maxAttempts": 1}
AT_ONCE: Manifest = {"maxAttempts": 2, "backoff": "None"}
"""One retry, without a wait before it."""


def template(name: str, *steps: Manifest, version: str = "1.0.0", **spec: Any) -> Manifest:
    """A TaskTemplate; each step runs once in the handlers' image unless it says otherwise."""
    defaults = {"image": IMAGE, "imagePullPolicy": "IfNotPresent", "retry": ONCE, **spec.pop("defaults", {})}
    return {
        "apiVersion": "kubesaga.dev/v1alpha1",
        "kind": "TaskTemplate",
        "metadata": {"name": name},
        "spec": {"version": version, "defaults": defaults, "steps": list(steps), **spec},
    }


def task(name: str, of: str | None = None, version: str | None = None, **spec: Any) -> Manifest:
    """A Task of the template `of`, by default the one that bears the Task's own name."""
    reference = {"name": of or name, **({"version": version} if version else {})}
    return {
        "apiVersion": "kubesaga.dev/v1alpha1",
        "kind": "Task",
        "metadata": {"name": name},
        "spec": {"templateRef": reference, **spec},
    }


def workflow(name: str, *steps: Manifest, **spec: Any) -> list[Manifest]:
    """A template and one Task of it, both of one name."""
    return [template(name, *steps, **spec), task(name)]


def sh(name: str, script: str, **step: Any) -> Manifest:
    """A container step that runs a shell script."""
    return {"name": name, "container": {"command": ["sh", "-c", script]}, **step}


def handler(name: str, callable_: str, **step: Any) -> Manifest:
    """A handler step."""
    return {"name": name, "handler": {"callable": callable_}, **step}


def report(document: Any) -> str:
    """The shell command that leaves a document as the step's last words; without single quotes in it."""
    return f"printf %s '{json.dumps(document)}' > $KUBESAGA_RESULT_FILE"


def sleep(seconds: float) -> str:
    """The shell command that waits and, unlike a plain `sleep`, ends at once when it is told to stop."""
    return f"trap 'exit 143' TERM; sleep {seconds:g} & wait $!"


def use_up_memory() -> str:
    """The shell command that takes all the memory there is and, where the kernel leaves it the time, ends afterwards.

    containerd is told of such a kill and of the container's end one by one, and misses why it ended where the one comes
    with its start, or with the other.
    """
    return "sleep 1; tail /dev/zero; code=$?; sleep 2; exit $code"


def run_all(kubectl: Kubectl, *manifests: Manifest) -> dict[str, Manifest]:
    """Apply everything at once, wait until every Task has ended, and return the Tasks by name."""
    kubectl.apply(*manifests)
    return all_finished(kubectl)


def all_finished(kubectl: Kubectl, seconds: float = 2 * PATIENCE) -> dict[str, Manifest]:
    """Wait until every Task of the namespace has ended, and return the Tasks by name."""
    try:
        kubectl.run("wait", "--for=condition=Finished", TASK, "--all", f"--timeout={seconds:g}s")
    except KubectlError as error:
        unfinished = [task for task in kubectl.get_all(TASK) if not ended(task)]
        stuck = [f"{name_of(each)}: {each.get('status', {}).get('message')}" for each in unfinished]
        raise AssertionError(f"these Tasks are stuck: {'; '.join(stuck)}") from error
    return {name_of(found): found for found in kubectl.get_all(TASK)}


def name_of(found: Manifest) -> str:
    """metadata.name."""
    return str(found["metadata"]["name"])


def ended(found: Manifest) -> bool:
    """Whether the Task has an outcome."""
    return "outcome" in found.get("status", {})


def end_of(found: Manifest) -> tuple[str, str]:
    """State and outcome of a Task that has ended."""
    return found["status"]["state"], found["status"]["outcome"]


def step(found: Manifest, name: str) -> Manifest:
    """One step's record; an empty one where the Task has not started."""
    steps: Iterable[Manifest] = found.get("status", {}).get("steps", ())
    return next((each for each in steps if each["name"] == name), {})


def states(found: Manifest) -> dict[str, str]:
    """The state of every step."""
    return {each["name"]: each["state"] for each in found["status"]["steps"]}


def error_of(found: Manifest, name: str = "work") -> Manifest:
    """What a step's record says about its last failure."""
    error: Manifest = step(found, name)["error"]
    return error


def condition(found: Manifest, type_: str) -> Manifest:
    """One condition; empty where it is not there yet."""
    listed: Iterable[Manifest] = found.get("status", {}).get("conditions", ())
    return next((each for each in listed if each["type"] == type_), {})


def jobs_of(kubectl: Kubectl, found: Manifest) -> list[Manifest]:
    """The Jobs of a Task."""
    return kubectl.get_all("jobs", f"{LABEL_TASK_UID}={found['metadata']['uid']}")


def expected_job_names(found: Manifest) -> set[str]:
    """The names of all the Jobs that the attempts in the Task's status must have had."""
    uid, names = found["metadata"]["uid"], set()
    for each in found["status"]["steps"]:
        for role, record in ((Role.FORWARD, each), (Role.COMPENSATION, each.get("compensation", {}))):
            for number in range(1, record.get("attempt", 0) + 1):
                names.add(attempt_name(name_of(found), uid, each["name"], role, number))
    return names


def assert_nothing_ran_twice(kubectl: Kubectl, found: Manifest) -> None:
    """Exactly one Job and one pod for each attempt that is on record, and none beside them."""
    jobs = jobs_of(kubectl, found)
    assert {name_of(job) for job in jobs} == expected_job_names(found)
    attempts = Counter(_attempt(job["metadata"]["labels"]) for job in jobs)
    assert set(attempts.values()) <= {1}, f"attempts with more than one Job: {attempts}"
    pods = kubectl.get_all("pods", f"{LABEL_TASK_UID}={found['metadata']['uid']}")
    of_attempt = Counter(_attempt(pod["metadata"]["labels"]) for pod in pods)
    assert set(of_attempt.values()) <= {1}, f"attempts with more than one pod: {of_attempt}"
    assert set(of_attempt) <= set(attempts)


def _attempt(labels: Mapping[str, str]) -> tuple[str, str, str]:
    return labels[LABEL_STEP], labels[LABEL_ROLE], labels[LABEL_ATTEMPT]
