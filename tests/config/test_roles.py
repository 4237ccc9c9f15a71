"""What identity.yaml demands: items with their origins, one item for one demand, and errors with
their lines before any node is contacted.
"""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from power_edge.config import ConfigError, Node, load_node, select
from power_edge.config.role_files import built_in, check_all, load, wrong_with
from power_edge.config.role_suites import suites_for
from power_edge.config.schema import schema
from power_edge.config.state import check_schema, entries
from power_edge.model import ResourceType
from power_edge.resources import names, resource
from tests.config.test_node import STATE, T420, identity

HEAD = 'version: "1.0"\nnode: {hostname: rig}\n'
DEBIAN = yaml.safe_dump(identity(platform__os_family="debian"))
RHEL = yaml.safe_dump(identity(platform__os_family="rhel"))


def node(root: Path, text: str, state: str = "", system: str | None = DEBIAN, **roles: str) -> Node:
    """The node of an identity.yaml after its head; `roles` are files of node-configs/roles/."""
    folder = root / "rig"
    folder.mkdir(exist_ok=True)
    (folder / "state.yaml").write_text(STATE + state)
    (folder / "identity.yaml").write_text(HEAD + text)
    if system is not None:
        (folder / "system-identity.yaml").write_text(system)
    for name, content in roles.items():
        (root / "roles").mkdir(exist_ok=True)
        (root / "roles" / f"{name}.yaml").write_text(content)
    return load_node(folder)


def items(loaded: Node) -> dict[str, dict[str, Any]]:
    return {f"{item.type}[{item.name}]": dict(item.expected) for item in loaded.items}


def problems(root: Path, text: str, state: str = "", **rest: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        node(root, text, state, **rest)
    return [str(problem) for problem in caught.value.problems]


def problem(root: Path, text: str, state: str = "", **rest: Any) -> str:
    (only,) = problems(root, text, state, **rest)
    return only


IMPOSSIBLE = """\
name: a
description: It tunes.
rules:
- item: {sysctl: {kernel.panic: "1"}}
  reason: it panics
- item: {sysctl: {vm.swappiness: "70000"}}
  reason: it swaps
"""


def test_a_value_that_is_impossible_by_itself(tmp_path: Path) -> None:
    said = problem(tmp_path, "roles: [{name: a}]\n", a=IMPOSSIBLE)
    assert "identity.yaml:3:10: sysctl 'vm.swappiness': vm.swappiness: the kernel accepts" in said
    assert "the other is" not in said


# What is derived.


def origins(loaded: Node) -> dict[str, list[str]]:
    return {
        f"{item.type}[{item.name}]": [re.sub(r".*/", "", str(each)) for each in item.origins]
        for item in loaded.items
    }


T420_ORIGINS = {
    "services[docker]": ["state.yaml:10", "identity.yaml:44"],
    "services[openvpn@server]": ["state.yaml:13", "identity.yaml:31"],
    "services[ssh]": ["state.yaml:16", "identity.yaml:63"],
    "sysctl[net.ipv4.ip_forward]": ["state.yaml:21", "identity.yaml:37", "identity.yaml:52"],
    "sysctl[net.bridge.bridge-nf-call-iptables]": ["state.yaml:22", "identity.yaml:53"],
    "sysctl[vm.swappiness]": ["state.yaml:23", "identity.yaml:57"],
    "sysctl[fs.inotify.max_user_watches]": ["state.yaml:24", "identity.yaml:58"],
    "sysctl[kernel.panic]": ["state.yaml:25", "identity.yaml:59"],
    "sysctl[net.ipv4.tcp_keepalive_time]": ["state.yaml:26", "identity.yaml:54"],
}


def test_all_items_of_the_t420_are_derived_and_nothing_else() -> None:
    loaded = load_node(T420)
    assert origins(loaded) == T420_ORIGINS
    forward = next(item for item in loaded.items if item.name == "net.ipv4.ip_forward")
    assert [(each.path, each.role, each.text) for each in forward.reasons] == [
        (
            "vpn_gateway.routing.ip_forward",
            "vpn-gateway",
            "vpn-gateway routes traffic: net.ipv4.ip_forward must be 1",
        ),
        (
            "network_tuning.ip_forward",
            None,
            "network_tuning sets IPv4 forwarding: net.ipv4.ip_forward must be 1",
        ),
    ]


def test_what_the_t420_declares_is_what_its_purpose_demands(tmp_path: Path) -> None:
    folder = tmp_path / "t420"
    shutil.copytree(T420, folder)
    state = folder / "state.yaml"
    state.write_text(state.read_text().partition("services:")[0])
    assert items(load_node(folder)) == items(load_node(T420))
    assert {source for each in origins(load_node(folder)).values() for source in each} == {
        source
        for each in T420_ORIGINS.values()
        for source in each
        if source.startswith("identity.yaml")
    }


@pytest.mark.parametrize(
    ("text", "system", "expected"),
    [
        ("roles: [{name: vpn-gateway}]\nvpn_gateway: {provider: openvpn}\n", DEBIAN, "openvpn@server"),
        ("roles: [{name: vpn-gateway}]\nvpn_gateway: {provider: openvpn}\n", RHEL, "openvpn-server@server"),
        ("roles: [{name: vpn-gateway}]\nvpn_gateway: {provider: openvpn, instance: office}\n", RHEL, "openvpn-server@office"),
        ("roles: [{name: vpn-gateway}]\nvpn_gateway: {provider: openvpn, unit: my-vpn}\n", None, "my-vpn"),
        ("roles: [{name: vpn-gateway}]\nvpn_gateway: {provider: wireguard, interface: wg0}\n", None, "wg-quick@wg0"),
        ("roles: [{name: vpn-gateway}]\nvpn_gateway: {provider: tailscale}\n", None, "tailscaled"),
        ("roles: [{name: vpn-gateway, config: {provider: tailscale}}]\nvpn_gateway: {}\n", None, "tailscaled"),
        ("roles: [{name: container-host}]\ncontainer_host: {runtime: docker}\n", None, "docker"),
        ("roles: [{name: container-host}]\ncontainer_host: {runtime: containerd}\n", None, "containerd"),
        ("roles: [{name: container-host}]\ncontainer_host: {runtime: podman}\n", None, "podman.socket"),
        ("roles: [{name: monitoring-target, config: {service: node_exporter}}]\n", None, "node_exporter"),
        ("access_control: {ssh: {enabled: true}}\n", DEBIAN, "ssh"),
        ("access_control: {ssh: {enabled: true}}\n", RHEL, "sshd"),
    ],
)  # fmt: skip
def test_a_service(tmp_path: Path, text: str, system: str | None, expected: str) -> None:
    assert items(node(tmp_path, text, system=system)) == {
        f"services[{expected}]": {"state": "running", "enabled": True}
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("roles: [{name: edge-router}]\n", {"net.ipv4.ip_forward": "1", "net.ipv4.conf.all.rp_filter": "2"}),
        (
            "roles: [{name: edge-router, config: {rp_filter: 1, ipv6: true}}]\n",
            {"net.ipv4.ip_forward": "1", "net.ipv6.conf.all.forwarding": "1", "net.ipv4.conf.all.rp_filter": "1"},
        ),
        ("network_tuning: {ip_forward: false, max_syn_backlog: 4096, rmem_max: 1, wmem_max: 2}\n",
         {"net.ipv4.ip_forward": "0", "net.ipv4.tcp_max_syn_backlog": "4096", "net.core.rmem_max": "1", "net.core.wmem_max": "2"}),
        ("roles: [{name: vpn-gateway}]\nvpn_gateway: {routing: {ip_forward: true}}\n", {"net.ipv4.ip_forward": "1"}),
    ],
)  # fmt: skip
def test_kernel_parameters(tmp_path: Path, text: str, expected: dict[str, str]) -> None:
    assert items(node(tmp_path, text, system=None)) == {
        f"sysctl[{key}]": {"value": value} for key, value in expected.items()
    }


