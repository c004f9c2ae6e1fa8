"""What a step may be asked to do, and what the operator must then read.

A program that is put to the test does what its input's ``context.do`` says (the table in docs/step-contract.md). Each
case is one attempt with an input of its own; what the program leaves is read by the operator's own reader.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kubesaga.api import constants as c
from kubesaga.api.documents import Output
from tests.contract.attempt import Ended, run
from tests.contract.reading import read

Judge = Callable[[Output, Ended], str | None]
"""Says what is wrong, or None."""

_KEY = "0123456789abcdef0123456789abcdef"
_COMPENSATION_KEY = "fedcba9876543210fedcba9876543210"
_ALL_SORTS = {"text": "ok", "whole": 42, "part": -1.5, "yes": True, "nothing": None, "list": [1, [], {}], "": {"a": 0}}
_SPECIAL = "grüße 日本語 🚀 \"quoted\" back\\slash tab\t line\n $(KUBESAGA_TASK) $HOME `date` '%s' \u0001 {}[],:"


@dataclass(frozen=True)
class Case:
    """One thing that is asked of a program."""

    name: str
    fields: Mapping[str, Any]
    """Fields of the input beside those that every input has."""
    judge: Judge
    stop_at: str | None = None

    def fault(self, command: Sequence[str], callable_name: str | None) -> str | None:
        """What is wrong with what the command does; None: nothing."""
        ended = run(command, step_input(callable_name, **self.fields), self.stop_at)
        if ended.late:
            return f"it did not end by itself; its log ends: {ended.log[-300:]!r}"
        if self.stop_at is not None and self.stop_at.encode() not in ended.log:
            return f"it ended without having printed {self.stop_at!r}, upon which it would have been stopped"
        fault = self.judge(read(ended), ended)
        return fault and f"{fault} (exit code {ended.exit_code}, result file {ended.written[:200]!r})"


def step_input(callable_name: str | None, **fields: Any) -> dict[str, Any]:
    """The input of an attempt, as the operator makes it."""
    compensating = "forward" in fields
    return {
        "apiVersion": c.API_VERSION,
        "kind": "StepInput",
        "task": {
            "name": "order-1",
            "namespace": "shop",
            "uid": "0b5b1e6e-6f0c-4c80-9d3e-1a2b3c4d5e6f",
            "createdAt": "2026-01-02T03:04:05Z",
            "initiator": "ada",
            "sourceSystem": None,
            "reason": None,
            "tags": [],
        },
        "step": {
            "name": "charge_payment",
            "role": "compensation" if compensating else "forward",
            "callable": callable_name,
            "method": None if callable_name is None else ("compensate" if compensating else "call"),
            "maxAttempts": 3,
        },
        "attempt": 2,
        "retryCount": 1,
        "context": {},
        "options": {},
        "metadata": {},
        "trace": [],
        "results": {},
        "errors": {},
        "config": {},
        "idempotencyKey": _KEY,
        "correlationId": "0b5b1e6e-6f0c-4c80-9d3e-1a2b3c4d5e6f",
        "parentCorrelationId": None,
        "deadline": None,
        **({"compensationKey": _COMPENSATION_KEY} if compensating else {}),
        **fields,
    }


def results_in(expected: object) -> Judge:
    """The attempt succeeded with this result."""

    def judge(output: Output, ended: Ended) -> str | None:
        if output.error:
            return f"it failed: {output.error}"
        if ended.exit_code != 0:
            return "it left a result, but did not exit with 0"
        if output.result != expected or not _same_kind(output.result, expected):
            return f"its result is {_short(output.result)}, and not {_short(expected)}"
        return None

    return judge


def fails_with(*, retryable: bool, **expected: object) -> Judge:
    """The attempt failed, and the error says so and so."""

    def judge(output: Output, _: Ended) -> str | None:
        if output.error is None:
            return f"it succeeded with {_short(output.result)}"
        wrong = [
            f"{name} is {getattr(output.error, name)!r}, and not {value!r}"
            for name, value in {"retryable": retryable, **expected}.items()
            if getattr(output.error, name) != value
        ]
        return f"of its error {', '.join(wrong)}" if wrong else None

    return judge


def _same_kind(found: object, expected: object) -> bool:
    # True == 1 in Python, and not in JSON.
    return isinstance(found, bool) == isinstance(expected, bool)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 200 else f"{text[:100]} … {text[-60:]} ({len(text)} characters)"


def _returning(value: object, **fields: Any) -> dict[str, Any]:
    return {"context": {"do": "return", "value": value}, **fields}


def _repeating(unit: str, times: int) -> Case:
    size = len(unit.encode()) * times
    return Case(
        f"a result of {size} bytes arrives whole, though only {c.RESULT_LIMIT_BYTES} fit into the result file",
        {"context": {"do": "repeat", "unit": unit, "times": times}},
        results_in(unit * times),
    )


def _ending_with(code: int, *, retryable: bool) -> Case:
    verdict = "may be tried again" if retryable else "is permanent"
    return Case(
        f"exit code {code} {verdict}",
        {"context": {"do": "exit", "exitCode": code}},
        fails_with(retryable=retryable),
    )


def _failing(name: str, error: Mapping[str, Any], code: int, judge: Judge) -> Case:
    return Case(name, {"context": {"do": "fail", "error": error, "exitCode": code}}, judge)


_DESCRIBED = {"task": "order-1", "step": "charge_payment", "idempotencyKey": _KEY}

CASES: tuple[Case, ...] = (
    Case("a result of every JSON type", _returning(_ALL_SORTS), results_in(_ALL_SORTS)),
    Case("the result null", _returning(None), results_in(None)),
    Case("the result false", _returning(False), results_in(False)),
    Case("characters of every kind, none of them expanded", _returning(_SPECIAL), results_in(_SPECIAL)),
    Case(
        "the input's facts are also single variables",
        {"context": {"do": "describe"}},
        results_in({"input": {**_DESCRIBED, "attempt": 2}, "environment": {**_DESCRIBED, "attempt": "2"}}),
    ),
    Case(
        "the result of a step before this one",
        {"context": {"do": "previous", "step": "reserve"}, "results": {"skipped": None, "reserve": _ALL_SORTS}},
        results_in(_ALL_SORTS),
    ),
    Case(
        "fields of a later version are passed over",
        _returning("ok", laterField={"do": "fail"}),
        results_in("ok"),
    ),
    _failing(
        "a permanent error with type, code and message",
        {
            "type": "CardDeclined",
            "code": "DECLINED",
            "message": "the card was declined: über Limit",
            "retryable": False,
        },
        65,
        fails_with(retryable=False, type="CardDeclined", code="DECLINED", message="the card was declined: über Limit"),
    ),
    _failing(
        "a retryable error that names the delay",
        {"type": "BankBusy", "code": "BUSY", "message": "ask again in 7 s", "retryable": True, "retryAfter": 7},
        1,
        fails_with(retryable=True, type="BankBusy", code="BUSY", retry_after=7.0),
    ),
    _ending_with(64, retryable=False),
    _ending_with(78, retryable=False),
    _ending_with(1, retryable=True),
    _ending_with(63, retryable=True),
    _ending_with(79, retryable=True),
    _repeating("x", 4096 - len('{"result":""}')),
    _repeating("x", 4096),
    _repeating("žluťoučký kůň 🐎 ", 400),
    _repeating("0123456789abcdef", 14_000),
    Case(
        "a result beyond 256 KiB is refused for good",
        {"context": {"do": "repeat", "unit": "0123456789abcdef", "times": 17_000}},
        fails_with(retryable=False, type="ResultTooLarge"),
    ),
    Case(
        "a large input comes as a file",
        {"context": {"do": "return", "value": "small", "ballast": "ü" * 30_000}},
        results_in("small"),
    ),
    Case("a large input and a large result", _returning(["ä\n"] * 15_000), results_in(["ä\n"] * 15_000)),
    Case(
        "a compensation gets the forward result, and a key of its own",
        {"context": {"do": "undo"}, "forward": {"result": {"paymentId": "p-1"}, "error": None}},
        results_in({"undone": {"paymentId": "p-1"}, "key": _COMPENSATION_KEY}),
    ),
    Case(
        "a compensation of an attempt that failed gets no result",
        {
            "context": {"do": "undo"},
            "forward": {"result": None, "error": {"type": "Timeout", "code": None, "message": "ran too long"}},
        },
        results_in({"undone": None, "key": _COMPENSATION_KEY}),
    ),
    Case(
        "SIGTERM ends it, and does not look like success",
        {"context": {"do": "wait"}},
        fails_with(retryable=True),
        stop_at="waiting",
    ),
)
