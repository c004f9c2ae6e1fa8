"""The image `kubesaga-base:dev`, made of Debian packages: a Python to build on where no image registry is reachable.

It stands in for the `python:3.13-slim` that the Dockerfiles name, and it is what tests run plain containers of: it has
a shell, the usual small programs, and `python3`.
"""

from __future__ import annotations

import hashlib
import json
import platform
from pathlib import Path

from hack.cluster import machine
from hack.cluster.archive import write_archive
from hack.cluster.commands import run
from hack.cluster.errors import ClusterError
from hack.cluster.progress import step

NAME = "kubesaga-base:dev"
# python-is-python3: the command `python`, which the image of the same purpose on a registry has too; so has it
# libstdc++6, which wheels of C++ (cel-expr-python) are linked to.
PACKAGES = ("ca-certificates", "libstdc++6", "python-is-python3", "python3", "python3-venv", "usr-is-merged")
# Without documentation and translations; and without the Perl that only usrmerge needed, whose work is done by then.
EXCLUDED = ("/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/man/*", "/usr/lib/*/gconv/*")
SLIM = """chroot "$1" sh -c 'dpkg --purge usrmerge $(
  dpkg-query --show --showformat "\\${Package}\\n" | grep -E "^(perl|perl-modules-.+|libperl5.*|lib.+-perl)\\$"
)'"""
OS_RELEASE = Path("/etc/os-release")


def ensure(folder: Path) -> Path:
    """The image's archive in this folder, made if it is not there. Takes half a minute the first time."""
    archive = folder / f"debian-python-{key()}.tar"
    if not archive.exists():
        machine.require_root()
        machine.install_packages(machine.missing_packages(machine.IMAGE_PACKAGES))
        folder.mkdir(parents=True, exist_ok=True)
        root = folder / "base-root.tar"
        with step("making a Python base image of Debian packages"):
            run(command(root), remedy="are the package mirrors reachable (`apt-get update`)?")
            write_archive(archive, f"docker.io/library/{NAME}", root, platform.machine(), ["python3"])
        root.unlink()
    return archive


def command(target: Path) -> list[str | Path]:
    """The command that makes the image's file system, as a tar file."""
    excluded = [f"--dpkgopt=path-exclude={pattern}" for pattern in EXCLUDED]
    include = f"--include={','.join(PACKAGES)}"
    return ["mmdebstrap", "--variant=essential", *excluded, include, f"--customize-hook={SLIM}", suite(), target]


def suite() -> str:
    """The code name of this machine's Debian, whose packages the image is made of."""
    lines = OS_RELEASE.read_text().splitlines() if OS_RELEASE.exists() else []
    for line in lines:
        name, _, value = line.partition("=")
        if name == "VERSION_CODENAME":
            return value.strip('"')
    raise ClusterError(
        f"{OS_RELEASE} names no VERSION_CODENAME: a base image can be made on Debian and its kin only; "
        "elsewhere use `--provider kind`"
    )


def key() -> str:
    """Twelve hex digits that change whenever the image would be another."""
    recipe = [platform.machine(), *(str(word) for word in command(Path("target")))]
    return hashlib.sha256(json.dumps(recipe).encode()).hexdigest()[:12]
