"""Tasker core's step types: what a graph that is fixed from the start makes of them.

| `type` | What becomes of it |
| --- | --- |
| `standard` | a step |
| `decision` | a step; those that depend on it get a `when` that reads its result |
| `deferred_convergence` | a step with a `when`: skipped if all conditional ones before it were |
| `batchable`, `batch_worker` | steps that run once: there are no steps made at run time |

Called by `template` once all steps are known.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from kubesaga.cli.importing.fields import Fields
from kubesaga.cli.importing.notes import Notes

DECISION = "decision"
_CONVERGENCE = ("deferred_convergence", "deferred")
_BATCHES = ("batchable", "batch_worker")
_KNOWN = ("standard", DECISION, *_CONVERGENCE, *_BATCHES)
_CHOSEN = "steps.{0}.result.decision_point_outcome.step_names"


@dataclass(slots=True)
class Branch:
    """What branching must know of one step: the name that Tasker has for it, its type, its finished object."""

    original: str
    type: str
    path: str
    step: dict[str, Any] = field(default_factory=dict)

    @property
    def dependencies(self) -> list[str]:
        """The steps before it, by their new names."""
        found: list[str] = self.step.get("dependsOn", [])
        return found


def step_type(step: Fields) -> str:
    """The step's type; an unknown one counts as standard, and is noted."""
    path = step.at("type" if step.has("type") else "step_type")
    found = (step.text("type", "step_type") or _KNOWN[0]).lower()
    if found not in _KNOWN:
        step.notes.lost(path, f"{found} is no type of step that this command knows; it is a step like any other")
    elif found == DECISION:
        step.notes.changed(
            path,
            "decision: a step like any other, whose handler has to return a dict with decision_point_outcome "
            "and in it step_names; the steps after it read that",
        )
    elif found in _BATCHES:
        step.notes.lost(
            path,
            f"{found}: steps made at run time have no counterpart. It is a step that runs once: let its handler go "
            "through all batches, or start a child Task for each",
        )
    return found


def add_conditions(branches: list[Branch]) -> None:
    """Give each step that Tasker would make only at run time its `when`."""
    by_name = {branch.step["name"]: branch for branch in branches}
    conditional: set[str] = set()
    while True:
        before = len(conditional)
        conditional |= {name for name, each in by_name.items() if _depends_on_choice(each, by_name, conditional)}
        if len(conditional) == before:
            break
    for name in conditional:
        branch = by_name[name]
        branch.step["when"] = _condition(branch, by_name, conditional)


def note_conditions(branches: list[Branch], notes: Notes) -> None:
    """Say which steps got a condition, and what it reads."""
    for branch in branches:
        if "when" in branch.step:
            notes.changed(
                branch.path,
                f"Tasker makes step {branch.original} at run time; here it is always there and skipped unless "
                f"{branch.step['when']}",
            )


def _depends_on_choice(branch: Branch, by_name: dict[str, Branch], conditional: set[str]) -> bool:
    return any(
        name in conditional or (name in by_name and by_name[name].type == DECISION) for name in branch.dependencies
    )


def _condition(branch: Branch, by_name: dict[str, Branch], conditional: set[str]) -> str:
    decisions = [name for name in branch.dependencies if name in by_name and by_name[name].type == DECISION]
    ran = [f'steps.{name}.outcome != "Skipped"' for name in branch.dependencies if name in conditional]
    if branch.type in _CONVERGENCE and ran:
        return " || ".join(ran)
    chosen = [_chosen(name, branch.original) for name in decisions if name not in conditional]
    # A decision that was itself left out has no result to read: && stops before it is asked.
    guarded = [_chosen(name, branch.original) for name in decisions if name in conditional]
    return " && ".join([*ran, *chosen, *guarded])


def _chosen(decision: str, original: str) -> str:
    names = _CHOSEN.format(decision)
    return f'has({names}) && "{original}" in {names}'
