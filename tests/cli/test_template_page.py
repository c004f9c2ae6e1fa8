"""A TaskTemplate on a page."""

from __future__ import annotations

from typing import Any

from kubesaga.api.times import rfc3339
from kubesaga.cli.views.template import fields, identity, page, sort_key, users
from tests.cli.recorded import BEGUN, handler


def template(version: str = "1.0.0", *steps: dict[str, Any], **changes: Any) -> dict[str, Any]:
    status = changes.pop(
        "status", {"conditions": [{"type": "Ready", "status": "True"}], "users": {"live": 1, "total": 3}}
    )
    spec = {"version": version, "domain": "shop", "steps": [*steps] or [handler("work")], **changes}
    meta = {"name": f"fulfil-{version}", "namespace": "shop", "creationTimestamp": rfc3339(BEGUN)}
    return {"metadata": meta, "spec": {"name": "fulfil", **spec}, "status": status}


def test_versions_stand_in_their_order_and_not_in_that_of_letters() -> None:
    listed = [template("1.10.0"), template("1.9.0"), template("1.10.0-rc.1")]
    assert [identity(each)[2] for each in sorted(listed, key=sort_key)] == ["1.9.0", "1.10.0-rc.1", "1.10.0"]
    assert users(listed[0]) == "1/3"


def test_each_kind_of_step_says_what_it_runs() -> None:
    steps = (
        handler("charge", compensation={}),
        {"name": "ship", "dependsOn": ["charge"], "container": {"image": "s:1", "command": ["ship", "--now"]},
         "compensation": {"handler": {"callable": "a:Undo"}}},
        {"name": "sign", "runAfter": ["ship"], "approval": {"timeout": "2h", "onTimeout": "Skip"}},
        {"name": "book", "task": {"templateRef": {"domain": "travel", "name": "book", "version": "^1"}}},
    )  # fmt: skip
    lines = page(template("1.0.0", *steps, defaults={"image": "h:1"}), [], BEGUN)
    cells = [line.split("  ") for line in lines[lines.index("Steps:") + 2 :]]
    told = [[cell.strip() for cell in row if cell.strip()] for row in cells]
    assert told == [
        ["charge", "handler", "shop:Handler in h:1", "its own compensate"],
        ["ship", "container", "s:1 ship --now", "charge", "a:Undo"],
        ["sign", "approval", "Skip after 2h", "ship (in any case)"],
        ["book", "sub-workflow", "travel/book@^1", "its child"],
    ]


def test_fields_of_the_input_say_type_and_whether_they_must_be_there() -> None:
    schema = {
        "required": ["id"],
        "properties": {
            "id": {"type": "integer", "description": "its number"},
            "speed": {"enum": ["slow", "fast"]},
            "note": {"type": ["string", "null"]},
            "any": True,
        },
    }
    assert [line.split() for line in fields(schema, {"speed": "slow"})] == [
        ["id", "integer", "required", "its", "number"],
        ["speed", '"slow"', "|", '"fast"', "default", '"slow"'],
        ["note", "string", "|", "null"],
        ["any", "anything"],
    ]


def test_a_template_that_cannot_be_used_says_why() -> None:
    status = {
        "conditions": [
            {"type": "Ready", "status": "False"},
            {"type": "Stalled", "status": "True", "reason": "VersionReused", "message": "recorded before"},
        ],
        "findings": [{"code": "X", "path": "spec.steps", "message": "is wrong", "remedy": "correct it"}],
    }
    lines = page(template(status=status), [], BEGUN)
    assert "Stalled:          VersionReused: recorded before" in lines
    assert "  spec.steps: is wrong (correct it)" in lines
