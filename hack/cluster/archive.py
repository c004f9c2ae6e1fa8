"""Writing an image of one layer, in the archive format that `docker save` made common.

For the two images that nothing else can build where no image registry is reachable: the pod sandbox's and the base.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path

from hack.cluster.errors import ClusterError

PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
# The same image whenever it is made.
CREATED = "1970-01-01T00:00:00Z"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def architecture(machine: str) -> str:
    """The image format's name for what `uname -m` says."""
    if machine not in ARCHITECTURES:
        raise ClusterError(f"no images can be made for the architecture {machine}; known: {', '.join(ARCHITECTURES)}")
    return ARCHITECTURES[machine]


def write_layer(target: Path, programs: Sequence[Path]) -> None:
    """Write a layer that holds some executables in its root folder."""
    with tarfile.open(target, "w") as layer:
        for program in programs:
            entry = tarfile.TarInfo(program.name)
            entry.size, entry.mode = program.stat().st_size, 0o755
            with program.open("rb") as content:
                layer.addfile(entry, content)


def write_archive(target: Path, image: str, layer: Path, machine: str, command: Sequence[str]) -> None:
    """Write an image of one layer (a tar file). `image` is its full name; `machine` is what `uname -m` says."""
    with layer.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    configuration = json.dumps(
        {
            "architecture": architecture(machine),
            "os": "linux",
            "config": {"Cmd": list(command), "Env": [PATH]},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
            "created": CREATED,
            # buildah finds its cached layers by the history.
            "history": [{"created": CREATED, "created_by": "kubesaga"}],
        }
    ).encode()
    name = f"{hashlib.sha256(configuration).hexdigest()}.json"
    manifest = json.dumps([{"Config": name, "RepoTags": [image], "Layers": ["layer.tar"]}]).encode()
    partial = target.with_name(f"{target.name}.partial")
    with tarfile.open(partial, "w") as archive:
        for file, data in ((name, configuration), ("manifest.json", manifest)):
            entry = tarfile.TarInfo(file)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
        archive.add(layer, arcname="layer.tar")
    partial.rename(target)
