"""Fixtures of the chart's tests: helm, and the chart rendered with given values."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import yaml

from tests.chart.rendering import ROOT, Helm, Manifest, Render, Rendered


def _find_helm() -> Path | None:
    cache = Path(os.environ.get("KUBESAGA_CACHE", ROOT / ".cache"))
    built = cache / "bin" / "helm"
    if built.is_file():
        return built
    on_path = shutil.which("helm")
    return Path(on_path) if on_path else None


@pytest.fixture(scope="session")
def helm() -> Helm:
    """Helm, as built for the test cluster or else from PATH."""
    binary = _find_helm()
    if binary is None:
        pytest.fail("no helm in .cache/bin or on PATH: run `make test`, which builds it", pytrace=False)
    return Helm(binary)


@pytest.fixture(scope="session")
def render(helm: Helm) -> Render:
    """A function from values to the chart's manifests."""

    def rendered(values: Manifest) -> Rendered:
        result = helm.template(values)
        assert result.returncode == 0, result.stderr
        return Rendered(tuple(m for m in yaml.safe_load_all(result.stdout) if m is not None))

    return rendered


@pytest.fixture(scope="session")
def default(render: Render) -> Rendered:
    """The chart as it is installed without any value."""
    return render({})
