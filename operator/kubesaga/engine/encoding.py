"""JSON as it is stored and counted: compact, and in UTF-8 whatever a value contains.

Used for results by the engine, and for the inputs of steps by the runtime, so that both weigh a value alike.
"""

from __future__ import annotations

import json
from typing import Any

# Whole numbers up to here are the same as integers and as floats.
_EXACT = 2**53
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def to_text(value: Any) -> str:
    """The value's JSON; in ASCII only where UTF-8 cannot hold it (a lone surrogate)."""
    text = _COMPACT.encode(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":"))
    return text


def as_stored(number: float) -> float | int:
    """A number as the API server gives it back: 28.0 is 28, so that it has one type before it is stored and after."""
    return int(number) if number.is_integer() and abs(number) <= _EXACT else number


def size_of(value: Any) -> int:
    """Bytes of the value's JSON."""
    return len(to_text(value).encode())
