"""What is to run: the Task out of the files, or one made of a template and a context."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubesaga.api import constants as c
from kubesaga.api.object_names import name_after
from kubesaga.cli.errors import CliError
from kubesaga.cli.exits import ExitCode
from kubesaga.cli.inputs import key_values, merge, nested, parse_context, parse_documents, read_text, shown_name
from kubesaga.cli.template_files import identity
from kubesaga.local.templates import Templates, logical_name

Obj = dict[str, Any]

_SUFFIXES = frozenset({".yaml", ".yml", ".json"})
_NO_FILES = f"name a file with a {c.TEMPLATE_KIND} or a {c.TASK_KIND}, apiVersion {c.API_VERSION}"


@dataclass(frozen=True)
class Request:
    """A Task manifest, all templates that were found, and the folders of the files."""

    task: Obj
    templates: Templates
    folders: tuple[str, ...]

    def named(self, taken: Sequence[str]) -> Obj:
        """The Task with a name: its own, else one made of its template's that none of the runs ``taken`` has."""
        if _name(self.task):
            return self.task
        called = self.task["spec"]["templateRef"]["name"]
        names = (name_after(called, str(n)) for n in range(1, len(taken) + 2))
        name = next(name for name in names if name not in taken)
        return {**self.task, "metadata": {**(self.task.get("metadata") or {}), "name": name}}


def request(
    files: Sequence[str],
    context: str | None,
    parameters: Sequence[str],
    template: str | None,
    task: str | None,
    name: str | None,
    environment: str | None,
) -> Request:
    """Read the files and choose. Raises CliError."""
    if not files:
        raise CliError("there is nothing to run", _NO_FILES)
    given = [(document, source) for source in _sources(files) for document in _ours(source)]
    folders = tuple(dict.fromkeys(str(Path(file) if Path(file).is_dir() else Path(file).parent) for file in files))
    own = [document for document, _ in given if document["kind"] == c.TEMPLATE_KIND]
    templates = Templates(environment)
    for document, source in (*given, *_neighbours(folders)):
        if document["kind"] == c.TEMPLATE_KIND:
            templates.add(document, source)
    said = parse_context(context) if context else {}
    merge(said, nested(key_values(parameters)))
    tasks = [document for document, _ in given if document["kind"] == c.TASK_KIND]
    if (tasks or task) and not (said or context or template):
        return Request(_renamed(_chosen_task(tasks, task), name), templates, folders)
    if task:
        raise CliError("--task runs a Task as it is written", "leave out --context, -p and --template")
    chosen = _chosen_template(own, template)
    return Request(_renamed(_made(chosen, said), name), templates, folders)


def _sources(files: Iterable[str]) -> list[str]:
    """The files; of a folder those that may be manifests."""
    found: list[str] = []
    for file in files:
        if Path(file).is_dir():
            inside = sorted(str(each) for each in Path(file).iterdir() if each.suffix in _SUFFIXES)
            if not inside:
                raise CliError(f"{file}: has no YAML or JSON files", _NO_FILES)
            found += inside
        else:
            found.append(file)
    return found


def _ours(source: str) -> list[Obj]:
    name = shown_name(source)
    ours = [document for document in parse_documents(read_text(source), name) if _is_ours(document)]
    for document in ours:
        if not isinstance(document.get("metadata") or {}, dict):
            raise CliError(f"{name}: {document['kind']}: metadata is not an object", "write metadata: {name: …}")
    return ours


def _neighbours(folders: Iterable[str]) -> list[tuple[Obj, str]]:
    """What else is in the files' folders: sub-workflows that the named files may run."""
    found = []
    for folder in folders:
        for file in sorted(Path(folder).iterdir()):
            if file.suffix in _SUFFIXES:
                try:
                    found += [(document, str(file)) for document in _ours(str(file))]
                except CliError:
                    continue  # nobody asked for this file
    return found


def _is_ours(document: Any) -> bool:
    return (
        isinstance(document, dict)
        and document.get("apiVersion") == c.API_VERSION
        and document.get("kind") in (c.TASK_KIND, c.TEMPLATE_KIND)
        and isinstance(document.get("spec"), dict)
    )


def _chosen_task(tasks: Sequence[Obj], wanted: str | None) -> Obj:
    names = [str((task.get("metadata") or {}).get("name")) for task in tasks]
    chosen = [task for task, name in zip(tasks, names, strict=True) if wanted in (None, name)]
    if len(chosen) == 1:
        _check_reference(chosen[0])
        return chosen[0]
    if not chosen:
        raise CliError(
            f"the files have no Task {wanted}", f"they have: {', '.join(names) or 'none'}", ExitCode.NOT_FOUND
        )
    raise CliError(f"the files have {len(tasks)} Tasks: {', '.join(names)}", "choose one with --task NAME")


def _check_reference(task: Obj) -> None:
    reference = task["spec"].get("templateRef")
    if not (isinstance(reference, dict) and reference.get("name")):
        raise CliError(f"Task {_name(task)}: names no template", "write spec.templateRef: {domain: …, name: …}")


def _chosen_template(templates: Sequence[Obj], wanted: str | None) -> Obj:
    called = [_names_of(template) for template in templates]
    chosen = [template for template, names in zip(templates, called, strict=True) if wanted is None or wanted in names]
    if len(chosen) == 1:
        return chosen[0]
    known = ", ".join(identity(template) for template in templates)
    if not templates:
        raise CliError(f"the files have no {c.TEMPLATE_KIND} and no {c.TASK_KIND}", _NO_FILES)
    if not chosen:
        raise CliError(f"the files have no template {wanted}", f"they have: {known}", ExitCode.NOT_FOUND)
    raise CliError(f"the files have several templates: {known}", "choose one with --template NAME[@VERSION]")


def _names_of(template: Obj) -> set[str]:
    whole = identity(template)
    short = whole.split("/", 1)[1]
    return {whole, short, whole.rsplit("@", 1)[0], short.rsplit("@", 1)[0]}


def _made(template: Obj, context: Obj) -> Obj:
    """A Task of a template."""
    spec = template["spec"]
    domain, version = spec.get("domain") or c.DEFAULT_DOMAIN, str(spec.get("version"))
    reference = {"domain": domain, "name": logical_name(template), "version": version}
    return {"metadata": {}, "spec": {"templateRef": reference, "context": context}}


def _renamed(task: Obj, name: str | None) -> Obj:
    return {**task, "metadata": {**(task.get("metadata") or {}), "name": name}} if name else task


def _name(task: Obj) -> str | None:
    found = (task.get("metadata") or {}).get("name")
    return str(found) if found else None
