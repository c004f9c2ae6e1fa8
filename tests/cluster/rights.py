"""Waiting for rights that were just granted: who authorizes hears of a binding a moment after it is stored."""

from __future__ import annotations

from tests.cluster.kubectl import Kubectl, KubectlError, Manifest


def until_may(kubectl: Kubectl, user: str, verb: str, resource: str) -> None:
    """Wait until the user may do this in the namespace."""

    def may(_: list[Manifest]) -> bool:
        try:
            return kubectl.run("auth", "can-i", verb, resource, f"--as={user}").strip() == "yes"
        except KubectlError:  # which is how it says no
            return False

    kubectl.until_listed("rolebindings", "", may, f"in force for {user}")


def account_name(kubectl: Kubectl, name: str) -> str:
    """The user that a service account of the namespace is."""
    return f"system:serviceaccount:{kubectl.namespace}:{name}"
