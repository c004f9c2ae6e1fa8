"""The guarantees, asked of a real cluster when everything is over: of what its objects still show.

``check`` takes what ``kubectl get -o json`` printed and says every breach that can be seen in it. What changed on the
way is seen as far as the Tasks' histories tell of it; what ran, as far as pods, or the books of whoever was asked to do
the work, remember.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from kubesaga.api import constants as c
from kubesaga.api.times import epoch
from tests.guarantees import ends, failures, history, jobs, rest, runs
from tests.guarantees.attempts import (
    FORWARD,
    NOTHING,
    Attempt,
    Obj,
    attempt_of,
    has_ended,
    labels_of,
    name_of_task,
    records_of,
    status_of,
    task_uid_of,
)
from tests.guarantees.breach import Breach
from tests.guarantees.changes import ANEW, TaskChange
from tests.guarantees.identifiers import Guarantee
from tests.guarantees.sizes import check_size
from tests.guarantees.story import Story, attempt_of_run, is_fence
from tests.guarantees.workflow import Workflow

_NEVER = "1970-01-01T00:00:00Z"
"""When a container that could not be started began."""


@dataclass(eq=False)
class Ran:
    """A program that ran, as a pod tells of it (``story.Run``). Times in seconds since the epoch."""

    task_uid: str
    step: str
    role: str
    attempt: int
    job: str
    pod: str
    key: str
    started: float
    ended: float | None
    code: int | None
    document: Any = None
    input: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Evidence:
    """What is left of a run: the items of ``kubectl get -o json``, by kind.

    ``runs``: the programs that ran, where somebody knows better than the pods that are left. ``lost_nodes``: nodes that
    were taken away, with their pods. ``now``: seconds since the epoch.
    """

    tasks: Sequence[Obj]
    jobs: Sequence[Obj]
    pods: Sequence[Obj]
    config_maps: Sequence[Obj]
    revisions: Sequence[Obj]
    actions: Sequence[Obj]
    now: float
    runs: Sequence[Ran] | None = None
    lost_nodes: frozenset[str] = frozenset()


def check(evidence: Evidence) -> list[Breach]:
    """Every breach that can still be seen; none if all guarantees held."""
    return list(_breaches(evidence))


def runs_of_pods(pods: Iterable[Obj]) -> list[Ran]:
    """The programs that pods tell of, in the order in which they began; Kubernetes writes times in whole seconds."""
    found = [run for pod in pods if (run := _run_of(pod)) is not None]
    return sorted(found, key=attrgetter("started"))


def _run_of(pod: Obj) -> Ran | None:
    attempt = attempt_of(pod)
    statuses = status_of(pod).get("containerStatuses") or ()
    state = next((each.get("state") or {} for each in statuses if each["name"] == c.MAIN_CONTAINER), {})
    what = state.get("terminated") or state.get("running")
    if attempt is None or not what or what.get("startedAt") in (None, _NEVER):
        return None
    ended = what.get("finishedAt")
    environment = {each["name"]: each.get("value") for each in _main(pod).get("env") or ()}
    return Ran(
        task_uid=task_uid_of(pod) or "",
        step=attempt.step,
        role=attempt.role,
        attempt=attempt.number,
        job=labels_of(pod).get("batch.kubernetes.io/job-name", ""),
        pod=pod["metadata"]["name"],
        key=environment.get(c.ENV_IDEMPOTENCY_KEY) or "",
        started=epoch(what["startedAt"]),
        ended=epoch(ended) if ended else None,
        code=what.get("exitCode"),
        document=what.get("message") or None,
        input=json.loads((environment.get(c.ENV_INPUT) or "{}").replace("$$", "$")),  # as the kubelet expands it
    )


def _main(pod: Obj) -> Obj:
    return next((each for each in pod["spec"]["containers"] if each["name"] == c.MAIN_CONTAINER), NOTHING)


def _breaches(evidence: Evidence) -> Iterator[Breach]:
    config_maps, tasks = _finder(evidence.config_maps), _finder(evidence.tasks)
    stories = {task["metadata"]["uid"]: _story(task, evidence) for task in evidence.tasks}
    known: dict[str, jobs.Jobs] = defaultdict(jobs.Jobs)
    for job in evidence.jobs:
        if attempt_of(job) is not None:
            known[task_uid_of(job) or ""].see(job)
    for uid, story in stories.items():
        namespace = story.task["metadata"]["namespace"]
        yield from rest.check_named(story, tasks(namespace), evidence.tasks, evidence.now)
        yield from history.check_whole(story.task, config_maps(namespace))
        yield from _check_status(story, config_maps(namespace))
        yield from _check_jobs(story, known[uid])
        yield from _check_runs(story, evidence, config_maps(namespace))
    yield from _check_actions(evidence)
    yield from _check_left(evidence, frozenset(stories))


def _finder(objects: Iterable[Obj]) -> Callable[[str], Callable[[str], Obj | None]]:
    by_name = {(obj["metadata"].get("namespace"), obj["metadata"]["name"]): obj for obj in objects}
    return lambda namespace: lambda name: by_name.get((namespace, name))


def _story(task: Obj, evidence: Evidence) -> Story:
    """What is known of a Task; people's words stand in its history and its list of actions."""
    story = Story(task)
    revision = (status_of(task).get("template") or {}).get("revision")
    content = _finder(evidence.revisions)(task["metadata"]["namespace"])(revision or "")
    if content is not None:
        story.workflow = Workflow(content["data"])
    find = _finder(evidence.config_maps)(task["metadata"]["namespace"])
    for entry in history.entries_of(task, find):
        place = (entry.get("step") or "", entry.get("role", FORWARD))
        if "CompleteManually" in entry["events"]:
            story.by_hand.add(place)
        elif "Enqueue" in entry["events"]:
            story.by_hand.discard(place)
        if not ANEW.isdisjoint(entry["events"]):
            story.anew.add(place)
    confirmed = {each.get("step") for each in status_of(task).get("actions") or () if each["type"] == "ConfirmStopped"}
    mine = [pod for pod in evidence.pods if task_uid_of(pod) == task["metadata"]["uid"]]
    for attempt, pod in ((attempt_of(pod), pod) for pod in mine):
        if attempt is not None and attempt.step in confirmed:
            story.out_of_sight.add(attempt)
        if attempt is not None and pod["spec"].get("nodeName") in evidence.lost_nodes:
            story.node_lost.add(attempt)
    story.doubled = set(doubled(mine))
    return story


