"""objects-within-budget: how large what is stored may be."""

from __future__ import annotations

import json
import marshal
from collections.abc import Iterator
from typing import Any

from tests.guarantees.attempts import Obj, records_of
from tests.guarantees.breach import Breach
from tests.guarantees.identifiers import Guarantee

OBJECT_BYTES = 1024 * 1024
INLINE_RESULTS_BYTES = 128 * 1024
INLINE_RESULT_BYTES = 4096
_LARGEST_ESCAPE = 6
"""A character takes at most so many times the bytes in JSON that it takes in a quick encoding."""


def size_of(value: object) -> int:
    """Bytes of JSON."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass"))


def check_size(resource: str, obj: Obj) -> Iterator[Breach]:
    """Whether an object is below its budget."""
    rough = _rough_size(obj)
    where = f"{resource} {obj['metadata']['name']}"
    if rough * _LARGEST_ESCAPE > OBJECT_BYTES:
        size = size_of(obj)
        if size > OBJECT_BYTES:
            yield Breach(Guarantee.OBJECTS_WITHIN_BUDGET, where, f"has {size} bytes of at most {OBJECT_BYTES}")
    if resource == "tasks" and rough > INLINE_RESULT_BYTES:
        yield from _check_results(obj, where)


def _check_results(task: Obj, where: str) -> Iterator[Breach]:
    """What steps returned is kept outside where it is large, by itself or together."""
    kept = [(step, record["result"]) for step, _, record in records_of(task) if record.get("result") is not None]
    roughly = [_rough_size(result) for _, result in kept]
    large = [size_of(result) for (_, result), rough in zip(kept, roughly, strict=True) if rough > INLINE_RESULT_BYTES]
    if any(size > INLINE_RESULT_BYTES for size in large):
        said = f"keeps a result of {max(large)} bytes in its status, of at most {INLINE_RESULT_BYTES}"
        yield Breach(Guarantee.OBJECTS_WITHIN_BUDGET, where, said)
    if sum(roughly) <= INLINE_RESULTS_BYTES:
        return
    total = sum(size_of(result) for _, result in kept)
    if total > INLINE_RESULTS_BYTES:
        said = f"keeps {total} bytes of results in its status, of at most {INLINE_RESULTS_BYTES}"
        yield Breach(Guarantee.OBJECTS_WITHIN_BUDGET, where, said)


def _rough_size(value: Any) -> int:
    """Quicker than JSON, and at least as much but for escapes."""
    return len(marshal.dumps(value, 2))
