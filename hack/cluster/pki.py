"""The certificates of the local provider's cluster: made anew by every `up`, with openssl, and gone with `down`.

Each component gets an identity of its own, as in a real cluster, so that RBAC, the node authorizer and the audit log
see who does what.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hack.cluster.commands import Word, run

DAYS = "365"
KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
CONFIGURATION = "[req]\ndistinguished_name = name\nprompt = no\n[name]\nCN = unused\n"


@dataclass(frozen=True)
class Authority:
    """A certificate authority in a folder; `issue` writes `<name>.crt` and `<name>.key` beside its own files."""

    folder: Path

    @classmethod
    def create(cls, folder: Path) -> Authority:
        """Make a new authority, and the key pair that service account tokens are signed with."""
        folder.mkdir(parents=True)
        folder.chmod(0o700)
        authority = cls(folder)
        (folder / "openssl.cnf").write_text(CONFIGURATION)
        authority._request("ca", "/CN=kubesaga-test-ca", ["basicConstraints=critical,CA:TRUE"], signed=False)
        run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", folder / "sa.key"])
        return authority

    def issue_server(self, name: str, common_name: str, names: Sequence[str]) -> None:
        """A serving certificate for names such as `DNS:localhost` and `IP:127.0.0.1`."""
        extensions = ["extendedKeyUsage=serverAuth", f"subjectAltName={','.join(names)}"]
        self._request(name, f"/CN={common_name}", extensions, signed=True)

    def issue_client(self, name: str, user: str, group: str = "") -> None:
        """A client certificate that the API server reads as this user, in this group."""
        subject = f"/O={group}/CN={user}" if group else f"/CN={user}"
        self._request(name, subject, ["extendedKeyUsage=clientAuth"], signed=True)

    def _request(self, name: str, subject: str, extensions: Sequence[str], *, signed: bool) -> None:
        signer: list[Word] = ["-CA", self.folder / "ca.crt", "-CAkey", self.folder / "ca.key"] if signed else []
        usage = ["basicConstraints=critical,CA:FALSE"] if signed else []
        added = (word for extension in [*usage, *extensions] for word in ("-addext", extension))
        base: list[Word] = ["openssl", "req", "-x509", "-config", self.folder / "openssl.cnf", "-days", DAYS, *KEY]
        files: list[Word] = ["-keyout", self.folder / f"{name}.key", "-out", self.folder / f"{name}.crt"]
        run([*base, "-subj", subject, *signer, *added, *files])

    def kubeconfig(self, name: str, server: str) -> str:
        """A kubeconfig for an issued client, with everything in it, so that the file can be copied anywhere."""

        def embedded(file: str) -> str:
            return base64.b64encode((self.folder / file).read_bytes()).decode()

        user = {"client-certificate-data": embedded(f"{name}.crt"), "client-key-data": embedded(f"{name}.key")}
        cluster = {"server": server, "certificate-authority-data": embedded("ca.crt")}
        # JSON is YAML, and needs no library to be written.
        return json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "kubesaga", "cluster": cluster}],
                "users": [{"name": name, "user": user}],
                "contexts": [{"name": "kubesaga", "context": {"cluster": "kubesaga", "user": name}}],
                "current-context": "kubesaga",
            },
            indent=2,
        )
