"""Names without a module: which handler they mean, and what is said where that is none or two."""

from __future__ import annotations

import importlib
import os
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from kubesaga.api.compile import compile_plan
from kubesaga.api.contract import step_input as operators_input
from kubesaga.api.findings import check_template
from kubesaga.api.models import TaskTemplateSpec
from kubesaga.api.models.programs import CALLABLE_PATTERN
from kubesaga.api.programs import step_program
from kubesaga.engine.decision import Attempt
from kubesaga.engine.records import StepRecord, TaskStatus
from kubesaga.engine.vocabulary import Role
from kubesaga_sdk import HandlerRegistry, StepContext, StepHandler
from kubesaga_sdk.errors import CallableInvalid, CallableNotFound
from kubesaga_sdk.loader import _NAME
from kubesaga_sdk.registry import REFERENCE
from tests.sdk.support import PYTHON_PATH, ROOT, Ended, StepProcess, run, step_input

pytestmark = pytest.mark.slow

REGISTERED = str(ROOT / "tests" / "sdk" / "samples")


def ran(folder: Path, name: str, **environ: str) -> Ended:
    return run(folder, step_input(name), **environ)


@pytest.mark.parametrize(
    ("name", "result"),
    [
        ("charge_card", "1.10.0"),
        ("charge_card@1.9.0", "1.9.0"),
        ("charge_card@2.0.0-rc.1", "2.0.0-rc.1"),
        ("cards/refund", "cards"),
        ("vouchers/refund@1.0.0", "vouchers"),
        ("OnlyOnce", "OnlyOnce for OnlyOnce"),
        ("named_by_attribute", "named"),
        ("Named", "named"),
        ("AlsoNamed", "named"),
        ("of_a_class", "decorated"),
        ("Decorated", "decorated"),
        ("refund_card", "cards"),
        ("put_together", "computed"),
        ("with.dots", "dots"),
        ("registered.cards:charge_card_1", "1.9.0"),
    ],
)
def test_a_step_finds_its_handler_by_name(tmp_path: Path, name: str, result: str) -> None:
    ended = ran(tmp_path, name)
    assert (ended.exit_code, ended.document) == (0, {"result": result})


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("InTwoModules", "means 2 handlers: registered.cards:InTwoModules (InTwoModules@1.0.0), registered.vouchers:"),
        ("refund", "means 2 handlers: registered.cards:refund_card (cards/refund@1.0.0), registered.vouchers:refund"),
    ],
)
def test_a_name_of_two_handlers_is_refused_with_both(tmp_path: Path, name: str, said: str) -> None:
    ended = ran(tmp_path, name)
    assert (ended.exit_code, ended.error["type"]) == (78, "CallableInvalid")
    assert said in ended.error["message"]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("charge_cart", "this image has no handler charge_cart; did you mean charge_card"),
        ("charge_card@3.0.0", "did you mean charge_card@1.10.0 or charge_card@1.9.0 or charge_card@2.0.0-rc.1?"),
        ("travel/refund", "did you mean "),
        ("InNoModule", "registered.broken could not be loaded: RuntimeError: no licence for cards"),
    ],
)
def test_a_name_of_nothing_says_what_there_is(tmp_path: Path, name: str, said: str) -> None:
    ended = ran(tmp_path, name, KUBESAGA_HANDLERS="registered, functional_handlers")
    assert (ended.exit_code, ended.error["type"], ended.error["retryable"]) == (78, "CallableNotFound", False)
    assert said in ended.error["message"]
    assert (
        "looked into registered, functional_handlers; KUBESAGA_HANDLERS names other packages" in ended.error["message"]
    )


def test_a_module_that_is_not_there_stays_the_error_of_a_dotted_name(tmp_path: Path) -> None:
    ended = ran(tmp_path, "registered.card.Named")
    assert "package registered has no module card; did you mean cards" in ended.error["message"]


def test_only_modules_that_have_the_name_in_their_source_are_imported(tmp_path: Path) -> None:
    (tmp_path / "talkative.py").write_text("# kubesaga_sdk\nprint('imported')\n")
    assert ran(tmp_path, "OnlyOnce").stdout == ""
    assert ran(tmp_path, "put_together").stdout == "imported\n"


