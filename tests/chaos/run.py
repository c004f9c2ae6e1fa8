"""One run of chaos, from the first Task to the audit. Called by `__main__`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from hack.cluster.progress import say
from kubesaga.kube.client import jobs_path, pods_path, tasks_path, templates_path
from tests.chaos import keeping, report
from tests.chaos.audit import audit, ended
from tests.chaos.books import WAREHOUSE, Books, read
from tests.chaos.cluster import OPERATOR_NAMESPACE, OPERATOR_SELECTOR, Cluster
from tests.chaos.comparison import Deviation, compare
from tests.chaos.errors import ChaosError
from tests.chaos.evidence import breaches, gather
from tests.chaos.examples import LABEL, SEED, Example, examples, installed
from tests.chaos.faults import Faults, container_of
from tests.chaos.logs import OperatorLogs
from tests.chaos.people import People, attention
from tests.chaos.plan import SHARE, Fault, Plan, Submission
from tests.chaos.watch import Sight
from tests.guarantees.afterwards import Evidence

Obj = dict[str, Any]

PLACES = {
    "Service": "/api/v1/namespaces/{}/services",
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
}
EVENTS = "/api/v1/namespaces/{}/events"
READY_SECONDS = 300.0
TELL_SECONDS = 15.0
LOOK_SECONDS = 0.2
QUIET_SECONDS = 3.0
"""How long nothing may be left to do until the tail counts as over."""


@dataclass
class Run:
    """What a run is made of while it goes on."""

    cluster: Cluster
    plan: Plan
    examples: dict[str, Example]
    tasks: Sight
    jobs: Sight
    pods: Sight
    faults: Faults
    people: People
    logs: OperatorLogs
    at_once: int
    submitted: int = 0
    struck: list[Obj] = field(default_factory=list)
    """The faults as they befell: `at` (seconds), `kind`, `what`."""
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self.started

    async def until(self, at: float, submitted: int) -> None:
        """Wait until that second, and until so many Tasks have been submitted: all are to meet their share of chaos."""
        await _until(lambda: self.seconds >= at and self.submitted >= submitted)

    def is_full(self) -> bool:
        """Whether as many Tasks are under way as may be."""
        over = sum(ended(task) or attention(task) is not None for task in self.roots())
        return self.submitted - over >= self.at_once

    def roots(self) -> list[Obj]:
        """The Tasks that were submitted, as they are now."""
        return [task for task in self.tasks.now.values() if LABEL in (task["metadata"].get("labels") or {})]


async def play(cluster: Cluster, plan: Plan, at_once: int, patience: float, keep: Path | None) -> report.Document:
    """Run the plan and audit what came of it. Raises ChaosError.

    At most `at_once` Tasks are under way at any time, so that a slow machine is not buried under their pods: there,
    chaos lasts longer than planned. `patience`: seconds after which what has not come to an end never will. `keep`: the
    folder for the evidence; None: it is kept, in a folder of its own, if something deviates or a Task has not ended.
    """
    async with _begun(cluster, plan, at_once) as run:
        say(f"seed {plan.seed}: {len(plan.submissions)} Tasks and {len(plan.faults)} faults in {plan.seconds:.0f} s")
        async with asyncio.TaskGroup() as group:
            teller = group.create_task(_tell(run))
            group.create_task(_submit(run, plan.seconds + patience))
            await _strike(run)
            await run.until(plan.seconds, 0)
            say(f"{run.seconds:5.0f} s  calm")
            await run.faults.end()
            calm = run.seconds
            await _tail(run, patience)
            tail = run.seconds - calm
            teller.cancel()
        for sight in (run.tasks, run.jobs, run.pods):
            await sight.refresh()
        books, evidence = await read(cluster), await gather(cluster, run.tasks, run.jobs, run.pods)
        document = _document(run, books, evidence, calm, tail)
        if keep is not None or report.is_suspicious(document):
            folder = keep or keeping.default_folder(plan.seed)
            document["evidence"] = str(folder.resolve())
            await _keep(folder, run, books, evidence, document)
        return document


@asynccontextmanager
async def _begun(cluster: Cluster, plan: Plan, at_once: int) -> AsyncIterator[Run]:
    """Everything installed and watched, and the warehouse and the operator open."""
    known = {example.name: example for example in examples()}
    for manifest in installed():
        place = PLACES.get(manifest["kind"])
        path = place.format(cluster.namespace) if place else templates_path(cluster.namespace)
        await cluster.create(path, manifest)
    await _ready(cluster, cluster.namespace, WAREHOUSE)
    await _ready(cluster, OPERATOR_NAMESPACE, OPERATOR_SELECTOR)
    tasks, jobs, pods = (Sight(cluster, path(cluster.namespace)) for path in (tasks_path, jobs_path, pods_path))
    people, logs = await People.gathered(cluster, tasks, known), OperatorLogs(cluster)
    loops = [asyncio.create_task(each) for each in (tasks.follow(), jobs.follow(), pods.follow(), people.decide())]
    try:
        yield Run(cluster, plan, known, tasks, jobs, pods, Faults(cluster, logs), people, logs, at_once)
    finally:
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)


async def _ready(cluster: Cluster, namespace: str, selector: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while not any(container_of(pod) and _is_ready(pod) for pod in await cluster.list(pods_path(namespace), selector)):
        if time.monotonic() > deadline:
            raise ChaosError(f"no pod of {selector} in {namespace} is ready: `make install`, then look at its log")
        await asyncio.sleep(1)


async def _submit(run: Run, deadline: float) -> None:
    async with asyncio.TaskGroup() as customers:
        for submission in run.plan.submissions:
            await run.until(submission.at, 0)
            await _until(lambda: run.seconds > deadline or not run.is_full())
            await _order(run, submission, customers)
            run.submitted += 1


async def _until(met: Callable[[], bool]) -> None:
    while True:
        if met():
            return
        await asyncio.sleep(LOOK_SECONDS)


async def _order(run: Run, submission: Submission, customers: asyncio.TaskGroup) -> None:
    task = submission.example.task(submission.number)
    await run.cluster.create(tasks_path(run.cluster.namespace), task)
    if submission.cancelled_after is not None:
        customers.create_task(run.people.cancel(task["metadata"]["name"], submission.cancelled_after))


async def _strike(run: Run) -> None:
    """Every fault at its time, whether or not the one before it is over."""
    async with asyncio.TaskGroup() as group:
        for fault in run.plan.faults:
            await run.until(fault.at, int(fault.at / run.plan.seconds * SHARE * len(run.plan.submissions)))
            group.create_task(_one(run, fault))


async def _one(run: Run, fault: Fault) -> None:
    at = run.seconds
    struck = await run.faults.strike(fault)
    run.struck.append({"at": round(at, 1), "kind": fault.kind, "what": struck})
    say(f"{at:5.0f} s  {fault.kind}: {struck}")


async def _tell(run: Run) -> None:
    while True:
        await asyncio.sleep(TELL_SECONDS)
        roots = run.roots()
        over, asking = sum(map(ended, roots)), sum(attention(task) is not None for task in roots)
        say(f"{run.seconds:5.0f} s  {len(roots)} Tasks, {over} ended, {asking} ask a human, {len(run.jobs.now)} Jobs")


async def _tail(run: Run, patience: float) -> None:
    """Wait until every Task has ended, with a human who helps where one is asked for."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and not _is_over(run):
        await run.people.help()
        await asyncio.sleep(QUIET_SECONDS)
    await asyncio.sleep(QUIET_SECONDS)


