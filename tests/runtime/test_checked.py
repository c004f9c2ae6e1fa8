"""The findings of a template are worked out once for each content, and are those of the check itself."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import pytest

from kubesaga.api.findings import check_template
from kubesaga.runtime import checked
from kubesaga.runtime.checked import findings_of

Obj = dict[str, Any]


def spec(command: str, **more: Any) -> Obj:
    return {"version": "1.0.0", "steps": [{"name": "a", "container": {"command": [command]}, **more}]}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Obj]:
    """The specs that the check itself was asked about; nothing is remembered at first."""
    specs: list[Obj] = []

    def counted(spec: Obj, **more: Any) -> list[Any]:
        specs.append(spec)
        return check_template(spec, **more)

    monkeypatch.setattr(checked, "check_template", counted)
    monkeypatch.setattr(checked, "_known", OrderedDict())
    return specs


def test_the_same_content_is_checked_once(asked: list[Obj]) -> None:
    for _ in range(3):
        assert findings_of(spec("work"), name="t", default_image="img") == ()
    assert asked == [spec("work")]


@pytest.mark.parametrize(
    "other",
    [
        {"spec": spec("rest"), "name": "t", "default_image": "img"},
        {"spec": spec("work"), "name": "u", "default_image": "img"},
        {"spec": spec("work"), "name": "t", "default_image": None},
    ],
)
def test_what_is_written_the_name_and_the_operators_image_make_the_content(asked: list[Obj], other: Obj) -> None:
    findings_of(spec("work"), name="t", default_image="img")
    found = findings_of(other["spec"], name=other["name"], default_image=other["default_image"])
    assert len(asked) == 2
    assert list(found) == check_template(other["spec"], name=other["name"], default_image=other["default_image"])


def test_what_is_wrong_is_told_each_time(asked: list[Obj]) -> None:
    wrong = spec("work", dependsOn=["nobody"])
    first, second = (findings_of(wrong, name="t", default_image="img") for _ in range(2))
    assert first == second == tuple(check_template(wrong, name="t", default_image="img"))
    assert first
    assert len(asked) == 1


def test_what_no_json_of_an_api_server_can_hold_is_no_reason_to_fail(asked: list[Obj]) -> None:
    assert isinstance(findings_of(spec("\ud800", dependsOn=[float("nan")]), name="t", default_image=None), tuple)


def test_only_so_many_are_remembered(asked: list[Obj], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checked, "MOST", 2)
    for command in ("a", "b", "c", "c", "b", "a"):
        findings_of(spec(command), name="t", default_image="img")
    assert len(asked) == 4
    assert len(checked._known) == 2
