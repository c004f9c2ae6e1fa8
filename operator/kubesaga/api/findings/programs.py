"""What is wrong with what steps run: no program or two, no image, nothing to undo with, retries at odds."""

from __future__ import annotations

from collections.abc import Iterator

from kubesaga.api.durations import format_duration, parse_duration
from kubesaga.api.findings.finding import Code, Finding, finding, listed
from kubesaga.api.findings.raw import Raw, an_object, called, has, objects
from kubesaga.engine.plan import RetryPolicy

_PROGRAMS = ("handler", "container")


def program_findings(spec: Raw, path: str, default_image: str | None) -> list[Finding]:
    """Findings about handlers, containers, compensations and retries."""
    found: list[Finding] = []
    without_image: list[str] = []
    defaults = an_object(spec, "defaults")
    found += _retry_findings(an_object(defaults, "retry"), {}, f"{path}.defaults.retry")
    for i, step in objects(spec, "steps"):
        where = f"{path}.steps[{i}]"
        found += _step_findings(step, where, called(step, i))
        found += _retry_findings(an_object(step, "retry"), an_object(defaults, "retry"), f"{where}.retry")
        found += _retry_findings(
            an_object(an_object(step, "compensation"), "retry"),
            an_object(defaults, "retry"),
            f"{where}.compensation.retry",
        )
        if _lacks_image(step):
            without_image.append(called(step, i))
    if without_image and not default_image and not has(defaults, "image"):
        found.append(_missing_image(without_image, path))
    return found


def _step_findings(step: Raw, path: str, name: str) -> Iterator[Finding]:
    own = [key for key in _PROGRAMS if has(step, key)]
    if not own:
        yield finding(Code.INVALID_PROGRAM, path, f"step {name} has nothing to run", "give it a handler or a container")
    if len(own) > 1:
        yield _two_programs(path, f"step {name}")
    if not has(step, "compensation"):
        return
    undo = [key for key in _PROGRAMS if has(an_object(step, "compensation"), key)]
    if len(undo) > 1:
        yield _two_programs(f"{path}.compensation", f"the compensation of step {name}")
    if own == ["container"] and not undo:
        yield finding(
            Code.COMPENSATION_WITHOUT_PROGRAM,
            f"{path}.compensation",
            f"step {name} runs a container, which has no method to undo its work",
            "give the compensation a handler or a container of its own",
        )


def _two_programs(path: str, owner: str) -> Finding:
    return finding(Code.INVALID_PROGRAM, path, f"{owner} has both a handler and a container", "remove one of the two")


def _lacks_image(step: Raw) -> bool:
    """Whether one of the step's programs depends on a default image."""
    compensation = an_object(step, "compensation")
    lacking = any(has(step, key) and not has(an_object(step, key), "image") for key in _PROGRAMS)
    if has(compensation, "container"):
        return lacking or not has(an_object(compensation, "container"), "image")
    if has(compensation, "handler"):
        own_image = has(an_object(compensation, "handler"), "image") or has(an_object(step, "handler"), "image")
        return lacking or not own_image
    return lacking


def _missing_image(names: list[str], path: str) -> Finding:
    return finding(
        Code.MISSING_IMAGE,
        f"{path}.defaults.image",
        f"no image for {listed(names)}: neither they nor the defaults name one, and the operator has none",
        "write the image of your handlers here",
    )


def _retry_findings(retry: Raw, under: Raw, path: str) -> Iterator[Finding]:
    if not retry.keys() & {"initialInterval", "maxInterval"}:
        return
    policy = RetryPolicy()
    merged = {**under, **retry}
    first = _seconds(merged.get("initialInterval"), policy.initial_interval)
    most = _seconds(merged.get("maxInterval"), policy.max_interval)
    if first is not None and most is not None and first > most:
        yield finding(
            Code.INVALID_RETRY,
            path,
            f"initialInterval {format_duration(first)} is above maxInterval {format_duration(most)}",
            "raise maxInterval or lower initialInterval",
        )


def _seconds(written: object, default: float) -> float | None:
    if written is None:
        return default
    try:
        return parse_duration(written) if isinstance(written, str) else None
    except ValueError:
        return None
