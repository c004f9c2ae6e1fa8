"""Writing what was generated, without ever taking anything of the user's away.

Called by `init`, `generate` and `import`. All files are looked at before the first is written, so that a refusal
leaves nothing half done.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from kubesaga.cli import output
from kubesaga.cli.errors import CliError
from kubesaga.cli.exits import ExitCode

_LISTED = 5


def write_files(folder: Path, files: Mapping[str, str], *, force: bool = False) -> None:
    """Write the files below the folder, by relative path; those that are there with the same content stay.

    Raises CliError, code 5, if one is there with other content and ``force`` is not set.
    """
    different = [path for path, text in files.items() if _is_different(folder / path, text)]
    if different and not force:
        more = f" and {len(different) - _LISTED} more" if len(different) > _LISTED else ""
        raise CliError(
            f"{', '.join(str(folder / path) for path in different[:_LISTED])}{more}: there already, with other content",
            "nothing was written; choose another place, or write over what is there with --force",
            ExitCode.REFUSED,
        )
    for path, text in files.items():
        _write(folder / path, text)


def _is_different(path: Path, text: str) -> bool:
    if path.is_dir():
        raise CliError(f"{path}: is a folder, not a file", "choose another place", ExitCode.REFUSED)
    return path.exists() and path.read_bytes() != text.encode()


def _write(path: Path, text: str) -> None:
    if path.exists() and path.read_bytes() == text.encode():
        output.note(f"unchanged {path}")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    output.note(f"wrote {path}")
