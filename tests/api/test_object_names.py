"""Names are judged as an API server judges them, and what is made of any words is a name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubesaga.api.object_names import is_object_name, is_task_name, name_after


@pytest.mark.parametrize("name", ["a", "7", "order-1", "a.b-c.d", "0.0", "a" * 63])
def test_what_kubernetes_takes_is_a_name(name: str) -> None:
    assert is_object_name(name)
    assert is_task_name(name)


@pytest.mark.parametrize("name", ["", "-a", "a-", "a..b", ".a", "a.-b", "A", "a_b", "a b", "ä", "a\n", "a" * 254])
def test_what_kubernetes_refuses_is_none(name: str) -> None:
    assert not is_object_name(name)
    assert not is_task_name(name)


def test_the_name_of_a_task_is_no_longer_than_a_labels_value() -> None:
    assert is_object_name("a" * 253)
    assert not is_task_name("a" * 64)


@given(st.text(max_size=80).map("a{}".format), st.integers(1, 10**6).map(str))
def test_whatever_a_name_is_made_of_a_task_may_have_it_and_it_keeps_its_ending(words: str, ending: str) -> None:
    name = name_after(words, ending)
    assert is_task_name(name)
    assert name.startswith("a")
    assert name.endswith(f"-{ending}")
