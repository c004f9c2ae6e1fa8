"""What an object may be called in Kubernetes, and a Task besides: its name becomes a label's value.

Asked where a name is judged or chosen before an API server sees it: by ``lint``, by the client, by local runs, and by
the operator's settings.
"""

from __future__ import annotations

import re

from kubesaga.api.constants import MAX_LABEL_LENGTH

MAX_OBJECT_NAME = 253
MAX_TASK_NAME = MAX_LABEL_LENGTH

_NAME = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_NOT_IN_NAMES = re.compile(r"[^a-z0-9-]+")


def is_object_name(text: str) -> bool:
    """Whether Kubernetes takes it as the name of an object of Kubesaga: words of a-z, 0-9 and inner ``-`` with dots."""
    return len(text) <= MAX_OBJECT_NAME and _NAME.fullmatch(text) is not None


def is_task_name(text: str) -> bool:
    """Whether a Task may have it: an object's name of at most 63 characters."""
    return len(text) <= MAX_TASK_NAME and is_object_name(text)


def name_after(words: str, ending: str) -> str:
    """A name for a Task or an action: of the words as much as a name can hold, ``-``, and the whole ending."""
    beginning = _NOT_IN_NAMES.sub("-", words.lower())[: MAX_TASK_NAME - len(ending) - 1].strip("-")
    return f"{beginning}-{ending}"
