"""Expressions in CEL: what they see, what they make, and what is refused."""

from __future__ import annotations

import math
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubesaga.api.constants import MAX_EXPRESSION
from kubesaga.api.expression_cost import cost
from kubesaga.api.expression_tree import loop_depth, references
from kubesaga.api.expression_values import MAX_DEPTH, MAX_RESULT, Inputs
from kubesaga.api.expressions import (
    MAX_LOOP_DEPTH,
    Expression,
    InvalidExpression,
    check_expression,
    compile_condition,
    compile_expression,
)
from kubesaga.engine.plan import ExpressionError


def scope(context: Any = None, steps: Any = None, task: Any = None) -> dict[str, Any]:
    return {"context": context or {}, "steps": steps or {}, "task": task or {}}


def value_of(source: str, context: Any = None, steps: Any = None, task: Any = None) -> Any:
    return compile_expression(source)(scope(context, steps, task))


CHARGED = {"charge": {"result": {"id": 7, "tags": ["a"]}, "state": "Complete", "outcome": "Succeeded", "error": None}}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("context.amount == 3", True),
        ("context.amount == 3.0", True),
        ("context.amount + 1", 4),
        ("context.price * 2.0", 5.0),
        ("context.missing_is == null", True),
        ("has(context.amount) && !has(context.nothing)", True),
        ("steps.charge.result.id", 7),
        ("steps['charge'].state", "Complete"),
        ("steps.charge.error == null", True),
        ("has(steps.refund)", False),
        ("'refund' in steps", False),
        ("steps.size()", 1),
        ("task.name + '/' + task.tags[0]", "order-1/vip"),
        ("context.items.filter(i, i.n > 1).map(i, i.sku)", ["b"]),
        ("{'id': steps.charge.result.id, 'all': [1, 2.5, null, true]}", {"id": 7, "all": [1, 2.5, None, True]}),
        ("timestamp('2026-01-31T10:00:00.500+01:00')", "2026-01-31T09:00:00.5Z"),
        ("timestamp('2026-01-31T10:00:00Z') + duration('90m')", "2026-01-31T11:30:00Z"),
        ("duration('-90.5s')", "-90.5s"),
        ("duration('1h')", "3600s"),
        ("b'\\xff\\x00'", "/wA="),
        ("3u", 3),
        ("'\\u0000é😀'", "\0é😀"),
        ("context['größe']['ä b']", 1),
    ],
)
def test_an_expression_sees_the_scope_and_makes_json(source: str, expected: Any) -> None:
    context: dict[str, Any] = {"amount": 3, "price": 2.5, "missing_is": None, "größe": {"ä b": 1}}
    context["items"] = [{"sku": "a", "n": 1}, {"sku": "b", "n": 2}]
    found = value_of(source, context, CHARGED, {"name": "order-1", "tags": ["vip"]})
    assert (found, type(found)) == (expected, type(expected))


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS
)
VALUES = st.recursive(SCALARS, lambda below: st.lists(below) | st.dictionaries(TEXTS, below), max_leaves=30)


@given(VALUES)
def test_a_json_value_comes_back_as_it_went_in(value: Any) -> None:
    found = value_of("context.value", {"value": value})
    assert found == value
    assert repr(found) == repr(value) or isinstance(value, dict | list)
    assert value_of("[context.value]", {"value": value}) == [value]


@given(VALUES)
def test_a_json_value_equals_itself(value: Any) -> None:
    assert value_of("context.value == steps.a.result", {"value": value}, {"a": {"result": value}}) is True


@given(st.dictionaries(TEXTS, SCALARS))
def test_an_object_keeps_its_keys_and_the_types_of_its_values(value: dict[str, Any]) -> None:
    found = value_of("context", value)
    assert {key: (item, type(item)) for key, item in found.items()} == {
        key: (item, type(item)) for key, item in value.items()
    }


