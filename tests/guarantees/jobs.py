"""Jobs and child Tasks as they are created, stopped and deleted: what is on record by then, and who must be still."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kubesaga.api import constants as c
from kubesaga.engine.vocabulary import EndingTrigger, StepKind
from tests.guarantees.attempts import (
    COMPENSATION,
    DONE,
    ENDED,
    FORWARD,
    NOTHING,
    Attempt,
    Obj,
    attempt_of,
    condition,
    has_ended,
    is_true,
    labels_of,
    name_of_task,
    records_of,
    state_of,
    state_of_record,
    status_of,
)
from tests.guarantees.breach import Breach
from tests.guarantees.identifiers import Guarantee
from tests.guarantees.story import Story, is_fence


@dataclass(eq=False, slots=True)
class KnownJob:
    """A Job as it was last seen."""

    attempt: Attempt
    last: Obj
    deleted: bool = False

    @property
    def name(self) -> str:
        """metadata.name."""
        return str(self.last["metadata"]["name"])

    @property
    def is_over(self) -> bool:
        """Whether no pod of it runs or will run."""
        return is_true(self.last, "Complete") or is_true(self.last, "Failed")

    @property
    def has_failed(self) -> bool:
        """Whether it is over, or will be without another pod."""
        return self.is_over or is_true(self.last, "FailureTarget")

    @property
    def is_held(self) -> bool:
        """Whether it was stopped while a quota system suspended it, so that no pod is there or will be."""
        spec, status = self.last["spec"], self.last.get("status") or NOTHING
        return bool(spec.get("suspend") and spec.get("parallelism") == 0 and not status.get("active"))


class Jobs:
    """All Jobs that one Task ever had; ``stopped``: the attempts whose stop was ever recorded."""

    def __init__(self) -> None:
        self.by_attempt: dict[Attempt, list[KnownJob]] = defaultdict(list)
        self.by_uid: dict[str, KnownJob] = {}
        self.stopped: set[Attempt] = set()

    def see(self, job: Obj, *, deleted: bool = False) -> None:
        """Note the newest version of a Job."""
        known = self.by_uid.get(job["metadata"]["uid"])
        if known is None:
            attempt = attempt_of(job)
            assert attempt is not None
            known = self.by_uid[job["metadata"]["uid"]] = KnownJob(attempt, job)
            self.by_attempt[attempt].append(known)
        known.last, known.deleted = job, deleted

    def restless(self, story: Story, attempt: Attempt, *, strict: bool) -> str | None:
        """Why something of an attempt may still run or begin to; None if it is settled.

        ``strict``: its Job must be over; else it is enough that it will have no other pod.
        """
        known = self.by_attempt.get(attempt) or []
        if attempt in story.out_of_sight or any(is_fence(job.last) for job in known):
            return None
        record = story.record(attempt.step, attempt.role)
        if not known:
            taken = (record.get("error") or NOTHING).get("type") == "NameTaken"
            return None if taken else "has neither a Job nor a fence"
        job = known[-1]
        if job.deleted:
            done = state_of_record(record) in DONE and record.get("attempt") == attempt.number
            return None if job.has_failed or done else f"had Job {job.name}, which is gone, and has no fence"
        if job.is_held or (job.is_over if strict else job.has_failed):
            return None
        return f"has Job {job.name}, which is not over"

    def restless_forward(self, story: Story) -> Iterator[tuple[Attempt, str]]:
        """The forward attempts of which something may still run or begin to, and why."""
        latest = {
            Attempt(step, FORWARD, record["attempt"])
            for step, role, record in records_of(story.task)
            if role == FORWARD and record.get("attempt") and not record.get("final") and _is_program(story, step)
        }
        open_ = {job.attempt for job in self.by_uid.values() if job.attempt.role == FORWARD and not job.deleted}
        finals = {step for step, _, record in records_of(story.task) if record.get("final")}
        for attempt in sorted(latest | open_):
            why = None if attempt.step in finals else self.restless(story, attempt, strict=True)
            if why:
                yield attempt, why

    def restless_at_all(self, story: Story) -> Iterator[tuple[Attempt, str]]:
        """The attempts whose Job is not over, whatever their role."""
        for job in self.by_uid.values():
            why = None if job.deleted or is_fence(job.last) else self.restless(story, job.attempt, strict=True)
            if why:
                yield job.attempt, why


def _is_program(story: Story, step: str) -> bool:
    return story.workflow is None or story.workflow.steps[step].kind is StepKind.PROGRAM


def check_created(story: Story, jobs: Jobs, job: Obj) -> Iterator[Breach]:
    """What must hold as a Job is created, before it is noted."""
    attempt = attempt_of(job)
    if attempt is None:
        return
    where = f"{story.name}, {attempt} (Job {job['metadata']['name']})"
    record = story.record(attempt.step, attempt.role)
    if record.get("attempt", 0) < attempt.number:
        yield Breach(
            Guarantee.INTENT_BEFORE_EFFECT, where, f"created while attempt {record.get('attempt', 0)} is recorded"
        )
    elif record["attempt"] == attempt.number and record.get("jobName") != job["metadata"]["name"]:
        yield Breach(
            Guarantee.INTENT_BEFORE_EFFECT, where, f"created under another name than recorded: {record.get('jobName')}"
        )
    if is_fence(job):
        return
    before = [known.name for known in jobs.by_attempt.get(attempt) or () if not is_fence(known.last)]
    if before and attempt not in story.run_again:
        yield Breach(Guarantee.ONE_JOB_PER_ATTEMPT, where, f"created after {', '.join(before)}")
    for number in range(1, attempt.number):
        why = jobs.restless(story, attempt._replace(number=number), strict=False)
        if why:
            yield Breach(Guarantee.ONE_LIVE_ATTEMPT, where, f"created while attempt {number} {why}")
    if attempt.role == COMPENSATION:
        yield from check_stillness(story, jobs, where)
    elif attempt not in story.run_again:
        yield from _check_not_ending(story, where, record)


def check_stillness(story: Story, jobs: Jobs, where: str) -> Iterator[Breach]:
    """no-undoing-beside-work: every forward attempt is over, and what has no Job is fenced."""
    for attempt, why in jobs.restless_forward(story):
        yield Breach(Guarantee.NO_UNDOING_BESIDE_WORK, where, f"undoing begins while {attempt} {why}")


def _check_not_ending(story: Story, where: str, record: Obj) -> Iterator[Breach]:
    ending = status_of(story.task).get("ending") or NOTHING
    if has_ended(story.task):
        yield Breach(
            Guarantee.NOTHING_RUNS_AFTER_THE_END, where, f"created although the Task is {state_of(story.task)}"
        )
    elif ending.get("phase") not in (None, "Quiescing") and not record.get("final"):
        yield Breach(Guarantee.NO_NEW_WORK_ONCE_ENDING, where, f"created in phase {ending['phase']} of the Task's end")


def check_end(story: Story, jobs: Jobs) -> Iterator[Breach]:
    """nothing-runs-after-the-end, as a Task ends: only one that succeeded need not wait for its pods' last second."""
    status = status_of(story.task)
    if (status.get("ending") or NOTHING).get("trigger") == "Succeeded":
        return
    for attempt, why in jobs.restless_at_all(story):
        said = f"the Task is {state_of(story.task)} while it {why}"
        yield Breach(Guarantee.NOTHING_RUNS_AFTER_THE_END, f"{story.name}, {attempt}", said)


