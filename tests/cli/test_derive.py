"""`power-edge derive` and `power-edge nodes`: what roles demand, and nodes by what they are for."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from power_edge.cli import cli
from power_edge.config import ConfigError, load_node
from tests.config.test_node import STATE, T420
from tests.config.test_roles import DEBIAN, HEAD, T420_ORIGINS, items

NAME = "stella-PowerEdge-T420"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    shutil.copytree(T420, tmp_path / "node-configs" / NAME)
    return tmp_path / "node-configs"


def run(root: Path, *arguments: str) -> Result:
    return CliRunner().invoke(cli, ["--node-configs", str(root), *arguments])


def test_the_t420_repeats_what_its_purpose_demands(root: Path) -> None:
    done = run(root, "derive", NAME, "--diff")
    assert done.exit_code == 0
    lines = done.output.splitlines()
    assert lines[0] == "state.yaml repeats 9 items"
    for item, (declared, *demanded) in T420_ORIGINS.items():
        at = lines.index(f"  {item}  node-configs/{NAME}/{declared}")
        for offset, place in enumerate(demanded, 1):
            assert lines[at + offset].startswith(f"    node-configs/{NAME}/{place}  ")
    assert {"state.yaml misses 0 items", "state.yaml contradicts 0"} < {*lines}
    assert "state.yaml alone declares 0 items" in lines


def test_what_state_yaml_misses_contradicts_and_adds(root: Path) -> None:
    state = root / NAME / "state.yaml"
    text = state.read_text().replace('vm.swappiness: "60"', 'vm.swappiness: "10"')
    state.write_text(text.replace('  kernel.panic: "10"\n', '  kernel.sysrq: "0"\n'))
    done = run(root, "derive", NAME, "--diff")
    assert done.exit_code == 4
    lines = done.output.splitlines()
    assert lines[0] == "state.yaml repeats 7 items"
    assert lines[lines.index("state.yaml misses 1 item") + 1] == "  sysctl[kernel.panic]"
    assert lines[lines.index("state.yaml contradicts 1") + 1].startswith(
        f"  node-configs/{NAME}/identity.yaml:57:3: sysctl 'vm.swappiness': value must be '60' "
        f"here, and '10' at node-configs/{NAME}/state.yaml:23"
    )
    assert lines[lines.index("state.yaml alone declares 1 item") + 1] == (
        f"  sysctl[kernel.sysrq]  node-configs/{NAME}/state.yaml:25"
    )


def test_text_has_each_item_with_its_reasons(root: Path) -> None:
    output = run(root, "derive", NAME).output
    assert (
        "sysctl[net.ipv4.ip_forward]: value 1\n"
        "  vpn-gateway routes traffic: net.ipv4.ip_forward must be 1\n"
        f"    node-configs/{NAME}/identity.yaml:37  vpn_gateway.routing.ip_forward  "
        "(role vpn-gateway)\n"
    ) in output
    assert "note: access_control.firewall.enabled is false: nothing is derived" in output


@pytest.mark.parametrize("form", ["text", "yaml"])
def test_a_contradiction_with_state_yaml_ends_with_4(root: Path, form: str) -> None:
    state = root / NAME / "state.yaml"
    state.write_text(state.read_text().replace('vm.swappiness: "60"', 'vm.swappiness: "10"'))
    done = run(root, "derive", NAME, "--format", form)
    assert "vm.swappiness" in done.output
    assert isinstance(done.exception, ConfigError)  # the program's end makes 4 of it
    assert "value must be '60' here, and '10' at" in str(done.exception)


def test_text_shows_what_is_milder(root: Path) -> None:
    output = run(root, "derive", NAME).output
    assert "services[ssh]: state running, enabled true, by_socket true\n" in output
    assert "services[docker]: state running, enabled true\n" in output


FIREWALL = """\
access_control:
  firewall:
    enabled: true
    default_policy: {incoming: deny, outgoing: allow}
    allowed_services: [ssh, 8080/tcp]
