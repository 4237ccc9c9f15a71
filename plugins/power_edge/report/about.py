"""What a machine is, on one page for people."""

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.text import Text

from power_edge.model.generated.about_schema import (
    About,
    Filesystem,
    Firewall,
    Interface,
    OpenPort,
    Sshd,
    Unit,
)
from power_edge.report._layout import Row, Sheet, amount, capped, count, span, text, words

_MOST = 12
"""Rows of a kind that may have hundreds. The JSON has all of them."""
_FULL = 0.9
"""The part of a filesystem that is in use when it counts as full."""
_CONTAINERS = frozenset(
    (
        "docker",
        "podman",
        "lxc",
        "lxc-libvirt",
        "systemd-nspawn",
        "openvz",
        "rkt",
        "proot",
        "pouch",
        "container-other",
        "wsl",
    )
)


def draw(about: About, console: Console) -> None:
    """Print the record of a machine."""
    sheet = Sheet(console)
    _head(about, sheet)
    sheet.part("Who", _who(about))
    sheet.part("Services", _services(about))
    sheet.part("Hardware", _hardware(about, sheet))
    sheet.part("System", _system(about))
    sheet.part("Network", _network(about))
    sheet.part("Security", _security(about))
    sheet.part("Tuning", _tuning(about, sheet.width))
    sheet.part("Not read", _unread(about))


def _head(about: About, sheet: Sheet) -> None:
    system, who = about.system, about.who
    sheet.line(text((who.hostname or about.target, "bold")))
    if who.purpose:
        sheet.line(text(who.purpose))
    since = f"up {span(system.uptime)}" if system.uptime is not None else None
    sheet.line(text(system.distribution, since, sep=", "))
    user = about.looked_as.user
    as_whom = {
        "sudo": f"as {user}, with sudo",
        "plain": f"as {user}, without root",
        "root": "as root",
    }.get(about.looked_as.root or "", "by an unknown user")
    sheet.line(text((f"Read {as_whom}, {about.looked_at}", "dim")))
    if urgent := list(_urgent(about)):
        sheet.line(text(("; ".join(urgent), "bold red")))


def _urgent(about: About) -> Iterator[str]:
    """Yield what needs attention first."""
    if about.services.failed:
        yield f"{count(len(about.services.failed), 'unit')} failed"
    for filesystem in about.hardware.filesystems:
        if filesystem.used >= _FULL * _usable(filesystem):
            yield f"{filesystem.mount} is {filesystem.used / max(1, _usable(filesystem)):.0%} full"
    if about.system.updates is not None and about.system.updates.security:
        yield f"{count(about.system.updates.security, 'security update')} to install"
    if about.system.reboot is not None and about.system.reboot.pending:
        yield "a reboot is pending"


def _usable(filesystem: Filesystem) -> int:
    """Return the bytes that users other than root can have, as df(1) counts them."""
    return filesystem.used + filesystem.available


def _who(about: About) -> Iterator[Row]:
    who = about.who
    if who.identity is not None:
        node_in_words = f"the node {about.node}" if about.node else "no node of node-configs/"
        yield Row("Identity", text(who.identity.hash))
        yield Row("Identity", text((f"by its {who.identity.kind}; {node_in_words}", "dim")))
    width = max((len(role.name) for role in who.roles), default=0) + 2
    for role in who.roles:
        observed = (
            (("; ".join(role.evidence), "dim"))
            if role.evidence
            else ("declared, but no evidence found", "yellow")
        )
        yield Row(
            "Roles",
            text((f"{role.name:<{width}}", "bold" if role.evidence else ""), observed),
            hang=width,
        )
    if who.tags:
        yield Row("Tags", words(who.tags))
    if suggested := [tag for tag in who.suggested_tags if tag not in who.tags]:
        yield Row("Tags to add", words(suggested))


def _services(about: About) -> Iterator[Row]:
    services = about.services
    failed = [
        Row("Failed", text((unit.name, "bold red"), unit.description, sep="  "), hang=2)
        for unit in services.failed
    ]
    yield from capped(failed, _MOST)
    if services.state is not None:
        style = {"running": "green", "degraded": "red"}.get(services.state, "yellow")
        ended = f", {services.exited} completed" if services.exited else ""
        yield Row(
            "State",
            text(
                (services.state, style),
                f": {count(len(services.running), 'service')} running{ended}",
            ),
        )
    if services.running:
        yield Row("Running", words(map(_short, services.running), 60))


def _short(unit: Unit) -> str:
    return unit.name.removesuffix(".service")


