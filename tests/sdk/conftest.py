"""A warehouse as it runs in the example's pod: its own process, on a free port of the loopback."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sdk.support import PYTHON_PATH, WAIT_SECONDS


class RunningWarehouse:
    """The server's process; its books are in `database`."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        self.start()

    def start(self) -> None:
        """Start the server on a free port."""
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "order_fulfillment.warehouse"],
            env={
                "PYTHONPATH": PYTHON_PATH,
                "WAREHOUSE_LISTEN": "127.0.0.1:0",
                "WAREHOUSE_DATABASE": str(self._database),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        self.port = self._process.stdout.readline().rstrip().rpartition(":")[2]
        self.url = f"http://127.0.0.1:{self.port}"

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        self._process.terminate()
        return self._wait()

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._wait()

    def _wait(self) -> int:
        self._process.communicate(timeout=WAIT_SECONDS)
        return self._process.returncode

    def get(self, path: str) -> Any:
        """What GET says."""
        with self._opener.open(self.url + path, timeout=WAIT_SECONDS) as response:
            return json.load(response)

    def post(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        """Status and answer of a POST; header names are given with underscores."""
        request = urllib.request.Request(
            self.url + path,
            data=body if isinstance(body, bytes) else json.dumps(body).encode(),
            headers={name.replace("_", "-"): value for name, value in headers.items()},
            method="POST",
        )
        try:
            with self._opener.open(request, timeout=WAIT_SECONDS) as response:
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    @property
    def kinds(self) -> list[str]:
        """What the ledger says was done, in order."""
        return [entry["kind"] for entry in self.get("/ledger")]


@pytest.fixture
def warehouse(tmp_path: Path) -> Iterator[RunningWarehouse]:
    running = RunningWarehouse(tmp_path / "warehouse.db")
    yield running
    running.stop()
