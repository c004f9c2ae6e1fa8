"""The syntax tree of a compiled CEL expression, read out of the form in which the CEL library saves one.

The library evaluates and does not let one look inside, but what it saves is the ``CheckedExpr`` message of CEL's
specification (cel/expr/checked.proto, syntax.proto), in protobuf's wire format. Only what is asked of the tree here is
read: the kinds of nodes, names, constants and positions. Used by ``expressions`` and ``expression_cost``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal; ``value`` is a string or an int where the expression can index with it, else None."""

    value: str | int | None
    size: int
    """Bytes of a string or of bytes, else 0."""


@dataclass(frozen=True, slots=True)
class Name:
    """A variable, bound by a macro or free; ``offset`` counts characters from the start of the source."""

    name: str
    offset: int


@dataclass(frozen=True, slots=True)
class Select:
    """``operand.field``, or ``has(operand.field)``."""

    operand: Node
    field: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function, method or operator (``_+_``, ``_[_]``) with its arguments, a method's target first."""

    function: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Literal:
    """``[…]`` or ``{…}``: the elements, or the keys and values in turn."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Loop:
    """What a macro (all, exists, map, filter) stands for: ``step`` makes a new ``total`` for each ``item``."""

    item: str
    over: Node
    total: str
    start: Node
    condition: Node
    step: Node
    result: Node


Node = Constant | Name | Select | Call | Literal | Loop


@dataclass(frozen=True, slots=True)
class Reference:
    """A use of a free variable, or of what stands below it at a path of fields; ``offset`` is the variable's."""

    name: str
    path: tuple[str, ...]
    offset: int


def read_tree(saved: bytes) -> Node:
    """The root of an expression as saved by the CEL library."""
    checked = _message(_message(saved)[2][0])
    source = _message(checked[5][0])
    offsets = {}
    for entry in source.get(4, ()):
        pair = _message(entry)
        offsets[_number(pair, 1)] = _number(pair, 2)
    return _node(checked[4][0], offsets)


def references(node: Node, bound: frozenset[str] = frozenset()) -> Iterator[Reference]:
    """Every use of a free variable, in the order of the tree."""
    base, path = path_of(node)
    if base is not None and base.name not in bound:
        fields = takewhile(lambda part: isinstance(part, str), path)
        yield Reference(base.name, tuple(map(str, fields)), base.offset)
    elif isinstance(node, Loop):
        yield from references(node.over, bound)
        yield from references(node.start, bound)
        for part in (node.condition, node.step, node.result):
            yield from references(part, bound | {node.item, node.total})
    else:
        for child in children(node):
            yield from references(child, bound)


def path_of(node: Node) -> tuple[Name | None, tuple[str | int, ...]]:
    """The variable and the fields and constant indices that lead from it to this node; None if it is no such path."""
    match node:
        case Name():
            return node, ()
        case Select(operand, field):
            base, path = path_of(operand)
            return base, (*path, field)
        case Call("_[_]", (operand, Constant(str() | int() as index))):
            base, path = path_of(operand)
            return base, (*path, index)
    return None, ()


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below this one."""
    match node:
        case Select(operand):
            return (operand,)
        case Call(_, parts) | Literal(parts):
            return parts
        case Loop():
            return (node.over, node.start, node.condition, node.step, node.result)
    return ()


def loop_depth(node: Node) -> int:
    """How many macros are inside each other at most; one that makes another's list is not inside it."""
    below = [loop_depth(child) for child in children(node)]
    if not isinstance(node, Loop):
        return max(below, default=0)
    return max(below[0], 1 + max(below[1:]))


# The numbers of the fields, as in syntax.proto.
def _node(data: bytes, offsets: dict[int, int]) -> Node:
    fields = _message(data)

    def below(content: dict[int, list[bytes]], number: int) -> tuple[Node, ...]:
        return tuple(_node(part, offsets) for part in content.get(number, ()))

    kind = next(number for number in (3, 4, 5, 6, 7, 8, 9) if number in fields)
    content = _message(fields[kind][0])
    match kind:
        case 3:
            return _constant(content)
        case 4:
            return Name(_text(content, 1).lstrip("."), offsets.get(_number(fields, 2), 0))
        case 5:
            return Select(below(content, 1)[0], _text(content, 2))
        case 6:
            return Call(_text(content, 2), (*below(content, 1), *below(content, 3)))
        case 7:
            return Literal(below(content, 1))
        case 8:
            entries = [_message(entry) for entry in content.get(2, ())]
            return Literal(tuple(node for entry in entries for number in (3, 4) for node in below(entry, number)))
    over, start, condition, step, result = (below(content, number)[0] for number in (2, 4, 5, 6, 7))
    return Loop(_text(content, 1), over, _text(content, 3), start, condition, step, result)


def _constant(content: dict[int, list[bytes]]) -> Constant:
    if 6 in content:
        return Constant(_text(content, 6), len(content[6][0]))
    if 3 in content:
        return Constant(_number(content, 3), 0)
    return Constant(None, len(content.get(7, [b""])[0]))


def _text(content: dict[int, list[bytes]], number: int) -> str:
    return content.get(number, [b""])[0].decode()


def _number(content: dict[int, list[bytes]], number: int) -> int:
    found = int.from_bytes(content.get(number, [b""])[0], "little")
    return found - 2**64 if found >= 2**63 else found


def _message(data: bytes) -> dict[int, list[bytes]]:
    """The fields of a protobuf message by number; a number as its bytes, the lowest first."""
    fields: dict[int, list[bytes]] = {}
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        match tag & 7:
            case 0:
                value, at = _varint(data, at)
                content = value.to_bytes(8, "little")
            case 2:
                size, at = _varint(data, at)
                content = data[at : at + size]
                at += size
            case wire_type:
                size = 8 if wire_type == 1 else 4
                content = data[at : at + size]
                at += size
        fields.setdefault(tag >> 3, []).append(content)
    return fields


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at
