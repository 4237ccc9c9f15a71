"""Asks a node about its interfaces, its routes and its packet filter."""

import re
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import (
    IPv4Network,
    IPv6Network,
    collapse_addresses,
    ip_address,
    ip_interface,
    ip_network,
)
from shlex import quote
from typing import Any, NamedTuple

from power_edge.json_value import Json, a_list, a_text, an_integer, an_object
from power_edge.suites import Unknown, netfilter, output, output_json, run
from power_edge.suites.netfilter import Answer, Flow, Network, Ruleset, Verdict

EVERYWHERE: Mapping[int, Network] = {4: IPv4Network("0.0.0.0/0"), 6: IPv6Network("::/0")}
"""All addresses, by IP version."""

CONTAINERS = re.compile(r"docker0|br-[0-9a-f]{12}|podman[0-9]+|cni[0-9]+")
"""Interfaces of docker, podman and Kubernetes."""

_SOMEWHERE = {4: "192.0.2.1", 6: "2001:db8::1"}
"""Addresses for documentation (RFC 5737, RFC 3849): the default route leads to them."""
_REFUSED = {
    "No route to host": "forwarding is off on {iif}",
    "Invalid argument": "rp_filter or a blackhole route refuses packets from {source}",
    "Permission denied": "a rule of `ip rule` refuses it",
    "Network is unreachable": "there is no route",
}
"""What the kernel answers about a route that it does not take, and what that means."""


class Interface(NamedTuple):
    """An interface as `ip -j -d addr show` prints it."""

    name: str
    kind: str
    """The kind of a virtual interface: tun (also for tap), wireguard, veth, bridge; else empty."""
    up: bool
    carrier: bool
    addresses: tuple[Any, ...]
    """IPv4Interface and IPv6Interface, of global scope."""

    def within(self, network: Network) -> bool:
        """Whether it holds an address inside of a network."""
        return any(address.ip in network for address in self.addresses)


def interfaces(host: Any) -> list[Interface]:
    """Return the interfaces of a node, without lo. Raises Unknown."""
    command = "ip -j -d addr show"
    try:
        found = [each for each in _printed(host, command) if each]
        return [_interface(each) for each in found if "LOOPBACK" not in a_list(each["flags"])]
    except (KeyError, TypeError, ValueError) as error:
        raise Unknown(f"{command}: not understood: {error!r}") from None


def _printed(host: Any, command: str) -> list[dict[str, Json]]:
    """Return the objects that a command of ip(8) prints. Raises Unknown, and TypeError for JSON of
    another form.
    """
    return [an_object(each) for each in a_list(output_json(host, command))]


def _interface(printed: dict[str, Json]) -> Interface:
    flags = a_list(printed["flags"])
    addresses = map(an_object, a_list(printed.get("addr_info", [])))
    return Interface(
        a_text(printed["ifname"]),
        a_text(an_object(printed.get("linkinfo") or {}).get("info_kind", "")),
        "UP" in flags,
        "NO-CARRIER" not in flags,
        tuple(
            ip_interface(f"{address['local']}/{address['prefixlen']}")
            for address in addresses
            if address.get("scope") == "global"
        ),
    )


def another_address(network: Network, known: Sequence[Interface]) -> Any:
    """Return an address in a network that no interface of the node has. Raises Unknown."""
    if network.prefixlen == 0:
        return ip_address(_SOMEWHERE[network.version])
    own = {address.ip for each in known for address in each.addresses}
    for _, address in zip(range(8), network.hosts(), strict=False):
        if address not in own:
            return address
    raise Unknown(f"{network}: no address is left for a client")


class Refused(AssertionError):
    """The kernel does not route such a packet. The text says why."""


def route(host: Any, destination: object, source: object, iif: str) -> Mapping[str, Json]:
    """Return the route that a forwarded packet takes: `dst`, `dev`, and `gateway` if there is one.

    No packet is sent. Raises Refused, and Unknown.
    """
    question = f"ip -j route get {destination} from {source} iif {quote(iif)}"
    done = run(host, f"LC_ALL=C timeout 10 {question}")
    if done.rc != 0:
        for word, why in _REFUSED.items():
            if word in done.stderr:
                reason = why.format(iif=iif, source=source)
                raise Refused(f"{destination} from {source} by {iif}: {reason}")
    printed: Json = output_json(host, question)
    for found in printed if isinstance(printed, list) else ():
        if (
            isinstance(found, dict)
            and found.get("dev")
            and found.get("dst")
            and found.get("type", "unicast") == "unicast"
        ):
            return found
    raise Unknown(f"{question}: the answer is not understood")


