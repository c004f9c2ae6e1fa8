"""A workflow as its pinned template says it, read without the engine: what depends on what, what can be undone.

Reachability is computed here anew, so that a fault of the engine's own graph does not hide itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from kubesaga.api.durations import parse_duration
from kubesaga.engine.vocabulary import CompensationWhen, StepKind, StepOutcome, StepState
from tests.guarantees.attempts import COMPENSATION, DONE, FINAL, FORWARD, Obj, state_of_record

STARTED = CompensationWhen.STARTED.value


@dataclass(frozen=True, slots=True)
class Step:
    """One step.

    ``undo_when`` None: it cannot be undone; ``undo_kind``: whether a program or its child does that. ``may_be_silent``:
    whether its program, by role, may end well without a result. ``checks_result``: whether a result may be refused.
    """

    name: str
    kind: StepKind
    depends_on: tuple[str, ...]
    run_after: tuple[str, ...]
    continue_on_error: bool
    final: bool
    max_attempts: Mapping[str, int]
    may_ignore: bool
    undo_when: str | None
    undo_kind: StepKind
    approval_timeout: float | None
    may_be_silent: Mapping[str, bool]
    checks_result: bool


@dataclass(frozen=True)
class Workflow:
    """A template's pinned content (a ControllerRevision's ``data``)."""

    content: Obj
    steps: Mapping[str, Step] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "steps", {step.name: step for step in _steps(self.content)})

    @property
    def compensates(self) -> bool:
        """Whether a failure is undone."""
        return bool(self.content.get("failureStrategy") == "Compensate")

    @property
    def blocked_timeout(self) -> float:
        """Seconds in which a failed Task can be repaired."""
        return parse_duration(self.content.get("blockedTimeout") or "0s")

    @cached_property
    def after(self) -> Mapping[str, frozenset[str]]:
        """By step, all that come after it, by dependsOn or runAfter, directly or not."""
        nexts: dict[str, set[str]] = {name: set() for name in self.steps}
        for step in self.steps.values():
            for parent in (*step.depends_on, *step.run_after):
                nexts[parent].add(step.name)
        return {name: _reach(name, nexts) for name in self.steps}

    def unsatisfied(self, step: Step, states: Mapping[str, str]) -> str | None:
        """One of the steps for which this one has to wait as they stand; None if its turn has come."""
        for name in step.depends_on:
            if not (states[name] in FINAL if step.final else self._is_satisfied(name, states)):
                return name
        for name in step.run_after:
            if states[name] not in FINAL and not self._is_unreachable(name, states):
                return name
        return None

    def _is_satisfied(self, name: str, states: Mapping[str, str]) -> bool:
        failed = states[name] == StepState.ERROR.value
        return states[name] in DONE or (failed and self.steps[name].continue_on_error)

    def _is_unreachable(self, name: str, states: Mapping[str, str]) -> bool:
        """Whether a step that this one depends on, directly or not, has ended without being done."""
        for parent in self.steps[name].depends_on:
            if states[parent] in FINAL and not self._is_satisfied(parent, states):
                return True
            if self._is_unreachable(parent, states):
                return True
        return False

    def is_due(self, name: str, record: Obj) -> bool:
        """Whether a step with this record may have done something that is to be undone."""
        step = self.steps[name]
        if step.undo_when is None or step.final:
            return False
        done = state_of_record(record) == StepState.COMPLETE.value
        if done and record.get("outcome") == StepOutcome.SUCCEEDED.value:
            return True
        return bool(record.get("attempt", 0) if step.undo_when == STARTED else record.get("outcomeUnknown"))


def _steps(content: Obj) -> Iterable[Step]:
    defaults = content.get("defaults") or {}
    for final, listed in ((False, content.get("steps")), (True, content.get("finally"))):
        for step in listed or ():
            yield _step(step, (defaults.get("retry") or {}), final=final)


def _step(written: Mapping[str, Any], retry: Obj, *, final: bool) -> Step:
    kind = _kind(written)
    undo = written.get("compensation")
    by_child = kind is StepKind.TASK and not (undo and (undo.get("handler") or undo.get("container")))
    # What is no program is tried once unless the step itself says otherwise.
    own = retry if kind is StepKind.PROGRAM else {"maxAttempts": 1}
    undo_retry = {"maxAttempts": 1} if by_child else retry
    policies = {FORWARD: {**own, **(written.get("retry") or {})}}
    policies[COMPENSATION] = {**undo_retry, **((undo or {}).get("retry") or {})}
    timeout = (written.get("approval") or {}).get("timeout")
    return Step(
        name=written["name"],
        kind=kind,
        depends_on=tuple(written.get("dependsOn") or ()),
        run_after=tuple(written.get("runAfter") or ()),
        continue_on_error=bool(written.get("continueOnError")),
        final=final,
        max_attempts={role: int(policy.get("maxAttempts", 3)) for role, policy in policies.items()},
        may_ignore=any(_ignores(policy) for policy in policies.values()),
        undo_when=_undo_when(undo, by_child=by_child),
        undo_kind=StepKind.TASK if by_child else StepKind.PROGRAM,
        approval_timeout=parse_duration(timeout) if timeout else None,
        may_be_silent={FORWARD: "container" in written, COMPENSATION: "container" in (undo or {})},
        checks_result=bool(written.get("resultSchema")),
    )


def _undo_when(undo: Obj | None, *, by_child: bool) -> str | None:
    if undo is None:
        return STARTED if by_child else None
    return str(undo.get("when") or STARTED)


def _kind(written: Obj) -> StepKind:
    if written.get("task"):
        return StepKind.TASK
    return StepKind.APPROVAL if written.get("approval") is not None else StepKind.PROGRAM


def _ignores(policy: Obj) -> bool:
    return any(rule.get("action") == "Ignore" for rule in policy.get("rules") or ())


def _reach(start: str, nexts: Mapping[str, set[str]]) -> frozenset[str]:
    found: set[str] = set()
    todo = list(nexts[start])
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo.extend(nexts[name])
    return frozenset(found)