def check_stopped(story: Story, jobs: Jobs, before: Obj, after: Obj) -> Iterator[Breach]:
    """intent-before-effect, as an operator changes a Job."""
    attempt = attempt_of(after)
    was, now = before["spec"].get("parallelism"), after["spec"].get("parallelism")
    if attempt is None or was == now or now != 0 or attempt in jobs.stopped:
        return
    where = f"{story.name}, {attempt} (Job {after['metadata']['name']})"
    record = story.record(attempt.step, attempt.role)
    said = f"stopped without a stop on record: {state_of_record(record)}, attempt {record.get('attempt', 0)}"
    yield Breach(Guarantee.INTENT_BEFORE_EFFECT, where, said)


def check_deleted(task: Obj | None, job: Obj) -> Iterator[Breach]:
    """jobs-stay-until-the-end, as an operator deletes a Job. ``task``: as it is now; None if it is gone."""
    if task is None or state_of(task) in ENDED or _is_of_an_end(task, job):
        return
    reason = condition(task, c.NEEDS_ATTENTION).get("reason")
    if task["metadata"].get("deletionTimestamp") and (reason == "NamespaceTerminating" or state_of(task) == "Pending"):
        return
    where = f"{name_of_task(task)}, {attempt_of(job)} (Job {job['metadata']['name']})"
    yield Breach(
        Guarantee.JOBS_STAY_UNTIL_THE_END, where, f"deleted by the operator while the Task is {state_of(task)}"
    )


