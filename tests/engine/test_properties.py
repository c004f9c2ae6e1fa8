"""The invariants of semantics 7, over random workflows, programs, users, crashes, stale looks and clocks."""

from __future__ import annotations

from random import Random

import pytest

from kubesaga.engine.vocabulary import DeletionPolicy, DesiredState, Role
from tests.engine.arbitrary import User, random_plan, random_script
from tests.engine.family import Family, launches_below
from tests.engine.invariants import Watched, check_all, check_approvals_need_no_job, check_history
from tests.engine.world import World

QUICK = 10


def seeds(count: int) -> pytest.MarkDecorator:
    """Some that are played at every check, and the others with the slow tests."""
    others = [pytest.param(seed, marks=pytest.mark.slow) for seed in range(QUICK, count)]
    return pytest.mark.parametrize("seed", [*range(QUICK), *others])


def random_family(random: Random, seed: int, make: type[World] = Watched) -> Family:
    """A Task, its sub-workflows, and theirs."""
    root, script = random_plan(random, 4, children=("sub",)), random_script(seed)
    plans = {"sub": random_plan(random, 3, name="sub", children=("deep",)), "deep": random_plan(random, 2, name="deep")}
    return Family(make(root, script), plans, script, make=make)


def finish(world: Watched) -> None:
    """Let it come to its end, or to the human that it names."""
    world.settle()
    check_all(world)
    check_approvals_need_no_job(world)


@seeds(80)
def test_every_task_ends_or_names_a_human_with_no_more_passes_than_something_new_asks_for(seed: int) -> None:
    finish(Watched(random_plan(Random(seed)), random_script(seed)))


@seeds(80)
def test_crashes_and_stale_looks_at_jobs_change_nothing_of_that(seed: int) -> None:
    random = Random(seed)
    world = Watched(random_plan(random), random_script(seed))
    for _ in range(60):
        world.pass_once(crash_after_write=random.random() < 0.3, lag=random.choice([0.0, 0.3, 1.5]))
        world.tick(random.choice([0.0, 0.1, 0.5, 2.0]))
    finish(world)


@seeds(80)
def test_nor_do_actions_suspensions_cancels_and_deletions_in_any_order(seed: int) -> None:
    random = Random(seed)
    world = Watched(random_plan(random), random_script(seed), policy=random.choice(list(DeletionPolicy)))
    user = User(random)
    for _ in range(80):
        user.meddle(world)
        world.pass_once(crash_after_write=random.random() < 0.15, lag=random.choice([0.0, 0.0, 1.0]))
        world.tick(random.choice([0.0, 0.5, 2.0]))
    finish(world)


@seeds(60)
def test_nor_do_clocks_that_jump(seed: int) -> None:
    random = Random(seed)
    world = Watched(random_plan(random), random_script(seed))
    for _ in range(60):
        world.pass_once(skew=random.choice([0.0, 0.0, 0.0, -3_600.0, -5.0, 5.0, 3_600.0]))
        world.tick(random.choice([0.1, 0.5, 2.0]))
    finish(world)


@seeds(60)
def test_an_action_is_answered_once_and_with_one_voice(seed: int) -> None:
    random = Random(seed)
    world = Watched(random_plan(random), random_script(seed))
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


@seeds(60)
def test_parents_and_children_end_together_whatever_happens_to_either(seed: int) -> None:
    random = Random(seed)
    family = random_family(random, seed)
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


def test_the_seeds_lead_to_much_that_has_to_be_undone() -> None:
    """A property that nothing puts to the test holds always."""
    several = above = 0
    for seed in range(40):
        world = World(random_plan(Random(seed)), random_script(seed)).settle()
        several += len(set(world.steps_launched(Role.COMPENSATION))) >= 2
        family = random_family(Random(seed), seed, World).settle()
        above += bool(family.root.steps_launched(Role.COMPENSATION) and launches_below(family))
    assert several >= 5
    assert above >= 3
