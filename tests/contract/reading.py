"""What the operator makes of a program's end: its own reader, over what the process left.

Used by the cases, so that no second opinion about the contract can grow here.
"""

from __future__ import annotations

from kubesaga.api.documents import Output, read_framed, read_output
from kubesaga.api.frames import joined
from kubesaga.engine.records import StepError
from tests.contract.attempt import Ended


def read(ended: Ended, *, expects_document: bool = True) -> Output:
    """The result or the error, taken out of the log where it is framed there."""
    output = read_output(ended.terminated, expects_document=expects_document)
    if output.framed is None:
        return output
    document = joined(ended.log, output.framed)
    if document is None:
        return Output(error=StepError("ResultUnreadable", "frames are missing in the log or do not fit their checksum"))
    return read_framed(document)
