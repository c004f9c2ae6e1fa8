"""``logs``: what the programs of a Task's steps said; of one step, or of all, with its name before each line."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated

import typer

from kubesaga.cli import output
from kubesaga.cli.arguments import OptionalStep, TaskName
from kubesaga.cli.cluster import Cluster, check_step, on_cluster, task_expected
from kubesaga.cli.errors import CliError
from kubesaga.cli.exits import ExitCode
from kubesaga.cli.groups import Section
from kubesaga.engine.vocabulary import Role

if TYPE_CHECKING:
    from kubesaga.client import AsyncKubesaga, Step, Task

_RETENTION = "Jobs and their logs are kept for an hour after the Task's end (operator.jobRetention)"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("logs", rich_help_panel=Section.RUN)(on_cluster(logs))


@dataclass(frozen=True, order=True)
class Source:
    """One attempt whose program writes a log."""

    step: str
    role: Role
    attempt: int

    @property
    def prefix(self) -> str:
        """What stands before its lines where there are several sources."""
        undo = "" if self.role is Role.FORWARD else " undo"
        return f"[{self.step}{undo} #{self.attempt}] "


def logs(
    cluster: Cluster,
    task: TaskName,
    step: OptionalStep = None,
    attempt: Annotated[
        int | None, typer.Option("--attempt", metavar="N", min=1, help="Which attempt; default: the latest.")
    ] = None,
    compensation: Annotated[bool, typer.Option("--compensation", help="Of the step's undoing.")] = False,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with what is still to come, later attempts too, to the end.")
    ] = False,
) -> None:
    """Print what a step's program said.

    Of every step, its name before each line, where none is named.
    """
    if attempt is not None and step is None:
        raise CliError(
            "--attempt needs a STEP: each step counts its own", f"such as: kubesaga logs {task} STEP --attempt 1"
        )
    wanted = _Wanted(task, step, attempt, Role.COMPENSATION if compensation else None)

    async def do(saga: AsyncKubesaga) -> None:
        async with task_expected(saga, task):
            found = await saga.get(task)
        if follow:
            await _follow(saga, wanted)
        else:
            wanted.check(found)
            await _print(saga, wanted, found)

    cluster.run(do)


@dataclass(frozen=True)
class _Wanted:
    """Which logs were asked for; ``role`` None where both are shown."""

    task: str
    step: str | None
    attempt: int | None
    role: Role | None

    def check(self, task: Task, *, follow: bool = False) -> None:
        """Refuse what has no log or, where it is followed, never will have one. Raises CliError."""
        if self.step is None or (follow and not task.steps and not (task.finished or task.deleted)):
            return  # a Task that was just submitted has no steps yet
        check_step(self.task, self.step, [each.name for each in task.steps])
        found = task.step(self.step)
        if found is not None and found.child_name:
            hint = f"see: kubesaga logs {found.child_name} -n {task.namespace}"
            raise CliError(f"step {self.step} runs a sub-workflow, which has logs of its own", hint, ExitCode.NOT_FOUND)
        record = found.compensation if found is not None and self.role is Role.COMPENSATION else found
        if record is not None and not follow and (self.attempt or 0) > record.attempt:
            hint = f"it is at attempt {record.attempt}" if record.attempt else "it has not run yet"
            raise CliError(f"step {self.step} has had no attempt {self.attempt}", hint, ExitCode.NOT_FOUND)

    def sources(self, task: Task) -> list[Source]:
        """The attempts on record that fit, in the order of their beginnings."""
        found = [(at, source) for step in task.steps for at, source in self._of(step)]
        return [source for _, source in sorted(found)]

    def _of(self, step: Step) -> Iterable[tuple[str, Source]]:
        if self.step not in (None, step.name):
            return
        roles = [self.role] if self.role else [Role.FORWARD] if self.step else list(Role)
        for role in roles:
            record = step if role is Role.FORWARD else step.compensation
            if record is not None and record.job_name:
                number = self.attempt or record.attempt
                yield record.raw.get("enqueuedAt", ""), Source(step.name, role, number)

    def is_over(self, task: Task) -> bool:
        """Whether nothing of what was asked for is still to come."""
        if task.finished or task.deleted:
            return True
        step = task.step(self.step) if self.step is not None else None
        record = step.compensation if step is not None and self.role is Role.COMPENSATION else step
        return record is not None and (record.outcome is not None or record.attempt > (self.attempt or record.attempt))

    @property
    def prefixed(self) -> bool:
        """Whether lines say where they come from."""
        return self.step is None


async def _print(saga: AsyncKubesaga, wanted: _Wanted, task: Task) -> None:
    """What there is now."""
    from kubesaga.client import NoResult

    sources = wanted.sources(task)
    missing = []
    for source in sources:
        try:
            await _copy(saga, wanted, source, follow=False)
        except NoResult:
            missing.append(source.prefix.strip("[] "))
    if not sources:
        what = f"step {wanted.step}" if wanted.step else "it"
        raise CliError(f"Task {wanted.task} has no log: no program of {what} was started", None, ExitCode.NOT_FOUND)
    if len(missing) == len(sources):
        raise CliError(f"no log is left of {', '.join(missing)}", _RETENTION, ExitCode.NOT_FOUND)
    if missing:
        output.note(f"no log is left of {', '.join(missing)}: {_RETENTION}")


async def _follow(saga: AsyncKubesaga, wanted: _Wanted) -> None:
    """What there is and what comes, each attempt as it starts, until no more can come. Raises CliError."""
    import asyncio

    from kubesaga.client import KubesagaError, NoResult

    async def copy(source: Source) -> None:
        try:
            await _copy(saga, wanted, source, follow=True)
        except NoResult as error:
            output.note(f"{error} ({error.remedy})")

    begun: dict[tuple[str, Role], int] = {}
    try:
        async with asyncio.TaskGroup() as group, aclosing(saga.watch(wanted.task)) as versions:
            async for task in versions:
                wanted.check(task, follow=True)
                for source in wanted.sources(task):
                    for each in _unread(source, begun):
                        group.create_task(copy(each))
                if wanted.is_over(task):
                    break
    except* (CliError, KubesagaError, OSError) as failed:  # an OSError: nobody reads what is written, or it has no room
        first = failed.exceptions[0]
        raise first from first.__cause__


def _unread(latest: Source, begun: dict[tuple[str, Role], int]) -> list[Source]:
    """The attempts up to this one since the last that was begun, which are several after a watch was cut off."""
    key = latest.step, latest.role
    numbers = range(begun.get(key, latest.attempt - 1) + 1, latest.attempt + 1)
    begun[key] = latest.attempt
    return [replace(latest, attempt=number) for number in numbers]


async def _copy(saga: AsyncKubesaga, wanted: _Wanted, source: Source, *, follow: bool) -> None:
    prefix = source.prefix if wanted.prefixed else ""
    said = saga.logs(wanted.task, source.step, attempt=source.attempt, role=source.role, follow=follow)
    async with aclosing(said) as lines:
        async for line in lines:
            sys.stdout.write(f"{prefix}{line.text}\n")
            if follow:
                sys.stdout.flush()
