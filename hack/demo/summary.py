"""What became of it all: the steps of each Task, their undoing, and the warehouse's books, as plain tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

Object = dict[str, Any]


def steps_table(task: Object) -> str:
    """Each step of a Task with its state, its attempts, and what came of the last one."""
    rows = [
        (step["name"], step["state"], str(step.get("attempt", 0)), _came_of(step)) for step in task["status"]["steps"]
    ]
    return table(("STEP", "STATE", "ATTEMPTS", "RESULT OR ERROR"), rows)


def compensation_table(task: Object) -> str:
    """What was undone, in the order in which it was."""
    undone = [(step["name"], step["compensation"]) for step in task["status"]["steps"] if "compensation" in step]
    undone.sort(key=lambda each: str(each[1].get("finishedAt")))
    rows = [(name, each["state"], str(each.get("attempt", 0)), _came_of(each)) for name, each in undone]
    return table(("UNDONE", "STATE", "ATTEMPTS", "RESULT OR ERROR"), rows)


def ledger_table(entries: Iterable[Object]) -> str:
    """The warehouse's entries: who had what done, and whether it was taken back."""
    told = ("sku", "quantity", "amount", "customer")
    rows = [
        (
            str(entry["seq"]),
            entry["order"],
            entry["kind"],
            ", ".join(f"{fact} {entry[fact]}" for fact in told if fact in entry),
            f"{entry['step']}, attempt {entry['attempt']}",
        )
        for entry in entries
    ]
    return table(("#", "ORDER", "ENTRY", "WHAT", "BY"), rows)


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Columns as wide as their widest cell."""
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _came_of(attempt: Object) -> str:
    if "error" in attempt:
        error = attempt["error"]
        code = f" ({error['code']})" if "code" in error else ""
        return f"{error['type']}{code}: {error.get('message', '')}"
    result = attempt.get("result")
    return (
        ", ".join(f"{name} {value}" for name, value in result.items())
        if isinstance(result, dict)
        else str(result or "")
    )
