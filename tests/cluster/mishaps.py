"""Everything that a step's program, image or pod can do wrong by itself, each as a workflow of one step named `work`.

`test_mishaps` runs them all at once and looks at the ends.
"""

from __future__ import annotations

from typing import Any

from tests.cluster.kubectl import Manifest
from tests.cluster.moments import held
from tests.cluster.tasks import AT_ONCE, handler, report, sh, sleep, task, template, use_up_memory

# Handlers that misbehave, mounted into the pods: an image of their own would prove nothing more.
FAULTY = """
import os, signal, time

class Vanishes:
    def call(self, context):
        os._exit(0)

class ReturnsTooMuch:
    def call(self, context):
        return {"rows": "x" * 300_000}

class IgnoresSigterm:
    def call(self, context):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(600)
"""
MODULE: Manifest = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "faulty"},
    "data": {"faulty.py": FAULTY},
}
WITH_MODULE: Manifest = {
    "volumeMounts": [{"name": "code", "mountPath": "/app/handlers/faulty.py", "subPath": "faulty.py"}],
    "pod": {"volumes": [{"name": "code", "configMap": {"name": "faulty"}}]},
}
STARTS_WITHIN = 120
LAST_WORDS = "the last words"
LOUD = "yes 'a line of forty characters that says little' | head -c 4000000"
TELL_INPUT = """
import json, os
context = json.loads(os.environ["KUBESAGA_INPUT"])["context"]
with open(os.environ["KUBESAGA_RESULT_FILE"], "w") as file:
    json.dump({"result": context["text"]}, file)
"""
NO_SECRETS = "$(SECRET) $$(SECRET) $SECRET $$"


def container(*command: str, on_step: Manifest | None = None, **container: Any) -> Manifest:
    """A step that runs a command, by default one that succeeds, with settings of the step and of its container."""
    return {"name": "work", "container": {"command": [*(command or ["true"])], **container}, **(on_step or {})}


def never_starting() -> dict[str, Manifest]:
    """Steps whose container cannot start."""
    late = {"startTimeout": f"{STARTS_WITHIN}s"}
    unknown_key = {"name": "X", "valueFrom": {"configMapKeyRef": {"name": "nowhere", "key": "x"}}}
    lost = {"volumes": [{"name": "lost", "configMap": {"name": "nowhere"}}]}
    nowhere = {"nodeSelector": {"kubesaga.dev/test": "nowhere"}}
    impossible = {"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}
    return {
        "image-missing": container(image="kubesaga-no-such-image:dev", on_step=late),
        "image-never-pulled": container(image="kubesaga-no-such-image:dev", imagePullPolicy="Never", on_step=late),
        "image-name-invalid": container(image="No such:Name", on_step=late),
        "image-runs-as-root": container(image="kubesaga-base:dev", on_step=late),
        "config-missing": container(env=[unknown_key], on_step=late),
        "volume-missing": container(
            volumeMounts=[{"name": "lost", "mountPath": "/lost"}], on_step={**late, "pod": lost}
        ),
        "no-such-node": container(on_step={**late, "pod": nowhere}),
        "command-missing": container("no-such-command"),
        "job-refused": container(on_step={"resources": impossible}),
    }


def failing() -> dict[str, Manifest]:
    """Steps whose program runs and fails."""
    declined = {"type": "CardDeclined", "code": "51", "message": "the bank says no", "retryable": False}
    little = {"resources": {"limits": {"memory": "64Mi"}}}
    return {
        "callable-missing": handler("work", "order_fulfillment.handlers:ShipOrders"),
        "garbage": sh("work", "printf garbage > $KUBESAGA_RESULT_FILE"),
        "no-document": handler("work", "faulty:Vanishes"),
        "killed": sh("work", "exit 137"),
        "out-of-memory": sh("work", use_up_memory(), **little),
        "too-slow": sh("work", sleep(60), timeout="2s"),
        "ignores-sigterm": handler("work", "faulty:IgnoresSigterm", timeout="2s"),
        "handler-result-too-large": handler("work", "faulty:ReturnsTooMuch"),
        "container-result-too-large": sh("work", report({"result": "x" * 5000})),
        "loud-and-failing": sh("work", f"{LOUD}; echo {LAST_WORDS}; {held('exit 3')}"),
        "says-so-itself": sh("work", f"{report({'error': declined})}; exit 1", retry=AT_ONCE),
        **{f"exit-{code}": sh("work", f"exit {code}", retry=AT_ONCE) for code in (1, 63, 64, 78, 79)},
    }


def harmless() -> dict[str, Manifest]:
    """Steps that look odd and are right."""
    writes = "touch /tmp/there && ! touch /not-there"
    return {
        "loud": sh("work", f"{LOUD}; {report({'result': 'loud but clear'})}"),
        "with-result": sh("work", report({"result": {"rows": 3}, "metadata": {"table": "orders"}})),
        "without-result": sh("work", "echo done"),
        "writes-to-tmp-only": sh("work", f"{writes} && {report({'result': 'tmp only'})}"),
    }


def manifests() -> list[Manifest]:
    """All of it: the module, and for each case a template and a Task of the same name."""
    listed = [MODULE]
    for name, step in {**never_starting(), **failing(), **harmless()}.items():
        defaults = WITH_MODULE if step.get("handler", {}).get("callable", "").startswith("faulty:") else {}
        listed += [template(name, step, defaults=defaults), task(name)]
    secret = {"env": [{"name": "SECRET", "value": "hidden"}]}
    listed += [
        template("input-with-dollars", container("python3", "-c", TELL_INPUT), defaults=secret),
        task("input-with-dollars", context={"text": NO_SECRETS}),
    ]
    return listed
