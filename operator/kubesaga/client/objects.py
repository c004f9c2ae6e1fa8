"""Views of what is not a Task: actions on one, templates, Events, and lines of logs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kubesaga.api.conditions import find
from kubesaga.api.constants import DEFAULT_DOMAIN, READY
from kubesaga.client.fields import Condition, Metadata, Resource
from kubesaga.engine.vocabulary import ActionPhase, ActionType, Role


@dataclass(frozen=True, slots=True)
class Action(Resource):
    """A TaskAction."""

    @property
    def type(self) -> ActionType:
        """What is to be done."""
        return ActionType(self.spec["type"])

    @property
    def task(self) -> str:
        """To which Task."""
        return str(self.spec["taskRef"]["name"])

    @property
    def step(self) -> str | None:
        """To which step; None: to the Task."""
        return self.spec.get("step")

    @property
    def reason(self) -> str | None:
        """Why, in the words of who asked."""
        return self.spec.get("reason")

    @property
    def requested_by(self) -> str:
        """Who asked."""
        return str(self.spec["requestedBy"])

    @property
    def phase(self) -> ActionPhase | None:
        """Applied or Rejected; None until it is answered."""
        phase = self.status.get("phase")
        return None if phase is None else ActionPhase(phase)

    @property
    def message(self) -> str:
        """What was done, or why it was refused."""
        return str(self.status.get("message", ""))


@dataclass(frozen=True, slots=True)
class Template(Resource):
    """A TaskTemplate."""

    @property
    def domain(self) -> str:
        """Its logical owner."""
        return str(self.spec.get("domain", DEFAULT_DOMAIN))

    @property
    def logical_name(self) -> str:
        """What Tasks call it."""
        return str(self.spec.get("name", self.name))

    @property
    def version(self) -> str:
        """Its semantic version."""
        return str(self.spec["version"])

    @property
    def reference(self) -> str:
        """How a Task names just this one: ``orders/fulfil@1.2.0``."""
        return f"{self.domain}/{self.logical_name}@{self.version}"

    @property
    def ready(self) -> Condition | None:
        """Whether Tasks can run it, and if not, why; None before the operator has looked."""
        found = find(self.status.get("conditions") or (), READY)
        return None if found is None else Condition.read(found)

    @property
    def findings(self) -> list[Mapping[str, Any]]:
        """Everything that is wrong with it: code, path, message, remedy."""
        return list(self.status.get("findings") or ())

    @property
    def users(self) -> Mapping[str, int]:
        """How many Tasks have started with it (``total``) and have not ended (``live``), as counted last."""
        return self.status.get("users") or {}

    @property
    def going(self) -> bool:
        """Whether it is being deleted."""
        return "deletionTimestamp" in self.raw["metadata"]


@dataclass(frozen=True, slots=True)
class Event(Metadata):
    """A Kubernetes Event: one thing that was said, ``count`` times."""

    @property
    def type(self) -> str:
        """Normal or Warning."""
        return str(self.raw.get("type", ""))

    @property
    def reason(self) -> str:
        """One word for it."""
        return str(self.raw.get("reason", ""))

    @property
    def message(self) -> str:
        """What was said."""
        return str(self.raw.get("message", ""))

    @property
    def count(self) -> int:
        """How often."""
        return int(self.raw.get("count") or 1)

    @property
    def first_at(self) -> datetime:
        """When it was said first."""
        return self._at("firstTimestamp")

    @property
    def last_at(self) -> datetime:
        """When it was said last."""
        return self._at("lastTimestamp")

    def _at(self, field: str) -> datetime:
        text = self.raw.get(field) or self.raw.get("eventTime") or self.raw["metadata"]["creationTimestamp"]
        return datetime.fromisoformat(text)


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line that a step's program wrote. ``str(line)`` is its text."""

    text: str
    at: datetime | None
    pod: str
    step: str
    role: Role
    attempt: int

    def __str__(self) -> str:
        return self.text
