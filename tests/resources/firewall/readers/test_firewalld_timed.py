"""Openings of firewalld that go by themselves (`--timeout=`)."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from power_edge import package_data
from power_edge.model.generated.resources.firewall_schema import Rule
from power_edge.resources.firewall.readers.firewalld_timed import read
from tests.resources.firewall.test_firewall import (
    ACCEPT,
    DROP,
    TCP22,
    match,
    nft,
    observed,
    outcome,
)

ALLOW, DENY = (Rule(proto="tcp", port=22, action=each) for each in ("allow", "deny"))
ZONE = {
    "version": ("s", ""),
    "ports": ("a(ss)", []),
    "services": ("as", ["ssh"]),
    "rules_str": ("as", []),
    "masquerade": ("b", False),
    "interfaces": ("as", []),
}
PORT = {"ports": ("a(ss)", [["22", "tcp"]])}
OTHER = {"ports": ("a(ss)", [["80", "tcp"]])}
BAN = 'rule family="ipv4" source address="192.0.2.1" port port="22" protocol="tcp" drop'
OPEN = 'rule port port="22" protocol="tcp" accept'


def settings(**more: Any) -> str:
    data = {key: {"type": kind, "data": value} for key, (kind, value) in {**ZONE, **more}.items()}
    return json.dumps({"type": "a{sv}", "data": [data]})


def zone(name: str = "public", /, **now: Any) -> str:
    return f"zone {name}\n{settings(**now)}\n{settings()}"


def node(timed: str, *chains: tuple[str, list[Any]]) -> Any:
    place = {"family": "inet", "table": "firewalld"}
    more: list[Any] = [{"table": {"family": "inet", "name": "firewalld"}}]
    for name, expr in chains:
        more += [
            {"chain": {**place, "name": name}},
            {"rule": {**place, "chain": name, "expr": expr}},
        ]
    base = {
        **place,
        "name": "filter_INPUT",
        "type": "filter",
        "hook": "input",
        "prio": 10,
        "policy": "drop",
    }
    more.append({"chain": base})
    more += [
        {"rule": {**place, "chain": "filter_INPUT", "expr": [{"jump": {"target": name}}]}}
        for name, _ in chains
    ]
    return observed(nft=nft(more=more, policy="accept"), firewalld='s "RUNNING"', firewalld_timed=timed)  # fmt: skip


ALLOWS = ("filter_IN_public_allow", [TCP22, ACCEPT])
BANS = ("filter_IN_public_deny", [match("ip", "saddr", "192.0.2.1"), TCP22, DROP])


@pytest.mark.parametrize(
    ("timed", "allowed", "denied"),
    [
        ("none", "compliant", "drift"),
        ("", "compliant", "drift"),
        (zone(**PORT), "unknown", "drift"),
        (zone(**OTHER), "compliant", "drift"),
        (zone("dmz", **PORT), "compliant", "drift"),
        (zone(services=("as", ["ssh", "cockpit"])), "unknown", "drift"),
        (zone(rules_str=("as", [OPEN])), "unknown", "drift"),
        (zone(rules_str=("as", [BAN])), "compliant", "drift"),
        (zone(masquerade=("b", True)), "unknown", "drift"),
        (zone(interfaces=("as", ["eth0"])), "compliant", "drift"),
        ("unread", "unknown", "drift"),
        (f"{zone(**OTHER)}\nunread", "unknown", "drift"),
        (f"policy any\n{settings(rich_rules=('as', [OPEN]))}\n{settings()}", "compliant", "drift"),
    ],
)
def test_what_is_open_for_a_time_is_no_pass_and_counts_for_a_drift(
    timed: str, allowed: str, denied: str
) -> None:
    found = node(timed, ALLOWS)
    assert [outcome(ALLOW, found), outcome(DENY, found)] == [allowed, denied]


def test_a_policy() -> None:
    timed = f"policy any\n{settings(rich_rules=('as', [OPEN]))}\n{settings()}"
    assert outcome(ALLOW, node(timed, ("filter_IN_policy_any_allow", [TCP22, ACCEPT]))) == "unknown"


def test_a_ban_for_a_time_is_a_drift_and_no_denial() -> None:
    banned = node(zone(rules_str=("as", [BAN])), BANS, ALLOWS)
    assert outcome(ALLOW, banned) == "drift"
    denied = node(zone(rules_str=("as", [BAN])), BANS, ("filter_IN_public_allow", [ACCEPT]))
    rule = Rule(proto="tcp", port=22, action="deny", from_="192.0.2.1")
    assert outcome(rule, denied) == "unknown"
    assert outcome(rule, node("none", BANS, ("filter_IN_public_allow", [ACCEPT]))) == "compliant"


@pytest.mark.parametrize("text", ["zone a\n{}\n{}", "zone a\nx\ny", 'zone a\n{"data": [1]}\n{}'])
def test_settings_of_another_form(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 # of json, too
        read(text)


BUSCTL = """#!/bin/sh
case "$*" in
*GetConnectionUnixProcessID*) echo "u 7" ;;
*" getPolicies"*) [ ! -e no-policies ] && echo 'as 1 "any"' ;;
*ByName*) echo 'o "/path"' ;;
*) echo "{$*}" ;;
esac
"""


@pytest.mark.shell
@pytest.mark.parametrize("zones", ["", "public"])
@pytest.mark.parametrize(
    ("sleeps", "status", "old", "ends"),
    [
        (["0xffffffff"], "0", False, "none"),
        (["0xffffffff"], "1", True, "none"),
        # What is for a time may be in the files as well: it goes at runtime.
        (["0x36ee80"], "0", False, "unread"),
        # Without the call it is only known what differs from the files.
        (["running"], "0", False, "getSettings}"),
        (["running"], "1", False, "unread"),  # zones may be missing
        (["running"], "0", True, "unread"),  # firewalld does not say which policies there are
        # Its own timer, after a change of its rules, hides a longer one.
        (["0x12ee", "0x9", "0xffffffff"], "0", False, "none"),
        (["0x12ee", "0x36ee80"], "0", False, "unread"),
    ],
)
def test_what_firewalld_does_not_tell_may_be_timed(
    tmp_path: Path, sleeps: list[str], status: str, old: bool, ends: str, zones: str
) -> None:
    body = package_data.text("probes/resources/firewall.sh")
    functions = [
        found[0]
        for name in ("timed", "sleeps", "settings", "ask")
        if (found := re.search(rf"^{name}\(\) \{{(.*\}}$|(?s:.*?)^\}}$)", body, re.MULTILINE))
    ]
    assert len(functions) == 4
    (tmp_path / "proc/7").mkdir(parents=True)
    for number, timeout in enumerate(sleeps):
        call = timeout if timeout == "running" else f"7 0x1 0x3 {timeout} 0x0"
        (tmp_path / f"proc/7/syscall{number or ''}").write_text(f"{call}\n")
    later = 'for file in proc/7/syscall?; do mv "$file" proc/7/syscall; break; done'
    for name, text in (
        ("busctl", BUSCTL),
        ("uname", "#!/bin/sh\necho x86_64\n"),
        ("sleep", f"#!/bin/sh\n{later}\n"),
    ):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    if old:
        (tmp_path / "no-policies").touch()
    done = subprocess.run(
        ["/bin/sh", "-c", "\n".join([*functions, f"timed '{zones}' {status}"])],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", "PE_ROOT": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.rstrip("\n").endswith(ends)
