"""The Job of an attempt, the fence that takes an attempt's name, and the patch that stops one.

Pure construction, called by ``launches``. Plain dictionaries: the typed models of the client cost several times more.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kubesaga.api import constants as c
from kubesaga.api.contract import step_input, step_key, trace_parent
from kubesaga.api.programs import Program
from kubesaga.engine.decision import Attempt
from kubesaga.engine.identity import attempt_name
from kubesaga.engine.plan import Plan
from kubesaga.engine.records import TaskStatus
from kubesaga.engine.vocabulary import DeletionPolicy
from kubesaga.runtime.inputs import Delivery, deliver
from kubesaga.runtime.ownership import owner_references

Obj = dict[str, Any]

# What stops a Job: its pod gets SIGTERM and its grace, and the Job ends Failed/DeadlineExceeded (semantics 6.3).
STOP_PATCH: Obj = {"spec": {"parallelism": 0, "activeDeadlineSeconds": 1}}


@dataclass(frozen=True, slots=True)
class JobBundle:
    """The Job of an attempt, and the ConfigMap with its input (None: it is in the Job), to be created before it."""

    job: Obj
    input: Obj | None


def job_name(task: Mapping[str, Any], attempt: Attempt) -> str:
    """The name under which this attempt's Job exists, once for ever."""
    meta = task["metadata"]
    return attempt_name(meta["name"], meta["uid"], attempt.step, attempt.role, attempt.number)


def build_job(
    task: Mapping[str, Any],
    plan: Plan,
    status: TaskStatus,
    attempt: Attempt,
    program: Program,
    *,
    policy: DeletionPolicy,
    context: Mapping[str, Any],
    options: Mapping[str, Any],
    values: Mapping[str, Any],
    identities: Mapping[str, str] | None = None,
) -> JobBundle:
    """The Job that runs one attempt. Raises InputTooLarge.

    ``context`` and ``options`` have the template's defaults merged in; ``values`` is what the ResultRefs stand for that
    the input needs; ``identities`` are the labels of those that the Task works for.
    """
    history = (task.get("status") or {}).get("transitions") or ()
    document = step_input(
        task, plan, status, history, attempt, program, context=context, options=options, values=values
    )
    delivery = deliver(task, policy, job_name(task, attempt), document, _cleaned_by(task, attempt))
    given = {
        c.ENV_IDEMPOTENCY_KEY: step_key(task, status, attempt.step),
        c.ENV_TRACEPARENT: trace_parent(task, status, attempt),
    }
    env = _contract_env(task, attempt, delivery, given)
    labels = {**((program.pod or {}).get("labels") or {}), **_labels(task, attempt), **(identities or {})}
    return JobBundle(_job(task, attempt, program, policy, delivery, env, labels), delivery.config_map)


def _job(
    task: Mapping[str, Any],
    attempt: Attempt,
    program: Program,
    policy: DeletionPolicy,
    delivery: Delivery,
    env: list[dict[str, str]],
    labels: dict[str, str],
) -> Obj:
    pod = program.pod or {}
    annotations = dict(pod.get("annotations") or {})
    spec: Obj = {
        "backoffLimit": 0,
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": {
            "rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}]
        },
        "template": {
            "metadata": {"labels": labels, "annotations": annotations},
            "spec": _pod_spec(program, delivery, env),
        },
    }
    meta = {**_metadata(task, attempt, policy, labels), "annotations": annotations}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": spec}


def build_fence(task: Mapping[str, Any], attempt: Attempt, policy: DeletionPolicy) -> Obj:
    """A Job that takes the attempt's name and never runs a pod, so that a create that arrives late finds it taken."""
    labels = {**_labels(task, attempt), c.LABEL_FENCE: "true"}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": _metadata(task, attempt, policy, labels),
        "spec": {
            "parallelism": 0,
            "activeDeadlineSeconds": 1,
            "backoffLimit": 0,
            "template": {
                "metadata": {"labels": labels},
                "spec": {"restartPolicy": "Never", "containers": [{"name": c.MAIN_CONTAINER, "image": "fence"}]},
            },
        },
    }


