"""The certificates: who they are for, who signed them, and that a kubeconfig carries them."""

from __future__ import annotations

import base64
import json
import subprocess
from pathlib import Path

import pytest

from hack.cluster.pki import Authority


def openssl(*arguments: str | Path) -> str:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority.create(tmp_path / "pki")


def test_keys_are_for_their_owner_only(authority: Authority) -> None:
    assert authority.folder.stat().st_mode & 0o777 == 0o700


def test_a_servers_certificate_names_its_addresses_and_is_signed_by_the_authority(authority: Authority) -> None:
    authority.issue_server("api", "kube-apiserver", ["DNS:kubernetes.default", "IP:10.0.0.1"])
    certificate = authority.folder / "api.crt"
    assert openssl("verify", "-purpose", "sslserver", "-CAfile", authority.folder / "ca.crt", certificate)
    text = openssl("x509", "-in", certificate, "-noout", "-ext", "subjectAltName,basicConstraints")
    assert "DNS:kubernetes.default, IP Address:10.0.0.1" in text
    assert "CA:FALSE" in text


def test_a_clients_certificate_names_user_and_group(authority: Authority) -> None:
    authority.issue_client("kubelet", "system:node:one", "system:nodes")
    certificate = authority.folder / "kubelet.crt"
    assert openssl("verify", "-purpose", "sslclient", "-CAfile", authority.folder / "ca.crt", certificate)
    subject = openssl("x509", "-in", certificate, "-noout", "-subject")
    assert "O = system:nodes, CN = system:node:one" in subject


def test_a_client_without_a_group_has_none(authority: Authority) -> None:
    authority.issue_client("scheduler", "system:kube-scheduler")
    subject = openssl("x509", "-in", authority.folder / "scheduler.crt", "-noout", "-subject")
    assert subject.strip() == "subject=CN = system:kube-scheduler"


def test_a_kubeconfig_holds_everything_that_it_needs(authority: Authority) -> None:
    authority.issue_client("admin", "somebody", "system:masters")
    document = json.loads(authority.kubeconfig("admin", "https://10.0.0.1:6443"))
    (cluster,), (user,), (context,) = document["clusters"], document["users"], document["contexts"]
    assert cluster["cluster"]["server"] == "https://10.0.0.1:6443"
    embedded = {
        "ca.crt": cluster["cluster"]["certificate-authority-data"],
        "admin.crt": user["user"]["client-certificate-data"],
        "admin.key": user["user"]["client-key-data"],
    }
    for file, data in embedded.items():
        assert base64.b64decode(data) == (authority.folder / file).read_bytes()
    assert document["current-context"] == context["name"]
    assert context["context"] == {"cluster": cluster["name"], "user": user["name"]}