def test_a_node_of_kubernetes(tmp_path: Path) -> None:
    text = "roles: [{name: k8s-node, config: {service: k3s-agent}}]\n"
    assert list(items(node(tmp_path, text, system=None))) == [
        "services[k3s-agent]",
        "sysctl[net.bridge.bridge-nf-call-iptables]",
    ]


NO_SSH = "3: access_control.ssh.enabled is not declared: nothing is derived, so SSH may run or not"
NO_FIREWALL = (
    "3: access_control.firewall.enabled is not declared: nothing is derived, so a firewall may be in"
    " force or not"
)
PASSWORDS = "access_control.ssh.password_auth derives no item: the suite access_control asks it, unless ssh.enabled is false"
FAMILIES = schema("system-identity")["properties"]["platform"]["properties"]["os_family"]["enum"]


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(
    "text",
    [
        "access_control: {ssh: {enabled: true}, firewall: {enabled: false}}\n",
        "roles: [{name: vpn-gateway}]\nvpn_gateway: {provider: openvpn}\n",
    ],
)
def test_each_family_has_a_service_or_a_note(tmp_path: Path, family: str, text: str) -> None:
    loaded = node(tmp_path, text, system=yaml.safe_dump(identity(platform__os_family=family)))
    assert loaded.derived is not None
    notes = [each.text for each in loaded.derived.notes if f"the family {family}" in each.text]
    assert len(loaded.items) + len(notes) == 1


