"""Forged histories: what no operator of ours writes, written step by step, to see that the guards object.

One Task ``t`` of one template, whose status is written by hand as an operator would, whose Jobs and programs are
whatever the test says. Used by ``test_guards``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from kubesaga.api import constants as c
from kubesaga.api.compile import effective_template
from kubesaga.api.times import rfc3339
from kubesaga.engine.identity import attempt_name, idempotency_key
from kubesaga.engine.vocabulary import Role
from tests.simulation.guards.guards import Guards
from tests.simulation.guards.moves import Move, done, enqueue, failed
from tests.simulation.plan import Obj
from tests.simulation.server.api_server import ApiServer
from tests.simulation.workloads.handlers import Execution
from tests.simulation.world import EPOCH

NAMESPACE = "default"
REVISION = "flow-0123456789"
OPERATOR = "operator-0"


class Programs:
    """Stands in for the workloads: programs that begin and end when the test says so."""

    def __init__(self) -> None:
        self.observers: list[Callable[[str, Execution], None]] = []

    def tell(self, what: str, execution: Execution) -> None:
        """Have the guards hear of a program."""
        for observer in self.observers:
            observer(what, execution)


class Forge:
    """``server`` with its ``guards``; ``spec`` is the template's beside its steps."""

    def __init__(self, *steps: Obj, task: Obj | None = None, **spec: Any) -> None:
        self.now = 0.0
        self.programs = Programs()
        self.server = ApiServer(lambda: EPOCH + self.now, self._later)
        self.guards = Guards(self.server, self.programs, lambda: self.now)  # type: ignore[arg-type]
        self._due: list[Callable[[], None]] = []
        self._revise(steps, spec)
        self.create_task("t", **(task or {}))

    def _later(self, _seconds: float, callback: Callable[[], None]) -> None:
        self._due.append(callback)

    def settle(self) -> None:
        """Let the garbage collector do what it has to."""
        while self._due:
            self._due.pop(0)()

    def _revise(self, steps: Iterable[Obj], spec: Obj) -> None:
        whole = [
            step if step.keys() & {"approval", "task"} else {"handler": {"callable": "a:B"}, **step} for step in steps
        ]
        written = {"version": "1.0.0", "defaults": {"image": "img"}, "steps": whole, **spec}
        content = effective_template(written, name="flow")
        revision = {
            "apiVersion": "apps/v1",
            "kind": "ControllerRevision",
            "metadata": {"name": REVISION},
            "revision": 1,
            "data": content,
        }
        self.server.create(revision, user=OPERATOR)

    # --- Tasks -----------------------------------------------------------------------------------------------

    def create_task(self, name: str, *, labels: Obj | None = None, user: str = "human", **spec: Any) -> Obj:
        """A Task; with finalizer, so that nothing stands against its work."""
        meta = {"name": name, "finalizers": [c.FINALIZER], "labels": labels or {}}
        body = {"templateRef": {"name": "flow"}, **spec}
        task = {"apiVersion": c.API_VERSION, "kind": c.TASK_KIND, "metadata": meta, "spec": body}
        return self.server.create(task, user=user)

    def task(self, name: str = "t") -> Obj:
        """The Task as it is."""
        found = self.server.peek("tasks", NAMESPACE, name)
        assert found is not None
        return found

    def start(self, *moves: Move, name: str = "t") -> None:
        """The Task's first write: every step gets its record."""
        data = self.server.peek("controllerrevisions", NAMESPACE, REVISION)
        assert data is not None
        spec = data["data"]
        steps = [{"name": step["name"], "state": "Pending"} for step in spec["steps"]]
        steps += [{"name": step["name"], "state": "Pending", "final": True} for step in spec.get("finally") or ()]
        pinned = {"name": "flow", "version": "1.0.0", "revision": REVISION}
        self.write(
            *moves, name=name, state="StepsInProcess", by=("Start", "StepsReady", "StepsEnqueued"), steps=steps, run=1,
            template=pinned,
        )  # fmt: skip

    def write(
        self, *moves: Move, name: str = "t", state: str | None = None, by: tuple[str, ...] = (), user: str = OPERATOR,
        **fields: Any,
    ) -> None:  # fmt: skip
        """One write of a Task's status: its own move, those of its steps, and other fields (None: goes)."""
        self.now += 1.0
        task = self.task(name)
        status: Obj = {**(task.get("status") or {}), **fields}
        steps = [dict(step) for step in status.get("steps") or ()]
        entries = [entry for each in moves if (entry := self._apply(steps, each)) is not None]
        if by:
            was = (task.get("status") or {}).get("state", "Pending")
            to = state or was
            entries.append({"at": self._time(), "from": was, "to": to, "events": list(by)})
        status["state"] = state or status.get("state", "Pending")
        status["steps"] = steps
        if "transitions" not in fields:
            status["transitions"] = [*(status.get("transitions") or ()), *entries]
        kept = {key: value for key, value in status.items() if value is not None}
        self.server.replace({**task, "status": kept}, status=True, user=user)

    def _apply(self, steps: list[Obj], each: Move) -> Obj | None:
        i = next(i for i, step in enumerate(steps) if step["name"] == each.step)
        record = steps[i] if each.role == "forward" else dict(steps[i].get("compensation") or {"state": "Pending"})
        was = record.get("state", "Pending")
        record.update({"state": each.to, **each.fields})
        if "Enqueue" in each.events:
            record["jobName"] = self.job_name(each.step, record["attempt"], each.role)
        kept = {key: value for key, value in record.items() if value is not None}
        steps[i] = kept if each.role == "forward" else {**steps[i], "compensation": kept}
        if each.silent:
            return None
        entry = {"at": self._time(), "step": each.step, "from": was, "to": each.to, "events": list(each.events)}
        if each.role == "compensation":
            entry["role"] = each.role
        return entry

    def end(self, state: str, by: str, outcome: str, **fields: Any) -> None:
        """The Task ends by these events, as it was decided; success is decided by the same write."""
        decided = self.task()["status"].get("ending") or self.ending("Succeeded")
        ending = {**decided, "phase": "Done", "outcome": outcome}
        said = {"by": tuple(by.split()), "ending": ending, "outcome": outcome, "finishedAt": self._time()}
        self.write(state=state, **{**said, **fields})

    def succeed(self) -> None:
        """The Task ends well, by the write that decides so."""
        self.end("Complete", "StepFinished AllStepsDone", "Succeeded")

    def ending(self, trigger: str, phase: str = "Quiescing", outcome: str = "Aborted", **more: Any) -> Obj:
        """A decided end."""
        return {"trigger": trigger, "at": rfc3339(EPOCH + 5), "phase": phase, "outcome": outcome, **more}

    def _time(self) -> str:
        return rfc3339(EPOCH + self.now)

    # --- Jobs and programs -----------------------------------------------------------------------------------

    def job_name(self, step: str, number: int = 1, role: str = "forward", task: str = "t") -> str:
        """The name that is on record."""
        return attempt_name(task, self.task(task)["metadata"]["uid"], step, Role(role), number)

    def job(
        self, step: str, number: int = 1, role: str = "forward", *, fence: bool = False, name: str | None = None
    ) -> Obj:
        """A Job, created by the operator."""
        labels = {
            c.LABEL_TASK: "t",
            c.LABEL_TASK_UID: self.task()["metadata"]["uid"],
            c.LABEL_STEP: step,
            c.LABEL_ROLE: role,
            c.LABEL_ATTEMPT: str(number),
            c.LABEL_RUN: str(self.task()["status"].get("run", 1)),
            **({c.LABEL_FENCE: "true"} if fence else {}),
        }
        pod = {"restartPolicy": "Never", "containers": [{"name": c.MAIN_CONTAINER, "image": "img"}]}
        spec: Obj = {"backoffLimit": 0, "template": {"metadata": {"labels": labels}, "spec": pod}}
        if fence:
            spec |= {"parallelism": 0, "activeDeadlineSeconds": 1}
        meta = {"name": name or self.job_name(step, number, role), "labels": labels}
        return self.server.create(
            {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": spec}, user=OPERATOR
        )

    def end_job(self, step: str, number: int = 1, role: str = "forward", how: str = "Complete") -> None:
        """The Job controller says how a Job has ended."""
        name = self.job_name(step, number, role)
        conditions = [{"type": how, "status": "True"}]
        self.server.merge(
            "jobs", NAMESPACE, name, {"status": {"conditions": conditions}}, status=True, user="job-controller"
        )

    def run(
        self, step: str, number: int = 1, role: str = "forward", *, key: str | None = None, **given: Any
    ) -> Execution:
        """A program of an attempt begins."""
        uid = self.task()["metadata"]["uid"]
        key = idempotency_key(uid, step) if key is None else key
        document: Obj = {"idempotencyKey": key, "results": {}, **given}
        if role == "compensation":
            document.setdefault("compensationKey", idempotency_key(uid, step, Role.COMPENSATION))
        job = self.job_name(step, number, role)
        execution = Execution(
            task_uid=uid, task="t", namespace=NAMESPACE, step=step, role=role, attempt=number, job=job, pod=f"{job}-p",
            pod_uid=f"{job}-uid", node=0, key=key, input=document, started=EPOCH + self.now,
        )  # fmt: skip
        self.programs.tell("started", execution)
        return execution

    def finish(self, execution: Execution, code: int = 0, document: Any = None) -> None:
        """A program ends; with its step's name as its result, unless told otherwise."""
        well = {"result": {"step": execution.step}} if code == 0 else None
        execution.code, execution.document = code, document if document is not None else well
        execution.ended = EPOCH + self.now
        self.programs.tell("ended", execution)

    def show(self, execution: Execution) -> None:
        """The kubelet says how a program has ended."""
        meta = {"name": execution.pod}
        self.server.create({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": {}}, user="kubelet")
        ended = {"name": c.MAIN_CONTAINER, "state": {"terminated": {"exitCode": execution.code}}}
        status = {"containerStatuses": [ended]}
        self.server.merge("pods", NAMESPACE, execution.pod, {"status": status}, status=True, user="kubelet")

    # --- stories ---------------------------------------------------------------------------------------------

    def work(self, step: str, number: int = 1, role: str = "forward") -> None:
        """A recorded attempt is launched, runs and succeeds; nobody has written it yet."""
        self.job(step, number, role)
        self.finish(self.run(step, number, role))
        self.end_job(step, number, role)

    def do(self, step: str, number: int = 1) -> None:
        """A step from its first intent to its recorded result."""
        self.write(enqueue(step, number))
        self.work(step, number)
        self.write(done(step))

    def fail(self, step: str, number: int = 1) -> None:
        """A step from its first intent to its failure for good."""
        self.write(enqueue(step, number))
        self.job(step, number)
        self.finish(self.run(step, number), 1)
        self.end_job(step, number, how="Failed")
        self.write(failed(step))

    def act(self, name: str, type_: str, **spec: Any) -> Obj:
        """A TaskAction."""
        body = {"taskRef": {"name": "t"}, "type": type_, "requestedBy": "human", **spec}
        meta = {"name": name}
        return self.server.create(
            {"apiVersion": c.API_VERSION, "kind": c.ACTION_KIND, "metadata": meta, "spec": body}, user="human"
        )

    def record(self, action: Obj) -> Obj:
        """What a status says of an action that was applied."""
        spec = action["spec"]
        return {
            "uid": action["metadata"]["uid"],
            "name": action["metadata"]["name"],
            "type": spec["type"],
            "at": self._time(),
        }

    def answer(self, action: Obj, phase: str) -> None:
        """The operator answers."""
        status = {"phase": phase, "message": "said", "observedGeneration": 1}
        self.server.merge(
            "taskactions", NAMESPACE, action["metadata"]["name"], {"status": status}, status=True, user=OPERATOR
        )
