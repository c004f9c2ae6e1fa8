"""The people around the Tasks: managers who decide, customers who cancel, and somebody who is asked in the end.

They do what the docs say that people do, through the API, and try again where nobody answers.
"""

from __future__ import annotations

import asyncio
import copy
import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import Any

from kubesaga.api import constants as c
from kubesaga.kube.client import actions_path, tasks_path
from tests.chaos.cluster import Cluster
from tests.chaos.examples import LABEL, Example
from tests.chaos.watch import Sight

Obj = dict[str, Any]

REVIEWS = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
CANCEL: Obj = {"spec": {"desiredState": "Cancelled", "cancellation": {"mode": "Terminate", "compensate": True}}}
LOOK = 1.0
"""Seconds between two looks at the Tasks."""
STUCK = "CompensationFailed"


class People:
    """Everybody. `did` counts what they have done."""

    def __init__(self, cluster: Cluster, tasks: Sight, examples: Mapping[str, Example], name: str) -> None:
        self.did = Counter[str]()
        self.cancelled: set[str] = set()
        self._cluster = cluster
        self._tasks = tasks
        self._examples = examples
        self._name = name
        self._answered: set[str] = set()

    @classmethod
    async def gathered(cls, cluster: Cluster, tasks: Sight, examples: Mapping[str, Example]) -> People:
        """People under the name that the API server knows the caller by, for it asks actions to bear it."""
        review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
        answer = await cluster.patiently(lambda: cluster.kube.create(REVIEWS, review))
        return cls(cluster, tasks, examples, answer["status"]["userInfo"]["username"])

    async def decide(self) -> None:
        """Answer whatever is to be approved, for ever."""
        while True:
            for name, task in list(self._tasks.now.items()):
                if name not in self._answered and _to_be_approved(task):
                    await self._answer(task)
                    self._answered.add(name)
            await asyncio.sleep(LOOK)

    async def cancel(self, name: str, after: float) -> None:
        """A customer who changes their mind after that many seconds."""
        await asyncio.sleep(after)
        path = tasks_path(self._cluster.namespace, name)
        await self._cluster.patiently(lambda: self._cluster.kube.merge_patch(path, CANCEL))
        self.cancelled.add(name)
        self.did["cancelled"] += 1

    def can_help(self) -> bool:
        """Whether a compensation is stuck that can be tried again."""
        return any(stuck_steps(task) for task in self._tasks.now.values())

    async def help(self) -> None:
        """Have every compensation that is stuck tried again, as the docs advise; once for each time that it failed."""
        stuck = [(task, step) for task in self._tasks.now.values() for step in stuck_steps(task)]
        for task, step in stuck:
            place = f"{task['metadata']['uid']}/{step['name']}/{step['compensation']['attempt']}"
            if place not in self._answered:
                spec = {"taskRef": {"name": _name(task)}, "type": "RetryCompensation", "step": step["name"]}
                name = f"again-{hashlib.sha256(place.encode()).hexdigest()[:20]}"
                await self._act(name, {**spec, "reason": "the outage is over"})
                self._answered.add(place)

    async def _answer(self, task: Obj) -> None:
        example = self._examples[task["metadata"]["labels"][LABEL]]
        assert example.action is not None, f"{example.name} waits for an approval, and no action of its example does it"
        spec = copy.deepcopy(example.action["spec"])
        await self._act(f"decides-{_name(task)}", {**spec, "taskRef": {"name": _name(task)}})

    async def _act(self, name: str, spec: Obj) -> None:
        action = {
            "apiVersion": c.API_VERSION,
            "kind": c.ACTION_KIND,
            "metadata": {"name": name},
            "spec": {**spec, "requestedBy": self._name},
        }
        await self._cluster.create(actions_path(self._cluster.namespace), action)
        self.did[spec["type"]] += 1


def attention(task: Obj) -> str | None:
    """Why the Task waits for a human; None if it does not."""
    for condition in task.get("status", {}).get("conditions") or ():
        if condition["type"] == c.NEEDS_ATTENTION and condition["status"] == "True":
            return str(condition["reason"])
    return None


def stuck_steps(task: Obj) -> list[Obj]:
    """The steps whose compensation has failed for good, so that a human has to say how it goes on."""
    if attention(task) != STUCK:
        return []
    return [step for step in task["status"]["steps"] if (step.get("compensation") or {}).get("state") == "Error"]


def _to_be_approved(task: Obj) -> bool:
    steps = task.get("status", {}).get("steps") or ()
    return any(step["name"] == "manager_approval" and step["state"] == "InProgress" for step in steps)


def _name(task: Obj) -> str:
    return str(task["metadata"]["name"])
