"""The folders of examples/ as chaos runs them: what they install, what their Tasks are, and how these are to end.

The orders have the warehouse for an outside world. Trips, claims and publications only tell what they would do; here
they do it in the same warehouse, by handlers derived from their own (`recorded.py`, mounted into the steps' pods), so
that for them as well somebody else can say what was done.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from hack.cluster.paths import CHECKOUT
from tests.chaos.errors import ChaosError

Obj = dict[str, Any]

EXAMPLES = CHECKOUT / "examples"
ORDERS = "order-fulfillment"
FOLDERS = (ORDERS, "sub-workflow", "approval", "data-pipeline", "versions", "container-only")
LABEL = "chaos.kubesaga.dev/example"
"""On a Task: which Task of the examples it is a copy of."""

PLENTY = 10**9
SEED: Mapping[str, Any] = {
    "stock": {"teapot": PLENTY, "kettle": PLENTY, "place": PLENTY},
    "accounts": {
        "carol": {"balance": PLENTY, "flaky": True},
        "mallory": {"balance": PLENTY, "shippable": False},
        "traveller": {"balance": PLENTY},
        "company": {"balance": PLENTY},
    },
}
"""What the warehouse's books start with: enough for all, and the two customers with whom orders go wrong."""

RECORDED = "recorded"
MODULE = Path(__file__).parent / "recorded.py"
_DERIVED = {
    "travel:Hold": f"{RECORDED}:Hold",
    "travel:Confirm": f"{RECORDED}:Confirm",
    "expenses:PayOut": f"{RECORDED}:PayOut",
    "readings:Publish": f"{RECORDED}:Publish",
}
_MOUNT = {"name": RECORDED, "mountPath": f"/app/handlers/{RECORDED}.py", "subPath": f"{RECORDED}.py"}
_SCRIPTS = "word-report-scripts"


@dataclass(frozen=True)
class Example:
    """One Task of an example. `end` is the state and outcome of its history; `action` is what a human does about it."""

    folder: str
    name: str
    manifest: Obj
    end: tuple[str, str]
    action: Obj | None

    def task(self, number: int) -> Obj:
        """A copy of it, under a name of its own."""
        copied = copy.deepcopy(self.manifest)
        copied["metadata"] = {"name": f"{self.name}-{number:03d}", "labels": {LABEL: self.name}}
        return copied


def examples() -> list[Example]:
    """All Tasks of all folders."""
    return [example for folder in FOLDERS for example in _of_folder(EXAMPLES / folder)]


def installed() -> list[Obj]:
    """What has to be there before the first Task: warehouse, scripts, templates."""
    files = sorted(each for folder in FOLDERS for each in (EXAMPLES / folder).glob("*.yaml"))
    found = [manifest for file in files for manifest in _manifests(file) if manifest["kind"] != "Task"]
    scripts = {file.name: file.read_text() for file in (EXAMPLES / "container-only").iterdir() if file.is_file()}
    maps = [_config_map(RECORDED, {MODULE.name: MODULE.read_text()}), _config_map(_SCRIPTS, scripts)]
    return [*maps, *map(_adapted, found)]


def _of_folder(folder: Path) -> Iterator[Example]:
    actions = {a["spec"]["taskRef"]["name"]: a for file in folder.glob("actions/*.yaml") for a in _manifests(file)}
    for manifest in _manifests(folder / "tasks.yaml"):
        name = manifest["metadata"]["name"]
        history = yaml.safe_load((folder / "history" / f"{name}.yaml").read_text())
        end = (history["state"], history["outcome"])
        yield Example(folder.name, name, manifest, end, actions.get(name))


def _manifests(file: Path) -> list[Obj]:
    try:
        return [manifest for manifest in yaml.safe_load_all(file.read_text()) if manifest]
    except (OSError, yaml.YAMLError) as error:
        raise ChaosError(f"{file} cannot be read: {error}") from error


def _adapted(manifest: Obj) -> Obj:
    if manifest["kind"] == "Deployment":
        (container,) = manifest["spec"]["template"]["spec"]["containers"]
        container["env"].append({"name": "WAREHOUSE_SEED", "value": json.dumps(SEED)})
    if manifest["kind"] == "TaskTemplate":
        _record(manifest["spec"])
    return manifest


def _record(template: Obj) -> None:
    """Have the steps run the derived handlers, where there are such."""
    handlers = [step["handler"] for step in template["steps"] if step.get("handler", {}).get("callable") in _DERIVED]
    for handler in handlers:
        handler["callable"] = _DERIVED[handler["callable"]]
    if handlers:
        defaults = template["defaults"]
        defaults["volumeMounts"] = [_MOUNT]
        defaults["pod"] = {"volumes": [{"name": RECORDED, "configMap": {"name": RECORDED}}]}


def _config_map(name: str, data: Mapping[str, str]) -> Obj:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": dict(data)}
