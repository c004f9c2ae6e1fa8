"""The API server's schemas, for what an import makes."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[3]


@cache
def schema_of(kind: str) -> dict[str, Any]:
    """The schema of a kind's spec, from the generated definitions."""
    definitions = (yaml.safe_load(path.read_text("utf-8")) for path in (ROOT / "crds").glob("*.yaml"))
    found = next(each for each in definitions if each["spec"]["names"]["kind"] == kind)
    schema: dict[str, Any] = found["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return schema
