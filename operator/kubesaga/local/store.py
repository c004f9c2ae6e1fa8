"""The state of local runs: one SQLite file, in which every decision stands before it is carried out.

A run holds a lock beside the file for as long as it goes, so that no two processes work on it; what is in the file is
enough to go on with (``Kept``). Whatever SQLite has to say against a file becomes one LocalError with a remedy.
"""

from __future__ import annotations

import fcntl
import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from kubesaga.api.history import Block
from kubesaga.engine.decision import Attempt
from kubesaga.engine.encoding import to_text
from kubesaga.local.errors import Fault, LocalError
from kubesaga.local.tasks import LocalTask

Obj = dict[str, Any]

SCHEMA_VERSION = 1
_APPLICATION = 0x6B756265  # "kube", in the file's header
_BUSY_SECONDS = 10.0
_POLL = 0.02

_SCHEMA = """
CREATE TABLE runs (
    uid TEXT PRIMARY KEY, name TEXT NOT NULL UNIQUE, created_at REAL NOT NULL, ahead REAL NOT NULL DEFAULT 0,
    ended INTEGER NOT NULL DEFAULT 0, templates TEXT NOT NULL, settings TEXT NOT NULL
);
CREATE TABLE tasks (
    uid TEXT PRIMARY KEY, run TEXT NOT NULL REFERENCES runs(uid) ON DELETE CASCADE, position INTEGER NOT NULL,
    link TEXT, object TEXT NOT NULL
);
CREATE TABLE results (
    task TEXT NOT NULL REFERENCES tasks(uid) ON DELETE CASCADE, name TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (task, name)
);
CREATE TABLE history (
    task TEXT NOT NULL REFERENCES tasks(uid) ON DELETE CASCADE, number INTEGER NOT NULL, transitions TEXT NOT NULL,
    PRIMARY KEY (task, number)
);
CREATE TABLE processes (
    task TEXT NOT NULL REFERENCES tasks(uid) ON DELETE CASCADE, step TEXT NOT NULL, role TEXT NOT NULL,
    attempt INTEGER NOT NULL, pid INTEGER NOT NULL, PRIMARY KEY (task, step, role, attempt)
);
"""


@dataclass(frozen=True)
class KeptTask:
    """A Task as it was kept: its object, the link to its parent, and what its status' references stand for."""

    obj: Obj
    link: Obj | None
    values: dict[str, Any]


@dataclass(frozen=True)
class Kept:
    """A run as it was kept; the tasks' first is the root. ``ahead`` are the seconds of its clock, see ``Clock``."""

    uid: str
    name: str
    ahead: float
    templates: list[Obj]
    settings: Obj
    tasks: list[KeptTask]


