"""What is known of one Task beside its latest version: its workflow, its runs, and the exceptions that people made.

The checks of attempts ask it. The simulation fills it as things happen; ``afterwards`` from what a cluster still shows.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from tests.guarantees.attempts import Attempt, Obj, labels_of, name_of_task, record_of
from tests.guarantees.workflow import Workflow


class Run(Protocol):
    """A program of an attempt, from its start to its end, as it truly was. ``code`` None: it has not ended."""

    step: str
    role: str
    attempt: int
    job: str
    pod: str
    key: str
    code: int | None
    document: Any

    @property
    def input(self) -> Mapping[str, Any]:
        """The document that it read; empty where nobody kept it."""


@dataclass(eq=False)
class Story:
    """One Task.

    ``runs`` in the order in which they began, ``live`` those that have not ended. ``by_hand``: the steps (or
    compensations, by role) whose latest word is a human's; ``anew``: those that were begun anew once. Exceptions of
    semantics 6.8: ``run_again``: attempts whose Job was deleted by hand before their start was recorded;
    ``out_of_sight``: attempts that a human said are gone, by ConfirmStopped or by deleting their pod by force;
    ``node_lost``: attempts that ran on a node that was lost; ``replaced``: attempts whose pod was evicted and failed by
    its timeout when its program had succeeded; ``doubled``: attempts for whose Job Kubernetes itself made two pods at
    once.
    """

    task: Obj
    workflow: Workflow | None = None
    runs: list[Run] = field(default_factory=list)
    live: list[Run] = field(default_factory=list)
    by_hand: set[tuple[str, str]] = field(default_factory=set)
    anew: set[tuple[str, str]] = field(default_factory=set)
    run_again: set[Attempt] = field(default_factory=set)
    out_of_sight: set[Attempt] = field(default_factory=set)
    node_lost: set[Attempt] = field(default_factory=set)
    replaced: set[Attempt] = field(default_factory=set)
    doubled: set[Attempt] = field(default_factory=set)

    @property
    def name(self) -> str:
        """The Task, for breaches."""
        return name_of_task(self.task)

    def record(self, step: str, role: str) -> Obj:
        """The latest record of a step or of its compensation."""
        return record_of(self.task, step, role)

    def has_succeeded(self, step: str, role: str) -> bool:
        """Whether a run of it ended with exit code 0."""
        return any(run.code == 0 and run.step == step and run.role == role for run in self.runs)

    def may_run_again(self, run: Run) -> bool:
        """Whether the cluster, or a human, has this attempt run once more, whatever came of it before."""
        attempt = attempt_of_run(run)
        if attempt in self.run_again:
            return True
        ran_well = any(other.code == 0 and other.job == run.job for other in self.runs)
        return ran_well and (attempt in self.node_lost or attempt in self.replaced)


def attempt_of_run(run: Run) -> Attempt:
    """Whose run it is."""
    return Attempt(run.step, run.role, run.attempt)


def is_fence(job: Obj) -> bool:
    """Whether a Job only takes a name."""
    return "kubesaga.dev/fence" in labels_of(job)
