"""The project's own images: what each is built from, and whether it has to be built again.

An image's archive is named after a hash of everything that went into it, so that an unchanged image costs nothing, and
a changed one cannot be mistaken for the old.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from hack.cluster import base_image
from hack.cluster.engines import Buildah, Docker, Engine
from hack.cluster.errors import ClusterError
from hack.cluster.paths import CHECKOUT, Paths
from hack.cluster.progress import step


@dataclass(frozen=True)
class Recipe:
    """One image: its Dockerfile, the folder it is built in, and which files and folders of that go into it."""

    image: str
    context: Path
    inputs: tuple[str, ...]

    @property
    def dockerfile(self) -> Path:
        """The Dockerfile, in the context's root."""
        return self.context / "Dockerfile"

    def files(self) -> Iterator[Path]:
        """Everything that goes into the image, in a fixed order."""
        for name in ("Dockerfile", ".dockerignore", *self.inputs):
            place = self.context / name
            found = sorted(place.rglob("*")) if place.is_dir() else [place]
            yield from (file for file in found if file.is_file() and "__pycache__" not in file.parts)

    def digest(self) -> str:
        """A hash that changes whenever anything that goes into the image does."""
        digest = hashlib.sha256()
        for file in self.files():
            digest.update(f"{file.relative_to(self.context)}\0{file.stat().st_size}\0".encode())
            digest.update(file.read_bytes())
        return digest.hexdigest()


OPERATOR_INPUTS = (
    "pyproject.toml",
    "uv.lock",
    "handlers_image/pyproject.toml",
    "operator/pyproject.toml",
    "operator/kubesaga",
)
RECIPES = {
    recipe.image: recipe
    for recipe in (
        Recipe("kubesaga-operator:dev", CHECKOUT, OPERATOR_INPUTS),
        Recipe("kubesaga-handlers:dev", CHECKOUT / "handlers_image", ("kubesaga_sdk", "examples")),
    )
}
PROJECT_IMAGES = (base_image.NAME, *RECIPES)
KEPT_ARCHIVES = 3


class Images:
    """Builds the project's images with the engine that this machine has."""

    def __init__(self, paths: Paths) -> None:
        self.folder = paths.images
        self.engine: Engine = Docker(paths) if Docker.answers() else Buildah(paths)

    def key(self, image: str) -> str:
        """Twelve hex digits that change whenever one of the project's images would be another."""
        parts = [self.engine.base_key(), RECIPES[image].digest() if image in RECIPES else ""]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:12]

    def build(self, image: str) -> None:
        """Have the engine build one of the project's images."""
        if image not in PROJECT_IMAGES:
            raise ClusterError(f"{image} is not built here; the project's images are: {', '.join(PROJECT_IMAGES)}")
        self.engine.make_base()
        if image in RECIPES:
            recipe = RECIPES[image]
            with step(f"building the image {image}"):
                self.engine.build(image, recipe.dockerfile, recipe.context)

    def archive(self, image: str) -> Path:
        """The archive of one of the project's images, named after its content, built first if there is none."""
        stem = image.partition(":")[0]
        target = self.folder / f"{stem}-{self.key(image)}.tar"
        if not target.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            self.build(image)
            self.engine.save(image, target)
            self._forget_old(stem)
        return target

    def _forget_old(self, stem: str) -> None:
        newest_first = sorted(self.folder.glob(f"{stem}-*.tar"), key=lambda file: file.stat().st_mtime, reverse=True)
        for file in newest_first[KEPT_ARCHIVES:]:
            file.unlink()
