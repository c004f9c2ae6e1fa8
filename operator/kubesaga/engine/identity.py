"""Names and numbers that must come out the same however often a decision is repeated.

``attempt_name`` names an attempt's Job, ``idempotency_key`` is what a handler passes on to the systems it changes,
``draw`` is the engine's only randomness.
"""

from __future__ import annotations

import hashlib

from kubesaga.engine.vocabulary import Role

MAX_NAME = 63
_HASH = 10


def _digest(*parts: str) -> bytes:
    return hashlib.sha256("\0".join(parts).encode()).digest()


def attempt_name(task_name: str, task_uid: str, step: str, role: Role, attempt: int) -> str:
    """``<task>-<step>-<hash of UID, step, role, attempt>``, a DNS label of at most 63 characters."""
    tail = _digest(task_uid, step, role, str(attempt)).hex()[:_HASH]
    room = MAX_NAME - len(tail) - 2
    readable_step = step.replace("_", "-")[: room // 2]
    readable_task = task_name.replace(".", "-")[: room - len(readable_step)]
    return f"{readable_task.rstrip('-')}-{readable_step.strip('-')}-{tail}"


def idempotency_key(root_key: str, path: str, role: Role = Role.FORWARD) -> str:
    """The key of a step, the same for every attempt, run and reopened child; a compensation has one of its own.

    ``root_key`` is the root Task's idempotencyKey, else its UID; ``path`` the names of the steps from the root down,
    joined by ``/``. 32 hex digits.
    """
    return _digest("idempotency", root_key, path, role).hex()[:32]


def traceparent(root_key: str, path: str, role: Role, attempt: int) -> str:
    """The attempt's place in a distributed trace, as W3C Trace Context writes it (version 00, sampled).

    All steps of a root Task and its sub-workflows share the trace; each attempt is a span of its own.
    """
    trace, span = _digest("trace", root_key).hex()[:32], _digest("span", root_key, path, role, str(attempt)).hex()[:16]
    return f"00-{trace}-{span}-01"


def child_name(task_name: str, task_uid: str, step: str) -> str:
    """The name of a step's child Task, the same for every attempt."""
    return attempt_name(task_name, task_uid, step, Role.FORWARD, 0)


def result_name(attempt: str, sha256: str) -> str:
    """The name of the ConfigMap that holds a large result of this attempt.

    With its content's hash, since it is stored before the status that refers to it: after a conflict the next decision
    may come to another content.
    """
    return f"{attempt}-{sha256[:10]}"


def claim_name(*parts: str) -> str:
    """The name of the object that stands for one identity: of these parts no other has the same."""
    return f"kubesaga-claim-{_digest('claim', *parts).hex()[:32]}"


def draw(task_uid: str, step: str, role: Role, attempt: int) -> float:
    """A number in [0, 1) that depends on its arguments only: jitter that a replay repeats."""
    return int.from_bytes(_digest("jitter", task_uid, step, role, str(attempt))[:6]) / 2**48
