"""Shrinking: what is left breaks the same guarantee, nothing of it can be missed, and runs are bounded."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.simulation.driving.shrink import only, shrink
from tests.simulation.driving.tally import run
from tests.simulation.driving.telling import shrunk_text
from tests.simulation.plan import Crash, Kill, Outcome, Plan, Refuse, Usurp
from tests.simulation.plans.sowing import sow


def _large() -> Plan:
    """A plan with everything in it, and eight mishaps."""
    seed = next(seed for seed in range(500) if len(sow(seed).submits) == 3 and len(sow(seed).script) > 2)
    faults = (Refuse(3, 409), Crash(7, "after", 8.0), Usurp(3.25), Kill(4.5, 0), Crash(9, "before"), Refuse(12, 500))
    return replace(sow(seed), mishaps=faults, operators=2, feed="kopf", decisive=True)


def _needs_crash_and_kill(plan: Plan) -> bool:
    kinds = [type(each) for each in plan.mishaps]
    return Crash in kinds and Kill in kinds


def test_what_is_not_needed_is_left_out() -> None:
    shrunk = shrink(_large(), _needs_crash_and_kill)
    assert len(shrunk.kept) == 2
    assert _needs_crash_and_kill(only(_large(), shrunk.kept))
    assert _needs_crash_and_kill(shrunk.plan)
    smallest = shrunk.plan
    assert (len(smallest.submits), smallest.operators, smallest.feed, smallest.decisive) == (1, 1, "direct", False)
    assert (smallest.templates, smallest.script, smallest.flags) == ((), {}, ())
    assert sorted(map(repr, smallest.mishaps)) == [
        "Crash(nth=1, when='before', down=0.0)", "Kill(at=0.0, operator=0, down=0.0)",
    ]  # fmt: skip


def test_what_is_needed_stays() -> None:
    def fails(plan: Plan) -> bool:
        steps = {step["name"]: step for template in plan.templates for step in template["spec"]["steps"]}
        return "a2" in steps and plan.script.get("a1", ()) != ()

    seed = next(seed for seed in range(2000) if fails(sow(seed)) and len(sow(seed).templates[0]["spec"]["steps"]) > 3)
    smallest = shrink(sow(seed), fails).plan
    assert [step["name"] for step in smallest.templates[0]["spec"]["steps"]] == ["a1", "a2"]
    assert list(smallest.script) == ["a1"]
    assert smallest.mishaps == ()


def test_steps_behind_one_that_is_left_out_wait_for_what_it_waited_for() -> None:
    steps = [{"name": "a"}, {"name": "b", "dependsOn": ["a"]}, {"name": "c", "dependsOn": ["b"], "when": "steps.b.x"}]
    template = {"metadata": {"name": "t"}, "spec": {"version": "1.0.0", "steps": steps, "output": "steps.b.result"}}

    def fails(plan: Plan) -> bool:
        steps = {step["name"]: step for template in plan.templates for step in template["spec"]["steps"]}
        return "a" in steps and "dependsOn" in steps.get("c", ())

    smallest = shrink(Plan("p", 1, (template,), ()), fails).plan
    assert smallest.templates[0]["spec"]["steps"] == [{"name": "a"}, {"name": "c", "dependsOn": ["a"]}]
    assert "output" not in smallest.templates[0]["spec"]


def test_the_same_plan_is_always_shrunk_the_same_way() -> None:
    assert shrink(_large(), _needs_crash_and_kill) == shrink(_large(), _needs_crash_and_kill)


@pytest.mark.parametrize("most", [0, 1, 17])
def test_it_takes_no_more_runs_than_it_may(most: int) -> None:
    runs = 0

    def fails(plan: Plan) -> bool:
        nonlocal runs
        runs += 1
        return _needs_crash_and_kill(plan)

    shrunk = shrink(_large(), fails, most)
    assert (runs, shrunk.runs) == (most, most)
    assert _needs_crash_and_kill(shrunk.plan)


def test_outcomes_become_plain() -> None:
    plan = replace(sow(0), script={"a1": (Outcome(7.5, {"result": "x" * 99}, grace=None), Outcome(3.0, code=1))})
    smallest = shrink(plan, lambda each: bool(each.script)).plan
    assert smallest.script == {"a1": (Outcome(1.0, code=1),)} or smallest.script == {
        "a1": (Outcome(1.0, {"result": None}),)
    }


@pytest.mark.slow
def test_a_real_violation_is_shrunk_to_a_plan_that_still_has_it() -> None:
    """The deliberate bug: nothing waits for what still runs when an end is decided."""
    seed, guarantee = next(
        (seed, failure.guarantee) for seed in range(200) for failure in run(sow(seed), bugs=("no-quiescing",)).failures
    )

    def fails(plan: Plan) -> bool:
        return any(each.guarantee == guarantee for each in run(plan, bugs=("no-quiescing",)).failures)

    shrunk = shrink(sow(seed), fails, 60)
    assert fails(shrunk.plan)
    assert not run(shrunk.plan).failures
    assert f"python -m tests.simulation {seed} --only" in shrunk_text(seed, shrunk)
