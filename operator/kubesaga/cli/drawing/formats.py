"""How a template can be drawn. Apart from the others, since a command's help names them."""

from __future__ import annotations

from enum import StrEnum


class DrawingFormat(StrEnum):
    """ascii is for the terminal, mermaid for Markdown, dot for Graphviz."""

    ASCII = "ascii"
    MERMAID = "mermaid"
    DOT = "dot"
