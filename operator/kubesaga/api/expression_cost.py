"""How much an expression may cost to evaluate, worked out before it is evaluated.

The CEL library stops after 10,000 rounds of macros, but sets no bound to what is done in each, and an evaluation
cannot be interrupted. So the work is bounded from above, out of the syntax tree and the sizes of what it reads. What
could take too long is not begun: the same expression over the same values always gets the same answer. Used by
``expressions``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from kubesaga.api.expression_tree import Call, Constant, Literal, Loop, Node, Select, children, path_of
from kubesaga.api.expression_values import UNIT_BYTES

# The worst unit of work takes 90 ns: with this much an evaluation ends within a fifth of a second.
MAX_WORK = 2_000_000
MAX_ROUNDS = 10_000

_COMPARING = frozenset({"_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "@in", "startsWith", "endsWith", "size"})
_LOGICAL = frozenset({"_&&_", "_||_", "!_", "@not_strictly_false"})
_REPETITION = re.compile(r"\{(\d+)(?:,(\d*))?\}")
# RE2 refuses patterns that repeat more often.
_MAX_REPETITION = 1000
_CLASS_SIZE = 1000

Measure = Callable[[str, tuple[str | int, ...]], tuple[int, int]]
"""The size in units, and the number of members, of what stands at a path below a variable."""


class Cost(NamedTuple):
    """Bounds: how large the value is and how much work it takes to make, in units, and how many members it has."""

    size: int
    work: int
    length: int


def cost(node: Node, measure: Measure, bound: Mapping[str, int] | None = None) -> Cost:
    """The bounds for an expression; ``bound`` holds the sizes of the macros' own variables."""
    bound = bound or {}
    base, path = path_of(node)
    if base is not None:
        known = bound.get(base.name)
        size, length = measure(base.name, path) if known is None else (known, known)
        return Cost(size, 1 + len(path), length)
    match node:
        case Constant():
            return Cost(1 + node.size // UNIT_BYTES, 1, 0)
        case Loop():
            return _loop(node, measure, bound)
    return _joined(node, [cost(child, measure, bound) for child in children(node)])


def _joined(node: Node, below: list[Cost]) -> Cost:
    work = 1 + sum(part.work for part in below)
    size = 1 + sum(part.size for part in below)
    match node:
        case Select() | Call("_[_]"):
            return Cost(below[0].size, work, below[0].size)
        case Call("_?_:_"):
            return Cost(max(part.size for part in below[1:]), work, max(part.length for part in below[1:]))
        case Call(function) if function in _LOGICAL:
            return Cost(1, work, 0)
        case Call(function) if function in _COMPARING:
            return Cost(1, work + size, 0)
        case Call("matches"):
            return Cost(1, work + below[0].size * UNIT_BYTES * _instructions(node.arguments[1], below[1].size) // 16, 0)
        case Call("contains"):
            return Cost(1, work + below[0].size * (UNIT_BYTES // 2 + 2 * below[1].size), 0)
        case Call("_+_"):
            return Cost(size, work + size, sum(part.length for part in below))
        case Call():
            return Cost(size, work + size, size)
    return Cost(size, work, len(below))


def _instructions(pattern: Node, size: int) -> int:
    """How many states a pattern has at most: a text is matched in so many steps for each of its bytes."""
    if not isinstance(pattern, Constant) or not isinstance(pattern.value, str):
        return size * UNIT_BYTES * _MAX_REPETITION
    repetition = 1
    for least, most in _REPETITION.findall(pattern.value):
        repetition *= max(1, int(least), int(most or 0))
    classes = pattern.value.lower().count(r"\p") * _CLASS_SIZE
    return (len(pattern.value) + classes) * min(repetition, _MAX_REPETITION)


def _loop(loop: Loop, measure: Measure, bound: Mapping[str, int]) -> Cost:
    over = cost(loop.over, measure, bound)
    rounds = min(over.length, MAX_ROUNDS)
    # The body's cost grows at least in proportion to its item, and the items together are no larger than the list: it
    # is highest where one of them is as large as the list and the others are as small as can be.
    small, large = (_body(loop, measure, {**bound, loop.item: item, loop.total: 0}) for item in (1, over.size))
    work = over.work + rounds * small.work + large.work
    if not isinstance(loop.start, Literal):
        return Cost(1, work, 0)
    # To append to a list, the library copies it.
    return Cost(1 + rounds * small.size + large.size, work + rounds * rounds // 4, rounds)


def _body(loop: Loop, measure: Measure, bound: Mapping[str, int]) -> Cost:
    condition, step = cost(loop.condition, measure, bound), cost(loop.step, measure, bound)
    return Cost(step.size, condition.work + step.work, 0)
