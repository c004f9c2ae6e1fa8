"""What a new version of a template changes, whom that concerns, and whether its version number says so.

Pure: ``changes`` compares two specs, ``schemas`` two JSON Schemas, ``numbers`` two version numbers. Called by the
command ``diff``.
"""

from __future__ import annotations

from kubesaga.api.compatibility.change import Change, Impact
from kubesaga.api.compatibility.changes import compare_templates, worst
from kubesaga.api.compatibility.numbers import Bump, Verdict, judge

__all__ = ["Bump", "Change", "Impact", "Verdict", "compare_templates", "judge", "worst"]
