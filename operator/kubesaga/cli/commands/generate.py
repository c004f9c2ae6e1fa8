"""`kubesaga generate`: handlers, tests, templates and types, from a template or from names."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kubesaga.cli import output
from kubesaga.cli.errors import CliError
from kubesaga.cli.groups import Section, new_group

Folder = Annotated[Path, typer.Option("--folder", metavar="DIR", help="Where packages and tests are.")]
Force = Annotated[bool, typer.Option("--force", help="Write over files that are there and different.")]
TemplateFile = Annotated[str, typer.Argument(metavar="TEMPLATE", help="The file of the template; - is stdin.")]
HERE = Path()


def register(app: typer.Typer) -> None:
    """Add `generate handler|test|template|types`."""
    group = new_group("Write handlers, tests, templates and types.")
    group.command("handler")(handler)
    group.command("test")(step_tests)
    group.command("template")(template)
    group.command("types")(types)
    app.add_typer(group, name="generate", rich_help_panel=Section.WRITE)


def handler(
    callables: Annotated[
        list[str] | None, typer.Argument(metavar="CALLABLE", help="Such as shop.handlers:ChargeCard.")
    ] = None,
    template_file: Annotated[
        str | None, typer.Option("--template", metavar="FILE", help="All callables of this template.")
    ] = None,
    module: Annotated[
        str, typer.Option("--module", metavar="NAME", help="The module of callables that name none.")
    ] = "handlers",
    folder: Folder = HERE,
    force: Force = False,
) -> None:
    """Write stubs of handlers: a class or a function for each callable, in the modules that they name.

    From a template each stub has the methods that its steps ask for, `compensate` too. A module that is there with
    everything that is asked for stays as it is; one that lacks something is not touched: the lacking stubs are printed.
    """
    from kubesaga.cli.scaffolding.files import write_files
    from kubesaga.cli.scaffolding.modules import planned_modules
    from kubesaga.cli.scaffolding.naming import checked_package

    plan = planned_modules(folder, callables or [], template_file, checked_package(module, "--module"), force=force)
    write_files(folder, plan.files, force=force)
    for path in plan.complete:
        output.note(f"unchanged {path}")
    if plan.lacking:
        output.print_lines([plan.stubs])
        raise plan.refusal()


def step_tests(
    template_file: TemplateFile,
    folder: Folder = HERE,
    module: Annotated[
        str, typer.Option("--module", metavar="NAME", help="The module of callables that name none.")
    ] = "handlers",
    force: Force = False,
) -> None:
    """Write tests for a template: one for each method of a handler that a step runs, and one for the whole graph.

    A handler's test is expected to fail until its handler is written, and asks for the mark to be taken away then.
    """
    from kubesaga.cli.scaffolding.files import write_files
    from kubesaga.cli.scaffolding.sketch import read_sketches
    from kubesaga.cli.scaffolding.step_tests import render_tests, tests_path

    where = _relative(template_file, folder)
    files = {tests_path(sketch): render_tests(sketch, where, module) for sketch in read_sketches(template_file)}
    write_files(folder, files, force=force)


def template(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The template's name.")],
    steps: Annotated[
        list[str] | None,
        typer.Option("--step", metavar="NAME", help="A step, after the one before; repeat it. Default: do_it."),
    ] = None,
    domain: Annotated[str, typer.Option("--domain", metavar="NAME", help="Who owns the template.")] = "default",
    version: Annotated[str, typer.Option("--version", metavar="X.Y.Z", help="Its version.")] = "0.1.0",
    module: Annotated[
        str | None,
        typer.Option("--module", metavar="NAME", help="The module of the handlers; default: NAME.handlers."),
    ] = None,
    image: Annotated[
        str | None,
        typer.Option("--image", metavar="IMAGE", help="The image of the handlers; default: NAME-handlers:dev."),
    ] = None,
    folder: Folder = HERE,
    force: Force = False,
) -> None:
    """Write a template, NAME.yaml: its steps one after the other, each with a handler and its undoing."""
    from kubesaga.api import versions
    from kubesaga.cli.scaffolding.files import write_files
    from kubesaga.cli.scaffolding.naming import (
        checked_image,
        checked_logical_name,
        checked_package,
        checked_step_name,
    )
    from kubesaga.cli.scaffolding.template import default_image, default_module, render_template

    if not versions.is_version(version):
        raise CliError(f"--version {version}: is no semantic version", versions.REMEDY)
    names = [checked_step_name(step) for step in steps or ["do_it"]]
    if len(set(names)) != len(names):
        raise CliError("--step: a name is there twice", "give each step a name of its own")
    text = render_template(
        checked_logical_name(name, "NAME"),
        checked_logical_name(domain, "--domain"),
        version,
        names,
        checked_package(module, "--module") if module else default_module(name),
        checked_image(image) or default_image(name),
    )
    write_files(folder, {f"{name}.yaml": text}, force=force)


def types(
    template_file: TemplateFile,
    file: Annotated[
        Path | None, typer.Option("--file", "-f", metavar="FILE", help="Where to write them; default: stdout.")
    ] = None,
    force: Force = False,
) -> None:
    """Write TypedDicts for a template's schemas: the Task's context, each step's result, the Task's result."""
    from kubesaga.cli.scaffolding.files import write_files
    from kubesaga.cli.scaffolding.sketch import read_sketches
    from kubesaga.cli.scaffolding.typed import render_types

    sketches = read_sketches(template_file)
    if len(sketches) != 1:
        raise CliError(f"{template_file}: has {len(sketches)} templates, not one", "take a file with one")
    text = render_types(sketches[0], Path(template_file).name)
    if text is None:
        raise CliError(
            f"{template_file}: template {sketches[0].name} has no schema",
            "give it inputSchema, outputSchema or a step's resultSchema",
        )
    if file is None:
        print(text, end="")
    else:
        write_files(file.parent, {file.name: text}, force=force)


def _relative(path: str, folder: Path) -> str:
    """The template's path as the tests below ``folder`` find it."""
    import os

    return Path(os.path.relpath(path, folder)).as_posix() if path != "-" else "template.yaml"
