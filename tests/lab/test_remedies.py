"""Each printed remedy, run on a node that has the drift: it leads to compliant, changes nothing
else and locks nobody out.

The drifts are those of the recordings, made by their `setup.sh`. All of them are run where
POWER_EDGE_SOAK is set (`make soak`), else a sample of each type and provider. Where
POWER_EDGE_REMEDIES names a file, each drift becomes a line of a table there.
"""

import os
import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from power_edge.config import ConfigError
from power_edge.model import Outcome, Remedy, Result
from power_edge.report.shell_line import shell_line
from tests.support.cases import AREAS, RECORDINGS, Case, Verdict, items_of, load, worst
from tests.support.lab.checking import look
from tests.support.lab.nodes import OUR_ADDRESS, OUR_ADDRESS6, Lab, Node
from tests.support.lab.recorded import ROOTS, make
from tests.support.lab.snapshot import Concern, beside, snapshot

pytestmark = pytest.mark.lab

SAMPLED = {"services": 4, "ufw": 5, "firewalld": 4}
"""Drifts of an area and root in a run that is not a soak, where they are not 2."""
FROM = {"IPv4": OUR_ADDRESS, "IPv6": OUR_ADDRESS6}
"""Where a new ssh connection comes from, by family."""
SEED = 20250101
NOT_REPRODUCED: Mapping[str, str] = {
    "services/sysv-daemon-died-1": "its daemon ends within a minute of its start there, which may be as it should; the verdict is unknown",
}
"""Drifts that a lab node does not show, though its state was made, and why."""


class Drift(NamedTuple):
    """A declaration from which the node of a case drifts."""

    case: Case
    number: int
    verdict: Verdict

    @property
    def name(self) -> str:
        return f"{self.case.area}/{self.case.name}-{self.number}"


def drifts() -> Iterator[Drift]:
    """The recorded drifts of all areas."""
    for area in AREAS:
        for path in sorted((RECORDINGS / area).glob("*/expect.yaml")):
            case = load(path)
            for number, verdict in enumerate(case.verdicts, 1):
                if verdict.verdict == "fail":
                    yield Drift(case, number, verdict)


def chosen() -> list[Drift]:
    """All of them in a soak, else as many of each area and root as SAMPLED says."""
    if os.environ.get("POWER_EDGE_SOAK"):
        return [*drifts()]
    kinds = defaultdict[tuple[str, str], list[Drift]](list)
    for drift in drifts():
        if drift.case.node is not None:
            kinds[drift.case.area, drift.case.node].append(drift)
    return [
        drift
        for (area, root), some in kinds.items()
        for drift in random.Random(f"{SEED} {area} {root}").sample(
            some, min(len(some), SAMPLED.get(area, 2))
        )
    ]


class Row(NamedTuple):
    """What became of a drift."""

    drift: Drift
    remedy: str
    faults: tuple[str, ...] = ()
    result: str = "compliant, nothing else changed"

    def write(self) -> None:
        if (path := os.environ.get("POWER_EDGE_REMEDIES")) is None:
            return
        result = "; ".join(self.faults) or self.result
        cells = (self.drift.name, str(self.drift.verdict.declared), self.remedy, result)
        line = " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells)
        with Path(path).open("a") as table:
            table.write(f"| {line} |\n")


@pytest.mark.parametrize("drift", [pytest.param(drift, id=drift.name) for drift in chosen()])
def test_a_printed_remedy(lab: Lab, drift: Drift) -> None:
    row = run(lab, drift)
    row.write()
    assert row.faults == ()


