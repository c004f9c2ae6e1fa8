"""What a simulated run consists of: templates, Tasks, how their handlers go, and what befalls them.

``sowing`` draws a plan from a seed, ``simulation`` plays it, ``shrink`` takes mishaps away from it. A plan is data:
equal plans run equally.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Obj = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """How one run of a step's container goes."""

    seconds: float | None = 1.0
    """How long it works; None: until it is stopped."""
    document: Any = None
    """What it writes to its result file (as JSON; a str is written as it is); None: nothing."""
    code: int = 0
    log: bytes = b""
    """Its log, for results that are framed there."""
    grace: float | None = 0.2
    """Seconds from SIGTERM to its end (exit code 143, no document); None: it has to be killed (137)."""
    starts: bool = True
    """False: its image cannot be pulled."""
    reason: str | None = None
    """The container runtime's word for its end, such as OOMKilled; None: Completed or Error, by its code."""


@dataclass(frozen=True)
class Submit:
    """A Task is created."""

    at: float
    task: Obj


# --- what goes wrong with a call of an operator: ``nth`` counts the calls of all operators, Lease and Events left out -


@dataclass(frozen=True)
class Refuse:
    """The nth call is refused without effect: 409 Conflict, 410, 429 (with ``retry_after`` seconds), 500 or 503."""

    nth: int
    status: int
    retry_after: int | None = None


@dataclass(frozen=True)
class NoAnswer:
    """The nth call gets no answer within its time-out.

    ``effect``: it never arrives, it was done at once, or it arrives ``seconds`` late, whoever lives by then.
    ``at_once``: the connection breaks; else the client waits for its whole time-out.
    """

    nth: int
    effect: Literal["none", "done", "late"]
    seconds: float = 45.0
    at_once: bool = False


@dataclass(frozen=True)
class Crash:
    """The operator that makes the nth call dies: before the call takes effect, or after it and before the answer."""

    nth: int
    when: Literal["before", "after"]
    down: float = 1.0
    """Seconds until it is started again."""


# --- what goes wrong with watches: ``at`` in seconds since the beginning; ``kind`` a plural, or None for all ----------


@dataclass(frozen=True)
class DropWatch:
    """Connections of watches end; ``compacted``: what they missed is history, so that they get 410."""

    at: float
    kind: str | None = None
    compacted: bool = False


@dataclass(frozen=True)
class DelayWatch:
    """News of a kind is late for a while: reorders it against other kinds."""

    at: float
    kind: str | None
    seconds: float
    late: float


@dataclass(frozen=True)
class RepeatWatch:
    """A watch starts again some ``events`` back, as from another API server's cache, and tells them twice."""

    at: float
    kind: str | None
    events: int


@dataclass(frozen=True)
class StaleList:
    """The feed's next list of a kind shows the state of some ``events`` ago (with the version of then)."""

    at: float
    kind: str | None
    events: int


# --- processes and machines -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Kill:
    """SIGKILL of an operator, which is started again ``down`` seconds later."""

    at: float
    operator: int
    down: float = 1.0


@dataclass(frozen=True)
class Freeze:
    """SIGSTOP of an operator, and SIGCONT."""

    at: float
    operator: int
    seconds: float


@dataclass(frozen=True)
class Cut:
    """An operator does not reach the API server for a while."""

    at: float
    operator: int
    seconds: float


@dataclass(frozen=True)
class Usurp:
    """Somebody empties the Lease: another operator leads while the first still believes that it does."""

    at: float


@dataclass(frozen=True)
class Outage:
    """The API server is away, for everybody."""

    at: float
    seconds: float


@dataclass(frozen=True)
class Upgrade:
    """Every operator is stopped by SIGTERM and replaced, one after the other; ``flags`` are added to the new ones."""

    at: float
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class ClockStep:
    """The wall clock of an operator's machine (None: of the API server's) leaps."""

    at: float
    operator: int | None
    seconds: float


@dataclass(frozen=True)
class LoseNode:
    """A node's kubelet falls silent with all its pods still running; it comes back after ``seconds`` (None: never)."""

    at: float
    node: int
    seconds: float | None


@dataclass(frozen=True)
class DrainNode:
    """A node's pods are evicted."""

    at: float
    node: int


# --- people: ``task`` is a Task's name, or a path (``t1/ship``: the child Task of the step ship of t1); ``step`` may be
# ``?``: one that the act fits -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class DeleteJob:
    """Somebody deletes the newest Job of a step."""

    at: float
    task: str
    step: str
    role: Literal["forward", "compensation"] = "forward"
    propagation: Literal["Background", "Foreground", "Orphan"] = "Background"


@dataclass(frozen=True)
class DeletePod:
    """Somebody deletes the pod of a step."""

    at: float
    task: str
    step: str
    role: Literal["forward", "compensation"] = "forward"
    force: bool = False


@dataclass(frozen=True)
class ChangeTemplate:
    """A template's spec is changed by a merge patch."""

    at: float
    template: str
    spec: Obj


@dataclass(frozen=True)
class DeleteTemplate:
    """A template is deleted."""

    at: float
    template: str


@dataclass(frozen=True)
class ApplyTemplate:
    """A template is created: a further release, or one that comes later than its Tasks."""

    at: float
    template: Obj


@dataclass(frozen=True)
class ChangeTask:
    """A Task's spec is changed by a merge patch: suspended, resumed, cancelled."""

    at: float
    task: str
    spec: Obj


@dataclass(frozen=True)
class DeleteTask:
    """A Task is deleted."""

    at: float
    task: str
    propagation: Literal["Background", "Foreground"] = "Background"


@dataclass(frozen=True)
class Act:
    """A TaskAction is created. ``spec`` has ``step``, ``result`` and what else it needs beside its type and Task."""

    at: float
    task: str
    type: str
    spec: Obj = field(default_factory=dict)
    patience: float = 0.0
    """Seconds for which people look again until it fits; 0: they act at once, fitting or not."""


CallFault = Refuse | NoAnswer | Crash
WatchFault = DropWatch | DelayWatch | RepeatWatch | StaleList
MachineFault = Kill | Freeze | Cut | Usurp | Outage | Upgrade | ClockStep | LoseNode | DrainNode
HumanAct = DeleteJob | DeletePod | ChangeTemplate | DeleteTemplate | ApplyTemplate | ChangeTask | DeleteTask | Act
Mishap = CallFault | WatchFault | MachineFault | HumanAct


@dataclass(frozen=True)
class Plan:
    """One run. ``script``: by step name (``name~``: its compensation) how its containers go, one run after the other
    of each Task; the last repeats; without an entry they succeed in a second with result ``{"step": name}``.
    ``name@part`` is for Tasks whose names contain the part, and goes before ``name``."""

    name: str
    seed: int
    """Of the latencies, of which there is one for every call, event and controller."""
    templates: tuple[Obj, ...]
    submits: tuple[Submit, ...]
    script: Mapping[str, tuple[Outcome, ...]] = field(default_factory=dict)
    mishaps: tuple[Mishap, ...] = ()
    operators: int = 1
    flags: tuple[str, ...] = ()
    feed: Literal["direct", "kopf"] = "direct"
    nodes: int = 2
    patience: float = 2 * 3600.0
    """Virtual seconds after the last mishap within which every Task must end or name a human decision."""
    decisive: bool = False
    """Whether people then decide whatever Tasks wait for, so that every Task has to end."""