def _hardware(about: About, sheet: Sheet) -> Iterator[Row]:
    hardware = about.hardware
    model = " ".join(filter(None, (hardware.vendor, hardware.model)))
    kind = "container" if hardware.virtual in _CONTAINERS else "virtual machine"
    virtual = f"a {kind} ({hardware.virtual})" if hardware.virtual else None
    if model or virtual:
        yield Row("Model", text(model, virtual, sep=", "))
    if (processor := hardware.processor) is not None:
        sockets = f"{processor.sockets} x " if processor.sockets > 1 else ""
        name = f"{sockets}{processor.model or 'unknown model'}"
        counts = f"{count(processor.cores, 'core')}, {count(processor.threads, 'thread')}"
        yield Row("Processor", text(name, counts, hardware.architecture, sep=", "))
    if hardware.memory is not None:
        yield Row(
            "Memory",
            sheet.fill(hardware.memory.size - hardware.memory.available, hardware.memory.size),
        )
    for swap in about.tuning.swaps:
        yield Row(
            "Swap", sheet.fill(swap.used, swap.size).append_text(text((f"  {swap.device}", "dim")))
        )
    kinds = {"ssd": "SSD", "rotating": "rotating", "virtual": "virtual"}
    disks = [
        Row(
            "Disks",
            text(
                f"{disk.name:<8} {amount(disk.size):>8}", kinds.get(disk.kind), disk.model, sep="  "
            ),
        )
        for disk in hardware.disks
    ]
    yield from capped(disks, _MOST)
    local = [
        Row(
            "Filesystems",
            sheet.fill(each.used, _usable(each)).append_text(
                text("  ", (each.mount, "bold"), (f"  {each.type}", "dim"))
            ),
            hang=2,
        )
        for each in hardware.filesystems
    ]
    remote = [
        Row("Filesystems", text((each.mount, "bold"), f"  {each.type} of {each.device}"), hang=2)
        for each in hardware.remote_filesystems
    ]
    yield from capped([*local, *remote], _MOST)


def _system(about: About) -> Iterator[Row]:
    system = about.system
    if system.kernel:
        yield Row("Kernel", text(system.kernel))
    if system.load:
        threads = about.hardware.processor.threads if about.hardware.processor is not None else 0
        loads = " ".join(f"{load:.2f}" for load in system.load)
        yield Row(
            "Load",
            text(
                (loads, "yellow" if threads and system.load[0] > threads else ""),
                ("in 1, 5 and 15 minutes", "dim"),
                sep="  ",
            ),
        )
    if system.reboot is not None:
        reboot = (
            (f"pending: {system.reboot.why or 'no reason given'}", "yellow")
            if system.reboot.pending
            else "not needed"
        )
        yield Row("Reboot", text(reboot))
    if (updates := system.updates) is not None:
        security = f", {updates.security} of them for security" if updates.security else ""
        style = "red" if updates.security else "yellow" if updates.count else "green"
        age = (
            (f"newest package list: {span(updates.lists_age)} old", "dim")
            if updates.lists_age is not None
            else None
        )
        yield Row("Updates", text((f"{updates.count or 'none'}{security}", style), age, sep="  "))


def _via(hop: str | None) -> str | None:
    """Return the next hop, or the type of a route without one (blackhole, unreachable; see
    ip-route(8)).
    """
    return f"via {hop}" if hop and not hop.isalpha() else hop


def _network(about: About) -> Iterator[Row]:
    network = about.network
    kinds = {vpn.interface: vpn.kind for vpn in network.vpns}
    shown = [
        interface
        for interface in network.interfaces
        if interface.addresses and interface.name != "lo"
    ]
    width = max((len(interface.name) for interface in shown), default=0) + 2
    yield from capped(
        [
            Row("Interfaces", _interface(interface, width, kinds.get(interface.name)), hang=width)
            for interface in shown
        ],
        _MOST,
    )
    others = [
        interface.name
        for interface in network.interfaces
        if interface not in shown and interface.name != "lo"
    ]
    if others:
        yield Row("No address", words(others, _MOST))
    routes = [
        Row(
            "Routes",
            text(
                route.to,
                _via(route.via),
                f"on {route.interface}" if route.interface else None,
                sep=" ",
            ),
        )
        for route in network.routes
    ]
    yield from capped(routes, _MOST)
    if network.name_servers:
        yield Row("Name servers", words(network.name_servers))
    if network.search:
        yield Row("Search", words(network.search))
    if network.vpns:
        yield Row(
            "VPNs", words(f"{vpn.interface} ({vpn.kind}, {vpn.state})" for vpn in network.vpns)
        )


