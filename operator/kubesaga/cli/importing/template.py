"""A template of either dialect as a TaskTemplate. Called by `convert`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kubesaga.api import constants as c
from kubesaga.cli.importing.branching import add_conditions, note_conditions
from kubesaga.cli.importing.callables import Callables
from kubesaga.cli.importing.environments import convert_environments
from kubesaga.cli.importing.fields import Fields
from kubesaga.cli.importing.kept import Keepsakes
from kubesaga.cli.importing.lifecycle import convert_lifecycle
from kubesaga.cli.importing.schemas import upgraded
from kubesaga.cli.importing.steps import convert_step, text
from kubesaga.cli.importing.versioning import convert_version
from kubesaga.cli.importing.words import StepNames, logical_name, object_name
from kubesaga.engine.vocabulary import FailureStrategy, IdentityStrategy

_NO_HANDLER = "a template has no handler of its own: what it does beyond its steps belongs into steps"
_ANNOTATED = {
    "task_handler": _NO_HANDLER,
    "task_handler_class": _NO_HANDLER,
    "class_name": _NO_HANDLER,
    "module_namespace": _NO_HANDLER,
    "handler_config": _NO_HANDLER,
    "system_dependencies": "systems are not modelled",
    "default_dependent_system": "systems are not modelled",
    "domain_events": "events are not declared; handlers publish them by context.publish(name, payload)",
    "custom_events": "events are not declared; handlers publish them by context.publish(name, payload)",
    "metadata": "templates have no metadata of their own",
}
_IDENTITIES = {
    "strict": IdentityStrategy.STRICT,
    "caller_provided": IdentityStrategy.CALLER_PROVIDED,
    "always_unique": IdentityStrategy.ALWAYS_UNIQUE,
}


@dataclass(frozen=True, slots=True)
class Converted:
    """An object of ours, and the names that its steps have now."""

    manifest: dict[str, Any]
    names: StepNames


def is_rails(template: Fields) -> bool:
    """Whether the template is in the words of Tasker Rails, and not in those of Tasker core."""
    steps = template.peek("steps")
    rows = steps if isinstance(steps, list) else []
    return template.has("step_templates", "task_handler_class", "class_name", "default_dependent_system") or any(
        isinstance(row, dict) and "handler_class" in row for row in rows
    )


def convert_template(template: Fields, callables: Callables, image: str | None) -> Converted:
    """The template, with every field of the source taken or noted. ``image`` is that of the handlers."""
    rails = is_rails(template)
    kept, names = Keepsakes(template.notes), StepNames()
    spec: dict[str, Any] = {"domain": _logical(template, "namespace_name", "namespace") or c.DEFAULT_DOMAIN}
    spec["name"] = _logical(template, "name") or _no_name(template)
    spec["version"] = convert_version(template, always=True)
    if description := text(template, "description"):
        spec["description"] = description
    if schema := template.plain("input_schema", "schema"):
        spec["inputSchema"] = upgraded(schema, template.at("schema" if rails else "input_schema"), template.notes)
    _settings(template, spec, rails=rails)
    _image(template, spec, image)
    _steps(template, spec, names, callables, kept)
    if environments := convert_environments(template, names):
        spec["environments"] = environments
    for name, why in _ANNOTATED.items():
        kept.keep(name.replace("_", "-"), template.take(name), template.at(name), why)
    template.close()
    return Converted(_manifest(spec, kept), names)


def _logical(fields: Fields, *names: str) -> str | None:
    path = fields.at(next((name for name in names if fields.has(name)), names[0]))
    written = fields.text(*names)
    if written is None:
        return None
    found = logical_name(written)
    if found != written:
        fields.notes.changed(path, f"{written} is called {found}; requests must say so too")
    return found


def _no_name(template: Fields) -> str:
    template.notes.assumed(template.at("name"), "is not given; it is imported here")
    return "imported"


def _settings(template: Fields, spec: dict[str, Any], *, rails: bool) -> None:
    for name, source in (("defaultContext", "default_context"), ("defaultOptions", "default_options")):
        if values := template.plain(source):
            spec[name] = values
    spec["failureStrategy"] = str(FailureStrategy.CONTINUE)
    template.notes.assumed(
        "failureStrategy",
        "Continue, as in Tasker: what does not depend on a failed step goes on. Nothing is undone until you give "
        "steps a compensation and write Compensate",
    )
    strategy = _identity(template, rails=rails)
    if strategy is not IdentityStrategy.ALWAYS_UNIQUE:
        spec["identityStrategy"] = str(strategy)
    if template.flag("concurrent") is False:
        spec["parallelism"] = 1
    if lifecycle := convert_lifecycle(template):
        spec["lifecycle"] = lifecycle


def _identity(template: Fields, *, rails: bool) -> IdentityStrategy:
    written = template.text("identity_strategy")
    if written is not None:
        found = _IDENTITIES.get(written.lower())
        if found is not None:
            return found
        template.notes.lost(template.at("identity_strategy"), f"{written} is no strategy; left out")
    if rails:
        return IdentityStrategy.ALWAYS_UNIQUE
    template.notes.assumed("identity_strategy", "Strict, as in Tasker core where nothing is said: one Task per context")
    return IdentityStrategy.STRICT


def _image(template: Fields, spec: dict[str, Any], image: str | None) -> None:
    if image is None:
        owner = object_name(spec["domain"] if spec["domain"] != c.DEFAULT_DOMAIN else spec["name"])
        image = f"{owner}-handlers:{spec['version']}"
        template.notes.assumed("defaults.image", f"{image}: Tasker has no images; name yours by --image")
    spec["defaults"] = {"image": image}


def _steps(template: Fields, spec: dict[str, Any], names: StepNames, callables: Callables, kept: Keepsakes) -> None:
    rows = template.rows("steps", "step_templates")
    originals = []
    for i, row in enumerate(rows):
        path = row.at("name")
        original = row.text("name") or f"step_{i + 1}"
        originals.append(original)
        names.declare(original, path, template.notes)
    branches = [convert_step(row, name, names, callables, kept) for row, name in zip(rows, originals, strict=True)]
    add_conditions(branches)
    note_conditions(branches, template.notes)
    spec["steps"] = [branch.step for branch in branches]
    named = template.words("named_steps")
    unknown = [name for name in named if name not in originals]
    if unknown:
        template.notes.lost(template.at("named_steps"), f"{', '.join(unknown)}: no step has this name; left out")


def _manifest(spec: dict[str, Any], kept: Keepsakes) -> dict[str, Any]:
    domain = spec["domain"] if spec["domain"] != c.DEFAULT_DOMAIN else ""
    metadata: dict[str, Any] = {"name": object_name(domain, spec["name"], spec["version"])}
    if annotations := kept.annotations():
        metadata["annotations"] = annotations
    return {"apiVersion": c.API_VERSION, "kind": c.TEMPLATE_KIND, "metadata": metadata, "spec": spec}
