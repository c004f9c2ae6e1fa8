"""Names of the source as names that the API accepts: steps snake_case, templates and domains, objects in a cluster.

Called by the rules for templates and for requests, which must come to the same names.
"""

from __future__ import annotations

import re

from kubesaga.api.models.base import LOGICAL_NAME_PATTERN, STEP_NAME_PATTERN
from kubesaga.cli.importing.notes import Notes

MAX_STEP_NAME = 40
MAX_LOGICAL_NAME = 63
MAX_OBJECT_NAME = 63
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def snake_case(name: str) -> str:
    """``ChargePayment``, ``charge-payment`` and ``Charge payment`` become ``charge_payment``."""
    return re.sub(r"[^a-z0-9]+", "_", _HUMP.sub("_", name).lower()).strip("_")


def step_name(name: str) -> str:
    """What a step is called here: its own name where the API accepts it, else snake_case, cut to 40 characters."""
    if re.fullmatch(STEP_NAME_PATTERN, name):
        return name
    found = snake_case(name)
    found = found if re.match("[a-z]", found) else f"step_{found}"
    return found[:MAX_STEP_NAME].rstrip("_")


def logical_name(name: str) -> str:
    """A template's name or its domain: its own where the API accepts it, else lower case with dashes."""
    if len(name) <= MAX_LOGICAL_NAME and re.fullmatch(LOGICAL_NAME_PATTERN, name):
        return name
    found = re.sub(r"[^a-z0-9_]+", "-", _HUMP.sub("-", name).lower()).strip("-_")
    found = found if re.match("[a-z]", found) else f"t-{found}"
    return found[:MAX_LOGICAL_NAME].rstrip("-_")


def object_name(*parts: str) -> str:
    """A name in a cluster (``metadata.name``) of several words: lower case, digits and dashes, at most 63."""
    found = re.sub(r"[^a-z0-9]+", "-", "-".join(part for part in parts if part).lower()).strip("-")
    return found[:MAX_OBJECT_NAME].rstrip("-") or "imported"


class StepNames:
    """What the steps of one template are called here; a name stays the same wherever it is used."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def declare(self, name: str, path: str, notes: Notes) -> str:
        """A step's new name, which no other step of the template has; a change is noted."""
        taken = {other for old, other in self._names.items() if old != name}
        found, number = step_name(name), 2
        while found in taken:
            end = f"_{number}"
            found, number = step_name(name)[: MAX_STEP_NAME - len(end)] + end, number + 1
        self._names[name] = found
        if found != name:
            notes.changed(
                path, f"step {name} is called {found}; handlers that read its result by name must say {found}"
            )
        return found

    def find(self, name: str) -> str:
        """The new name of a step, declared or not."""
        return self._names.get(name) or step_name(name)

    def knows(self, name: str) -> bool:
        """Whether the template has a step of this name."""
        return name in self._names
