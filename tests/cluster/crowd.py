"""Fifty Tasks in flight: some succeed, some need a second attempt, some fork and join, some fail and are undone.

Between them they always have something for an operator to do. What is on record afterwards (each Task's status, and the
Jobs and pods, none of which is deleted meanwhile) tells whether anything was lost or done twice.
"""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count

from kubesaga.api.constants import LABEL_ATTEMPT, LABEL_ROLE, LABEL_STEP, LABEL_TASK_UID
from kubesaga.api.times import epoch
from kubesaga.engine.vocabulary import Role
from tests.cluster import tasks
from tests.cluster.kubectl import Kubectl, Manifest
from tests.cluster.tasks import TASK, sh, sleep
from tests.guarantees.afterwards import Evidence, check

SUCCEEDS, STUMBLES, FORKS, FAILS = "succeeds", "stumbles", "forks", "fails"
MIX = (SUCCEEDS, FAILS, STUMBLES, SUCCEEDS, FAILS, SUCCEEDS, FORKS)
LONG = 600
"""Seconds until waiting for all of them gives up: for a machine that is busy with other things as well."""

UNDO: Manifest = {"container": {"command": ["true"]}}

Run = tuple[str, str, int]
"""Step, role and number of an attempt; or, of a program that has run, its exit code in the place of the number."""

FORWARD, COMPENSATION = str(Role.FORWARD), str(Role.COMPENSATION)
ENDS = {
    SUCCEEDS: ("Complete", "Succeeded"),
    STUMBLES: ("Complete", "Succeeded"),
    FORKS: ("Complete", "Succeeded"),
    FAILS: ("Error", "Compensated"),
}
STUMBLED, FAILED = 1, 65
DONE: Mapping[str, tuple[Run, ...]] = {
    SUCCEEDS: (("first", FORWARD, 0), ("second", FORWARD, 0)),
    STUMBLES: (("first", FORWARD, 0), ("second", FORWARD, 0)),
    FORKS: tuple((step, FORWARD, 0) for step in ("first", "left", "right", "last")),
    FAILS: (
        ("first", FORWARD, 0),
        ("second", FORWARD, FAILED),
        ("second", COMPENSATION, 0),
        ("first", COMPENSATION, 0),
    ),
}
"""What every workflow does, by exit codes, beside stumbling."""

AGAIN: Manifest = {"maxAttempts": 4, "backoff": "None"}
"""More attempts than any step needs: a node that is overloaded may fail to start a container."""


def templates() -> list[Manifest]:
    """The workflows."""
    defaults = {"retry": AGAIN}
    stumble = f"{sleep(1)}; [ $KUBESAGA_ATTEMPT -ge 2 ] || exit {STUMBLED}"
    return [
        tasks.template(SUCCEEDS, sh("first", sleep(2)), sh("second", sleep(2), dependsOn=["first"]), defaults=defaults),
        tasks.template(STUMBLES, sh("first", stumble), sh("second", sleep(2), dependsOn=["first"]), defaults=defaults),
        tasks.template(
            FORKS,
            sh("first", sleep(1)),
            sh("left", sleep(1), dependsOn=["first"]),
            sh("right", sleep(3), dependsOn=["first"]),
            sh("last", sleep(1), dependsOn=["left", "right"]),
            defaults=defaults,
        ),
        tasks.template(
            FAILS,
            sh("first", sleep(1), compensation=UNDO),
            sh("second", f"{sleep(1)}; exit {FAILED}", dependsOn=["first"], compensation=UNDO),
            failureStrategy="Compensate",
            defaults=defaults,
        ),
    ]


@dataclass
class Crowd:
    """The Tasks of a namespace, of which ``size`` are kept in flight."""

    kubectl: Kubectl
    size: int = 50
    _numbers: count[int] = field(default_factory=count)

    def gather(self) -> None:
        """Have the workflows there, and begin the Tasks."""
        self.kubectl.create(*templates())
        self.top_up()

    def top_up(self) -> None:
        """Begin as many new Tasks as have ended."""
        self.add(self.size - sum(not tasks.ended(found) for found in self.kubectl.get_all(TASK)))

    def add(self, number: int) -> None:
        """Begin more Tasks."""
        if number > 0:
            self.kubectl.create(*(_task(next(self._numbers)) for _ in range(number)))

    def unlaunched(self) -> set[str]:
        """The Jobs of attempts that are on record, and that are not there (yet)."""
        found = self.kubectl.get_all(f"{TASK},jobs.batch")  # by one command: a leader may be frozen meanwhile
        begun = [each for each in found if each["kind"] == "Task" and "steps" in each.get("status", {})]
        recorded = {name for task in begun for name in tasks.expected_job_names(task)}
        return recorded - {tasks.name_of(each) for each in found if each["kind"] == "Job"}

    def first_move(self, since: float) -> float | None:
        """When a Task was first moved from then on, as the histories say; times in seconds since the epoch."""
        histories = [found.get("status", {}).get("transitions", ()) for found in self.kubectl.get_all(TASK)]
        moves = [epoch(each["at"]) for history in histories for each in history]
        return min((at for at in moves if at >= since), default=None)

    def finish(self) -> Record:
        """See every Task to its end, and read what is on record about them all."""
        ended = list(tasks.all_finished(self.kubectl, LONG).values())
        jobs, pods = (self.kubectl.get_all(kind, LABEL_TASK_UID) for kind in ("jobs", "pods"))
        config_maps, revisions = (self.kubectl.get_all(kind) for kind in ("configmaps", "controllerrevisions"))
        breaches = check(Evidence(ended, jobs, pods, config_maps, revisions, actions=(), now=time.time()))
        return Record(ended, _by_task(jobs), _by_task(pods), [str(breach) for breach in breaches])