@pytest.mark.parametrize(
    ("name", "command", "faults"),
    [
        ("files/plain-10", "true", ["afterwards /root/f/plain is drift"]),
        ("files/plain-10", "chmod 600 /root/f/plain; false", ["ended with 1"]),
        (
            "files/plain-10",
            "chmod 600 /root/f/plain; touch /etc/left",
            ["changed files: +/etc/left f 0644 0:0"],
        ),
        (
            "services/running-enabled-4",
            "systemctl disable --now cron",
            ["enabled of cron, which is not declared, was enabled"],
        ),
        (
            "services/running-disabled-2",
            "systemctl enable cron; systemctl stop openvpn",
            ["changed active: -openvpn.service"],
        ),
        (
            "ufw/basic-22-tcp-12",
            "ufw allow 80/tcp; ufw delete allow 22/tcp",
            [
                "no longer compliant: {'firewall': {'rules': [{'port': 22",
                "a new ssh connection",
                "mend_cuts is not set",
            ],
        ),
    ],
)
def test_a_remedy_that_does_not_what_it_is_for_or_more_is_noticed(
    lab: Lab, name: str, command: str, faults: list[str]
) -> None:
    (drift,) = (drift for drift in drifts() if drift.name == name)
    with lab.node("drifting", root=ROOTS[drift.case.node or ""]) as node:
        make(node, drift.case)
        (found,) = look(node, items_of(drift.verdict.declared))
        row = mend(lab, node, drift, [found._replace(remedy=Remedy((("sh", "-c", command),)))])
    observed = [fault for fault in faults if any(fault in each for each in row.faults)]
    assert observed == faults, row.faults


def run(lab: Lab, drift: Drift) -> Row:
    """Make the drift on a fresh node, and do what is printed."""
    case = drift.case
    if case.node is None:
        return Row(drift, "", result=f"not in the lab: {case.no_node}")
    with lab.node("drifting", root=ROOTS[case.node]) as node:
        make(node, case)
        items = items_of(drift.verdict.declared)
        found = look(node, items)
        if (outcome_found := worst(found)) != "fail":
            return Row(drift, "", *_not_reproduced(drift, outcome_found, found))
        if drift.name in NOT_REPRODUCED:
            return Row(drift, "", ("the node shows the drift, and NOT_REPRODUCED lists it",))
        if all(shell_line(result.remedy) is None for result in found):
            advice = "; ".join(result.advice for result in found if result.advice)
            faults = () if advice else ("neither commands nor advice",)
            return Row(drift, "", faults, f"advice: {advice}")
        return mend(lab, node, drift, found)


def _not_reproduced(
    drift: Drift, outcome_found: str, found: list[Result]
) -> tuple[tuple[str, ...], str]:
    """Faults and result of a drift that the node does not show."""
    if (reason := NOT_REPRODUCED.get(drift.name)) is not None:
        return (), f"not reproduced: {reason}"
    why = "; ".join(result.why for result in found if result.why)
    return (f"the node shows {outcome_found}: {why}",), ""


def mend(lab: Lab, node: Node, drift: Drift, found: list[Result]) -> Row:
    """Run the printed commands, and look what they did."""
    items = [result.item for result in found]
    commands = [line for result in found if (line := shell_line(result.remedy)) is not None]
    faults = []
    others = [(verdict, outcomes(node, verdict)) for verdict in beside_it(drift)]
    concern = concerned(node, drift.verdict.declared)
    before, doors = snapshot(node), open_doors(lab, node)
    undeclared = kept(node, drift.verdict.declared)
    for command in commands:
        # $'...' is of bash and its like: see power_edge.checking.evaluate.quoted
        done = node.run("bash" if "$'" in command else "sh", "-c", command, check=False)
        if done.returncode:
            message = (done.stderr or done.stdout).strip()
            faults.append(f"ended with {done.returncode}: {message[-200:]}")
    left = []
    for drifting, result in zip(found, look(node, items), strict=True):
        if result.outcome is Outcome.COMPLIANT:
            continue
        if (
            drifting.advice is not None
        ):  # says what the commands leave undone, or that there are none
            left.append(
                f"{result.item.name} is left as {result.outcome.value}, with advice: {drifting.advice}"
            )
        else:
            faults.append(f"afterwards {result.item.name} is {result.outcome.value}: {result.why}")
    changed = beside(before.changes(snapshot(node)), concern)
    changed = beside(changed, concerned(node, drift.verdict.declared))
    faults += [f"changed {change}" for change in changed[:5]]
    for field, value in kept(node, drift.verdict.declared).items():
        if undeclared.get(field, value) != value:
            faults.append(f"{field}, which is not declared, was {undeclared[field]} and is {value}")
    for verdict, was in others:
        if was == "pass" and outcomes(node, verdict) != "pass":
            faults.append(f"no longer compliant: {verdict.declared}")
    lost = doors - open_doors(lab, node)
    if unmeant := ", ".join(sorted(lost - meant_shut(drift.verdict.declared))):
        faults.append(f"a new ssh connection does not get in any more, over {unmeant}")
    if lost and not any(result.mend_cuts for result in found):
        faults.append(
            f"the way in was cut, over {', '.join(sorted(lost))}, and mend_cuts is not set"
        )
    remedy = " ; ".join(commands)
    return (
        Row(drift, remedy, tuple(faults), "; ".join(left))
        if left
        else Row(drift, remedy, tuple(faults))
    )


