"""Whole files in Tasker's formats, and what is expected of them.

Beside each file of ``corpus/`` are the objects (``.expected.yaml``) and the report (``.report.txt``) that are to come
of it; ``kubesaga import tasker FILE --report …`` in that folder writes both anew, to be read before they count. Python
files bear ``.txt`` after their name, so that nobody takes them for code of the project.
"""

from __future__ import annotations

import copy
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml

from kubesaga.cli.importing.convert import Imported, Rules, convert_files
from kubesaga.cli.importing.reading import read_documents
from kubesaga.cli.importing.report import as_text
from tests.cli.importing.manifests import schema_of

CORPUS = Path(__file__).parent / "corpus"
EXPECTED, REPORT = ".expected.yaml", ".report.txt"
SOURCES = sorted(path for path in CORPUS.iterdir() if not path.name.endswith((EXPECTED, REPORT)))
CASES = [path.name.removesuffix(".txt") for path in SOURCES]
TEMPLATES = [name for name in CASES if name.endswith("field.yaml") or name == "core_branching.yaml"]

CONVERTED = {
    # Fields whose counterpart has another value: a word or a number in another unit.
    "auto_fail_on_timeout", "backoff", "backoff_base_ms", "concurrent", "default_retryable", "identity_strategy",
    "limit", "max_backoff_ms", "max_duration_minutes", "max_steps_in_process_minutes",
    "max_waiting_for_dependencies_minutes", "max_waiting_for_retry_minutes", "retryable", "staleness_action",
    "timeout_ms", "timeout_seconds", "type",
}  # fmt: skip

OWN = {"schema", "input_schema", "result_schema", "handler_config", "initialization", "config", "default_context"}
OWN |= {"default_options", "metadata", "system_dependencies", "domain_events", "task_handler", "publishes_events"}
OWN |= {"batch_config", "composition", "custom_events", "context", "options"}
"""Objects whose fields are the user's own, or are looked at as a whole."""


@pytest.fixture(autouse=True)
def in_corpus(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for source, name in zip(SOURCES, CASES, strict=True):
        shutil.copy(source, tmp_path / name)
    monkeypatch.chdir(tmp_path)


def imported(*names: str, rules: Rules | None = None) -> list[Imported]:
    """What comes of files of the corpus."""
    return convert_files(names, rules or Rules())


@pytest.mark.parametrize("name", CASES)
class TestEveryFileOfTheCorpus:
    def test_becomes_what_is_expected(self, name: str) -> None:
        expected = list(yaml.safe_load_all((CORPUS / f"{name}{EXPECTED}").read_text("utf-8")))
        assert [each.manifest for each in imported(name)] == expected

    def test_is_reported_as_expected(self, name: str) -> None:
        assert as_text(imported(name)) + "\n" == (CORPUS / f"{name}{REPORT}").read_text("utf-8")

    def test_passes_the_operators_checks_and_the_api_servers(self, name: str) -> None:
        for each in imported(name):
            assert [str(finding) for finding in each.findings] == []
            validator = jsonschema_rs.Draft202012Validator(schema_of(each.kind))
            assert [error.message for error in validator.iter_errors(each.manifest["spec"])] == []

    def test_loses_nothing_in_silence(self, name: str) -> None:
        for document, each in zip(read_documents(name), imported(name), strict=True):
            written = {_plain(value) for value in _values(each.manifest)}
            whole = json.dumps(each.manifest, ensure_ascii=False)
            notes = [note.path for note in each.notes]
            silent = [
                path
                for path, value in _leaves(document.fields)
                if _plain(value) not in written
                and json.dumps(value).strip('"') not in whole
                and path.rpartition(".")[2] not in CONVERTED
                and not any(path == note or path.startswith((f"{note}.", f"{note}[")) for note in notes)
            ]
            assert silent == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_field_that_nobody_knows_is_noted_wherever_it_is(name: str, tmp_path: Path) -> None:
    (document,) = read_documents(name)
    places = list(_objects(document.fields, ""))
    assert len(places) > 5
    for place, _ in places:
        changed = copy.deepcopy(document.fields)
        target = dict(_objects(changed, ""))[place]
        target["unheard_of"] = 1
        file = tmp_path / "changed.json"
        file.write_text(json.dumps(changed), "utf-8")
        (found,) = convert_files([str(file)], Rules())
        path = f"{place}.unheard_of" if place else "unheard_of"
        noted = [note.path for note in found.notes if note.kind == "lost"]
        assert any(path == note or path.startswith(f"{note}.") for note in noted), path


def test_a_request_beside_its_template_names_steps_as_the_template_does(tmp_path: Path) -> None:
    steps = [{"name": f"{name}-step", "handler_class": "shop.Step", "skippable": True} for name in ("A", "a")]
    template = {"name": "order", "namespace_name": "shop", "version": "1.0.0", "step_templates": steps}
    request = {"name": "order", "namespace": "shop", "context": {}, "bypass_steps": ["a-step"]}
    file = tmp_path / "both.yaml"
    file.write_text(yaml.safe_dump_all([request, template]), "utf-8")
    of_template, of_request = convert_files([str(file)], Rules())
    assert [step["name"] for step in of_template.manifest["spec"]["steps"]] == ["a_step", "a_step_2"]
    assert of_request.manifest["spec"]["bypassSteps"] == ["a_step_2"]


def test_two_objects_of_a_kind_do_not_get_the_same_name() -> None:
    names = [(each.kind, each.name) for each in imported("requests.json", "requests.json")]
    assert len(set(names)) == len(names) == 4


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, member in value.items():
            yield from _leaves(member, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list):
        for i, item in enumerate(value):
            yield from _leaves(item, f"{path}[{i}]")
    elif value is not None:
        yield path, value


def _values(value: Any) -> Iterator[Any]:
    yield from (leaf for _, leaf in _leaves(value))


def _plain(value: Any) -> str:
    """A value as it can be found again: a name or a callable may be written otherwise."""
    return re.sub(r"[^a-z0-9]+", ".", str(value).lower())


def _objects(value: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects of a template whose fields are Tasker's, with their paths."""
    if path != "environments":
        yield path, value
    for key, member in value.items():
        where = f"{path}.{key}" if path else key
        if key in OWN:
            continue
        if isinstance(member, dict):
            yield from _objects(member, where)
        for i, item in enumerate(member if isinstance(member, list) else []):
            if isinstance(item, dict):
                yield from _objects(item, f"{where}[{i}]")
