"""The custom resource definitions in the chart: the generated ones, upgraded with it, and kept without it."""

from __future__ import annotations

import pytest
import yaml

from tests.chart.rendering import CHART, ROOT, Render, Rendered

FILES = ["kubesaga.dev_taskactions.yaml", "kubesaga.dev_tasks.yaml", "kubesaga.dev_tasktemplates.yaml"]


def test_the_copies_in_the_chart_are_the_generated_files() -> None:
    generated = {path.name: path.read_bytes() for path in (ROOT / "crds").iterdir()}
    assert {path.name: path.read_bytes() for path in (CHART / "crd-files").iterdir()} == generated
    assert sorted(generated) == FILES


@pytest.mark.parametrize("file", FILES)
def test_rendering_adds_labels_and_the_keep_policy_and_changes_nothing_else(file: str, default: Rendered) -> None:
    source = yaml.safe_load((ROOT / "crds" / file).read_text())
    rendered = default.one("CustomResourceDefinition", source["metadata"]["name"])
    annotations = rendered["metadata"]["annotations"]
    assert annotations == source["metadata"].get("annotations", {}) | {"helm.sh/resource-policy": "keep"}
    assert rendered["spec"] == source["spec"]


def test_crds_that_somebody_else_manages_are_left_out(render: Render) -> None:
    assert render({"crds": {"install": False}}).of_kind("CustomResourceDefinition") == []
