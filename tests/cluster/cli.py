"""``kubesaga`` as the tests use it: the installed program as a process of its own, as a user would call it."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from kubesaga.cli.main import main
from tests.cluster.kubectl import PATIENCE, Kubectl

PROGRAM = Path(sys.executable).with_name("kubesaga")


@dataclass(frozen=True)
class Ended:
    """What a call came to."""

    code: int
    out: str
    err: str

    def refused(self, code: int) -> str:
        """What it said, where it must have ended with this code, by one line of error and at most one hint."""
        assert self.code == code, f"exit code {self.code}: {self.out}{self.err}"
        lines = [line for line in self.err.splitlines() if line]
        assert "Traceback" not in self.err
        assert [line.partition(":")[0] for line in lines] in (["error"], ["error", "hint"]), self.err
        return self.err


@dataclass(frozen=True)
class Cli:
    """The program, on one namespace of a cluster."""

    kubeconfig: Path
    namespace: str

    @classmethod
    def of(cls, kubectl: Kubectl) -> Cli:
        """Where this kubectl looks."""
        return cls(kubectl.kubeconfig, kubectl.namespace)

    def by(self, kubeconfig: Path) -> Cli:
        """As somebody else, or on another cluster."""
        return replace(self, kubeconfig=kubeconfig)

    def call(self, *words: str, stdin: str | None = None) -> Ended:
        """Run it to its end."""
        done = subprocess.run(
            self._command(*words),
            env=self._environment(),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=2 * PATIENCE,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def ok(self, *words: str, stdin: str | None = None) -> str:
        """Run it, which must go well, and return what it printed."""
        ended = self.call(*words, stdin=stdin)
        assert ended.code == 0, f"kubesaga {' '.join(words)} ended with {ended.code}: {ended.out}{ended.err}"
        return ended.out

    def data(self, *words: str) -> Any:
        """What it shows with -o json."""
        return json.loads(self.ok(*words, "-o", "json"))

    def refused(self, code: int, *words: str) -> str:
        """Run it, which must end with this code and one clear line."""
        return self.call(*words).refused(code)

    def inside(self, *words: str) -> Ended:
        """The same in this process, without the second that a process takes to start: for many calls of one kind."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = main([*words, "--namespace", self.namespace, "--kubeconfig", str(self.kubeconfig)])
        return Ended(code, out.getvalue(), err.getvalue())

    @contextmanager
    def going(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        """Run it beside the test; ended with the block at the latest."""
        process = subprocess.Popen(
            self._command(*words),
            env={**self._environment(), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def _command(self, *words: str) -> list[str]:
        return [str(PROGRAM), *words, "--namespace", self.namespace]

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "KUBECONFIG": str(self.kubeconfig), "NO_COLOR": "1"}


def until_line(process: subprocess.Popen[str], *parts: str) -> str:
    """Read its output up to a line with all these parts, and return that line."""
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if all(part in line for part in parts):
            return line
    assert process.stderr is not None
    raise AssertionError(f"it ended without {parts}; it said {''.join(said)}{process.stderr.read()}")


def interrupted(process: subprocess.Popen[str]) -> Ended:
    """Press Ctrl-C and see how it ends."""
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)
    return Ended(process.returncode, out, err)


def as_service_account(kubectl: Kubectl, name: str, folder: Path) -> Path:
    """The kubeconfig of a new service account, which may do nothing until somebody binds a Role to it."""
    kubectl.run("create", "serviceaccount", name)
    return with_token(kubectl, kubectl.run("create", "token", name).strip(), folder / f"{name}.yaml")


def with_token(kubectl: Kubectl, token: str, path: Path) -> Path:
    """The same cluster's kubeconfig for whoever has this token."""
    config = yaml.safe_load(kubectl.kubeconfig.read_text("utf-8"))
    for user in config["users"]:
        user["user"] = {"token": token}
    path.write_text(yaml.safe_dump(config), "utf-8")
    return path
