"""The shapes of workflows: which step comes after which. ``workflows`` draws one for each template."""

from __future__ import annotations

from collections.abc import Callable

from tests.simulation.plans.draw import Draw

Graph = list[list[int]]
"""For each step the earlier ones that it waits for."""


def chain(_: Draw, count: int) -> Graph:
    """One after the other."""
    return [[i - 1] if i else [] for i in range(count)]


def fan(_: Draw, count: int) -> Graph:
    """One, and then all others side by side."""
    return [[0] if i else [] for i in range(count)]


def join(_: Draw, count: int) -> Graph:
    """All but one side by side, and that one after them."""
    return [[] for _ in range(count - 1)] + [list(range(count - 1))]


def diamond(_: Draw, count: int) -> Graph:
    """One, then some side by side, then one after them."""
    if count < 4:
        return chain(_, count)
    return [[], *[[0]] * (count - 2), list(range(1, count - 1))]


def two_roots(_: Draw, count: int) -> Graph:
    """Two that begin, and a chain behind both."""
    return [[] if i < 2 else [0, 1] if i == 2 else [i - 1] for i in range(count)]


def side_by_side(_: Draw, count: int) -> Graph:
    """None waits for another."""
    return [[] for _ in range(count)]


def any_shape(draw: Draw, count: int) -> Graph:
    """Each after up to two others."""
    return [sorted(draw.sample(range(i), min(i, draw.choice([0, 1, 1, 2])))) for i in range(count)]


_SHAPES: dict[Callable[[Draw, int], Graph], float] = {
    chain: 3,
    fan: 1,
    join: 1,
    diamond: 2,
    two_roots: 1,
    side_by_side: 1,
    any_shape: 2,
}


def graph(draw: Draw, count: int) -> Graph:
    """A shape with this many steps."""
    return draw.among(_SHAPES)(draw, count)
