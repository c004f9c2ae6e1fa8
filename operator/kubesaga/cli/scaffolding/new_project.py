"""The files of a new project: template, handlers with their undoing, tests, image, CI. Called by `kubesaga init`."""

from __future__ import annotations

from importlib.resources import files

from kubesaga.api.object_names import name_after
from kubesaga.cli.importing.words import object_name
from kubesaga.cli.scaffolding.naming import module_name
from kubesaga.cli.scaffolding.template import default_image

_SUFFIX = ".tmpl"
_FILES = {
    "README.md": "README.md",
    "pyproject.toml": "pyproject.toml",
    "template.yaml": "template.yaml",
    "task.yaml": "task.yaml",
    "context.json": "context.json",
    "Dockerfile": "Dockerfile",
    ".dockerignore": "dockerignore",
    ".gitignore": "gitignore",
    ".github/workflows/ci.yml": "github/ci.yml",
    "{package}/__init__.py": "package/__init__.py",
    "{package}/handlers.py": "package/handlers.py",
    "{package}/py.typed": "package/py.typed",
    "tests/test_handlers.py": "tests/test_handlers.py",
    "tests/test_template.py": "tests/test_template.py",
}


def project_files(name: str, domain: str, image: str | None = None) -> dict[str, str]:
    """The files by relative path; ``name`` is the template's, the package's is made of it."""
    package = module_name(name)
    words = {
        "__NAME__": name,
        "__OBJECT__": object_name(name),
        "__TASK__": name_after(name, "1"),
        "__DOMAIN__": domain,
        "__PACKAGE__": package,
        "__IMAGE__": image or default_image(name),
    }
    return {path.format(package=package): _filled(source, words) for path, source in _FILES.items()}


def _filled(source: str, words: dict[str, str]) -> str:
    text = files("kubesaga.cli.scaffolding.project").joinpath(source + _SUFFIX).read_text(encoding="utf-8")
    for word, value in words.items():
        text = text.replace(word, value)
    return text
