"""ExecutionContext and the data in it: to JSON and back, and what does not come back the same."""

from __future__ import annotations

import logging
import typing
from dataclasses import InitVar, dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal
from uuid import UUID

import pytest

from kubesaga_sdk.workflow import ExecutionContext, InvalidData, WorkflowError
from kubesaga_sdk.workflow.codec import codec_of


class Size(Enum):
    SMALL = "s"
    LARGE = 2


@dataclass
class Item:
    name: str
    price: Decimal = Decimal(0)
    parts: list[Item] = field(default_factory=list)


@dataclass
class Everything:
    text: str = "é"
    count: int = 1
    ratio: float = 0.5
    yes: bool = True
    nothing: None = None
    maybe: Item | None = None
    items: list[Item] = field(default_factory=lambda: [Item("a", Decimal("1.10"), [Item("b")])])
    tags: set[str] = field(default_factory=lambda: {"x"})
    frozen: frozenset[int] = frozenset({1})
    pair: tuple[int, str] = (1, "a")
    row: tuple[int, ...] = (1, 2, 3)
    by_name: dict[str, Item] = field(default_factory=lambda: {"a": Item("a")})
    size: Size = Size.LARGE
    when: datetime = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    day: date = date(2026, 1, 2)
    hour: time = time(3, 4)
    key: UUID = field(default_factory=lambda: UUID(int=7))
    kind: Literal["a", 1] = "a"
    noted: Annotated[int, "noted"] = 1
    either: int | list[int] = field(default_factory=lambda: [1])
    free: Any = field(default_factory=lambda: {"x": [1, None]})
    derived: int = field(default=7, init=False)


@dataclass
class Unclear:
    """Whose unions do not tell what came from what."""

    when: str | datetime = ""
    day: datetime | date | None = None


@dataclass
class Node:
    next: Node | None = None


def _endless() -> Node:
    node = Node()
    node.next = node
    return node


def test_a_dataclass_comes_back_as_it_was() -> None:
    data = Everything(maybe=Item("m"))
    data.derived = 8
    context = ExecutionContext(data, [{"kind": "log"}], {"tenant": "t"})
    assert ExecutionContext.from_json(context.to_json(), Everything) == context


def test_a_dict_comes_back_as_it_was() -> None:
    context: ExecutionContext[dict[str, Any]] = ExecutionContext({"a": [1, {"b": None}]})
    assert ExecutionContext.from_json(context.to_json()) == context
    assert context != {"a": 1}
    assert repr(context) == "ExecutionContext(data={'a': [1, {'b': None}]}, trace=[0 entries], metadata={})"


def test_absent_fields_take_their_defaults_and_whole_numbers_are_floats_where_declared() -> None:
    decoded = codec_of(Everything).decode({"ratio": 1}, "data")
    assert (decoded.ratio, type(decoded.ratio), decoded.text) == (1, float, "é")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "data: Everything is needed, not list []"),
        ({"nope": 1}, "data: Everything has no field nope; it has text, "),
        ({"count": "1"}, "data.count: int is needed, not str '1'"),
        ({"count": True}, "data.count: int is needed, not bool True"),
        ({"items": [{"name": "a"}, {"price": "1"}]}, "data.items[1]: name of Item is missing"),
        ({"items": [{"name": "a", "price": "x"}]}, "data.items[0].price: Decimal is needed, not str 'x'"),
        ({"maybe": {"name": 1}}, "data.maybe.name: str is needed, not int 1"),
        ({"maybe": 5}, "data.maybe: Item or NoneType is needed, not int 5"),
        ({"pair": [1]}, "data.pair: a row of 2 values is needed"),
        ({"by_name": {"a": 1}}, "data.by_name.a: Item is needed"),
        ({"size": "m"}, "data.size: one of 's', 2 is needed"),
        ({"when": "yesterday"}, "data.when: datetime is needed"),
        ({"kind": "b"}, "data.kind: one of 'a', 1 is needed"),
    ],
)
def test_json_of_another_shape_is_refused_with_its_path(given: Any, said: str) -> None:
    with pytest.raises(InvalidData) as refused:
        codec_of(Everything).decode(given, "data")
    assert said in str(refused.value)
    assert not refused.value.retryable


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"a": datetime(2026, 1, 1, tzinfo=UTC)}, "data.a: datetime is no JSON type"),
        ({1: "a"}, "data: the key 1 is of type int"),
        (Everything(count="1"), "data.count: int is needed"),  # type: ignore[arg-type]
        (Everything(day=datetime(2026, 1, 1, tzinfo=UTC)), "data.day: date is needed, not datetime"),
        (Everything(pair=[1, "a"]), "data.pair: a row of 2 values is needed"),  # type: ignore[arg-type]
        (Everything(free={1}), "data.free: set is no JSON type"),
        (Everything(count=2**70), "data.count: an integer beyond 64 bits would be rounded"),
        (Everything(ratio=float("nan")), "data.ratio: nan is no JSON number"),
        (
            Unclear(when=datetime(2026, 1, 1, tzinfo=UTC)),
            "would come back as str: declare one type in place of the union",
        ),
        (Unclear(day=date(2026, 1, 1)), "would come back as datetime: declare one type in place of the union"),
        (_endless(), "nested too deeply (does it contain itself?)"),
    ],
)
def test_what_would_not_come_back_is_refused_with_its_path(data: Any, said: str) -> None:
    with pytest.raises(InvalidData) as refused:
        ExecutionContext(data).to_json()
    assert said in str(refused.value)


