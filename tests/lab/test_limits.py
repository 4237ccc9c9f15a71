"""Limits of new connections, judged, against bursts of real packets.

A limit holds if the first connection from an address gets in, and the last of many does not. The
packets of a burst come from one address, each from a port of its own.
"""

import os
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import NamedTuple

import pytest

from power_edge.model import Outcome
from power_edge.model.generated.resources.firewall_schema import Firewall, Rule
from power_edge.resources.firewall.judge import Declared, judge
from power_edge.resources.firewall.observation import parse
from power_edge.resources.firewall.ruleset import Ruleset
from tests.support.lab.nodes import Lab, Node
from tests.support.lab.packets import ALLOW, Packet, Wire, wired
from tests.support.scripts import body

pytestmark = pytest.mark.lab

PORTS = (22, 80)
BURST = 60
SOURCES = {4: ("10.77.5.5", "192.0.2.5"), 6: ("fd77::5",)}
"""How addresses begin from which bursts come; the interface's number ends them."""
BODY = body("firewall", "resources")
DENY_OTHERS = """
for t in iptables ip6tables; do
    $t -P INPUT DROP
    $t -A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
done
iptables -A INPUT -p icmp -j ACCEPT
ip6tables -A INPUT -p ipv6-icmp -j ACCEPT
"""
CLEAN = """
rm -f /etc/ufw/*.20*
ufw --force reset >/dev/null
ufw default deny incoming >/dev/null
for t in iptables ip6tables iptables-legacy ip6tables-legacy; do
    for table in raw mangle filter; do $t -t $table -F; $t -t $table -X; done
    $t -P INPUT ACCEPT; $t -P FORWARD ACCEPT
done
nft flush ruleset
"""


class State(NamedTuple):
    """A firewall, and what is said of the declared limit of tcp/22."""

    name: str
    script: str
    limit: Outcome
    allow: Outcome = Outcome.DRIFT


def both(rules: str) -> str:
    """Rules of iptables for either family."""
    return DENY_OTHERS + f"for t in iptables ip6tables; do\n{rules}\ndone\n"


def nft(*rules: str, policy: str = "drop", more: str = "") -> str:
    text = "\n".join(rules)
    return f"""nft -f - <<'END'
table inet t {{
    {more}
    chain in {{
        type filter hook input priority 0; policy {policy};
        ct state established,related accept
        meta l4proto {{ icmp, ipv6-icmp }} accept
        {text}
    }}
}}
END
"""


