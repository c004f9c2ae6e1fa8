"""Random workflows, programs and users, for the properties: each a function of a seed.

Not hypothesis' strategies: of a hundred examples of whole workflows it makes some thirty different ones, most of them
with next to nothing to undo.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

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


def random_plan(random: Random, most: int = 7, *, name: str = "main", children: tuple[str, ...] = ()) -> Plan:
    """A workflow of up to ``most`` steps; some of them run one of ``children``."""
    forward: list[Step] = []
    for i in range(random.randint(min(2, most), most)):
        forward.append(_step(random, f"s{i}", [step.name for step in forward], children))
    finals: list[Step] = []
    for i in range(random.choice([0, 0, 0, 1, 2])):
        finals.append(_final(random, f"f{i}", [step.name for step in finals]))
    limit = random.choice([None, None, None, 6.0])
    return Plan(
        steps=(*forward, *finals),
        name=name,
        failure_strategy=random.choices(
            list(FailureStrategy), [6 if s == "Compensate" else 1 for s in FailureStrategy]
        )[0],
        running_steps=random.choice(list(RunningSteps)),
        timeout=random.choices([None, 5.0, 12.0], [6, 1, 1])[0],
        parallelism=random.choice([None, None, 1, 2]),
        blocked_timeout=random.choice([0.0, 3.0, 15.0]),
        lifecycle=Lifecycle(
            dict.fromkeys(TaskState, limit) if limit else {},
            random.choices([None, 20.0], [5, 1])[0],
            random.choice(list(StaleAction)),
        ),
    )


def _step(random: Random, name: str, earlier: list[str], children: tuple[str, ...]) -> Step:
    depends = _some(random, earlier, 3)
    common: dict[str, Any] = {
        "depends_on": depends,
        "run_after": _some(random, [each for each in earlier if each not in depends], 1),
        "retry": _retry(random),
        "continue_on_error": random.random() < 0.15,
        "skippable": random.random() < 0.5,
        "priority": random.randint(0, 2),
        "check_result": random.choice([None, _short]),
        "when": random.choices([None, _prefers, _broken], [36, 3, 1])[0],
    }
    kind = random.random()
    if kind < 0.1:
        approval = Approval(random.choice([None, 5.0, 20.0]), random.choice(list(OnTimeout)))
        return Step(name, kind=StepKind.APPROVAL, approval=approval, **common)
    undo = Compensation(random.choice(list(CompensationWhen)), _retry(random)) if random.random() < 0.7 else None
    if kind < 0.4 and children:
        return sub(name, random.choice(children), **{**common, "compensation": undo or UNDO_CHILD})
    return Step(name, compensation=undo, **common)


def _final(random: Random, name: str, earlier: list[str]) -> Step:
    return Step(name, _some(random, earlier, 3), (), retry=_retry(random), final=True)


def _some(random: Random, names: list[str], most: int) -> tuple[str, ...]:
    return tuple(random.sample(names, random.randint(0, min(most, len(names)))))


def _retry(random: Random) -> RetryPolicy:
    return RetryPolicy(
        max_attempts=random.randint(1, 3),
        backoff=random.choice(list(Backoff)),
        jitter=random.choice(list(Jitter)),
        max_interval=4.0,
        max_duration=random.choice([None, None, 8.0]),
        rules=random.choice([(), _RULES]),
    )


def random_script(seed: int) -> Script:
    """Programs that fail seldom, now and then, or often: where most fail, there is never much to undo."""
    failing = Random(f"{seed}/failing").choice([0.03, 0.15, 0.4])

    def script(attempt: Attempt) -> Outcome:
        random = Random(f"{seed}/{attempt}")
        wrong = random.random() < failing
        kind = random.choice(["Retryable", "Permanent", "Unknown", "Ignored", "vanish"]) if wrong else "ok"
        seconds = random.choice([0.1, 0.1, 1.0, 6.0])
        disruptions = random.choice([0, 2, 12]) if wrong or random.random() < 0.05 else 0
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
