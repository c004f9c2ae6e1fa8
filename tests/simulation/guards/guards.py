"""The guards of a simulated run: every guarantee, asked after every step.

They see each committed change and each start and end of a program, and raise the first breach as a Violation. The
checks themselves are in ``tests.guarantees``; here is when they are asked, and what people did that they allow for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from kubesaga.api import constants as c
from tests.guarantees import changes, ends, failures, history, jobs, rest, runs
from tests.guarantees.attempts import Attempt, Obj, attempt_of, has_ended, labels_of, status_of, task_uid_of
from tests.guarantees.breach import Breach, Violation
from tests.guarantees.changes import TaskChange
from tests.guarantees.identifiers import Guarantee
from tests.guarantees.runs import Keys
from tests.guarantees.sizes import check_size
from tests.guarantees.story import is_fence
from tests.simulation.guards.dossiers import Dossier, Workflows, is_replaced_after_success, may_stay
from tests.simulation.plan import HumanAct
from tests.simulation.server.api_server import ApiServer, Change
from tests.simulation.workloads.handlers import Execution
from tests.simulation.workloads.workloads import Workloads
from tests.simulation.world import EPOCH

__all__ = ["Guards", "Violation"]

_CHECKS: tuple[Callable[[TaskChange], Iterator[Breach]], ...] = (
    history.check_moves,
    changes.check_attempts,
    changes.check_done_work,
    changes.check_actions,
    ends.check_final,
    ends.check_decided,
    ends.check_no_new_work,
    ends.check_order,
    ends.check_due,
    ends.check_ended,
)
_OPERATOR = "operator"
_HUMAN = "human"
_LOST_NODE = "DeletionByTaintManager"
_QUIET = frozenset({"events", "leases", "namespaces"})


class Guards:
    """``clock``: virtual seconds since the beginning, by which violations are told."""

    def __init__(self, server: ApiServer, workloads: Workloads, clock: Callable[[], float]) -> None:
        self.clock_error = 0.0
        """Seconds by which machines' clocks may be wrong."""
        self._server = server
        self._clock = clock
        self._dossiers: dict[str, Dossier] = {}
        self._workflows = Workflows(server)
        self._keys = Keys()
        self._recorded: dict[str, str] = {}
        self._unwanted: dict[str, str] = {}
        self._news = 0
        self._see = {
            "tasks": self._see_task,
            "jobs": self._see_job,
            "pods": self._see_pod,
            "taskactions": self._see_action,
            "configmaps": self._see_config_map,
        }
        server.observers.append(self._changed)
        workloads.observers.append(self._ran)

    def human(self, mishap: HumanAct, obj: Obj | None) -> None:
        """A human is about to do this. What the exceptions need of it stands in the change that follows."""

    def waits_for_human(self, task: Obj) -> bool:
        """Whether a Task that has not ended names the human decision that it waits for."""
        dossier = self._dossiers[task["metadata"]["uid"]]
        return rest.waits_for_human(dossier.story, self._finder("tasks", task["metadata"]["namespace"]), self._now())

    def at_rest(self) -> None:
        """Everything has come to rest: what can only be said at the end."""
        tasks, now = self._server.all("tasks"), self._now()
        for task in tasks:
            dossier = self._dossiers[task["metadata"]["uid"]]
            namespace = task["metadata"]["namespace"]
            self._judge(rest.check_named(dossier.story, self._finder("tasks", namespace), tasks, now))
            self._judge(history.check_whole(task, self._finder("configmaps", namespace)))
            self._judge(runs.check_over(dossier.story, self._finder("configmaps", namespace)))
            if has_ended(task):
                self._judge(jobs.check_end(dossier.story, dossier.jobs))
        left = [(kind, obj) for kind in ("tasks", "jobs", "pods", "configmaps") for obj in self._server.all(kind)]
        held = [(kind, obj) for kind, obj in left if not may_stay(self._dossiers.get(_made_for(obj) or ""), kind, obj)]
        for uid, dossier in self._dossiers.items():
            if dossier.is_gone:
                self._judge(rest.check_gone(uid, dossier.task, held))

    # --- what they see ---------------------------------------------------------------------------------------

    def _changed(self, change: Change) -> None:
        if change.resource in _QUIET:
            return
        see = self._see.get(change.resource)
        if see is not None:
            see(change)
        if change.user.startswith(_OPERATOR) and change.type != "DELETED":
            self._judge(check_size(change.resource, change.after))
        if not (change.resource == "tasks" and change.user.startswith(_OPERATOR)):
            self._news += 1

    def _see_task(self, change: Change) -> None:
        uid = change.after["metadata"]["uid"]
        dossier = self._dossiers.get(uid)
        if dossier is None:
            dossier = self._dossiers[uid] = Dossier(change.after)
            self._see_child(change)
        before = change.before
        dossier.story.task = change.after
        if change.type == "DELETED":
            dossier.is_gone = True
            self._lose_child(change)
            self._judge(rest.undone_before_gone(change.after, dossier.story.workflow))
        elif status_of(before) != status_of(change.after):
            self._see_status(dossier, change)

    def _see_status(self, dossier: Dossier, change: Change) -> None:
        before, after, story = change.before, change.after, dossier.story
        story.workflow = self._workflows.of(after) or story.workflow
        added, breaches = history.read(before, after, self._finder("configmaps", after["metadata"]["namespace"]))
        self._judge(breaches)
        write = TaskChange.of(before, after, story.workflow, added)
        for check in _CHECKS:
            self._judge(check(write))
        self._judge(self._check_recorded(write))
        self._judge(ends.check_held(write))
        self._judge(failures.check_given_up(story, write, self._finder("pods", after["metadata"]["namespace"])))
        self._judge(failures.check_planned(story, write))
        dossier.note(write)
        if status_of(after).get("compensation") and not write.old.get("compensation"):
            self._judge(self._check_frozen(dossier, write))
        if has_ended(after) and write.task_events:
            self._judge(jobs.check_end(story, dossier.jobs))
        self._judge(dossier.sayings.check(before, after, change.user, self._news))

    def _check_recorded(self, write: TaskChange) -> Iterator[Breach]:
        """An action that has been recorded once is never recorded anew, even where it was forgotten meanwhile."""
        old = {action["uid"] for action in write.old.get("actions") or ()}
        for action in write.new.get("actions") or ():
            uid = action["uid"]
            if uid in old:
                continue
            said = f"TaskAction {action['name']} ({action['type']})"
            if uid in self._recorded:
                yield write.breach(
                    Guarantee.ACTIONS_APPLIED_ONCE, f"{said} is applied again, after {self._recorded[uid]}"
                )
            if uid in self._unwanted:
                yield write.breach(Guarantee.ACTIONS_APPLIED_ONCE, f"{said} is applied, and was {self._unwanted[uid]}")
            self._recorded[uid] = write.name

    def _check_frozen(self, dossier: Dossier, write: TaskChange) -> Iterator[Breach]:
        """Undoing is planned: nothing of the forward work runs, or can begin to, here or in a sub-workflow."""
        if not write.new["compensation"]["plan"] or write.new["ending"]["trigger"] == "Requested":
            return  # a Task that had succeeded waits for its last pods after it has been asked to undo
        yield from jobs.check_stillness(dossier.story, dossier.jobs, write.name)
        yield from jobs.check_children_still(dossier.story, self._children(dossier), write.name)

    def _see_child(self, change: Change) -> None:
        parent = self._dossiers.get(labels_of(change.after).get(c.LABEL_PARENT_UID, ""))
        if parent is None or not change.user.startswith(_OPERATOR):
            return
        if parent.is_gone:  # and this one will never start
            parent.came_late.add(change.after["metadata"]["uid"])
            return
        step = labels_of(change.after)[c.LABEL_PARENT_STEP]
        mine = [self._dossiers[uid] for uid in parent.children]
        known = [each.task for each in mine if labels_of(each.task)[c.LABEL_PARENT_STEP] == step]
        real = [task for task in known if not is_fence(task)]
        self._judge(jobs.check_child_created(parent.story, change.after, real))
        parent.children.append(change.after["metadata"]["uid"])

    def _lose_child(self, change: Change) -> None:
        parent = self._dossiers.get(labels_of(change.after).get(c.LABEL_PARENT_UID, ""))
        if parent is not None and not change.user.startswith(_OPERATOR):
            parent.allow_another_child(change.after)

    def _see_job(self, change: Change) -> None:
        job = change.after
        dossier, attempt = self._dossiers.get(task_uid_of(job) or ""), attempt_of(job)
        if dossier is None or attempt is None:
            return
        by_operator = change.user.startswith(_OPERATOR)
        if change.type == "ADDED":
            self._judge(self._check_created(dossier, attempt, job))
        elif by_operator and change.type == "MODIFIED" and change.before is not None:
            self._judge(jobs.check_stopped(dossier.story, dossier.jobs, change.before, job))
        elif by_operator:
            self._judge(jobs.check_deleted(None if dossier.is_gone else dossier.task, job))
        elif change.type == "DELETED" and not is_fence(job) and not dossier.is_gone:
            dossier.allow_another_job(attempt)
        dossier.jobs.see(job, deleted=change.type == "DELETED")

    def _check_created(self, dossier: Dossier, attempt: Attempt, job: Obj) -> Iterator[Breach]:
        if dossier.is_gone:
            dossier.came_late.add(job["metadata"]["uid"])
            return
        yield from jobs.check_created(dossier.story, dossier.jobs, job)
        parent = self._dossiers.get(labels_of(dossier.task).get(c.LABEL_PARENT_UID, ""))
        if parent is not None:
            yield from jobs.check_not_undone_above(parent.task, dossier.story, job)
        if attempt.role == "compensation" and not is_fence(job):
            where = f"{dossier.story.name}, {attempt}"
            yield from jobs.check_children_still(dossier.story, self._children(dossier), where)

    def _see_pod(self, change: Change) -> None:
        dossier, attempt = self._dossiers.get(task_uid_of(change.after) or ""), attempt_of(change.after)
        if dossier is None or attempt is None:
            return
        if dossier.is_gone and change.type == "ADDED":
            dossier.came_late.add(change.after["metadata"]["uid"])
        if change.type == "DELETED" and change.user == _HUMAN:
            dossier.story.out_of_sight.add(attempt)
        elif any(each.get("reason") == _LOST_NODE for each in status_of(change.after).get("conditions") or ()):
            dossier.story.node_lost.add(attempt)
        elif is_replaced_after_success(change.after):
            dossier.story.replaced.add(attempt)

    def _see_action(self, change: Change) -> None:
        was, now = status_of(change.before).get("phase"), status_of(change.after).get("phase")
        if was != now:
            self._judge(self._check_answer(change.after, was, now))

    def _check_answer(self, action: Obj, was: str | None, now: str | None) -> Iterator[Breach]:
        where, uid = f"TaskAction {action['metadata']['name']}", action["metadata"]["uid"]
        if was is not None:
            yield Breach(Guarantee.ACTIONS_APPLIED_ONCE, where, f"was {was} and is {now}")
        if now == "Applied" and uid not in self._recorded:
            yield Breach(Guarantee.ACTIONS_APPLIED_ONCE, where, "says Applied, and no Task's status has a record of it")
        if now == "Rejected":
            self._unwanted[uid] = "Rejected"
            if uid in self._recorded:
                yield Breach(
                    Guarantee.ACTIONS_APPLIED_ONCE, where, f"says Rejected, and is on record in {self._recorded[uid]}"
                )

    def _see_config_map(self, change: Change) -> None:
        content = labels_of(change.after).get(c.LABEL_CONTENT)
        dossier = self._dossiers.get(task_uid_of(change.after) or "")
        kept = content in (c.CONTENT_RESULT, c.CONTENT_HISTORY)
        if dossier is not None and dossier.is_gone and change.type == "ADDED":
            dossier.came_late.add(change.after["metadata"]["uid"])
        if dossier is None or dossier.is_gone or not kept or not change.user.startswith(_OPERATOR):
            return
        going = change.type == "DELETED" and dossier.task["metadata"].get("deletionTimestamp")
        if change.type != "ADDED" and not going:
            guarantee = Guarantee.DONE_WORK_IS_KEPT if content == c.CONTENT_RESULT else Guarantee.HISTORY_IS_WHOLE
            said = f"ConfigMap {change.after['metadata']['name']} was {change.type} by {change.user}"
            self._judge([Breach(guarantee, dossier.story.name, said)])

    def _ran(self, what: str, execution: Execution) -> None:
        dossier = self._dossiers.get(execution.task_uid)
        if dossier is None:
            return
        story = dossier.story
        if what == "ended":
            story.live.remove(execution)
            return
        if not dossier.is_gone:
            self._judge(runs.check_begin(story, execution))
        self._judge(self._keys.check(story, execution))
        story.runs.append(execution)
        story.live.append(execution)

    def _now(self) -> float:
        """The earliest time that an operator's clock may show."""
        return EPOCH + self._clock() - self.clock_error

    # --- helpers ---------------------------------------------------------------------------------------------

    def _judge(self, breaches: Iterable[Breach]) -> None:
        for breach in breaches:
            raise Violation.of(breach, self._clock())

    def _finder(self, resource: str, namespace: str) -> Callable[[str], Obj | None]:
        return lambda name: self._server.peek(resource, namespace, name)

    def _children(self, dossier: Dossier) -> list[Obj]:
        found = [self._dossiers[uid] for uid in dossier.children]
        return [child.task for child in found if self._is_at_work(child)]

    def _is_at_work(self, child: Dossier) -> bool:
        if child.is_gone or has_ended(child.task):
            return False
        return child.has_begun() or any(self._is_at_work(self._dossiers[uid]) for uid in child.children)


def _made_for(obj: Obj) -> str | None:
    """The UID of the Task that an object, perhaps a child Task, was made for."""
    return task_uid_of(obj) or labels_of(obj).get(c.LABEL_PARENT_UID)
