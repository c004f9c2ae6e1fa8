"""From files to a report: all checks, without what comments ask not to be told about, in the order of the files."""

from __future__ import annotations

from collections.abc import Iterable

from kubesaga.cli.lint.across import check_across
from kubesaga.cli.lint.documents import read_all
from kubesaga.cli.lint.report import Report
from kubesaga.cli.lint.single import check_object


def check_files(paths: Iterable[str], environment: str | None = None) -> Report:
    """Check everything in these files and folders. Raises CliError for one that cannot be opened."""
    reading = read_all(paths)
    found = [*reading.problems]
    for document in reading.documents:
        found += check_object(document, environment)
    found += check_across(reading.documents)
    wanted = [problem for problem in found if not any(silence.covers(problem) for silence in reading.silences)]
    order = {name: i for i, name in enumerate(reading.files)}
    wanted.sort(key=lambda problem: (order[problem.file], problem.line, problem.column))
    return Report(tuple(wanted), len(reading.documents), len(reading.files), reading.ignored)
