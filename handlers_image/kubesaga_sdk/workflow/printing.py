"""`python -m kubesaga_sdk template package.module:workflow`: the TaskTemplate of a workflow written in Python.

Called by the SDK's command line.
"""

from __future__ import annotations

import contextlib
import sys

from kubesaga_sdk.contract import EXIT_DONE, EXIT_USAGE
from kubesaga_sdk.errors import StepError
from kubesaga_sdk.workflow.definition import Definition
from kubesaga_sdk.workflow.errors import WorkflowError
from kubesaga_sdk.workflow.paths import load
from kubesaga_sdk.workflow.task_handler import TaskHandler


def print_template(reference: str, image: str | None) -> int:
    """Print the template as JSON, which is YAML too; what is wrong goes to standard error. Returns the exit code.

    Arguments:
        reference: `package.module:name` of a Workflow, or of a TaskHandler's class or object.
        image: the handlers image that has its code; None = the operator's default.
    """
    try:
        text = _definition(reference).to_json(image=image)
    except (WorkflowError, StepError) as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_USAGE
    print(text)
    return EXIT_DONE


def _definition(reference: str) -> Definition[object]:
    """Raises WorkflowError, CallableNotFound, HandlerImportError."""
    module, colon, name = reference.partition(":")
    if not (module and colon and name):
        raise WorkflowError(f"{reference!r} names no workflow: write package.module:name")
    with contextlib.redirect_stdout(sys.stderr):  # What a module prints while it is imported is no template.
        found = load(reference)
    if isinstance(found, type) and issubclass(found, TaskHandler):
        try:
            found = found()
        except TypeError as error:
            raise WorkflowError(f"{reference} cannot be made without arguments: {error}") from error
    if not isinstance(found, Definition):
        raise WorkflowError(
            f"{reference} is {type(found).__name__} {found!r}, neither a Workflow nor a TaskHandler: name the variable "
            "or the class, as package.module:name"
        )
    return found
