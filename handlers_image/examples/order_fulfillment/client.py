"""The handlers' side of the warehouse: HTTP requests in, typed errors out.

What the warehouse refuses is permanent, what it cannot do just now is worth another attempt.
"""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.parse
import urllib.request
from typing import Any

from kubesaga_sdk import BusinessLogicError, NetworkError, ServiceUnavailableError, StepContext

TIMEOUT_SECONDS = 5
"""Below the step's own timeout, so that a silent warehouse is reported as such."""


class Warehouse:
    """One step's connection: every request says which attempt of which step makes it."""

    def __init__(self, context: StepContext) -> None:
        self._context = context
        self._url = _address()
        # The warehouse is in the same cluster: no proxy stands between.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def post(self, path: str, body: dict[str, Any], key: str) -> dict[str, Any]:
        """Make something, once per key however often it is asked for.

        Raises BusinessLogicError where the warehouse refuses, ServiceUnavailableError where it is too busy,
        NetworkError where it cannot be reached.
        """
        request = urllib.request.Request(
            self._url + path,
            data=json.dumps({"order": self._context.task.name, **body}).encode(),
            headers={
                "Content-Type": "application/json",
                "Idempotency-Key": key,
                "Kubesaga-Task": self._context.task.name,
                "Kubesaga-Step": self._context.step_name,
                "Kubesaga-Attempt": str(self._context.attempt),
            },
            method="POST",
        )
        try:
            with self._opener.open(request, timeout=TIMEOUT_SECONDS) as response:
                answer: dict[str, Any] = json.load(response)
        except urllib.error.HTTPError as error:
            with error:
                raise _refusal(error) from None
        except OSError as error:
            raise NetworkError(f"no answer from the warehouse at {self._url}: {error}", "WAREHOUSE_DOWN") from error
        return answer

    def undo(self, collection: str, key: str, verb: str) -> dict[str, Any]:
        """Undo what was made with this key, if anything was; a late request cannot make it any more.

        Returns whether there was anything to undo.
        """
        own_key = f"{self._context.compensation_key or self._context.idempotency_key}:{verb}"
        answer = self.post(f"{collection}/{urllib.parse.quote(key, safe='')}/{verb}", {}, own_key)
        return {"undone": answer["undone"]}


def _address() -> str:
    url = os.environ.get("WAREHOUSE_URL")
    if url:
        return url.rstrip("/")
    # Kubernetes tells every pod the services that exist when it starts; this needs no DNS.
    host, port = os.environ.get("WAREHOUSE_SERVICE_HOST"), os.environ.get("WAREHOUSE_SERVICE_PORT")
    if host and port:
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    raise ServiceUnavailableError(
        "there was no service named warehouse when this pod started, and WAREHOUSE_URL is not set",
        "NO_WAREHOUSE",
    )


def _refusal(error: urllib.error.HTTPError) -> BusinessLogicError | ServiceUnavailableError:
    try:
        answer = json.load(error)
        message, code = str(answer["message"]), str(answer["error"])
    except (ValueError, KeyError, TypeError):
        message, code = f"the warehouse answered {error.code}", f"HTTP_{error.code}"
    if error.code >= 500:
        after = error.headers.get("Retry-After")
        return ServiceUnavailableError(message, code, float(after) if after else None)
    return BusinessLogicError(message, code)
