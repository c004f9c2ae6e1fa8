"""The workflow's dependency graph: order, ancestors, nearest descendants, and the cycle that makes it invalid.

Steps are addressed by their index in the plan, which keeps one decision over a thousand steps within
milliseconds. Used by the plan, by readiness and by the saga; ``find_cycle`` also by template validation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property


class GraphError(ValueError):
    """The steps do not form a directed acyclic graph; the message names the step or the cycle's path."""


def find_cycle(edges: Mapping[str, Sequence[str]]) -> list[str] | None:
    """Return one cycle as a path that ends where it began (``[a, b, a]``), or None.

    ``edges`` maps each node to those it waits for; names that are no node themselves are passed over.
    """
    done: set[str] = set()
    for root in edges:
        path: list[str] = []
        on_path: set[str] = set()
        stack: list[tuple[str, bool]] = [(root, False)]
        while stack:
            node, leaving = stack.pop()
            if leaving:
                path.pop()
                on_path.discard(node)
                done.add(node)
                continue
            if node in on_path:
                return [*path[path.index(node) :], node]
            if node in done or node not in edges:
                continue
            path.append(node)
            on_path.add(node)
            stack.append((node, True))
            stack.extend((other, False) for other in reversed(edges[node]))
    return None


@dataclass(frozen=True)
class Graph:
    """Indices of the steps that each step waits for, and the reverse.

    ``failure_parents`` are ``dependsOn`` (failure spreads along them), ``order_parents`` are ``runAfter``,
    ``parents`` both.
    """

    names: tuple[str, ...]
    failure_parents: tuple[tuple[int, ...], ...]
    order_parents: tuple[tuple[int, ...], ...]

    @classmethod
    def of(cls, nodes: Sequence[tuple[str, Sequence[str], Sequence[str]]]) -> Graph:
        """Build from ``(name, dependsOn, runAfter)``; raises GraphError for what is not a DAG."""
        index = {name: i for i, (name, _, _) in enumerate(nodes)}
        if len(index) < len(nodes):
            raise GraphError("two steps have the same name")
        for name, depends_on, run_after in nodes:
            for other in (*depends_on, *run_after):
                if other not in index:
                    raise GraphError(f"step {name!r} waits for {other!r}, which is not a step")
        cycle = find_cycle({name: [*depends_on, *run_after] for name, depends_on, run_after in nodes})
        if cycle:
            raise GraphError("the steps wait for each other: " + " -> ".join(cycle))
        return cls(
            names=tuple(index),
            failure_parents=tuple(tuple(index[n] for n in d) for _, d, _ in nodes),
            order_parents=tuple(tuple(index[n] for n in r) for _, _, r in nodes),
        )

    @cached_property
    def index(self) -> dict[str, int]:
        """A step's index by its name."""
        return {name: i for i, name in enumerate(self.names)}

    @cached_property
    def parents(self) -> tuple[tuple[int, ...], ...]:
        """Whom each step waits for, by dependsOn or runAfter."""
        return tuple(
            tuple(dict.fromkeys((*d, *r))) for d, r in zip(self.failure_parents, self.order_parents, strict=True)
        )

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """Who waits for each step, by dependsOn or runAfter."""
        children: list[list[int]] = [[] for _ in self.names]
        for child, parents in enumerate(self.parents):
            for parent in parents:
                children[parent].append(child)
        return tuple(map(tuple, children))

    @cached_property
    def order(self) -> tuple[int, ...]:
        """Topological order: every step after all that it waits for; by index where the graph leaves a choice."""
        waiting = [len(parents) for parents in self.parents]
        order = [i for i, count in enumerate(waiting) if count == 0]
        for step in order:
            for child in self.children[step]:
                waiting[child] -= 1
                if waiting[child] == 0:
                    order.append(child)
        return tuple(order)

    @cached_property
    def sinks(self) -> tuple[int, ...]:
        """The steps for which no other waits."""
        return tuple(i for i, children in enumerate(self.children) if not children)

    def ancestors(self, step: int) -> list[int]:
        """Every step before ``step``, direct or not, in topological order."""
        seen: set[int] = set()
        todo = list(self.parents[step])
        while todo:
            node = todo.pop()
            if node not in seen:
                seen.add(node)
                todo.extend(self.parents[node])
        return [i for i in self.order if i in seen]

    def nearest_descendants(self, step: int, among: frozenset[int]) -> list[int]:
        """Those of ``among`` that come after ``step`` with no other of ``among`` on some way between.

        This keeps the reachability of the whole graph while listing few edges: A→B→C among {A, C} gives A: [C].
        """
        found: set[int] = set()
        seen: set[int] = set()
        todo = list(self.children[step])
        while todo:
            node = todo.pop()
            if node in seen:
                continue
            seen.add(node)
            if node in among:
                found.add(node)
            else:
                todo.extend(self.children[node])
        return sorted(found)