def test_what_a_suite_asks_is_said_beside_what_is_derived(tmp_path: Path) -> None:
    text = (
        "roles: [{name: vpn-gateway}]\n"
        "vpn_gateway: {provider: tailscale, routing: {masquerade: true}}\n"
        "access_control: {ssh: {enabled: true, password_auth: false}}\n"
    )
    loaded = node(tmp_path, text)
    assert loaded.derived is not None
    masquerade = "vpn_gateway.routing.masquerade derives no item: the suite vpn-gateway asks it"
    assert {PASSWORDS, masquerade} <= {each.text for each in loaded.derived.notes}
    assert {"access_control", "vpn-gateway"} <= {*suites_for(loaded_identity(text))}


def loaded_identity(text: str) -> Any:
    return yaml.safe_load(HEAD + text)


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        ("roles: [{name: dev-workstation, config: {editor: vi}}]\n", ["3: dev-workstation demands nothing"]),
        ("roles: [{name: vpn-gateway, enabled: false}]\n", ["3: vpn-gateway is not enabled: it derives nothing"]),
        ("roles: [{name: monitoring-target}]\n", ["3: monitoring-target names no service of its exporter"]),
        ("access_control: {ssh: {enabled: false}}\n",
         ["3: access_control.ssh.enabled is false: nothing is derived, so SSH may run or not", NO_FIREWALL]),
        ("access_control: {firewall: {enabled: false, allowed_services: [what]}}\n",
         [NO_SSH, "3: access_control.firewall.enabled is false: nothing is derived, so a firewall may be in force or not"]),
        ("access_control: {ssh: {password_auth: false, root_login: true}, firewall: {}}\n",
         [NO_SSH, f"3: {PASSWORDS}", "3: access_control.ssh.root_login derives no item: the suite access_control asks it, unless ssh.enabled is false", NO_FIREWALL]),
        ("roles: [{name: vpn-gateway}]\nvpn_gateway: {routing: {masquerade: false}}\n",
         ["3: vpn_gateway has no provider, so no service is derived",
          "4: vpn_gateway.routing.masquerade is false: nothing is derived, so the node may masquerade or not"]),
        ("roles: null\n", []),
    ],
)  # fmt: skip
def test_what_derives_nothing_says_so(tmp_path: Path, text: str, notes: list[str]) -> None:
    loaded = node(tmp_path, text, system=None)
    assert loaded.items == ()
    assert loaded.derived is not None
    assert [f"{each.source.line}: {each.text}" for each in loaded.derived.notes] == notes


FIREWALL = """\
roles: [{name: vpn-gateway}]
vpn_gateway: {server_config: {port: 1195}}
access_control:
  ssh: {port: 2222}
  firewall:
    enabled: true
    default_policy: {incoming: deny}
    allowed_services: [ssh, openvpn, https, 9000/udp]
"""


def test_a_firewall(tmp_path: Path) -> None:
    loaded = node(
        tmp_path, FIREWALL.replace("{server_config", "{provider: tailscale, server_config")
    )
    names = [item.name for item in loaded.items if item.type == "firewall"]
    assert names == [
        "enabled",
        "default_incoming",
        "allow 1195/udp from any to any",  # of the gateway
        "allow 2222/tcp from any to any",
        "allow 1194/udp from any to any",  # no OpenVPN here: its usual port
        "allow 443/tcp from any to any",
        "allow 9000/udp from any to any",
    ]


def test_openvpn_means_the_declared_port(tmp_path: Path) -> None:
    text = FIREWALL.replace("{server_config", "{provider: openvpn, server_config")
    rule = "allow 1195/udp from any to any"
    (found,) = [item for item in node(tmp_path, text).items if item.name == rule]
    assert [each.path for each in found.reasons] == [
        "vpn_gateway.server_config.port",
        "access_control.firewall.allowed_services[1]",
    ]
    assert "allow 1194/udp from any to any" not in items(node(tmp_path, text))


def test_rules_of_both_files_are_one_firewall(tmp_path: Path) -> None:
    state = "firewall: {enabled: true, exclusive: true, rules: [{port: 80, proto: tcp, action: allow}]}\n"
    text = "access_control: {firewall: {enabled: true, allowed_services: [http, https]}}\n"
    loaded = node(tmp_path, text, state)
    by_name = {item.name: item for item in loaded.items}
    assert list(by_name) == [
        "enabled",
        "allow 80/tcp from any to any",
        "exclusive",
        "allow 443/tcp from any to any",
    ]
    assert [len(item.origins) for item in by_name.values()] == [2, 2, 1, 2 - 1]
    # What is exclusive knows the rules that are derived.
    declared: Any = by_name["exclusive"].declared
    assert len(declared.firewall.rules) == 2


@pytest.mark.parametrize(
    ("state", "derived"),
    [
        ("firewall: {enabled: true}\n", ["allow 1195/udp from any to any"]),
        ("firewall: {enabled: false}\n", []),
        ("firewall: {default_incoming: deny}\n", []),  # where one is in force, or none
        ("", []),
    ],
)
def test_a_firewall_of_state_yaml_lets_clients_in(
    tmp_path: Path, state: str, derived: list[str]
) -> None:
    text = "roles: [{name: vpn-gateway}]\nvpn_gateway: {server_config: {port: 1195}}\n"
    loaded = node(tmp_path, text, state)
    assert [item.name for item in loaded.items if item.reasons] == derived