def test_reading_null_out_leaves_the_interpreter_as_it_was() -> None:
    makes_nulls = compile_expression("[null, {'a': null}, context.nothing, [context.nothing]]")
    before = sys.getrefcount(None)
    for _ in range(3000):
        assert makes_nulls(scope({"nothing": None}))[0] is None
    # Four nulls each time: a reference that is not counted would take 12000 away.
    assert abs(sys.getrefcount(None) - before) < 2000


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ("context.x > 1", 'Key not found in map : "x"; has(…) tells'),
        ("steps.refund.result", 'Key not found in map : "refund"'),
        ("context.text + 1", "No matching overloads"),
        ("context.nothing.field", "a field of null, a number or a text"),
        ("context.list[5]", "index=5 size=1"),
        ("1 / 0", "divide by zero"),
        ("9223372036854775807 + 1", "integer overflow"),
        ("int('x')", "x"),
        ("duration('soon')", "soon"),
        ("{1: 'a'}", "write string(1)"),
        ("{'a': 1, 'a': 2}", "duplicate key"),
        ("double('nan')", "nan, which JSON does not have"),
        ("[-1.0 / 0.0]", "the result[0] is -inf"),
        ("18446744073709551615u", "beyond 64 bits"),
        ("{'t': type(1)}", "the result.t is of type type"),
        ("google.protobuf.Any{}", "cannot be evaluated"),
    ],
)
def test_what_cannot_be_evaluated_is_told_with_the_expression_and_the_reason(source: str, part: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        value_of(source, {"text": "a", "nothing": None, "list": [1]})
    assert repr(source) in str(caught.value)
    assert part in str(caught.value)


def test_a_long_expression_is_shown_cut() -> None:
    source = "'" + "x" * 1000 + "' + context.nothing"
    with pytest.raises(ExpressionError) as caught:
        value_of(source)
    assert "x" * 100 in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    ("value", "part"),
    [
        (2**63, "context.a is a whole number beyond 64 bits"),
        (-(2**63) - 1, "context.a is a whole number beyond 64 bits"),
        ([{"b": 10**30}], "context.a[0].b is a whole number"),
        ("half \ud83d", "context.a holds half a surrogate pair"),
        ("a\0b", "context.a holds the character U+0000"),
        ({"a\0b": 1}, "context.a has a key that holds the character U+0000"),
        ({1: 2}, "context.a has a key that is no string"),
        (math.inf, "context.a is no JSON value"),
        (math.nan, "context.a is no JSON value"),
        (b"x", "context.a is no JSON value, but bytes"),
    ],
)
def test_a_value_that_cel_would_garble_is_refused_with_its_place(value: Any, part: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        value_of("context.a == 1", {"a": value})
    assert part in str(caught.value)


def test_what_an_expression_does_not_read_cannot_hurt_it() -> None:
    context = {"amount": 3, "other": 2**70}
    assert value_of("context.amount", context) == 3
    steps = {"a": {"result": {"x": 1, "huge": 2**70}}, "b": {"result": 2**70}}
    assert value_of("steps.a.result.x", steps=steps) == 1
    with pytest.raises(ExpressionError):
        value_of("context.size()", context)


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = {"a": value}
    return value


def test_a_value_that_is_nested_too_deep_is_refused() -> None:
    assert value_of("context == context", nested(MAX_DEPTH - 1)) is True
    with pytest.raises(ExpressionError, match=f"more than {MAX_DEPTH} deep"):
        value_of("context == context", nested(5000))


def test_a_tuple_and_a_mapping_are_read_as_list_and_object() -> None:
    assert value_of("context", {"a": (1, 2)}) == {"a": [1, 2]}


def test_a_condition_is_true_or_false() -> None:
    assert compile_condition("context.amount > 2")(scope({"amount": 3})) is True
    assert compile_condition("context.amount > 2")(scope({"amount": 2})) is False


@pytest.mark.parametrize(
    ("value", "what"),
    [(None, "null"), (1, "a number"), (1.5, "a number"), ("true", "a text"), ([], "a list"), ({"a": 1}, "an object")],
)
def test_a_condition_that_is_anything_else_is_an_error(value: Any, what: str) -> None:
    with pytest.raises(ExpressionError, match=rf"'context.a' must be true or false, but is {what}"):
        compile_condition("context.a")(scope({"a": value}))


def test_expressions_of_one_source_are_equal() -> None:
    assert compile_expression("context.a") == compile_expression("context.a")
    assert compile_condition("context.a") != compile_condition("context.b")


@pytest.mark.parametrize(
    ("source", "steps"),
    [
        ("steps.a.result.x > 1 && steps['b'].state == 'x'", {"a", "b"}),
        ("has(steps.c) || context.steps.d", {"c"}),
        ("context.list.map(steps, steps.x)", set()),
        ("context.list.exists(x, x == steps.a.result)", {"a"}),
        ("[steps.a.result].map(s, s + steps.b.result)", {"a", "b"}),
        ("'steps.z' == task.name", set()),
        (".steps.a.result == 1", {"a"}),
        ("steps[context.name].result", None),
        ("steps.all(name, steps[name].result != null)", None),
        ("steps.a.result == 1 && size(steps) == 2", None),
        ("true", set()),
    ],
)
def test_the_steps_that_an_expression_names_are_known(source: str, steps: set[str] | None) -> None:
    assert compile_expression(source).steps == steps


def test_the_fields_that_an_expression_reads_are_known() -> None:
    uses = compile_expression("context.a.b + context.a.c[0].d + steps.x.result.n + size(task)").uses
    assert uses == {"context": {"a": {"b": None, "c": None}}, "steps": {"x": {"result": {"n": None}}}, "task": None}
    assert compile_expression("context.a.b == context.a").uses == {"context": {"a": None}}
    assert compile_expression("context == context.a.b").uses == {"context": None}


@pytest.mark.parametrize(
    ("source", "line", "column", "part"),
    [
        ("1 +", 1, 4, "Syntax error"),
        ("", 1, 1, "Syntax error"),
        ("context.amount > 1 &&\n  1 + 'a' == 2", 2, 5, "no matching overload for '_+_'"),
        ("context.a +\n\n foo", 3, 2, "undeclared reference to 'foo'"),
        ("'é' + foo", 1, 7, "undeclared reference to 'foo'"),
        ("math.greatest(1, 2)", 1, 1, "undeclared reference to 'math'"),
        ("x\0y", 1, 1, "U+0000"),
        ("'" + "x" * MAX_EXPRESSION + "'", 1, 1, f"of which {MAX_EXPRESSION} are allowed"),
        ("(" * 40 + "1" + ")" * 40, 1, 1, "nested too deep"),
        (" + ".join(["1"] * 100), 1, 1, "nested too deep"),
        ("[1].all(a, [1].all(b, [1].all(c, [1].all(d, true))))", 1, 1, f"more than {MAX_LOOP_DEPTH} macros"),
    ],
)
def test_what_cannot_be_compiled_is_told_with_its_place(source: str, line: int, column: int, part: str) -> None:
    problems = check_expression(source)
    assert [(p.line, p.column) for p in problems][:1] == [(line, column)]
    assert part in problems[0].message
    with pytest.raises(InvalidExpression, match=f"line {line}, column {column}"):
        compile_expression(source)


def test_all_problems_are_told_at_once() -> None:
    assert [p.column for p in check_expression("foo + bar")] == [1, 7]


@given(st.text(max_size=200) | st.text("steps.ab[]()'\"+1? :{}&|!\\\n", max_size=60))
def test_checking_never_fails_whatever_the_text(source: str) -> None:
    for problem in check_expression(source, allowed_steps=["a"]):
        assert problem.message
        assert problem.line >= 1
        assert problem.column >= 1


def test_what_was_found_for_one_asker_is_not_told_to_the_next() -> None:
    source = "steps.a.result"
    assert check_expression(source, allowed_steps=["b"])
    assert not check_expression(source, allowed_steps=["a"])
    check_expression(source).append(check_expression("1 +")[0])
    assert check_expression(source) == []


def test_a_step_that_is_not_seen_is_told_with_its_place() -> None:
    problems = check_expression("context.a == 1 &&\n has(steps.b) && steps['c'].result == 1", allowed_steps={"b"})
    assert [(p.line, p.column, p.step) for p in problems] == [(2, 18, "c")]
    assert "'c' is none of the steps" in problems[0].message
    assert check_expression("steps.any", allowed_steps=None) == []
    assert [p.step for p in check_expression("steps.any", allowed_steps=())] == ["any"]


def test_a_variable_that_is_not_there_is_told() -> None:
    assert check_expression("task.name == 'a'", variables=("context", "task")) == []
    assert len(check_expression("steps.a.result", variables=("context", "task"))) == 1


@pytest.mark.parametrize("source", ["1", "'true'", "[true]", "context.a + 'x' == 'y' ? 1 : 2"])
def test_a_condition_that_can_never_be_true_or_false_is_told(source: str) -> None:
    assert check_expression(source) == []
    assert ["must be true or false" in p.message for p in check_expression(source, condition=True)] == [True]


@pytest.mark.parametrize(
    "source", ["true", "context.a", "context.a && steps.b.result", "context.a == 1 ? context.b : false"]
)
def test_a_condition_that_may_be_true_or_false_is_accepted(source: str) -> None:
    assert check_expression(source, condition=True) == []


def work(source: str, **context: Any) -> int:
    """The bound for an expression over this context."""
    expression = compile_expression(source)
    inputs = Inputs()
    inputs.add("context", context)
    return sum(cost(expression._tree, inputs.measure)[:2])


ITEMS = [{"sku": f"s{i}", "price": 1.5, "tags": ["a", "b"]} for i in range(500)]


@pytest.mark.parametrize(
    "source",
    [
        "context.items.filter(i, i.price > 1.0).map(i, {'sku': i.sku, 'price': i.price, 'first': i.tags[0]})",
        "context.items.all(i, i.sku in context.allowed)",
        "context.items.exists(i, i.tags.exists(t, t == 'c'))",
        "context.items.exists(i, i.sku.matches('^x[0-9]{1,4}$'))",
        "context.items.map(i, i.price).filter(p, p > 2.0).size() == 0",
        "context.text.matches('^x+$') && context.text.contains('xxy') && context.text + context.text == ''",
    ],
)
def test_ordinary_work_on_a_large_context_is_done(source: str) -> None:
    allowed = [f"s{i}" for i in range(500)]
    value_of(source, {"items": ITEMS, "allowed": allowed, "text": "x" * 50_000})


@pytest.mark.parametrize(
    "source",
    [
        "context.numbers.all(x, context.numbers.all(y, x + y >= 0))",
        "context.numbers.all(x, context.numbers == context.numbers)",
        "context.numbers.map(x, context.numbers).size()",
        "context.numbers.map(x, x)",
        "context.text.matches('(a{1,100}){1,10}b')",
        "context.text.matches(context.text)",
        r"context.text.matches('\\p{L}+x')",
        "context.text.contains(context.text + 'b')",
        "[context.text]" + ".map(x, x + x + x + x + x + x)" * 5 + ".size()",
        "context.numbers.filter(x, (context.text + context.text).size() > x).size()",
    ],
)
def test_work_without_measure_is_refused_before_it_is_begun(source: str) -> None:
    context = {"numbers": list(range(5000)), "text": "a" * 100_000}
    with pytest.raises(ExpressionError, match="could take too long"):
        value_of(source, context)
    small = {"numbers": list(range(5)), "text": "a" * 20}
    value_of(source, small)


def test_a_tower_of_doublings_is_refused() -> None:
    source = "context.x"
    for _ in range(7):
        source = f"[{source}].map(x, [x, x, x, x, x, x, x, x, x, x, x])[0]"
    with pytest.raises(ExpressionError, match="could take too long"):
        value_of(f"{source} == {source}" if len(source) < MAX_EXPRESSION // 2 else source, {"x": 1})


def test_more_rounds_than_allowed_are_an_error() -> None:
    context = {"numbers": [1] * 10_001}
    with pytest.raises(ExpressionError, match="Iteration budget exceeded"):
        value_of("context.numbers.all(x, x > 0)", context)


def test_a_result_that_is_too_large_is_an_error() -> None:
    with pytest.raises(ExpressionError, match=f"more than {MAX_RESULT} values"):
        value_of("context.numbers.map(x, context.row)", {"numbers": list(range(400)), "row": [1] * 300})


@given(st.integers(1, 300), st.integers(1, 300))
def test_the_bound_grows_with_the_product_of_what_is_compared(many: int, other: int) -> None:
    source = "context.a.all(x, x in context.b)"
    bound = work(source, a=[1] * many, b=[1] * other)
    assert many * other <= bound <= 8 * (many + 2) * (other + 8)
    assert bound < work(source, a=[1] * (many + 1), b=[1] * other)
    assert bound < work(source, a=[1] * many, b=[1] * (other + 1))


@given(VALUES)
def test_the_bound_covers_the_size_of_what_is_made(value: Any) -> None:
    source = "context.list.map(x, [x, x, context.value])"
    made = Inputs()
    context = {"list": [value, value], "value": value}
    made.add("made", value_of(source, context))
    assert work(source, **context) >= made.measure("made")[0]


def test_a_path_is_measured_by_what_stands_there() -> None:
    assert work("context.small.all(x, x > 0)", small=[1], large=[1] * 10_000) < 100
    assert work("context.large.all(x, x > 0)", small=[1], large=[1] * 1000) > 1000
    assert work("context.nowhere.all(x, x > 0)") < 100


def test_the_tree_tells_nesting_from_chaining() -> None:
    chained = compile_expression("context.a.map(x, x).filter(x, x > 1).all(x, x > 2)")
    inside = compile_expression("context.a.all(x, x.b.exists(y, y.c.all(z, z > 1)))")
    assert (loop_depth(chained._tree), loop_depth(inside._tree)) == (1, 3)


def test_a_reference_tells_where_it_stands() -> None:
    tree = compile_expression("'é😀' + steps.a.result + context['b'].c")._tree
    assert [(r.name, r.path, r.offset) for r in references(tree)] == [
        ("steps", ("a", "result"), 7),
        ("context", ("b", "c"), 24),
    ]


def test_a_compiled_expression_can_be_used_again_and_again() -> None:
    expression: Expression = compile_expression("context.n + 1")
    assert [expression(scope({"n": n})) for n in range(100)] == list(range(1, 101))