"""


@pytest.mark.parametrize("more", ["", FIREWALL])
def test_yaml_is_a_state_yaml(root: Path, more: str) -> None:
    identity = root / NAME / "identity.yaml"
    if more:
        identity.write_text(identity.read_text().partition("access_control:")[0] + more)
    expected = items(load_node(root / NAME))
    done = run(root, "derive", NAME, "--format", "yaml")
    assert done.exit_code == 0
    assert "# vpn-gateway routes traffic: net.ipv4.ip_forward must be 1" in done.output
    (root / NAME / "state.yaml").write_text(done.output)
    identity.unlink()
    declared = load_node(root / NAME)
    assert not any(item.reasons for item in declared.items)
    assert {**expected, **items(declared)} == expected
    if not more:
        assert items(declared) == expected
    else:
        assert "firewall[allow 8080/tcp from any to any]" in items(declared)


def test_roles_that_contradict_each_other_are_an_error(root: Path) -> None:
    folder = root / "rig"
    folder.mkdir()
    (folder / "state.yaml").write_text(STATE)
    (folder / "system-identity.yaml").write_text(DEBIAN)
    text = "roles: [{name: edge-router}]\nnetwork_tuning: {ip_forward: false}\n"
    (folder / "identity.yaml").write_text(HEAD + text)
    done = run(root, "derive", "rig")
    assert isinstance(done.exception, ConfigError)


def test_validate_reads_the_files_of_roles(root: Path) -> None:
    assert run(root, "validate").exit_code == 0
    (root / "roles").mkdir()
    (root / "roles" / "odd.yaml").write_text("name: odd\ndescription: x\nrulez: []\nrules: []\n")
    done = run(root, "validate")
    assert done.exit_code == 4
    assert (
        "node-configs/roles/odd.yaml:3:1: unknown key 'rulez' (did you mean rules?)" in done.output
    )


def test_nodes(root: Path) -> None:
    assert run(root, "nodes").output == (
        "NODE                   SITE                   ENVIRONMENT\n"
        f"{NAME}  {NAME}  home-lab\n"
        "  roles  container-host, monitoring-target, vpn-gateway\n"
        "  tags   docker-host, edge-router, home-lab, vpn-gateway\n"
    )
    done = run(root, "nodes", "--role", "vpn-gateway", "--tag", "home-lab", "--json")
    assert json.loads(done.output) == [
        {
            "node": NAME,
            "usable": True,
            "roles": ["container-host", "monitoring-target", "vpn-gateway"],
            "tags": ["docker-host", "edge-router", "home-lab", "vpn-gateway"],
            "site": NAME,
            "environment": "home-lab",
        }
    ]
    assert isinstance(run(root, "nodes", "--site", "elsewhere").exception, ConfigError)


def test_a_node_that_cannot_be_used_is_listed(root: Path) -> None:
    (root / NAME / "identity.yaml").write_text("[")
    assert json.loads(run(root, "nodes", "--json").output) == [{"node": NAME, "usable": False}]
    assert f"{NAME}  unusable: run power-edge validate" in run(root, "nodes").output


def test_long_names_fit_into_80_columns(root: Path) -> None:
    folder = root / ("n" * 90)
    folder.mkdir()
    (folder / "state.yaml").write_text(
        f'version: "1.0"\nmetadata: {{site: {"s" * 90}, environment: staging}}\n'
    )
    tags = ", ".join(["'::error::x'", "y" * 200, *(f"tag-{number}" for number in range(40))])
    (folder / "identity.yaml").write_text(
        f'version: "1.0"\nnode: {{hostname: a, tags: [{tags}]}}\n'
    )
    lines = run(root, "nodes").output.splitlines()
    assert "unusable" not in "".join(lines)
    assert max(map(len, lines)) <= 80
    assert f"{'n' * 22}...  {'s' * 22}...  staging" in lines
    assert sum("tag-" in line for line in lines) > 1
    assert not any(line.lstrip().startswith("::") for line in lines)


@pytest.mark.parametrize("option", ["--role", "--tag", "--site", "--environment"])
def test_a_selector_that_no_node_can_match_says_where_it_is_written(
    root: Path, option: str
) -> None:
    (root / NAME / "identity.yaml").unlink()
    (root / NAME / "state.yaml").write_text('version: "1.0"\nsysctl: {kernel.panic: "10"}\n')
    done = run(root, "nodes", option, "zzz")
    assert f"no node has {option}='zzz' (no node has any: write " in str(done.exception)


def test_a_node_that_demands_nothing_says_so(root: Path) -> None:
    (root / NAME / "identity.yaml").unlink()
    done = run(root, "derive", NAME)
    assert (done.exit_code, done.output) == (
        0,
        f"{NAME} has no identity.yaml that demands an item\n",
    )
