"""The two programs that can build an image from a Dockerfile: Docker, or buildah where no Docker engine runs.

Both get the same Dockerfiles and the same arguments. The certificates that this machine trusts are lent to the build as
a secret, so that package registries behind a certificate authority of one's own work; nothing of it is in the image.
"""

from __future__ import annotations

import json
import os
import ssl
import tempfile
from pathlib import Path
from typing import Protocol

from hack.cluster import base_image, machine
from hack.cluster.commands import Word, run, succeeds
from hack.cluster.paths import Paths

# How this machine reaches package registries; the Dockerfiles declare these in their build stages only.
REGISTRY_SETTINGS = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX")
DOCKER_BASE = "FROM python:3.13-slim\n"


class Engine(Protocol):
    """What builds and keeps images. Image names are short, such as `kubesaga-operator:dev`."""

    def base_key(self) -> str:
        """What changes whenever the base image would be another."""

    def make_base(self) -> None:
        """See to it that the engine has the image `kubesaga-base:dev`."""

    def build(self, image: str, dockerfile: Path, context: Path) -> None:
        """Build an image on top of `kubesaga-base:dev`."""

    def save(self, image: str, target: Path) -> None:
        """Write an image that the engine has into an archive."""


class Docker:
    """A Docker engine that answers."""

    def __init__(self, paths: Paths) -> None:
        self.folder = paths.images

    @staticmethod
    def answers() -> bool:
        """Whether there is one, and this user may use it."""
        return succeeds(["docker", "version"])

    def base_key(self) -> str:
        """The base is the public Python image."""
        return DOCKER_BASE

    def make_base(self) -> None:
        """Tag the public Python image as the base."""
        dockerfile = self.folder / "base" / "Dockerfile"
        dockerfile.parent.mkdir(parents=True, exist_ok=True)
        dockerfile.write_text(DOCKER_BASE)
        run(["docker", "build", "--tag", base_image.NAME, dockerfile.parent])

    def build(self, image: str, dockerfile: Path, context: Path) -> None:
        """Build with `docker build`; the engine's own cache makes an unchanged build quick."""
        command: list[Word] = [
            "docker",
            "build",
            "--tag",
            image,
            "--file",
            dockerfile,
            *build_arguments(base_image.NAME),
            context,
        ]
        run(command, environment={"DOCKER_BUILDKIT": "1"})

    def save(self, image: str, target: Path) -> None:
        """Write an image into an archive."""
        run(["docker", "save", "--output", target, image])


class Buildah:
    """buildah without a daemon and without namespaces of its own, its layers kept in the cache."""

    def __init__(self, paths: Paths) -> None:
        self.images = paths.images
        self.storage = paths.engine_storage

    def _run(self, command: str, *arguments: str | Path) -> None:
        machine.require_root()
        machine.install_packages(machine.missing_packages(machine.IMAGE_PACKAGES))
        self.storage.mkdir(parents=True, exist_ok=True)
        # Its mounts, and what it notes about them, last as long as the command: nothing is left, even if it is killed.
        with tempfile.TemporaryDirectory(prefix="kubesaga-buildah-") as notes:
            places: list[Word] = ["--root", self.storage / "layers", "--runroot", notes, "--storage-driver", "overlay"]
            run(["unshare", "--mount", "buildah", *places, command, *self._policy(), *arguments])

    def _policy(self) -> list[str]:
        # Nothing is fetched from an image registry, so there is no signature to check.
        policy = self.storage / "policy.json"
        policy.write_text(json.dumps({"default": [{"type": "insecureAcceptAnything"}]}))
        return [f"--signature-policy={policy}"]

    def base_key(self) -> str:
        """The base is made of Debian packages, by a recipe."""
        return base_image.key()

    def make_base(self) -> None:
        """Take the base image that is made of Debian packages."""
        archive = base_image.ensure(self.images)
        known = self.storage / "base"
        if known.exists() and known.read_text() == archive.name:
            return
        self._run("pull", f"docker-archive:{archive}")
        known.write_text(archive.name)

    def build(self, image: str, dockerfile: Path, context: Path) -> None:
        """Build with `buildah build`; its layers are kept, so that only what changed is built again."""
        options = ["--layers", "--isolation=chroot", "--network=host", "--pull-never", "--format=docker"]
        arguments = build_arguments(full_name(base_image.NAME))
        target: list[Word] = ["--tag", full_name(image), "--file", dockerfile, context]
        self._run("build", *options, *arguments, *target)

    def save(self, image: str, target: Path) -> None:
        """Write an image into an archive."""
        partial = target.with_name(f"{target.name}.{os.getpid()}")
        name = full_name(image)
        self._run("push", name, f"docker-archive:{partial}:{name}")
        partial.rename(target)


def full_name(image: str) -> str:
    """What Kubernetes understands a short image name as."""
    return image if "/" in image else f"docker.io/library/{image}"


def build_arguments(base: str) -> list[str]:
    """What both engines understand: the base image, how to reach package registries, trusted certificates."""
    settings = {name: os.environ[name] for name in REGISTRY_SETTINGS if name in os.environ}
    arguments = [word for item in settings.items() for word in ("--build-arg", "=".join(item))]
    bundle = certificates()
    secret = ["--secret", f"id=certificates,src={bundle}"] if bundle else []
    return ["--build-arg", f"BASE_IMAGE={base}", *arguments, *secret]


def certificates() -> Path | None:
    """The bundle of certificates that this machine trusts, if it keeps one."""
    bundle = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    return Path(bundle) if bundle and Path(bundle).is_file() else None