def forwarding(host: Any, interface: str) -> bool:
    """Whether an interface forwards IPv4 packets that come in by it. Raises Unknown."""
    return _switch(host, f"/proc/sys/net/ipv4/conf/{interface}/forwarding")


def forwarding_ipv6(host: Any, *by: str) -> bool:
    """Whether the node forwards IPv6 packets between interfaces. Raises Unknown.

    conf.all decides alone. New kernels know force_forwarding of an interface as well.
    """
    if _switch(host, "/proc/sys/net/ipv6/conf/all/forwarding"):
        return True
    forced = [f"/proc/sys/net/ipv6/conf/{each}/force_forwarding" for each in by]
    return all(host.file(file).exists and _switch(host, file) for file in forced)


def _switch(host: Any, file: str) -> bool:
    text = output(host, f"cat {quote(file)}").strip()
    if text not in ("0", "1"):
        raise Unknown(f"{file}: {text!r} is neither 0 nor 1")
    return text == "1"


def packet_filter(host: Any) -> Ruleset:
    """Return all rules of a node: of nftables, iptables, and iptables-legacy. Raises Unknown."""
    nft = output_json(host, "nft -j list ruleset")
    try:
        saved = {}
        if netfilter.needs_saved(nft):
            saved = {
                "ip": output(host, "iptables-nft-save"),
                "ip6": output(host, "ip6tables-nft-save"),
            }
        found = netfilter.ruleset(nft, saved, dict(_legacy(host)))
        if any("rule" in entry for entry in nft["nftables"]):
            instructions = output(host, "nft -t --debug=netlink list ruleset")
            found = netfilter.with_hidden(found, instructions)
        return found._replace(policies=tuple(_ipsec(host)))
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise Unknown(f"the packet filter is not understood: {error!r}") from None


def _legacy(host: Any) -> Iterator[tuple[str, str]]:
    """Yield the tables of iptables-legacy by family. Asking for a table makes it: so the kernel is
    asked first which there are.
    """
    for family, tool in (("ip", "iptables-legacy-save"), ("ip6", "ip6tables-legacy-save")):
        names = f"/proc/net/{family}_tables_names"
        if tables := output(host, f"sh -c 'test ! -e {names} || cat {names}'").split():
            text = "".join(output(host, f"{tool} -t {quote(table)}") for table in sorted(tables))
            yield family, text


def _ipsec(host: Any) -> Iterator[tuple[Network, Network]]:
    """Yield the sources and destinations of IPsec's policies for forwarded packets, which block
    them, or want them encrypted.
    """
    done = run(host, "LC_ALL=C timeout 20 ip xfrm policy")
    if done.rc != 0 and "Protocol not supported" in done.stderr:  # a kernel without IPsec
        return
    ends: tuple[Network, Network] | None = None
    for line in output(host, "ip xfrm policy").splitlines():
        match line.split():
            case ["src", source, "dst", destination, *_] if line.startswith("src"):
                ends = network(source), network(destination)
            case ["dir", "fwd" | "out", *_] if ends is not None:
                yield ends


def connection(
    source: Network,
    destination: Network,
    *,
    inside: str,
    outside: str,
    known: Sequence[Interface],
) -> tuple[Flow, Flow, Flow]:
    """Return the flows of connections to a network behind the interface `outside`: how they begin,
    the answers, and what follows. `known` are the node's interfaces.
    """
    own = tuple(
        ip_network(address.ip)
        for each in known
        for address in each.addresses
        if each.name == outside and address.version == source.version
    )
    first = Flow(source, destination, inside, outside, "new", own)
    answers = Flow(destination, source, outside, inside, "established", own, answer=True)
    return first, answers, first._replace(state="established")


def require(answer: Answer, flow: Flow) -> None:
    """Fail if the packet filter does not do that with a flow. Raises Unknown if that is not
    certain."""
    what = f"{flow.source} by {flow.iif} -> {flow.destination} by {flow.oif}: {answer.why}"
    if answer.verdict is Verdict.UNKNOWN:
        raise Unknown(what)
    if answer.verdict is not Verdict.YES:
        raise AssertionError(what)


