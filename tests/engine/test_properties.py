"""The invariants of semantics 7, over random workflows, programs, users, crashes, stale looks and clocks."""

from __future__ import annotations

from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kubesaga.engine.plan import Plan
from kubesaga.engine.vocabulary import DeletionPolicy, DesiredState
from tests.engine.arbitrary import User, plans, random_script
from tests.engine.family import Family
from tests.engine.invariants import Watched, check_all, check_approvals_need_no_job, check_history

SEEDS = st.integers(0, 2**32)


def some(count: int) -> settings:
    return settings(max_examples=count, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def finish(world: Watched) -> None:
    """Let it come to its end, or to the human that it names."""
    world.settle()
    check_all(world)
    check_approvals_need_no_job(world)


@some(80)
@given(plans(), SEEDS)
def test_every_task_ends_or_names_a_human_with_no_more_passes_than_something_new_asks_for(
    plan: Plan, seed: int
) -> None:
    finish(Watched(plan, random_script(seed)))


@some(80)
@given(plans(), SEEDS)
def test_crashes_and_stale_looks_at_jobs_change_nothing_of_that(plan: Plan, seed: int) -> None:
    random = Random(seed)
    world = Watched(plan, random_script(seed))
    for _ in range(60):
        world.pass_once(crash_after_write=random.random() < 0.3, lag=random.choice([0.0, 0.3, 1.5]))
        world.tick(random.choice([0.0, 0.1, 0.5, 2.0]))
    finish(world)


@some(80)
@given(plans(), SEEDS)
def test_nor_do_actions_suspensions_cancels_and_deletions_in_any_order(plan: Plan, seed: int) -> None:
    random = Random(seed)
    world = Watched(plan, random_script(seed), policy=random.choice(list(DeletionPolicy)))
    user = User(random)
    for _ in range(80):
        user.meddle(world)
        world.pass_once(crash_after_write=random.random() < 0.15, lag=random.choice([0.0, 0.0, 1.0]))
        world.tick(random.choice([0.0, 0.5, 2.0]))
    finish(world)


@some(60)
@given(plans(), SEEDS)
def test_nor_do_clocks_that_jump(plan: Plan, seed: int) -> None:
    random = Random(seed)
    world = Watched(plan, random_script(seed))
    for _ in range(60):
        world.pass_once(skew=random.choice([0.0, 0.0, 0.0, -3_600.0, -5.0, 5.0, 3_600.0]))
        world.tick(random.choice([0.1, 0.5, 2.0]))
    finish(world)


@some(60)
@given(plans(), SEEDS)
def test_an_action_is_answered_once_and_with_one_voice(plan: Plan, seed: int) -> None:
    random = Random(seed)
    world = Watched(plan, random_script(seed))
    user = User(random, restless=0.6)
    for _ in range(40):
        user.meddle(world)
        if world.desired is DesiredState.CANCELLED:
            world.desired = DesiredState.RUNNING
        world.pass_once(crash_after_write=random.random() < 0.3)
        world.tick(random.choice([0.0, 0.5, 2.0]))
    world.desired = DesiredState.RUNNING
    finish(world)
    for action in world.actions:
        if action.uid in world.verdicts:
            assert world.answer(action).message
        else:
            assert not world.ended


@some(40)
@given(plans(4, children=("sub",)), plans(3, name="sub", children=("deep",)), plans(2, name="deep"), SEEDS)
def test_parents_and_children_end_together_whatever_happens_to_either(
    plan: Plan, below: Plan, deep: Plan, seed: int
) -> None:
    random = Random(seed)
    script = random_script(seed)
    family = Family(Watched(plan, script), {"sub": below, "deep": deep}, script, make=Watched)
    user = User(random, restless=random.choice([0.0, 0.1]))
    for _ in range(50):
        worlds = list(family.worlds())
        random.shuffle(worlds)
        for world in worlds:
            user.meddle(world)
            world.pass_once(crash_after_write=random.random() < 0.1)
        family.tick(random.choice([0.0, 0.5, 2.0]))
    family.settle()
    for world in family.worlds():
        check_history(world)
    family.check_no_undoing_beside_children()
