"""What runs for an identity, found although the Task and its claim are gone.

Every Job with its pods, and every child Task, carries a label for each identity that it works for: its own Task's, and
those of the Tasks above. Deleting a Task takes its claim at once, while its pods still have their grace; ``claims``
asks here before the next Task of that identity starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubesaga.api.constants import IDENTITY_LABELS
from kubesaga.engine.states import TERMINAL_TASK_STATES
from kubesaga.kube.client import Kube, jobs_path, pods_path, tasks_path
from kubesaga.runtime.observe import is_over
from kubesaga.runtime.pod_facts import may_run
from kubesaga.runtime.projection import parent_uid


def identity_labels(task: Mapping[str, Any], claim: str | None) -> dict[str, str]:
    """For what is made for a Task that holds this claim (None: its template knows no duplicates)."""
    above = (task["metadata"].get("labels") or {}) if parent_uid(task) is not None else {}
    inherited = {key: value for key, value in above.items() if key.startswith(IDENTITY_LABELS)}
    return {**inherited, **({_label(claim): "true"} if claim else {})}


async def still_works(kube: Kube, namespace: str, claim: str) -> str | None:
    """What may still do something for the identity, for humans to read; None if nothing does. Raises KubeError.

    A child Task makes Jobs, and a Job pods: asked in this order, what is made meanwhile is not missed.
    """
    mine = f"{_label(claim)}=true"
    children, _ = await kube.list(tasks_path(namespace), label_selector=mine)
    for child in children:
        if (child.get("status") or {}).get("state") not in TERMINAL_TASK_STATES:
            return f"Task {child['metadata']['name']}"
    jobs, _ = await kube.list(jobs_path(namespace), label_selector=mine)
    for job in jobs:
        if not is_over(job):
            return f"Job {job['metadata']['name']}"
    pods, _ = await kube.list(pods_path(namespace), label_selector=mine)
    return next((f"Pod {pod['metadata']['name']}" for pod in pods if may_run(pod)), None)


def _label(claim: str) -> str:
    return IDENTITY_LABELS + claim
