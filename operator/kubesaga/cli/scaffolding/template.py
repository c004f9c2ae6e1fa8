"""A first template: its steps one after the other, each with its handler. Called by `kubesaga generate template`."""

from __future__ import annotations

from collections.abc import Sequence

from kubesaga.api import constants as c
from kubesaga.cli.importing.words import object_name
from kubesaga.cli.scaffolding.naming import class_name, module_name

_HEAD = """\
apiVersion: {api}
kind: {kind}
metadata:
  name: {object}
spec:
  domain: {domain}
  name: {name}
  version: {version}
  description: What {name} is for.

  # What a Task has to bring along. Nothing runs where it does not.
  inputSchema:
    type: object
    required: [id]
    properties:
      id: {{type: string, minLength: 1, description: What the request is about.}}

  # When a step has failed for good, undo what was done, in reverse order.
  failureStrategy: Compensate

  defaults:
    image: {image}
    timeout: 5m
    retry: {{maxAttempts: 3}}

  steps:
"""


def render_template(name: str, domain: str, version: str, steps: Sequence[str], module: str, image: str) -> str:
    """A template whose steps are classes of ``module``, each undone by its own method ``compensate``."""
    head = _HEAD.format(
        api=c.API_VERSION,
        kind=c.TEMPLATE_KIND,
        object=object_name(domain if domain != c.DEFAULT_DOMAIN else "", name, version),
        domain=domain,
        name=name,
        version=version,
        image=image,
    )
    return head + "\n".join(_step(step, steps[i - 1] if i else None, module) for i, step in enumerate(steps))


def default_module(name: str) -> str:
    """Where the handlers of a template are, unless said."""
    return f"{module_name(name)}.handlers"


def default_image(name: str) -> str:
    """What the handlers' image is called, unless said."""
    return f"{object_name(name)}-handlers:dev"


def _step(name: str, before: str | None, module: str) -> str:
    order = f"      dependsOn: [{before}]\n" if before else ""
    return (
        f'    - name: {name}\n{order}      handler: {{callable: "{module}:{class_name(name)}"}}\n'
        "      compensation: {}  # The handler's own method `compensate`.\n"
    )
