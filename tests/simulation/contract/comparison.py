"""Where two transcripts of one scenario differ, in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from tests.simulation.contract.transcript import Entry

_NOTHING = "nothing"


def differences(simulated: Sequence[Entry], real: Sequence[Entry]) -> list[str]:
    """One sentence for each field that is not alike, with the entry it is in."""
    told = []
    if len(simulated) != len(real):
        told.append(f"{len(simulated)} entries, in reality {len(real)}")
    for one, other in zip(simulated, real, strict=False):
        fields, real_fields = dict(_fields(one)), dict(_fields(other))
        told += [
            f"{other['what']}: {place or 'it'} is {fields.get(place, _NOTHING)!r}, "
            f"in reality {real_fields.get(place, _NOTHING)!r}"
            for place in sorted(fields.keys() | real_fields.keys())
            if fields.get(place, _NOTHING) != real_fields.get(place, _NOTHING)
        ]
    return told


def _fields(value: Any, place: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict) and value:
        for name, item in value.items():
            yield from _fields(item, f"{place}.{name}".lstrip("."))
    elif isinstance(value, list) and value:
        for i, item in enumerate(value):
            yield from _fields(item, f"{place}[{i}]")
    else:
        yield place, value
