"""The ways out for a Task that needs attention, by the reason of its condition: what docs/troubleshooting.md says.

Part of ``remedies``, which has the rest of what can be done in the Task's state.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kubesaga.cli.views.remedy import Remedy, in_namespace, remedy
from kubesaga.cli.views.story import Story

DEAF = frozenset({"RevisionMissing", "RevisionUnreadable", "RequestChanged", "ResultNotStored"})
"""Until the cause of these is removed, the operator looks at nothing else: no action and no cancellation helps."""

_ASKED_FOR = re.compile(r"ConfirmStopped for step ([a-z0-9_]+)")
_MISSING_OF = re.compile(r"step ([a-z0-9_]+): ")


def ways_out(story: Story) -> Iterator[Remedy]:
    """What removes the cause; none where the state alone says what can be done, or nothing can."""
    attention = story.status.attention
    match attention.reason if attention else None:
        case "StepNotStopped":
            for step in _named(_ASKED_FOR, story):
                yield remedy(story, "confirm-stopped", f"your word that nothing of {step} runs any more", step)
        case "ChildMissing":
            for step in _named(_MISSING_OF, story):
                yield from _without_child(story, step)
        case "FenceRefused":
            yield Remedy(f"kubectl describe resourcequota{in_namespace(story)}", "see which quota refuses the Job")
        case "ResultNotStored":
            yield Remedy(
                f"kubectl describe resourcequota{in_namespace(story)}", "see which quota refuses the ConfigMap"
            )
        case "RevisionMissing":
            yield Remedy(
                f"kubectl apply{in_namespace(story)} -f FILE",
                f"record the template {story.template} anew, with the same content and version",
            )
        case "RevisionUnreadable" if story.status.template:
            name = f"controllerrevision {story.status.template.revision}{in_namespace(story)}"
            yield Remedy(f"kubectl get {name} -o yaml", "see what this version of the operator cannot read")
        case "RequestChanged":
            name = f"ktask {story.name}{in_namespace(story)}"
            yield Remedy(f"kubectl edit {name}", "put its spec back as it was")
            yield Remedy(f"kubectl delete {name}", "delete it, if nothing of it has to be undone first")


def _named(pattern: re.Pattern[str], story: Story) -> list[str]:
    """The step that the message names, if it is one of the Task's."""
    message = story.status.attention.message if story.status.attention else ""
    found = pattern.search(message)
    return [found[1]] if found and story.step(found[1]) is not None else []


def _without_child(story: Story, step: str) -> Iterator[Remedy]:
    """Where a child Task was deleted, and nobody knows what it had done: a human looks, and says."""
    if story.status.ending is None:
        yield remedy(story, "complete", "give its result by hand", step, "--result", "JSON")
        yield remedy(story, "resolve", "declare it settled without a result", step)
        yield remedy(story, "fail", "declare it failed", step)
