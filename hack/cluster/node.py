"""The node of the local provider: containerd with runc, kubelet, kube-proxy, DNS, and their configuration files.

Paths are those of the inside of the namespaces (see namespaces.py), where /run and /var are the node's own.
"""

from __future__ import annotations

import json

from hack.cluster.component import CONFIG, NODE_NAME, PKI, Component, kubeconfig, program
from hack.cluster.machine import CNI_PLUGINS
from hack.cluster.namespaces import BIN
from hack.cluster.network import Network

CONTAINERD_SOCKET = "/run/containerd/containerd.sock"
PAUSE_IMAGE = "docker.io/library/kubesaga-pause:dev"
IMPORT_IMAGE = ("ctr", "--namespace=k8s.io", "images", "import", "-")
KILL_CONTAINER = ("ctr", "--namespace=k8s.io", "tasks", "kill", "--signal=SIGKILL")
DNS_DOMAIN = "cluster.local"
MOST_PODS = 240

CONTAINERD = f"""
version = 2
disabled_plugins = ["io.containerd.internal.v1.opt"]
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  sandbox_image = "{PAUSE_IMAGE}"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{CNI_PLUGINS}"
    conf_dir = "{CONFIG}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
"""


def pod_network(network: Network) -> dict[str, object]:
    """How a pod is connected: by a cable of its own to the node, with routes to the cluster and no default route.

    So it cannot reach anything outside, and address translation between two pods needs no bridge filter in the kernel.
    """
    addresses = {
        "type": "host-local",
        "subnet": network.pods,
        "routes": [{"dst": target} for target in network.ranges],
    }
    plugin = {"type": "ptp", "ipMasq": False, "ipam": addresses}
    return {"cniVersion": "0.4.0", "name": "kubesaga", "plugins": [plugin]}


def proxy_configuration(network: Network) -> dict[str, object]:
    """The configuration of kube-proxy."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "clusterCIDR": network.pods,
        "hostnameOverride": NODE_NAME,
        "clientConnection": {"kubeconfig": kubeconfig("kube-proxy")},
        # Connection tracking is shared with the machine; its sizes are not this cluster's to change.
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }


def dns_configuration(network: Network) -> str:
    """The configuration of CoreDNS: services' names and nothing else, on the node's own address."""
    return f""".:53 {{
    bind {network.node}
    errors
    kubernetes {DNS_DOMAIN} {{
        kubeconfig {kubeconfig("dns")}
    }}
}}
"""


def kubelet_configuration(network: Network, control_group: str) -> dict[str, object]:
    """The kubelet's configuration; pods' control groups are made below `control_group`."""
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": False},
            "x509": {"clientCAFile": f"{PKI}/ca.crt"},
        },
        "authorization": {"mode": "AlwaysAllow"},
        "tlsCertFile": f"{PKI}/kubelet-server.crt",
        "tlsPrivateKeyFile": f"{PKI}/kubelet-server.key",
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        "volumePluginDir": "/var/lib/kubelet/volume-plugins",
        "resolvConf": "",
        "clusterDomain": DNS_DOMAIN,
        "clusterDNS": [network.node],
        # One root for all of the cluster's control groups, whatever version of them the machine has, so that `down`
        # can find them again.
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{control_group}",
        "cgroupsPerQOS": True,
        "enforceNodeAllocatable": [],
        "failCgroupV1": False,
        "failSwapOn": False,
        # The images are loaded, not pulled: a collected one would not come back.
        "imageGCHighThresholdPercent": 100,
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1%",
            "nodefs.inodesFree": "1%",
            "imagefs.available": "1%",
        },
        "maxPods": MOST_PODS,
        "serializeImagePulls": False,
        "kubeAPIQPS": 200,
        "kubeAPIBurst": 400,
        "eventRecordQPS": 50,
    }


def configuration_files(network: Network, control_group: str) -> dict[str, str]:
    """The files that the node's components read, by their name in the configuration folder."""
    return {
        "containerd.toml": CONTAINERD,
        "cni/10-kubesaga.conflist": json.dumps(pod_network(network)),
        "kubelet.json": json.dumps(kubelet_configuration(network, control_group)),
        "Corefile": dns_configuration(network),
        "kube-proxy.json": json.dumps(proxy_configuration(network)),
    }


def containerd() -> Component:
    """The container runtime, apart from any that the machine runs itself."""
    return Component("containerd", ("containerd", "--config", f"{CONFIG}/containerd.toml"))


def kubelet(network: Network) -> Component:
    """The kubelet, as the node `kubesaga`."""
    return program(
        "kubelet",
        {
            "config": f"{CONFIG}/kubelet.json",
            "kubeconfig": kubeconfig("kubelet"),
            "node-ip": network.node,
            "hostname-override": NODE_NAME,
        },
    )


def kube_proxy() -> Component:
    """kube-proxy, which makes services' addresses work."""
    return program("kube-proxy", {"config": f"{CONFIG}/kube-proxy.json"})


def dns() -> Component:
    """CoreDNS, which pods ask for the names of services."""
    return Component("dns", (f"{BIN}/dns", "-conf", f"{CONFIG}/Corefile"))
