"""What a human says on the command line, or at the prompt, to a local run."""

from __future__ import annotations

from collections.abc import Sequence

from kubesaga.cli.errors import CliError
from kubesaga.engine.vocabulary import ActionType
from kubesaga.local.run import Answer

_ACTIONS = {type_.value.lower(): type_ for type_ in ActionType}


def answers(approve: Sequence[str], reject: Sequence[str], act: Sequence[str], reason: str | None) -> list[Answer]:
    """The answers, in the order approve, reject, act. Raises CliError."""
    found = [Answer(ActionType.APPROVE, _path(step), reason) for step in approve]
    found += [Answer(ActionType.REJECT, _path(step), reason) for step in reject]
    return found + [_action(written, reason) for written in act]


def _action(written: str, reason: str | None) -> Answer:
    step, _, word = written.rpartition("=")
    type_ = _ACTIONS.get(word.replace("-", "").lower())
    if type_ is None:
        known = ", ".join(ActionType)
        raise CliError(f"--act {written}: {word!r} is no action", f"write [STEP=]ACTION with one of: {known}")
    return Answer(type_, _path(step), reason)


def _path(step: str) -> tuple[str, ...]:
    return tuple(filter(None, step.split("/")))
