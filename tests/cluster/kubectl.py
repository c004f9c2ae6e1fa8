"""kubectl as the tests use it: manifests in, plain dictionaries out, and waiting without polling where it can watch.

Every test talks to the cluster through a ``Kubectl``, so that what a test does can be done by hand as well.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

Manifest = dict[str, Any]

PATIENCE = 300.0
"""Seconds until a wait gives up; far more than anything takes on a busy machine: no test measures time by it."""


class KubectlError(AssertionError):
    """kubectl ended with another status than 0; the message is the command and what it said."""


@dataclass(frozen=True)
class Kubectl:
    """One cluster, seen from one namespace."""

    program: Path
    kubeconfig: Path
    namespace: str = "default"

    def within(self, namespace: str) -> Kubectl:
        """The same cluster from another namespace."""
        return replace(self, namespace=namespace)

    def command(self, *arguments: str) -> list[str]:
        """The whole command line."""
        return [str(self.program), f"--kubeconfig={self.kubeconfig}", f"--namespace={self.namespace}", *arguments]

    def run(self, *arguments: str, stdin: str | None = None) -> str:
        """Run a command to its end and return what it printed. Raises KubectlError."""
        done = subprocess.run(self.command(*arguments), input=stdin, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise KubectlError(f"kubectl {' '.join(arguments)}: {done.stderr.strip() or done.stdout.strip()}")
        return done.stdout

    def refused(self, *arguments: str, stdin: str | None = None) -> str:
        """Run a command that must fail, and return why it did."""
        try:
            printed = self.run(*arguments, stdin=stdin)
        except KubectlError as error:
            return str(error)
        raise AssertionError(f"kubectl {' '.join(arguments)} was not refused: {printed}")

    def apply(self, *manifests: Manifest) -> None:
        """Apply manifests in one go."""
        self.run("apply", "-f", "-", stdin=_list(manifests))

    def create(self, *manifests: Manifest) -> None:
        """Create manifests that are too large for `apply`, which keeps a copy in an annotation."""
        self.run("create", "-f", "-", stdin=_list(manifests))

    def get(self, kind: str, name: str) -> Manifest:
        """One object; it must be there."""
        found: Manifest = json.loads(self.run("get", kind, name, "-o", "json"))
        return found

    def find(self, kind: str, name: str) -> Manifest | None:
        """One object, or None where there is none of that name."""
        printed = self.run("get", kind, name, "-o", "json", "--ignore-not-found")
        return json.loads(printed) if printed.strip() else None

    def get_all(self, kind: str, selector: str = "") -> list[Manifest]:
        """All objects of a kind with these labels."""
        items: list[Manifest] = json.loads(self.run("get", kind, "-l", selector, "-o", "json"))["items"]
        return items

    def raw(self, path: str) -> str:
        """What the API server answers to GET."""
        return self.run("get", "--raw", path)

    def delete(self, kind: str, name: str, *options: str) -> None:
        """Delete an object without waiting until it is gone."""
        self.run("delete", kind, name, "--wait=false", *options)

    def watch(self, kind: str, name: str, seconds: float = PATIENCE) -> Iterator[Manifest]:
        """The object as it is and every time it changes; ends after `seconds`.

        One that is not there yet is waited for. A watch that breaks (the API server restarts) is begun again.
        """
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            yield from self._watch_once(kind, name, deadline)
            time.sleep(0.2)

    def until(
        self, kind: str, name: str, met: Callable[[Manifest], object], what: str, seconds: float = PATIENCE
    ) -> Manifest:
        """Wait until the object is as described and return it. Fails with its last status otherwise."""
        last: Manifest = {}
        for last in self.watch(kind, name, seconds):
            if met(last):
                return last
        status = json.dumps(last.get("status"), indent=1)[:6000]
        raise AssertionError(f"{kind} {name} in {self.namespace}: not {what} within {seconds:g} s; it is {status}")

    def until_listed(
        self,
        kind: str,
        selector: str,
        met: Callable[[list[Manifest]], object],
        what: str,
        seconds: float = PATIENCE,
    ) -> list[Manifest]:
        """Wait until the objects with these labels are as described, all together, and return them."""
        deadline = time.monotonic() + seconds
        while True:
            items = self.get_all(kind, selector)
            if met(items):
                return items
            if time.monotonic() > deadline:
                names = [(i["metadata"]["name"], i.get("status", {}).get("phase")) for i in items]
                raise AssertionError(f"{kind} [{selector}] in {self.namespace}: not {what} in time; there is {names}")
            time.sleep(0.25)

    def _watch_once(self, kind: str, name: str, deadline: float) -> Iterator[Manifest]:
        # By a selector: of one object by its name kubectl drops the first event of the watch, taking it for the object
        # that it has read before, and with it whatever changed between the two.
        selector = f"--field-selector=metadata.name={name}"
        with _process(self.command("get", kind, selector, "--watch", "-o", "json")) as stream:
            decoder, text = json.JSONDecoder(), ""
            while (left := deadline - time.monotonic()) > 0:
                if not select.select([stream], [], [], left)[0]:
                    return
                read = os.read(stream, 65536)
                if not read:
                    return
                # JSON's syntax is ASCII: a character cut in two lies inside a string, where its halves are alike.
                text += read.decode("utf-8", "surrogateescape")
                while text := text.lstrip():
                    try:
                        found, end = decoder.raw_decode(text)
                    except ValueError:
                        break
                    text = text[end:]
                    yield found


@contextmanager
def _process(command: list[str]) -> Iterator[int]:
    """A process whose output is read as it comes; ended with the block."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdout is not None
    try:
        yield process.stdout.fileno()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def _list(manifests: tuple[Manifest, ...]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(manifests)})
