"""Names that are used once, keys that never change."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from kubesaga.engine.identity import attempt_name, idempotency_key, traceparent
from kubesaga.engine.vocabulary import Role

_DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
_task_names = st.from_regex(r"[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?", fullmatch=True)
_step_names = st.from_regex(r"[a-z]([a-z0-9_]{0,38}[a-z0-9])?", fullmatch=True)


@given(_task_names, _step_names, st.sampled_from(Role), st.integers(1, 10_000))
def test_an_attempts_name_is_a_dns_label_whatever_the_names(task: str, step: str, role: Role, attempt: int) -> None:
    name = attempt_name(task, "uid", step, role, attempt)
    assert len(name) <= 63
    assert _DNS_LABEL.fullmatch(name)


def test_each_attempt_role_step_and_task_has_a_name_of_its_own() -> None:
    names = {
        attempt_name("task", uid, step, role, attempt)
        for uid in ("u1", "u2")
        for step in ("a_b", "a", "b")
        for role in Role
        for attempt in range(1, 20)
    }
    assert len(names) == 2 * 3 * 2 * 19


def test_an_idempotency_key_is_the_same_for_every_attempt_and_another_for_the_compensation() -> None:
    assert idempotency_key("u", "charge") == idempotency_key("u", "charge")
    keys = {
        idempotency_key("u", "charge"),
        idempotency_key("u", "charge", Role.COMPENSATION),
        idempotency_key("u", "ship"),
        idempotency_key("v", "charge"),
    }
    assert len(keys) == 4


def test_everything_below_one_root_shares_a_trace_and_each_attempt_is_a_span() -> None:
    traces = [traceparent("root", path, role, attempt) for path in ("a", "a/b") for role in Role for attempt in (1, 2)]
    assert len({trace.split("-")[1] for trace in traces}) == 1
    assert len({trace.split("-")[2] for trace in traces}) == len(traces)
    assert traceparent("another", "a", Role.FORWARD, 1).split("-")[1] != traces[0].split("-")[1]
