"""The step contract as names and numbers: what the operator and a step's program have agreed upon.

Read by every module that touches the process's edge (step_input, outcome, runner, cli); the operator keeps
its own copy of these names, since neither package imports the other.
"""

from __future__ import annotations

from typing import Final

API_VERSION: Final = "kubesaga.dev/v1alpha1"
INPUT_KIND: Final = "StepInput"

ENV_INPUT: Final = "KUBESAGA_INPUT"
ENV_INPUT_FILE: Final = "KUBESAGA_INPUT_FILE"
ENV_TASK: Final = "KUBESAGA_TASK"
ENV_STEP: Final = "KUBESAGA_STEP"
ENV_ATTEMPT: Final = "KUBESAGA_ATTEMPT"
ENV_RESULT_FILE: Final = "KUBESAGA_RESULT_FILE"

DEFAULT_RESULT_FILE: Final = "/dev/termination-log"
RESULT_LIMIT: Final = 4096
"""Bytes of a result file: the kubelet cuts a termination message there."""
FRAMED_LIMIT: Final = 256 * 1024
"""Bytes of a result document that is framed in the log, since it does not fit into the result file."""
METADATA_LIMIT: Final = 4096
"""Bytes of a result's metadata: the operator refuses more."""
FRAME_PREFIX: Final = "kubesaga-result"
FRAME_CHUNK: Final = 2048
"""Characters of base64 in a frame."""

METHOD_CALL: Final = "call"
METHOD_COMPENSATE: Final = "compensate"

EVENT_FIELD: Final = "kubesaga.dev/event"
"""The field of a log line that makes it an event."""
EVENT_LIMIT: Final = 8 * 1024
"""Bytes of an event's payload: container runtimes cut lines at 16 KiB."""

# Exit codes 64 to 78 (sysexits.h) mean "do not retry", 0 means done, anything else "try again".
EXIT_DONE: Final = 0
EXIT_RETRYABLE: Final = 1
EXIT_USAGE: Final = 64
EXIT_DATA: Final = 65
EXIT_SOFTWARE: Final = 70
EXIT_CONFIG: Final = 78
PERMANENT_EXIT_CODES: Final = range(64, 79)
EXIT_TERMINATED: Final = 143
"""128 + SIGTERM, as a shell would report it."""
