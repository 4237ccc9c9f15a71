"""Suggest roles and tags for a machine's identity.yaml, from the evidence on it. Pure.

probes/roles/NAME.sh prints the evidence for a role.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

Evidence = Iterable[tuple[str, str]]
"""Lines of the probe: what there is evidence for (`openvpn`, `forwarding`), and a sentence for
people about it.
"""


class Suggested(NamedTuple):
    """A role, the settings that follow from the evidence, and the evidence."""

    role: str
    config: Mapping[str, Any]
    evidence: tuple[str, ...]


_UNIT = re.compile(r"(\S+)\.service (?:runs|is enabled)")
_INTERFACE = re.compile(r"the interface (\S+) exists")
_RUNTIMES = ("docker", "podman", "containerd")
_KUBERNETES = ("k3s", "kubelet")
_TAGS = ("openvpn", "wireguard", "tailscale", *_RUNTIMES, *_KUBERNETES, "prometheus")


def suggest(lines: Evidence) -> tuple[Suggested, ...]:
    """Return the roles for which the evidence is enough.

    Names and settings are those of node-identity.schema.yaml.
    """
    return tuple(_roles(_by_name(lines)))


def tags(lines: Evidence) -> dict[str, tuple[str, ...]]:
    """Return tags to find the machine by, with the evidence: its roles, then their software."""
    observed = _by_name(lines)
    software = {
        name: observed[name]
        for name in _TAGS
        if name in observed and not _is_kubernetes_own(name, observed)
    }
    return {suggested.role: suggested.evidence for suggested in _roles(observed)} | software


def _by_name(lines: Evidence) -> dict[str, tuple[str, ...]]:
    observed: dict[str, list[str]] = {}
    for name, sentence in lines:
        observed.setdefault(name, []).append(sentence)
    return {name: tuple(sentences) for name, sentences in observed.items()}


def _roles(observed: Mapping[str, tuple[str, ...]]) -> Iterator[Suggested]:
    forwarding = observed.get("forwarding", ())
    if "openvpn" in observed:
        yield Suggested("vpn-gateway", {"provider": "openvpn"}, (*observed["openvpn"], *forwarding))
    else:
        # Each machine in such a VPN has an interface of it; a gateway is one that forwards as well.
        provider = next((name for name in ("wireguard", "tailscale") if name in observed), None)
        if provider is not None and forwarding:
            yield Suggested(
                "vpn-gateway", {"provider": provider}, (*observed[provider], *forwarding)
            )
    runtime = next(
        (name for name in _RUNTIMES if name in observed and not _is_kubernetes_own(name, observed)),
        None,
    )
    if runtime is not None:
        yield Suggested("container-host", {"runtime": runtime}, observed[runtime])
    if forwarding and "masquerade" in observed:
        yield Suggested("edge-router", {}, (*forwarding, *observed["masquerade"]))
    if "node_exporter" in observed:
        yield Suggested("monitoring-target", {}, observed["node_exporter"])
    if "desktop" in observed and "compiler" in observed:
        yield Suggested("dev-workstation", {}, (*observed["desktop"], *observed["compiler"]))
    distribution = next((name for name in _KUBERNETES if name in observed), None)
    if distribution is not None:
        service = _unit(observed[distribution]) or distribution
        yield Suggested("k8s-node", {"service": service}, observed[distribution])


def section(suggested: Suggested) -> tuple[str, Mapping[str, str]] | None:
    """Return the section of identity.yaml that a role needs, and what the evidence says of it.

    None if the role needs none.
    """
    if suggested.role == "container-host":
        return "container_host", {"runtime": suggested.config["runtime"]}
    if suggested.role != "vpn-gateway":
        return None
    provider = suggested.config["provider"]
    found = {"provider": provider}
    unit = _unit(suggested.evidence)
    if provider == "openvpn" and unit is not None:
        found["unit"] = unit
    elif provider == "wireguard":
        interfaces = (_INTERFACE.match(sentence) for sentence in suggested.evidence)
        interface = next((match[1] for match in interfaces if match is not None), None)
        if unit is not None and unit.startswith("wg-quick@"):
            found["interface"] = unit.removeprefix("wg-quick@")
        elif interface is not None:
            found["interface"] = interface
    return "vpn_gateway", found


def _unit(evidence: Iterable[str]) -> str | None:
    """Return the first service that evidence is about, without its suffix."""
    matches = (_UNIT.match(sentence) for sentence in evidence)
    return next((match[1] for match in matches if match is not None), None)


def _is_kubernetes_own(name: str, observed: Mapping[str, tuple[str, ...]]) -> bool:
    """Return whether this runtime belongs to Kubernetes or docker and is not a role of the
    machine."""
    return name == "containerd" and any(other in observed for other in (*_KUBERNETES, "docker"))
