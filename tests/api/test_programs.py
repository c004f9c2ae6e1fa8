"""What an attempt runs: a step and its template's defaults boiled down to one container."""

from __future__ import annotations

from typing import Any

import pytest

from kubesaga.api.models import TaskTemplateSpec
from kubesaga.api.programs import Program, ProgramError, ProgramKind, step_program
from kubesaga.engine.vocabulary import Role

HANDLER = {"callable": "shop.orders:Charge", "config": {"currency": "EUR"}}


def program(step: dict[str, Any], defaults: dict[str, Any] | None = None, role: Role = Role.FORWARD) -> Program:
    written: dict[str, Any] = {"version": "1.0.0", "steps": [{"name": "charge", **step}]}
    if defaults is not None:
        written["defaults"] = defaults
    return step_program(TaskTemplateSpec.read(written), "charge", role)


def test_a_handler_runs_in_the_default_image() -> None:
    assert program({"handler": HANDLER}, {"image": "handlers:1"}) == Program(
        kind=ProgramKind.HANDLER,
        image="handlers:1",
        callable="shop.orders:Charge",
        method="call",
        config={"currency": "EUR"},
    )


def test_a_container_runs_as_it_is_written() -> None:
    container = {
        "image": "busybox:1",
        "imagePullPolicy": "Never",
        "command": ["sh", "-c"],
        "args": ["true"],
        "envFrom": [{"secretRef": {"name": "extra"}}],
        "volumeMounts": [{"name": "data", "mountPath": "/data", "readOnly": True}],
    }
    made = program({"container": container, "timeout": "1m30s"}, {"image": "handlers:1"})
    assert made == Program(
        kind=ProgramKind.CONTAINER,
        image="busybox:1",
        image_pull_policy="Never",
        command=("sh", "-c"),
        args=("true",),
        env_from=({"secretRef": {"name": "extra"}},),
        volume_mounts=({"name": "data", "mountPath": "/data", "readOnly": True},),
        timeout_seconds=90.0,
    )


def test_defaults_reach_every_step_and_its_own_settings_go_over_them() -> None:
    defaults = {
        "image": "handlers:1",
        "imagePullPolicy": "Always",
        "timeout": "10s",
        "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "1"}],
        "envFrom": [{"configMapRef": {"name": "common"}}],
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        "resources": {"requests": {"cpu": "100m"}, "limits": {"memory": "64Mi"}},
        "pod": {
            "serviceAccountName": "shop",
            "labels": {"team": "shop", "tier": "back"},
            "volumes": [{"name": "data", "emptyDir": {}}, {"name": "keys", "secret": {"secretName": "old"}}],
            "tolerations": [{"key": "spot"}],
        },
    }
    made = program(
        {
            "handler": {**HANDLER, "env": [{"name": "B", "value": "2"}, {"name": "C", "value": "2"}]},
            "resources": {"requests": {"cpu": 1, "memory": "32Mi"}},
            "pod": {
                "labels": {"tier": "front"},
                "volumes": [{"name": "keys", "secret": {"secretName": "new"}}],
                "tolerations": [{"key": "gpu"}],
                "securityContext": {"runAsUser": 1000},
            },
        },
        defaults,
    )
    assert made.image_pull_policy == "Always"
    assert made.timeout_seconds == 10.0
    assert [(env["name"], env["value"]) for env in made.env] == [("A", "1"), ("B", "2"), ("C", "2")]
    assert made.env_from == ({"configMapRef": {"name": "common"}},)
    assert made.volume_mounts == ({"name": "data", "mountPath": "/data"},)
    assert made.resources == {"requests": {"cpu": 1, "memory": "32Mi"}, "limits": {"memory": "64Mi"}}
    assert made.pod == {
        "serviceAccountName": "shop",
        "labels": {"team": "shop", "tier": "front"},
        "volumes": [{"name": "data", "emptyDir": {}}, {"name": "keys", "secret": {"secretName": "new"}}],
        "tolerations": [{"key": "spot"}, {"key": "gpu"}],
        "securityContext": {"runAsUser": 1000},
    }


def test_an_empty_compensation_is_the_handler_itself_by_another_method() -> None:
    step = {"handler": {**HANDLER, "image": "mine:1"}, "compensation": {}}
    made = program(step, {"timeout": "10s"}, Role.COMPENSATION)
    assert (made.callable, made.method, made.image) == ("shop.orders:Charge", "compensate", "mine:1")
    assert made.config == {"currency": "EUR"}
    assert made.timeout_seconds == 10.0


