"""The arguments that commands about a Task share."""

from __future__ import annotations

from typing import Annotated

import typer


def _plain(name: str) -> str:
    """The Task's name, also where it was written as ``-o name`` and kubectl print it: ``task.kubesaga.dev/name``."""
    return name.rpartition("/")[2]


TaskName = Annotated[str, typer.Argument(metavar="TASK", help="The Task's name.", parser=_plain)]
StepName = Annotated[str, typer.Argument(metavar="STEP", help="The step's name.")]
OptionalStep = Annotated[str | None, typer.Argument(metavar="STEP", help="The step's name.")]
Timeout = Annotated[
    str | None, typer.Option("--timeout", metavar="DURATION", help="How long to wait, such as 10m; default: for ever.")
]