@pytest.mark.parametrize(
    "text", ["[1]", '{"trace": []}', "nope", '{"data": {}, "trace": 5}', '{"data": {}, "metadata": [1]}']
)
def test_json_that_is_no_context_is_refused(text: str) -> None:
    with pytest.raises(InvalidData, match="execution context"):
        ExecutionContext.from_json(text)


@dataclass
class Raw:
    content: bytes


@dataclass
class Keys:
    by_number: dict[int, str]


@dataclass
class Seeded:
    seed: InitVar[int]
    drawn: int = 0


@dataclass
class Parent:
    child: Child
    content: bytes


@dataclass
class Child:
    parent: Parent | None = None


@dataclass
class Bare:
    listed: typing.List = field(default_factory=list)  # type: ignore[type-arg]  # noqa: UP006
    named: typing.Dict = field(default_factory=dict)  # type: ignore[type-arg]  # noqa: UP006


@dataclass
class Hidden:
    content: Nowhere  # type: ignore[name-defined]  # noqa: F821


def test_types_that_have_no_json_are_refused_when_the_data_are_declared() -> None:
    with pytest.raises(WorkflowError, match=r"Raw.content: data of type bytes cannot be written as JSON"):
        codec_of(Raw)
    with pytest.raises(WorkflowError, match=r"Keys.by_number: data of type dict\[int, str\] cannot be written"):
        codec_of(Keys)
    with pytest.raises(WorkflowError, match=r"Seeded cannot be made of its fields alone: its constructor wants seed"):
        codec_of(Seeded)
    for kind in (Parent, Child, Child):  # What contains a refused one is refused as well, however often it is asked.
        with pytest.raises(WorkflowError, match=r"Parent.content: data of type bytes"):
            codec_of(kind)
    with pytest.raises(WorkflowError, match="import the names that its annotations use"):
        codec_of(Hidden)
    with pytest.raises(WorkflowError, match="a workflow's data is a dict or a dataclass, not list"):
        codec_of(list)


def test_collections_may_say_nothing_of_their_members() -> None:
    data = Bare([1, "a"], {"b": [2]})
    assert codec_of(Bare).decode(codec_of(Bare).encode(data, "data"), "data") == data


def test_metadata_that_json_cannot_hold_are_refused_with_their_path() -> None:
    with pytest.raises(InvalidData, match=r"metadata.at: datetime is no JSON type"):
        ExecutionContext({}, metadata={"at": datetime(2026, 1, 1, tzinfo=UTC)}).to_json()


def test_an_event_that_a_task_logs_is_a_log_line_and_an_entry_of_its_own_trace(
    caplog: pytest.LogCaptureFixture,
) -> None:
    context: ExecutionContext[dict[str, Any]] = ExecutionContext({})
    with caplog.at_level(logging.INFO):
        context.log_event("INFO", "charge", "called the bank")
    assert [(entry["source"], entry["kind"], entry["message"]) for entry in context.trace] == [
        ("charge", "log", "called the bank")
    ]
    assert caplog.messages == ["charge: called the bank"]


def test_a_level_is_read_however_it_is_written_and_never_fails_a_task(caplog: pytest.LogCaptureFixture) -> None:
    context: ExecutionContext[dict[str, Any]] = ExecutionContext({})
    with caplog.at_level(logging.INFO):
        context.log_event("warning", "charge", "slow")
        context.log_event("NOTICE", "charge", "odd")
    assert [record.levelno for record in caplog.records] == [logging.WARNING, logging.INFO]


@dataclass
class Marks:
    bare: set = field(default_factory=set)  # type: ignore[type-arg]
    declared: set[tuple[int, int]] = field(default_factory=set)


def test_members_of_a_set_that_would_come_back_as_lists_are_refused() -> None:
    codec = codec_of(Marks)
    assert codec.decode(codec.encode_for_good(Marks(declared={(1, 2)}), "data"), "data") == Marks(declared={(1, 2)})
    with pytest.raises(InvalidData, match=r"data.bare: unhashable type: 'list'; declare what its members are"):
        codec.encode_for_good(Marks({(1, 2)}), "data")
