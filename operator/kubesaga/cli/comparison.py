"""Two versions of a template beside each other, as ``diff`` shows them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from kubesaga.api.compatibility import Bump, Change, Impact, Verdict, compare_templates, judge, worst
from kubesaga.api.findings import Code, check_template
from kubesaga.cli.errors import CliError, one_line
from kubesaga.cli.output import print_lines
from kubesaga.cli.template_files import Template, identity, logical_name, where_to_look

_HEADINGS = {
    Impact.BREAKING: "Breaks callers",
    Impact.FEATURE: "New, and compatible",
    Impact.INTERNAL: "Internal",
}
_SIGNS = {"added": "+", "removed": "-", "changed": "~"}
_LONGEST = 60
_CONTEXT = 10


@dataclass(frozen=True)
class Comparison:
    """The two, what differs, and whether the number says so."""

    old: str
    new: str
    changes: tuple[Change, ...]
    verdict: Verdict

    @classmethod
    def of(cls, old: Template, new: Template, sources: tuple[str, str]) -> Comparison:
        """Compare them. Raises CliError for a template with findings; ``sources`` are where they came from."""
        for template, source in zip((old, new), sources, strict=True):
            _refuse_invalid(template, source)
        names = (logical_name(old), logical_name(new))
        changes = compare_templates(old["spec"], new["spec"], names=names)
        verdict = judge(old["spec"]["version"], new["spec"]["version"], worst(changes))
        return cls(identity(old), identity(new), tuple(changes), verdict)

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {
            "old": self.old,
            "new": self.new,
            "needed": self.verdict.needed.name.lower(),
            "given": self.verdict.given.name.lower(),
            "admitted": self.verdict.admitted,
            "reason": self.verdict.reason,
            "suggestion": self.verdict.suggestion,
            "changes": [
                {
                    "impact": str(change.impact),
                    "kind": change.kind,
                    "path": change.path,
                    "before": change.before,
                    "after": change.after,
                    "reason": change.reason,
                }
                for change in self.changes
            ],
        }


def print_comparison(compared: Comparison) -> None:
    """The changes under three headings, and the verdict."""
    print(f"{compared.old} -> {compared.new}")
    for impact, heading in _HEADINGS.items():
        lines = [_line(change) for change in compared.changes if change.impact is impact]
        if lines:
            print(f"\n{heading}:")
            print_lines(lines)
    print(f"\n{_conclusion(compared.verdict)}")


def _conclusion(verdict: Verdict) -> str:
    if verdict.needed is Bump.NONE:
        return "Nothing is changed."
    said = "The version number admits it" if verdict.admitted else "The version number does not admit it"
    suggestion = f"; the least that would: {verdict.suggestion}" if verdict.suggestion else ""
    return f"{said}: {verdict.reason}{suggestion}"


def _line(change: Change) -> str:
    if change.kind == "changed":
        before, after = _text(change.before), _text(change.after)
        alike = _alike(before, after) - _CONTEXT
        values = f"{_short(before, alike)} -> {_short(after, alike)}"
    else:
        values = _short(_text(change.after if change.kind == "added" else change.before), 0)
    reason = f" ({change.reason})" if change.reason else ""
    return f"  {_SIGNS[change.kind]} " + one_line(f"{change.path}: {values}{reason}")


def _alike(one: str, other: str) -> int:
    """How many characters at the beginning are the same."""
    shortest = min(len(one), len(other))
    return next((i for i in range(shortest) if one[i] != other[i]), shortest)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _short(text: str, alike: int) -> str:
    """The text, or the part of a long one that differs, after so many characters that are alike."""
    if len(text) <= _LONGEST:
        return text
    begin = max(0, min(alike, len(text) - _LONGEST))
    part = text[begin : begin + _LONGEST]
    return f"{'…' if begin else ''}{part}{'…' if begin + _LONGEST < len(text) else ''}"


def _refuse_invalid(template: Template, source: str) -> None:
    # The operator may have a default image.
    found = [each for each in check_template(template["spec"]) if each.code != Code.MISSING_IMAGE]
    if found:
        more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
        raise CliError(f"{source}: {found[0]}{more}", where_to_look(source))