HOLDS, FAILS, NOBODY_KNOWS = Outcome.COMPLIANT, Outcome.DRIFT, Outcome.UNKNOWN
ON = "ufw --force enable >/dev/null\n"
RECENT = "-p tcp --dport 22 -m conntrack --ctstate NEW -m recent --name x"
STATES = [
    State("ufw limit", f"ufw limit 22/tcp\n{ON}", HOLDS),
    State("ufw limit of both protocols", f"ufw limit 22\n{ON}", HOLDS),
    State("ufw limit that logs", f"ufw limit log 22/tcp\n{ON}", HOLDS),
    State("ufw limit on the interface", f"ufw limit in on host0 to any port 22 proto tcp\n{ON}", FAILS),
    State("ufw limit, six of them", "".join(f"ufw limit {port}/tcp\n" for port in (80, 443, 25, 22, 110, 143)) + ON, HOLDS),
    State("ufw limit behind an allow", f"ufw allow from 10.0.0.0/8\nufw limit 22/tcp\n{ON}", FAILS),
    State("ufw limit of another port", f"ufw limit 80/tcp\nufw allow 22/tcp\n{ON}", FAILS, HOLDS),
    State("ufw limit, IPv6 alone", f"ufw limit from ::/0 to any port 22 proto tcp\n{ON}", FAILS),
    State("ufw limit, IPv4 alone", f"ufw limit from 0.0.0.0/0 to any port 22 proto tcp\n{ON}", FAILS),
    State("ufw allow", f"ufw allow 22/tcp\n{ON}", FAILS, HOLDS),
    State("ufw denies", ON, FAILS),
    State("ufw limit, default allow", f"ufw default allow incoming\nufw limit 22/tcp\n{ON}", HOLDS),
    State("an accept before ufw", f"ufw limit 22/tcp\n{ON}iptables -I INPUT -p tcp --dport 22 -j ACCEPT\n", FAILS),
    State("an accept in ufw's chain", f"ufw limit 22/tcp\n{ON}ip6tables -I ufw6-user-input -p tcp --dport 22 -j ACCEPT\n", FAILS),
    State("ufw limit without its recording rule", f"ufw limit 22/tcp\n{ON}iptables -D ufw-user-input 1\n", NOBODY_KNOWS),
    State("ufw limit, its limit emptied", f"ufw limit 22/tcp\n{ON}iptables -F ufw-user-limit\n", FAILS, FAILS),
    State("ufw limit, its accept emptied", f"ufw limit 22/tcp\n{ON}iptables -F ufw-user-limit-accept\n", FAILS),
    State("ufw limit, and a rule that forgets", f"ufw limit 22/tcp\n{ON}iptables -A INPUT -m recent --remove --name DEFAULT\n", NOBODY_KNOWS),
    State("iptables limit", both("$t -A INPUT -p tcp --dport 22 -m limit --limit 3/min -j ACCEPT"), HOLDS),
    State("iptables limit before an accept", both("$t -A INPUT -p tcp --dport 22 -m limit --limit 3/min -j ACCEPT; $t -A INPUT -p tcp --dport 22 -j ACCEPT"), FAILS, HOLDS),
    State("iptables limit that drops what is slow", both("$t -A INPUT -p tcp --dport 22 -m limit --limit 3/min -j DROP; $t -A INPUT -p tcp --dport 22 -j ACCEPT"), FAILS),
    State("hashlimit upto", both("$t -A INPUT -p tcp --dport 22 -m hashlimit --hashlimit-name a$t --hashlimit-mode srcip --hashlimit-upto 3/min -j ACCEPT"), NOBODY_KNOWS),
    State("hashlimit above", both("$t -A INPUT -p tcp --dport 22 -m hashlimit --hashlimit-name b$t --hashlimit-mode srcip --hashlimit-above 3/min -j DROP; $t -A INPUT -p tcp --dport 22 -j ACCEPT"), NOBODY_KNOWS),
    State("hashlimit by source port", both("$t -A INPUT -p tcp --dport 22 -m hashlimit --hashlimit-name c$t --hashlimit-mode srcip,srcport --hashlimit-upto 3/min -j ACCEPT"), NOBODY_KNOWS),
    State("hashlimit of another rule's rate", both("$t -A INPUT -p tcp --dport 81 -m hashlimit --hashlimit-name d$t --hashlimit-mode srcip,dstport --hashlimit-upto 900/sec --hashlimit-burst 900 -j ACCEPT; $t -A INPUT -p tcp --dport 22 -m hashlimit --hashlimit-name d$t --hashlimit-mode srcip --hashlimit-upto 3/min -j ACCEPT"), NOBODY_KNOWS),
    State("hashlimit whose rate was replaced", both("$t -A INPUT -p tcp --dport 22 -m hashlimit --hashlimit-name f$t --hashlimit-mode srcip --hashlimit-upto 900/sec --hashlimit-burst 900 -j ACCEPT; $t -R INPUT $($t -S INPUT | grep -c '^-A') -p tcp --dport 22 -m hashlimit --hashlimit-name f$t --hashlimit-mode srcip --hashlimit-upto 3/min -j ACCEPT"), NOBODY_KNOWS),
    State("hashlimit for one sender", both("$t -A INPUT -p tcp --dport 22 -m hashlimit --hashlimit-name g$t --hashlimit-mode srcip --hashlimit-upto 3/min --hashlimit-htable-size 1 --hashlimit-htable-max 1 -j ACCEPT"), NOBODY_KNOWS),
    State("recent, tested and then recorded", both(f"$t -A INPUT {RECENT} --update --seconds 60 --hitcount 4 -j DROP; $t -A INPUT {RECENT} --set -j ACCEPT"), HOLDS),
    State("recent, never recorded", both(f"$t -A INPUT {RECENT} --update --seconds 60 --hitcount 4 -j DROP; $t -A INPUT -p tcp --dport 22 -j ACCEPT"), NOBODY_KNOWS),
    State("recent, recorded for another port", both(f"$t -A INPUT {RECENT.replace('22', '80')} --set; $t -A INPUT {RECENT} --update --seconds 60 --hitcount 4 -j DROP; $t -A INPUT -p tcp --dport 22 -j ACCEPT"), NOBODY_KNOWS),
    State("recent, full with the first", both(f"$t -A INPUT {RECENT} --set; $t -A INPUT {RECENT} --update --seconds 60 --hitcount 1 -j DROP; $t -A INPUT -p tcp --dport 22 -j ACCEPT"), NOBODY_KNOWS),
    State("recent, passed twice", both(f"$t -N twice; $t -A twice {RECENT} --set; $t -A twice {RECENT} --update --seconds 60 --hitcount 2 -j DROP; $t -A INPUT -j twice; $t -A INPUT -j twice; $t -A INPUT -p tcp --dport 22 -j ACCEPT"), NOBODY_KNOWS),
    State("recent by destination", both(f"$t -A INPUT {RECENT} --set --rdest; $t -A INPUT {RECENT} --update --seconds 60 --hitcount 4 -j DROP; $t -A INPUT -p tcp --dport 22 -j ACCEPT"), NOBODY_KNOWS),
    State("legacy, recent", both(f"$t -A INPUT {RECENT} --set; $t -A INPUT {RECENT} --update --seconds 60 --hitcount 4 -j DROP; $t -A INPUT -p tcp --dport 22 -j ACCEPT").replace("iptables ip6tables", "iptables-legacy ip6tables-legacy").replace("\niptables ", "\niptables-legacy ").replace("\nip6tables ", "\nip6tables-legacy "), HOLDS),
    State("nft limit", nft("tcp dport 22 limit rate 3/minute burst 20 packets accept"), HOLDS),
    State("nft limit over", nft("tcp dport 22 limit rate over 3/minute burst 20 packets drop", "tcp dport 22 accept"), HOLDS),
    State("nft limit over, rejected", nft("tcp dport 22 limit rate over 3/minute burst 20 packets reject", "tcp dport 22 accept"), HOLDS),
    State("nft limit, passed twice", nft("jump other", "jump other", "tcp dport 22 accept", more="chain other { tcp dport 22 limit rate over 1/minute burst 1 packets drop; }"), NOBODY_KNOWS),
    State("nft limit, passed in two hooks", nft("jump other", "tcp dport 22 accept", more="chain other { tcp dport 22 limit rate over 1/minute burst 1 packets drop; }\nchain pre { type filter hook prerouting priority -300; jump other; }"), NOBODY_KNOWS),
    State("nft limit that sets a mark", nft("tcp dport 22 limit rate 3/minute burst 20 packets meta mark set 1", "meta mark 1 accept"), HOLDS),
    State("nft limit behind a mark", nft("tcp dport 22 meta mark set 1 limit rate 3/minute burst 20 packets accept", "meta mark 1 accept"), FAILS, HOLDS),
    State("nft limit over, for one family, not printed", nft("meta nfproto ipv4 tcp dport 22 limit rate over 3/minute burst 20 packets reject with tcp reset", "tcp dport 22 accept"), FAILS),
    State("nft limit, open by default", nft("tcp dport 22 limit rate 3/minute burst 20 packets accept", policy="accept"), FAILS),
    State("nft limit of bytes", nft("tcp dport 22 limit rate 10 mbytes/second accept"), NOBODY_KNOWS),
    State("nft limit, very high", nft("tcp dport 22 limit rate 4000000/second burst 100000 packets accept"), NOBODY_KNOWS),
    State("nft limit by name", nft('tcp dport 22 limit name "n" accept', more="limit n { rate 3/minute; }"), NOBODY_KNOWS, NOBODY_KNOWS),
    State("nft connections at once", nft("tcp dport 22 ct count over 3 drop", "tcp dport 22 accept"), NOBODY_KNOWS),
    State("nft quota", nft("tcp dport 22 quota over 1 mbytes drop", "tcp dport 22 accept"), NOBODY_KNOWS, NOBODY_KNOWS),
    State("nft meter", nft("tcp dport 22 meter m { ip saddr limit rate over 3/minute } drop", "tcp dport 22 accept"), NOBODY_KNOWS, NOBODY_KNOWS),
    State("a filter behind the limit", nft("tcp dport 22 limit rate 3/minute burst 20 packets accept") + "nft 'add table inet u; add chain inet u in { type filter hook input priority 9; policy drop; }'\n", FAILS),
    State("ufw limit of what is not tracked", f"ufw limit 22/tcp\n{ON}iptables -t raw -A PREROUTING -p tcp --dport 22 -j NOTRACK\n", NOBODY_KNOWS),
    State("ufw limit, inserted before by others", f"ufw limit 22/tcp\n{ON}iptables -I ufw-before-input -s 10.77.0.0/16 -j ACCEPT\n", FAILS),
    State("ufw limit, the interface open", f"ufw allow in on host1\nufw limit 22/tcp\n{ON}", FAILS),
    State("ufw limit behind a limit of a range", f"ufw limit 20:30/tcp\nufw limit 22/tcp\n{ON}", HOLDS),
    State("ufw limit disabled again", f"ufw limit 22/tcp\n{ON}ufw disable >/dev/null\n", FAILS),
    State("two limits, one after the other", both("$t -A INPUT -p tcp --dport 22 -m limit --limit 3/min -j ACCEPT; $t -A INPUT -p tcp --dport 22 -m limit --limit 3/min -j ACCEPT"), HOLDS),
    State("a limit within a limit", both("$t -A INPUT -p tcp --dport 22 -m limit --limit 9/min -m limit --limit 3/min -j ACCEPT; $t -A INPUT -p tcp --dport 22 -m limit --limit 3/min -j ACCEPT"), HOLDS),
    State("a limit that only logs", both("$t -A INPUT -p tcp --dport 22 -m limit --limit 3/min -j LOG; $t -A INPUT -p tcp --dport 22 -j ACCEPT"), FAILS, HOLDS),
    State("nothing", "true", FAILS),
]  # fmt: skip


