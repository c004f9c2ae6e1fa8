"""`kubesaga import`: workflows of other engines as templates and Tasks, with a report of what has no counterpart."""

from __future__ import annotations

import json
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kubesaga.cli import output
from kubesaga.cli.errors import CliError
from kubesaga.cli.exits import ExitCode
from kubesaga.cli.groups import Section, new_group

if TYPE_CHECKING:
    from kubesaga.cli.importing.convert import Imported


class Written(StrEnum):
    """What ``-o`` takes."""

    YAML = "yaml"
    JSON = "json"


def register(app: typer.Typer) -> None:
    """Add `import tasker`."""
    group = new_group("Bring workflows over from another engine.")
    group.command("tasker")(tasker)
    app.add_typer(group, name="import", rich_help_panel=Section.WRITE)


def tasker(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILE", help="Templates and task requests: YAML, JSON, Python; - is stdin."),
    ],
    output_dir: Annotated[
        Path | None,
        typer.Option("--output-dir", "-d", metavar="DIR", help="Write a file for each object instead of stdout."),
    ] = None,
    output_: Annotated[Written, typer.Option("--output", "-o", help="How objects are written.")] = Written.YAML,
    report: Annotated[
        str | None,
        typer.Option("--report", metavar="FILE", help="Write the report there; JSON with -o json or as FILE.json."),
    ] = None,
    package: Annotated[
        str | None,
        typer.Option("--package", metavar="NAME", help="The package in which modules are that Python does not name."),
    ] = None,
    mapping: Annotated[
        list[str] | None,
        typer.Option("--map", metavar="A=B", help="A class, or the beginning of its name, and its callable or module."),
    ] = None,
    image: Annotated[str | None, typer.Option("--image", metavar="IMAGE", help="The image of the handlers.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over files that are there and different.")] = False,
) -> None:
    """Turn Tasker's templates and task requests into TaskTemplates and Tasks. Needs no cluster.

    Reads both dialects: that of Tasker Rails (step_templates) and that of Tasker core (steps), and Python files with a
    task_template, which are read but never run. Every field without counterpart is in the report, on stderr unless
    --report says where, with what was done instead. Ends with 1 if the operator would refuse what came out.
    """
    from kubesaga.cli.importing.convert import Rules, convert_files

    rules = Rules(package=_package(package), mapping=_mapping(mapping or []), image=image)
    imported = convert_files(files, rules)
    if output_dir is None:
        _print(imported, output_)
    else:
        _write(imported, output_dir, output_, force=force)
    _report(imported, report, output_)
    if any(each.findings for each in imported):
        raise typer.Exit(ExitCode.NO)


def _print(imported: list[Imported], format_: Written) -> None:
    manifests = [each.manifest for each in imported]
    if format_ is Written.JSON:
        output.print_json(manifests[0] if len(manifests) == 1 else _list(manifests))
    else:
        output.print_yaml(manifests, documents=True)


def _list(manifests: list[dict[str, Any]]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "List", "items": manifests}


def _write(imported: list[Imported], folder: Path, format_: Written, *, force: bool) -> None:
    from kubesaga.cli.scaffolding.files import write_files

    files = {f"{each.name}.{each.kind.lower()}.{format_}": _file_text(each, format_) for each in imported}
    write_files(folder, files, force=force)


def _file_text(each: Imported, format_: Written) -> str:
    from kubesaga.cli.yaml_dumper import to_yaml

    if format_ is Written.JSON:
        return json.dumps(each.manifest, indent=2, ensure_ascii=False) + "\n"
    return f"# From {each.source} ({each.dialect}).\n{to_yaml([each.manifest])}"


def _report(imported: list[Imported], file: str | None, format_: Written) -> None:
    from kubesaga.cli.importing.report import as_data, as_text

    if file is None:
        output.note(as_text(imported))
        return
    as_json = format_ is Written.JSON or file.endswith(".json")
    text = json.dumps(as_data(imported), indent=2, ensure_ascii=False) if as_json else as_text(imported)
    Path(file).write_text(text + "\n", encoding="utf-8")


def _package(name: str | None) -> str | None:
    if name is not None and not all(part.isidentifier() for part in name.split(".")):
        raise CliError(f"--package {name}: is no package's name", "write it as Python would import it: shop.handlers")
    return name


def _mapping(pairs: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, target = pair.rpartition("=")
        parts = target.replace(":", ".").split(".")
        if not equals or not name or not all(part.isidentifier() for part in parts):
            raise CliError(
                f"--map {pair}: is not A=B with a callable or a module of Python as B",
                "write --map Shop::ShipOrder=shop.handlers:ShipOrder, or --map Shop=shop.handlers for all of a module",
            )
        found[name] = target
    return found
