"""Handlers that return and digest large values; ``test_sizes`` mounts this very file into its pods.

Standard library only: a handlers' image has no more.
"""

from __future__ import annotations

import hashlib
import json
import threading
from typing import Any

# Everything that a log, a shell, an environment or an encoding could spoil.
UNIT = (
    "".join(map(chr, range(0x80)))
    + "é語\U0001f680\u2028\ufffe$(HOME) $$ %s {} kubesaga-result:0123456789abcdef:0:AAAA\r\n"
)


def text(size: int) -> str:
    """A text whose JSON takes as many bytes, or a few less."""
    return UNIT * (size // len(json.dumps(UNIT, ensure_ascii=False).encode()))


def digest(value: Any) -> str:
    """The SHA-256 of a value, whatever its JSON looks like."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


class Grows:
    """Returns a text of the size that its config asks for, while a thread fills the log as well."""

    def call(self, context: Any) -> Any:
        stop = threading.Event()
        threading.Thread(target=self._talk, args=(stop,), daemon=True).start()
        print("an unfinished line", end="")
        return {"text": text(context.get_config("size"))}

    def _talk(self, stop: threading.Event) -> None:
        for line in range(2000):
            if stop.wait(0.001):
                return
            print(f"noise {line}")


class Digests:
    """Returns the digests of the context and of the results of the steps before it."""

    def call(self, context: Any) -> Any:
        steps = context.get_config("steps") or []
        return {
            "context": digest(context.get_input("text")),
            **{name: digest(context.get_dependency_result(name)) for name in steps},
        }
