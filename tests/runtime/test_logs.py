"""Logs: one line per record, saying what it is about."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from kubesaga.runtime import logs


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where the logs go; afterwards the root logger is as before."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    quiet = {name: logging.getLogger(name).level for name in logs.QUIET}
    yield io.StringIO()
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in quiet.items():
        logging.getLogger(name).setLevel(before)


SUBJECT = {"namespace": "shop", "task": "order-1", "step": "ship_order", "attempt": 2}


def test_json_has_time_level_logger_message_and_subject(stream: io.StringIO) -> None:
    logs.configure("json", "info", stream)
    logging.getLogger("kubesaga.test").info("step %s\nfailed", "ship", extra=SUBJECT)
    line = json.loads(stream.getvalue())
    assert line.pop("ts").endswith("Z")
    assert line == {"level": "info", "logger": "kubesaga.test", "message": "step ship\nfailed", **SUBJECT}
    assert stream.getvalue().count("\n") == 1


def test_json_carries_a_traceback_in_the_same_line(stream: io.StringIO) -> None:
    logs.configure("json", "info", stream)
    try:
        raise ValueError("no good")
    except ValueError:
        logging.getLogger("kubesaga.test").exception("a pass failed")
    assert stream.getvalue().count("\n") == 1
    assert "ValueError: no good" in json.loads(stream.getvalue())["error"]


def test_text_reads_subject_first(stream: io.StringIO) -> None:
    logs.configure("text", "info", stream)
    logging.getLogger("kubesaga.test").warning("slow", extra=SUBJECT)
    logging.getLogger("kubesaga.test").info("started")
    first, second = stream.getvalue().splitlines()
    assert first.endswith(" WARNING shop/order-1/ship_order#2 slow")
    assert second.endswith(" INFO    started")


def test_a_level_hides_what_is_below_it(stream: io.StringIO) -> None:
    logs.configure("json", "warning", stream)
    logging.getLogger("kubesaga.test").info("hidden")
    assert stream.getvalue() == ""


@pytest.mark.parametrize("library", ["aiohttp", "asyncio", "kubernetes", "kopf.objects"])
def test_third_parties_are_heard_from_warnings_on(stream: io.StringIO, library: str) -> None:
    logs.configure("json", "debug", stream)
    logging.getLogger(f"{library}.inner").info("chatter")
    logging.getLogger(f"{library}.inner").warning("trouble")
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["trouble"]


def test_the_retries_of_kopfs_requests_are_not_heard(stream: io.StringIO) -> None:
    logs.configure("json", "debug", stream)
    logging.getLogger("kopf._cogs.clients.watching").error("Request attempt #17/64 failed")
    assert stream.getvalue() == ""
