"""One thing that is wrong, where it stands in a file, and the codes that only ``lint`` has."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from kubesaga.api.findings import Code


class Severity(StrEnum):
    """Whether it fails the check."""

    ERROR = "error"
    WARNING = "warning"


class LintCode(StrEnum):
    """What can be seen in files only, or only in several objects together; beside the findings' own codes."""

    INVALID_YAML = "InvalidYaml"
    DUPLICATE_KEY = "DuplicateKey"
    DUPLICATE_OBJECT = "DuplicateObject"
    DUPLICATE_VERSION = "DuplicateVersion"
    UNKNOWN_VERSION = "UnknownVersion"
    INVALID_CONTEXT = "InvalidContext"
    MISSING_IDEMPOTENCY_KEY = "MissingIdempotencyKey"


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem; ``path`` is the field's (``spec.steps[2].timeout``), ``object`` is ``Kind/name``, where known."""

    severity: Severity
    code: str
    file: str
    line: int
    column: int
    object: str
    path: str
    message: str
    remedy: str

    def as_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return asdict(self)


DESCRIPTIONS: dict[str, str] = {
    Code.INVALID_FIELD: "A field is unknown, missing, of the wrong type or out of bounds.",
    Code.INVALID_DURATION: "A duration cannot be read.",
    Code.INVALID_VERSION: "A version is no semantic version, or a range cannot be read.",
    Code.INVALID_CALLABLE: "A handler's callable has no form that Python could import.",
    Code.INVALID_PROGRAM: "A step has none or more than one of handler, container, task and approval, or settings that "
    "do not go with what it has.",
    Code.INVALID_RETRY: "Settings of retries contradict each other.",
    Code.INVALID_EXPRESSION: "A CEL expression cannot be compiled, or costs too much.",
    Code.INVALID_ACTION: "A TaskAction has a field too many or too few for its type.",
    Code.INVALID_INPUT_SCHEMA: "inputSchema cannot be used.",
    Code.INVALID_OUTPUT_SCHEMA: "outputSchema cannot be used.",
    Code.INVALID_RESULT_SCHEMA: "A step's resultSchema cannot be used.",
    Code.REMOTE_REFERENCE: "A JSON Schema refers to something outside of itself.",
    Code.METADATA_TOO_LARGE: "A Task's metadata is too large.",
    Code.TIMEOUT_TOO_SHORT: "A timeout is shorter than a second.",
    Code.NO_STEPS: "A workflow has no steps.",
    Code.TOO_MANY_STEPS: "A workflow has too many steps.",
    Code.DUPLICATE_STEP: "Two steps have the same name.",
    Code.DUPLICATE_DEPENDENCY: "A step waits for the same step twice.",
    Code.DUPLICATE_ENTRY: "An entry stands in a list or a map twice.",
    Code.UNKNOWN_DEPENDENCY: "A step waits for a step that does not exist, or for which it cannot wait.",
    Code.SELF_DEPENDENCY: "A step waits for itself.",
    Code.DEPENDENCY_CYCLE: "Steps wait for each other.",
    Code.UNKNOWN_STEP: "A step is named that does not exist, or that cannot be skipped.",
    Code.NOT_AN_ANCESTOR: "An expression reads a step that need not be over by then.",
    Code.SUB_WORKFLOW_CYCLE: "Templates run each other as sub-workflows without end.",
    Code.FIELD_WITHOUT_EFFECT: "A field has no effect where it stands.",
    Code.COMPENSATION_WITHOUT_PROGRAM: "A compensation has nothing that it could run.",
    Code.MISSING_IMAGE: "No image is named for a program; only the operator's default could help.",
    Code.RESERVED_ENVIRONMENT: "An environment variable has a name that is Kubesaga's own.",
    Code.RESERVED_LABEL: "A label has a name that is Kubesaga's own.",
    Code.RESERVED_VOLUME: "A volume or its mount path is Kubesaga's own.",
    Code.UNKNOWN_VOLUME: "A volume is mounted that the pod does not have.",
    Code.TOO_MANY_FINDINGS: "There are more findings than are listed.",
    LintCode.INVALID_YAML: "The file is not YAML or JSON.",
    LintCode.DUPLICATE_KEY: "A key stands in an object twice.",
    LintCode.DUPLICATE_OBJECT: "Two objects have the same kind, namespace and name.",
    LintCode.DUPLICATE_VERSION: "Two TaskTemplates are the same version of the same template.",
    LintCode.UNKNOWN_VERSION: "None of the versions at hand is the one that is asked for.",
    LintCode.INVALID_CONTEXT: "A Task's context breaks the inputSchema of its template.",
    LintCode.MISSING_IDEMPOTENCY_KEY: "A Task has no idempotencyKey, which its template asks for.",
}
"""What each code means, in a sentence."""
