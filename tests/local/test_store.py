"""State files that are none, or are in use: one sentence each, with the remedy."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from threading import Timer

import pytest

from kubesaga.local.errors import Fault, LocalError
from kubesaga.local.start import resume
from kubesaga.local.store import Store
from tests.local.support import finished, handler, opened, started, template


def refusal(path: Path) -> LocalError:
    with pytest.raises(LocalError) as raised:
        Store(path)
    assert raised.value.hint
    assert "\n" not in raised.value.message
    return raised.value


def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    path.write_text("this is a shopping list, and long enough to be looked at" * 20)
    assert "is no state file, or is damaged" in refusal(path).message


def test_a_database_of_something_else_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE shopping (item TEXT)")
    other.close()
    assert "is not a state file of kubesaga run" in refusal(path).message


def test_a_file_of_another_release_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    Store(path).close()
    other = sqlite3.connect(path)
    other.execute("PRAGMA user_version = 99")
    other.close()
    assert "version 99, not 1" in refusal(path).message


def test_a_damaged_file_is_told_when_it_is_read(tmp_path: Path) -> None:
    finished(tmp_path, template(handler("a")), inline=True)
    path = tmp_path / "runs.db"
    other = sqlite3.connect(path)
    other.execute("UPDATE tasks SET object = '{\"metadata\"'")
    other.commit()
    other.close()
    with pytest.raises(LocalError, match="is damaged"):
        resume(opened(tmp_path), "task")


def test_a_folder_cannot_be_a_state_file(tmp_path: Path) -> None:
    assert "cannot be written" in refusal(tmp_path).message


def test_a_file_that_another_process_writes_into_is_not_waited_for_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kubesaga.local.store._BUSY_SECONDS", 0.05)
    path = tmp_path / "runs.db"
    store = opened(tmp_path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LocalError, match="another process is writing into it"):
        store.begin("uid", "name", 0.0, [], {})
    other.close()


def test_a_file_that_another_process_is_just_making_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "runs.db"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    done = Timer(0.2, other.execute, ["ROLLBACK"])
    done.start()
    Store(path).close()
    done.join()
    other.close()


def test_a_run_that_is_under_way_cannot_be_resumed_beside_it(tmp_path: Path) -> None:
    started(tmp_path, template(handler("a")), inline=True)
    with pytest.raises(LocalError, match="is under way in another process") as raised:
        resume(opened(tmp_path), "task")
    assert raised.value.fault is Fault.REFUSED


def test_a_run_that_has_not_ended_keeps_its_name(tmp_path: Path) -> None:
    flow = template({"name": "ok", "approval": {}})
    run = started(tmp_path, flow, inline=True)
    assert not run.go()
    run.store.close()
    with pytest.raises(LocalError, match="has a run task that has not ended"):
        started(tmp_path, flow, inline=True)


@pytest.mark.parametrize(("name", "said"), [("other", "has no run other"), (None, "has no run that has not ended")])
def test_a_run_that_is_not_there_cannot_go_on(tmp_path: Path, name: str | None, said: str) -> None:
    finished(tmp_path, template(handler("a")), inline=True)
    with pytest.raises(LocalError, match=said) as raised:
        resume(opened(tmp_path), name)
    assert (raised.value.fault, raised.value.hint) == (Fault.NOT_FOUND, "it has: task")