def test_a_firewall_of_both_files_has_one_reason(tmp_path: Path) -> None:
    loaded = node(tmp_path, FIREWALL, "firewall: {enabled: true}\n")
    (found,) = [item for item in loaded.items if item.name == "allow 1195/udp from any to any"]
    assert [each.path for each in found.reasons] == ["vpn_gateway.server_config.port"]


# Declared and derived meet.


def test_the_fields_of_both_files_are_judged(tmp_path: Path) -> None:
    state = "services: [{name: docker.service, state: running, optional: true}]\n"
    text = "roles: [{name: container-host}]\ncontainer_host: {runtime: docker}\n"
    (item,) = node(tmp_path, text, state).items
    assert (item.name, item.key) == ("docker.service", "docker.service")
    assert item.expected == {"state": "running", "enabled": True}
    assert [str(each) for each in item.origins] == [
        "node-configs/rig/state.yaml:3",
        "node-configs/rig/identity.yaml:4",
    ]


SSH_BY_ROLE = "access_control: {ssh: {enabled: true}}\n"
TWO_ROLES = "roles: [{name: one}, {name: two}]\n"


def asks(field: str) -> str:
    return (
        "description: x\nrules:\n"
        f"- item: {{services: {{name: a, state: running{field}}}}}\n  reason: y\n"
    )


@pytest.mark.parametrize("field", ["by_socket", "optional"])
@pytest.mark.parametrize("one", [False, True])
@pytest.mark.parametrize("two", [False, True])
def test_a_leniency_holds_if_all_demands_have_it(
    tmp_path: Path, field: str, one: bool, two: bool
) -> None:
    """In either file, and among roles: a demand is never weaker beside another."""
    lenient = f", {field}: true"
    first, second = (lenient if each else "" for each in (one, two))
    roles = {"one": f"name: one\n{asks(first)}", "two": f"name: two\n{asks(second)}"}
    (item,) = node(tmp_path, TWO_ROLES, **roles).items
    declared: Any = item.declared
    assert getattr(declared, field) is (one and two)
    state = f"services: [{{name: a, state: running{first}}}]\n"
    (item,) = node(tmp_path, "roles: [{name: two}]\n", state, **roles).items
    declared = item.declared
    assert getattr(declared, field) is (one and two)


def test_ssh_of_state_yaml_stays_strict(tmp_path: Path) -> None:
    state = "services: [{name: ssh, state: running, enabled: true}]\n"
    (item,) = node(tmp_path, SSH_BY_ROLE, state).items
    declared: Any = item.declared
    assert (declared.by_socket, len(item.origins)) == (False, 2)
    (alone,) = node(tmp_path, SSH_BY_ROLE).items
    declared = alone.declared
    assert declared.by_socket is True


def test_secrets_that_differ_are_a_contradiction(tmp_path: Path) -> None:
    """Both are shown as the same words."""
    own = (
        "name: a\ndescription: x\nrules:\n"
        "- item: {files: {path: /etc/shadow, content: blue}}\n  reason: y\n"
    )
    state = "files: [{path: /etc/shadow, content: red}]\n"
    said = problem(tmp_path, "roles: [{name: a}]\n", state, a=own)
    assert said.startswith(
        "node-configs/rig/identity.yaml:3:10: files '/etc/shadow': content is a secret here, and "
        "another one at node-configs/rig/state.yaml:3"
    )
    assert "blue" not in said
    assert "red" not in said.replace("declared", "")
    (item,) = node(tmp_path, "roles: [{name: a}]\n", state.replace("red", "blue"), a=own).items
    assert len(item.origins) == 2


@pytest.mark.parametrize(
    ("own", "demanded"),
    [
        ("{path: /etc/x, state: absent}", "{path: /etc/x}"),
        ("{path: /etc/x}", "{path: /etc/x, state: directory}"),
        ("{path: /etc/x, content: red}", "{path: /etc/x, state: absent}"),
    ],
)
def test_a_file_and_another_state_are_a_contradiction(
    tmp_path: Path, own: str, demanded: str
) -> None:
    role = f"name: a\ndescription: x\nrules:\n- item: {{files: {demanded}}}\n  reason: y\n"
    said = problem(tmp_path, "roles: [{name: a}]\n", f"files: [{own}]\n", a=role)
    assert said == (
        "node-configs/rig/identity.yaml:3:10: files '/etc/x': what is demanded here contradicts"
        " node-configs/rig/state.yaml:3 (type) (change one of them; y)"
    )


