"""Task objects without an API server: what one would be on a cluster, and the Session that decides about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kubesaga.api import constants as c
from kubesaga.api.about import about
from kubesaga.api.compile import effective_context, effective_options
from kubesaga.api.contract import step_input, step_key, trace_parent
from kubesaga.api.findings import Code, check_task
from kubesaga.api.history import Block, spill
from kubesaga.api.object_names import MAX_TASK_NAME, is_task_name
from kubesaga.api.request import child_request
from kubesaga.api.status import read_status, write_status
from kubesaga.api.times import epoch, rfc3339
from kubesaga.engine.decision import Attempt, Decision
from kubesaga.engine.family import Birth
from kubesaga.engine.identity import attempt_name
from kubesaga.engine.records import ParentLink
from kubesaga.engine.session import Session
from kubesaga.engine.vocabulary import DesiredState, RunningSteps
from kubesaga.local.errors import LocalError
from kubesaga.local.templates import Template

Obj = dict[str, Any]

NAMESPACE = "default"
# What an API server refuses; anything else that is wrong is for the engine to say.
_REFUSED = frozenset({Code.INVALID_FIELD, Code.INVALID_VERSION})


@dataclass(eq=False)
class LocalTask:
    """A Task: its object, with the status as an API server would have it, its template and its Session."""

    obj: Obj
    template: Template
    session: Session
    options: Mapping[str, Any]

    @property
    def uid(self) -> str:
        """Of the Task, as of its Session."""
        return self.session.uid

    @property
    def path(self) -> tuple[str, ...]:
        """The steps from the root down to this Task."""
        return self.session.link.path if self.session.link else ()

    def write(self, decision: Decision, now: float) -> tuple[Block, ...]:
        """Take a decision over into the object's status; returns what of the history moves out of it."""
        before = self.obj.get("status") or {}
        continued, blocks = spill(before, decision.transitions)
        finals = [step.name for step in self.template.plan.steps if step.final]
        self.obj["status"] = write_status(decision.status, continued, decision.transitions, 1, now, finals)
        return blocks

    def input(self, attempt: Attempt) -> Obj:
        """The step's input document, as on a cluster."""
        history = (self.obj.get("status") or {}).get("transitions") or ()
        session = self.session
        return step_input(
            self.obj, self.template.plan, session.status, history, attempt, self.template.program(attempt),
            context=session.context, options=self.options, values=session.values,
        )  # fmt: skip

    def variables(self, attempt: Attempt) -> dict[str, str]:
        """The step contract's single facts."""
        return {
            c.ENV_TASK: self.session.name,
            c.ENV_STEP: attempt.step,
            c.ENV_ATTEMPT: str(attempt.number),
            c.ENV_IDEMPOTENCY_KEY: step_key(self.obj, self.session.status, attempt.step),
            c.ENV_TRACEPARENT: trace_parent(self.obj, self.session.status, attempt),
        }

    def attempt_name(self, attempt: Attempt) -> str:
        """What the attempt's Job would be called."""
        return attempt_name(self.session.name, self.uid, attempt.step, attempt.role, attempt.number)


def new_task(manifest: Mapping[str, Any], uid: str, now: float) -> Obj:
    """The object that an API server would make of a manifest. Raises LocalError for one that it would refuse."""
    name = str((manifest.get("metadata") or {}).get("name"))
    if not is_task_name(name):
        raise LocalError(
            f"{name!r} is no name of a Task",
            f"write at most {MAX_TASK_NAME} lower-case letters, digits, - and ., first and last a letter or digit",
        )
    wrong = [each for each in check_task(manifest["spec"]) if each.code in _REFUSED]
    if wrong:
        listed = "; ".join(f"{each.path}: {each.message}; {each.remedy}" for each in wrong)
        raise LocalError(f"Task {name}: {listed}", "see where with: kubesaga lint FILE")
    meta = {
        **(manifest.get("metadata") or {}),
        "namespace": NAMESPACE,
        "uid": uid,
        "creationTimestamp": rfc3339(int(now)).replace(".000000", ""),
        "generation": 1,
    }
    spec = {**manifest["spec"]}
    reference = {"domain": c.DEFAULT_DOMAIN, **spec["templateRef"]}
    return {
        "apiVersion": c.API_VERSION,
        "kind": c.TASK_KIND,
        "metadata": meta,
        "spec": {**spec, "templateRef": reference},
    }


def new_child(birth: Birth, parent: Mapping[str, Any], uid: str, now: float) -> Obj:
    """The child Task of a step."""
    labels = {c.LABEL_PARENT_UID: birth.link.uid, c.LABEL_PARENT_STEP: birth.link.step}
    spec = child_request(parent, birth.template, birth.context)
    return new_task({"metadata": {"name": birth.name, "labels": labels}, "spec": spec}, uid, now)


def local_task(
    obj: Obj, template: Template, *, link: ParentLink | None = None, values: Mapping[str, Any] | None = None
) -> LocalTask:
    """A Task with the Session that its object, new or kept, stands for."""
    meta, spec = obj["metadata"], obj["spec"]
    options = effective_options(template.spec, spec)
    cancellation = spec.get("cancellation") or {}
    session = Session(
        template.plan,
        name=meta["name"],
        uid=meta["uid"],
        context=effective_context(template.spec, spec),
        created_at=epoch(meta["creationTimestamp"]),
        about=about(obj, options),
        bypass=frozenset(spec.get("bypassSteps") or ()),
        request_problems=tuple(map(str, check_task(spec))),
        template=template.pinned,
        claim_name=spec.get("idempotencyKey"),
        link=link,
        status=read_status(obj.get("status")),
        values=dict(values or {}),
        desired=DesiredState(spec.get("desiredState", DesiredState.RUNNING)),
        cancel_mode=RunningSteps(cancellation.get("mode", RunningSteps.DRAIN)),
        cancel_compensates=bool(cancellation.get("compensate")),
    )
    return LocalTask(obj, template, session, options)
