"""Where everything of the test cluster lies on disk; every other module asks here and nobody joins paths by hand.

All of it is under one folder that version control ignores: `.cache/` of the checkout, or `$KUBESAGA_CACHE`, so that
several checkouts can share what was built.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Paths:
    """The folders of one cache, and of one cluster in it. Nothing here is created by asking for it."""

    cache: Path
    cluster: str = "cluster"

    @classmethod
    def from_environment(cls) -> Paths:
        """The cache that this checkout uses: `$KUBESAGA_CACHE` if set, else `.cache/` beside the Makefile."""
        chosen = os.environ.get("KUBESAGA_CACHE")
        return cls(Path(chosen).expanduser().resolve() if chosen else CHECKOUT / ".cache")

    @property
    def bin(self) -> Path:
        """The built programs: a link to the folder of the pinned versions."""
        return self.cache / "bin"

    @property
    def images(self) -> Path:
        """Image archives, and what they were made from."""
        return self.cache / "images"

    @property
    def engine_storage(self) -> Path:
        """Where buildah keeps its layers."""
        return self.cache / "buildah"

    @property
    def state(self) -> Path:
        """The running cluster: gone after `down`."""
        return self.cache / self.cluster

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig of the running cluster."""
        return self.state / "kubeconfig"

    @property
    def identity(self) -> str:
        """Eight hex digits that name this cluster where a whole path would not fit."""
        return hashlib.sha256(str(self.state).encode()).hexdigest()[:8]
