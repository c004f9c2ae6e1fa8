"""What the guards keep of each Task: its story, its Jobs, and what was said and recorded of it."""

from __future__ import annotations

from kubesaga.api import constants as c
from tests.guarantees.attempts import (
    FORWARD,
    NOTHING,
    Attempt,
    Obj,
    attempt_of,
    is_true,
    labels_of,
    records_of,
    state_of_record,
    status_of,
)
from tests.guarantees.changes import TaskChange
from tests.guarantees.idle import Sayings
from tests.guarantees.jobs import Jobs
from tests.guarantees.story import Story, is_fence
from tests.guarantees.workflow import Workflow
from tests.simulation.server.api_server import ApiServer


class Dossier:
    """One Task, from its creation on; ``children`` are the UIDs of its child Tasks, fences included;
    ``came_late`` those of what was created for it when it was gone."""

    def __init__(self, task: Obj) -> None:
        self.story = Story(task)
        self.jobs = Jobs()
        self.sayings = Sayings()
        self.children: list[str] = []
        self.is_gone = False
        self.came_late: set[str] = set()

    def note(self, change: TaskChange) -> None:
        """Remember what a write records of stops and of people's words."""
        for moved in change.moved:
            record = moved.after
            attempt = Attempt(moved.step, moved.role, record.get("attempt", 0))
            if record.get("stop"):
                self.jobs.stopped.add(attempt)
            if record.get("confirmedStopped"):
                self.story.out_of_sight.add(attempt)
            if moved.role == FORWARD and "CompleteManually" in moved.events:
                self.story.by_hand.add((moved.step, moved.role))
            elif moved.begins:
                self.story.by_hand.discard((moved.step, moved.role))

    def allow_another_child(self, child: Obj) -> None:
        """The same for a child Task that was deleted by hand."""
        step = labels_of(child).get(c.LABEL_PARENT_STEP, "")
        if (
            state_of_record(self.story.record(step, FORWARD)) == "Enqueued"
            and child["metadata"]["uid"] in self.children
        ):
            self.children.remove(child["metadata"]["uid"])

    def allow_another_job(self, attempt: Attempt) -> None:
        """Its Job was deleted by hand: it runs again if its start was not recorded (semantics 6.8)."""
        record = self.story.record(attempt.step, attempt.role)
        if record.get("attempt", 0) == attempt.number and state_of_record(record) == "Enqueued":
            self.story.run_again.add(attempt)

    def has_begun(self) -> bool:
        """Whether work has begun in the run under way; one that was taken up again hears first whether it still may."""
        run = status_of(self.task).get("run", 1)
        finals = {step for step, _, record in records_of(self.task) if record.get("final")}
        work = [job for job in self.jobs.by_uid.values() if job.attempt.role == FORWARD and not is_fence(job.last)]
        of_run = [job for job in work if int(labels_of(job.last).get(c.LABEL_RUN, run)) == run]
        return run < 2 or any(job.attempt.step not in finals for job in of_run)

    @property
    def task(self) -> Obj:
        """The Task as it is now, or was at last."""
        return self.story.task


class Workflows:
    """The templates that Tasks have pinned, read once."""

    def __init__(self, server: ApiServer) -> None:
        self._server = server
        self._known: dict[tuple[str, str], Workflow] = {}

    def of(self, task: Obj) -> Workflow | None:
        """The workflow of a Task; None before it has pinned one."""
        revision = (status_of(task).get("template") or {}).get("revision")
        if revision is None:
            return None
        key = (task["metadata"]["namespace"], revision)
        if key not in self._known:
            found = self._server.peek("controllerrevisions", *key)
            if found is None:
                return None
            self._known[key] = Workflow(found["data"])
        return self._known[key]


def is_replaced_after_success(pod: Obj) -> bool:
    """Whether a pod was evicted, and failed by its timeout, in the second after its program had succeeded.

    Its Job makes another in its place (semantics 6.8). Evicted alone, it succeeds; failed alone, its Job fails.
    """
    states = [
        each["state"] for each in status_of(pod).get("containerStatuses") or () if each["name"] == c.MAIN_CONTAINER
    ]
    ended_well = any((state.get("terminated") or NOTHING).get("exitCode") == 0 for state in states)
    return ended_well and status_of(pod).get("phase") == "Failed" and is_true(pod, "DisruptionTarget")


def may_stay(dossier: Dossier | None, resource: str, obj: Obj) -> bool:
    """Whether there is a reason why an object outlives its Task.

    It waits for a pod on a node that nobody hears from; it was made by a request that arrived when its Task was gone
    (semantics 6.8); or somebody deleted a pod's Job and kept the pod, so that nothing will ever delete it.
    """
    attempt = attempt_of(obj)
    if dossier is None or attempt is None:
        return dossier is not None and obj["metadata"]["uid"] in dossier.came_late
    # A pod whose deletion only its kubelet can end waits for that, whether or not its node is known to be lost.
    waits = bool(obj["metadata"].get("deletionTimestamp")) and (
        resource == "pods" or attempt in dossier.story.node_lost
    )
    orphaned = resource == "pods" and not obj["metadata"].get("ownerReferences")
    return waits or orphaned or obj["metadata"]["uid"] in dossier.came_late
