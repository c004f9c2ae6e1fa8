"""Reading manifests: the objects of Kubesaga in files and folders, each with the places of its fields.

What is none of ours is counted and passed over; what would be but for its ``apiVersion`` is read all the same, so that
this can be told. A file of a folder in which nothing says that it is ours need not be YAML (a chart's template); one
that was named itself has to be.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from yaml import Node, ScalarNode

from kubesaga.api.constants import ACTION_KIND, GROUP, TASK_KIND, TEMPLATE_KIND
from kubesaga.api.yaml_loader import compose_all, explained, value_of
from kubesaga.cli.inputs import STDIN, read_text, shown_name
from kubesaga.cli.lint.places import Place, duplicate_keys, node_at, place_of
from kubesaga.cli.lint.problem import LintCode, Problem, Severity

_SUFFIXES = frozenset({".yaml", ".yml", ".json"})
_PROJECT = GROUP.partition(".")[0]
_OURS = re.compile(
    rf"""apiVersion["']?\s*:\s*["']?{_PROJECT}|\bkind["']?\s*:\s*["']?({TEMPLATE_KIND}|{ACTION_KIND})\b"""
)
_IGNORED = re.compile(r"#\s*kubesaga-lint:\s*ignore\s+(\w+(?:\s*,\s*\w+)*)")


@dataclass(frozen=True)
class Document:
    """One object: what was written, and where."""

    file: str
    value: dict[str, Any]
    node: Node

    @property
    def kind(self) -> str:
        """Its kind, as it was written."""
        return str(self.value.get("kind"))

    @property
    def name(self) -> str:
        """metadata.name, or nothing."""
        return str(_metadata(self.value).get("name") or "")

    @property
    def namespace(self) -> str:
        """metadata.namespace; empty means that of whoever applies it."""
        return str(_metadata(self.value).get("namespace") or "")

    @property
    def spec(self) -> Any:
        """Its spec, whatever it is."""
        return self.value.get("spec")

    @property
    def title(self) -> str:
        """How messages call it."""
        return f"{self.kind}/{self.name}" if self.name else self.kind

    def place(self, path: str) -> Place:
        """Where the field is written."""
        return place_of(self.node, path)

    def problem(self, code: str, path: str, message: str, remedy: str, severity: Severity = Severity.ERROR) -> Problem:
        """A problem at a field."""
        line, column = self.place(path)
        return Problem(severity, str(code), self.file, line, column, self.title, path, message, remedy)


@dataclass(frozen=True)
class Silence:
    """Lines of a file about which problems of these codes are not wanted."""

    file: str
    lines: range
    codes: frozenset[str]

    def covers(self, problem: Problem) -> bool:
        """Whether the problem is one of those."""
        return problem.file == self.file and problem.line in self.lines and problem.code in self.codes


@dataclass
class Reading:
    """What was found in all files; ``ignored`` counts the documents and files that are none of ours."""

    documents: list[Document] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    silences: list[Silence] = field(default_factory=list)
    ignored: int = 0


def read_all(paths: Iterable[str]) -> Reading:
    """Read files, folders (with all below them) and stdin (``-``). Raises CliError for what cannot be opened."""
    reading = Reading()
    for path, named in _files(paths):
        reading.files.append(shown_name(path))
        if named or _may_be_ours(path):
            _read_file(shown_name(path), read_text(path), reading)
        else:
            reading.ignored += 1
    return reading


def _files(paths: Iterable[str]) -> Iterator[tuple[str, bool]]:
    """Each file once, and whether it was named itself."""
    given = list(paths)
    named = {Path(path).resolve() for path in given if path != STDIN and not Path(path).is_dir()}
    seen: set[Path] = set()
    for path in given:
        if path == STDIN:
            yield path, True
            continue
        for file in _inside(path) if Path(path).is_dir() else [path]:
            place = Path(file).resolve()
            if place not in seen:
                seen.add(place)
                yield file, place in named


def _inside(folder: str) -> list[str]:
    found = (each for each in Path(folder).rglob("*") if each.suffix in _SUFFIXES and _is_wanted(each, folder))
    return list(map(str, sorted(found)))


