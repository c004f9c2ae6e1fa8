"""How YAML is written: so that kubectl reads what was meant, and not only PyYAML.

PyYAML leaves the quotes off words that are text to itself alone: to kubectl 1e3 is a number, and y is true. Used by
``output`` and by ``import``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import yaml

from kubesaga.api.yaml_loader import PlainLoader


class _Dumper(yaml.SafeDumper):
    """The safe dumper, with quotes around every word that anybody takes for something else than text."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [
            *yaml.SafeDumper.yaml_implicit_resolvers.get(first, []),
            *PlainLoader.yaml_implicit_resolvers.get(first, []),
        ]
        for first in {*yaml.SafeDumper.yaml_implicit_resolvers, *PlainLoader.yaml_implicit_resolvers}
    }


_Dumper.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"[yYnN]\Z"), list("yYnN"))


def to_yaml(documents: Iterable[Any], *, ascii_only: bool = False) -> str:
    """The documents as YAML, in block style, their fields in the order that they have."""
    return str(yaml.dump_all(documents, Dumper=_Dumper, sort_keys=False, allow_unicode=not ascii_only, width=120))
