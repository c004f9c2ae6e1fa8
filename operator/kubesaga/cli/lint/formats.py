"""How ``lint`` can show what it found. Apart from ``report``, since the command's help names them."""

from __future__ import annotations

from enum import StrEnum


class LintFormat(StrEnum):
    """What ``-o`` takes: text has a line for each problem, github makes annotations in a workflow's run."""

    TEXT = "text"
    TABLE = "table"
    JSON = "json"
    YAML = "yaml"
    GITHUB = "github"
    SARIF = "sarif"