def belongs_to(job: Mapping[str, Any], task: Mapping[str, Any], attempt: Attempt) -> bool:
    """Whether a Job found under an attempt's name is that attempt's, or its fence."""
    labels = job["metadata"].get("labels") or {}
    return _labels(task, attempt).items() <= labels.items()


def _metadata(task: Mapping[str, Any], attempt: Attempt, policy: DeletionPolicy, labels: Mapping[str, str]) -> Obj:
    return {
        "name": job_name(task, attempt),
        "namespace": task["metadata"]["namespace"],
        "labels": {**labels, **_cleaned_by(task, attempt)},
        "ownerReferences": owner_references(task, policy),
    }


def _cleaned_by(task: Mapping[str, Any], attempt: Attempt) -> dict[str, str]:
    """By what ``cleaning`` tells the work of a run that has ended from that of the next."""
    run = (task.get("status") or {}).get("run", 1)
    return {c.LABEL_RUN: str(run), c.LABEL_ROLE: attempt.role.value}


def _labels(task: Mapping[str, Any], attempt: Attempt) -> dict[str, str]:
    meta = task["metadata"]
    return {
        c.LABEL_MANAGED_BY: c.MANAGED_BY,
        c.LABEL_TASK: meta["name"],
        c.LABEL_TASK_UID: meta["uid"],
        c.LABEL_STEP: attempt.step,
        c.LABEL_ROLE: attempt.role.value,
        c.LABEL_ATTEMPT: str(attempt.number),
    }


def _pod_spec(program: Program, delivery: Delivery, contract_env: list[dict[str, str]]) -> Obj:
    pod = program.pod or {}
    spec: Obj = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "securityContext": _pod_security(pod.get("securityContext") or {}),
        "containers": [_container(program, delivery, contract_env)],
        "volumes": [{"name": c.TMP_VOLUME, "emptyDir": {}}, *delivery.volumes, *(pod.get("volumes") or ())],
    }
    if program.timeout_seconds is not None:
        spec["activeDeadlineSeconds"] = max(1, math.ceil(program.timeout_seconds))
    for field in (
        "serviceAccountName",
        "nodeSelector",
        "tolerations",
        "affinity",
        "priorityClassName",
        "imagePullSecrets",
    ):
        if pod.get(field):
            spec[field] = pod[field]
    return spec


def _pod_security(given: Mapping[str, Any]) -> Obj:
    return {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}, **given}


def _container(program: Program, delivery: Delivery, contract_env: list[dict[str, str]]) -> Obj:
    container: Obj = {
        "name": c.MAIN_CONTAINER,
        "image": program.image,
        "env": [*contract_env, *program.env],
        "volumeMounts": [
            {"name": c.TMP_VOLUME, "mountPath": c.TMP_PATH},
            *delivery.mounts,
            *program.volume_mounts,
        ],
        "terminationMessagePath": c.RESULT_FILE,
        # Where the program leaves no document, the end of its log explains the failure.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    if program.image_pull_policy:
        container["imagePullPolicy"] = program.image_pull_policy
    if program.command:
        container["command"] = list(program.command)
    if program.args:
        container["args"] = list(program.args)
    if program.env_from:
        container["envFrom"] = list(program.env_from)
    if program.resources:
        container["resources"] = dict(program.resources)
    return container


def _contract_env(
    task: Mapping[str, Any], attempt: Attempt, delivery: Delivery, given: Mapping[str, str]
) -> list[dict[str, str]]:
    values = {
        delivery.variable: delivery.value,
        c.ENV_TASK: task["metadata"]["name"],
        c.ENV_STEP: attempt.step,
        c.ENV_ATTEMPT: str(attempt.number),
        c.ENV_RESULT_FILE: c.RESULT_FILE,
        **given,
    }
    # The kubelet expands $(VAR) in values: doubled, so that a Task's context cannot read a template's secrets.
    return [{"name": name, "value": value.replace("$", "$$")} for name, value in values.items()]
