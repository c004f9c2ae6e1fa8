"""From a field's path to the place in a file where it is written.

Paths are those of findings: ``spec.steps[2].env["A.B"]``. A field that is not there is looked for in what should hold
it. Used by ``documents``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from yaml import MappingNode, Node, ScalarNode, SequenceNode

from kubesaga.api.findings.plain import below

_PARTS = re.compile(r'\.?([^\W\d]\w*)|\[(\d+)\]|\["(.*?)"\](?=[.\[]|$)')

Place = tuple[int, int]
"""Line and column, from 1."""


def place_of(node: Node, path: str) -> Place:
    """Where the field's key stands (of a list's item: the item), or else what is nearest above it."""
    mark = node.start_mark
    for part in _parts(path):
        found = _member(node, part)
        if found is None:
            break
        named, node = found
        mark = named.start_mark
    return mark.line + 1, mark.column + 1


def node_at(node: Node, path: str) -> Node | None:
    """What stands at the path, if anything does."""
    for part in _parts(path):
        found = _member(node, part)
        if found is None:
            return None
        node = found[1]
    return node


def value_at(value: Any, path: str) -> Any:
    """What stands at the path within the value; None if nothing does."""
    for part in _parts(path):
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int) and part < len(value):
            value = value[part]
        else:
            return None
    return value


def below_pointer(path: str, pointer: str, value: Any) -> str:
    """The path of what a JSON pointer leads to within the ``value`` that stands at ``path``."""
    for escaped in pointer.split("/")[1:]:
        name = escaped.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and name.isdigit() and int(name) < len(value):
            path, value = below(path, int(name)), value[int(name)]
        elif isinstance(value, dict) and name in value:
            path, value = below(path, name), value[name]
        else:
            return path
    return path


def duplicate_keys(root: Node) -> Iterator[tuple[str, Place]]:
    """Every key that its object has already, with its place; each object is looked at once, however often it is
    referred to."""
    seen: set[int] = set()
    todo = [root]
    while todo:
        node = todo.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, SequenceNode):
            todo.extend(node.value)
        elif isinstance(node, MappingNode):
            todo.extend(value for _, value in node.value)
            yield from _twice(node)


def _twice(node: MappingNode) -> Iterator[tuple[str, Place]]:
    keys: set[tuple[str, str]] = set()
    for key, _ in node.value:
        if not isinstance(key, ScalarNode):
            continue
        if (key.tag, key.value) in keys:
            yield key.value, (key.start_mark.line + 1, key.start_mark.column + 1)
        keys.add((key.tag, key.value))


def _parts(path: str) -> Iterator[str | int]:
    for word, index, quoted in _PARTS.findall(path):
        yield int(index) if index else word or quoted


def _member(node: Node, part: str | int) -> tuple[Node, Node] | None:
    """The node that names a member, and the member."""
    if isinstance(node, SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part], node.value[part]
    if isinstance(node, MappingNode):
        for key, value in node.value:
            if isinstance(key, ScalarNode) and key.value == part:
                return key, value
    return None
