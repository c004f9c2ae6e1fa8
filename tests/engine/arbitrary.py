"""Random workflows, programs and users, for the properties."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from hypothesis import strategies as st

from kubesaga.engine.decision import Attempt
from kubesaga.engine.plan import (
    Approval,
    Compensation,
    ExpressionError,
    Lifecycle,
    Plan,
    RetryPolicy,
    RetryRule,
    Step,
    Violation,
)
from kubesaga.engine.records import StepError
from kubesaga.engine.vocabulary import (
    ActionType,
    Backoff,
    CompensationWhen,
    DesiredState,
    FailureStrategy,
    Jitter,
    OnTimeout,
    RuleAction,
    RunningSteps,
    StaleAction,
    StepKind,
    TaskState,
)
from tests.engine.family import UNDO_CHILD, sub
from tests.engine.world import Outcome, World

Script = Callable[[Attempt], Outcome]

_RULES = (
    RetryRule(RuleAction.IGNORE, types=("Ignored",)),
    RetryRule(RuleAction.RETRY, types=("ResultSchemaViolation",)),
    RetryRule(RuleAction.FAIL, codes=("E1",)),
)


def _broken(_: Any) -> bool:
    raise ExpressionError("when: no such key: x")


def _short(result: Any) -> list[Violation]:
    return [Violation("/", "is too long")] if isinstance(result, str) and len(result) > 1_000 else []


def _prefers(scope: Any) -> bool:
    return all(view["outcome"] != "Skipped" for view in scope["steps"].values())


@st.composite
def retries(draw: st.DrawFn) -> RetryPolicy:
    return RetryPolicy(
        max_attempts=draw(st.integers(1, 3)),
        backoff=draw(st.sampled_from(Backoff)),
        jitter=draw(st.sampled_from(Jitter)),
        max_interval=4.0,
        max_duration=draw(st.sampled_from([None, None, 8.0])),
        rules=draw(st.sampled_from([(), _RULES])),
    )


@st.composite
def steps(
    draw: st.DrawFn, name: str, earlier: list[str], *, children: tuple[str, ...] = (), final: bool = False
) -> Step:
    depends = draw(st.lists(st.sampled_from(earlier), unique=True, max_size=3)) if earlier else []
    after = [n for n in earlier if n not in depends]
    run_after = draw(st.lists(st.sampled_from(after), unique=True, max_size=1)) if after else []
    retry = draw(retries())
    if final:
        return Step(name, tuple(depends), (), retry=retry, final=True)
    common: dict[str, Any] = {
        "depends_on": tuple(depends),
        "run_after": tuple(run_after),
        "retry": retry,
        "continue_on_error": draw(st.integers(0, 5)) == 0,
        "skippable": draw(st.booleans()),
        "priority": draw(st.integers(0, 2)),
        "check_result": draw(st.sampled_from([None, _short])),
        "when": draw(st.sampled_from([None, None, None, None, _prefers, _broken])),
    }
    kind = draw(st.integers(0, 9))
    if kind == 0:
        approval = Approval(draw(st.sampled_from([None, 5.0, 20.0])), draw(st.sampled_from(OnTimeout)))
        return Step(name, kind=StepKind.APPROVAL, approval=approval, **common)
    undo = Compensation(draw(st.sampled_from(CompensationWhen)), retry) if draw(st.booleans()) else None
    if kind <= 3 and children:
        return sub(name, draw(st.sampled_from(children)), **{**common, "compensation": undo or UNDO_CHILD})
    return Step(name, compensation=undo, **common)


@st.composite
def plans(draw: st.DrawFn, most: int = 7, *, name: str = "main", children: tuple[str, ...] = ()) -> Plan:
    forward: list[Step] = []
    for i in range(draw(st.integers(1, most))):
        forward.append(draw(steps(f"s{i}", [step.name for step in forward], children=children)))
    finals: list[Step] = []
    for i in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        finals.append(draw(steps(f"f{i}", [step.name for step in finals], final=True)))
    limit = draw(st.sampled_from([None, None, None, 6.0]))
    return Plan(
        steps=(*forward, *finals),
        name=name,
        failure_strategy=draw(st.sampled_from(FailureStrategy)),
        running_steps=draw(st.sampled_from(RunningSteps)),
        timeout=draw(st.sampled_from([None, None, 5.0, 12.0])),
        parallelism=draw(st.sampled_from([None, 1, 2])),
        blocked_timeout=draw(st.sampled_from([0.0, 3.0, 15.0])),
        lifecycle=Lifecycle(
            dict.fromkeys(TaskState, limit) if limit else {},
            draw(st.sampled_from([None, None, 20.0])),
            draw(st.sampled_from(StaleAction)),
        ),
    )


def random_script(seed: int) -> Script:
    def script(attempt: Attempt) -> Outcome:
        random = Random(f"{seed}/{attempt}")
        kind = random.choice(["ok", "ok", "ok", "ok", "Retryable", "Permanent", "Unknown", "Ignored", "vanish"])
        seconds = random.choice([0.1, 1.0, 6.0])
        disruptions = random.choice([0, 0, 0, 0, 0, 0, 2, 12])
        if kind == "ok":
            size = random.choice([1, 1, 1, 5_000])
            deaf = random.random() < 0.03
            return Outcome(
                result=attempt.step * size, seconds=200.0 if deaf else seconds, deaf=deaf, disruptions=disruptions
            )
        if kind == "vanish":
            return Outcome(seconds=60.0, vanish=True)
        code = random.choice([None, None, "E1"])
        error = StepError(kind, "it failed", code, retryable=kind != "Permanent", outcome_unknown=kind == "Unknown")
        return Outcome(error=error, seconds=seconds)

    return script


@dataclass
class User:
    """Somebody who acts on a Task at random."""

    random: Random
    restless: float = 0.2

    def meddle(self, world: World) -> None:
        if self.random.random() > self.restless or not world.status.steps:
            return
        whim = self.random.random()
        if whim < 0.7:
            self._act(world)
        elif whim < 0.8:
            world.desired = DesiredState.SUSPENDED if world.desired is DesiredState.RUNNING else world.desired
        elif whim < 0.95:
            world.desired = DesiredState.RUNNING if world.desired is DesiredState.SUSPENDED else world.desired
        elif whim < 0.98:
            world.desired = DesiredState.CANCELLED
            world.cancel_mode = self.random.choice(list(RunningSteps))
            world.cancel_compensates = self.random.random() < 0.5
        else:
            world.deleting = world.finalizer

    def _act(self, world: World) -> None:
        type_ = self.random.choice(list(ActionType))
        step = self.random.choice([None, *(s.name for s in world.plan.steps)])
        spec: dict[str, Any] = {}
        if self.random.random() < 0.3:
            spec["result"] = self.random.choice([1, "x" * 5_000, None])
        if self.random.random() < 0.1 and step:
            spec["expected_attempt"] = world.step(step).attempt
        world.act(type_, step, **spec)
