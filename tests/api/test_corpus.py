"""The corpus of wrong manifests: each gets the findings that it should, without any server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kubesaga.api.findings import Code, Finding, check_action, check_task, check_template
from tests.corpus.entries import ENTRIES, Entry

CHECKS: dict[str, Callable[..., list[Finding]]] = {
    "TaskTemplate": check_template,
    "Task": check_task,
    "TaskAction": check_action,
}
LEAST = 60


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_a_wrong_manifest_gets_the_findings_that_it_should(entry: Entry) -> None:
    found = CHECKS[entry.kind](entry.manifest["spec"])
    assert tuple(sorted(found.code for found in found)) == entry.codes


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_each_finding_says_what_where_and_what_to_do(entry: Entry) -> None:
    for found in CHECKS[entry.kind](entry.manifest["spec"], path="there"):
        assert found.path.startswith("there")
        assert found.message
        assert found.remedy


def test_the_corpus_knows_every_code() -> None:
    known = {code for entry in ENTRIES for code in entry.codes}
    # Both take hundreds of lines: test_findings makes such templates itself.
    assert known == set(Code) - {Code.TOO_MANY_FINDINGS, Code.TOO_MANY_STEPS}


def test_the_corpus_is_large_and_has_every_kind() -> None:
    assert len(ENTRIES) >= LEAST
    assert {entry.kind for entry in ENTRIES} == set(CHECKS)
