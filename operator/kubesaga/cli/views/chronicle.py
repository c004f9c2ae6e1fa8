"""A Task's history as lines: what moved when, from where to where, and why."""

from __future__ import annotations

from kubesaga.cli.views.story import Move
from kubesaga.cli.views.times import stamp
from kubesaga.engine.vocabulary import Role


def subject(move: Move) -> str:
    """What moved: a step, a step's undoing, or the Task."""
    if move.step is None:
        return "Task"
    return move.step if move.role is Role.FORWARD else f"{move.step} (undo)"


def cells(move: Move) -> tuple[str, str, str, str, str, str]:
    """When, what, which attempt, by which events, from where to where, and why."""
    attempt = "" if move.attempt is None else str(move.attempt)
    way = f"{move.source} → {move.target}"
    return stamp(move.at), subject(move), attempt, ", ".join(move.events), way, move.message
