"""One run of a plan, from its first object to the moment when everything is at rest.

``play`` is what the tests, the sweep and the fuzzer call. Whatever happens is in the Report; only a defect of the
simulation itself raises.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.guarantees.identifiers import Guarantee
from tests.simulation import loop
from tests.simulation.bugs import BUGS
from tests.simulation.driving.sightings import Sightings
from tests.simulation.guards.guards import Guards, Violation
from tests.simulation.misfortune import Misfortune
from tests.simulation.people.people import People
from tests.simulation.plan import Obj, Plan, Submit
from tests.simulation.processes import LEASE_NAME, LEASE_NAMESPACE, Listener, OperatorPod
from tests.simulation.rest import Rest
from tests.simulation.server.api_server import ApiServer, Change, Refusal
from tests.simulation.transport import Network
from tests.simulation.workloads.workloads import Workloads
from tests.simulation.world import EPOCH, elapsed, later

NAMESPACE = "default"
UNHARMED = Guarantee.OPERATOR_SURVIVES
"""The guarantee that is broken when an operator's own code fails."""
BEGINS_AT = 1.0
"""When the operators start: templates are there by then, and Tasks come after."""


@dataclass
class Report:
    """What became of a run. ``digest``: of every change that there was; ``seconds``: virtual ones."""

    plan: Plan
    violation: Violation | None = None
    calls: int = 0
    mishaps: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    digest: str = ""
    ends: dict[str, tuple[str, str]] = field(default_factory=dict)
    seconds: float = 0.0
    executions: list[Any] = field(default_factory=list)
    trace: list[str] = field(default_factory=list)


def play(plan: Plan, *, bugs: Sequence[str] = (), trace: bool = False) -> Report:
    """Run the plan, with deliberate ``bugs`` if any; ``trace`` keeps a line for every change."""
    with ExitStack() as stack:
        stack.enter_context(_errors_only())
        for name in bugs:
            stack.enter_context(BUGS[name]())
        return loop.run(_play(plan, trace=trace))


@contextmanager
def _errors_only() -> Iterator[None]:
    """What operators log is for the simulation's ears alone, to the last word of those that are still ending."""
    logging.getLogger("kopf").setLevel(logging.CRITICAL)
    log = logging.getLogger("kubesaga")
    before = (log.propagate, log.level)
    log.propagate = False
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.propagate = before[0]
        log.setLevel(before[1])  # which also forgets what loggers below have remembered of it


async def _play(plan: Plan, *, trace: bool) -> Report:
    return await Simulation(plan, trace=trace).run()


