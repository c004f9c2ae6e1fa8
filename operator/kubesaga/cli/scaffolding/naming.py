"""Names of Python for names of templates, and whether a user's own will do. Called by the generators."""

from __future__ import annotations

import keyword
import re
import sys

from kubesaga.api.models.base import LOGICAL_NAME_PATTERN, STEP_NAME_PATTERN
from kubesaga.cli.errors import CliError
from kubesaga.cli.importing.words import logical_name, snake_case, step_name

DEFAULT_MODULE = "handlers"
_IMAGE = r"\w[\w./:@-]*"
_TAKEN = sys.stdlib_module_names | {"kubesaga", "kubesaga_sdk", "pytest", "tests"}


def class_name(name: str) -> str:
    """``charge_card`` and ``charge-card`` become ``ChargeCard``."""
    found = "".join(word[:1].upper() + word[1:] for word in re.split(r"[^A-Za-z0-9]+", name) if word)
    return found if found[:1].isalpha() else f"T{found}"


def module_name(name: str) -> str:
    """A name for a package that hides none: ``shop-orders`` becomes ``shop_orders``, ``email`` ``email_workflow``."""
    found = snake_case(name) or "workflow"
    found = found if found[0].isalpha() else f"p_{found}"
    return f"{found}_workflow" if keyword.iskeyword(found) or found in _TAKEN else found


def checked_logical_name(name: str, option: str) -> str:
    """A template's name or a domain, as the user wrote it. Raises CliError with one that would do."""
    if re.fullmatch(LOGICAL_NAME_PATTERN, name):
        return name
    raise CliError(
        f"{option} {name}: is no name for it (lower-case letters, digits, - and _, first a letter, at most 63)",
        f"write {logical_name(name)}",
    )


def checked_step_name(name: str) -> str:
    """A step's name, as the user wrote it. Raises CliError with one that would do."""
    if re.fullmatch(STEP_NAME_PATTERN, name):
        return name
    raise CliError(
        f"step {name}: is no name for a step (snake_case, first a letter, at most 40 characters)",
        f"write {step_name(name)}",
    )


def checked_package(name: str, option: str = "--package") -> str:
    """A package or a module, with dots. Raises CliError."""
    if all(part.isidentifier() and not keyword.iskeyword(part) for part in name.split(".")):
        return name
    suggested = ".".join(module_name(part) for part in name.split("."))
    raise CliError(f"{option} {name}: Python cannot import this name", f"write {suggested}")


def checked_image(image: str | None) -> str | None:
    """An image, as the user named it, if they did. Raises CliError for what no registry could have."""
    if not image or re.fullmatch(_IMAGE, image, re.ASCII):
        return image
    raise CliError(
        f"--image {image}: is no image's name", "write [REGISTRY/]NAME[:TAG], such as registry.example.com/shop:1.0.0"
    )


def split_callable(name: str, module: str = DEFAULT_MODULE) -> tuple[str, str]:
    """Module and attribute of a callable; a bare or registered name is looked for in ``module``."""
    plain = name.partition("@")[0].rpartition("/")[2]
    match = re.fullmatch(r"(.+)[.:](\w+)", plain)
    if match and all(part.isidentifier() for part in match[1].split(".")):
        return match[1], match[2]
    return module, plain
