"""How the programs of a plan go: the script, by program one outcome after the other. Called by ``sowing``.

A program without an entry succeeds in a second. One that would run for ever is only drawn where a time-out ends it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tests.runtime.framing import note_of
from tests.simulation.plan import Outcome
from tests.simulation.plans.draw import Draw
from tests.simulation.plans.workflows import Program

_ENDS = {
    "plain": 10.0,
    "result": 6.0,
    "recovers": 5.0,
    "permanent": 2.0,
    "exhausted": 1.2,
    "slow": 1.5,
    "timeout": 2.0,
    "nonsense": 0.7,
    "image": 0.7,
}
_UNDOINGS = {**_ENDS, "plain": 12.0, "permanent": 2.0, "exhausted": 1.2, "nonsense": 0.4, "image": 0.4}
_TOO_MUCH = 95
"""More than resultSchemas allow."""
_FAILURES = ("busy", "busy", "broken", "code", "silent", "killed", "gaps", "code1")


def draw_script(draw: Draw, programs: Iterable[Program]) -> dict[str, tuple[Outcome, ...]]:
    """What is out of the ordinary, by the programs' names."""
    listed = list(programs)
    script = {program.name: outcomes for program in listed if (outcomes := _outcomes(draw, program))}
    forward = [program for program in listed if not program.undoes]
    if forward and draw.happens(0.35):  # whoever is to be undone must have failed first
        culprit = draw.choice(forward[-3:])
        script[culprit.name] = (draw_failure(draw, "broken"),)
    return script


def _outcomes(draw: Draw, program: Program) -> tuple[Outcome, ...]:
    if program.is_checked and draw.happens(0.25):
        return (_success(_result(program, _TOO_MUCH), seconds=1.5),)
    match draw.among(_UNDOINGS if program.undoes else _ENDS):
        case "result":
            return (draw_success(draw, program),)
        case "recovers":
            failures = draw.randint(1, max(1, program.attempts - 1))
            kinds = [*_FAILURES, "late"]
            return (*(draw_failure(draw, draw.choice(kinds)) for _ in range(failures)), draw_success(draw, program))
        case "permanent":
            return (draw_failure(draw, "broken"),)
        case "exhausted":
            return (draw_failure(draw),)
        case "slow":
            return (_success(_result(program, 1), seconds=round(draw.uniform(5, 40), 1)),)
        case "timeout":
            return _stalled(draw, program)
        case "nonsense":
            return (Outcome(document=draw.choice(["{oops", '{"answer": 42}', "[]", '{"result": NaN}'])),)
        case "image":
            return _without_image(draw, program)
    return ()


def draw_success(draw: Draw, program: Program) -> Outcome:
    """A result: small, none at all, as large as a status takes, or so large that it needs log and ConfigMap."""
    seconds = round(draw.uniform(0.2, 4), 1)
    kind = draw.among({"small": 8.0, "null": 1.0, "large": 1.5, "logged": 1.0, "wordless": 0.5})
    if kind == "wordless" and not program.is_handler:
        return Outcome(seconds)
    if kind == "null":
        return _success(None, seconds)
    result: dict[str, Any] = _result(program, draw.randint(1, 90))
    if kind == "large":
        result["text"] = "ä" * draw.choice([300, 600])
    elif kind == "logged":
        result["text"] = "x" * draw.choice([4_200, 9_000, 40_000])
    return _success(result, seconds)


def draw_failure(draw: Draw, kind: str | None = None) -> Outcome:
    """An attempt that fails; "broken" for good, the other kinds such that another attempt may help."""
    seconds = round(draw.uniform(0.2, 4), 1)
    match kind or draw.choice(_FAILURES):
        case "broken":
            return _error(seconds, type="Broken", code=draw.choice(["E1", "E2"]), retryable=False)
        case "busy":
            return _error(seconds, type="Busy", retryable=True, **_retry_after(draw))
        case "late":
            return _error(seconds, type="Late", retryable=True)
        case "silent":
            return Outcome(seconds)
        case "killed":
            return Outcome(seconds, code=137, reason=draw.choice([None, "OOMKilled"]))
        case "gaps":
            return Outcome(seconds, document=note_of(b'{"result": "nobody has printed this"}'), log=b"hello\n")
        case _:
            return Outcome(seconds, code=draw.choice([1, 17, 70, 255]))


def _stalled(draw: Draw, program: Program) -> tuple[Outcome, ...]:
    """It does not end by itself; now and then the next attempt does."""
    if program.limit is None:
        return ()
    grace = draw.among({0.2: 4.0, 8.0: 1.0, None: 1.5})
    stalled = Outcome(None, grace=grace)
    return (stalled, draw_success(draw, program)) if draw.happens(0.6) else (stalled,)


def _without_image(draw: Draw, program: Program) -> tuple[Outcome, ...]:
    """Its image cannot be pulled; that takes minutes where nothing limits the start."""
    if program.start_limit > 60 and draw.happens(0.8):
        return ()
    missing = Outcome(starts=False)
    return (missing, draw_success(draw, program)) if draw.happens(0.6) else (missing,)


def _result(program: Program, number: int) -> dict[str, Any]:
    return {"step": program.name, "n": number}


def _success(result: Any, seconds: float) -> Outcome:
    return Outcome(seconds, document={"result": result})


def _error(seconds: float, **error: Any) -> Outcome:
    return Outcome(seconds, document={"error": {"message": "it did not work", **error}}, code=1)


def _retry_after(draw: Draw) -> Mapping[str, float]:
    return {"retryAfter": draw.choice([0.5, 7.5])} if draw.happens(0.2) else {}
