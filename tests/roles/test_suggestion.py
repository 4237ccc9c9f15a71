"""Roles and tags from evidence."""

from pathlib import Path

import pytest

from power_edge.config.role_files import built_in, load
from power_edge.roles.suggestion import suggest, tags

FORWARDS = ("forwarding", "net.ipv4.ip_forward is 1")


def names(*lines: tuple[str, str]) -> dict[str, dict[str, object]]:
    return {suggested.role: dict(suggested.config) for suggested in suggest(lines)}


def test_a_role_comes_with_its_settings_and_evidence() -> None:
    (gateway, host) = suggest(
        [("openvpn", "openvpn@server.service runs"), FORWARDS, ("docker", "docker.service runs")]
    )
    assert gateway == (
        "vpn-gateway",
        {"provider": "openvpn"},
        ("openvpn@server.service runs", "net.ipv4.ip_forward is 1"),
    )
    assert host == ("container-host", {"runtime": "docker"}, ("docker.service runs",))


@pytest.mark.parametrize(
    ("evidence", "roles"),
    [
        ([], {}),
        (["openvpn"], {"vpn-gateway": {"provider": "openvpn"}}),
        (["openvpn-client", "forwarding"], {}),
        (["wireguard"], {}),
        (["tailscale"], {}),
        (["wireguard", "forwarding"], {"vpn-gateway": {"provider": "wireguard"}}),
        (["tailscale", "forwarding"], {"vpn-gateway": {"provider": "tailscale"}}),
        (["forwarding"], {}),
        (["masquerade"], {}),
        (["forwarding", "masquerade"], {"edge-router": {}}),
        (["podman"], {"container-host": {"runtime": "podman"}}),
        (["containerd"], {"container-host": {"runtime": "containerd"}}),
        (["containerd", "docker"], {"container-host": {"runtime": "docker"}}),
        (["containerd", "kubelet"], {"k8s-node": {"service": "kubelet"}}),
        (["containerd", "k3s", "forwarding"], {"k8s-node": {"service": "k3s"}}),
        (["node_exporter"], {"monitoring-target": {}}),
        (["prometheus"], {}),
        (["desktop"], {}),
        (["desktop", "compiler"], {"dev-workstation": {}}),
        (["something new"], {}),
    ],
)
def test_what_evidence_is_enough(evidence: list[str], roles: dict[str, dict[str, object]]) -> None:
    assert names(*((name, "seen") for name in evidence)) == roles


def test_all_roles_of_the_schema_can_be_suggested() -> None:
    files = {name: load(Path(), name) for name in built_in()}
    known = {name for name, file in files.items() if file is not None and file.role.kind == "role"}
    everything = [
        "openvpn",
        "docker",
        "forwarding",
        "masquerade",
        "node_exporter",
        "desktop",
        "compiler",
        "k3s",
    ]
    assert set(names(*((name, "seen") for name in everything))) == known


def test_tags_are_the_roles_and_what_they_stand_on() -> None:
    observed = [
        ("containerd", ""),
        ("openvpn", "a runs"),
        ("docker", ""),
        ("openvpn", "b runs"),
        ("prometheus", "it runs"),
        ("wireguard", ""),
    ]
    assert list(tags(observed)) == [
        "vpn-gateway",
        "container-host",
        "openvpn",
        "wireguard",
        "docker",
        "prometheus",
    ]
    assert (tags(observed)["openvpn"], tags(observed)["prometheus"]) == (
        ("a runs", "b runs"),
        ("it runs",),
    )
    assert tags([]) == {}
