"""An example played without a cluster: the real plan, the real engine, and the real programs as local processes.

Each attempt's program is run when it is launched, with the input that the operator would give it, and what it leaves is
read as the operator would read it. Only the pods are missing, and time.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

from kubesaga.api.about import about
from kubesaga.api.compile import compile_plan, effective_context, effective_options, effective_template
from kubesaga.api.contract import step_input
from kubesaga.api.models import TaskTemplateSpec
from kubesaga.api.programs import ProgramKind, step_program
from kubesaga.api.versions import pick_version
from kubesaga.engine.decision import Attempt
from kubesaga.engine.plan import Plan
from kubesaga.engine.vocabulary import ActionType, StepState
from tests.contract.attempt import run
from tests.contract.reading import read
from tests.engine.family import Family
from tests.engine.world import Outcome, World
from tests.golden.examples import EXAMPLES, manifests, templates
from tests.golden.form import Manifest, Move, history

_OUTSIDE = frozenset({StepState.IN_PROGRESS})


class Template:
    """A template as the operator pins it."""

    def __init__(self, manifest: Manifest) -> None:
        written = effective_template(manifest["spec"], name=manifest["metadata"]["name"])
        self.spec = TaskTemplateSpec.read(written)
        self.plan: Plan = compile_plan(self.spec)


class Play(Family):
    """One Task of an example and the children below it."""

    def __init__(self, example: str, task: Manifest, environment: Mapping[str, str]) -> None:
        self._example = example
        self._environment = environment
        self._templates = {key: Template(each) for key, each in templates(example).items()}
        root = self._template(task["spec"]["templateRef"])
        spec, name = task["spec"], task["metadata"]["name"]
        self._options = effective_options(root.spec, spec)
        meta = {
            "name": name,
            "namespace": "default",
            "uid": f"uid-of-{name}",
            "creationTimestamp": "2026-01-02T03:04:05Z",
        }
        world = World(
            root.plan, lambda _: Outcome(), effective_context(root.spec, spec), name=name, uid=meta["uid"],
            about=about({"metadata": meta, "spec": spec}, self._options),
        )  # fmt: skip
        children = {name: self._template({"name": name}).plan for name, _ in self._templates}
        super().__init__(world, children, world.script)

    def histories(self) -> dict[str, Any]:
        """What became of each Task, the children named after their parents."""
        return {self._name(world): _history(world) for world in self.worlds()}

    def moves(self) -> dict[str, tuple[Manifest, list[Move]]]:
        """The template and the moves of each Task."""
        by_plan = {id(template.plan): key for key, template in self._templates.items()}
        sources = templates(self._example)
        return {self._name(world): (sources[by_plan[id(world.plan)]], _moves(world)) for world in self.worlds()}

    def answer(self, action: Manifest) -> None:
        """Apply a TaskAction once its step waits for it."""
        spec = action["spec"]
        self.run_until(lambda: self.root.step(spec["step"]).state in _OUTSIDE)
        self.root.applied(ActionType(spec["type"]), spec["step"], requested_by=spec["requestedBy"])

    def _template(self, reference: Mapping[str, Any]) -> Template:
        name = reference["name"]
        version = pick_version([v for n, v in self._templates if n == name], reference.get("version"))
        assert version is not None
        return self._templates[name, version]

    def _adopt(self, world: World) -> None:
        super()._adopt(world)
        world.script = lambda attempt: self._run(world, attempt)

    def _run(self, world: World, attempt: Attempt) -> Outcome:
        (template,) = (each for each in self._templates.values() if each.plan is world.plan)
        program = step_program(template.spec, attempt.step, attempt.role)
        meta = {"name": world.name, "namespace": "default", "uid": world.uid}
        document = step_input(
            {"metadata": meta, "spec": {}}, world.plan, world.status, [], attempt, program,
            context=world.context, options=self._options, values=world.store,
        )  # fmt: skip
        command = [sys.executable, "-m", "kubesaga_sdk"]
        if program.kind is ProgramKind.CONTAINER:
            scripts = str(EXAMPLES / self._example)
            command = [word.replace("/scripts", scripts) for word in (*(program.command or ()), *(program.args or ()))]
        expected = program.kind is ProgramKind.HANDLER
        output = read(run(command, document, environment=self._environment), expects_document=expected)
        return Outcome(result=output.result, error=output.error, metadata=output.metadata)

    def _name(self, world: World) -> str:
        return world.uid.replace(self.root.uid, self.root.name).replace("/", ".")


def play(example: str, environment: Mapping[str, str]) -> list[Play]:
    """All Tasks of an example, at their ends."""
    plays = {task["metadata"]["name"]: Play(example, task, environment) for task in manifests(example, "Task")}
    for action in manifests(example, "TaskAction", "actions/*.yaml"):
        plays[action["spec"]["taskRef"]["name"]].answer(action)
    for each in plays.values():
        each.run()
        assert all(world.ended for world in each.worlds())
    return list(plays.values())


def _history(world: World) -> dict[str, Any]:
    status = world.status
    outcomes = {record.name: str(record.outcome) if record.outcome else None for record in status.steps}
    return history(str(status.state), str(status.outcome), outcomes, _moves(world))


def _moves(world: World) -> list[Move]:
    return [Move(str(t.event), t.step, t.role) if t.role else Move(str(t.event), t.step) for t in world.history]
