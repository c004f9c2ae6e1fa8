"""A Job's pods: how one is made, and what the Job controller asks of it. Pure; used by ``job_sync``."""

from __future__ import annotations

from random import Random

from tests.simulation.plan import Obj
from tests.simulation.workloads.pod_status import is_terminal

FINALIZER = "batch.kubernetes.io/job-tracking"
_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_LONGEST_BASE = 58


def made(job: Obj, random: Random) -> Obj:
    """A new pod of the Job."""
    meta, template = job["metadata"], job["spec"]["template"]
    name, uid = meta["name"], meta["uid"]
    base = f"{name}-"[:_LONGEST_BASE]
    labels = {
        **(template.get("metadata", {}).get("labels") or {}),
        "batch.kubernetes.io/controller-uid": uid,
        "batch.kubernetes.io/job-name": name,
        "controller-uid": uid,
        "job-name": name,
    }
    owner = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "name": name,
        "uid": uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": base + "".join(random.choices(_LETTERS, k=5)),
            "generateName": base,
            "namespace": meta["namespace"],
            "labels": labels,
            "annotations": dict(template.get("metadata", {}).get("annotations") or {}),
            "ownerReferences": [owner],
            "finalizers": [FINALIZER],
        },
        "spec": {"terminationGracePeriodSeconds": 30, **template["spec"]},
        "status": {"phase": "Pending", "qosClass": "BestEffort"},
    }


def job_of(pod: Obj) -> str | None:
    """The UID of the Job that controls the pod."""
    for owner in pod["metadata"].get("ownerReferences") or ():
        if owner.get("controller") and owner["kind"] == "Job":
            return str(owner["uid"])
    return None


def is_tracked(pod: Obj) -> bool:
    """Whether its Job has still to count it."""
    return FINALIZER in (pod["metadata"].get("finalizers") or ())


def untracked(pod: Obj) -> Obj:
    """The patch after which its Job has not to count it any more."""
    finalizers: list[str] = [each for each in pod["metadata"]["finalizers"] if each != FINALIZER]
    return {"metadata": {"finalizers": finalizers or None}}


def is_active(pod: Obj) -> bool:
    """Whether it runs or will run, and nobody has deleted it."""
    return not is_terminal(pod) and not pod["metadata"].get("deletionTimestamp")


def is_terminating(pod: Obj) -> bool:
    """Whether it was deleted, and something of it may still run."""
    return not is_terminal(pod) and bool(pod["metadata"].get("deletionTimestamp"))
