"""The sowing: the same number gives the same plan, only what is valid is sown, and nothing is missing among many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, get_args

import pytest

from kubesaga.api.findings import check_action, check_task, check_template
from kubesaga.engine.vocabulary import ActionType
from tests.simulation import plan as words
from tests.simulation.plan import Act, CallFault, Crash, HumanAct, MachineFault, NoAnswer, Plan, Refuse, WatchFault
from tests.simulation.plans.sowing import KOPF_SHARE, THEMES, sow
from tests.simulation.plans.workflows import programs

SEEDS = range(2000)
_ALL_KINDS = [
    kind for union in (CallFault, WatchFault, MachineFault, HumanAct) for kind in get_args(union)
]  # fmt: skip


@pytest.fixture(scope="module")
def plans() -> list[Plan]:
    """What the seeds of ``make test`` are."""
    return [sow(seed) for seed in SEEDS]


def test_a_number_is_one_plan_for_ever() -> None:
    assert [sow(seed) for seed in range(50)] == [sow(seed) for seed in range(50)]
    assert len({repr(sow(seed)) for seed in range(50)}) == 50


def test_only_what_the_api_server_and_the_operator_accept_is_sown(plans: list[Plan]) -> None:
    for plan in plans[::4]:
        for template in plan.templates:
            found = check_template(template["spec"], name=template["metadata"]["name"])
            assert not found, f"{plan.name}: {found[0]}"
        for submit in plan.submits:
            assert not check_task(submit.task["spec"]), plan.name
        for act in plan.mishaps:
            if isinstance(act, Act):
                named = {"taskRef": {"name": "t1"}, "type": act.type, "requestedBy": "human", **act.spec}
                if named.get("step") == "?":
                    named["step"] = "a1"
                assert not check_action(named), (plan.name, act)


def test_what_would_run_for_ever_has_a_time_out(plans: list[Plan]) -> None:
    endless = 0
    for plan in plans:
        limits = {program.name: program.limit for template in plan.templates for program in programs(template)}
        for name, outcomes in plan.script.items():
            for outcome in outcomes:
                if outcome.seconds is None and name in limits:
                    endless += 1
                    assert limits[name] is not None, (plan.name, name)
    assert endless > 100


def test_no_two_faults_befall_one_call(plans: list[Plan]) -> None:
    for plan in plans:
        calls = [each.nth for each in plan.mishaps if isinstance(each, CallFault)]
        assert len(set(calls)) == len(calls), plan.name


def test_every_mishap_is_sown_often(plans: list[Plan]) -> None:
    counted = Counter(type(each) for plan in plans for each in plan.mishaps)
    assert {kind: counted[kind] for kind in _ALL_KINDS if counted[kind] < 40} == {}
    assert len(_ALL_KINDS) == sum(1 for name in vars(words) if name in {kind.__name__ for kind in _ALL_KINDS})


def test_mishaps_come_in_all_their_ways(plans: list[Plan]) -> None:
    mishaps = [each for plan in plans for each in plan.mishaps]
    assert {each.when for each in mishaps if isinstance(each, Crash)} == {"before", "after"}
    assert {each.status for each in mishaps if isinstance(each, Refuse)} == {409, 410, 429, 500, 503}
    assert {each.effect for each in mishaps if isinstance(each, NoAnswer)} == {"none", "done", "late"}
    assert {each.type for each in mishaps if isinstance(each, Act)} == {str(type_) for type_ in ActionType}


def test_every_theme_has_its_share(plans: list[Plan]) -> None:
    counted = Counter(plan.name.partition(": ")[2] for plan in plans)
    assert set(counted) == set(THEMES)
    assert min(counted.values()) > len(plans) / 100


def test_plans_have_up_to_eight_mishaps_and_up_to_three_tasks(plans: list[Plan]) -> None:
    counted = Counter(len(plan.mishaps) for plan in plans)
    assert all(counted[number] > len(plans) / 50 for number in range(9))
    assert {len(plan.submits) for plan in plans} == {1, 2, 3}


def test_every_setting_is_sown(plans: list[Plan]) -> None:
    assert _SETTINGS - set(_settings(plans)) == set()


def test_the_ways_to_run_have_their_shares(plans: list[Plan]) -> None:
    kopf = sum(plan.feed == "kopf" for plan in plans) / len(plans)
    assert 0.7 * KOPF_SHARE < kopf < 1.3 * KOPF_SHARE
    assert 0.4 < sum(plan.decisive for plan in plans) / len(plans) < 0.8
    assert 0.2 < sum(plan.operators == 2 for plan in plans) / len(plans) < 0.5
    assert {flag for plan in plans for flag in plan.flags if flag.startswith("--")} >= {
        "--resync-interval", "--max-running-tasks", "--environment", "--workers",
    }  # fmt: skip


_SETTINGS = {
    *(f"failureStrategy={name}" for name in ("Abort", "Continue", "Compensate")),
    *(f"runningSteps={name}" for name in ("Drain", "Terminate")),
    *(f"backoff={name}" for name in ("None", "Fixed", "Linear", "Exponential", "Fibonacci")),
    *(f"jitter={name}" for name in ("Full", "Equal")),
    *(f"onTimeout={name}" for name in ("Fail", "Approve", "Skip")),
    *(f"when={name}" for name in ("Started", "Succeeded")),
    *(f"identityStrategy={name}" for name in ("Strict", "CallerProvided")),
    *(f"deletionPolicy={name}" for name in ("Delete", "Compensate")),
    *("blockedTimeout", "timeout", "startTimeout", "parallelism", "lifecycle", "finally", "environments", "output"),
    *("runAfter", "dependsOn", "continueOnError=True", "skippable=True", "bypassSteps", "priority", "maxDuration"),
    *("rules", "resultSchema", "inputSchema", "contextFrom", "ttlAfterFinished", "compensation", "container", "task"),
    *("desiredState=Suspended", "version=^1.0", "idempotencyKey", "tags", "approval", "handler"),
}


def _settings(plans: list[Plan]) -> Iterator[str]:
    for plan in plans:
        for template in plan.templates:
            yield from _fields(template["spec"])
        for submit in plan.submits:
            yield from _fields(submit.task["spec"])


def _fields(value: Any) -> Iterator[str]:
    """``name`` and ``name=value`` for all that is written down."""
    match value:
        case dict():
            for name, each in value.items():
                yield name
                yield f"{name}={each}"
                yield from _fields(each)
        case list():
            for each in value:
                yield from _fields(each)