def _is_over(run: Run) -> bool:
    """Whether all have ended, or ask for something that nobody here knows how to do."""
    going = [task for task in run.tasks.now.values() if not ended(task)]
    asking = [task for task in going if attention(task)]
    return run.submitted == len(run.plan.submissions) and len(asking) == len(going) and not run.people.can_help()


def _document(run: Run, books: Books, evidence: Evidence, calm: float, tail: float) -> report.Document:
    tasks, jobs = list(run.tasks.now.values()), list(run.jobs.now.values())
    deviations = [
        *_submitted(run),
        *audit(tasks, jobs, run.examples, run.people.cancelled),
        *compare(tasks, books, SEED),
        *breaches(evidence),
    ]
    return {
        "seed": run.plan.seed,
        "seconds": {"chaos": round(calm, 1), "tail": round(tail, 1)},
        "faults": {
            "planned": len(run.plan.faults),
            "done": dict(sorted(run.faults.done.items())),
            "missed": dict(sorted(run.faults.missed.items())),
        },
        "tasks": report.of_tasks(tasks, run.examples, run.people.cancelled),
        "attempts": report.of_attempts(tasks, run.pods.versions),
        "people": dict(run.people.did),
        "books": report.of_books(tasks, books),
        "seen": {"versions": len(run.tasks.versions), "listsOfTasks": run.tasks.lists},
        "deviations": report.of_deviations(deviations),
        "evidence": None,
    }


def _submitted(run: Run) -> list[Deviation]:
    wanted = {each.example.task(each.number)["metadata"]["name"] for each in run.plan.submissions}
    return [
        Deviation("no Task", name, "it was created, and is not there") for name in sorted(wanted - run.tasks.now.keys())
    ]


async def _keep(folder: Path, run: Run, books: Books, evidence: Evidence, document: report.Document) -> None:
    """Everything that the audit looks at and what helps to understand it. Raises KubeError."""
    await run.logs.read()
    seen = {
        "report": document,
        "faults": run.struck,
        "tasks": run.tasks.versions,
        "jobs": run.jobs.versions,
        "pods": run.pods.versions,
        "configmaps": evidence.config_maps,
        "revisions": evidence.revisions,
        "actions": evidence.actions,
        "events": await run.cluster.list(EVENTS.format(run.cluster.namespace)),
        "operator-events": await run.cluster.list(EVENTS.format(OPERATOR_NAMESPACE)),
        "books": asdict(books),
        "cancelled": sorted(run.people.cancelled),
    }
    keeping.write(folder, seen, run.logs.texts)


def _is_ready(pod: Obj) -> bool:
    conditions = pod.get("status", {}).get("conditions") or ()
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
