"""The Job of an attempt, the fence that takes an attempt's name, and the patch that stops one.

Pure construction, called by ``apply``. Plain dictionaries: the typed models of the client cost several times more.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from kubesaga.api import constants as c
from kubesaga.api.contract import step_input
from kubesaga.api.programs import Program
from kubesaga.engine.decision import Attempt
from kubesaga.engine.identity import attempt_name, idempotency_key
from kubesaga.engine.plan import Plan
from kubesaga.engine.records import TaskStatus

Obj = dict[str, Any]

# One environment variable holds the input; the kernel takes 128 KiB for a single one (MAX_ARG_STRLEN), name included.
MAX_INPUT_BYTES = 96 * 1024

# What stops a Job: its pod gets SIGTERM and its grace, and the Job ends Failed/DeadlineExceeded (semantics 6.3).
STOP_PATCH: Obj = {"spec": {"parallelism": 0, "activeDeadlineSeconds": 1}}


class InputTooLarge(ValueError):
    """The input document does not fit into an environment variable; the message says what to do."""


def job_name(task: Mapping[str, Any], attempt: Attempt) -> str:
    """The name under which this attempt's Job exists, once for ever."""
    meta = task["metadata"]
    return attempt_name(meta["name"], meta["uid"], attempt.step, attempt.role, attempt.number)


def build_job(task: Mapping[str, Any], plan: Plan, status: TaskStatus, attempt: Attempt, program: Program) -> Obj:
    """The Job that runs one attempt. Raises InputTooLarge."""
    history = (task.get("status") or {}).get("transitions") or ()
    document = step_input(task, plan, status, history, attempt, program)
    # A lone surrogate, which JSON can spell and UTF-8 cannot, becomes '?'.
    encoded = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    text, size = encoded.decode(), len(encoded)
    if size > MAX_INPUT_BYTES:
        raise InputTooLarge(
            f"the step's input (context, options and its ancestors' results) has {size} bytes, more than the "
            f"{MAX_INPUT_BYTES} that fit; store large data elsewhere and pass a reference to it"
        )
    pod = program.pod or {}
    labels = {**(pod.get("labels") or {}), **_labels(task, attempt)}
    annotations = dict(pod.get("annotations") or {})
    spec: Obj = {
        "backoffLimit": 0,
        "podReplacementPolicy": "Failed",
        "podFailurePolicy": {
            "rules": [{"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}]
        },
        "template": {
            "metadata": {"labels": labels, "annotations": annotations},
            "spec": _pod_spec(task, attempt, program, text),
        },
    }
    meta = {**_metadata(task, attempt, labels), "annotations": annotations}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": spec}


def build_fence(task: Mapping[str, Any], attempt: Attempt) -> Obj:
    """A Job that takes the attempt's name and never runs a pod, so that a create that arrives late finds it taken."""
    labels = {**_labels(task, attempt), c.LABEL_FENCE: "true"}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": _metadata(task, attempt, labels),
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


def _metadata(task: Mapping[str, Any], attempt: Attempt, labels: Mapping[str, str]) -> Obj:
    meta = task["metadata"]
    return {
        "name": job_name(task, attempt),
        "namespace": meta["namespace"],
        "labels": dict(labels),
        "ownerReferences": [
            {
                "apiVersion": c.API_VERSION,
                "kind": c.TASK_KIND,
                "name": meta["name"],
                "uid": meta["uid"],
                "controller": True,
                "blockOwnerDeletion": True,
            }
        ],
    }


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


def _pod_spec(task: Mapping[str, Any], attempt: Attempt, program: Program, input_text: str) -> Obj:
    pod = program.pod or {}
    spec: Obj = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "securityContext": _pod_security(pod.get("securityContext") or {}),
        "containers": [_container(task, attempt, program, input_text)],
        "volumes": [{"name": c.TMP_VOLUME, "emptyDir": {}}, *(pod.get("volumes") or ())],
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


def _container(task: Mapping[str, Any], attempt: Attempt, program: Program, input_text: str) -> Obj:
    container: Obj = {
        "name": c.MAIN_CONTAINER,
        "image": program.image,
        "env": [*_contract_env(task, attempt, input_text), *program.env],
        "volumeMounts": [{"name": c.TMP_VOLUME, "mountPath": c.TMP_PATH}, *program.volume_mounts],
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


def _contract_env(task: Mapping[str, Any], attempt: Attempt, input_text: str) -> list[dict[str, str]]:
    values = {
        c.ENV_INPUT: input_text,
        c.ENV_TASK: task["metadata"]["name"],
        c.ENV_STEP: attempt.step,
        c.ENV_ATTEMPT: str(attempt.number),
        c.ENV_IDEMPOTENCY_KEY: idempotency_key(task["metadata"]["uid"], attempt.step),
        c.ENV_RESULT_FILE: c.RESULT_FILE,
    }
    # The kubelet expands $(VAR) in values: doubled, so that a Task's context cannot read a template's secrets.
    return [{"name": name, "value": value.replace("$", "$$")} for name, value in values.items()]