@pytest.mark.parametrize("kind", [kind for kind in map(resource, names()) if kind.key is not None])
def test_what_a_type_does_not_assert_is_strict_by_default(kind: ResourceType[Any, Any]) -> None:
    """A leniency that not all demands have falls back to its default: that must be the strict one.

    With all its fields declared, what an entry does not assert is a switch, off by default.
    """
    part = schema("state")["$defs"][kind.name]
    values = {
        name: True if about.get("type") == "boolean" else sample(about)
        for name, about in (
            (name, {**core(about), **about}) for name, about in part["properties"].items()
        )
    }
    (entry,) = entries(kind, [values])
    for field in kind.leniencies(entry.declared):
        assert part["properties"][field] == {
            **part["properties"][field], "type": "boolean", "default": False
        }  # fmt: skip


def core(about: dict[str, Any]) -> dict[str, Any]:
    """What a part of the schema refers to."""
    reference = about.get("$ref", "").removeprefix("#/$defs/")
    return schema("state")["$defs"][reference] if reference else {}


def sample(about: dict[str, Any]) -> Any:
    """A value that the schema of a field names."""
    return (about.get("examples") or about["enum"])[0]


def test_a_parameter_in_another_spelling_is_the_same(tmp_path: Path) -> None:
    (item,) = node(
        tmp_path, "network_tuning: {ip_forward: true}\n", 'sysctl: {net/ipv4/ip_forward: "1"}\n'
    ).items
    assert item.name == "net/ipv4/ip_forward"
    assert len(item.origins) == 2


@pytest.mark.parametrize(
    ("text", "state", "said"),
    [
        ("system_tuning: {swappiness: 10}\n", 'sysctl: {vm.swappiness: "60"}\n',
         "node-configs/rig/identity.yaml:3:17: sysctl 'vm.swappiness': value must be '10' here, and '60' at node-configs/rig/state.yaml:3"),
        ("roles: [{name: container-host}]\ncontainer_host: {runtime: docker}\n", "services: [{name: docker, enabled: false}]\n",
         "node-configs/rig/identity.yaml:4:18: services 'docker': enabled must be True here, and False at node-configs/rig/state.yaml:3"),
        ("roles: [{name: edge-router}]\nnetwork_tuning: {ip_forward: false}\n", "",
         "node-configs/rig/identity.yaml:4:18: sysctl 'net.ipv4.ip_forward': value must be '0' here, and '1' at node-configs/rig/identity.yaml:3"),
        ("access_control: {firewall: {enabled: true}}\n", "firewall: {enabled: false}\n",
         "node-configs/rig/identity.yaml:3:29: firewall 'enabled': enabled must be True here, and False at node-configs/rig/state.yaml:3"),
        ("access_control: {firewall: {enabled: true, allowed_services: [ssh]}}\n", "firewall: {rules: [{port: 22, proto: tcp, action: deny}]}\n",
         "node-configs/rig/identity.yaml:3:63: firewall 'allow 22/tcp from any to any': action: an earlier rule declares deny for the same connections: remove one; the other is node-configs/rig/state.yaml:3"),
    ],
)  # fmt: skip
def test_a_contradiction_names_both_lines(tmp_path: Path, text: str, state: str, said: str) -> None:
    assert problem(tmp_path, text, state).startswith(said)


def test_a_parameter_that_cannot_hold_stands_beside_no_other(tmp_path: Path) -> None:
    role = (
        "name: odd\ndescription: x\nrules:\n"
        '- {item: {sysctl: {a.b: "1"}}, reason: x}\n'
        '- {item: {sysctl: {vm.swappiness: "0x10"}}, reason: it is odd}\n'
    )
    assert problems(tmp_path, "roles: [{name: odd}]\n", odd=role) == [
        "node-configs/rig/identity.yaml:3:10: sysctl 'vm.swappiness': vm.swappiness: the kernel"
        " never shows a number as 0x10: write it in decimal, without leading zeros or a plus"
        " (demanded because it is odd)"
    ]


# Bad input.

