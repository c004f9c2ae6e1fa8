"""Events and the handler's own logger: lines of a fixed form, whatever the handler does to logging."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from tests.sdk.support import context, run, step_input

FIELDS = {"task": "order-1", "step": "charge_payment", "attempt": 1, "correlation_id": "corr-1"}


def test_an_event_is_a_line_that_says_which_attempt_published_it(tmp_path: Path) -> None:
    ended = run(tmp_path, step_input("event_handlers:Publishes"))
    assert ended.exit_code == 0
    events = [line for line in ended.log if "kubesaga.dev/event" in line]
    assert [line["kubesaga.dev/event"] for line in events] == [
        {"name": "order.charged", "sequence": 1, "payload": {"amount": 5, "by": "Zoë"}},
        {"name": "order.noted", "sequence": 2, "payload": {}},
        {"name": "order.dumped", "sequence": 3, "omittedBytes": 9012},
    ]
    assert [line["level"] for line in events] == ["info", "info", "warning"]
    for line in events:
        assert {name: line[name] for name in FIELDS} == FIELDS
        assert line["logger"] == "kubesaga_sdk.events"
    assert max(len(line) for line in ended.stderr.splitlines()) < 16 * 1024


def test_the_contexts_logger_says_which_attempt_it_is_of(tmp_path: Path) -> None:
    ended = run(tmp_path, step_input("event_handlers:Logs"))
    (line,) = (line for line in ended.log if line["logger"] == "kubesaga_sdk.handler")
    assert {name: line[name] for name in FIELDS} == FIELDS
    assert (line["message"], line["level"], line["amount"]) == ("charged 5", "warning", 5)


def test_neither_needs_the_handler_to_leave_logging_alone(tmp_path: Path) -> None:
    ended = run(tmp_path, step_input("event_handlers:ConfiguresLogging"))
    assert [line["message"] for line in ended.log] == ["step started", "event order.charged", "charged", "step ended"]
    assert "own format: mine" in ended.stderr


@pytest.mark.parametrize(
    ("name", "payload", "said"),
    [
        ("", {}, "is no event's name"),
        ("order charged", {}, "is no event's name"),
        ("x" * 101, {}, "is no event's name"),
        ("order.charged", {"at": object()}, r"payload\.at: object is no JSON type"),
        ("order.charged", {"ratio": float("nan")}, "nan is no JSON number"),
        ("order.charged", ["amount"], "payload: it has to be a dict"),
    ],
)
def test_what_is_no_event_is_refused(name: str, payload: Any, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        context().publish(name, payload)


def test_outside_a_pod_events_are_ordinary_log_records(caplog: pytest.LogCaptureFixture) -> None:
    # The runner of another test in this process may have kept the SDK's lines to itself.
    logging.getLogger("kubesaga_sdk").propagate = True
    with caplog.at_level(logging.INFO):
        context(attempt=4).publish("order.charged", {"amount": 5})
    (record,) = caplog.records
    assert vars(record)["kubesaga.dev/event"] == {"name": "order.charged", "sequence": 1, "payload": {"amount": 5}}
    assert vars(record)["attempt"] == 4
