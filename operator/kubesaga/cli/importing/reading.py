"""What is in the files of an import: documents, each a template or a request. Called by `convert`.

YAML is read without running anything: Ruby's tags and ERB are told of, not guessed at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath
from typing import Any

from kubesaga.api.findings.plain import to_plain_json
from kubesaga.cli.errors import CliError
from kubesaga.cli.importing.python_source import TEMPLATE, python_templates
from kubesaga.cli.inputs import parse_documents, read_text, shown_name

_ERB = "<%"
_WRAPPERS = {TEMPLATE: "template", "task_request": "request", "task": "request"}
_OF_TEMPLATES = frozenset({"steps", "step_templates"})
_OF_REQUESTS = frozenset({"context", "initiator", "source_system", "reason", "requested_at", "idempotency_key"})


class Content(StrEnum):
    """What a document is."""

    TEMPLATE = "template"
    REQUEST = "request"


@dataclass(frozen=True, slots=True)
class Document:
    """One document: the file that it is in, which of its documents it is, its fields, and what stands beside them."""

    file: str
    number: int
    of: int
    content: Content
    fields: dict[str, Any]
    beside: dict[str, Any]
    class_name: str | None = None
    methods: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """How messages call it."""
        return self.file if self.of == 1 else f"{self.file}#{self.number}"

    @property
    def words(self) -> str:
        """What an object that is made of it may be called."""
        stem = PurePath(self.file).stem
        return stem if self.of == 1 else f"{stem}-{self.number}"


def read_documents(path: str) -> list[Document]:
    """The documents of a file, ``-`` for stdin. Raises CliError for what is neither a template nor a request."""
    name, text = shown_name(path), read_text(path)
    if name.endswith(".py"):
        found = python_templates(text, name)
        return [
            Document(name, i + 1, len(found), Content.TEMPLATE, each.template, {}, each.class_name, each.methods)
            for i, each in enumerate(found)
        ]
    if name.endswith(".rb"):
        raise CliError(
            f"{name}: is Ruby, which is not read",
            "import the YAML beside it; a class with define_step_templates is rewritten as a TaskHandler of "
            "kubesaga_sdk.workflow",
        )
    if _ERB in text and not name.endswith(".json"):
        line = text[: text.index(_ERB)].count("\n") + 1
        raise CliError(f"{name}:{line}: has ERB ({_ERB} … %>)", "let Rails render it first, and import what comes out")
    parsed = [each for document in _with_versions(text, name) for each in _listed(_plain(document, name))]
    if not parsed:
        raise CliError(f"{name}: is empty", "name a file with templates or task requests")
    return [_document(each, name, i + 1, len(parsed)) for i, each in enumerate(parsed)]


def _listed(document: Any) -> list[Any]:
    return document if isinstance(document, list) else [document]


def _plain(value: Any, name: str) -> Any:
    """The document as JSON could hold it. Raises CliError for what it could not."""
    plain, found = to_plain_json(value, "")
    if found:
        raise CliError(f"{name}: {found[0].path.lstrip('.') or 'the document'}: {found[0].message}", found[0].remedy)
    return plain


def _document(value: Any, name: str, number: int, count: int) -> Document:
    if not isinstance(value, Mapping):
        raise CliError(f"{name}: document {number} is not an object", "name a file with templates or task requests")
    fields, beside = {str(key): each for key, each in value.items()}, {}
    for wrapper, content in _WRAPPERS.items():
        inner = fields.get(wrapper)
        if isinstance(inner, Mapping):
            beside = {key: each for key, each in fields.items() if key != wrapper}
            return Document(name, number, count, Content(content), dict(inner), beside)
    if _OF_TEMPLATES & fields.keys():
        return Document(name, number, count, Content.TEMPLATE, fields, beside)
    if "name" in fields and _OF_REQUESTS & fields.keys():
        return Document(name, number, count, Content.REQUEST, fields, beside)
    raise CliError(
        f"{name}: document {number} is neither a template of Tasker's (it has no steps and no step_templates) nor a "
        "task request (it has no name with a context)",
        "name files with templates or task requests",
    )


def _with_versions(text: str, name: str) -> list[Any]:
    """The documents, with each `version` as it is written: YAML reads 1.10 as the number 1.1."""
    documents = parse_documents(text, name)
    if name.endswith(".json"):
        return documents
    for document, written in zip(documents, _written_versions(text), strict=False):
        if isinstance(document, dict) and isinstance(document.get("version"), float) and written:
            document["version"] = written
    return documents


def _written_versions(text: str) -> list[str | None]:
    from kubesaga.api.yaml_loader import compose_all

    nodes = [node for node in compose_all(text) if node is not None]
    return [_version_of(node) for node in nodes if not _is_null(node)]


def _is_null(node: Any) -> bool:
    return bool(node.tag == "tag:yaml.org,2002:null")


def _version_of(node: Any) -> str | None:
    pairs = node.value if isinstance(node.value, list) else []
    found = [pair[1].value for pair in pairs if isinstance(pair, tuple) and pair[0].value == "version"]
    return str(found[0]) if found else None
