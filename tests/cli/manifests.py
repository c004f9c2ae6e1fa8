"""Small manifests for the tests of what works on files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

API_VERSION = "kubesaga.dev/v1alpha1"


def step(name: str, *depends_on: str, **fields: Any) -> dict[str, Any]:
    """A step with a handler, unless it is given something else to run."""
    kinds = {"container", "task", "approval"} & fields.keys()
    runs = {} if kinds else {"handler": {"callable": f"shop:{name.title()}"}}
    waits = {"dependsOn": list(depends_on)} if depends_on else {}
    return {"name": name, **runs, **waits, **fields}


def template(name: str = "order", version: str = "1.0.0", **spec: Any) -> dict[str, Any]:
    """A TaskTemplate."""
    steps = spec.pop("steps", None) or [step("charge")]
    return {
        "apiVersion": API_VERSION,
        "kind": "TaskTemplate",
        "metadata": {"name": f"{name}-{version}"},
        "spec": {"name": name, "version": version, "defaults": {"image": "shop:1"}, "steps": steps, **spec},
    }


def task(name: str = "order-1", template_name: str = "order", **spec: Any) -> dict[str, Any]:
    """A Task."""
    reference = {"name": template_name, **({"version": spec.pop("version")} if "version" in spec else {})}
    return {
        "apiVersion": API_VERSION,
        "kind": "Task",
        "metadata": {"name": name},
        "spec": {"templateRef": reference, **spec},
    }


def write(file: Path, *documents: dict[str, Any]) -> str:
    """Write them into one file; returns its path."""
    file.write_text(yaml.safe_dump_all(documents, sort_keys=False), encoding="utf-8")
    return str(file)