GATEWAY = "roles: [{name: vpn-gateway}]\nvpn_gateway: "


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("roles: [{name: vpn-gatway}]\n", "3:16: there is no role 'vpn-gatway' (did you mean vpn-gateway?)"),
        ("roles: [{name: network_tuning}]\n", "3:10: network_tuning is a section, not a role"),
        ("roles: [{name: Router!}]\n", "3:16: 'Router!': a role has a name of small letters"),
        ("roles:\n- name: edge-router\n- name: edge-router\n", "5:3: the role edge-router is named twice, first as roles[0]"),
        ("roles: [{name: vpn-gateway}]\n", "3:10: vpn-gateway needs the section vpn_gateway, which is missing"),
        (GATEWAY + "{provider: opnvpn}\n", "4:25: 'opnvpn' is not one of openvpn, wireguard, tailscale (did you mean openvpn?)"),
        (GATEWAY + "{provider: wireguard}\n", "4:15: WireGuard needs the name of its interface"),
        (GATEWAY + "{iface: wg0}\n", "4:15: unknown key 'iface' in vpn_gateway (did you mean interface?)"),
        (GATEWAY + "{routing: {ip_forward: false}}\n", "4:25: a vpn-gateway routes traffic: vpn_gateway.routing.ip_forward cannot be false"),
        (GATEWAY + "{server_config: {network: 999.1.1.1/99}}\n", "4:40: '999.1.1.1/99' is not a network"),
        (GATEWAY + "{server_config: {network: 10.8.0.0}}\n", "4:40: '10.8.0.0' is not a network"),
        (GATEWAY + "{routing: {routes: [{network: 10.0.0.0/33}]}}\n", "4:44: '10.0.0.0/33' is not a network"),
        ("container_host: {networks: [{name: a, subnet: fd00::/129}]}\n", "3:47: 'fd00::/129' is not a network"),
        (GATEWAY + "{server_config: {port: 70000}}\n", "4:37: 70000: a port is a number from 1 to 65535"),
        ("roles: [{name: vpn-gateway, config: {provider: tailscale}}]\nvpn_gateway: {provider: openvpn}\n",
         "3:38: provider is 'tailscale' here, and 'openvpn' in vpn_gateway"),
        ("roles: [{name: vpn-gateway, config: {provider: openvn}}]\nvpn_gateway: {}\n", "3:48: 'openvn' is not one of"),
        ("roles: [{name: vpn-gateway, config: {privider: openvpn}}]\nvpn_gateway: {}\n", "3:38: unknown key 'privider'"),
        ("roles: [{name: monitoring-target, config: {prometheus_port: 0}}]\n", "3:61: 0 is less than 1"),
        ("roles: [{name: edge-router, config: {rp_filter: 7}}]\n", "3:49: 7 is not one of 0, 1, 2"),
        ("access_control: {firewall: {enabled: true, allowed_services: [htp]}}\n",
         "3:63: 'htp' is not a service that Power Edge knows the port of (did you mean http? or write PORT/PROTO"),
        ("access_control: {firewall: {enabled: true, allowed_services: [70000/tcp]}}\n", "3:63: '70000/tcp': a port is a number from 1 to 65535"),
    ],
)  # fmt: skip
def test_what_is_wrong_has_its_line(tmp_path: Path, text: str, said: str) -> None:
    assert problem(tmp_path, text).startswith(f"node-configs/rig/identity.yaml:{said}")


def test_the_platform_must_be_known_where_it_decides(tmp_path: Path) -> None:
    text = "access_control: {ssh: {enabled: true}}\n"
    assert problems(tmp_path, text, system=None)[0].startswith(
        "node-configs/rig/identity.yaml:3:24: access_control needs platform.os_family of "
        "system-identity.yaml, and there is no system-identity.yaml"
    )
    assert problems(tmp_path, text, system=yaml.safe_dump(identity()))[0].endswith(
        "and it is not there (write platform.os_family there)"
    )
    # Recording the identity must be possible all the same.
    assert load_node(tmp_path / "rig", with_derived=False).items == ()


# Roles of one's own.

OWN = """\
name: backup-target
description: Keeps copies.
config:
  type: object
  properties: {port: {type: integer, default: 8000}, service: {type: string}}
rules:
- item: {services: {name: "{config.service}", state: running}}
  reason: "backup-target takes copies on port {config.port}"
"""


def test_a_role_of_ones_own(tmp_path: Path) -> None:
    text = "roles: [{name: backup-target, config: {service: rest}}]\n"
    (item,) = node(tmp_path, text, **{"backup-target": OWN}).items
    assert item.name == "rest"
    (reason,) = item.reasons
    assert (str(reason.source), reason.path, reason.role, reason.text) == (
        "node-configs/rig/identity.yaml:3",
        "roles[0].config.service",
        "backup-target",
        "backup-target takes copies on port 8000",
    )
    assert [folder.name for folder in select(tmp_path, ["*"])] == ["rig"]


def test_a_file_of_ones_own_replaces_that_of_the_package(tmp_path: Path) -> None:
    own = 'name: edge-router\ndescription: x\nrules:\n- item: {sysctl: {vm.swappiness: "1"}}\n  reason: y\n'
    assert list(
        items(node(tmp_path, "roles: [{name: edge-router}]\n", **{"edge-router": own}))
    ) == ["sysctl[vm.swappiness]"]


@pytest.mark.parametrize("name", built_in())
def test_a_file_of_the_other_kind_replaces_nothing(tmp_path: Path, name: str) -> None:
    """Without `kind: section` the demands of a section of the package would end in silence."""
    found = load(tmp_path, name)
    assert found is not None
    other = "role" if found.role.kind == "section" else "section"
    own = f"name: {name}\nkind: {other}\ndescription: x\nrules: []\n"
    text = f"{name}: {{}}\n" if other == "role" else f"roles: [{{name: {name}}}]\n"
    assert any(
        f"{name} is a {found.role.kind} of the package, and this file makes a {other} of it" in each
        for each in problems(tmp_path, text, **{name: own})
    )


