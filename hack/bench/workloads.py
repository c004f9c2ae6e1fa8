"""What is run for the figures: graphs of one-container steps that do nothing, and how many of everything.

The template made here is what Kubesaga runs; the floor runs the very pods that Kubesaga's own code makes of it. The
program is `true`, so that what is measured is Kubernetes and Kubesaga, not the start of an interpreter.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from kubesaga.api import constants as c
from kubesaga.api.compile import compile_plan
from kubesaga.api.models import TaskTemplateSpec
from kubesaga.api.programs import step_program
from kubesaga.engine.decision import Attempt
from kubesaga.engine.records import StepRecord, TaskStatus
from kubesaga.engine.vocabulary import DeletionPolicy, Role
from kubesaga.runtime.jobs import build_job

Obj = dict[str, Any]

IMAGE = "kubesaga-base:dev"
COMMAND = ["true"]
USER = 65532  # The image names no user, and a step's pod must not run as root.
VERSION = "1.0.0"

LABEL_RUN = "bench.kubesaga.dev/run"
LABEL_STEP = "bench.kubesaga.dev/step"


@dataclass(frozen=True)
class Size:
    """How much of everything is measured."""

    runs: int
    tasks_at_once: int
    chains: int
    floor_chains: int
    finished_tasks: int
    idle_seconds: float


FULL = Size(runs=3, tasks_at_once=100, chains=24, floor_chains=8, finished_tasks=1000, idle_seconds=60.0)
QUICK = Size(runs=1, tasks_at_once=20, chains=3, floor_chains=1, finished_tasks=100, idle_seconds=10.0)


@dataclass(frozen=True)
class Workload:
    """A workflow and how many of it are started at once. `graph` maps each step to those it waits for."""

    name: str
    graph: Mapping[str, tuple[str, ...]]
    copies: int = 1

    @cached_property
    def children(self) -> dict[str, list[str]]:
        """Which steps wait for each step."""
        children: dict[str, list[str]] = {step: [] for step in self.graph}
        for step, parents in self.graph.items():
            for parent in parents:
                children[parent].append(step)
        return children

    @property
    def steps(self) -> int:
        """How many containers all copies run together."""
        return len(self.graph) * self.copies

    def runs(self, prefix: str) -> list[str]:
        """Names of the copies, each started once: Tasks' names, or the floor's runs."""
        return [f"{self.name}-{prefix}-{number}" for number in range(self.copies)]

    def template(self, namespace: str) -> Obj:
        """The TaskTemplate that Kubesaga runs."""
        return {
            "apiVersion": c.API_VERSION,
            "kind": c.TEMPLATE_KIND,
            "metadata": {"name": self.name, "namespace": namespace},
            "spec": {
                "version": VERSION,
                "defaults": {
                    "image": IMAGE,
                    "imagePullPolicy": "IfNotPresent",
                    "pod": {"securityContext": {"runAsUser": USER}},
                },
                "steps": [
                    {"name": name, "dependsOn": list(parents), "container": {"command": COMMAND}}
                    for name, parents in self.graph.items()
                ],
            },
        }

    def task(self, name: str, namespace: str) -> Obj:
        """A request to run the template."""
        return task(name, namespace, self.name)

    def step_jobs(self, run: str, namespace: str) -> dict[str, Obj]:
        """By step, a plain Job with the pod that Kubesaga would run for it, under the benchmark's labels."""
        spec = TaskTemplateSpec.read(self.template(namespace)["spec"])
        plan = compile_plan(spec)
        status = TaskStatus(steps=tuple(StepRecord(step) for step in self.graph))
        request = self.task(run, namespace)
        request["metadata"]["uid"] = "00000000-0000-0000-0000-000000000000"
        jobs = {}
        for step in self.graph:
            attempt = Attempt(step, Role.FORWARD, 1)
            program = step_program(spec, step, Role.FORWARD)
            nothing: Obj = {}
            made = build_job(
                request,
                plan,
                status,
                attempt,
                program,
                policy=DeletionPolicy.DELETE,
                context=nothing,
                options=nothing,
                values=nothing,
            )
            jobs[step] = _plain_job(run, step, namespace, made.job["spec"]["template"]["spec"])
        return jobs

    def bare_jobs(self, run: str, namespace: str) -> dict[str, Obj]:
        """By step, a Job with the least pod that can run the program: no volume, no security context, no input."""
        pod = {
            "restartPolicy": "Never",
            "containers": [{"name": c.MAIN_CONTAINER, "image": IMAGE, "command": COMMAND}],
        }
        return {step: _plain_job(run, step, namespace, copy.deepcopy(pod)) for step in self.graph}


def task(name: str, namespace: str, template: str) -> Obj:
    """A Task of any template."""
    return {
        "apiVersion": c.API_VERSION,
        "kind": c.TASK_KIND,
        "metadata": {"name": name, "namespace": namespace, "labels": {LABEL_RUN: name}},
        "spec": {"templateRef": {"name": template, "version": VERSION}},
    }


def _plain_job(run: str, step: str, namespace: str, pod: Obj) -> Obj:
    labels = {LABEL_RUN: run, LABEL_STEP: step}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": f"{run}-{step}", "namespace": namespace, "labels": labels},
        "spec": {"backoffLimit": 0, "template": {"metadata": {"labels": labels}, "spec": pod}},
    }


def single(copies: int = 1) -> Workload:
    """One step."""
    return Workload(f"tasks{copies}", {"s0": ()}, copies)


def chain(length: int) -> Workload:
    """Steps one after another."""
    return Workload(f"chain{length}", {f"s{i}": (f"s{i - 1}",) if i else () for i in range(length)})


def fan(width: int) -> Workload:
    """One root, `width` steps side by side, and one that waits for all of them."""
    leaves = [f"s{i}" for i in range(width)]
    return Workload(f"fan{width}", {"root": (), **dict.fromkeys(leaves, ("root",)), "join": tuple(leaves)})
