"""The control plane of the local provider: etcd, API server, controller manager, scheduler.

Default admission and default features, so that what works here works elsewhere. Limits on requests are raised, because
one node's worth of tests may otherwise wait for a client-side rate limit of the cluster instead of for Kubesaga.
"""

from __future__ import annotations

import json

from hack.cluster.component import CONFIG, PKI, Component, kubeconfig, program
from hack.cluster.namespaces import STATE
from hack.cluster.network import Network

API_PORT = 6443
ETCD = "http://127.0.0.1:2379"
ETCD_PEER = "http://127.0.0.1:2380"
AUDIT_LOG = "audit/audit.log"
AUDIT_LOG_MEGABYTES = 200
# Who wrote what, and nothing about reads: the benchmark counts the operator's own writes from this.
AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived", "ResponseStarted"],
    "rules": [
        {"level": "Metadata", "verbs": ["create", "update", "patch", "delete", "deletecollection"]},
        {"level": "None"},
    ],
}
CLIENT_RATE = {"kube-api-qps": 200, "kube-api-burst": 400}


def server(network: Network) -> str:
    """The address of the API server, the same for people, pods and components."""
    return f"https://{network.node}:{API_PORT}"


def server_names(network: Network) -> list[str]:
    """What the API server's certificate is made out to."""
    service = ["kubernetes", "kubernetes.default", "kubernetes.default.svc"]
    addresses = ["127.0.0.1", network.node, network.api_service]
    return [*(f"DNS:{name}" for name in ["localhost", *service]), *(f"IP:{address}" for address in addresses)]


def configuration_files() -> dict[str, str]:
    """The files that the control plane reads, by their name in the configuration folder."""
    return {"audit-policy.json": json.dumps(AUDIT_POLICY)}


def etcd() -> Component:
    """etcd without fsync: a test cluster's state need not outlive the machine."""
    return program(
        "etcd",
        {
            "name": "default",
            "data-dir": f"{STATE}/etcd",
            "listen-client-urls": ETCD,
            "advertise-client-urls": ETCD,
            "listen-peer-urls": ETCD_PEER,
            "initial-advertise-peer-urls": ETCD_PEER,
            "initial-cluster": f"default={ETCD_PEER}",
            "unsafe-no-fsync": "true",
        },
        # It would wait for the API server to hang up; what it has written is safe by then.
        grace_seconds=2.0,
    )


def apiserver(network: Network) -> Component:
    """The API server; it can be reached from the node, from pods, and from the machine through the cable."""
    return program(
        "kube-apiserver",
        {
            "etcd-servers": ETCD,
            "bind-address": "0.0.0.0",
            "advertise-address": network.node,
            "secure-port": API_PORT,
            "service-cluster-ip-range": network.services,
            "tls-cert-file": f"{PKI}/apiserver.crt",
            "tls-private-key-file": f"{PKI}/apiserver.key",
            "client-ca-file": f"{PKI}/ca.crt",
            "service-account-key-file": f"{PKI}/sa.key",
            "service-account-signing-key-file": f"{PKI}/sa.key",
            "service-account-issuer": "https://kubernetes.default.svc",
            "authorization-mode": "Node,RBAC",
            "allow-privileged": "true",
            "kubelet-client-certificate": f"{PKI}/admin.crt",
            "kubelet-client-key": f"{PKI}/admin.key",
            "kubelet-preferred-address-types": "InternalIP",
            "enable-admission-plugins": "NodeRestriction",
            "audit-policy-file": f"{CONFIG}/audit-policy.json",
            "audit-log-path": f"{STATE}/{AUDIT_LOG}",
            "audit-log-maxsize": AUDIT_LOG_MEGABYTES,
            "audit-log-maxbackup": 1,
            # Without this, clients that keep their watches open hold up an orderly end for a minute.
            "shutdown-watch-termination-grace-period": "1s",
        },
    )


def controller_manager() -> Component:
    """The controller manager, where the Job controller runs."""
    return program(
        "kube-controller-manager",
        {
            "kubeconfig": kubeconfig("kube-controller-manager"),
            "service-account-private-key-file": f"{PKI}/sa.key",
            "root-ca-file": f"{PKI}/ca.crt",
            "use-service-account-credentials": "true",
            "leader-elect": "false",
            **CLIENT_RATE,
        },
    )


def scheduler() -> Component:
    """The scheduler."""
    flags = {"kubeconfig": kubeconfig("kube-scheduler"), "leader-elect": "false", **CLIENT_RATE}
    return program("kube-scheduler", flags)