def test_a_compensation_has_a_timeout_of_its_own() -> None:
    step = {"handler": HANDLER, "timeout": "5s", "compensation": {"timeout": "1m"}}
    assert program(step, {"image": "x"}).timeout_seconds == 5.0
    assert program(step, {"image": "x"}, Role.COMPENSATION).timeout_seconds == 60.0


@pytest.mark.parametrize(
    ("forward", "undo", "image"),
    [
        ({"handler": HANDLER}, {"handler": {"callable": "shop:Refund"}}, "handlers:1"),
        ({"handler": {**HANDLER, "image": "mine:1"}}, {"handler": {"callable": "shop:Refund"}}, "mine:1"),
        (
            {"handler": {**HANDLER, "image": "mine:1"}},
            {"handler": {"callable": "shop:R", "image": "its:1"}},
            "its:1",
        ),
        ({"container": {"image": "busybox"}}, {"handler": {"callable": "shop:Refund"}}, "handlers:1"),
        ({"handler": {**HANDLER, "image": "mine:1"}}, {"container": {"command": ["true"]}}, "handlers:1"),
    ],
)
def test_a_compensation_runs_in_its_own_image_else_the_handlers_else_the_default(
    forward: dict[str, Any], undo: dict[str, Any], image: str
) -> None:
    made = program({**forward, "compensation": undo}, {"image": "handlers:1"}, Role.COMPENSATION)
    assert made.image == image
    assert made.method == ("call" if "handler" in undo else None)


def test_what_is_not_there_is_said() -> None:
    template = TaskTemplateSpec.read({"version": "1.0.0", "steps": [{"name": "a", "container": {}}]})
    with pytest.raises(ProgramError, match="no step 'b'"):
        step_program(template, "b", Role.FORWARD)
    with pytest.raises(ProgramError, match="no compensation"):
        step_program(template, "a", Role.COMPENSATION)
    with pytest.raises(ProgramError, match="no image"):
        step_program(template, "a", Role.FORWARD)


def whole(*steps: dict[str, Any], **fields: Any) -> TaskTemplateSpec:
    return TaskTemplateSpec.read({"version": "1.0.0", "defaults": {"image": "x"}, "steps": list(steps), **fields})


CHILD = {"templateRef": {"name": "shipping"}}


def test_a_step_of_finally_runs_like_any_other() -> None:
    template = whole(
        {"name": "a", "handler": HANDLER},
        **{"finally": [{"name": "notify", "handler": HANDLER, "timeout": "5s", "resources": {"limits": {"cpu": 1}}}]},
    )
    made = step_program(template, "notify", Role.FORWARD)
    assert (made.callable, made.timeout_seconds) == ("shop.orders:Charge", 5.0)
    assert made.resources == {"limits": {"cpu": 1}}
    with pytest.raises(ProgramError, match="'notify' has no compensation"):
        step_program(template, "notify", Role.COMPENSATION)


def test_a_step_without_a_program_says_what_does_its_work() -> None:
    template = whole({"name": "ship", "task": CHILD, "compensation": {}}, {"name": "ask", "approval": {}})
    with pytest.raises(ProgramError, match="'ship' is a sub-workflow: its work is done by a child Task"):
        step_program(template, "ship", Role.FORWARD)
    with pytest.raises(ProgramError, match="'ask' is an approval: it waits for a TaskAction"):
        step_program(template, "ask", Role.FORWARD)
    with pytest.raises(ProgramError, match="compensation of step 'ship' has no program"):
        step_program(template, "ship", Role.COMPENSATION)


@pytest.mark.parametrize("forward", [{"task": CHILD}, {"approval": {}}])
def test_what_runs_no_program_may_be_undone_by_one(forward: dict[str, Any]) -> None:
    undo = {"handler": {"callable": "shop:Recall"}, "timeout": "30s"}
    template = whole({"name": "a", **forward, "compensation": undo})
    made = step_program(template, "a", Role.COMPENSATION)
    assert (made.kind, made.callable, made.image) == (ProgramKind.HANDLER, "shop:Recall", "x")
    assert (made.method, made.timeout_seconds) == ("call", 30.0)
