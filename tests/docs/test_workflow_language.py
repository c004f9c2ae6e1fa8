"""docs/workflow-language.md shows every field that a user can write, in objects that our own checks accept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema_rs
import pytest
import yaml

from kubesaga.api import constants as c
from kubesaga.engine.vocabulary import (
    ActionType,
    Backoff,
    CompensationWhen,
    DeletionPolicy,
    DesiredState,
    FailureStrategy,
    IdentityStrategy,
    Jitter,
    OnTimeout,
    RuleAction,
    RunningSteps,
    StaleAction,
)
from tests.docs.pages import DOCS, ROOT, Manifest, findings, manifests, page

pytestmark = pytest.mark.slow

PAGES = sorted(file.stem for file in DOCS.glob("*.md"))
PAGE = page("workflow-language")
OBJECTS = list(manifests(PAGE))
README = list(manifests((ROOT / "README.md").read_text(encoding="utf-8")))
ALL = [*OBJECTS, *README, *(found for name in PAGES if name != "workflow-language" for found in manifests(page(name)))]

Schema = Mapping[str, Any]
Field = tuple[str, str]
"""A field and the field in which it stands, such as (retry, maxAttempts): the same model at several places is one."""


def crd(kind: str) -> Manifest:
    """The generated definition of a kind."""
    definitions = (yaml.safe_load(file.read_text()) for file in (ROOT / "crds").glob("*.yaml"))
    return next(found for found in definitions if found["spec"]["names"]["kind"] == kind)


def spec_schema(kind: str) -> Schema:
    """The schema of a kind's spec."""
    (version,) = crd(kind)["spec"]["versions"]
    schema: Schema = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    return schema


def fields(schema: Schema, owner: str = "spec") -> Iterator[Field]:
    """Every field that a schema has."""
    for name, child in schema.get("properties", {}).items():
        yield owner, name
        yield from fields(child, name)
    for child in (schema.get("items"), schema.get("additionalProperties")):
        if isinstance(child, Mapping):
            yield from fields(child, owner)


def written(schema: Schema, value: Any, owner: str = "spec") -> Iterator[Field]:
    """Every field of the schema that a value has."""
    if isinstance(value, list):
        for item in value:
            yield from written(schema.get("items", {}), item, owner)
    elif isinstance(value, dict):
        more = schema.get("additionalProperties")
        for name, member in value.items():
            if name in schema.get("properties", {}):
                yield owner, name
                yield from written(schema["properties"][name], member, name)
            elif isinstance(more, Mapping):
                yield from written(more, member, owner)


def title(found: Manifest) -> str:
    """What a test's report calls an object."""
    metadata = found["metadata"]
    return f"{found['kind']} {metadata.get('name', metadata.get('generateName'))}"


@pytest.mark.parametrize("found", ALL, ids=title)
def test_every_object_in_the_docs_is_accepted(found: Manifest) -> None:
    assert findings(found) == []
    (version,) = crd(found["kind"])["spec"]["versions"]
    schema = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    assert [error.message for error in jsonschema_rs.Draft202012Validator(schema).iter_errors(found["spec"])] == []


@pytest.mark.parametrize("kind", [c.TEMPLATE_KIND, c.TASK_KIND, c.ACTION_KIND])
def test_every_field_stands_in_an_example(kind: str) -> None:
    schema = spec_schema(kind)
    shown = {field for found in OBJECTS if found["kind"] == kind for field in written(schema, found["spec"])}
    assert set(fields(schema)) - shown == set()


@pytest.mark.parametrize(
    "words",
    [
        ActionType, Backoff, CompensationWhen, DeletionPolicy, DesiredState, FailureStrategy, IdentityStrategy, Jitter,
        OnTimeout, RuleAction, RunningSteps, StaleAction,
    ],
)  # fmt: skip
def test_every_word_that_a_field_takes_is_named(words: type[ActionType]) -> None:
    assert [word for word in words if str(word) not in PAGE] == []


def test_the_page_is_not_read_as_if_it_were_empty() -> None:
    kinds = [found["kind"] for found in OBJECTS]
    assert kinds.count(c.TEMPLATE_KIND) >= 15
    assert kinds.count(c.TASK_KIND) >= 5
    assert kinds.count(c.ACTION_KIND) >= 1
