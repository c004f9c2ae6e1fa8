"""What is wrong with what steps are: nothing to do or two things, nothing to undo with, settings without effect."""

from __future__ import annotations

from collections.abc import Iterator

from kubesaga.api.findings.finding import Code, Finding, finding
from kubesaga.api.findings.raw import Raw, an_object, called, has, objects
from kubesaga.api.models.steps import KINDS, PROGRAMS
from kubesaga.engine.vocabulary import OnTimeout

_ARTICLES = {"approval": "an"}
_POD_FIELDS = ("startTimeout", "resources", "pod")
_UNUSED = {
    "approval": {
        "retry": "remove it: an approval that is refused has failed for good",
        "timeout": "write approval.timeout",
    },
    "task": {"timeout": "remove it: the child Task has the timeout of its own template"},
}


def program_findings(spec: Raw, path: str) -> list[Finding]:
    """Findings about what steps and compensations run."""
    found: list[Finding] = []
    for i, step in objects(spec, "steps"):
        where, name = f"{path}.steps[{i}]", called(step, i)
        found += _kind_findings(step, KINDS, where, f"step {name}")
        found += _compensation_findings(step, f"{where}.compensation", name)
        found += _unused_findings(step, where, name)
    for i, step in objects(spec, "finally"):
        found += _kind_findings(step, PROGRAMS, f"{path}.finally[{i}]", f"step {called(step, i)}")
    return found


def kinds_of(step: Raw) -> list[str]:
    """What the step is, as far as it says so: one of ``KINDS`` if nothing is wrong."""
    return [kind for kind in KINDS if has(step, kind)]


def _kind_findings(owner: Raw, kinds: tuple[str, ...], path: str, name: str) -> Iterator[Finding]:
    own = [kind for kind in kinds if has(owner, kind)]
    if not own:
        remedy = "give it " + " or ".join(map(a_kind, kinds))
        yield finding(Code.INVALID_PROGRAM, path, f"{name} has nothing to do", remedy)
    if len(own) > 1:
        yield _too_many(own, path, name)


def _too_many(own: list[str], path: str, name: str) -> Finding:
    return finding(Code.INVALID_PROGRAM, path, f"{name} has {' and '.join(map(a_kind, own))}", "keep only one of them")


def a_kind(kind: str) -> str:
    """The kind with its article."""
    return f"{_ARTICLES.get(kind, 'a')} {kind}"


def _compensation_findings(step: Raw, path: str, name: str) -> Iterator[Finding]:
    if not has(step, "compensation"):
        return
    compensation = an_object(step, "compensation")
    undo = [kind for kind in PROGRAMS if has(compensation, kind)]
    own = kinds_of(step)
    if len(undo) > 1:
        yield _too_many(undo, path, f"the compensation of step {name}")
    if own in (["container"], ["approval"]) and not undo:
        yield finding(
            Code.COMPENSATION_WITHOUT_PROGRAM,
            path,
            f"step {name} is {a_kind(own[0])}, which has no method to undo its work",
            "give the compensation a handler or a container of its own",
        )
    if own == ["task"] and not undo and has(compensation, "timeout"):
        yield _without_effect(f"{path}.timeout", f"the child Task of step {name} undoes its own work", "remove it")


def _unused_findings(step: Raw, path: str, name: str) -> Iterator[Finding]:
    own = kinds_of(step)
    if len(own) != 1 or own[0] not in _UNUSED:
        return
    what = f"step {name} is {a_kind(own[0])}"
    for field, remedy in _UNUSED[own[0]].items():
        if has(step, field):
            yield _without_effect(f"{path}.{field}", what, remedy)
    approval = an_object(step, "approval")
    # Fail is the default: the API server writes it into an approval that says nothing.
    if approval.get("onTimeout", OnTimeout.FAIL) != OnTimeout.FAIL and not has(approval, "timeout"):
        message = f"step {name} waits for as long as it takes"
        yield _without_effect(f"{path}.approval.onTimeout", message, "give it approval.timeout, or remove it")
    if any(has(an_object(step, "compensation"), kind) for kind in PROGRAMS):
        return
    for field in _POD_FIELDS:
        if has(step, field):
            yield _without_effect(f"{path}.{field}", f"{what}, which has no pod", "remove it")


def _without_effect(path: str, message: str, remedy: str) -> Finding:
    return finding(Code.FIELD_WITHOUT_EFFECT, path, f"has no effect: {message}", remedy)
