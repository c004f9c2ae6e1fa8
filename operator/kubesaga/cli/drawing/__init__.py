"""A template's steps as a picture: Mermaid, DOT, or text for a terminal.

``workflow`` takes what is to be drawn from a template, and the order of undoing; ``mermaid``, ``dot`` and ``terminal``
draw it. Called by the command ``graph`` and wherever a template is shown.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kubesaga.cli.drawing.formats import DrawingFormat

__all__ = ["DrawingFormat", "draw"]


def draw(spec: Mapping[str, Any], format_: DrawingFormat, *, name: str | None = None, undo: bool = False) -> str:
    """Draw a TaskTemplate's spec, or if ``undo`` the order in which its compensations run when all was done.

    ``name`` is the object's, which stands in where the spec has none. Raises GraphError if the steps form no graph.
    """
    from kubesaga.cli.drawing.dot import as_dot
    from kubesaga.cli.drawing.mermaid import as_mermaid
    from kubesaga.cli.drawing.terminal import as_text
    from kubesaga.cli.drawing.workflow import undoing, workflow

    drawers = {DrawingFormat.MERMAID: as_mermaid, DrawingFormat.DOT: as_dot, DrawingFormat.ASCII: as_text}
    drawn = workflow(spec, name)
    return drawers[format_](undoing(drawn) if undo else drawn)
