"""An import as a whole: files of Tasker's in, objects of ours, notes and findings out. Called by `kubesaga import`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from kubesaga.api import constants as c
from kubesaga.api.findings import Code, Finding, check_task, check_template
from kubesaga.cli.importing.callables import Callables
from kubesaga.cli.importing.fields import Fields, shown
from kubesaga.cli.importing.notes import Note, Notes
from kubesaga.cli.importing.reading import Content, Document, read_documents
from kubesaga.cli.importing.request import convert_request
from kubesaga.cli.importing.template import convert_template, is_rails
from kubesaga.cli.importing.words import MAX_OBJECT_NAME, StepNames


@dataclass(frozen=True, slots=True)
class Rules:
    """What the user says about an import: the package of made-up modules, callables by name, the handlers' image."""

    package: str | None = None
    mapping: Mapping[str, str] = field(default_factory=dict)
    image: str | None = None


@dataclass(frozen=True, slots=True)
class Imported:
    """One document: where it comes from, which dialect it is, the object made of it, and what there is to know."""

    source: str
    dialect: str
    manifest: dict[str, Any]
    notes: tuple[Note, ...]
    findings: tuple[Finding, ...]

    @property
    def name(self) -> str:
        """The object's name in a cluster."""
        return str(self.manifest["metadata"]["name"])

    @property
    def kind(self) -> str:
        """The object's kind."""
        return str(self.manifest["kind"])


def convert_files(paths: Sequence[str], rules: Rules) -> list[Imported]:
    """Everything in the files, templates before requests, so that requests know how their steps are called now.

    Raises CliError for a file that cannot be read or is none of Tasker's.
    """
    documents = [document for path in paths for document in read_documents(path)]
    callables = Callables(rules.package, rules.mapping)
    steps: dict[tuple[str, str], StepNames] = {}
    found = [_template(each, callables, rules, steps) for each in documents if each.content is Content.TEMPLATE]
    found += [_request(each, steps) for each in documents if each.content is Content.REQUEST]
    return _with_own_versions(_with_own_names(found))


def _template(
    document: Document, callables: Callables, rules: Rules, steps: dict[tuple[str, str], StepNames]
) -> Imported:
    notes = Notes()
    fields = Fields(document.fields, "", notes)
    dialect = "Tasker Rails" if is_rails(fields) else "Tasker core"
    dialect = f"{dialect} (Python)" if document.class_name else dialect
    converted = convert_template(fields, callables, rules.image)
    spec = converted.manifest["spec"]
    steps[spec["domain"], spec["name"]] = converted.names
    _note_surroundings(document, notes)
    findings = check_template(spec, name=converted.manifest["metadata"]["name"])
    return Imported(document.title, f"{dialect} template", converted.manifest, tuple(notes.all), tuple(findings))


def _request(document: Document, steps: Mapping[tuple[str, str], StepNames]) -> Imported:
    notes = Notes()
    manifest = convert_request(Fields(document.fields, "", notes), document.words, steps)
    _note_surroundings(document, notes)
    findings = check_task(manifest["spec"])
    return Imported(document.title, "Tasker request", manifest, tuple(notes.all), tuple(findings))


def _note_surroundings(document: Document, notes: Notes) -> None:
    for name, value in document.beside.items():
        notes.lost(name, f"{shown(value)}: stands beside the {document.content}; left out")
    if document.methods:
        notes.lost(
            f"class {document.class_name}",
            f"{', '.join(document.methods)}: what a class does beyond its template has to become a step of its own",
        )


def _with_own_names(found: list[Imported]) -> list[Imported]:
    """The same, with no two objects of a kind that share a name."""
    taken: set[tuple[str, str]] = set()
    for each in found:
        name, number = each.name, 2
        while (each.kind, name) in taken:
            end = f"-{number}"
            name, number = each.name[: MAX_OBJECT_NAME - len(end)] + end, number + 1
        each.manifest["metadata"]["name"] = name
        taken.add((each.kind, name))
    return sorted(found, key=lambda each: each.kind != c.TEMPLATE_KIND)


def _with_own_versions(found: list[Imported]) -> list[Imported]:
    """The same, with a finding for each template that has the identity of one before it."""
    first: dict[str, Imported] = {}
    return [_judged_beside(each, first.setdefault(_identity(each), each)) for each in found]


def _judged_beside(each: Imported, other: Imported) -> Imported:
    if each is other or each.kind != c.TEMPLATE_KIND:
        return each
    message = f"{_identity(each)} is in {other.source} too, as {other.name}"
    twice = Finding(Code.DUPLICATE_ENTRY, "spec.version", message, "import one of the two, or give one another version")
    return replace(each, findings=(*each.findings, twice))


def _identity(each: Imported) -> str:
    """``domain/name@version`` of a template; of a request nothing that another could have."""
    spec = each.manifest["spec"]
    if each.kind != c.TEMPLATE_KIND:
        return each.name
    return f"{spec['domain']}/{spec['name']}@{spec['version']}"
