"""Write everything that is made from the models: ``python -m kubesaga.api.generate [--check]``.

crds/ for the API server (and a copy in the chart), schemas/ for editors. CI runs it with ``--check``, so that neither
drifts.
"""

from __future__ import annotations

import argparse
import difflib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from kubesaga.api import constants as c
from kubesaga.api.crds import task_action_crd, task_crd, task_template_crd
from kubesaga.api.editor_schemas import task_action_schema, task_schema, task_template_schema

_HEADER = "# Generated from operator/kubesaga/api by `python -m kubesaga.api.generate`; not to be edited.\n"


def generated_files() -> dict[str, str]:
    """Content of each generated file by its path in the project."""
    crds = {
        f"{c.GROUP}_{c.ACTION_PLURAL}.yaml": _yaml(task_action_crd()),
        f"{c.GROUP}_{c.TASK_PLURAL}.yaml": _yaml(task_crd()),
        f"{c.GROUP}_{c.TEMPLATE_PLURAL}.yaml": _yaml(task_template_crd()),
    }
    return {
        **{f"crds/{name}": content for name, content in crds.items()},
        # A chart cannot read files outside of its own folder.
        **{f"charts/kubesaga/crd-files/{name}": content for name, content in crds.items()},
        f"schemas/{c.ACTION_SINGULAR}.json": _json(task_action_schema()),
        f"schemas/{c.TASK_SINGULAR}.json": _json(task_schema()),
        f"schemas/{c.TEMPLATE_SINGULAR}.json": _json(task_template_schema()),
    }


class _Dumper(yaml.SafeDumper):
    """Without anchors: a CRD's reader wants to see each field where it is."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _yaml(document: dict[str, Any]) -> str:
    return _HEADER + yaml.dump(document, Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _difference(path: Path, expected: str) -> str:
    found = path.read_text(encoding="utf-8") if path.exists() else ""
    lines = difflib.unified_diff(
        found.splitlines(keepends=True),
        expected.splitlines(keepends=True),
        fromfile=f"{path} (as it is)",
        tofile=f"{path} (as the models say)",
    )
    return "".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 1 if ``--check`` finds a difference, else 0."""
    parser = argparse.ArgumentParser(prog="python -m kubesaga.api.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare only, print what differs, exit with 1 if so")
    parser.add_argument("--root", type=Path, default=Path(), help="the project's folder (default: the current one)")
    options = parser.parse_args(arguments)

    stale = False
    for name, content in generated_files().items():
        path = options.root / name
        if options.check:
            difference = _difference(path, content)
            stale = stale or bool(difference)
            sys.stdout.write(difference)
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
    if stale:
        print("Run `python -m kubesaga.api.generate` and commit the result.", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