def test_a_condition_knows_nothing_of_the_table_of_services(tmp_path: Path) -> None:
    """Conditions are looked at before a name's port is looked up, so this one would never hold."""
    own = """\
name: access_control
kind: section
description: x
services: [{name: ssh, port: 22, proto: tcp}]
rules:
- each: access_control.firewall.allowed_services
  when: {each.port: 22}
  item: {firewall: {rules: [{proto: "{each.proto}", port: "{each.port}", action: allow}]}}
  reason: y
"""
    text = "access_control: {firewall: {allowed_services: [ssh]}}\n"
    assert problem(tmp_path, text, access_control=own).startswith(
        "node-configs/roles/access_control.yaml:7:10: no schema has the path 'each.port'"
    )
    allowed = own.replace("  when: {each.port: 22}\n", "")
    assert list(items(node(tmp_path, text, access_control=allowed))) == [
        "firewall[allow 22/tcp from any to any]"
    ]


def test_each_entry_of_a_list(tmp_path: Path) -> None:
    own = """\
name: units
description: x
rules:
- each: container_host.workloads
  when: {each.state: running}
  item: {services: {name: "container-{each.name}", state: running}}
  reason: "{each.image} runs"
"""
    text = (
        "roles: [{name: units}]\ncontainer_host:\n  workloads:\n"
        "  - {name: web, image: nginx, state: running}\n"
        "  - {name: old, image: nginx, state: absent}\n"
    )
    (item,) = node(tmp_path, text, units=own).items
    assert (item.name, item.source.line, item.reasons[0].path, item.reasons[0].text) == (
        "container-web",
        6,
        "container_host.workloads[0]",
        "nginx runs",
    )


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (OWN + "extra: 1\n", "9:1: unknown key"),
        (OWN.replace("backup-target\n", "backup\n"), "1:7: the name is 'backup', and the file is backup-target.yaml"),
        (OWN.replace("{config.service}", "{config.servce}"), "7:9: no schema has the path 'config.servce' (did you mean config.service?)"),
        (OWN.replace("{config.service}", "{state.firewal.enabled}"), "7:9: no schema has the path 'state.firewal.enabled' (did you mean state.firewall.enabled?)"),
        (OWN.replace("{config.service}", "{vpn_gatway.unit}"), "7:9: no schema has the path 'vpn_gatway.unit' (did you mean vpn_gateway.unit?)"),
        (OWN.replace("{config.service}", "{each}"), "7:9: {each} needs `each`"),
        (OWN.replace("state: running", "state: running, enbled: true"), "7:63: unknown key 'enbled'"),
        (OWN.replace("state: running", "state: on fire"), "7:54: 'on fire' is not one of"),
        (OWN.replace("state: running", 'optional: "{config.port}"'), "7:20: declares nothing to check"),
        (OWN.replace("{services:", "{servces:"), "7:10: there is no resource type 'servces' (did you mean services?)"),
        (OWN.replace("  reason:", "  note:"), "7:3: an item needs a reason"),
        (OWN.replace("- item", "- when: {vpn_gateway.provider: opnvpn}\n  item"), "7:32: vpn_gateway.provider can never be 'opnvpn' (did you mean openvpn?)"),
        (OWN.replace("- item", "- when: {access_control.ssh.enabled: yes please}\n  item"), "7:38: access_control.ssh.enabled can never be 'yes please' (write true or false"),
        (OWN.replace("- item", '- when: {config.port: "80"}\n  item'), "7:23: config.port can never be '80' (the schema of config.port refuses it; its type is integer"),
        (OWN.replace("- item", "- when: {config.service: [a, 1]}\n  item"), "7:26: config.service can never be 1"),
        (OWN.replace("- item", "- when: {vpn_gateway.server_config.port: 70000}\n  item"), "7:42: vpn_gateway.server_config.port can never be 70000"),
        (OWN.replace("- item", "- when: {node.tags: north}\n  item"), "7:21: node.tags can never be 'north'"),
        (OWN.replace("- item", "- when: {vpn_gateway.routing: true}\n  item"), "7:31: vpn_gateway.routing can never be True (its type is object"),
        (OWN.replace("- item", "- when: {config.service: []}\n  item"), "7:26: an empty list never holds"),
        (OWN.replace("- item", "- when: {config.port: null}\n  item"), "7:23: config.port always has a value"),
        (OWN.replace("- item", "- when: {platform.os_family: null}\n  item"), "7:30: platform.os_family always has a value"),
        (OWN.replace("- item", "- each: vpn_gateway.provider\n  item"), "7:9: 'vpn_gateway.provider' is not a list"),
        (OWN.replace("rules", "section: vpn_gatewy\nrules"), "6:10: identity.yaml has no section 'vpn_gatewy' (did you mean vpn_gateway?)"),
        (OWN.replace("rules", "requires: [nobody]\nrules"), "6:12: there is no role 'nobody'"),
        (OWN.replace("rules", "requires: [backup-target]\nrules"), "6:12: roles require each other in a circle: backup-target -> backup-target"),
        (OWN.replace("default: 8000", "default: [1]"), "5:47: the default of config.port does not fit its schema"),
        (OWN.replace('"{config.service}"', '"{config.service"'), "7:9: '{config.service' is a part of a path: a brace is missing"),
        (OWN.replace('"{config.service}"', '"config.service}"'), "7:9: 'config.service}' is a part of a path"),
        (OWN.replace('"{config.service}"', '"{ config.service }"'), "7:9: '{ config.service' is a part of a path"),
        (OWN.replace("port {config.port}", "port {vpn_gateway.unit"), "8:11: '{vpn_gateway.unit' is a part of a path"),
        (OWN.replace("type: integer", "type: intger"), "3:1: config is not JSON Schema"),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_used(tmp_path: Path, own: str, said: str) -> None:
    text = "roles: [{name: backup-target}]\n"
    where = "node-configs/roles/backup-target.yaml"
    found = problems(tmp_path, text, **{"backup-target": own})
    assert found[0].startswith(f"{where}:{said}")
    assert [str(each) for error in check_all(tmp_path) for each in error.problems] == found


