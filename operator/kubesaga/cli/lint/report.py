"""The problems as people and CI services read them: text, table, JSON, YAML, SARIF 2.1.0, GitHub's annotations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from kubesaga import __version__
from kubesaga.api.constants import API_VERSION
from kubesaga.cli.errors import one_line
from kubesaga.cli.lint.formats import LintFormat
from kubesaga.cli.lint.problem import DESCRIPTIONS, Problem, Severity
from kubesaga.cli.output import Table, print_json, print_lines, print_table, print_yaml

SARIF_VERSION = "2.1.0"
_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


@dataclass(frozen=True)
class Report:
    """The problems in the order of the files, and how much was looked at."""

    problems: tuple[Problem, ...]
    objects: int
    files: int
    ignored: int

    def count(self, severity: Severity) -> int:
        """How many problems are of this severity."""
        return Counter(problem.severity for problem in self.problems)[severity]

    @property
    def is_of_nothing(self) -> bool:
        """Whether there was nothing to check, which is more likely a wrong path than a right answer."""
        return not (self.objects or self.problems)

    def fails(self, strict: bool) -> bool:
        """Whether there is an error; if ``strict`` also a warning, or nothing to check."""
        if strict:
            return bool(self.problems) or self.is_of_nothing
        return self.count(Severity.ERROR) > 0

    def summary(self) -> str:
        """All of it in a line."""
        if self.is_of_nothing:
            looked = f"no document in {_many(self.files, 'file')} has apiVersion {API_VERSION}"
            return f"nothing to check: {looked if self.files else 'no YAML or JSON files'}"
        errors, warnings = self.count(Severity.ERROR), self.count(Severity.WARNING)
        checked = f"{_many(self.objects, 'object')} in {_many(self.files, 'file')}"
        said = f"{checked}: {_many(errors, 'error')}, {_many(warnings, 'warning')}"
        return f"{said}; {_many(self.ignored, 'other document')} passed over" if self.ignored else said


def show_report(report: Report, format_: LintFormat) -> None:
    """Print it on stdout."""
    match format_:
        case LintFormat.TEXT:
            print_lines(map(_text, report.problems))
        case LintFormat.TABLE:
            print_table(_table(report))
        case LintFormat.JSON:
            print_json(_data(report))
        case LintFormat.YAML:
            print_yaml(_data(report))
        case LintFormat.GITHUB:
            print_lines(map(_annotation, report.problems))
        case LintFormat.SARIF:
            print_json(sarif(report))


def _text(problem: Problem) -> str:
    where = f"{problem.file}:{problem.line}:{problem.column}"
    return one_line(f"{where}: {problem.severity}: {_said(problem)} [{problem.code}]; {problem.remedy}")


def _said(problem: Problem) -> str:
    return f"{problem.path}: {problem.message}" if problem.path else problem.message


def _table(report: Report) -> Table:
    table = Table(
        ("Severity", "Place", "Object", "Code", "Problem", "Remedy"),
        styles={Severity.ERROR: "red", Severity.WARNING: "yellow"},
    )
    for problem in report.problems:
        place = f"{problem.file}:{problem.line}:{problem.column}"
        said = one_line(_said(problem))
        table.add(problem.severity, place, problem.object, problem.code, said, one_line(problem.remedy))
    return table


def _data(report: Report) -> dict[str, Any]:
    return {
        "objects": report.objects,
        "files": report.files,
        "ignored": report.ignored,
        "errors": report.count(Severity.ERROR),
        "warnings": report.count(Severity.WARNING),
        "problems": [_plain(problem) for problem in report.problems],
    }


def _plain(problem: Problem) -> dict[str, Any]:
    return {key: str(value) if isinstance(value, StrEnum) else value for key, value in problem.as_dict().items()}


def _annotation(problem: Problem) -> str:
    """A workflow command of GitHub Actions, which marks the line in the pull request."""
    properties = {"file": problem.file, "line": problem.line, "col": problem.column, "title": problem.code}
    written = ",".join(f"{name}={_escaped_property(str(value))}" for name, value in properties.items())
    return f"::{problem.severity} {written}::{_escaped(f'{_said(problem)}; {problem.remedy}')}"


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escaped_property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")


def sarif(report: Report) -> dict[str, Any]:
    """A SARIF log with one run."""
    codes = sorted({str(problem.code) for problem in report.problems})
    return {
        "$schema": _SARIF_SCHEMA,
        "version": SARIF_VERSION,
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "kubesaga",
                        "version": __version__,
                        "rules": [_rule(code) for code in codes],
                    }
                },
                "columnKind": "unicodeCodePoints",
                "results": list(_results(report, codes)),
            }
        ],
    }


def _rule(code: str) -> dict[str, Any]:
    text = {"text": DESCRIPTIONS[code]}
    return {"id": code, "name": code, "shortDescription": text, "fullDescription": text, "help": text}


def _results(report: Report, codes: list[str]) -> Iterator[dict[str, Any]]:
    for problem in report.problems:
        yield {
            "ruleId": str(problem.code),
            "ruleIndex": codes.index(problem.code),
            "level": str(problem.severity),
            "message": {"text": f"{_said(problem)}; {problem.remedy}"},
            "locations": [
                {
                    "physicalLocation": {
                        "artifactLocation": {"uri": _uri(problem.file)},
                        "region": {"startLine": problem.line, "startColumn": problem.column},
                    },
                    "logicalLocations": [{"fullyQualifiedName": f"{problem.object}.{problem.path}".strip(".")}],
                }
            ],
        }


def _uri(file: str) -> str:
    """A relative one where the file was named so: CI services look for it from the root of the repository."""
    path = PurePath(file)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())


def _many(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
