"""The TaskTemplates that a command is to work on, from files or from the cluster, and the identity of each.

Called by ``graph`` and ``diff``, for one on the cluster also by ``templates show`` and ``submit``; ``run`` asks for the
identity only.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kubesaga.api.constants import DEFAULT_DOMAIN, GROUP, TEMPLATE_KIND
from kubesaga.cli.errors import CliError
from kubesaga.cli.exits import ExitCode
from kubesaga.cli.inputs import STDIN, parse_documents, read_text, shown_name

if TYPE_CHECKING:
    from kubesaga import client
    from kubesaga.cli.cluster import Cluster
    from kubesaga.client import AsyncKubesaga

Template = dict[str, Any]
_SUFFIXES = frozenset({".yaml", ".yml", ".json"})


def load_templates(sources: Sequence[str], wanted: str | None, cluster: Cluster) -> list[Template]:
    """The TaskTemplate of each source: a file, or ``[DOMAIN/]NAME[@VERSION]`` of one on the cluster.

    ``wanted`` chooses from files with several. The cluster is asked only if it has to be. Raises CliError.
    """
    read = {source: load_template(source, wanted) for source in sources if _is_file(source)}
    names = [source for source in dict.fromkeys(sources) if source not in read]
    if names:
        read |= cluster.run(lambda saga: _from_cluster(saga, names))
    return [read[source] for source in sources]


async def _from_cluster(saga: AsyncKubesaga, names: Sequence[str]) -> dict[str, Template]:
    return {name: dict((await named_template(saga, name)).raw) for name in names}


async def named_template(saga: AsyncKubesaga, reference: str) -> client.Template:
    """The template that is meant. Raises CliError with what there is, where there is none."""
    from kubesaga.client import Invalid, NotFound, NotInstalled, template_ref

    try:
        wanted = template_ref(reference)
        return await saga.template(wanted)
    except NotInstalled:
        raise
    except Invalid as error:
        raise CliError(str(error), error.remedy) from error
    except NotFound as error:
        there = [each.reference for each in await saga.templates()]
        where = f"namespace {saga.namespace}"
        asked = f"{wanted.domain}/{wanted.name}" + (f"@{wanted.version}" if wanted.version else "")
        raise CliError(
            f"{where} has no TaskTemplate {asked}", _near(asked, there, where), ExitCode.NOT_FOUND
        ) from error


def _near(asked: str, there: Sequence[str], where: str) -> str:
    """What was probably meant: another version or domain of the same name, or a name that looks like it."""
    import difflib

    names = {reference: _name_in(reference) for reference in sorted(set(there))}
    same = [_name_in(asked)] if _name_in(asked) in names.values() else []
    close = same or difflib.get_close_matches(_name_in(asked), set(names.values()), n=3)
    meant = [reference for name in close for reference in names if names[reference] == name]
    if meant:
        return f"did you mean {' or '.join(meant[:3])}?"
    return f"{where} has: {', '.join([*names][:8]) or 'none'}"


def _name_in(reference: str) -> str:
    return reference.partition("@")[0].rpartition("/")[2]


def where_to_look(source: str) -> str:
    """The hint for a template that is wrong."""
    return f"see: kubesaga lint {source}" if _is_file(source) else f"see: kubesaga templates show {source}"


def _is_file(source: str) -> bool:
    """What is there, or looks like a manifest's name, is a file."""
    return source == STDIN or Path(source).exists() or Path(source).suffix in _SUFFIXES


def load_template(path: str, wanted: str | None = None) -> Template:
    """The TaskTemplate of a file (``-`` is stdin), a whole object with metadata and spec.

    ``wanted`` is ``[DOMAIN/]NAME[@VERSION]``, for a file with several. Raises CliError.
    """
    name = shown_name(path)
    found: list[Template] = [document for document in parse_documents(read_text(path), name) if _is_template(document)]
    if not found:
        raise CliError(f"{name}: has no {TEMPLATE_KIND}", f"name a file with kind: {TEMPLATE_KIND}")
    chosen = [template for template in found if wanted is None or wanted in _names(template)]
    if len(chosen) == 1:
        return chosen[0]
    known = ", ".join(identity(template) for template in found)
    if not chosen:
        raise CliError(f"{name}: has no template {wanted!r}", f"it has: {known}", ExitCode.NOT_FOUND)
    raise CliError(
        f"{name}: has {len(chosen)} templates: {known}", "choose one with --template [DOMAIN/]NAME[@VERSION]"
    )


def identity(template: Template) -> str:
    """``domain/name@version``."""
    spec = template["spec"]
    return f"{spec.get('domain') or DEFAULT_DOMAIN}/{logical_name(template)}@{spec.get('version')}"


def logical_name(template: Template) -> str:
    """spec.name, else metadata.name."""
    metadata = template.get("metadata")
    own = metadata.get("name") if isinstance(metadata, dict) else None
    return str(template["spec"].get("name") or own or "?")


def _names(template: Template) -> set[str]:
    whole = identity(template)
    with_version = whole.split("/", 1)[1]
    return {whole, whole.rsplit("@", 1)[0], with_version, with_version.rsplit("@", 1)[0]}


def _is_template(document: Any) -> bool:
    return (
        isinstance(document, dict)
        and document.get("kind") == TEMPLATE_KIND
        and str(document.get("apiVersion")).startswith(f"{GROUP}/")
        and isinstance(document.get("spec"), dict)
    )
