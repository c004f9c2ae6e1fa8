"""docs/operations.md has the operator's rights, verb by verb, as the chart grants them, and every metric."""

from __future__ import annotations

import re
from typing import Any

import yaml

from kubesaga.runtime import metrics
from kubesaga.runtime.cache import Cache
from kubesaga.runtime.queue import WorkQueue
from tests.docs.pages import ROOT, page

PAGE = page("operations")
RULES = ROOT / "charts" / "kubesaga" / "templates" / "_rules.tpl"


def section(heading: str) -> str:
    """The text under a heading."""
    return PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def rows(heading: str) -> list[list[str]]:
    """The cells of the table in a section, without its head."""
    lines = re.findall(r"^\|(.*)\|$", section(heading), flags=re.MULTILINE)
    return [[cell.strip() for cell in line.split("|")] for line in lines[2:]]


def rules() -> dict[str, set[str]]:
    """The verbs of the operator's Role for each resource, where Tasks live."""
    plain = re.sub(r"\{\{.*?\}\}", "", RULES.read_text("utf-8"), flags=re.DOTALL)
    listed: list[dict[str, Any]] = yaml.safe_load(plain)
    return {resource: set(rule["verbs"]) for rule in listed for resource in rule["resources"]}


def test_the_operators_rights_are_those_of_the_chart() -> None:
    said = {
        resource: set(verbs.split(", "))
        for resources, verbs, _ in rows("What the operator may do")
        for resource in re.findall(r"`([a-z/]+)`", resources)
    }
    leases = said.pop("leases")
    assert leases == {"create; get and update of its own"}
    assert said == rules()


def test_every_metric_has_its_row() -> None:
    metrics.expose({"Task": WorkQueue()}, Cache())
    exposed = re.findall(r"^# TYPE (kubesaga_\w+) ", metrics.render().decode(), flags=re.MULTILINE)
    said: list[str] = []
    for names, _, _ in rows("Probes, metrics"):
        first, *others = re.findall(r"`(\w+)`", names)
        stem = first.rpartition("_")[0]
        said += [first, *(other if other.startswith("kubesaga_") else stem + other for other in others)]
    assert sorted(said) == sorted(exposed)
