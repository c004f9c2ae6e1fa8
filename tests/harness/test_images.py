"""What an image is made of, when it is made again, and the archives that are made by hand."""

from __future__ import annotations

import hashlib
import json
import tarfile
from pathlib import Path

import pytest

from hack.cluster import base_image, engines, images
from hack.cluster.archive import write_archive, write_layer
from hack.cluster.errors import ClusterError
from hack.cluster.images import RECIPES, Images, Recipe
from hack.cluster.paths import Paths


@pytest.fixture
def recipe(tmp_path: Path) -> Recipe:
    context = tmp_path / "context"
    (context / "src").mkdir(parents=True)
    (context / "Dockerfile").write_text("FROM scratch\n")
    (context / ".dockerignore").write_text("*\n!src\n")
    (context / "src" / "a.py").write_text("a = 1\n")
    return Recipe("example:dev", context, ("src",))


def test_an_image_is_made_again_when_a_file_of_it_changes_appears_or_is_renamed(recipe: Recipe) -> None:
    seen = {recipe.digest()}
    (recipe.context / "src" / "a.py").write_text("a = 2\n")
    seen.add(recipe.digest())
    (recipe.context / "src" / "b.py").write_text("")
    seen.add(recipe.digest())
    (recipe.context / "src" / "b.py").rename(recipe.context / "src" / "c.py")
    seen.add(recipe.digest())
    recipe.dockerfile.write_text("FROM other\n")
    seen.add(recipe.digest())
    assert len(seen) == 5


def test_an_image_is_not_made_again_for_what_does_not_go_into_it(recipe: Recipe) -> None:
    before = recipe.digest()
    (recipe.context / "README.md").write_text("not copied")
    (recipe.context / "src" / "__pycache__").mkdir()
    (recipe.context / "src" / "__pycache__" / "a.pyc").write_bytes(b"compiled")
    (recipe.context / "src" / "a.py").touch()
    assert recipe.digest() == before


def test_moving_a_byte_from_one_file_to_the_next_is_a_change(recipe: Recipe) -> None:
    first, second = recipe.context / "src" / "a.py", recipe.context / "src" / "b.py"
    first.write_text("xy")
    second.write_text("z")
    before = recipe.digest()
    first.write_text("x")
    second.write_text("yz")
    assert recipe.digest() != before


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_everything_that_a_dockerfile_copies_counts_as_its_input(recipe: Recipe) -> None:
    lines = recipe.dockerfile.read_text().splitlines()
    copies = [line.split()[1:-1] for line in lines if line.startswith("COPY ") and "--from" not in line]
    sources = {source.rstrip("/") for words in copies for source in words}
    assert sources == set(recipe.inputs)
    for source in sources:
        assert (recipe.context / source).exists()


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_everything_that_a_dockerfile_copies_is_let_through_to_the_engine(recipe: Recipe) -> None:
    ignored = (recipe.context / ".dockerignore").read_text().splitlines()
    assert {line[1:] for line in ignored if line.startswith("!")} == set(recipe.inputs)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_no_image_runs_as_root(recipe: Recipe) -> None:
    users = [line.split()[1] for line in recipe.dockerfile.read_text().splitlines() if line.startswith("USER ")]
    assert users == ["65532:65532"]