def _is_of_an_end(task: Obj, job: Obj) -> bool:
    """Whether the Task had come to an end after this Job: a request of then may arrive when it goes on."""
    labels, status = labels_of(job), status_of(task)
    if int(labels.get(c.LABEL_RUN, status.get("run", 1))) < status.get("run", 1):
        return True
    requested = (status.get("compensation") or NOTHING).get("trigger") == EndingTrigger.REQUESTED
    return requested and labels[c.LABEL_ROLE] == FORWARD


def check_child_created(story: Story, child: Obj, known: Iterable[Obj]) -> Iterator[Breach]:
    """intent-before-effect and one-job-per-attempt, for a child Task; ``known``: the real ones before it."""
    step = labels_of(child)[c.LABEL_PARENT_STEP]
    where = f"{story.name}, step {step} (child {child['metadata']['name']})"
    record = story.record(step, FORWARD)
    if record.get("childName") != child["metadata"]["name"] or not record.get("attempt"):
        said = f"created while {record.get('childName')} is recorded, attempt {record.get('attempt', 0)}"
        yield Breach(Guarantee.INTENT_BEFORE_EFFECT, where, said)
    before = [each["metadata"]["uid"] for each in known]
    if before and not is_fence(child):
        yield Breach(Guarantee.ONE_JOB_PER_ATTEMPT, where, f"created after children of the UIDs {before}")


def check_not_undone_above(parent: Obj, story: Story, job: Obj) -> Iterator[Breach]:
    """no-undoing-beside-work: no work of a sub-workflow begins once its parent's undoing has."""
    attempt, ending = attempt_of(job), status_of(parent).get("ending") or NOTHING
    undoing = ending.get("phase") == "Compensating" and ending["trigger"] != EndingTrigger.REQUESTED
    if attempt is None or not undoing or attempt.role == COMPENSATION or is_fence(job):
        return
    if not story.record(attempt.step, FORWARD).get("final"):
        said = f"created while its parent, {name_of_task(parent)}, is {state_of(parent)}"
        yield Breach(Guarantee.NO_UNDOING_BESIDE_WORK, f"{story.name}, {attempt}", said)


def check_children_still(story: Story, children: Iterable[Obj], where: str) -> Iterator[Breach]:
    """no-undoing-beside-work: no sub-workflow goes on with its forward work."""
    for child in children:
        if is_fence(child) or has_ended(child) or state_of(child) == "Compensating":
            continue
        step = labels_of(child)[c.LABEL_PARENT_STEP]
        if story.record(step, FORWARD).get("confirmedStopped"):
            continue
        said = f"undoing begins while {name_of_task(child)}, child of step {step}, is {state_of(child)}"
        yield Breach(Guarantee.NO_UNDOING_BESIDE_WORK, where, said)
