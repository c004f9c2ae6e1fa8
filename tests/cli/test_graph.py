"""A template as a picture: the same steps and arrows in each language, whatever the words in it."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kubesaga.api.compile import compile_plan
from kubesaga.api.constants import TEMPLATE_KIND
from kubesaga.api.models import TaskTemplateSpec
from kubesaga.cli.drawing import DrawingFormat, draw
from kubesaga.cli.exits import ExitCode
from kubesaga.cli.main import main
from kubesaga.engine.graph import GraphError
from tests.cli.manifests import step, template, write

ROOT = Path(__file__).parents[2]
Capture = pytest.CaptureFixture[str]
Arrows = set[tuple[str, str, bool]]

EVERYTHING = template(
    steps=[
        step("check"),
        step("pack", "check", container={"image": "packer:2"}, compensation={"container": {"image": "unpacker:1"}}),
        step("charge", "check", compensation={}, when="context.total > 0"),
        step("release", "charge", approval={"timeout": "2h"}, skippable=True),
        step("ship", "pack", "release", task={"templateRef": {"domain": "post", "name": "parcel", "version": "^1.0"}}),
        step("notify", runAfter=["ship", "charge"], continueOnError=True),
    ],
    failureStrategy="Compensate",
)
EVERYTHING["spec"]["finally"] = [step("close"), step("tell", "close")]
FORWARD: Arrows = {
    ("check", "pack", False),
    ("check", "charge", False),
    ("charge", "release", False),
    ("pack", "ship", False),
    ("release", "ship", False),
    ("ship", "notify", True),
    ("charge", "notify", True),
    ("close", "tell", False),
}
UNDOING: Arrows = {("ship", "pack", False), ("ship", "charge", False)}

MERMAID_NODE = re.compile(r' +(\w+)(\(|\[|\[\[|\{\{)"([^"`<>]|<br/>)+"(\)|\]|\]\]|\}\})')
MERMAID_ARROW = re.compile(r" +(\w+) (-->|-\.->) (\w+)")
DOT_STRING = r'"(?:[^"\\]|\\.)*"'
DOT_NODE = re.compile(rf' +(\w+) \[label=({DOT_STRING}) shape=\w+( \w+=("\w+"|\d))*\]')
DOT_ARROW = re.compile(r" +(\w+) -> (\w+)( \[style=dashed\])?")


def from_mermaid(text: str) -> Arrows:
    """The arrows of a flowchart, every line of which must be known."""
    head, *lines = text.split("flowchart TD\n")[1].splitlines()
    assert text.startswith("---\ntitle: ")
    names, arrows = {}, set()
    for line in (head, *lines):
        node, arrow = MERMAID_NODE.fullmatch(line), MERMAID_ARROW.fullmatch(line)
        if node:
            names[node[1]] = re.split(r"<br/>|\"", line)[1]
        elif arrow:
            arrows.add((names[arrow[1]], names[arrow[3]], arrow[2] == "-.->"))
        else:
            known = r'  subgraph f \["finally"\]|  end|  classDef undone stroke-width:3px|  class s\d+(,s\d+)* undone'
            assert re.fullmatch(known, line), line
    return arrows


def from_dot(text: str) -> Arrows:
    """The arrows of a digraph, every line of which must be known."""
    names, arrows = {}, set()
    first, *lines, last = text.splitlines()
    assert re.fullmatch(rf"digraph {DOT_STRING} {{", first)
    assert last == "}"
    for line in lines:
        node, arrow = DOT_NODE.fullmatch(line), DOT_ARROW.fullmatch(line)
        if node:
            names[node[1]] = node[2].strip('"').split(r"\n")[0]
        elif arrow:
            arrows.add((names[arrow[1]], names[arrow[2]], arrow[3] is not None))
        else:
            known = rf' +\w+={DOT_STRING}| +\w+=\w+|  node \[fontname="sans-serif"\]|  subgraph cluster_finally {{|  }}'
            assert re.fullmatch(known, line), line
    return arrows


def from_text(text: str) -> Arrows:
    """The arrows of the lines for a terminal."""
    arrows = set()
    for line in text.splitlines()[2:]:
        name = re.match(r"(?:\d+| ) +(\w+) ", line)
        for sign, others in re.findall(r"(<-|<~) ((?:\w+, )*\w+)", line if name else ""):
            arrows |= {(other, name[1], sign == "<~") for other in others.split(", ")} if name else set()
    return arrows


READERS = {DrawingFormat.MERMAID: from_mermaid, DrawingFormat.DOT: from_dot, DrawingFormat.ASCII: from_text}


def examples() -> Iterator[Any]:
    for file in sorted((ROOT / "examples").glob("*/*.yaml")):
        for document in yaml.safe_load_all(file.read_text("utf-8")):
            if document and document["kind"] == TEMPLATE_KIND:
                yield pytest.param(document, id=document["metadata"]["name"])


@pytest.mark.parametrize("format_", DrawingFormat)
def test_every_language_has_the_same_arrows(format_: DrawingFormat) -> None:
    assert READERS[format_](draw(EVERYTHING["spec"], format_)) == FORWARD
    assert READERS[format_](draw(EVERYTHING["spec"], format_, undo=True)) == UNDOING


@pytest.mark.parametrize("format_", DrawingFormat)
@pytest.mark.parametrize("drawn", list(examples()))
def test_an_example_is_drawn_as_the_engine_sees_it(drawn: dict[str, Any], format_: DrawingFormat) -> None:
    spec = drawn["spec"]
    graph = compile_plan(TaskTemplateSpec.read({"name": drawn["metadata"]["name"], **spec})).graph
    arrows = {
        (graph.names[parent], name, parent in graph.order_parents[i])
        for i, name in enumerate(graph.names)
        for parent in graph.parents[i]
    }
    assert READERS[format_](draw(spec, format_, name=drawn["metadata"]["name"])) == arrows


def test_the_terminal_shows_layers_kinds_and_marks() -> None:
    lines = draw(EVERYTHING["spec"], DrawingFormat.ASCII).splitlines()
    assert lines[0] == "default/order@1.0.0 (6 steps, failureStrategy Compensate)"
    assert [line.split()[:2] for line in lines[2:] if line[:1].isdigit()] == [
        ["1", "check"], ["2", "pack"], ["3", "release"], ["4", "ship"], ["5", "notify"], ["1", "close"], ["2", "tell"]
    ]  # fmt: skip
    shown = {}
    for line in lines[2:]:
        words = line.split()[1:] if line[:1].isdigit() else line.split()
        shown[words[0] if words else ""] = " ".join(words)
    assert "container packer:2 undo <- check" in shown["pack"]
    assert "undo when" in shown["charge"]
    assert "approval within 2h skippable" in shown["release"]
    assert "sub-workflow post/parcel@^1.0 undo <- pack, release" in shown["ship"]
    assert "continueOnError <~ ship, charge" in shown["notify"]
    assert lines.index("finally, when all is over:") == 8
    assert lines[-1] == "undo: has a compensation   <- dependsOn   <~ runAfter"


def test_undoing_shows_what_the_compensations_run() -> None:
    text = draw(EVERYTHING["spec"], DrawingFormat.ASCII, undo=True)
    assert "3 of 6 steps have a compensation" in text
    assert "container     unpacker:1" in text
    assert "shop:Charge.compensate" in text
    assert text.index("ship") < text.index("pack")


def test_mermaid_marks_kinds_by_shape_and_compensation_by_border() -> None:
    text = draw(EVERYTHING["spec"], DrawingFormat.MERMAID)
    assert 's0("check<br/>shop:Check")' in text
    assert 's1["pack<br/>packer:2<br/>undo"]' in text
    assert 's3{{"release<br/>within 2h<br/>skippable"}}' in text
    assert 's4[["ship<br/>post/parcel@^1.0<br/>undo"]]' in text
    assert "  class s1,s2,s4 undone" in text
    assert text.count("subgraph") == 1


@pytest.mark.parametrize("format_", DrawingFormat)
def test_no_word_of_a_template_can_leave_its_place(format_: DrawingFormat) -> None:
    odd = 'a"b\\c`d<e>&f#g;h\n  end\x1b[31m]'
    reference = {"name": odd, "version": ">=1 <3"}
    steps = [{"name": "end", "task": {"templateRef": reference}}, step("o", "end"), step("x", "o")]
    text = draw({"domain": odd, "name": odd, "steps": steps}, format_)
    assert READERS[format_](text) == {("end", "o", False), ("o", "x", False)}
    assert "\x1b" not in text


def test_a_thousand_steps_are_drawn() -> None:
    steps = [step("s0"), *(step(f"s{i}", f"s{i - 1}") for i in range(1, 1000))]
    for format_ in DrawingFormat:
        assert len(READERS[format_](draw({"name": "long", "steps": steps}, format_))) == 999


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"steps": []}, "has no steps"),
        ({}, "has no steps"),
        ({"steps": [step("a", "b"), step("b", "a")]}, "wait for each other"),
        ({"steps": [step("a", "b")]}, "which is not a step"),
        ({"steps": [step("a")], "finally": [step("x"), step("x")]}, "the same name"),
    ],
)
def test_what_is_no_graph_cannot_be_drawn(spec: dict[str, Any], said: str) -> None:
    with pytest.raises(GraphError, match=said):
        draw(spec, DrawingFormat.ASCII)


def test_without_a_compensation_there_is_no_undoing() -> None:
    with pytest.raises(GraphError, match="no step of the template has a compensation"):
        draw(template()["spec"], DrawingFormat.ASCII, undo=True)


def test_the_command_draws_a_file_and_stdin(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "a.yaml", {"apiVersion": "v1", "kind": "ConfigMap"}, EVERYTHING)
    assert main(["graph", file, "-o", "dot"]) == ExitCode.DONE
    printed = capsys.readouterr().out
    assert from_dot(printed.rstrip("\n")) == FORWARD
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(EVERYTHING)))
    assert main(["graph", "-", "-o", "dot"]) == ExitCode.DONE
    assert capsys.readouterr().out == printed


def test_of_several_templates_one_has_to_be_chosen(tmp_path: Path, capsys: Capture) -> None:
    file = write(tmp_path / "a.yaml", template(), template(version="1.1.0"), template("trip", domain="travel"))
    assert main(["graph", file]) == ExitCode.USAGE
    said = capsys.readouterr().err
    assert "has 3 templates: default/order@1.0.0, default/order@1.1.0, travel/trip@1.0.0" in said
    assert "--template" in said
    for wanted in ("trip", "travel/trip", "trip@1.0.0", "travel/trip@1.0.0"):
        assert main(["graph", file, "--template", wanted]) == ExitCode.DONE
        assert capsys.readouterr().out.startswith("travel/trip@1.0.0")
    assert main(["graph", file, "--template", "order"]) == ExitCode.USAGE
    assert main(["graph", file, "--template", "order@2.0.0"]) == ExitCode.NOT_FOUND


def test_a_file_without_a_template_or_with_no_graph_is_told(tmp_path: Path, capsys: Capture) -> None:
    assert main(["graph", write(tmp_path / "a.yaml", {"kind": "Pod"})]) == ExitCode.USAGE
    assert "a.yaml: has no TaskTemplate" in capsys.readouterr().err
    file = write(tmp_path / "b.yaml", template(steps=[step("a", "a")]))
    assert main(["graph", file]) == ExitCode.USAGE
    assert f"hint: see: kubesaga lint {file}" in capsys.readouterr().err
