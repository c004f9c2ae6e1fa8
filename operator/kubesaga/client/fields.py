"""The parts of which the views are made: what every object has, and what several fields hold alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from kubesaga.api.constants import DEFAULT_DOMAIN
from kubesaga.engine.vocabulary import EndingPhase, EndingTrigger, TaskOutcome

Wire = Mapping[str, Any]
Obj = dict[str, Any]


def moment(text: str | None) -> datetime | None:
    """A time of the API (RFC 3339), aware of its zone."""
    return None if text is None else datetime.fromisoformat(text)


@dataclass(frozen=True, slots=True)
class Metadata:
    """What every object has. ``raw`` is all of it, in plain JSON values."""

    raw: Obj

    @property
    def name(self) -> str:
        """metadata.name."""
        return str(self.raw["metadata"]["name"])

    @property
    def namespace(self) -> str:
        """metadata.namespace."""
        return str(self.raw["metadata"]["namespace"])

    @property
    def uid(self) -> str:
        """metadata.uid; a dry run's is gone when it is over."""
        return str(self.raw["metadata"]["uid"])

    @property
    def labels(self) -> Mapping[str, str]:
        """metadata.labels."""
        return self.raw["metadata"].get("labels") or {}

    @property
    def annotations(self) -> Mapping[str, str]:
        """metadata.annotations."""
        return self.raw["metadata"].get("annotations") or {}

    @property
    def created_at(self) -> datetime:
        """metadata.creationTimestamp."""
        return datetime.fromisoformat(self.raw["metadata"]["creationTimestamp"])


@dataclass(frozen=True, slots=True)
class Resource(Metadata):
    """A resource of Kubesaga: a Task, a TaskTemplate or a TaskAction."""

    @property
    def spec(self) -> Mapping[str, Any]:
        """What its author wrote, with the API server's defaults."""
        spec: Mapping[str, Any] = self.raw["spec"]
        return spec

    @property
    def status(self) -> Mapping[str, Any]:
        """What the operator says; empty before it has looked."""
        return self.raw.get("status") or {}


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt failed. ``outcome_unknown``: its work may have been done all the same."""

    type: str
    message: str
    code: str | None
    retryable: bool
    outcome_unknown: bool
    exit_code: int | None

    @classmethod
    def read(cls, wire: Wire | None) -> Self | None:
        """From a status."""
        if wire is None:
            return None
        return cls(
            wire.get("type", ""),
            wire.get("message", ""),
            wire.get("code"),
            wire.get("retryable", True),
            wire.get("outcomeUnknown", False),
            wire.get("exitCode"),
        )

    def __str__(self) -> str:
        return f"{self.type}: {self.message}"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition; a ``status`` of None means Unknown."""

    type: str
    status: bool | None
    reason: str
    message: str
    since: datetime | None

    @classmethod
    def read(cls, wire: Wire) -> Self:
        """From a status."""
        status = {"True": True, "False": False}.get(wire["status"])
        since = moment(wire.get("lastTransitionTime"))
        return cls(wire["type"], status, wire.get("reason", ""), wire.get("message", ""), since)


@dataclass(frozen=True, slots=True)
class PinnedTemplate:
    """The template that a Task runs; ``revision`` is the ControllerRevision with its content."""

    domain: str
    name: str
    version: str
    revision: str

    @classmethod
    def read(cls, wire: Wire | None, spec: Wire) -> Self | None:
        """From a status and the request: the domain is as it was asked for."""
        if wire is None:
            return None
        domain = spec["templateRef"].get("domain", DEFAULT_DOMAIN)
        return cls(domain, wire["name"], wire["version"], wire["revision"])

    def __str__(self) -> str:
        return f"{self.domain}/{self.name}@{self.version}"


@dataclass(frozen=True, slots=True)
class Ending:
    """The decided end of a Task. ``compensate``: what was done is undone."""

    trigger: EndingTrigger
    at: datetime
    phase: EndingPhase
    outcome: TaskOutcome
    compensate: bool

    @classmethod
    def read(cls, wire: Wire | None) -> Self | None:
        """From a status."""
        if wire is None:
            return None
        return cls(
            EndingTrigger(wire["trigger"]),
            datetime.fromisoformat(wire["at"]),
            EndingPhase(wire["phase"]),
            TaskOutcome(wire["outcome"]),
            wire.get("compensate", False),
        )


@dataclass(frozen=True, slots=True)
class Parent:
    """Whose sub-workflow a Task is: the parent's name and UID, and its step."""

    name: str
    uid: str
    step: str

    @classmethod
    def read(cls, wire: Wire | None) -> Self | None:
        """From a status."""
        return None if wire is None else cls(wire["name"], wire["uid"], wire["step"])