RULESETS = int(os.environ.get("POWER_EDGE_RULESETS", "60"))
SEED = os.environ.get("POWER_EDGE_SEED", "1")


def drawn(random: Random) -> str:
    """A small random firewall of nft with limits."""

    def rule(*more: str) -> str:
        where = random.choice(
            ["", "", "", "iifname host0 ", "meta nfproto ipv4 ", "ip saddr 10.77.0.0/16 "]
        )
        port = random.choice(
            ["tcp dport 22", "tcp dport 22", "tcp dport 1-1000", "meta l4proto tcp", "tcp dport 80"]
        )
        limit = random.choice(
            [
                "",
                "limit rate 3/minute burst 20 packets",
                "limit rate over 3/minute burst 20 packets",
            ]
        )
        verdict = random.choice(["accept", "accept", "drop", "reject", "return", *more])
        return f"{where}{port} {limit} {verdict}"

    called = "\n".join(rule() for _ in range(random.randint(0, 2)))
    steps = [rule("jump other", "goto other") for _ in range(random.randint(1, 3))]
    return nft(
        *steps,
        *random.choice(
            [
                (),
                ("tcp dport 22 limit rate 3/minute burst 20 packets accept",),
                ("tcp dport 22 accept",),
            ]
        ),
        policy=random.choice(["drop", "drop", "accept"]),
        more=f"chain other {{\n{called}\n}}",
    )


