"""Asks the cluster of a node whether the node is ready."""

from shlex import quote
from typing import Any

from power_edge.suites import Unknown, output

_KUBECTL = {
    # An environment may name another cluster.
    "k3s": "k3s kubectl --kubeconfig=/etc/rancher/k3s/k3s.yaml",
    "kubelet": "kubectl --kubeconfig=/etc/kubernetes/kubelet.conf",
}
"""A kubelet may read its own node (Kubernetes: Node authorization). kubeadm puts its credentials
there. An agent of k3s has nothing to ask with.
"""
_READY = """{.status.conditions[?(@.type=="Ready")].status}"""
_STATUSES = ("True", "False", "Unknown")
"""What Ready can be (Kubernetes: Node Status)."""
_ACTIVE = {"active": True, "inactive": False, "failed": False, "activating": False}


def is_active(host: Any, service: str) -> bool:
    """Whether a service is active. Raises Unknown if systemd does not say."""
    shown = output(host, f"systemctl show -p ActiveState -- {quote(f'{service}.service')}")
    state = shown.strip().removeprefix("ActiveState=")
    if state not in _ACTIVE:
        raise Unknown(f"{service} is {state or 'not known to systemd'}")
    return _ACTIVE[state]


def ready(host: Any, service: str, node: str) -> str:
    """Return the condition Ready of a node, as the cluster reports it. Raises Unknown.

    It is the API server that is asked: of a kubelet, usually another machine.
    """
    if service not in _KUBECTL:
        raise Unknown(f"{service} cannot ask the cluster: ask on a server")
    options = f"--request-timeout=10s -o jsonpath={quote(_READY)}"
    status = output(host, f"{_KUBECTL[service]} get node {quote(node)} {options}")
    if status not in _STATUSES:
        raise Unknown(f"the cluster says {status!r} about {node}, which is not a status")
    return status