def _interface(interface: Interface, width: int, kind: str | None) -> Text:
    style = "green" if interface.state == "up" else "yellow"
    return text(
        (f"{interface.name:<{width - 2}}", "bold"),
        (interface.state, style),
        kind,
        ", ".join(interface.addresses),
        sep="  ",
    )


def _security(about: About) -> Iterator[Row]:
    security = about.security
    if security.sshd is not None:
        yield from _sshd(security.sshd)
    if security.firewall is not None:
        yield Row("Firewall", _firewall(security.firewall))
    yield from capped(
        [Row("Open ports", line) for line in _open_ports(security.open_ports)], 2 * _MOST
    )
    for login in security.logins:
        where = f"from {login.host}" if login.host else None
        yield Row(
            "Last logins", text(login.user, login.terminal, where, (login.at, "dim"), sep="  ")
        )


def _sshd(sshd: Sshd) -> Iterator[Row]:
    note = ("  (a Match block may change this)", "dim") if sshd.match else None
    if sshd.passwords is not None:
        empty = (
            (", even empty ones", "bold red") if sshd.empty_passwords and sshd.passwords else None
        )
        yield Row(
            "SSH passwords",
            text(("accepted", "yellow") if sshd.passwords else ("refused", "green"), empty, note),
        )
    with_key = ("with a key, not with a password", "green")
    roots = {
        "no": ("refused", "green"),
        "yes": ("accepted, also with a password", "red")
        if sshd.passwords
        else ("accepted", "yellow"),
        "without-password": with_key,
        "prohibit-password": with_key,
        "forced-commands-only": ("with a key, for single commands only", "green"),
    }
    yield Row(
        "SSH as root",
        text(roots.get(sshd.root_login or "", (sshd.root_login or "-", "yellow")), note),
    )


def _firewall(firewall: Firewall) -> Text:
    rules = sum({(chain.family, chain.table): chain.rules for chain in firewall.chains}.values())
    by = f"{firewall.provider}: " if firewall.provider else ""
    stopping = list(
        dict.fromkeys(chain.family for chain in firewall.chains if chain.policy != "accept")
    )
    if stopping:
        return text(
            (f"{by}drops all that no rule accepts", "green"),
            f" ({', '.join(stopping)}; {count(rules, 'rule')})",
        )
    if not rules:
        return text(("none: nothing filters incoming traffic", "yellow"))
    return text(f"{by}{count(rules, 'rule')}; accepts all that no rule stops")


def _open_ports(ports: Iterable[OpenPort]) -> Iterator[Text]:
    """Yield a line for each port and program. Ports on loopback addresses share the last line."""
    merged: dict[tuple[str, str], list[str]] = {}
    local: dict[str, None] = {}
    for port in ports:
        name = f"{port.port}/{port.protocol}"
        if port.address.startswith(("127.", "[::1]", "[::ffff:127.")):
            local[f"{name} {port.program}" if port.program else name] = None
        else:
            merged.setdefault((name, port.program or ""), []).append(port.address)
    for (name, program), addresses in merged.items():
        everywhere = {"0.0.0.0", "[::]"} <= set(addresses) or "*" in addresses
        families = {"0.0.0.0": "IPv4 only", "[::]": "IPv6"}
        where = (
            None
            if everywhere
            else (f"on {', '.join(families.get(address, address) for address in addresses)}", "dim")
        )
        yield text((f"{name:<10}", "bold"), program, where, sep=" ")
    if local:
        yield text(("loopback only: ", "dim"), ", ".join(local))


def _tuning(about: About, width: int) -> Iterator[Row]:
    tuning = about.tuning
    facts = [*tuning.sysctl.items()]
    if tuning.transparent_hugepages:
        facts.append(("transparent huge pages", tuning.transparent_hugepages))
    facts += [
        ("frequency governor", f"{name} ({count(number, 'processor')})")
        for name, number in tuning.governors.items()
    ]
    # Two columns, the values aligned to the right.
    half = (width - 3) // 2
    pending: Text | None = None
    for key, value in facts:
        cell = text(key, " " * max(2, half - len(key) - len(value)), (value, "bold"))
        if len(cell) > half:
            yield Row("", cell)
        elif pending is None:
            pending = cell
        else:
            yield Row("", pending.append("  ").append_text(cell))
            pending = None
    if pending is not None:
        yield Row("", pending)


def _unread(about: About) -> Iterator[Row]:
    for item in about.unread:
        yield Row(
            item.part.capitalize(),
            text((item.what, "yellow") if item.what != item.part else None, item.why, sep=": "),
        )
