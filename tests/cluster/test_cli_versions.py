"""``diff`` and ``graph`` of templates that are on the cluster, beside files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from kubesaga.cli.exits import ExitCode
from tests.cluster.cli import Cli
from tests.cluster.kubectl import Kubectl
from tests.cluster.namespaces import fresh_namespace
from tests.cluster.tasks import sh, template

OLD = template("order", sh("a", "true"), sh("b", "true", dependsOn=["a"]), domain="shop", version="1.0.0")
NEW = template("order", sh("a", "true"), sh("c", "true", dependsOn=["a"]), domain="shop", version="1.1.0")


@pytest.fixture(scope="module")
def kubectl(operator: Kubectl) -> Iterator[Kubectl]:
    """A namespace with a template in two versions."""
    with fresh_namespace(operator) as own:
        for version in (OLD, NEW):
            metadata = {"name": f"order-{version['spec']['version']}"}
            own.apply({**version, "metadata": metadata, "spec": {"name": "order", **version["spec"]}})
        yield own


@pytest.fixture
def cli(kubectl: Kubectl) -> Cli:
    return Cli.of(kubectl)


def test_two_versions_on_the_cluster_are_compared(cli: Cli) -> None:
    ended = cli.call("diff", "shop/order@1.0.0", "shop/order@1.1.0")
    assert ended.code == ExitCode.NO
    assert ended.out.splitlines()[0] == "shop/order@1.0.0 -> shop/order@1.1.0"
    assert "- steps[b]" in ended.out
    assert ended.out.splitlines()[-1].endswith("the least that would: 2.0.0")


def test_the_defaults_that_the_api_server_fills_in_are_no_change(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "order.yaml"
    file.write_text(yaml.safe_dump(OLD))
    assert "Nothing is changed." in cli.ok("diff", "shop/order@1.0.0", str(file))
    assert cli.ok("graph", "shop/order@1.0.0") == cli.ok("graph", str(file))


def test_a_name_alone_is_the_highest_release(cli: Cli) -> None:
    assert cli.ok("graph", "shop/order").startswith("shop/order@1.1.0")


def test_a_template_that_is_not_there_gets_the_one_that_was_meant(cli: Cli) -> None:
    said = cli.refused(ExitCode.NOT_FOUND, "graph", "shop/ordr")
    assert "did you mean shop/order@" in said
    cli.refused(ExitCode.NOT_FOUND, "diff", "shop/order@1.0.0", "shop/order@3.0.0")


def test_files_alone_ask_no_cluster(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "order.yaml"
    file.write_text(yaml.safe_dump(OLD))
    nowhere = cli.by(tmp_path / "no-kubeconfig")
    assert nowhere.ok("graph", str(file)).startswith("shop/order@1.0.0")
    assert "Nothing is changed." in nowhere.ok("diff", str(file), str(file))
