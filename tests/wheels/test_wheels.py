"""The three wheels: none has a file of another, and the engine's works by itself, without any other package."""

from __future__ import annotations

import subprocess
import sys
import venv
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from hack.cluster.paths import CHECKOUT

PROJECTS = {
    "kubesaga": CHECKOUT,
    "kubesaga-engine": CHECKOUT / "operator",
    "kubesaga-sdk": CHECKOUT / "handlers_image",
}
DECIDES = """\
import sys
from kubesaga.engine.plan import Plan, Step
from kubesaga.engine.session import Session

session = Session(Plan((Step("a"),)), name="task", uid="1", context={}, created_at=0.0)
(attempt,) = session.decide(0.0).launches
session.succeeded(attempt, 0.0, 1)
session.decide(0.0)
print(session.status.outcome)
"""


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each project's wheel, built by the backend that is installed here, so that nothing is downloaded."""
    folder = tmp_path_factory.mktemp("wheels")
    for project in PROJECTS.values():
        command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
        subprocess.run(command, cwd=project, check=True, capture_output=True)
    return {name: next(folder.glob(f"{name.replace('-', '_')}-0*.whl")) for name in PROJECTS}


def files(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def is_compiled(file: Path) -> bool:
    """Whether Python made it; not by its suffix, which it has only once it is whole."""
    return file.parent.name == "__pycache__"


def metadata(wheel: Path) -> dict[str, list[str]]:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        message = Parser().parsestr(archive.read(name).decode())
    return {key: message.get_all(key, []) for key in ("Version", "Requires-Dist")}


def test_no_file_is_in_two_wheels(wheels: dict[str, Path]) -> None:
    contents = {name: files(wheel) for name, wheel in wheels.items()}
    assert sum(map(len, contents.values())) == len(set().union(*contents.values()))


def test_together_they_hold_every_file(wheels: dict[str, Path]) -> None:
    folders = (CHECKOUT / "operator" / "kubesaga", CHECKOUT / "handlers_image" / "kubesaga_sdk")
    found = (file for folder in folders for file in folder.rglob("*") if file.is_file() and not is_compiled(file))
    sources = {str(file.relative_to(CHECKOUT / file.relative_to(CHECKOUT).parts[0])) for file in found}
    assert sources <= set().union(*map(files, wheels.values()))


def test_the_types_are_told_to_those_who_install_them(wheels: dict[str, Path]) -> None:
    assert "kubesaga/py.typed" in files(wheels["kubesaga-engine"])
    assert "kubesaga_sdk/py.typed" in files(wheels["kubesaga-sdk"])


def test_the_engine_and_the_sdk_need_no_other_package(wheels: dict[str, Path]) -> None:
    assert metadata(wheels["kubesaga-engine"])["Requires-Dist"] == []
    assert metadata(wheels["kubesaga-sdk"])["Requires-Dist"] == ["kubesaga-engine; extra == 'runners'"]
    assert "kubesaga-engine" in metadata(wheels["kubesaga"])["Requires-Dist"]


def test_they_have_one_version(wheels: dict[str, Path]) -> None:
    assert len({tuple(metadata(wheel)["Version"]) for wheel in wheels.values()}) == 1


def test_the_engine_decides_in_an_empty_environment(wheels: dict[str, Path], tmp_path: Path) -> None:
    venv.create(tmp_path, with_pip=False)
    (packages,) = tmp_path.glob("lib/python3*/site-packages")
    with zipfile.ZipFile(wheels["kubesaga-engine"]) as archive:
        archive.extractall(packages)
    python = tmp_path / "bin" / "python"
    done = subprocess.run([python, "-I", "-W", "error", "-c", DECIDES], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("Succeeded\n", "")
