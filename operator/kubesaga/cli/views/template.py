"""A TaskTemplate on a page: its versions, what it takes and yields, and what its steps run."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from kubesaga.api.constants import DEFAULT_DOMAIN, READY, STALLED
from kubesaga.api.times import epoch
from kubesaga.cli.views.page import aligned
from kubesaga.cli.views.times import span

Obj = Mapping[str, Any]

_KEY_WIDTH = 17


def identity(template: Obj) -> tuple[str, str, str]:
    """Domain, logical name and version."""
    spec = template["spec"]
    return spec.get("domain", DEFAULT_DOMAIN), spec.get("name", template["metadata"]["name"]), spec["version"]


def sort_key(template: Obj) -> tuple[Any, ...]:
    """By namespace, domain and name, and the lowest version first."""
    from semver import Version

    domain, name, version = identity(template)
    order = Version.parse(version) if Version.is_valid(version) else Version(0)
    return template["metadata"].get("namespace", ""), domain, name, order


def is_ready(template: Obj) -> str:
    """The condition Ready: True, False, or empty where the operator has not looked yet."""
    return next((str(each["status"]) for each in _conditions(template) if each["type"] == READY), "")


def users(template: Obj) -> str:
    """How many Tasks run it: those that have not ended, of all of them."""
    counted = (template.get("status") or {}).get("users")
    return "" if counted is None else f"{counted.get('live', 0)}/{counted.get('total', 0)}"


def age(template: Obj, now: float) -> str:
    """How long ago it was created."""
    return span(now - epoch(template["metadata"]["creationTimestamp"]))


def page(template: Obj, versions: Iterable[Obj], now: float) -> list[str]:
    """All but its graph and its Tasks."""
    lines = [f"{key + ':':<{_KEY_WIDTH}} {value}" for key, value in _head(template, now) if value]
    lines += _section("Findings", _findings(template))
    lines += _section("Versions", _versions(versions, now))
    spec = template["spec"]
    lines += _section("Input (context)", fields(spec.get("inputSchema") or {}, spec.get("defaultContext") or {}))
    lines += _section("Output", _output(spec))
    lines += _section("Steps", _steps(spec))
    return lines


def _head(template: Obj, now: float) -> Iterator[tuple[str, str]]:
    spec = template["spec"]
    domain, name, version = identity(template)
    yield "Template", f"{domain}/{name}@{version}"
    yield "Object", template["metadata"]["name"]
    yield "Description", " ".join(spec.get("description", "").split())
    yield "Ready", is_ready(template) or "not looked at yet"
    yield "Stalled", _stalled(template)
    yield "Created", f"{age(template, now)} ago"
    yield "On failure", f"{spec.get('failureStrategy', 'Abort')}, running steps: {spec.get('runningSteps', 'Drain')}"
    yield "Timeout", spec.get("timeout", "")
    yield "Parallelism", str(spec.get("parallelism", ""))
    yield "Identity", spec.get("identityStrategy", "")


def _conditions(template: Obj) -> Iterable[Obj]:
    return (template.get("status") or {}).get("conditions") or ()


def _stalled(template: Obj) -> str:
    """Why it cannot be used; empty if it can."""
    found = next((each for each in _conditions(template) if each["type"] == STALLED and each["status"] == "True"), None)
    return "" if found is None else f"{found['reason']}: {found.get('message', '')}"


def _section(heading: str, items: Iterable[str]) -> list[str]:
    listed = ["  " + item for item in items]
    return ["", f"{heading}:", *listed] if listed else []


def _findings(template: Obj) -> Iterator[str]:
    for finding in (template.get("status") or {}).get("findings") or ():
        remedy = f" ({finding['remedy']})" if finding.get("remedy") else ""
        yield f"{finding['path']}: {finding['message']}{remedy}"


def _versions(versions: Iterable[Obj], now: float) -> list[str]:
    cells = [
        (identity(each)[2], f"ready: {is_ready(each) or '?'}", f"Tasks: {users(each) or '?'}", f"{age(each, now)} old")
        for each in sorted(versions, key=sort_key)
    ]
    return aligned(cells) if cells else []


def fields(schema: Obj, defaults: Obj) -> list[str]:
    """The top level of a JSON Schema of an object: each field with its type, whether it must be there, its default."""
    required = set(schema.get("required") or ())
    cells = []
    for name, field in (schema.get("properties") or {}).items():
        marks = ["required"] if name in required else []
        marks += [f"default {json.dumps(defaults[name], ensure_ascii=False)}"] if name in defaults else []
        about = " ".join(str(field.get("description", "")).split()) if isinstance(field, Mapping) else ""
        cells.append((name, _type(field), ", ".join(marks), about))
    return aligned(cells) if cells else []


def _type(field: Any) -> str:
    if not isinstance(field, Mapping):
        return "anything"
    if "enum" in field:
        return " | ".join(json.dumps(value, ensure_ascii=False) for value in field["enum"])
    found = field.get("type", "anything")
    return " | ".join(found) if isinstance(found, Sequence) and not isinstance(found, str) else str(found)


def _output(spec: Obj) -> Iterator[str]:
    if spec.get("output"):
        yield f"made by: {spec['output']}"
    yield from fields(spec.get("outputSchema") or {}, {})


def _steps(spec: Obj) -> list[str]:
    cells = [("STEP", "KIND", "RUNS", "AFTER", "UNDONE BY")]
    cells += [_step(step, spec) for step in spec["steps"]]
    cells += [_step(step, spec, " (finally)") for step in spec.get("finally") or ()]
    return aligned(cells)


def _step(step: Obj, spec: Obj, suffix: str = "") -> tuple[str, str, str, str, str]:
    after = [*(step.get("dependsOn") or ()), *(f"{name} (in any case)" for name in step.get("runAfter") or ())]
    kind, runs = _program(step, spec)
    return step["name"] + suffix, kind, runs, ", ".join(after), _undo(step)


def _program(step: Obj, spec: Obj) -> tuple[str, str]:
    image = (spec.get("defaults") or {}).get("image", "")
    if "handler" in step:
        handler = step["handler"]
        used = handler.get("image", image)
        return "handler", handler["callable"] + (f" in {used}" if used else "")
    if "container" in step:
        container = step["container"]
        words = [*(container.get("command") or ()), *(container.get("args") or ())]
        shown = " ".join(" ".join(words).split())
        return "container", f"{container.get('image', image)} {shown[:60]}".strip()
    if "task" in step:
        reference = step["task"]["templateRef"]
        version = f"@{reference['version']}" if reference.get("version") else ""
        return "sub-workflow", f"{reference.get('domain', DEFAULT_DOMAIN)}/{reference['name']}{version}"
    approval = step.get("approval") or {}
    limit = approval.get("timeout")
    return "approval", f"{approval.get('onTimeout', 'Fail')} after {limit}" if limit else ""


def _undo(step: Obj) -> str:
    undo = step.get("compensation")
    if undo is None:
        return "its child" if "task" in step else ""
    if "handler" in undo:
        return str(undo["handler"]["callable"])
    if "container" in undo:
        return str(undo["container"].get("image", "a container"))
    return "its child" if "task" in step else "its own compensate"
