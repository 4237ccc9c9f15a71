"""States of a firewall, as people declare them and in the words of each tool that can set it up."""

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

from hypothesis import strategies as st

from power_edge.discover.sections import Section, section
from power_edge.model.generated.resources.firewall_schema import Rule
from power_edge.probing.framing import Answer, Output
from power_edge.resources.firewall import canonical, name, traffic
from power_edge.resources.firewall.packets.sets import subtract_all
from power_edge.resources.firewall.readers.nft_conditions import UNEXPECTED
from power_edge.resources.firewall.ruleset import Ruleset

PEERS = ("any", "10.0.0.0/8", "10.1.0.0/16", "192.0.2.7", "fd00::/8", "fd00:1::9")
IPTABLES = {"allow": "ACCEPT", "deny": "DROP", "reject": "REJECT"}
NFT = {"allow": "accept", "deny": "drop", "reject": "reject"}
FIREWALLD = {"allow": "ACCEPT", "deny": "DROP", "reject": "default"}


class State(NamedTuple):
    """A firewall in force. `comments`: of rules, by their place."""

    incoming: str
    outgoing: str
    rules: tuple[Rule, ...]
    comments: tuple[str | None, ...] = ()

    @property
    def section(self) -> dict[str, Any]:
        """What discovery should find, with the rules by name.

        A rule of whose packets the ones before leave nothing is missing.
        """
        kept = list[Rule]()
        for rule in self.rules:
            others = [other for other in kept if other.action != rule.action]
            for family in sorted(traffic.named_families(rule)) or traffic.FAMILIES:
                boxes = [
                    box
                    for each in (rule, *others)
                    if (box := traffic.packets(each, family)) is not None
                ]
                if not subtract_all(boxes[:1], boxes[1:]):
                    break
            else:
                kept.append(rule)
        comments = {
            name(rule): comment for rule, comment in zip(self.rules, self.comments, strict=False)
        }
        rules = {canonical(name(rule)): comments.get(name(rule)) for rule in kept}
        return {
            "enabled": True,
            "default_incoming": self.incoming,
            "default_outgoing": self.outgoing,
            "rules": rules,
        }


def by_name(section: dict[str, Any]) -> dict[str, Any]:
    """Return a discovered section as State.section gives it: rules by name, whatever their order."""
    rules = (
        (
            Rule(
                proto=rule["proto"],
                action=rule["action"],
                port=rule.get("port"),
                from_=rule.get("from", "any"),
            ),
            rule.get("comment"),
        )
        for rule in section.get("rules", ())
    )
    return {**section, "rules": {canonical(name(rule)): comment for rule, comment in rules}}


@st.composite
def states(
    draw: st.DrawFn, *, icmp: bool, comments: bool = False, services_once: bool = False
) -> State:
    """Draw a state. `services_once`: no two rules about one port."""
    incoming = draw(st.sampled_from(["deny", "reject", "allow"]))
    outgoing = draw(st.sampled_from(["allow", "deny"]))
    services: list[tuple[str, int | None]] = [
        ("tcp", 22),
        ("udp", 53),
        ("tcp", 443),
        ("udp", 443),
        ("tcp", 8080),
    ]
    what = st.tuples(
        st.sampled_from([*services, ("icmp", None)] if icmp else services), st.sampled_from(PEERS)
    )
    chosen = draw(
        st.lists(
            what,
            max_size=6,
            unique_by=(lambda each: each[0]) if services_once else None,
            unique=not services_once,
        )
    )
    rules = [
        Rule(
            proto=proto,  # type: ignore[arg-type]
            port=port,
            action=draw(st.sampled_from(["allow", "deny", "reject"])),
            from_=peer,
        )
        for (proto, port), peer in chosen
    ]
    if incoming == "allow":
        rules = [
            Rule(proto="tcp", port=23, action="deny"),
            *rules,
        ]  # without a rule that stops something no firewall is in force
    notes = st.one_of(
        st.none(), st.sampled_from(["SSH from the office", "it is # no: comment", "ü", "on"])
    )
    return State(
        incoming, outgoing, tuple(rules), tuple(draw(notes) for _ in rules) if comments else ()
    )


def as_nft(state: State) -> str:
    """Return it for `nft -j -f -`, as `nft -j list ruleset` prints it."""
    objects: list[dict[str, Any]] = [{"table": {"family": "inet", "name": "t", "handle": 1}}]
    for handle, (chain, default) in enumerate(
        (("input", state.incoming), ("output", state.outgoing))
    ):
        policy = {"policy": "drop" if default == "deny" else "accept"}
        place = {"family": "inet", "table": "t"}
        objects.append(
            {
                "chain": {
                    **place,
                    "name": chain,
                    "handle": 2 + handle,
                    "type": "filter",
                    "hook": chain,
                    "prio": 0,
                    **policy,
                }
            }
        )
    established, *others = _nft(state)
    for chain, body in (
        ("output", established),
        *(("input", each) for each in (established, *others)),
    ):
        objects.append(
            {
                "rule": {
                    "family": "inet",
                    "table": "t",
                    "chain": chain,
                    "handle": len(objects),
                    "expr": body,
                }
            }
        )
    return json.dumps({"nftables": objects})