def test_neither_scripts_nor_tests_are_imported(tmp_path: Path) -> None:
    for name in ("setup.py", "conftest.py", "test_shop.py", "tests/__init__.py", "other/__init__.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("print('imported')\n" + ("" if name.startswith("other") else "import kubesaga_sdk\n"))
    assert ran(tmp_path, "NoSuchHandler").stdout == ""


def test_a_handler_runs_by_hand_by_its_name(tmp_path: Path) -> None:
    ended = StepProcess(tmp_path, {}, ("run", "charge_card@1.9.0")).end()
    assert (ended.exit_code, ended.stdout) == (0, '{"result":"1.9.0"}\n')


class Local(StepHandler):
    """Registered by hand."""

    def call(self, _context: StepContext) -> str:
        return "local"


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[HandlerRegistry]:
    monkeypatch.syspath_prepend(REGISTERED)
    monkeypatch.setenv("KUBESAGA_HANDLERS", "registered")
    yield HandlerRegistry()
    for name in [name for name in sys.modules if name.partition(".")[0] == "registered"]:
        del sys.modules[name]


def test_handlers_are_registered_by_hand_and_forgotten(registry: HandlerRegistry) -> None:
    registry.register("local", Local)
    registry.register("local", Local, namespace="shop", version="2.0.0")
    assert registry.list_handlers() == ["local", "shop/local"]
    assert registry.get_handler_class("shop/local@2.0.0") is Local
    assert registry.is_registered("local")
    assert registry.unregister("local")
    assert not registry.unregister("local")
    assert registry.list_handlers() == ["shop/local"]
    registry.clear()
    assert registry.registrations() == []


def test_the_same_handler_in_two_namespaces_is_one(registry: HandlerRegistry) -> None:
    registry.register("local", Local)
    registry.register("local", Local, namespace="shop")
    assert registry.get_handler_class("local") is Local


def test_what_is_known_already_is_not_looked_for(registry: HandlerRegistry) -> None:
    registry.register("charge_card", Local)
    assert registry.get_handler_class("charge_card") is Local
    assert "registered.cards" not in sys.modules


def test_a_module_loaded_anew_takes_its_own_place(registry: HandlerRegistry) -> None:
    assert registry.discover_handlers("registered") == 13
    before = registry.get_handler_class("Named")
    assert registry.scan(importlib.reload(sys.modules["registered.cards"])) == 10
    assert len(registry.registrations()) == 13
    assert registry.get_handler_class("Named") is not before


def test_what_cannot_be_imported_is_told_and_keeps_nothing_else_away(registry: HandlerRegistry) -> None:
    registry.discover_handlers("registered", "no_such_package", "registered.cards.deeper")
    assert registry.failures["registered.broken"] == "RuntimeError: no licence for cards"
    assert "no such module" in registry.failures["no_such_package"]
    assert "registered.cards.deeper" in registry.failures
    assert registry.is_registered("charge_card")


def test_a_package_that_fails_around_a_module_keeps_nothing_else_away(
    registry: HandlerRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "unlicensed").mkdir()
    (tmp_path / "unlicensed" / "__init__.py").write_text("raise SystemExit('no licence')\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("KUBESAGA_HANDLERS", "unlicensed.handlers,registered")
    assert registry.get_handler_class("charge_card").handler_version == "1.10.0"
    assert registry.failures["unlicensed.handlers"] == "SystemExit: no licence"


def test_a_handler_that_no_template_could_name_keeps_nothing_else_away(
    registry: HandlerRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "spacious.py").write_text(
        "from kubesaga_sdk import StepHandler\n\n\n"
        "class Spaces(StepHandler):\n    handler_name = 'charge card'\n    def call(self, context): ...\n\n\n"
        "class Fine(StepHandler):\n    def call(self, context): ...\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert registry.discover_handlers("spacious") == 1
    assert registry.list_handlers() == ["Fine"]
    assert "'charge card@1.0.0' is no handler's name" in registry.failures["spacious:Spaces"]
    with pytest.raises(CallableNotFound, match=r"spacious:Spaces could not be loaded: 'charge card@1\.0\.0'"):
        registry.get_handler_class("Spaces")
    del sys.modules["spacious"]


@pytest.mark.parametrize(
    ("name", "fields", "error"),
    [
        ("charge card", {}, ValueError),
        ("", {}, ValueError),
        ("charge", {"namespace": "a/b"}, ValueError),
        ("charge", {"version": "1.0"}, ValueError),
    ],
)
def test_a_name_that_no_template_could_write_is_refused(
    registry: HandlerRegistry, name: str, fields: dict[str, Any], error: type[Exception]
) -> None:
    with pytest.raises(error, match=r"is no handler's name: write \[namespace/\]name"):
        registry.register(name, Local, **fields)


@pytest.mark.parametrize("handler", [len, Local(), StepHandler, "registered.cards:Named"])
def test_what_is_no_handler_is_refused(registry: HandlerRegistry, handler: object) -> None:
    with pytest.raises(TypeError, match="neither a StepHandler class nor made by @step_handler"):
        registry.register("local", handler)


@pytest.mark.parametrize("reference", ["", "charge card", "a/b/c", "charge@1", "shop.:x"])
def test_a_reference_of_no_form_means_nothing(registry: HandlerRegistry, reference: str) -> None:
    assert registry.find(reference) == []
    with pytest.raises(CallableNotFound):
        registry.get_handler_class(reference)


def test_threads_register_and_look_up_side_by_side(registry: HandlerRegistry) -> None:
    def work(number: int) -> type[StepHandler]:
        registry.register(f"local_{number % 7}", Local, version=f"{number}.0.0")
        registry.list_handlers()
        return registry.get_handler_class(f"local_{number % 7}")

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(work, range(200))) == {Local}
    assert len(registry.registrations()) == 200


def test_an_error_in_a_handlers_wiring_is_told_when_it_is_asked_for(registry: HandlerRegistry) -> None:
    registry.discover_handlers("functional_handlers")
    with pytest.raises(CallableInvalid, match="nothing fills"):
        registry.get_handler_class("lacking")


def test_the_process_has_one_registry() -> None:
    assert HandlerRegistry.instance() is HandlerRegistry.instance()


@pytest.mark.parametrize(
    "name",
    [
        "charge_card", "ChargeCard", "payments/charge-card", "charge_card@1.10.0", "a/b@2.0.0-rc.1+5", "with.dots",
        "shop:Charge", "shop.cards:Charge", "shop.Charge", "", "shop:", ":Charge", "shop:Charge:call", "shop.Charge()",
        "a-b:C", "shop:A.B", "a/b/c", "a/b:C", "charge@1", "charge@", "charge card", "shop..x", ".x", "x.", "/x", "1x",
    ],
)  # fmt: skip
def test_the_api_and_the_loader_take_the_same_names(name: str) -> None:
    loaded = _NAME.fullmatch(name) or REFERENCE.fullmatch(name)
    assert bool(loaded) is bool(re.fullmatch(CALLABLE_PATTERN, name))


def test_a_template_names_a_handler_that_the_pod_then_finds(tmp_path: Path) -> None:
    steps = [{"name": "charge", "handler": {"callable": "charge_card@1.9.0"}}]
    spec = {"version": "1.0.0", "defaults": {"image": "i"}, "steps": steps}
    assert [str(finding) for finding in check_template(spec, name="order")] == []
    template = TaskTemplateSpec.read(spec)
    document = operators_input(
        {"metadata": {"name": "order-1", "namespace": "shop", "uid": "u-1"}, "spec": {}},
        compile_plan(template),
        TaskStatus(steps=(StepRecord("charge", attempt=1),)),
        [],
        Attempt("charge", Role.FORWARD, 1),
        step_program(template, "charge", Role.FORWARD),
        context={},
        options={},
        values={},
    )
    assert run(tmp_path, document).document == {"result": "1.9.0"}


def test_the_samples_are_where_the_tests_look() -> None:
    assert REGISTERED in PYTHON_PATH.split(os.pathsep)
