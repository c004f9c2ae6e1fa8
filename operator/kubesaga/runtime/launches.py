"""Creating what an attempt runs in: a Job with its input, or a child Task; and the fences that take their names.

Part of applying a decision, after its status is written. What the API server does not take is remembered as a refusal,
for the next decision to hear of.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from kubesaga.api import constants as c
from kubesaga.api.contract import input_refs
from kubesaga.api.input_text import InputTooLarge
from kubesaga.engine import scope as scopes
from kubesaga.engine.decision import Attempt, Decision
from kubesaga.engine.plan import ChildTask, ExpressionError
from kubesaga.engine.records import StepError, TaskStatus
from kubesaga.engine.snapshot import MissingValues
from kubesaga.engine.vocabulary import StepKind
from kubesaga.kube.client import Kube, KubeError, jobs_path, tasks_path
from kubesaga.runtime import children
from kubesaga.runtime.cache import Cache, Kind, News
from kubesaga.runtime.configmaps import put_config_map
from kubesaga.runtime.gather import Gathered
from kubesaga.runtime.identities import identity_labels
from kubesaga.runtime.jobs import STOP_PATCH, JobBundle, belongs_to, build_fence, build_job, job_name
from kubesaga.runtime.namespaces import Terminating, is_terminating
from kubesaga.runtime.refusals import Refusal, Refusals, name_taken, refusal_of, result_missing
from kubesaga.runtime.results import ResultMissing, Results

Obj = dict[str, Any]


class Launcher:
    """Creates and stops what attempts run in."""

    def __init__(
        self,
        kube: Kube,
        cache: Cache,
        refusals: Refusals,
        results: Results,
        terminating: Terminating,
        seen: News,
    ) -> None:
        self._kube = kube
        self._cache = cache
        self._refusals = refusals
        self._results = results
        self._terminating = terminating
        self._seen = seen

    async def create(self, gathered: Gathered, task: Obj, decision: Decision) -> bool:
        """Create what is launched and the fences, side by side. True if a new fact needs another decision.

        Raises KubeError once all have been tried.
        """
        calls = [self._launch(gathered, task, decision.status, attempt) for attempt in decision.launches]
        calls += [self._fence(gathered, task, decision.status, attempt) for attempt in decision.fences]
        if not calls:
            return False
        results = await asyncio.gather(*calls, return_exceptions=True)
        failures = [result for result in results if isinstance(result, BaseException)]
        if failures:
            raise failures[0]
        namespace = task["metadata"]["namespace"]
        ends = gathered.snapshot.admits_jobs and not self._terminating.admits(namespace)  # which nobody knew before
        return any(result is True for result in results) or bool(decision.fences) or ends

    async def stop(self, gathered: Gathered, task: Obj, decision: Decision) -> list[KubeError]:
        """Stop the Jobs; a child Task reads its parent's status. Returns what went wrong with any of them."""
        failures = []
        for attempt in decision.stops:
            if _kind(gathered, attempt) is not StepKind.PROGRAM:
                continue
            path = jobs_path(task["metadata"]["namespace"], job_name(task, attempt))
            try:
                stopped = await self._kube.merge_patch(path, STOP_PATCH)
            except KubeError as error:
                if not error.not_found:
                    failures.append(error)
            else:
                self._cache.upsert(Kind.JOB, stopped)
        return failures

    async def _launch(self, gathered: Gathered, task: Obj, status: TaskStatus, attempt: Attempt) -> bool:
        try:
            if _kind(gathered, attempt) is StepKind.TASK:
                return await self._launch_child(gathered, task, status, attempt)
            bundle = await self._build_job(gathered, task, status, attempt)
        except InputTooLarge as error:
            refusal = Refusal(StepError("InputTooLarge", str(error), retryable=False), hopeless=True)
        except ExpressionError as error:
            refusal = Refusal(StepError("ExpressionFailed", str(error), retryable=False), hopeless=True)
        except ResultMissing as error:
            refusal = result_missing(error)
        else:
            return await self._create_job(task, attempt, bundle)
        self._refusals.note(task["metadata"]["uid"], attempt, refusal)
        return True

    async def _fence(self, gathered: Gathered, task: Obj, status: TaskStatus, attempt: Attempt) -> bool:
        policy = gathered.snapshot.deletion_policy
        if _kind(gathered, attempt) is not StepKind.TASK:
            return await self._create_job(task, attempt, JobBundle(build_fence(task, attempt, policy), None))
        child, name = _child_of(gathered, status, attempt)
        fence = children.build_fence(task, attempt.step, name, child, attempt.number, policy)
        return await self._create_child(task, attempt, fence)

    # --- Jobs ------------------------------------------------------------------------------------------------

    async def _build_job(self, gathered: Gathered, task: Obj, status: TaskStatus, attempt: Attempt) -> JobBundle:
        revision = gathered.revision
        assert revision is not None
        refs = input_refs(revision.plan, status, attempt)
        return build_job(
            task,
            revision.plan,
            status,
            attempt,
            revision.program(attempt.step, attempt.role),
            policy=gathered.snapshot.deletion_policy,
            context=gathered.snapshot.context,
            options=gathered.options,
            values=await self._results.values(task["metadata"]["namespace"], status, refs),
            identities=identity_labels(task, gathered.snapshot.claim_name),
        )

    async def _create_job(self, task: Obj, attempt: Attempt, bundle: JobBundle) -> bool:
        """Create a Job after its input; one that is there already was created by an earlier pass: all the same."""
        namespace = task["metadata"]["namespace"]
        try:
            if bundle.input is not None:
                await put_config_map(self._kube, bundle.input)
            created = await self._kube.create(jobs_path(namespace), bundle.job)
        except KubeError as error:
            if error.already_exists:
                return await self._found_job(task, attempt)
            return self._refused(task, attempt, error, refusal_of(error))
        self._cache.upsert(Kind.JOB, created)
        return False

    async def _found_job(self, task: Obj, attempt: Attempt) -> bool:
        found = await self._kube.get(jobs_path(task["metadata"]["namespace"], job_name(task, attempt)))
        if belongs_to(found, task, attempt):
            self._cache.upsert(Kind.JOB, found)
        else:
            self._refusals.note(task["metadata"]["uid"], attempt, name_taken(found))
        return True

    # --- child Tasks -----------------------------------------------------------------------------------------

    async def _launch_child(self, gathered: Gathered, task: Obj, status: TaskStatus, attempt: Attempt) -> bool:
        """Create a step's child, unless it is there: then it reads in its parent's status that it is wanted again."""
        namespace = task["metadata"]["namespace"]
        child, name = _child_of(gathered, status, attempt)
        known = self._cache.get(Kind.TASK, namespace, name)
        if known is None and _may_have_worked(gathered, status, attempt):
            return True  # it must be there: the next look asks for it, and says if somebody has deleted it
        if known is not None and children.belongs_to(known, task, attempt.step):
            fenced = children.fenced_attempt(known)
            if fenced is None or fenced >= attempt.number:
                return False
            await self._remove_fence(known)
        context = await self._child_context(gathered, status, attempt, child)
        policy = gathered.snapshot.deletion_policy
        identities = identity_labels(task, gathered.snapshot.claim_name)
        built = children.build_child(task, attempt.step, name, child, context, policy, identities)
        return await self._create_child(task, attempt, built)

    async def _child_context(
        self, gathered: Gathered, status: TaskStatus, attempt: Attempt, child: ChildTask
    ) -> Mapping[str, Any]:
        """The child's context by the step's expressions. Raises ExpressionError, ResultMissing."""
        plan, snapshot = gathered.plan, gathered.snapshot
        assert plan is not None
        step = plan.graph.index[attempt.step]
        values = dict(snapshot.values)
        while True:
            try:
                scope = scopes.scope(plan, status, step, context=snapshot.context, about=snapshot.about, values=values)
            except MissingValues as missing:
                namespace = gathered.task["metadata"]["namespace"]
                values |= await self._results.values(namespace, status, missing.names)
            else:
                return child.make_context(scope)

    async def _remove_fence(self, fence: Obj) -> None:
        """Make room for the real child. Only this very fence goes, and only as it was seen: not if it has come to stand
        for this attempt too. What is late to create one finds the child."""
        meta = fence["metadata"]
        path = tasks_path(meta["namespace"], meta["name"])
        try:
            await self._kube.delete(path, uid=meta["uid"], resource_version=meta["resourceVersion"])
        except KubeError as error:
            if error.conflict:
                return  # it has changed: whoever creates the child finds it
            if not error.not_found:
                raise
        self._cache.remove(Kind.TASK, fence)

    async def _raise_fence(self, fence: Obj, number: int) -> None:
        """Have a fence of an earlier attempt stand for this one too."""
        meta = fence["metadata"]
        guard = {"uid": meta["uid"], "resourceVersion": meta["resourceVersion"]}
        body = {"metadata": {**guard, "labels": {c.LABEL_ATTEMPT: str(number)}}}
        raised = await self._kube.merge_patch(tasks_path(meta["namespace"], meta["name"]), body)
        self._seen(Kind.TASK, None, raised)

    async def _create_child(self, task: Obj, attempt: Attempt, child: Obj) -> bool:
        namespace = task["metadata"]["namespace"]
        try:
            created = await self._kube.create(tasks_path(namespace), child)
        except KubeError as error:
            if error.already_exists:
                return await self._found_child(task, attempt, child)
            return self._refused(task, attempt, error, children.refusal(error))
        self._seen(Kind.TASK, None, created)
        return False

    async def _found_child(self, task: Obj, attempt: Attempt, wanted: Obj) -> bool:
        """Something bears the child's name: what an earlier pass has made, or a stranger."""
        meta = task["metadata"]
        found = await self._kube.get(tasks_path(meta["namespace"], wanted["metadata"]["name"]))
        self._seen(Kind.TASK, None, found)
        if children.fenced_attempt(found) is not None and found["metadata"].get("deletionTimestamp"):
            name = found["metadata"]["name"]
            raise KubeError(0, "FenceNotGone", f"Task {name} is deleted, and a finalizer still holds it back")
        there, needed = children.fenced_attempt(found), children.fenced_attempt(wanted)
        is_fence = there is not None or needed is not None
        ours = children.belongs_to(found, task, attempt.step)
        if not ours or not (is_fence or children.asks_the_same(found, wanted)):
            self._refusals.note(meta["uid"], attempt, children.name_taken(wanted["metadata"]["name"]))
        elif there is not None and needed is not None and there < needed:
            await self._raise_fence(found, needed)
        return True

    # --- both ------------------------------------------------------------------------------------------------

    def _refused(self, task: Obj, attempt: Attempt, error: KubeError, refusal: Refusal | None) -> bool:
        """Remember why; True if that needs another decision. Raises the error where only waiting helps."""
        meta = task["metadata"]
        if is_terminating(error):
            self._terminating.note(meta["namespace"])
            return False
        if refusal is None:
            raise error
        is_news = self._refusals.get(meta["uid"], attempt) != refusal
        self._refusals.note(meta["uid"], attempt, refusal)
        if not (refusal.hopeless and is_news):  # nothing to decide that was not decided on before
            raise error
        return True


def _kind(gathered: Gathered, attempt: Attempt) -> StepKind:
    """What the attempt runs in."""
    plan = gathered.plan
    assert plan is not None
    return plan.kind(plan.graph.index[attempt.step], attempt.role)


def _may_have_worked(gathered: Gathered, status: TaskStatus, attempt: Attempt) -> bool:
    """Whether an earlier attempt of the step may have done something, as the child that it had."""
    plan = gathered.plan
    assert plan is not None
    return status.steps[plan.graph.index[attempt.step]].outcome_unknown


def _child_of(gathered: Gathered, status: TaskStatus, attempt: Attempt) -> tuple[ChildTask, str]:
    """The sub-workflow of a step, and the recorded name of its Task."""
    plan = gathered.plan
    assert plan is not None
    i = plan.graph.index[attempt.step]
    child, name = plan.steps[i].child, status.steps[i].child_name
    assert child is not None
    assert name is not None
    return child, name
