"""One Task that lives in this process: it is told what became of its attempts, and says what follows.

The same ``decide`` as on a cluster, without a cluster: what the operator gathers from an API server, a Session keeps by
itself. It runs nothing and looks at no clock; whoever drives it does (the SDK's runners, the local engine, the test
kit):

    session = Session(plan, name="order-1", uid="1", context={"total": 5}, created_at=now)
    while not session.ended:
        decision = session.decide(now)
        for attempt in decision.launches:
            session.started(attempt, now)
            session.succeeded(attempt, now, {"id": 7})  # or session.failed(attempt, now, StepError(...))

Times are seconds since the epoch, of whatever clock the driver has. A Task with sub-workflows is driven by ``family``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kubesaga.engine import scope as scopes
from kubesaga.engine.decide import decide
from kubesaga.engine.decision import Attempt, Decision, Verdict
from kubesaga.engine.plan import Plan, Scope
from kubesaga.engine.records import ParentLink, PinnedTemplate, ResultRef, StepError, StepRecord, TaskStatus, Transition
from kubesaga.engine.snapshot import Action, Child, Claim, MissingValues, Observation, Parent, Phase, Snapshot
from kubesaga.engine.states import LIVE_STEP_STATES, TERMINAL_TASK_STATES
from kubesaga.engine.vocabulary import ActionType, DesiredState, Role, RunningSteps, StepKind, TaskState

STOPPED = StepError("Terminated", "the program was told to stop", outcome_unknown=True)
TIMED_OUT = StepError("Timeout", "the attempt was stopped at its timeout", outcome_unknown=True)
LOST = StepError(
    "JobLost", "what ran the attempt is gone; whether the work was done is not known", outcome_unknown=True
)
_FENCED = Observation(Phase.FENCED, terminal=True)


@dataclass(eq=False)
class Session:
    """A Task. ``about`` is the expressions' variable ``task``; ``context`` has the template's defaults merged in.

    ``status``, ``history`` and ``values`` (what the status' ResultRefs stand for, by name) are what a driver keeps to
    go on later; it then says of each of ``unseen()`` what became of it. ``claim_name`` is what stands for the request's
    idempotencyKey, of which a template with the identity strategy CallerProvided wants one. ``link`` is its place below
    a parent; ``parent`` and ``children`` (by step) are what it sees of its relatives, kept up to date by ``family``.
    """

    plan: Plan
    name: str
    uid: str
    context: Mapping[str, Any]
    created_at: float
    about: Mapping[str, Any] = field(default_factory=dict)
    bypass: frozenset[str] = frozenset()
    request_problems: tuple[str, ...] = ()
    template: PinnedTemplate | None = None
    claim_name: str | None = None
    link: ParentLink | None = None

    status: TaskStatus = field(default_factory=TaskStatus)
    history: list[Transition] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    desired: DesiredState = DesiredState.RUNNING
    cancel_mode: RunningSteps = RunningSteps.DRAIN
    cancel_compensates: bool = False

    parent: Parent | None = None
    children: Mapping[int, Child] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._seen: dict[Attempt, Observation] = {}
        self._actions: list[Action] = []
        self._acted = 0
        self._claimed = False
        self._news = True

    # --- deciding --------------------------------------------------------------------------------------------

    def decide(self, now: float) -> Decision:
        """What follows at ``now``, taken over into ``status``, ``history`` and ``values``.

        The decision's ``launches`` are for the driver to run, each once; its ``stops`` to tell to stop (they end by
        ``stopped``, or by what they came to). Nothing more follows before the driver tells of something, or
        ``wake_at``. Raises IllegalTransition, which is a bug.
        """
        self._news = False
        whole = self._pass(now)
        again = whole
        while again.fences or again.claim or again.verdicts:
            again = self._pass(now)
            whole = replace(
                again,
                transitions=whole.transitions + again.transitions,
                launches=whole.launches + again.launches,
                stops=whole.stops + again.stops,
                verdicts=whole.verdicts + again.verdicts,
                blobs=whole.blobs + again.blobs,
                events=whole.events + again.events,
            )
        return replace(whole, fences=(), claim=False, finalizer=False, release=False)

    def _pass(self, now: float) -> Decision:
        decision = self._decided(self._snapshot(), now)
        self.status = decision.status
        self.history.extend(decision.transitions)
        self.values.update((blob.ref.name, blob.value) for blob in decision.blobs)
        self.verdicts.update((verdict.uid, verdict) for verdict in decision.verdicts)
        self._actions = [action for action in self._actions if action.uid not in self.verdicts]
        self._claimed = self._claimed or decision.claim
        for attempt in decision.launches:
            # Free to start at once: whoever drives it has no quota, so that no startTimeout runs.
            self._seen[attempt] = Observation(Phase.WAITING)
        for attempt in decision.fences:
            self._seen[attempt] = _FENCED
        for attempt in decision.stops:
            self._seen[attempt] = replace(self._seen[attempt], stopping=True)
        return decision

    def _decided(self, snapshot: Snapshot, now: float) -> Decision:
        while True:
            try:
                return decide(self.plan, snapshot, now)
            except MissingValues as missing:
                wanted = {name: self.values[name] for name in missing.names}
                snapshot = replace(snapshot, values={**snapshot.values, **wanted})

    def _snapshot(self) -> Snapshot:
        seen: dict[Role, dict[int, Observation]] = {role: {} for role in Role}
        for i, step in enumerate(self.status.steps):
            for role, record in ((Role.FORWARD, step), (Role.COMPENSATION, step.compensation)):
                attempt = Attempt(step.name, role, record.attempt) if record else None
                if attempt in self._seen:
                    seen[role][i] = self._seen[attempt]
        return Snapshot(
            task_name=self.name,
            task_uid=self.uid,
            context=self.context,
            status=self.status,
            template=self.status.template or self.template,
            request_problems=self.request_problems,
            forward=seen[Role.FORWARD],
            compensation=seen[Role.COMPENSATION],
            children=self.children,
            about=self.about,
            created_at=self.created_at,
            desired=self.desired,
            cancel_mode=self.cancel_mode,
            cancel_compensates=self.cancel_compensates,
            bypass=self.bypass,
            actions=tuple(self._actions),
            parent=self.parent,
            claim=Claim(mine=True, holder=self.name) if self._claimed else None,
            claim_name=self.claim_name,
        )

    # --- what became of attempts -----------------------------------------------------------------------------

    def started(self, attempt: Attempt, at: float) -> None:
        """The attempt's program runs."""
        self._see(attempt, phase=Phase.RUNNING, started_at=at)

    def succeeded(
        self, attempt: Attempt, at: float, result: Any = None, metadata: Mapping[str, Any] | None = None
    ) -> None:
        """The attempt's program has ended well. ``result`` and ``metadata`` are JSON values, the driver's no longer."""
        self._see(attempt, phase=Phase.SUCCEEDED, terminal=True, finished_at=at, result=result, metadata=metadata)

    def failed(self, attempt: Attempt, at: float, error: StepError) -> None:
        """The attempt is over, nothing of it runs any more, and it failed."""
        self._see(attempt, phase=Phase.FAILED, terminal=True, finished_at=at, error=error)

    def stopped(self, attempt: Attempt, at: float) -> None:
        """The attempt was told to stop, has ended, and left no word about its work."""
        self.failed(attempt, at, STOPPED)

    def lost(self, attempt: Attempt, at: float) -> None:
        """The attempt may have run, and nothing of it runs any more; nobody saw what became of it."""
        self.started(attempt, self.record(attempt.step, attempt.role).enqueued_at or at)
        self.failed(attempt, at, LOST)

    def refused(self, attempt: Attempt, error: StepError) -> None:
        """The attempt cannot be started at all, and waiting will not help."""
        self._news = True
        self._seen[attempt] = Observation(Phase.ABSENT, waiting_since=0.0, problem=error, hopeless=True)

    def _see(self, attempt: Attempt, **facts: Any) -> None:
        self._news = True
        self._seen[attempt] = replace(self._seen.get(attempt, Observation(Phase.WAITING)), **facts)

    # --- what is asked of it ---------------------------------------------------------------------------------

    def act(self, type_: ActionType, step: str | None = None, *, at: float, **spec: Any) -> str:
        """A human acts; ``spec`` are further fields of ``Action`` (result, reason, requested_by, expected_attempt).

        Returns the action's UID, under which ``verdicts`` has the answer after the next ``decide``, or after a later
        one where a step has to stop first.
        """
        self._news = True
        self._acted += 1
        uid = f"{self.uid}/{at}/{self._acted}"
        spec.setdefault("has_result", "result" in spec)
        self._actions.append(
            Action(uid=uid, name=f"action-{self._acted}", type=type_, created_at=at, step=step, **spec)
        )
        return uid

    def cancel(self, mode: RunningSteps = RunningSteps.DRAIN, *, compensate: bool = False) -> None:
        """Have it end; there is no way back."""
        self._news = True
        self.desired, self.cancel_mode, self.cancel_compensates = DesiredState.CANCELLED, mode, compensate

    def suspend(self) -> None:
        """Have nothing new started, until ``resume``. A cancelled Task stays cancelled."""
        if self.desired is DesiredState.RUNNING:
            self.desired, self._news = DesiredState.SUSPENDED, True

    def resume(self) -> None:
        """Go on after ``suspend``."""
        if self.desired is DesiredState.SUSPENDED:
            self.desired, self._news = DesiredState.RUNNING, True

    # --- looking ---------------------------------------------------------------------------------------------

    @property
    def ended(self) -> bool:
        """Whether it is in a terminal state; a failed one may still be reopened by an action."""
        return self.status.state in TERMINAL_TASK_STATES

    @property
    def has_news(self) -> bool:
        """Whether it was told or asked something since the last ``decide``, or has never decided."""
        return self._news

    @property
    def suspended(self) -> bool:
        """Whether it, or one above it, is to start nothing."""
        return self.desired is DesiredState.SUSPENDED or bool(self.parent and self.parent.suspended)

    @property
    def waits_for_human(self) -> bool:
        """Whether nothing of its own runs, waits for a retry or is left to a child: only an action, or time, helps."""
        if self.ended or self._news:
            return False
        asked = self.status.attention is not None or self.suspended or bool(self.open_approvals())
        return (asked or self.status.state is TaskState.BLOCKED_BY_FAILURES) and not self._goes_on()

    def _goes_on(self) -> bool:
        if not self.suspended and any(record.next_retry_at is not None for _, _, record in self._records()):
            return True
        return any(self.plan.kind(i, role) is not StepKind.APPROVAL for i, role, _ in self._live())

    def open_approvals(self) -> list[str]:
        """The steps that wait for a human's word."""
        return [record.name for i, role, record in self._live() if self.plan.kind(i, role) is StepKind.APPROVAL]

    def live(self) -> list[Attempt]:
        """The attempts of programs that are recorded as under way."""
        found = self._live()
        return [Attempt(r.name, role, r.attempt) for i, role, r in found if self.plan.kind(i, role) is StepKind.PROGRAM]

    def unseen(self) -> list[Attempt]:
        """Those of ``live()`` that nothing was told of: a Session made of a kept status has to be told."""
        return [attempt for attempt in self.live() if attempt not in self._seen]

    def observed(self, attempt: Attempt) -> Observation | None:
        """What this Session was last told of an attempt."""
        return self._seen.get(attempt)

    def record(self, step: str, role: Role = Role.FORWARD) -> StepRecord:
        """The record of a step, or of its compensation (a fresh one where it has not begun)."""
        record = self.status.steps[self.plan.graph.index[step]]
        return record if role is Role.FORWARD else record.compensation or StepRecord(step)

    @property
    def result(self) -> Any:
        """The Task's result as a value."""
        return self.value(self.status.result)

    def value(self, stored: Any) -> Any:
        """A recorded result as a value, wherever it is kept."""
        return self.values[stored.name] if isinstance(stored, ResultRef) else stored

    def scope(self, step: str | None) -> Scope:
        """What the expressions of this step, or (None) of the Task's output, see. Raises ExpressionError."""
        i = None if step is None else self.plan.graph.index[step]
        return scopes.scope(self.plan, self.status, i, context=self.context, about=self.about, values=self.values)

    def _records(self) -> list[tuple[int, Role, StepRecord]]:
        forward = [(i, Role.FORWARD, step) for i, step in enumerate(self.status.steps)]
        return forward + [(i, Role.COMPENSATION, step.compensation) for i, _, step in forward if step.compensation]

    def _live(self) -> list[tuple[int, Role, StepRecord]]:
        return [each for each in self._records() if each[2].state in LIVE_STEP_STATES]
