"""The examples as folders of manifests, and their golden files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import yaml

from hack.cluster.paths import CHECKOUT
from tests.golden.form import Manifest

EXAMPLES = CHECKOUT / "examples"
NAMES = sorted(folder.name for folder in EXAMPLES.iterdir() if folder.is_dir())


def manifests(name: str, kind: str, pattern: str = "*.yaml") -> list[Manifest]:
    """The objects of one kind in an example's folder."""
    files = sorted((EXAMPLES / name).glob(pattern))
    return [found for file in files for found in yaml.safe_load_all(file.read_text("utf-8")) if found["kind"] == kind]


def templates(name: str) -> dict[tuple[str, str], Manifest]:
    """An example's templates by logical name and version."""
    found = manifests(name, "TaskTemplate")
    return {(each["spec"].get("name", each["metadata"]["name"]), each["spec"]["version"]): each for each in found}


def golden(name: str) -> dict[str, Manifest]:
    """What an example's golden files say, by the names of its Tasks; a child Task is ``<parent>.<step>``."""
    return {file.stem: yaml.safe_load(file.read_text("utf-8")) for file in _folder(name).glob("*.yaml")}


def replace(name: str, histories: Mapping[str, str]) -> None:
    """Write an example's golden files anew."""
    folder = _folder(name)
    folder.mkdir(exist_ok=True)
    for file in folder.glob("*.yaml"):
        file.unlink()
    for task, text in histories.items():
        (folder / f"{task}.yaml").write_text(text, "utf-8")


def _folder(name: str) -> Path:
    return EXAMPLES / name / "history"
