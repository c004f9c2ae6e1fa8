"""The docs as data: their pages and the YAML in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from kubesaga.api import constants as c
from kubesaga.api.findings import Finding, check_action, check_task, check_template

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

Manifest = dict[str, Any]


def page(name: str) -> str:
    """The text of a page of docs/."""
    return (DOCS / f"{name}.md").read_text(encoding="utf-8")


def manifests(text: str) -> Iterator[Manifest]:
    """Every whole object of Kubesaga in a page's YAML."""
    for block in re.findall(r"```yaml\n(.*?)```", text, flags=re.DOTALL):
        for document in yaml.safe_load_all(block):
            if isinstance(document, dict) and str(document.get("apiVersion", "")).startswith("kubesaga.dev/"):
                yield document


def findings(found: Manifest) -> list[str]:
    """Everything that the project's own checks have to say against an object."""
    spec = found["spec"]
    said: list[Finding] = {
        c.TEMPLATE_KIND: lambda: check_template(spec, name=found["metadata"]["name"]),
        c.TASK_KIND: lambda: check_task(spec),
        c.ACTION_KIND: lambda: check_action(spec),
    }[found["kind"]]()
    return [str(each) for each in said]