def test_random_limits_are_what_bursts_meet(limited: tuple[Node, Wire]) -> None:
    node, wire = limited
    node.sh(CLEAN)
    counts, wrong = Counter[Outcome](), list[str]()
    for number in range(RULESETS):
        script = drawn(Random(f"{SEED}/{number}"))
        node.sh("nft flush ruleset\n" + script)
        observed = parse(node.run("/bin/sh", "-c", BODY, "pe").stdout.encode())[""]
        assert isinstance(observed, Ruleset)
        found, why = outcome(observed, "limit")
        counts[found] += 1
        first, bursts = fates(wire)
        holds = all(first) and not any(burst[-1] for burst in bursts)
        if found is not (HOLDS if holds else FAILS):
            wrong.append(f"{script}\n{found}: {why}\n{first} {[burst[-1] for burst in bursts]}")
    print(counts)
    assert not wrong, "\n".join(wrong)
    assert counts[HOLDS] * 20 > RULESETS, counts


@pytest.fixture(scope="module")
def limited(lab: Lab) -> Iterator[tuple[Node, Wire]]:
    with lab.node("limited") as node:
        node.sh("systemctl stop ssh")
        with wired(lab, node, PORTS) as wire:
            yield node, wire


def outcome(observed: Ruleset, action: str) -> tuple[Outcome, str]:
    rule = Rule(proto="tcp", port=22, action=action)  # type: ignore[arg-type]
    findings = list(judge(Declared("rule", rule, Firewall(rules=[rule])), observed))
    worst = next(
        one
        for one in (Outcome.DRIFT, Outcome.UNKNOWN, Outcome.COMPLIANT)
        if one in {finding.outcome for finding in findings}
    )
    return worst, "; ".join(finding.why or "" for finding in findings)


def fates(wire: Wire) -> tuple[list[bool], list[list[bool]]]:
    """Which first connections get in, and then which ones of a burst: for each family, source and
    interface, from an address of its own.
    """
    bursts = [
        [
            Packet("tcp", f"{source}{at}", targets[at], 40_000 + number, 22, link)
            for number in range(BURST)
        ]
        for family, targets in wire.targets.items()
        for source in SOURCES[family]
        for at, link in enumerate(("host0", "host1"))
    ]
    first = wire.fates(burst[0] for burst in bursts)
    rest = wire.fates(packet for burst in bursts for packet in burst[1:])
    return [first[burst[0]] == ALLOW for burst in bursts], [
        [rest[packet] == ALLOW for packet in burst[1:]] for burst in bursts
    ]


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.name)
def test_a_limit_is_what_a_burst_meets(limited: tuple[Node, Wire], state: State) -> None:
    node, wire = limited
    node.sh(CLEAN)
    node.sh(state.script)
    observed = parse(node.run("/bin/sh", "-c", BODY, "pe").stdout.encode())[""]
    assert isinstance(observed, Ruleset)
    first, bursts = met = fates(wire)
    holds = all(first) and not any(burst[-1] for burst in bursts)
    is_open = all(first) and all(map(all, bursts))
    for action, expected in (("limit", state.limit), ("allow", state.allow)):
        found, why = outcome(observed, action)
        assert found is expected, (action, why, met)
    assert state.limit is not HOLDS or holds, met
    assert state.limit is not FAILS or not holds, met
    assert state.allow is not HOLDS or is_open, met