class Simulation:
    """Everything of one run, wired."""

    def __init__(self, plan: Plan, *, trace: bool = False) -> None:
        self.plan = plan
        self.report = Report(plan)
        self.server_offset = 0.0
        collecting = self.random("garbage-collector")
        self.server = ApiServer(self.server_time, later, delay=lambda: collecting.uniform(0.05, 0.5))
        self.network = Network(plan.mishaps)
        self.workloads = Workloads(
            self.server, self.random("workloads"), plan.script, later, self.server_time, plan.nodes
        )
        self.guards = Guards(self.server, self.workloads, elapsed)
        self.people = People(self.server, self.workloads, self.guards, self.random("people"), later)
        self.operators = [
            OperatorPod(plan, n, self.server, self.network, self.random(f"operator-{n}"), self.accuse)
            for n in range(plan.operators)
        ]
        self.misfortune = Misfortune(self)
        self.rest = Rest(self.server, self.guards)
        self.sightings = Sightings(self.server, self._is_leader)
        self._hash = hashlib.sha256()
        self._over = asyncio.Event()
        self._trace = trace
        self.server.observers.append(self._note)

    def random(self, part: str) -> Random:
        """The dice of one part, so that no other part's throws change its own."""
        return Random(f"{self.plan.seed}/{part}")

    def server_time(self) -> float:
        """The API server's wall clock."""
        return EPOCH + self.server_offset + elapsed()

    def _is_leader(self, process: str) -> bool:
        """Whether the Lease says so, whatever the process believes."""
        lease = self.server.peek("leases", LEASE_NAMESPACE, LEASE_NAME)
        return lease is not None and str(lease["spec"].get("holderIdentity")).startswith(f"{process}-")

    def accuse(self, message: str) -> None:
        """An operator's own code failed."""
        self._end(Violation(UNHARMED, message, elapsed()))

    async def run(self) -> Report:
        """Play the plan to its end."""
        listener = Listener(self.accuse)
        log = logging.getLogger("kubesaga")
        log.addHandler(listener)
        asyncio.get_running_loop().set_exception_handler(self._complain)
        try:
            await self._play()
        finally:
            for operator in self.operators:
                operator.bury_for_good()
            await asyncio.sleep(0.1)  # they clear up after themselves
            log.removeHandler(listener)
        return self._finish()

    async def _play(self) -> None:
        self.server.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": LEASE_NAMESPACE}})
        for template in self.plan.templates:
            self.server.create(template, namespace=NAMESPACE)
        for submit in self.plan.submits:
            later(submit.at, self._submit, submit)
        for number, operator in enumerate(self.operators):
            later(BEGINS_AT + 0.1 * number, operator.start)
        self.misfortune.schedule()
        self.people.schedule(self.plan)
        over = asyncio.create_task(self._over.wait())
        resting = asyncio.create_task(self._until_at_rest())
        await asyncio.wait({over, resting}, return_when=asyncio.FIRST_COMPLETED)
        for waiting in (over, resting):
            waiting.cancel()
        if resting.done() and not resting.cancelled():
            resting.result()

    async def _until_at_rest(self) -> None:
        try:
            while True:
                await self.rest.reached(self.misfortune.over_at, self.plan.patience)
                if not self.people.decide():
                    break
            self.guards.at_rest()
        except Violation as violation:
            self._end(violation)

    def _submit(self, submit: Submit) -> None:
        try:
            self.server.create(submit.task, namespace=NAMESPACE)
        except Refusal as refusal:
            self._end(Violation("plan", f"the plan's Task is refused: {refusal}", elapsed()))

    def _note(self, change: Change) -> None:
        is_quiet = change.resource in ("events", "leases")
        if is_quiet and not self._trace:
            return
        meta = change.after["metadata"]
        line = f"{elapsed():.6f} {change.user} {change.type} {change.resource} {meta['name']}"
        if not is_quiet:
            self._hash.update(line.encode())
        if self._trace:
            self.report.trace.append(f"{line} {_gist(change)}")

    def _complain(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """What escapes from a callback of the world: a guard's verdict, or a defect of the simulation."""
        error = context.get("exception")
        if isinstance(error, Violation):
            self._end(error)
        elif error is not None:
            message = f"{context['message']}: {type(error).__name__}: {error}"
            self._end(Violation("simulation", message, elapsed(), cause=error))

    def _end(self, violation: Violation) -> None:
        if self.report.violation is None:
            self.report.violation = violation
        self._over.set()

    def _finish(self) -> Report:
        report = self.report
        report.calls = self.network.calls
        report.mishaps = self.network.happened + self.people.done
        report.seen = self.sightings.seen
        report.seconds = elapsed()
        report.executions = self.workloads.executions
        for task in self.server.all("tasks"):
            status = task.get("status") or {}
            report.ends[task["metadata"]["name"]] = (status.get("state", ""), status.get("outcome", ""))
        self._hash.update(json.dumps(sorted(report.ends.items())).encode())
        report.digest = self._hash.hexdigest()
        return report


def _gist(change: Change) -> str:
    """What a change says, in a few words: for traces."""
    status: Obj = change.after.get("status") or {}
    match change.resource:
        case "tasks":
            steps = (f"{step['name']}={step['state']}/{step.get('attempt', 0)}" for step in status.get("steps") or ())
            ending = (status.get("ending") or {}).get("phase", "")
            return f"{status.get('state')} {status.get('outcome', '')} {ending} {' '.join(steps)}"
        case "jobs":
            conditions = [f"{each['type']}:{each.get('reason')}" for each in status.get("conditions") or ()]
            return f"parallelism={change.after['spec'].get('parallelism')} {conditions}"
        case "pods":
            return f"{status.get('phase')} {'deleting' if change.after['metadata'].get('deletionTimestamp') else ''}"
        case "taskactions":
            return f"{change.after['spec']['type']} {status.get('phase', '')} {status.get('message', '')}"
    return ""
