"""The findings of a template, remembered by what was checked.

A template is looked at whenever it or a rival for its version changes, when a Task cannot wait until then, and at every
start of an operator; what is wrong with it depends on what is written in it alone. Called by ``templates``.
"""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from kubesaga.api.findings import Finding, check_template

MOST = 1024

_known: OrderedDict[bytes, tuple[Finding, ...]] = OrderedDict()


def findings_of(spec: Mapping[str, Any], *, name: str, default_image: str | None) -> tuple[Finding, ...]:
    """What ``check_template`` says. It is asked once for each content; the last 1024 are remembered."""
    key = hashlib.sha256(json.dumps([name, default_image, spec]).encode()).digest()
    found = _known.get(key)
    if found is None:
        found = _known[key] = tuple(check_template(spec, default_image=default_image, name=name))
        if len(_known) > MOST:
            _known.popitem(last=False)
    return found
