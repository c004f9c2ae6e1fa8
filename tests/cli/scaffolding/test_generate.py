"""``kubesaga generate``: ruff and mypy have nothing against what it writes, and it never takes code away."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema_rs
import pytest
import yaml

from kubesaga.api.findings import check_template
from kubesaga.cli.exits import ExitCode
from kubesaga.cli.main import main
from kubesaga.cli.scaffolding.samples import sample
from kubesaga_sdk.registry import HandlerRegistry
from tests.cli.scaffolding.checking import mypy_findings, ruff_findings, run

pytestmark = pytest.mark.slow

TEMPLATE = """\
apiVersion: kubesaga.dev/v1alpha1
kind: TaskTemplate
metadata: {name: order}
spec:
  version: 1.0.0
  failureStrategy: Compensate
  inputSchema:
    type: object
    required: [sku, amount, class, lines]
    properties:
      sku: {type: string, minLength: 8}
      amount: {type: integer, exclusiveMinimum: 0}
      class: {enum: [gold, silver]}
      colour: {enum: [red, null]}
      note: {type: [string, "null"]}
      ship-to: {$ref: "#/$defs/address"}
      lines: {type: array, minItems: 1, items: {type: object, required: [id], properties: {id: {type: string}}}}
      tags: {type: object, additionalProperties: {type: number}}
      either: {anyOf: [{type: string}, {type: object, properties: {a: {type: boolean}}}]}
      anything: {}
    $defs:
      address: {type: object, required: [city], properties: {city: {type: string}}}
  outputSchema: {type: array, items: {type: string}}
  output: '["done"]'
  steps:
    - name: reserve
      description: Put the goods "aside", for as long as it takes.
      handler: {callable: "shop.stock:Reserve"}
      compensation: {}
      resultSchema: {type: object, required: [id], properties: {id: {type: string}}}
    - name: charge
      dependsOn: [reserve]
      handler: {callable: "shop.cards:Charge", config: {limit: 5}}
      compensation: {handler: {callable: "shop.cards:Refund"}}
      resultSchema: {type: integer}
    - name: check
      dependsOn: [reserve]
      handler: {callable: "shop.cards:Charge", method: check}
    - name: ship
      dependsOn: [charge, check]
      handler: {callable: ship_it}
      compensation: {}
    - name: count
      handler: {callable: "shop.stock:count"}
  finally:
    - {name: tell, handler: {callable: Tell}}
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with a template in it."""
    (tmp_path / "order.yaml").write_text(TEMPLATE, "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def loaded(path: Path) -> ModuleType:
    """A generated module."""
    spec = importlib.util.spec_from_file_location(f"generated_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class TestHandlers:
    def test_each_callable_has_a_stub_with_all_its_methods(self, folder: Path) -> None:
        assert main(["generate", "handler", "--template", "order.yaml"]) == ExitCode.DONE
        stock, cards, rest = (loaded(folder / path) for path in ("shop/stock.py", "shop/cards.py", "handlers.py"))
        assert {"call", "compensate"} <= vars(stock.Reserve).keys()
        assert {"call", "check"} <= vars(cards.Charge).keys()
        assert "compensate" not in vars(cards.Charge)
        assert "call" in vars(cards.Refund)
        assert "call" in vars(rest.Tell)
        assert rest.ship_it.name == "ship_it"
        assert rest.ship_it.undo is rest.undo_ship_it
        with pytest.raises(NotImplementedError):
            stock.count(None)

    def test_a_stub_is_registered_by_all_that_its_template_names_it_by(self, folder: Path) -> None:
        references = {"count": "count", "stock/recount": "recount", "weigh@1.2.0": "weigh", "stock/Pack@2.0.0": "Pack"}
        assert main(["generate", "handler", *references]) == ExitCode.DONE
        assert ruff_findings(folder) == ""
        assert mypy_findings(folder, "handlers.py") == ""
        registry = HandlerRegistry()
        assert registry.scan(loaded(folder / "handlers.py")) == len(references)
        found = {reference: registry.find(reference) for reference in references}
        assert {reference: [each.place for each in named] for reference, named in found.items()} == {
            reference: [f"generated_handlers:{name}"] for reference, name in references.items()
        }

    def test_what_is_written_is_sound(self, folder: Path) -> None:
        assert main(["generate", "handler", "--template", "order.yaml"]) == ExitCode.DONE
        assert ruff_findings(folder) == ""
        assert mypy_findings(folder, "shop", "handlers.py") == ""

    def test_once_more_changes_nothing(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        line = ["generate", "handler", "--template", "order.yaml"]
        assert main(line) == ExitCode.DONE
        before = {path: path.stat().st_mtime_ns for path in folder.rglob("*.py")}
        capsys.readouterr()
        assert main(line) == ExitCode.DONE
        assert {path: path.stat().st_mtime_ns for path in folder.rglob("*.py")} == before
        assert "wrote" not in capsys.readouterr().err

    def test_a_module_that_is_there_is_not_touched(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        own = folder / "shop" / "stock.py"
        own.parent.mkdir()
        own.write_text(
            "from kubesaga_sdk import StepHandler\nfrom x import count\n"
            "class Reserve(StepHandler):\n    def call(self): ...\n"
        )
        text = own.read_text()
        assert main(["generate", "handler", "--template", "order.yaml"]) == ExitCode.REFUSED
        printed = capsys.readouterr()
        assert own.read_text() == text
        assert "lacks Reserve.compensate:" in printed.err
        assert "def compensate" in printed.out
        assert (folder / "shop" / "cards.py").exists()

    def test_names_alone_will_do(self, folder: Path) -> None:
        assert main(["generate", "handler", "shop.mail:Send", "tidy_up", "--module", "shop.rest"]) == ExitCode.DONE
        assert "call" in vars(loaded(folder / "shop/mail.py").Send)
        assert loaded(folder / "shop/rest.py").tidy_up.name == "tidy_up"
        assert (folder / "shop/__init__.py").read_text() == ""

    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            ([], "no handler is named"),
            (["my shop:Send"], "names no callable"),
            (["--template", "nowhere.yaml"], "there is no such file"),
            (["shop:Send", "--module", "1"], "--module 1"),
        ],
    )
    def test_what_cannot_be_is_told(
        self, arguments: list[str], said: str, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["generate", "handler", *arguments]) == ExitCode.USAGE
        assert said in capsys.readouterr().err
        assert list(folder.rglob("*.py")) == []


class TestTests:
    @pytest.mark.slow
    def test_there_is_one_for_each_method_and_all_pass_at_once(self, folder: Path) -> None:
        assert main(["generate", "handler", "--template", "order.yaml"]) == ExitCode.DONE
        assert main(["generate", "test", "order.yaml"]) == ExitCode.DONE
        text = (folder / "tests" / "test_order.py").read_text("utf-8")
        names = re.findall(r"^def test_(\w+)", text, flags=re.MULTILINE)
        assert names == [
            "the_whole_without_its_programs", "reserve", "undoing_reserve", "charge", "charge_compensation", "check",
            "ship", "undoing_ship", "count", "tell",
        ]  # fmt: skip
        ran = run(folder, "pytest", "-q", "-p", "no:cacheprovider", "tests")
        assert ran.returncode == 0, ran.stdout
        assert f"1 passed, {len(names) - 1} xfailed" in ran.stdout

    @pytest.mark.slow
    def test_a_handler_that_was_written_asks_for_its_test(self, folder: Path) -> None:
        assert main(["generate", "handler", "--template", "order.yaml"]) == ExitCode.DONE
        assert main(["generate", "test", "order.yaml"]) == ExitCode.DONE
        stock = folder / "shop" / "stock.py"
        stock.write_text(stock.read_text().replace('raise NotImplementedError("count")', "return {}"))
        ran = run(folder, "pytest", "-q", "-p", "no:cacheprovider", "tests")
        assert ran.returncode == 1
        assert "say what it returns once it is written" in ran.stdout

    def test_a_template_that_waits_for_a_human_is_not_run_as_a_whole(self, folder: Path) -> None:
        asking = TEMPLATE.replace("  finally:", "    - {name: ask, approval: {}}\n  finally:")
        (folder / "order.yaml").write_text(asking, "utf-8")
        assert main(["generate", "test", "order.yaml"]) == ExitCode.DONE
        assert "run_template" not in (folder / "tests" / "test_order.py").read_text("utf-8")
        assert ruff_findings(folder) == ""

    def test_what_is_written_is_sound_and_stays(self, folder: Path) -> None:
        assert main(["generate", "test", "order.yaml"]) == ExitCode.DONE
        assert ruff_findings(folder) == ""
        assert mypy_findings(folder, "tests") == ""
        assert main(["generate", "test", "order.yaml"]) == ExitCode.DONE
        own = folder / "tests" / "test_order.py"
        own.write_text("mine")
        assert main(["generate", "test", "order.yaml"]) == ExitCode.REFUSED
        assert own.read_text() == "mine"


class TestTypes:
    def test_each_schema_has_a_type(self, folder: Path) -> None:
        assert main(["generate", "types", "order.yaml", "-f", "shop/types.py"]) == ExitCode.DONE
        module = loaded(folder / "shop/types.py")
        assert {"OrderContext", "ReserveResult", "ChargeResult", "OrderResult"} <= vars(module).keys()
        assert module.OrderContext.__required_keys__ == {"sku", "amount", "class", "lines"}
        assert "ship-to" in module.OrderContext.__optional_keys__

    def test_what_is_written_is_sound(self, folder: Path) -> None:
        assert main(["generate", "types", "order.yaml", "-f", "types_of_order.py"]) == ExitCode.DONE
        use = "from types_of_order import ChargeResult, OrderContext, OrderResult, ReserveResult\n\n"
        use += "reserved: ReserveResult = {'id': 'a'}\ncharged: ChargeResult = 3\nresult: OrderResult = ['done']\n"
        use += "context: OrderContext = {'sku': 'a', 'amount': 1, 'class': 'gold', 'lines': [{'id': 'b'}]}\n"
        (folder / "uses.py").write_text(use)
        assert mypy_findings(folder, "types_of_order.py", "uses.py") == ""
        (folder / "uses.py").unlink()
        assert ruff_findings(folder) == ""

    def test_they_refuse_what_the_schema_refuses(self, folder: Path) -> None:
        assert main(["generate", "types", "order.yaml", "-f", "types_of_order.py"]) == ExitCode.DONE
        (folder / "uses.py").write_text("from types_of_order import ReserveResult\n\na: ReserveResult = {'id': 1}\n")
        assert "incompatible type" in mypy_findings(folder, "types_of_order.py", "uses.py").lower()

    def test_they_go_to_stdout_without_a_file(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["generate", "types", "order.yaml"]) == ExitCode.DONE
        printed = capsys.readouterr().out
        compile(printed, "types", "exec")
        assert list(folder.rglob("*.py")) == []

    def test_a_template_without_a_schema_has_none(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        assert main(["generate", "template", "bare", "--step", "work"]) == ExitCode.DONE
        bare = yaml.safe_load((folder / "bare.yaml").read_text())
        del bare["spec"]["inputSchema"]
        (folder / "bare.yaml").write_text(yaml.safe_dump(bare))
        assert main(["generate", "types", "bare.yaml"]) == ExitCode.USAGE
        assert "has no schema" in capsys.readouterr().err


class TestTemplate:
    def test_a_template_passes_the_operators_checks(self, folder: Path) -> None:
        line = ["generate", "template", "shop-orders", "--domain", "shop", "--step", "reserve", "--step", "charge_card"]
        assert main(line) == ExitCode.DONE
        found = yaml.safe_load((folder / "shop-orders.yaml").read_text("utf-8"))
        assert check_template(found["spec"], name=found["metadata"]["name"]) == []
        first, second = found["spec"]["steps"]
        assert second["dependsOn"] == [first["name"]]
        assert second["handler"]["callable"] == "shop_orders.handlers:ChargeCard"

    def test_its_handlers_can_be_generated(self, folder: Path) -> None:
        assert main(["generate", "template", "shop-orders", "--step", "reserve"]) == ExitCode.DONE
        assert main(["generate", "handler", "--template", "shop-orders.yaml"]) == ExitCode.DONE
        assert (folder / "shop_orders" / "handlers.py").exists()

    def test_one_that_is_there_is_not_written_over(self, folder: Path) -> None:
        assert main(["generate", "template", "order"]) == ExitCode.REFUSED
        assert (folder / "order.yaml").read_text("utf-8") == TEMPLATE

    @pytest.mark.parametrize(
        ("arguments", "hint"),
        [
            (["My Order"], "write my-order"),
            (["order2", "--step", "ChargeCard"], "write charge_card"),
            (["order2", "--step", "a", "--step", "a"], "a name of its own"),
            (["order2", "--domain", "Shop"], "write shop"),
            (["order2", "--version", "1"], "write MAJOR.MINOR.PATCH"),
            (["order2", "--module", "my-shop.handlers"], "write my_shop.handlers"),
        ],
    )
    def test_names_are_checked(
        self, arguments: list[str], hint: str, folder: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["generate", "template", *arguments]) == ExitCode.USAGE
        assert hint in capsys.readouterr().err
        assert [path.name for path in folder.iterdir()] == ["order.yaml"]


def test_a_template_that_the_operator_would_refuse_is_not_read(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "order.yaml").write_text(TEMPLATE.replace("dependsOn: [reserve]", "dependsOn: [nothing]"), "utf-8")
    assert main(["generate", "handler", "--template", "order.yaml"]) == ExitCode.NO
    assert "UnknownDependency" in capsys.readouterr().err


@pytest.mark.parametrize(
    "schema",
    [
        yaml.safe_load(TEMPLATE)["spec"]["inputSchema"],
        {"type": "string", "format": "uuid"},
        {"type": "integer", "minimum": 5, "maximum": 9},
        {"type": "integer", "maximum": -3},
        {"type": "number", "exclusiveMinimum": 1},
        {"type": "integer", "multipleOf": 5, "minimum": 12},
        {"type": "array", "minItems": 2, "items": {"type": "boolean"}},
        {"type": "string", "minLength": 30},
        {"type": "string", "maxLength": 2},
        {"type": ["null", "string"]},
        {"oneOf": [{"const": 4}, {"type": "string"}]},
        {"enum": ["b", "a"]},
        {"type": "object", "required": ["a"], "properties": {"a": {"$ref": "#/$defs/x"}}, "$defs": {"x": {"const": 1}}},
        {"type": "object", "required": ["unknown"]},
        {},
        True,
    ],
)
def test_a_sample_satisfies_its_schema(schema: Any) -> None:
    assert jsonschema_rs.is_valid(schema, sample(schema))
