"""A thing that a human can do about a Task: the command to copy, and what it does. Made by ``remedies``."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from kubesaga.cli.views.story import Story


@dataclass(frozen=True, slots=True)
class Remedy:
    """One thing that a human can do: the command, and what it does."""

    command: str
    does: str


def remedy(story: Story, verb: str, does: str, *words: str) -> Remedy:
    """One of Kubesaga's own verbs about the Task."""
    return Remedy(command(story, verb, *words), does)


def command(story: Story, verb: str, *words: str, task: bool = True) -> str:
    """A call of ``kubesaga``: about the Task, or with these words alone; in its namespace."""
    named = [story.name, *words] if task else list(words)
    return f"kubesaga {verb}" + "".join(f" {shlex.quote(word)}" for word in named) + in_namespace(story)


def explain_other(story: Story, name: str, does: str) -> Remedy:
    """To ask about another Task of the same namespace."""
    return Remedy(f"kubesaga explain {name}{in_namespace(story)}", does)


def in_namespace(story: Story) -> str:
    """The option that names the Task's namespace."""
    return f" -n {story.namespace}" if story.namespace else ""
