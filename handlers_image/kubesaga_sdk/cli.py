"""`python -m kubesaga_sdk run`, `list` and `template`: what a developer does by hand.

Called by `__main__` where there are arguments; a step's pod has none.
"""

from __future__ import annotations

import argparse
import os
import sys

from kubesaga_sdk import step_input
from kubesaga_sdk.contract import METHOD_CALL
from kubesaga_sdk.runner import run_step
from kubesaga_sdk.step_input import Document

CONTRACT = """\
Without arguments this runs one attempt of a workflow's step, as Kubesaga's operator asks for it.

In, by environment:
  KUBESAGA_INPUT          the step's input, a JSON document
  KUBESAGA_INPUT_FILE     or the path of a file that holds it
  KUBESAGA_TASK, KUBESAGA_STEP, KUBESAGA_ATTEMPT, KUBESAGA_IDEMPOTENCY_KEY, TRACEPARENT
                          single facts of it, for programs that need no more
  KUBESAGA_RESULT_FILE    where the result goes (default /dev/termination-log)

Out, a JSON document of at most 4096 bytes:
  {"result": ..., "metadata": {...}}
  {"error": {"type", "types", "code", "message", "retryable", "retryAfter", "metadata"}}
  {"resultFrame": {"bytes": ..., "sha256": "..."}}: the document, of up to 256 KiB, is framed on standard output

Exit codes:
  0 done; 64 to 78 failed, no retry (64 no input, 65 the handler or its result says so, 70 the code is wrong,
  78 no such callable); 143 stopped by SIGTERM; anything else failed, retry.
"""


def main(arguments: list[str]) -> int:
    """Parse the command line and run what it names; argparse itself ends the process on wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python -m kubesaga_sdk",
        description=CONTRACT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(metavar="run|list|template", required=True, dest="command")
    run = commands.add_parser("run", help="run a handler by hand; its result document goes to standard output")
    run.add_argument("callable", help="package.module:Class, or a registered handler's name")
    run.add_argument("--input", metavar="FILE", help='input document, every field optional: {"context": {...}}')
    run.add_argument("--method", default=METHOD_CALL, help="call (default), compensate, ...")
    listing = commands.add_parser("list", help="tell which handlers there are, without running any")
    listing.add_argument(
        "package",
        nargs="*",
        help="packages or modules to look into (default: KUBESAGA_HANDLERS, or what mentions the SDK in the current "
        "folder and those of PYTHONPATH)",
    )
    listing.add_argument("--json", action="store_true", help="as one JSON document")
    template = commands.add_parser("template", help="print the TaskTemplate of a workflow written in Python, as JSON")
    template.add_argument("workflow", help="package.module:name of a Workflow, or of a TaskHandler")
    template.add_argument("--image", help="the handlers image that has its code (default: the operator's)")
    chosen = parser.parse_args(arguments)
    if chosen.command == "template":
        from kubesaga_sdk.workflow.printing import print_template

        return print_template(chosen.workflow, chosen.image)
    if chosen.command == "list":
        from kubesaga_sdk import inventory

        return inventory.main(chosen.package, as_json=chosen.json)
    return run_step(lambda: _document(chosen), os.environ, _print)


def _document(chosen: argparse.Namespace) -> Document:
    document = step_input.from_file(chosen.input) if chosen.input else step_input.complete({}, "no input")
    step = {**document["step"], "callable": chosen.callable, "method": chosen.method}
    step["name"] = step["name"] or chosen.callable
    # Handlers give the key to the services they call; an empty one would join unrelated calls.
    return {
        **document,
        "step": step,
        "idempotencyKey": document["idempotencyKey"] or f"by-hand-{os.getpid()}",
    }


def _print(document: bytes) -> None:
    sys.stdout.write(document.decode() + "\n")