@dataclass(frozen=True)
class Record:
    """The Tasks at their end, all Jobs and pods that they have had, by the Task's UID, and breaches of guarantees."""

    tasks: list[Manifest]
    jobs: Mapping[str, list[Manifest]]
    pods: Mapping[str, list[Manifest]]
    breaches: list[str]

    def assert_each_ended_and_did_what_its_workflow_says(self) -> None:
        """Each has its end, and what was to be done and undone was, once."""
        for found in self.tasks:
            kind, pods = _kind(found), self.pods[found["metadata"]["uid"]]
            done = Counter(run for pod in pods if (run := _done(pod)) is not None)
            wrong = f"{tasks.name_of(found)} {tasks.end_of(found)} did {dict(done)}:\n"
            as_said = tasks.end_of(found) == ENDS[kind] and done == Counter(DONE[kind])
            assert as_said, wrong + "\n".join(map(_told_by, pods)) + "\n" + _about(found)

    def assert_each_attempt_has_one_job_and_one_pod(self) -> None:
        """None without, none beside those on record, and no container that was started twice."""
        for found in self.tasks:
            uid, recorded = found["metadata"]["uid"], Counter(_recorded(found))
            assert Counter(map(_run, self.jobs[uid])) == recorded, _about(found)
            assert Counter(map(_run, self.pods[uid])) == recorded, _about(found)
            assert not any(_container(pod)["restartCount"] for pod in self.pods[uid]), _about(found)


def _task(number: int) -> Manifest:
    kind = MIX[number % len(MIX)]
    return tasks.task(f"{kind}-{number}", of=kind)


def _kind(found: Manifest) -> str:
    return str(found["spec"]["templateRef"]["name"])


def _recorded(found: Manifest) -> set[Run]:
    """The attempts on record."""
    runs = set()
    for step in found["status"]["steps"]:
        for role, record in ((FORWARD, step), (COMPENSATION, step.get("compensation", {}))):
            runs |= {(step["name"], role, number) for number in range(1, record.get("attempt", 0) + 1)}
    return runs


def _by_task(found: list[Manifest]) -> Mapping[str, list[Manifest]]:
    grouped = defaultdict(list)
    for each in found:
        grouped[each["metadata"]["labels"][LABEL_TASK_UID]].append(each)
    return grouped


def _run(job_or_pod: Manifest) -> Run:
    labels = job_or_pod["metadata"]["labels"]
    return labels[LABEL_STEP], labels[LABEL_ROLE], int(labels[LABEL_ATTEMPT])


def _done(pod: Manifest) -> Run | None:
    """What the pod's program did; None where it stumbled, or could not be started."""
    ending = _container(pod)["state"]["terminated"]
    if ending["reason"] == "StartError" or ending["exitCode"] == STUMBLED:
        return None
    step, role, _ = _run(pod)
    return step, role, ending["exitCode"]


def _told_by(pod: Manifest) -> str:
    """What a pod says of its end, on a line."""
    meta, status = pod["metadata"], pod["status"]
    said = {"conditions": status.get("conditions"), "state": _container(pod)["state"], "reason": status.get("reason")}
    return f"{meta['name']}, attempt {_run(pod)}, created {meta['creationTimestamp']}: {json.dumps(said)}"


def _container(pod: Manifest) -> Manifest:
    (container,) = pod["status"]["containerStatuses"]
    return dict(container)


def _about(found: Manifest) -> str:
    """Its history first, since a long message is cut."""
    status = found["status"]
    history = "\n".join(json.dumps(entry) for entry in status["transitions"])
    return f"{tasks.name_of(found)}:\n{history}\n{json.dumps(status, indent=1)}"
