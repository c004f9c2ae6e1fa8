"""TaskActions: read for a decision, answered once it is written.

``gather`` reads those that nobody has answered, as far as the cache knows, and ``reconcile`` asks the API server about
them; the engine judges them; ``apply`` writes the verdicts, after the status that holds their effect. One whose Task
does not exist is refused here by ``reconcile``, since nothing else would.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kubesaga.api import constants as c
from kubesaga.api.findings import check_action
from kubesaga.api.times import epoch
from kubesaga.engine.decision import Verdict
from kubesaga.engine.snapshot import Action
from kubesaga.engine.vocabulary import ActionPhase, ActionType
from kubesaga.kube.client import Kube, KubeError, actions_path
from kubesaga.runtime import metrics
from kubesaga.runtime.cache import Cache, Kind
from kubesaga.runtime.events import EventRecorder, EventType

Obj = dict[str, Any]

# So many are asked for one by one, more in one list.
MOST_ONE_BY_ONE = 16


def pending(cache: Cache, namespace: str, task_name: str) -> tuple[Action, ...]:
    """The actions on the Task of this name that wait for an answer, the oldest first."""
    return _unanswered(cache.actions_on(namespace, task_name).values())


def _unanswered(objs: Iterable[Obj]) -> tuple[Action, ...]:
    waiting = [read_action(obj) for obj in objs if is_unanswered(obj)]
    return tuple(sorted(waiting, key=lambda action: (action.created_at, action.name)))


def read_action(obj: Mapping[str, Any]) -> Action:
    """A TaskAction as the engine sees it."""
    meta, spec = obj["metadata"], obj["spec"]
    return Action(
        uid=meta["uid"],
        name=meta["name"],
        type=ActionType(spec["type"]),
        created_at=epoch(meta["creationTimestamp"]),
        step=spec.get("step"),
        result=spec.get("result"),
        has_result="result" in spec,
        reason=spec.get("reason"),
        requested_by=spec.get("requestedBy"),
        task_uid=spec["taskRef"].get("uid"),
        expected_attempt=spec.get("expectedAttempt"),
        problems=tuple(map(str, check_action(spec))),
    )


def is_unanswered(obj: Mapping[str, Any]) -> bool:
    """Whether nobody has said yet what becomes of the action."""
    answered = (obj.get("status") or {}).get("phase")
    return not answered and not obj["metadata"].get("deletionTimestamp")


class Answers:
    """Writes what became of actions into their own status, and says so in Events."""

    def __init__(self, kube: Kube, cache: Cache, events: EventRecorder) -> None:
        self._kube = kube
        self._cache = cache
        self._events = events

    async def waiting(self, namespace: str, task_name: str, *, look: bool) -> tuple[Action, ...]:
        """The actions on the Task of this name that wait for an answer now; ``look`` for such as no watch has told of.

        Another leader may have answered one, or this one without hearing of it. Raises KubeError.
        """
        names = [action.name for action in pending(self._cache, namespace, task_name)]
        if look or len(names) > MOST_ONE_BY_ONE:
            found, _ = await self._kube.list(actions_path(namespace))
        else:
            found = [obj for name in names if (obj := await self._live(namespace, name)) is not None]
        mine = [obj for obj in found if obj["spec"]["taskRef"]["name"] == task_name]
        for obj in mine:
            self._cache.upsert(Kind.ACTION, obj)
        return _unanswered(mine)

    async def _live(self, namespace: str, name: str) -> Obj | None:
        """The action of this name as it is now, or None."""
        try:
            return await self._kube.get(actions_path(namespace, name))
        except KubeError as error:
            if error.not_found:
                return None
            raise

    async def answer(self, namespace: str, verdict: Verdict, task: Obj | None) -> None:
        """Write one verdict. One that is written already, or whose action is gone, is no concern. Raises KubeError.

        What was applied is on record in the Task, by a write that is guarded; so it overrules a refusal. A refusal is
        on record nowhere: it is written only to the very action that was judged, so that one that comes late, or from
        an operator that no longer leads, does not overwrite another answer.
        """
        action = self._cache.get(Kind.ACTION, namespace, verdict.name)
        if action is None or action["metadata"]["uid"] != verdict.uid or action["metadata"].get("deletionTimestamp"):
            return
        answered = (action.get("status") or {}).get("phase")
        applied = verdict.phase is ActionPhase.APPLIED
        if answered and (answered == verdict.phase or not applied):
            return
        status = {
            "observedGeneration": action["metadata"].get("generation", 1),
            "phase": str(verdict.phase),
            "message": verdict.message,
        }
        # The UID keeps the answer from an action that has taken this one's name.
        guard = {"uid": verdict.uid}
        if not applied:
            guard["resourceVersion"] = action["metadata"]["resourceVersion"]
        body = {"metadata": guard, "status": status}
        try:
            written = await self._kube.merge_patch(actions_path(namespace, verdict.name, "status"), body)
        except KubeError as error:
            if error.not_found:
                return
            if error.conflict and await self._is_over(namespace, verdict):
                return
            raise
        self._cache.upsert(Kind.ACTION, written)
        self._tell(written, verdict, task)

    async def _is_over(self, namespace: str, verdict: Verdict) -> bool:
        """Whether the action is not the one that was judged any more, and nobody waits for this verdict."""
        live = await self._live(namespace, verdict.name)
        if live is None or live["metadata"]["uid"] != verdict.uid:
            return True
        self._cache.upsert(Kind.ACTION, live)
        return not is_unanswered(live)

    async def refuse_all(self, namespace: str, task_name: str) -> None:
        """Reject what is asked of a Task that does not exist. Raises KubeError."""
        for action in pending(self._cache, namespace, task_name):
            message = (
                f"there is no Task {task_name} in namespace {namespace}; an action is about a Task that exists, so "
                "create it after the Task"
            )
            await self.answer(namespace, Verdict(action.uid, action.name, ActionPhase.REJECTED, message), None)

    def _tell(self, action: Obj, verdict: Verdict, task: Obj | None) -> None:
        spec = action["spec"]
        metrics.action_answered(spec["type"], verdict.phase)
        applied = verdict.phase is ActionPhase.APPLIED
        kind: EventType = "Normal" if applied else "Warning"
        reason = "ActionApplied" if applied else "ActionRejected"
        self._events.emit({**action, "apiVersion": c.API_VERSION, "kind": c.ACTION_KIND}, kind, reason, verdict.message)
        if task is not None:
            what = spec["type"] + (f" of step {spec['step']}" if spec.get("step") else "")
            who = f" by {spec['requestedBy']}" if spec.get("requestedBy") else ""
            note = f"TaskAction {verdict.name} ({what}{who}): {verdict.message}"
            self._events.emit(task, kind, reason, note)
