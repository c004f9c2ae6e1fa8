"""The corpus of wrong manifests: each file says in its first line which codes it must get."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from kubesaga.api.findings import Code, check_task, check_template

FILES = sorted((Path(__file__).parents[1] / "corpus" / "invalid").glob("*.yaml"))
_PREFIX = "# expect: "


def expected(file: Path) -> list[str]:
    first = file.read_text(encoding="utf-8").splitlines()[0]
    assert first.startswith(_PREFIX), f"{file.name} must begin with {_PREFIX!r}"
    return sorted(first.removeprefix(_PREFIX).split(", "))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_wrong_manifest_gets_the_findings_that_it_should(file: Path) -> None:
    manifest = yaml.safe_load(file.read_text(encoding="utf-8"))
    check = check_template if manifest["kind"] == "TaskTemplate" else check_task
    assert sorted(str(found.code) for found in check(manifest["spec"])) == expected(file)


def test_the_corpus_knows_every_code() -> None:
    known = {code for file in FILES for code in expected(file)}
    # Both take hundreds of lines: test_findings makes such templates itself.
    assert known == set(Code) - {Code.TOO_MANY_FINDINGS, Code.TOO_MANY_STEPS}
