"""The people of a run: they play what the plan has them do, and decide what Tasks wait for.

A human does what is possible: who finds no Job to delete deletes none, and what the API server refuses is left. The
guards are told of an act before it is done. ``simulation`` makes one ``People`` for each run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any, Protocol

from kubesaga.api import constants as c
from tests.simulation.people import decisions, sights
from tests.simulation.plan import (
    Act,
    ApplyTemplate,
    ChangeTask,
    ChangeTemplate,
    DeleteJob,
    DeletePod,
    DeleteTask,
    DeleteTemplate,
    HumanAct,
    Obj,
    Plan,
)
from tests.simulation.server.api_server import ApiServer, Refusal

NAMESPACE = "default"
USER = "human"
_PATIENT_ROUNDS = 6
"""How often people try to mend a Task before they see to it that it ends."""
_MOST_ROUNDS = 14
"""How often they look at a Task that does not end."""
_TRY_AGAIN_AFTER = 5.0
_LOOK_AGAIN_AFTER = 2.0

Later = Callable[..., Any]


class Informed(Protocol):
    """Who hears what people do: the guards."""

    def human(self, mishap: HumanAct, obj: Obj | None) -> None:
        """A human is about to do this to that object."""


class Reachable(Protocol):
    """Who knows whether the API server answers: the workloads."""

    away: bool


class People:
    """``done`` counts what was really done."""

    def __init__(self, server: ApiServer, workloads: Reachable, guards: Informed, random: Random, later: Later) -> None:
        self.done: Counter[str] = Counter()
        self._server = server
        self._workloads = workloads
        self._guards = guards
        self._random = random
        self._later = later
        self._is_decisive = False
        self._rounds: Counter[str] = Counter()
        self._actions = 0

    def schedule(self, plan: Plan) -> None:
        """Have everything done at its time."""
        self._is_decisive = plan.decisive
        for mishap in plan.mishaps:
            if isinstance(mishap, HumanAct):
                self._later(mishap.at, self.do, mishap)

    def decide(self) -> bool:
        """Decide, for each Task that waits for a human, what becomes of it; whether anybody did anything."""
        if not self._is_decisive:
            return False
        before = self.done.total()
        for task in sorted(self._server.all(c.TASK_PLURAL, NAMESPACE), key=lambda each: each["metadata"]["name"]):
            uid = task["metadata"]["uid"]
            if self._rounds[uid] < _MOST_ROUNDS:
                for act in decisions.decide(task, self._random, is_patient=self._rounds[uid] < _PATIENT_ROUNDS):
                    self.do(act)
            self._rounds[uid] += 1
        return self.done.total() > before

    def do(self, act: HumanAct) -> None:
        """Do it now, or as soon as the API server answers."""
        if self._workloads.away:
            self._later(_TRY_AGAIN_AFTER, self.do, act)
            return
        try:
            is_done = self._do(act)
        except Refusal:
            return
        if is_done:
            self.done[type(act).__name__] += 1
        elif isinstance(act, Act) and act.patience > 0:
            self._later(_LOOK_AGAIN_AFTER, self.do, replace(act, patience=act.patience - _LOOK_AGAIN_AFTER))

    def _do(self, act: HumanAct) -> bool:
        match act:
            case ChangeTemplate() | DeleteTemplate() | ApplyTemplate():
                return self._handle_template(act)
            case ChangeTask() | DeleteTask():
                return self._handle_task(act)
            case DeleteJob() | DeletePod():
                return self._delete_workload(act)
            case Act():
                return self._act(act)

    def _handle_template(self, act: ChangeTemplate | DeleteTemplate | ApplyTemplate) -> bool:
        if isinstance(act, ApplyTemplate):
            self._guards.human(act, act.template)
            self._server.create(act.template, namespace=NAMESPACE, user=USER)
            return True
        template = self._server.peek(c.TEMPLATE_PLURAL, NAMESPACE, act.template)
        if template is None:
            return False
        self._guards.human(act, template)
        if isinstance(act, DeleteTemplate):
            self._server.delete(c.TEMPLATE_PLURAL, NAMESPACE, act.template, user=USER)
        else:
            self._server.merge(c.TEMPLATE_PLURAL, NAMESPACE, act.template, {"spec": act.spec}, user=USER)
        return True

    def _handle_task(self, act: ChangeTask | DeleteTask) -> bool:
        task = sights.task_at(self._server, act.task)
        if task is None:
            return False
        name = task["metadata"]["name"]
        self._guards.human(act, task)
        if isinstance(act, DeleteTask):
            self._server.delete(c.TASK_PLURAL, NAMESPACE, name, propagation=act.propagation, user=USER)
        else:
            self._server.merge(c.TASK_PLURAL, NAMESPACE, name, {"spec": act.spec}, user=USER)
        return True

    def _delete_workload(self, act: DeleteJob | DeletePod) -> bool:
        resource = "jobs" if isinstance(act, DeleteJob) else "pods"
        task = sights.task_at(self._server, act.task)
        found = sights.newest(self._server, resource, task, act.step, act.role, self._random) if task else None
        if found is None:
            return False
        self._guards.human(act, found)
        how: dict[str, Any] = {"force": act.force} if isinstance(act, DeletePod) else {"propagation": act.propagation}
        self._server.delete(resource, NAMESPACE, found["metadata"]["name"], user=USER, **how)
        return True

    def _act(self, act: Act) -> bool:
        task = sights.task_at(self._server, act.task)
        if task is None:
            return False
        spec = dict(act.spec)
        if spec.get("step") == "?":
            fitting = sights.fitting_steps(task, act.type)
            if not fitting:
                return False
            spec["step"] = self._random.choice(fitting)
        elif act.patience > 0 and not sights.fits(task, act.type):
            return False
        self._actions += 1
        action = {
            "apiVersion": c.API_VERSION,
            "kind": c.ACTION_KIND,
            "metadata": {"name": f"{act.type.lower()}-{self._actions}"},
            "spec": {"taskRef": {"name": task["metadata"]["name"]}, "type": act.type, "requestedBy": USER, **spec},
        }
        self._guards.human(act, task)
        self._server.create(action, namespace=NAMESPACE, user=USER)
        return True