class RecordingEngine:
    """An engine that writes down what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.base = "one base"

    def base_key(self) -> str:
        return self.base

    def make_base(self) -> None:
        self.asked.append("base")

    def build(self, image: str, dockerfile: Path, context: Path) -> None:
        self.asked.append(f"build {image} of {dockerfile.relative_to(context)}")

    def save(self, image: str, target: Path) -> None:
        self.asked.append(f"save {image}")
        target.write_text(image)


@pytest.fixture
def engine() -> RecordingEngine:
    return RecordingEngine()


@pytest.fixture
def built(tmp_path: Path, recipe: Recipe, engine: RecordingEngine, monkeypatch: pytest.MonkeyPatch) -> Images:
    monkeypatch.setattr(engines.Docker, "answers", staticmethod(lambda: False))
    monkeypatch.setattr(images, "RECIPES", {recipe.image: recipe})
    monkeypatch.setattr(images, "PROJECT_IMAGES", (base_image.NAME, recipe.image))
    made = Images(Paths(tmp_path / "cache"))
    made.engine = engine
    return made


def test_an_unchanged_image_is_built_once(built: Images, engine: RecordingEngine) -> None:
    first = built.archive("example:dev")
    assert built.archive("example:dev") == first
    assert engine.asked == ["base", "build example:dev of Dockerfile", "save example:dev"]


def test_a_changed_image_gets_another_archive(built: Images, recipe: Recipe, engine: RecordingEngine) -> None:
    first = built.archive("example:dev")
    (recipe.context / "src" / "a.py").write_text("changed\n")
    assert built.archive("example:dev") != first
    assert engine.asked.count("save example:dev") == 2


def test_a_changed_base_changes_what_stands_on_it(built: Images, engine: RecordingEngine) -> None:
    before = [built.key("example:dev"), built.key(base_image.NAME)]
    engine.base = "another base"
    after = [built.key("example:dev"), built.key(base_image.NAME)]
    assert len({*before, *after}) == 4


def test_old_archives_are_removed_but_for_the_last_few(built: Images, recipe: Recipe) -> None:
    for number in range(images.KEPT_ARCHIVES + 3):
        (recipe.context / "src" / "a.py").write_text(f"{number}\n")
        newest = built.archive("example:dev")
    kept = list(newest.parent.glob("example-*.tar"))
    assert len(kept) == images.KEPT_ARCHIVES
    assert newest in kept


def test_an_image_of_somebody_else_is_refused_by_name(built: Images) -> None:
    with pytest.raises(ClusterError, match="busybox is not built here; the project's images are: kubesaga-base:dev"):
        built.archive("busybox")


def test_an_archive_made_by_hand_is_whole(tmp_path: Path) -> None:
    program = tmp_path / "pause"
    program.write_bytes(b"program")
    write_layer(tmp_path / "layer", [program])
    write_archive(tmp_path / "image.tar", "docker.io/library/x:dev", tmp_path / "layer", "x86_64", ["/pause"])
    with tarfile.open(tmp_path / "image.tar") as archive:
        files = {name: _content(archive, name) for name in archive.getnames()}
    (manifest,) = json.loads(files["manifest.json"])
    configuration = json.loads(files[manifest["Config"]])
    (layer,) = manifest["Layers"]
    assert manifest["RepoTags"] == ["docker.io/library/x:dev"]
    assert manifest["Config"] == hashlib.sha256(files[manifest["Config"]]).hexdigest() + ".json"
    assert configuration["rootfs"]["diff_ids"] == ["sha256:" + hashlib.sha256(files[layer]).hexdigest()]
    assert len(configuration["history"]) == 1
    assert configuration["architecture"] == "amd64"
    assert configuration["config"]["Cmd"] == ["/pause"]


def _content(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    assert file is not None
    return file.read()


def test_an_unknown_architecture_is_named(tmp_path: Path) -> None:
    layer = tmp_path / "layer"
    layer.touch()
    with pytest.raises(ClusterError, match="no images can be made for the architecture vax"):
        write_archive(tmp_path / "image.tar", "x", layer, "vax", [])


def test_a_short_image_name_is_what_kubernetes_takes_it_for() -> None:
    assert engines.full_name("kubesaga-base:dev") == "docker.io/library/kubesaga-base:dev"
    assert engines.full_name("example.com/team/image:1") == "example.com/team/image:1"


def test_how_this_machine_reaches_registries_is_handed_to_the_build(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle.crt"
    bundle.touch()
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    monkeypatch.setenv("PIP_INDEX_URL", "https://packages.example.com/simple")
    for name in engines.REGISTRY_SETTINGS[1:]:
        monkeypatch.delenv(name, raising=False)
    assert engines.build_arguments("base:dev") == [
        *("--build-arg", "BASE_IMAGE=base:dev"),
        *("--build-arg", "PIP_INDEX_URL=https://packages.example.com/simple"),
        *("--secret", f"id=certificates,src={bundle}"),
    ]


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
def test_registry_settings_end_with_the_build_stage(recipe: Recipe) -> None:
    *_, last_stage = recipe.dockerfile.read_text().split("\nFROM ")
    assert [name for name in (*engines.REGISTRY_SETTINGS, "certificates") if name in last_stage] == []


def test_the_base_image_belongs_to_the_machines_own_debian(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    release = tmp_path / "os-release"
    monkeypatch.setattr(base_image, "OS_RELEASE", release)
    release.write_text('NAME="Debian"\nVERSION_CODENAME=bookworm\n')
    assert base_image.suite() == "bookworm"
    first = base_image.key()
    release.write_text('VERSION_CODENAME="trixie"\n')
    assert base_image.suite() == "trixie"
    assert base_image.key() != first


def test_a_machine_that_is_no_debian_is_told_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(base_image, "OS_RELEASE", tmp_path / "missing")
    with pytest.raises(ClusterError, match="elsewhere use `--provider kind`"):
        base_image.suite()
