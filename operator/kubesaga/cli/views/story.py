"""A Task as it is told: its object, read, with its history, its template and its children where they are known.

Every page of the CLI is a function of stories. The commands make them of what the client brings (``Story.of``), the
local engine of a Task that lives in its own process (by the constructor).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kubesaga.api.constants import DEFAULT_DOMAIN
from kubesaga.api.status import read_status
from kubesaga.api.times import epoch
from kubesaga.cli.views.pinned import Pinned
from kubesaga.engine.plan import Plan
from kubesaga.engine.records import StepRecord, TaskStatus
from kubesaga.engine.states import LIVE_STEP_STATES, TERMINAL_TASK_STATES
from kubesaga.engine.vocabulary import DesiredState, Role

Obj = Mapping[str, Any]


@dataclass(frozen=True)
class Move:
    """One entry of the history: the way that a step, a compensation or the Task (``step`` None) went in a decision."""

    at: float
    events: tuple[str, ...]
    source: str
    target: str
    step: str | None = None
    role: Role = Role.FORWARD
    attempt: int | None = None
    message: str = ""

    @classmethod
    def of(cls, wire: Obj) -> Move:
        """Read an entry of ``status.transitions``."""
        return cls(
            at=epoch(wire["at"]),
            events=tuple(wire["events"]),
            source=wire["from"],
            target=wire["to"],
            step=wire.get("step"),
            role=Role(wire.get("role", Role.FORWARD)),
            attempt=wire.get("attempt"),
            message=wire.get("message", ""),
        )


@dataclass(frozen=True)
class Story:
    """One Task. Times in seconds since the epoch; ``plan`` is its pinned template, None where that cannot be read.

    ``children`` holds the sub-workflows by the name of the step that runs them. ``moves`` are the history's entries,
    oldest first; ``finals`` names the steps of ``finally``.
    """

    name: str
    status: TaskStatus
    namespace: str = ""
    uid: str = ""
    created_at: float | None = None
    spec: Obj = field(default_factory=dict)
    moves: tuple[Move, ...] = ()
    finals: frozenset[str] = frozenset()
    plan: Plan | None = None
    timeouts: Mapping[tuple[str, Role], float] = field(default_factory=dict)
    """Of one attempt, in seconds, by step and role; from the template as well."""
    children: Mapping[str, Story] = field(default_factory=dict)
    seen: bool = True
    """Whether an operator has looked at it at all."""
    parent_over: bool = False
    """Whether the Task that it is a sub-workflow of is ending, has ended, or is gone: as far as that was asked."""

    @classmethod
    def of(
        cls,
        task: Obj,
        *,
        history: Iterable[Obj] | None = None,
        template: Obj | None = None,
        children: Mapping[str, Story] | None = None,
    ) -> Story:
        """Read a Task object; ``history`` is the whole one where its status holds only the newest part, ``template``
        the content of its revision. One that this version cannot read is left out."""
        pinned = None if template is None else Pinned.of(template)
        meta, wire = task["metadata"], task.get("status") or {}
        entries = wire.get("transitions") or () if history is None else history
        created = meta.get("creationTimestamp")
        return cls(
            name=meta["name"],
            namespace=meta.get("namespace", ""),
            uid=meta.get("uid", ""),
            created_at=epoch(created) if created else None,
            spec=task.get("spec") or {},
            status=read_status(wire),
            moves=tuple(Move.of(entry) for entry in entries),
            finals=frozenset(step["name"] for step in wire.get("steps") or () if step.get("final")),
            plan=pinned.plan if pinned else None,
            timeouts=pinned.timeouts if pinned else {},
            children=children or {},
            seen="state" in wire,
        )

    @property
    def ended(self) -> bool:
        """Whether nothing will happen by itself any more."""
        return self.status.state in TERMINAL_TASK_STATES

    @property
    def held(self) -> bool:
        """Whether its own request suspends it; a sub-workflow can be suspended with its parent too."""
        return bool(self.spec.get("desiredState") == DesiredState.SUSPENDED)

    @property
    def template(self) -> str:
        """``domain/name@version``: the version that it runs, or the one that was asked for."""
        reference = self.spec.get("templateRef") or {}
        pinned = self.status.template
        name = pinned.name if pinned else reference.get("name", "")
        version = pinned.version if pinned else reference.get("version")
        return f"{reference.get('domain', DEFAULT_DOMAIN)}/{name}" + (f"@{version}" if version else "")

    @property
    def duration(self) -> float | None:
        """Seconds from start to end; None while either is missing."""
        started, finished = self.status.started_at, self.status.finished_at
        return None if started is None or finished is None else finished - started

    @property
    def forward(self) -> list[StepRecord]:
        """The steps' records without those of ``finally``."""
        return [step for step in self.status.steps if step.name not in self.finals]

    def records(self) -> Iterator[tuple[Role, StepRecord]]:
        """Every step's record and, after it, its compensation's."""
        for step in self.status.steps:
            yield Role.FORWARD, step
            if step.compensation is not None:
                yield Role.COMPENSATION, step.compensation

    def step(self, name: str) -> StepRecord | None:
        """One step's record."""
        return next((step for step in self.status.steps if step.name == name), None)


def failed_attempt(record: StepRecord) -> int:
    """Which attempt a record's error is of: the latest, or the one before it while that goes on."""
    goes_on = record.state in LIVE_STEP_STATES and record.stop is None
    return record.attempt - 1 if goes_on else record.attempt