def _is_wanted(file: Path, folder: str) -> bool:
    """Whether it is a file, and neither it nor a folder on the way is hidden."""
    return file.is_file() and not any(part.startswith(".") for part in file.relative_to(folder).parts)


def _may_be_ours(path: str) -> bool:
    """Whether a file says so anywhere, in whatever encoding the rest of it is."""
    try:
        return _OURS.search(Path(path).read_text(encoding="utf-8", errors="replace")) is not None
    except OSError:
        return True  # Told where it is read.


def _read_file(name: str, text: str, reading: Reading) -> None:
    if name.endswith(".json"):
        text = _json_text(name, text, reading)
    lines = text.splitlines()
    begin = 0
    try:
        for node in compose_all(text):
            end = node.end_mark.line + 1
            reading.silences += _silences(name, lines, range(begin, end))
            for part in _objects(node):
                _take(name, part, reading)
            begin = end
    except yaml.YAMLError as error:
        place, message = explained(error, text)
        reading.problems.append(_not_readable(name, place or (1, 1), message))


def _json_text(name: str, text: str, reading: Reading) -> str:
    """The text as YAML can read it too, or nothing if it is not JSON."""
    try:
        json.loads(text)
    except RecursionError:
        return text  # Told where YAML is read.
    except json.JSONDecodeError as error:
        place = (error.lineno, error.colno)
        reading.problems.append(_not_readable(name, place, error.msg.lower(), "JSON"))
        return ""
    return text.replace("\t", " ")  # JSON has tabs between its words only, where YAML has none.


def _objects(node: Node) -> Iterator[Node]:
    """The document itself, or the items of a List."""
    kind = node_at(node, "kind")
    items = node_at(node, "items") if kind is not None and kind.value == "List" else None
    if items is None or not isinstance(items.value, list):
        yield node
    else:
        yield from (item for item in items.value if isinstance(item, Node))


def _take(name: str, node: Node, reading: Reading) -> None:
    if isinstance(node, ScalarNode) and not node.value:
        return  # Nothing stands between two ---.
    if not _is_ours(node):
        reading.ignored += 1
        return
    twice = list(duplicate_keys(node))  # Before the loader resolves merge keys, which may say a key anew.
    try:
        document = Document(name, value_of(node), node)
    except (yaml.YAMLError, ValueError) as error:  # such as a number that is none
        place, message = explained(error, "")
        mark = node.start_mark
        reading.problems.append(_not_readable(name, place or (mark.line + 1, mark.column + 1), message))
        return
    reading.documents.append(document)
    reading.problems += [_twice(document, key, place) for key, place in twice]


def _is_ours(node: Node) -> bool:
    """Whether it is an object of Kubesaga, or was meant to be: its apiVersion is missing, or nearly right."""
    version, kind = _word(node, "apiVersion"), _word(node, "kind")
    if version.startswith(f"{GROUP}/"):
        return True
    ours = kind in (TEMPLATE_KIND, ACTION_KIND) or (kind == TASK_KIND and node_at(node, "spec.templateRef") is not None)
    return ours and (not version or version.startswith(_PROJECT))


def _word(node: Node, path: str) -> str:
    found = node_at(node, path)
    return str(found.value) if isinstance(found, ScalarNode) else ""


def _twice(document: Document, key: str, place: Place) -> Problem:
    code, message, remedy = LintCode.DUPLICATE_KEY, f"the key {key!r} is there twice", "remove one of the two"
    return Problem(Severity.ERROR, code, document.file, *place, document.title, key, message, remedy)


def _silences(name: str, lines: list[str], document: range) -> Iterator[Silence]:
    """What comments in a document, or above it, ask not to be told about it."""
    for i in document:
        match = _IGNORED.search(lines[i]) if i < len(lines) else None
        if match:
            places = range(document.start + 1, document.stop + 1)
            yield Silence(name, places, frozenset(re.split(r"\s*,\s*", match[1])))


def _not_readable(name: str, place: Place, why: str, what: str = "YAML") -> Problem:
    message = f"is not {what}: {why}"
    return Problem(Severity.ERROR, LintCode.INVALID_YAML, name, *place, "", "", message, "correct it there")


def _metadata(value: dict[str, Any]) -> dict[str, Any]:
    metadata = value.get("metadata")
    return metadata if isinstance(metadata, dict) else {}