def _nft(state: State) -> Iterator[list[Any]]:
    def match(left: Any, right: Any) -> dict[str, Any]:
        return {
            "match": {
                "op": "in" if left == {"ct": {"key": "state"}} else "==",
                "left": left,
                "right": right,
            }
        }

    yield [match({"ct": {"key": "state"}}, ["established", "related"]), {"accept": None}]
    yield [match({"meta": {"key": "iifname"}}, "lo"), {"accept": None}]
    for rule in state.rules:
        body = []
        if rule.from_ != "any":
            address, _, length = rule.from_.partition("/")
            to = {"prefix": {"addr": address, "len": int(length)}} if length else address
            body.append(
                match(
                    {"payload": {"protocol": "ip6" if ":" in address else "ip", "field": "saddr"}},
                    to,
                )
            )
        verdict = {NFT[rule.action]: None}
        if rule.port is not None:
            yield [
                *body,
                match({"payload": {"protocol": rule.proto, "field": "dport"}}, rule.port),
                verdict,
            ]
            continue
        for protocol, header in (("icmp", "icmp"), ("ipv6-icmp", "icmpv6")):
            if rule.action == "allow":
                what = match({"payload": {"protocol": header, "field": "type"}}, "echo-request")
            else:
                what = match({"meta": {"key": "l4proto"}}, protocol)
            if not body or (":" in rule.from_) is (protocol == "ipv6-icmp"):
                yield [*body, what, verdict]
    if state.incoming == "reject":
        yield [{"reject": {"type": "icmpx", "expr": "port-unreachable"}}]


def as_iptables(state: State, family: int) -> str:
    """Return it for iptables-restore and ip6tables-restore, as the save tools print it."""
    policies = (
        "DROP" if default == "deny" else "ACCEPT" for default in (state.incoming, state.outgoing)
    )
    lines = [
        "*filter",
        *(
            f":{chain} {policy} [0:0]"
            for chain, policy in zip(("INPUT", "OUTPUT"), policies, strict=True)
        ),
    ]
    lines += [
        "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "-A OUTPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "-A INPUT -i lo -j ACCEPT",
    ]
    echo, all_icmp = (
        ("-p icmp -m icmp --icmp-type 8", "-p icmp")
        if family == 4
        else ("-p ipv6-icmp -m icmp6 --icmpv6-type 128", "-p ipv6-icmp")
    )
    for rule in state.rules:
        if family in (traffic.named_families(rule) or traffic.FAMILIES):
            source = "" if rule.from_ == "any" else f" -s {rule.from_}"
            ports = (
                f"-p {rule.proto} -m {rule.proto} --dport {rule.port}"
                if rule.port
                else echo
                if rule.action == "allow"
                else all_icmp
            )
            lines.append(f"-A INPUT{source} {ports} -j {IPTABLES[rule.action]}")
    if state.incoming == "reject":
        lines.append("-A INPUT -j REJECT")
    return "\n".join([*lines, "COMMIT", ""])


def as_ufw(state: State) -> list[tuple[str, ...]]:
    """Return commands that lead to the state after a reset."""
    comments = state.comments or (None,) * len(state.rules)
    return [
        ("ufw", "default", state.incoming, "incoming"),
        ("ufw", "default", state.outgoing, "outgoing"),
        *(
            (
                "ufw",
                rule.action,
                "proto",
                rule.proto,
                "from",
                rule.from_,
                "to",
                "any",
                "port",
                str(rule.port),
                *(("comment", note) if note else ()),
            )
            for rule, note in zip(state.rules, comments, strict=True)
        ),
        ("ufw", "--force", "enable"),
    ]


def as_firewalld(state: State, zone: str) -> list[tuple[str, ...]]:
    """Return options for an empty zone. firewalld rejects before it allows, whatever the order."""
    return [
        (f"--zone={zone}", f"--set-target={FIREWALLD[state.incoming]}"),
        *((f"--zone={zone}", _rich(rule)) for rule in state.rules),
    ]


def _rich(rule: Rule) -> str:
    family = (
        f'family="ipv{next(iter(traffic.named_families(rule)))}" source address="{rule.from_}" '
        if rule.from_ != "any"
        else ""
    )
    words = {"allow": "accept", "deny": "drop", "reject": "reject"}
    return f'--add-rich-rule=rule {family}port port="{rule.port}" protocol="{rule.proto}" {words[rule.action]}'


def unexpected_conditions(observed: Ruleset) -> list[str]:
    """Return the reasons of conditions whose reading ended in an error.

    On a node such a condition is a doubt like any other, which would hide an error of our own.
    """
    return [
        rule.opaque
        for by_family in observed.program.chains.values()
        for rules in by_family.values()
        for rule in rules
        if rule.opaque is not None and UNEXPECTED in rule.opaque
    ]


def discovered(printed: bytes) -> Section:
    """Return what is discovered where the probe of `check` printed this."""
    outputs = {
        "find.firewall": Output(0, b"+firewall\tit is there\n", ""),
        "firewall.0": Output(0, printed, ""),
    }
    return section("firewall", Answer("node", 0, 0, {}, "open", outputs, complete=True))
