"""policy.yaml: what can be used, and one clear message for each thing that cannot."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from power_edge.cli import cli
from power_edge.config import ConfigError, nodes
from power_edge.config.policy import load_policy, read_policy

STATE = 'version: "1.0"\nmetadata: {site: a, environment: staging}\n'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "node-configs"
    (root / "rig-1").mkdir(parents=True)
    (root / "rig-1/state.yaml").write_text(STATE)
    return root


def window(**changed: str) -> str:
    fields = {"from": "2026-12-20", "to": "2027-01-02", "timezone": "UTC", "why": "a", **changed}
    return "freeze:\n- {" + ", ".join(f'{key}: "{value}"' for key, value in fields.items()) + "}\n"


BAD = {
    "an unknown field": ("max_nods: 3\n", "policy.yaml:1:1: unknown key 'max_nods'", "max_nodes"),
    "a field twice": ("max_nodes: 3\nmax_nodes: 4\n", "policy.yaml:2:1: duplicate key", "keep one"),
    "nothing": ("", "policy.yaml:1:1: is empty", ""),
    "text for a number": ('max_nodes: "3"\n', "max_nodes", "without quotes"),
    "a share in percent": ("max_share: {vpn-gateway: 20}\n", "20: a share is a number", "0.2"),
    "an unknown role": ("max_share: {vpn-gatway: 0.2}\n", "no role 'vpn-gatway'", "vpn-gateway"),
    "an unknown node": ("canary: {nodes: [rig-2]}\n", "no node 'rig-2'", "rig-1"),
    "an unknown environment": ("canary: {environment: prod}\n", "'prod'", "production"),
    "no canary": ("canary: {}\n", "policy.yaml:1:9: a mapping must not be empty", ""),
    "a mistyped field": (
        "protected: [acces_control]\n",
        "policy.yaml:1:13: 'acces_control' is not a field of any file",
        "access_control",
    ),
    "a mistyped field of an owner": (
        "owners: [{fields: [sysctls.net], who: [a]}]\n",
        "'sysctls' is not a field of any file",
        "sysctl",
    ),
    "an owner of nothing": ("owners: [{who: [a]}]\n", "an owner needs paths or fields", ""),
    "an owner of both": (
        "owners: [{paths: [node-configs/a], fields: [sysctl], who: [a]}]\n",
        "an owner has either paths or fields",
        "",
    ),
    "nobody": (
        "owners: [{paths: [node-configs/a], who: []}]\n",
        "policy.yaml:1:41: a list must not be empty",
        "",
    ),
    "a path elsewhere": ("owners: [{paths: [rig-1], who: [a]}]\n", "begins with node-configs/", ""),
    "no such day": (window(to="2027-02-30"), "no such day", ""),
    "no such form": (window(to="tomorrow"), "a time is a date", ""),
    "an unknown time zone": (
        window(timezone="Europe/Olso"),
        "no time zone 'Europe/Olso'",
        "tzdata",
    ),
    "a time zone elsewhere": (window(timezone="../../../etc/passwd"), "no time zone", ""),
    "an end before its beginning": (window(to="2026-12-19"), "ends before it begins", ""),
    "no reason": ('freeze: [{from: "2026-12-20", to: "2026-12-21", timezone: UTC}]\n', "why", ""),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_policy_that_cannot_be_used(kind: str, root: Path) -> None:
    text, *words = BAD[kind]
    (root / "policy.yaml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_policy(root)
    message = str(caught.value)
    assert message.startswith("node-configs/policy.yaml:")
    assert "\n" not in message
    for word in words:
        assert word in message


def test_validate_says_so(root: Path) -> None:
    (root / "policy.yaml").write_text("max_nods: 3\n")
    done = CliRunner().invoke(cli, [f"--node-configs={root}", "validate"])
    assert done.exit_code == 4
    assert "node-configs/policy.yaml:1:1: unknown key 'max_nods'" in done.output
    assert "     1 | max_nods: ...\n       | ^\n" in done.output


def test_a_policy_is_no_node(root: Path) -> None:
    (root / "policy.yaml").write_text("max_nodes: 3\n")
    assert [folder.name for folder in nodes(root)] == ["rig-1"]
    policy = load_policy(root)
    assert policy is not None
    assert policy.declared.max_nodes == 3
    assert policy.at("max_nodes") == ("node-configs/policy.yaml", 1, 1)


def test_without_one_there_is_none(root: Path) -> None:
    assert load_policy(root) is None


def test_a_role_of_ones_own_is_known(root: Path) -> None:
    (root / "roles").mkdir()
    (root / "roles/relay.yaml").write_text("")
    (root / "policy.yaml").write_text("max_share: {relay: 0.5}\n")
    assert load_policy(root) is not None


@pytest.mark.parametrize("name", ["policy.yml", "Policy.yaml"])
def test_a_wrong_name_is_no_missing_policy(name: str, root: Path) -> None:
    (root / name).write_text("max_nodes: 3\n")
    with pytest.raises(ConfigError, match=r"is not read: its name must be policy\.yaml"):
        load_policy(root)


@pytest.mark.parametrize("target", ["/etc/hostname", "other.yaml", "/no/such/file", "policy.yaml"])
def test_a_link_is_refused(target: str, root: Path) -> None:
    (root / "other.yaml").write_text("max_nodes: 3\n")
    (root / "policy.yaml").symlink_to(target)
    with pytest.raises(ConfigError, match="is a symbolic link"):
        read_policy(root)


def test_a_folder_or_a_pipe_is_refused(root: Path) -> None:
    (root / "policy.yaml").mkdir()
    with pytest.raises(ConfigError, match="is not a regular file"):
        read_policy(root)
    (root / "policy.yaml").rmdir()
    os.mkfifo(root / "policy.yaml")
    with pytest.raises(ConfigError, match="is not a regular file"):
        read_policy(root)


@pytest.mark.parametrize(
    ("start", "end", "zone", "expected"),
    [
        # A date alone is its first minute, and its last.
        ("2026-12-20", "2026-12-20", "UTC", ("2026-12-20 00:00", "2026-12-21 00:00")),
        # The minute that is named is the last.
        (
            "2026-06-20 10:00",
            "2026-06-20 12:00",
            "Europe/Oslo",
            ("2026-06-20 08:00", "2026-06-20 10:01"),
        ),
        # 02:30 comes twice on this day: the window takes both.
        (
            "2026-10-25 02:30",
            "2026-10-25 02:30",
            "Europe/Oslo",
            ("2026-10-25 00:30", "2026-10-25 01:31"),
        ),
    ],
)
def test_windows(start: str, end: str, zone: str, expected: tuple[str, str], root: Path) -> None:
    (root / "policy.yaml").write_text(window(**{"from": start, "to": end, "timezone": zone}))
    policy = load_policy(root)
    assert policy is not None
    [found] = policy.freeze
    moments = [datetime.fromisoformat(each).replace(tzinfo=UTC) for each in expected]
    assert [found.start, found.end] == moments
