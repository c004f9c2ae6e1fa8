"""The options that many commands share, with kubectl's names for what kubectl has too.

One thing differs: ``--context`` is the Task's context wherever a command takes one, so the kubeconfig's context is
``--kube-context`` everywhere.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class Format(StrEnum):
    """What ``-o`` takes where a command shows objects."""

    TABLE = "table"
    WIDE = "wide"
    JSON = "json"
    YAML = "yaml"
    NAME = "name"


class TextFormat(StrEnum):
    """What ``-o`` takes where a command has one text to show, or its data."""

    TEXT = "text"
    JSON = "json"
    YAML = "yaml"


CLUSTER_OPTIONS = "Cluster options"
"""The heading of those that say which cluster is meant, and how to speak to it."""

CLUSTER_NAMES = frozenset({"-n", "--namespace", "--kubeconfig", "--kube-context", "--request-timeout"})
"""Their names; they may stand before the command."""

Kubeconfig = Annotated[
    str | None,
    typer.Option(
        "--kubeconfig",
        metavar="FILE",
        help="The kubeconfig; default: $KUBECONFIG, else ~/.kube/config, else the pod's own account.",
        rich_help_panel=CLUSTER_OPTIONS,
    ),
]
KubeContext = Annotated[
    str | None,
    typer.Option(
        "--kube-context",
        metavar="NAME",
        help="The kubeconfig's context (kubectl: --context; here that is the Task's).",
        rich_help_panel=CLUSTER_OPTIONS,
    ),
]
Namespace = Annotated[
    str | None,
    typer.Option(
        "--namespace",
        "-n",
        metavar="NAME",
        help="The namespace; default: that of the kubeconfig's context.",
        rich_help_panel=CLUSTER_OPTIONS,
    ),
]
AllNamespaces = Annotated[bool, typer.Option("--all-namespaces", "-A", help="Look at all namespaces.")]
RequestTimeout = Annotated[
    str | None,
    typer.Option(
        "--request-timeout",
        metavar="DURATION",
        help="How long one request to the API server may take, such as 10s; default: 30s.",
        rich_help_panel=CLUSTER_OPTIONS,
    ),
]
Output = Annotated[Format, typer.Option("--output", "-o", help="How to show it.")]
TextOutput = Annotated[TextFormat, typer.Option("--output", "-o", help="How to show it.")]