def doubled(pods: Iterable[Obj]) -> list[Attempt]:
    """The attempts for whose Job Kubernetes made two pods at once, as its documentation says that it may.

    The Job controller asks for a pod, the API server dies before it answers, and the controller asks again. A pod that
    it replaces has ended (``podReplacementPolicy: Failed``), so that nothing else makes two pods of a Job overlap.
    """
    before: dict[tuple[str, str], Ran] = {}
    found = []
    for run in runs_of_pods(pods):
        other = before.setdefault((run.task_uid, run.job), run)
        if other is not run and _is_live(other, run):
            found.append(attempt_of_run(run))
        before[run.task_uid, run.job] = run
    return found


def _check_status(story: Story, find: Callable[[str], Obj | None]) -> Iterator[Breach]:
    """success-is-true and due-undoing-done-or-named, as if the whole history were one write."""
    everything = TaskChange.of(None, story.task, story.workflow, history.entries_of(story.task, find))
    yield from ends.check_due(everything)
    yield from ends.check_ended(everything)


def _check_jobs(story: Story, known: jobs.Jobs) -> Iterator[Breach]:
    """one-job-per-attempt and intent-before-effect, of the Jobs that are left, and nothing-runs-after-the-end."""
    for attempt, listed in known.by_attempt.items():
        real = [job.name for job in listed if not is_fence(job.last)]
        where = f"{story.name}, {attempt}"
        if len(real) > 1:
            yield Breach(Guarantee.ONE_JOB_PER_ATTEMPT, where, f"has more than one Job: {', '.join(real)}")
        recorded = story.record(attempt.step, attempt.role).get("attempt", 0)
        if recorded < attempt.number:
            yield Breach(Guarantee.INTENT_BEFORE_EFFECT, where, f"has a Job, and attempt {recorded} is recorded")
    if has_ended(story.task):
        yield from jobs.check_end(story, known)


def _check_runs(story: Story, evidence: Evidence, config_map: Callable[[str], Obj | None]) -> Iterator[Breach]:
    """What one program did beside or before another, in the order in which they began."""
    everything = runs_of_pods(evidence.pods) if evidence.runs is None else evidence.runs
    mine = [run for run in everything if run.task_uid == story.task["metadata"]["uid"]]
    knows_all = evidence.runs is not None or _are_complete(story, mine)
    keys = runs.Keys()
    for run in mine:
        story.live = [other for other in story.runs if _is_live(other, run)]
        yield from runs.check_beside(story, run)
        if knows_all:
            yield from runs.check_turn(story, run)
        yield from keys.check(story, run)
        story.runs.append(run)
    story.live = [run for run in mine if run.ended is None]
    yield from failures.check_made_again(story)
    if knows_all:
        yield from runs.check_over(story, config_map)


def _is_live(other: Any, run: Ran) -> bool:
    """Whether one surely still ran when the other began: both times are cut to whole seconds."""
    return other.ended is None or other.ended > run.started


def _are_complete(story: Story, found: Iterable[Ran]) -> bool:
    """Whether a pod of each latest attempt is left, so that what is not there has not been."""
    seen = {(run.step, run.role, run.attempt) for run in found}
    recorded = ((step, role, record) for step, role, record in records_of(story.task) if record.get("jobName"))
    return all((step, role, record["attempt"]) in seen for step, role, record in recorded)


def _check_actions(evidence: Evidence) -> Iterator[Breach]:
    """actions-applied-once: what is answered is what is on record, as far as the record reaches back."""
    recorded = Counter(action["uid"] for task in evidence.tasks for action in status_of(task).get("actions") or ())
    for action in evidence.actions:
        where, times = f"TaskAction {action['metadata']['name']}", recorded[action["metadata"]["uid"]]
        phase = status_of(action).get("phase")
        if times > 1 or (phase == "Rejected" and times):
            yield Breach(Guarantee.ACTIONS_APPLIED_ONCE, where, f"says {phase}, and is on record {times} times")


def _check_left(evidence: Evidence, tasks: frozenset[str]) -> Iterator[Breach]:
    """dependents-go-with-their-task, and objects-within-budget."""
    kinds = (
        ("tasks", evidence.tasks),
        ("jobs", evidence.jobs),
        ("pods", evidence.pods),
        ("configmaps", evidence.config_maps),
        ("controllerrevisions", evidence.revisions),
    )
    for kind, objects in kinds:
        for obj in objects:
            yield from check_size(kind, obj)
            uid = task_uid_of(obj) or labels_of(obj).get(c.LABEL_PARENT_UID)
            if uid and uid not in tasks:
                said = f"{kind} {obj['metadata']['name']} belongs to a Task that is gone: {uid}"
                where = name_of_task(obj) if kind == "tasks" else kind
                yield Breach(Guarantee.DEPENDENTS_GO_WITH_THEIR_TASK, where, said)