def require_whole(
    host: Any, network: Network, dev: str, rules: Ruleset, known: Sequence[Interface]
) -> None:
    """Fail unless all addresses of a network are routed by the interface `dev`, and its link is up.
    `known` are the node's interfaces.

    `route` is about one address, and a packet without a protocol. Raises Refused and Unknown.
    """
    if not any(each.name == dev and each.up and each.carrier for each in known):
        raise Refused(f"{network} is routed by {dev}, whose link is down")
    _require_plain_rules(host, network, rules)
    if network.prefixlen == 0:
        return
    covered: list[Any] = []
    elsewhere = False
    for place, found in _routes(host, network).items():
        table, target = place
        if found.get("type", "unicast") in ("local", "broadcast", "multicast", "anycast"):
            continue  # an address of the node's own, or one that is never forwarded
        usual = table in ("main", "default")
        elsewhere |= not usual
        if found.get("dev") == dev and found.get("type", "unicast") == "unicast":
            covered += [target] if usual else []
        elif target.subnet_of(network) and (usual or target != network):
            what = found.get("dev") or found.get("type") or "several interfaces"
            if not usual or "nexthops" in found:
                raise Unknown(f"{target}: the table {table} leads by {what}")
            raise Refused(f"{target} is routed by {what}, and not by {dev}")
    if not any(network.subnet_of(each) for each in collapse_addresses(covered)):
        if elsewhere:
            raise Unknown(f"{network}: it is routed by another table than main")
        raise Refused(f"no route to the whole of {network} leads by {dev}")


def _routes(host: Any, network: Network) -> dict[tuple[str, Any], Mapping[str, Json]]:
    """Return the best route to each target that has to do with a network, by table and target."""
    best: dict[tuple[str, Any], Mapping[str, Json]] = {}
    question = f"ip -{network.version} -j route show table all"
    try:
        for each in _printed(host, question):
            text = a_text(each["dst"])
            target = EVERYWHERE[network.version] if text == "default" else ip_network(text)
            if not target.overlaps(network):
                continue
            place = str(each.get("table", "main")), target
            if place not in best or _metric(each) < _metric(best[place]):
                best[place] = each
    except (KeyError, TypeError, ValueError) as error:
        raise Unknown(f"{question}: not understood: {error!r}") from None
    return best


def _metric(route: Mapping[str, Json]) -> int:
    return an_integer(route.get("metric", 0))


_PLAIN = {"priority", "src", "dst", "srclen", "dstlen", "table", "iif", "oif", "action"}
_PLAIN |= {"protocol", "fwmark", "fwmask", "suppress_prefixlen", "l3mdev", "uid_start", "uid_end"}
_SELECTORS = {"src": "srclen", "dst": "dstlen"}


def _require_plain_rules(host: Any, network: Network, rules: Ruleset) -> None:
    """Raise Unknown if `ip rule` treats packets of a network differently: one question is asked for
    all."""
    question = f"ip -{network.version} -j rule show"
    try:
        for each in _printed(host, question):
            if others := each.keys() - _PLAIN:
                raise Unknown(f"a rule of `ip rule` asks for {', '.join(sorted(others))}")
            if "fwmark" in each and rules.marks:
                raise Unknown(
                    "a rule of `ip rule` asks for a mark, and the packet filter sets marks"
                )
            for selector, length in _SELECTORS.items():
                if each.get(selector, "all") == "all":
                    continue
                part: Any = ip_network(
                    f"{each[selector]}/{each.get(length, network.max_prefixlen)}"
                )
                if part.overlaps(network) and not network.subnet_of(part):
                    raise Unknown(f"a rule of `ip rule` is about a part of {network}: {part}")
    except (KeyError, TypeError, ValueError) as error:
        raise Unknown(f"{question}: not understood: {error!r}") from None


def default_route(host: Any, version: int) -> str | None:
    """Return the interface of the default route, None if there is none. Raises Unknown."""
    try:
        printed = _printed(host, f"ip -{version} -j route show default")
        names = {a_text(each["dev"]) for each in printed}
    except (KeyError, TypeError):
        raise Unknown("the default route is not understood") from None
    if len(names) > 1:
        raise Unknown(f"there are several default routes: {', '.join(sorted(names))}")
    return names.pop() if names else None


def sends_from(host: Any) -> str:
    """Return the IPv4 address that the node sends from by its default route, empty if the kernel
    knows no route. Raises Unknown.
    """
    command = f"ip -4 -o route get {_SOMEWHERE[4]}"
    done = run(host, f"LC_ALL=C timeout 10 {command}")
    if done.rc == 2 and "RTNETLINK answers" in done.stderr:
        return ""
    found = re.search(r" src (\S+)", done.stdout)
    if done.rc != 0 or found is None:
        raise Unknown(f"`{command}` does not say by which address the node sends")
    return found[1]


def network(text: str) -> Network:
    """Return a network of identity.yaml, which was checked when the file was loaded."""
    return ip_network(text, strict=False)
