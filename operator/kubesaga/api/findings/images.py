"""Programs for which nobody names an image."""

from __future__ import annotations

from kubesaga.api.findings.finding import Code, Finding, finding, listed
from kubesaga.api.findings.raw import Raw, all_steps, an_object, called, has
from kubesaga.api.models.steps import PROGRAMS


def image_findings(spec: Raw, path: str, default_image: str | None) -> list[Finding]:
    """One finding that names all steps without an image; ``default_image`` is the operator's."""
    if default_image or has(an_object(spec, "defaults"), "image"):
        return []
    names = [called(step, i) for _, i, step in all_steps(spec, path) if _lacks_image(step)]
    if not names:
        return []
    return [
        finding(
            Code.MISSING_IMAGE,
            f"{path}.defaults.image",
            f"no image for {listed(names)}: neither they nor the defaults name one, and the operator has none",
            "write the image of your handlers here",
        )
    ]


def _lacks_image(step: Raw) -> bool:
    """Whether one of the step's programs depends on a default image."""
    compensation = an_object(step, "compensation")
    lacking = any(has(step, key) and not has(an_object(step, key), "image") for key in PROGRAMS)
    if has(compensation, "container"):
        return lacking or not has(an_object(compensation, "container"), "image")
    if has(compensation, "handler"):
        own_image = has(an_object(compensation, "handler"), "image") or has(an_object(step, "handler"), "image")
        return lacking or not own_image
    return lacking
