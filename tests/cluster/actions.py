"""TaskActions as the tests write them, and waiting for their answers."""

from __future__ import annotations

import json
import secrets
from functools import cache
from typing import Any

from kubesaga.api.constants import ACTION_PLURAL, API_VERSION, GROUP
from tests.cluster.kubectl import Kubectl, Manifest

ACTION = f"{ACTION_PLURAL}.{GROUP}"


@cache
def caller(kubectl: Kubectl) -> str:
    """Who the tests are to the API server: an action has to be requested by its own caller."""
    review = json.loads(kubectl.run("auth", "whoami", "-o", "json"))
    return str(review["status"]["userInfo"]["username"])


def action(kubectl: Kubectl, task: str, type_: str, step: str | None = None, **spec: Any) -> Manifest:
    """A TaskAction with a name of its own."""
    return {
        "apiVersion": API_VERSION,
        "kind": "TaskAction",
        "metadata": {"name": f"{task}-{type_.lower()}-{secrets.token_hex(3)}"},
        "spec": {
            "taskRef": {"name": task},
            "type": type_,
            "requestedBy": caller(kubectl),
            **({"step": step} if step else {}),
            **spec,
        },
    }


def act(kubectl: Kubectl, task: str, type_: str, step: str | None = None, **spec: Any) -> tuple[str, str]:
    """Create an action, wait until it is answered, and return its phase and message."""
    manifest = action(kubectl, task, type_, step, **spec)
    kubectl.create(manifest)
    return answer(kubectl, manifest)


def answer(kubectl: Kubectl, manifest: Manifest) -> tuple[str, str]:
    """Phase and message of an action, once it has them."""
    name = manifest["metadata"]["name"]
    found = kubectl.until(ACTION, name, lambda a: a.get("status", {}).get("phase"), "answered")
    return found["status"]["phase"], found["status"]["message"]