class Store:
    """A state file; without ``create`` it has to be there. Every method raises LocalError where SQLite fails."""

    def __init__(self, path: Path, *, create: bool = True) -> None:
        if not create and not path.exists():
            raise LocalError(f"{path}: there is no state file", "name it with --state FILE", Fault.NOT_FOUND)
        self.path = path
        self._lock: BinaryIO | None = None
        self._stored: set[tuple[str, str]] = set()
        with self._explained():
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            try:
                self._prepare()
            except BaseException:
                self._db.close()
                raise

    def close(self) -> None:
        """Let the run and the file go."""
        self._db.close()
        if self._lock is not None:
            self._lock.close()

    def _prepare(self) -> None:
        # In this order: a file that another process is just making has its numbers once it has its tables.
        (tables,) = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        (application,) = self._db.execute("PRAGMA application_id").fetchone()
        if tables and application != _APPLICATION:
            raise LocalError(f"{self.path}: is not a state file of kubesaga run", "name another one with --state FILE")
        if tables and version != SCHEMA_VERSION:
            raise LocalError(
                f"{self.path}: was written by another release of kubesaga (version {version}, not {SCHEMA_VERSION})",
                "go on with that release, or name another file with --state FILE",
            )
        self._write_ahead()
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._db.execute("PRAGMA foreign_keys = ON")
        if not tables:
            with self._transaction():
                if not self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                    for statement in filter(str.strip, _SCHEMA.split(";")):
                        self._db.execute(statement)
                    self._db.execute(f"PRAGMA application_id = {_APPLICATION}")
                    self._db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")

    def _write_ahead(self) -> None:
        """Have SQLite keep a log. Where another process does so just now it waits for that one, but not by itself."""
        until = time.monotonic() + _BUSY_SECONDS
        while True:
            try:
                self._db.execute("PRAGMA journal_mode = WAL")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise
            time.sleep(_POLL)

    # --- runs ------------------------------------------------------------------------------------------------

    def begin(self, uid: str, name: str, at: float, templates: Iterable[Obj], settings: Mapping[str, Any]) -> None:
        """Record a new run, and take its lock. It takes the place of one of its name that has ended."""
        self._take_lock(name)
        with self._explained(), self._transaction():
            before = self._db.execute("SELECT uid, ended FROM runs WHERE name = ?", (name,)).fetchone()
            if before and not before[1]:
                raise LocalError(
                    f"{self.path}: has a run {name} that has not ended",
                    f"go on with it by --resume {name}, or give this one another name with --name",
                    Fault.REFUSED,
                )
            if before:
                self._db.execute("DELETE FROM runs WHERE uid = ?", before[:1])
                for log in self.logs(name).glob("*.log"):
                    log.unlink()
            self._db.execute(
                "INSERT INTO runs (uid, name, created_at, templates, settings) VALUES (?, ?, ?, ?, ?)",
                (uid, name, at, to_text(list(templates)), to_text(settings)),
            )

    def load(self, name: str | None) -> Kept:
        """A run by its name, or (None) the latest that has not ended; takes its lock."""
        with self._explained():
            row = self._find(name)
            self._take_lock(row[1])
            uid, name, ahead, templates, settings = row
            tasks = self._db.execute(
                "SELECT uid, object, link FROM tasks WHERE run = ? ORDER BY position", (uid,)
            ).fetchall()
            kept = [
                KeptTask(json.loads(obj), json.loads(link) if link else None, self._values(task))
                for task, obj, link in tasks
            ]
            return Kept(uid, name, ahead, json.loads(templates), json.loads(settings), kept)

    def names(self) -> list[str]:
        """The runs, the latest first."""
        with self._explained():
            return [name for (name,) in self._db.execute("SELECT name FROM runs ORDER BY created_at DESC, rowid DESC")]

    def _find(self, name: str | None) -> Any:
        columns = "SELECT uid, name, ahead, templates, settings FROM runs"
        if name is None:
            row = self._db.execute(f"{columns} WHERE NOT ended ORDER BY created_at DESC, rowid DESC").fetchone()
        else:
            row = self._db.execute(f"{columns} WHERE name = ?", (name,)).fetchone()
        if row is None:
            known = ", ".join(self.names()[:10])
            what = f"no run {name}" if name else "no run that has not ended"
            raise LocalError(f"{self.path}: has {what}", f"it has: {known}" if known else None, Fault.NOT_FOUND)
        return row

    def _values(self, task: str) -> dict[str, Any]:
        rows = self._db.execute("SELECT name, value FROM results WHERE task = ?", (task,))
        return {name: json.loads(value) for name, value in rows}

    # --- a run under way ----------------------------------------------------------------------------------------

    def write(
        self, run: str, tasks: Iterable[tuple[LocalTask, tuple[Block, ...]]], *, ahead: float, ended: bool
    ) -> None:
        """Write what was decided, all at once: each Task's object, its new large results, its history's blocks."""
        with self._explained(), self._transaction():
            self._db.execute("UPDATE runs SET ahead = ?, ended = ? WHERE uid = ?", (ahead, ended, run))
            for task, blocks in tasks:
                self._write(run, task, blocks)

    def _write(self, run: str, task: LocalTask, blocks: tuple[Block, ...]) -> None:
        link = task.session.link
        written = None if link is None else to_text({name: getattr(link, name) for name in link.__dataclass_fields__})
        self._db.execute(
            "INSERT INTO tasks (uid, run, position, link, object) VALUES"
            " (?, ?, (SELECT count(*) FROM tasks WHERE run = ?), ?, ?)"
            " ON CONFLICT (uid) DO UPDATE SET object = excluded.object",
            (task.uid, run, run, written, to_text(task.obj)),
        )
        for name, value in task.session.values.items():
            if (task.uid, name) not in self._stored:
                self._db.execute(
                    "INSERT OR IGNORE INTO results (task, name, value) VALUES (?, ?, ?)",
                    (task.uid, name, to_text(value)),
                )
                self._stored.add((task.uid, name))
        for block in blocks:
            self._db.execute(
                "INSERT OR REPLACE INTO history (task, number, transitions) VALUES (?, ?, ?)",
                (task.uid, block.number, block.text),
            )

    def write_process(self, task: str, attempt: Attempt, pid: int) -> None:
        """Remember which process runs an attempt."""
        with self._explained():
            self._db.execute(
                "INSERT OR REPLACE INTO processes (task, step, role, attempt, pid) VALUES (?, ?, ?, ?, ?)",
                (task, attempt.step, str(attempt.role), attempt.number, pid),
            )

    def process(self, task: str, attempt: Attempt) -> int | None:
        """Which process ran an attempt, if that was remembered."""
        with self._explained():
            found = self._db.execute(
                "SELECT pid FROM processes WHERE task = ? AND step = ? AND role = ? AND attempt = ?",
                (task, attempt.step, str(attempt.role), attempt.number),
            ).fetchone()
        return None if found is None else int(found[0])

    def history(self, task: str) -> list[Obj]:
        """The entries that have moved out of a Task's status, oldest first."""
        with self._explained():
            rows = self._db.execute("SELECT transitions FROM history WHERE task = ? ORDER BY number", (task,))
            return [entry for (text,) in rows for entry in json.loads(text)]

    # --- SQLite ----------------------------------------------------------------------------------------------

    def logs(self, run: str) -> Path:
        """The folder with the logs of a run's programs."""
        return self.path.parent / f"{self.path.stem}.logs" / run

    def _take_lock(self, run: str) -> None:
        folder = self.logs(run)
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise LocalError(
                f"{self.path}: run {run} is under way in another process",
                "wait for it, or end it with Ctrl-C there",
                Fault.REFUSED,
            ) from None
        self._lock = lock

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            message, hint = _explanation(error)
            raise LocalError(f"{self.path}: {message}", hint) from error
        except (json.JSONDecodeError, KeyError) as error:
            raise LocalError(f"{self.path}: is damaged: {error}", _OTHER_FILE) from error


_OTHER_FILE = "move it away, or name another one with --state FILE"


def _explanation(error: sqlite3.Error) -> tuple[str, str]:
    said = str(error)
    if "locked" in said or "busy" in said:
        return "another process is writing into it", "try again once that is done, or name another with --state FILE"
    if "not a database" in said or "malformed" in said or "no such" in said:
        return f"is no state file, or is damaged ({said})", _OTHER_FILE
    if "readonly" in said or "unable to open" in said:
        return f"cannot be written ({said})", "check the path and its permissions, or name another with --state FILE"
    if "full" in said:
        return f"cannot be written ({said})", "make room on the disk, then go on with --resume"
    return f"SQLite cannot work with it ({said})", _OTHER_FILE
