"""Order, ancestors, cycles: what the rest takes for granted of the graph."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubesaga.engine.graph import Graph, GraphError, find_cycle


def graph(**parents: list[str]) -> Graph:
    return Graph.of([(name, waits_for, []) for name, waits_for in parents.items()])


def test_a_cycle_is_named_by_its_path() -> None:
    with pytest.raises(GraphError, match="b -> d -> c -> b"):
        graph(a=[], b=["a", "d"], c=["b"], d=["c"])


def test_a_step_that_waits_for_itself_is_a_cycle() -> None:
    assert find_cycle({"a": ["a"]}) == ["a", "a"]


def test_a_name_that_is_no_step_is_refused() -> None:
    with pytest.raises(GraphError, match="'ghost', which is not a step"):
        graph(a=["ghost"])


def test_two_steps_of_one_name_are_refused() -> None:
    with pytest.raises(GraphError, match="same name"):
        Graph.of([("a", [], []), ("a", [], [])])


def test_ancestors_are_all_before_a_step_by_either_kind_of_edge() -> None:
    g = Graph.of([("a", [], []), ("b", ["a"], []), ("c", [], ["b"]), ("d", [], [])])
    assert [g.names[i] for i in g.ancestors(2)] == ["a", "b"]


def test_the_nearest_planned_descendants_are_found_through_steps_that_are_not_planned() -> None:
    g = graph(a=[], b=["a"], c=["b"], d=["c"])
    assert g.nearest_descendants(0, frozenset({2, 3})) == [2]


def test_a_chain_of_ten_thousand_steps_is_no_matter_of_recursion() -> None:
    names = [f"s{i}" for i in range(10_000)]
    g = Graph.of([(name, [names[i - 1]] if i else [], []) for i, name in enumerate(names)])
    assert g.order == tuple(range(10_000))


@given(st.lists(st.lists(st.integers(0, 30), max_size=4), max_size=30))
def test_every_step_comes_after_all_that_it_waits_for(parents: list[list[int]]) -> None:
    nodes: list[tuple[str, list[str], list[str]]] = [
        (f"s{i}", sorted({f"s{p % i}" for p in ps}) if i else [], []) for i, ps in enumerate(parents)
    ]
    g = Graph.of(nodes)
    position = {step: n for n, step in enumerate(g.order)}
    assert len(position) == len(nodes)
    for i, waits_for in enumerate(g.parents):
        assert all(position[p] < position[i] for p in waits_for)
        assert set(g.ancestors(i)) == {*waits_for, *(a for p in waits_for for a in g.ancestors(p))}
