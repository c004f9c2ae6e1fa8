"""A Task's execution context as one JSON: data (context and results), trace and metadata, as TaskChain has it.

``metadata`` is also what a step's program gets (``contract``). As a program it reads a Task and writes its execution
context:

    kubectl get ktask order-1 -o json | python -m kubesaga.api.execution_context
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from typing import Any

from kubesaga.api.constants import API_VERSION, TASK_KIND
from kubesaga.engine.trace import trace

Doc = dict[str, Any]

USAGE = """\
Reads a Task (JSON, as kubectl get -o json writes it) from standard input and writes its execution context:

  data.context   the Task's spec.context
  data.results   step -> result, null where it has none, {"resultRef": {name, sha256, size}} where it is in a ConfigMap
  trace          {timestamp, level, source, kind: start|end|error|retry, message}, oldest first, as far as the
                 Task's status keeps it (older entries are in its history ConfigMaps)
  metadata       the Task's spec.metadata, and who asked for it, when, under which ids

  kubectl get ktask order-1 -o json | python -m kubesaga.api.execution_context
"""


class NotATask(ValueError):
    """What was given is no Task, or one that the operator has not looked at yet."""


def export(task: Mapping[str, Any]) -> Doc:
    """``{data: {context, results}, trace, metadata}`` of a Task object. Raises NotATask."""
    found = (task.get("apiVersion"), task.get("kind"))
    if found != (API_VERSION, TASK_KIND) or not {"metadata", "spec"} <= task.keys():
        raise NotATask(
            f"a {found[1]} of {found[0]} is no whole {TASK_KIND} of {API_VERSION}: give one Task, by its name"
        )
    status = task.get("status") or {}
    if "state" not in status:
        raise NotATask(
            f"Task {task['metadata']['name']} has no status yet: the operator has not looked at it. If it stays so, "
            "see whether the operator runs and watches this namespace"
        )
    return {
        "data": {
            "context": task["spec"].get("context") or {},
            "results": {step["name"]: _result(step) for step in status.get("steps") or ()},
        },
        "trace": trace(status.get("transitions") or ()),
        "metadata": {
            **metadata(task),
            "state": status["state"],
            "outcome": status.get("outcome"),
        },
    }


def metadata(task: Mapping[str, Any]) -> Doc:
    """The Task's ``spec.metadata`` with the Task's own facts over fields of the same name."""
    meta, spec, status = task["metadata"], task["spec"], task.get("status") or {}
    return {
        **(spec.get("metadata") or {}),
        "executionId": meta["uid"],
        "name": meta["name"],
        "namespace": meta["namespace"],
        "initiator": spec.get("initiator"),
        "sourceSystem": spec.get("sourceSystem"),
        "reason": spec.get("reason"),
        "tags": spec.get("tags") or [],
        "createdAt": meta.get("creationTimestamp"),
        "startedAt": status.get("startedAt"),
        "finishedAt": status.get("finishedAt"),
        "correlationId": correlation_id(task),
        "parentCorrelationId": spec.get("parentCorrelationId"),
    }


def correlation_id(task: Mapping[str, Any]) -> str:
    """What joins the Task to other requests: as it says, else its UID."""
    return str(task["spec"].get("correlationId") or task["metadata"]["uid"])


def _result(step: Mapping[str, Any]) -> Any:
    return {"resultRef": step["resultRef"]} if "resultRef" in step else step.get("result")


def main(arguments: list[str] | None = None) -> int:
    """Standard input to standard output; 65 and a sentence on standard error where the input is no Task."""
    parser = argparse.ArgumentParser(
        prog="python -m kubesaga.api.execution_context",
        description=USAGE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.parse_args(arguments)
    try:
        exported = export(_read(sys.stdin.buffer.read()))
    except NotATask as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 65
    # Bytes, since JSON is UTF-8 whatever the terminal is set to.
    sys.stdout.buffer.write(json.dumps(exported, indent=2, ensure_ascii=False).encode() + b"\n")
    return 0


def _read(text: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise NotATask(f"standard input is not JSON ({error}): write kubectl get ktask NAME -o json") from error
    if not isinstance(found, dict):
        raise NotATask("standard input is no JSON object: write kubectl get ktask NAME -o json")
    return found


if __name__ == "__main__":
    sys.exit(main())
