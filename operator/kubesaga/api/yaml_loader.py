"""How YAML is read: as kubectl does where PyYAML would differ, never too deep, and with errors that say where.

Used by the command line (``inputs``, ``lint``, ``importing``, ``yaml_dumper``) and by the test kit's runs of templates.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml
from yaml import Node

MAX_DEPTH = 200

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# What a word without quotes is: its tag, its form, and the characters that it may begin with ("" is no character at
# all). Any other word is text: times (12:30), which PyYAML takes for numbers to the base of 60, and dates.
_WORDS = (
    ("bool", r"yes|Yes|YES|no|No|NO|true|True|TRUE|false|False|FALSE|on|On|ON|off|Off|OFF", "yYnNtTfFoO"),
    ("int", r"[-+]?(0b_*[01][01_]*|0o?_*[0-7][0-7_]*|0x_*[0-9a-fA-F][0-9a-fA-F_]*|0|[1-9][0-9_]*)", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9][0-9_]*|[0-9][0-9_]*(\.[0-9_]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("float", r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)", "-+."),
    ("merge", r"<<", "<"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
)


class PlainLoader(_Base):  # type: ignore[misc]
    """The safe loader, with kubectl's idea of what a word without quotes is; but y and n are text, as elsewhere."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012


for _kind, _form, _beginnings in _WORDS:
    PlainLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(f"({_form})\\Z"), list(_beginnings))


def load_all(text: str) -> Iterator[Any]:
    """The documents as plain values, dates as text. Raises yaml.YAMLError, or ValueError for a value that is none."""
    _check_depth(text)
    yield from yaml.load_all(text, PlainLoader)


def compose_all(text: str) -> Iterator[Node]:
    """The documents as nodes, which know where they stand. Raises yaml.YAMLError."""
    _check_depth(text)
    yield from yaml.compose_all(text, PlainLoader)


def value_of(node: Node) -> Any:
    """What a node of ``compose_all`` says. Raises yaml.YAMLError, or ValueError for a value that is none."""
    return yaml.constructor.SafeConstructor().construct_document(node)


def explained(error: Exception, text: str) -> tuple[tuple[int, int] | None, str]:
    """Where the text could not be read (line and column from 1, if known), and why in a line."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
    context = getattr(error, "context", None)
    message = " ".join((f"{context}: {problem}" if context else str(problem)).split())
    return (_place(mark, text) if mark else None), message


def _check_depth(text: str) -> None:
    """Raise YAMLError for what is nested so deep that reading it would exhaust the stack.

    The stack is C's, so no RecursionError would stop it. The parser of events has none.
    """
    depth, too_deep = 0, None
    try:
        for event in yaml.parse(text, _Base):
            if isinstance(event, yaml.CollectionStartEvent):
                depth += 1
                if depth > MAX_DEPTH:
                    too_deep = event.start_mark
                    break
            elif isinstance(event, yaml.CollectionEndEvent):
                depth -= 1
    except yaml.YAMLError:
        return  # Whoever reads on meets the same, after the documents before it.
    if too_deep is not None:
        problem: Any = {"problem": f"more than {MAX_DEPTH} values are inside each other", "problem_mark": too_deep}
        raise yaml.MarkedYAMLError(**problem)


def _place(mark: Any, text: str) -> tuple[int, int]:
    """A text that ends too early is wrong where it ends, not on the line below."""
    lines = text.splitlines()
    if mark.line < len(lines) or not lines:
        return mark.line + 1, mark.column + 1
    return len(lines), len(lines[-1]) + 1