def outcomes(node: Node, verdict: Verdict) -> str:
    return worst(look(node, items_of(verdict.declared)))


def beside_it(drift: Drift) -> Iterator[Verdict]:
    """The other declarations of a case that a remedy of this drift must leave as they are."""
    for verdict in drift.case.verdicts:
        try:
            items_of(verdict.declared)
        except ConfigError:
            continue
        if verdict is not drift.verdict and not at_odds(drift.verdict.declared, verdict.declared):
            yield verdict


def at_odds(mended: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether both are about one thing, so that the one is had at the cost of the other."""
    for kind in mended.keys() & other.keys():
        if kind == "firewall":
            return _firewalls_at_odds(mended[kind], other[kind])
        if kind == "sysctl":
            return bool(mended[kind].keys() & other[kind].keys())
        name = "path" if kind == "files" else "name"
        return bool({item[name] for item in mended[kind]} & {item[name] for item in other[kind]})
    return False


def _firewalls_at_odds(mended: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    if "enabled" in mended:
        return True
    if mended.keys() & other.keys() - {"rules"}:
        return True
    closing = [rule for rule in other.get("rules", ()) if rule["action"] != "allow"]
    if mended.keys() - {"rules"} and (closing or "enabled" in other):
        return True
    ports = [{rule.get("port") for rule in each.get("rules", ())} for each in (mended, other)]
    return bool(ports[0] & ports[1])


def open_doors(lab: Lab, node: Node) -> frozenset[str]:
    """The families over which a new ssh connection gets in."""
    doors = {"IPv4": node.address, "IPv6": node.address6}
    trial = ("-o", "ConnectTimeout=3", "-o", "ControlPath=none", "-o", "BatchMode=yes")
    ssh = ("ssh", "-F", str(lab.ssh_config), *trial)
    knocks = (
        (family, lab.run(*ssh, f"root@{address}", "true", check=False))
        for family, address in doors.items()
    )
    return frozenset(family for family, knock in knocks if knock.returncode == 0)


def meant_shut(declared: Mapping[str, Any]) -> frozenset[str]:
    """The families over which the declaration itself wants nobody here to get in over ssh."""
    down = [
        item["name"]
        for item in declared.get("services", ())
        if item.get("state") in ("stopped", "disabled")
    ]
    shut = (
        {"IPv4", "IPv6"}
        if any(name.partition(".")[0] in ("ssh", "sshd") for name in down)
        else set[str]()
    )
    for rule in declared.get("firewall", {}).get("rules", ()):
        if rule.get("port") == 22:
            shut |= {
                family
                for family, address in FROM.items()
                if (rule["action"] == "allow") != _covers(rule, address)
            }
    return frozenset(shut)


def _covers(rule: Mapping[str, Any], address: str) -> bool:
    """Whether a rule is about connections from an address."""
    source = rule.get("from", "any")
    return source == "any" or ip_address(address) in ip_network(source, strict=False)


def kept(node: Node, declared: Mapping[str, Any]) -> dict[str, str]:
    """What an item has beside what is declared of it, by a name for people. Not of what is missing,
    nor whether a masked unit is enabled, for it can only be started without the mask.
    """
    fields: dict[str, str] = {}
    for item in declared.get("files", ()):
        path = item["path"]
        outcome_found = node.run(
            "stat", "-L", "-c", "%a %u %g", "--", path, check=False
        ).stdout.split()
        if outcome_found:
            content = node.run("sha256sum", "--", path, check=False).stdout.split(" ")[0]
            observed = dict(
                zip(("mode", "owner", "group", "content"), (*outcome_found, content), strict=True)
            )
            reported_fields = item.keys() | ({"content"} if "sha256" in item else set())
            fields |= {
                f"{field} of {path}": value
                for field, value in observed.items()
                if field not in reported_fields
            }
    for item in declared.get("services", ()):
        name, reported_fields = (
            item["name"],
            item.keys() | ({"enabled"} if item.get("state") == "disabled" else set()),
        )
        enabled = node.run("systemctl", "is-enabled", "--", name, check=False).stdout.strip()
        active = node.run("systemctl", "is-active", "--", name, check=False).stdout.strip()
        observed = {"state": active} | ({"enabled": enabled} if "masked" not in enabled else {})
        fields |= {
            f"{field} of {name}": value
            for field, value in observed.items()
            if field not in reported_fields
        }
    return fields


ANYTHING = ""
_FOLDERS = r"/etc/systemd/\S*\.(wants|requires|upholds) d "
"""systemctl makes and removes them."""
_TUNNELS = r"net\.ipv[46]\.(conf|neigh)\.tun"
_PROVIDERS = ("ufw", "firewalld", "dbus-org.fedoraproject.FirewallD1", "nftables")
_FORWARDING = r"net\.ipv4\.ip_forward |net\.ipv[46]\.conf\."


def concerned(node: Node, declared: Mapping[str, Any]) -> Concern:
    """What a remedy of these items may change."""
    if "services" in declared:
        return _units(node, [item["name"] for item in declared["services"]])
    if "sysctl" in declared:
        return {"sysctl": "|".join(map(_key, declared["sysctl"]))}
    if "packages" in declared:
        names = [item["name"].partition(":")[0] for item in declared["packages"]]
        files = node.run("dpkg", "-L", *names, check=False).stdout.split()
        # apt does nothing before what is half configured is configured.
        half = node.run(
            "sh", "-c", "dpkg --audit | sed -n 's/^ \\([^ ]*\\) .*/\\1/p'"
        ).stdout.split()
        return {"packages": rf"({_any([*names, *half])})[: ]", "files": f"({_any(files)}) "}
    if "files" in declared:
        wanted = ("realpath", "-mz", "--", *(item["path"] for item in declared["files"]))
        paths = node.run(*wanted).stdout.split("\0")[:-1]
        # A snapshot has a newline in a name as it is, and from sha256sum as \n.
        lines = [
            line for path in paths for line in (path.rpartition("\n")[2], path.replace("\n", "\\n"))
        ]
        return {"files": f"({_any(lines)}) "}
    return _firewall(node)


def _any(texts: Iterable[str]) -> str:
    return "|".join(map(re.escape, texts)) or "(?!)"


def _key(key: str) -> str:
    """How `sysctl -a` begins the line of a key. The kernel's keys of forwarding set each other."""
    slashes = next((character for character in key if character in "./"), ".") == "/"
    name = key.translate(str.maketrans("./", "/.")) if slashes else key
    line = f"{re.escape(name)} ="
    return f"{line}|{_FORWARDING}" if name.endswith(("ip_forward", "all.forwarding")) else line


def _units(node: Node, names: list[str]) -> Concern:
    """The units by all their names, and what triggers them. A service may open ports, load a
    firewall, bring up a tunnel.
    """
    show = ("systemctl", "show", "-p", "Names,TriggeredBy", "--value", "--", *names)
    outcome_found = node.run(*show, check=False).stdout.split()
    stems = {name.rpartition(".")[0] for name in outcome_found} | {
        name.removesuffix(".service") for name in names
    }
    unit = rf"(\S*/)?([SK]\d\d)?({_any(stems)})(\.\w+)?( |$)"
    concern = {
        "active": unit,
        "links": unit,
        "files": f"{unit}|{_FOLDERS}",
        "listening": ANYTHING,
        "sysctl": _TUNNELS,
    }
    return (
        {**concern, "firewall": ANYTHING} if stems & {"ufw", "firewalld", "nftables"} else concern
    )


def _firewall(node: Node) -> Concern:
    """All rules, for their effect is judged by the other declarations of the case; the files of the
    tools that make them, and the keys that ufw sets when it starts.
    """
    keys = node.sh(
        "[ ! -e /etc/ufw/sysctl.conf ] || sed -n 's/^\\(net[^=]*\\)=.*/\\1/p' /etc/ufw/sysctl.conf | tr / ."
    ).split()
    # their units, and the alias under which D-Bus knows firewalld
    unit = rf"(\S*/)?({_any(_PROVIDERS)}|dbus-org\.fedoraproject\.FirewallD1)(\.\w+)?( |$)"
    return {
        "firewall": ANYTHING,
        "sysctl": f"({_any(keys)}) =",
        "files": f"/etc/ufw/|/etc/firewalld/|/etc/default/ufw |{unit}",
        "active": unit,
        "links": unit,
    }
