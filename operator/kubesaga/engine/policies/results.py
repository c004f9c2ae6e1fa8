"""What becomes of an accepted result: kept in the status while it is small, else stored beside it and referred to.

Used when an attempt succeeds, when a human completes a step, and for the Task's own result.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from kubesaga.engine.decision import Blob
from kubesaga.engine.draft import Draft
from kubesaga.engine.encoding import size_of, to_text
from kubesaga.engine.identity import attempt_name, result_name
from kubesaga.engine.records import ResultRef
from kubesaga.engine.vocabulary import Role

# Bytes of JSON: what one result may take in the status, and what all of them may.
INLINE_LIMIT = 4096
INLINE_TOTAL = 128 * 1024


def stored(draft: Draft, i: int, result: Any) -> Any:
    """The result itself if the status has room for it, else a reference to where it will be stored."""
    record = draft.steps[i]
    name = attempt_name(draft.snapshot.task_name, draft.snapshot.task_uid, record.name, Role.FORWARD, record.attempt)
    return _stored(draft, name, result)


def kept_metadata(draft: Draft, metadata: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """The metadata, or a note in its place where the status has no room for it: it is for reading only."""
    size = size_of(metadata) if metadata else 0
    return metadata if not size or _take_room(draft, size) else {"dropped": f"{size} bytes: the Task's status is full"}


def stored_task_result(draft: Draft, result: Any) -> Any:
    """The same for the Task's own result."""
    # A step's name is never empty, so no attempt has this name.
    name = attempt_name(draft.snapshot.task_name, draft.snapshot.task_uid, "", Role.FORWARD, draft.run)
    return _stored(draft, name, result)


def kept_if_small(draft: Draft, i: int) -> dict[str, Any]:
    """What a compensation returned is for reading only: it is kept where there is room, and else dropped."""
    record = draft.steps[i].compensation
    assert record is not None
    size = size_of([record.result, record.metadata])
    return {} if _take_room(draft, size) else {"result": None, "metadata": None}


def _stored(draft: Draft, name: str, value: Any) -> Any:
    text = to_text(value)
    encoded = text.encode()
    if _take_room(draft, len(encoded)):
        return value
    sha256 = hashlib.sha256(encoded).hexdigest()
    ref = ResultRef(result_name(name, sha256), sha256, len(encoded))
    draft.blobs.append(Blob(ref, value, text))
    return ref


def _take_room(draft: Draft, size: int) -> bool:
    """Whether a value of this size goes into the status; if so it counts from now on."""
    if size > INLINE_LIMIT:
        return False
    if draft.inline_size is None:
        draft.inline_size = _inline_size(draft)
    if draft.inline_size + size > INLINE_TOTAL:
        return False
    draft.inline_size += size
    return True


def _inline_size(draft: Draft) -> int:
    if len(draft.steps) * INLINE_LIMIT * 2 <= INLINE_TOTAL:
        return 0  # however large each is, they fit
    total = 0
    for step in draft.steps:
        for record in (step, step.compensation):
            if record and record.outcome:
                total += 0 if isinstance(record.result, ResultRef) else size_of(record.result)
                total += size_of(record.metadata) if record.metadata else 0
    return total
