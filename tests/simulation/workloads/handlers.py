"""What runs in the containers: programs that go as the plan's script says, and leave behind what the SDK would.

A program's life is the truth that the guards judge by; what the API server hears of it is the kubelet's business.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from kubesaga.api import constants as c
from tests.runtime.framing import frames_of, log_of, note_of
from tests.simulation.plan import Obj, Outcome

_JOB_NAME = "batch.kubernetes.io/job-name"
_MESSAGE_BYTES = 4096
_TAIL_BYTES = 2048


@dataclass(eq=False)
class Execution:
    """One run of a step's program: a container that was started. Times by the API server's clock.

    ``key`` is the idempotency key of its ``input``. ``code`` and ``ended`` are set when it has ended, whoever knows;
    ``document`` is what it left in its result file, as JSON where it is JSON.
    """

    task_uid: str
    task: str
    namespace: str
    step: str
    role: str
    attempt: int
    job: str
    pod: str
    pod_uid: str
    node: int
    key: str
    input: Obj
    started: float
    ended: float | None = None
    code: int | None = None
    document: Any = None


@dataclass(frozen=True, slots=True)
class LastWords:
    """How a program ended: exit code, termination message, and the runtime's word for it."""

    code: int
    message: str
    reason: str


class InputMissing(Exception):
    """The ConfigMap with a container's input is not there."""


class Handlers:
    """Chooses each container's outcome: by Task, step and role one after the other, the last repeats."""

    def __init__(self, script: Mapping[str, tuple[Outcome, ...]], clock: Callable[[], float]) -> None:
        self._script = script
        self._clock = clock
        self._runs: Counter[tuple[str, str, str]] = Counter()

    def next(self, pod: Obj) -> Outcome:
        """How the pod's container goes."""
        labels = pod["metadata"].get("labels") or {}
        step, role = labels.get(c.LABEL_STEP, ""), labels.get(c.LABEL_ROLE, "forward")
        key = (labels.get(c.LABEL_TASK_UID, ""), step, role)
        number = self._runs[key]
        self._runs[key] += 1
        outcomes = self._scripted(labels.get(c.LABEL_TASK, ""), f"{step}~" if role == "compensation" else step)
        if not outcomes:
            return Outcome(document={"result": {"step": step}})
        return outcomes[min(number, len(outcomes) - 1)]

    def _scripted(self, task: str, program: str) -> tuple[Outcome, ...]:
        """What the script says of a program; ``hold@book-hotel`` is said of Tasks that have this in their names."""
        for key, outcomes in self._script.items():
            name, _, part = key.partition("@")
            if name == program and part and part in task:
                return outcomes
        return self._script.get(program, ())

    def execution(self, pod: Obj, document: Obj, node: int) -> Execution:
        """The run that begins now, with this input."""
        meta = pod["metadata"]
        labels = meta.get("labels") or {}
        return Execution(
            task_uid=labels.get(c.LABEL_TASK_UID, ""),
            task=labels.get(c.LABEL_TASK, ""),
            namespace=meta["namespace"],
            step=labels.get(c.LABEL_STEP, ""),
            role=labels.get(c.LABEL_ROLE, ""),
            attempt=int(labels.get(c.LABEL_ATTEMPT, 0)),
            job=labels.get(_JOB_NAME, ""),
            pod=meta["name"],
            pod_uid=meta["uid"],
            node=node,
            key=document.get("idempotencyKey", ""),
            input=document,
            started=self._clock(),
        )


def input_of(pod: Obj, read: Callable[[str, str, str], Obj | None]) -> Obj:
    """The input document as the program reads it; ``read`` gets a mounted object. Raises InputMissing."""
    environment = {entry["name"]: entry.get("value", "") for entry in _main(pod).get("env") or ()}
    if c.ENV_INPUT in environment:
        text = environment[c.ENV_INPUT].replace("$$", "$")  # as the kubelet expands it
    elif c.ENV_INPUT_FILE in environment:
        volume = next(each for each in pod["spec"]["volumes"] if each["name"] == c.INPUT_VOLUME)
        found = read("configmaps", pod["metadata"]["namespace"], volume["configMap"]["name"])
        if found is None:
            raise InputMissing(volume["configMap"]["name"])
        text = found["data"][c.INPUT_KEY]
    else:
        return {}
    document: Obj = json.loads(text)
    return document


def said(outcome: Outcome) -> tuple[bytes, bytes]:
    """The result file and the log of a program that gets to its end."""
    if outcome.document is None or isinstance(outcome.document, str):
        return (outcome.document or "").encode(), outcome.log
    document = json.dumps(outcome.document, ensure_ascii=False, separators=(",", ":")).encode()
    if len(document) <= _MESSAGE_BYTES or outcome.code != 0:
        return document, outcome.log
    return json.dumps(note_of(document)).encode(), outcome.log + log_of(frames_of(document))


def termination_message(written: bytes, log: bytes, code: int) -> str:
    """What the kubelet makes of the result file: cut; the end of the log where there is none and the program failed."""
    message = written or (log[-_TAIL_BYTES:] if code else b"")
    return message[:_MESSAGE_BYTES].decode("utf-8", "replace")


def grace_of(pod: Obj) -> float:
    """The seconds that the pod's spec gives it to stop."""
    return float(pod["spec"].get("terminationGracePeriodSeconds", 30))


def image_of(pod: Obj) -> str:
    """The main container's image."""
    return str(_main(pod).get("image"))


def _main(pod: Obj) -> Obj:
    found: Obj = next(each for each in pod["spec"]["containers"] if each["name"] == c.MAIN_CONTAINER)
    return found
