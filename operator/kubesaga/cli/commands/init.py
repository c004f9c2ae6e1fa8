"""`kubesaga init`: a project to begin with."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from kubesaga.cli import output
from kubesaga.cli.groups import Section


def register(app: typer.Typer) -> None:
    """Add `init`."""
    app.command("init", rich_help_panel=Section.WRITE)(init)


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The project's folder, which may be there already.")],
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="The template's name; default: that of the folder.")
    ] = None,
    domain: Annotated[str, typer.Option("--domain", metavar="NAME", help="Who owns the template.")] = "default",
    image: Annotated[
        str | None,
        typer.Option("--image", metavar="IMAGE", help="The image of the handlers; default: NAME-handlers:dev."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over files that are there and different.")] = False,
) -> None:
    """Begin a project: a template, its handlers and how they are undone, tests, a Dockerfile, CI.

    Its tests pass, `kubesaga lint` finds nothing in it, and `kubesaga run` runs it, all without a cluster. Nothing
    that is there is written over without --force.
    """
    from kubesaga.cli.importing.words import logical_name
    from kubesaga.cli.scaffolding.files import write_files
    from kubesaga.cli.scaffolding.naming import checked_image, checked_logical_name
    from kubesaga.cli.scaffolding.new_project import project_files

    called = checked_logical_name(name, "--name") if name else logical_name(folder.absolute().name)
    owner = checked_logical_name(domain, "--domain")
    write_files(folder, project_files(called, owner, checked_image(image)), force=force)
    output.note(f"\nNext: cd {shlex.quote(str(folder))}, and what its README.md says.")