def test_an_item_that_the_schema_refuses_names_both_files(tmp_path: Path) -> None:
    text = "roles: [{name: backup-target, config: {service: no blanks please}}]\n"
    assert problem(tmp_path, text, **{"backup-target": OWN}).startswith(
        "node-configs/roles/backup-target.yaml:7:27: 'no blanks please': a unit name begins"
    )
    assert "(derived from node-configs/rig/identity.yaml:3)" in problem(tmp_path, text)
    # A path in a value is text, and no path.
    text = text.replace("no blanks please", "'{config.port}'")
    assert "'{config.port}': a unit name begins" in problem(tmp_path, text)


def test_a_value_that_can_never_be(tmp_path: Path) -> None:
    own = 'name: a\ndescription: x\nrules:\n- item: {sysctl: {vm.swappiness: "{node.hostname}"}}\n  reason: why\n'
    said = problem(tmp_path, "roles: [{name: a}]\n", a=own)
    assert said.startswith("node-configs/rig/identity.yaml:2:8: sysctl 'vm.swappiness': ")


def test_requirements_and_conflicts(tmp_path: Path) -> None:
    own = OWN.replace("rules", "requires: [edge-router]\nconflicts: [dev-workstation]\nrules")
    roles = {"backup-target": own}
    assert "backup-target requires the role edge-router" in problem(
        tmp_path, "roles: [{name: backup-target}, {name: edge-router, enabled: false}]\n", **roles
    )
    assert "3:10: backup-target and dev-workstation (roles[1]) conflict" in problem(
        tmp_path,
        "roles: [{name: backup-target}, {name: dev-workstation}, {name: edge-router}]\n",
        **roles,
    )


def test_roles_that_require_each_other(tmp_path: Path) -> None:
    files = {
        name: f"name: {name}\ndescription: x\nrequires: [{other}]\nrules: []\n"
        for name, other in (("a", "b"), ("b", "c"), ("c", "a"))
    }
    said = problem(tmp_path, "roles: [{name: a}]\n", **files)
    assert said.startswith(
        "node-configs/roles/c.yaml:3:12: roles require each other in a circle: a -> b -> c -> a"
    )


def test_two_primaries(tmp_path: Path) -> None:
    own = "name: second-gateway\ndescription: x\nsection: vpn_gateway\nconfig: {}\nrules: []\n"
    text = (
        "roles: [{name: vpn-gateway, config: {primary: true}},"
        " {name: second-gateway, config: {primary: true}}]\nvpn_gateway: {}\n"
    )
    assert "second-gateway and vpn-gateway are both primary for vpn_gateway" in problem(
        tmp_path, text, **{"second-gateway": own}
    )


def test_a_state_in_the_folder_of_roles_is_an_error(tmp_path: Path) -> None:
    node(tmp_path, "", **{"backup-target": OWN})
    (tmp_path / "roles" / "state.yaml").write_text(STATE)
    with pytest.raises(ConfigError, match=r"roles/state.yaml: .* is for roles and is not a node"):
        select(tmp_path, ["rig"])
    assert [str(error) for error in check_all(tmp_path)]


@pytest.mark.parametrize("name", built_in())
def test_the_files_of_the_package_can_be_used(tmp_path: Path, name: str) -> None:
    found = load(tmp_path, name)
    assert found is not None
    check_schema(found.document, "role")
    assert list(wrong_with(found.document, name)) == []
