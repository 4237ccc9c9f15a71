"""Turn a machine's answer into the record of the machine.

Pure. Any output is accepted; what makes no sense is recorded as unread.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from power_edge.about.part import Part, kib, number, part, text
from power_edge.model.generated.about_schema import (
    About,
    Chain,
    Disk,
    Filesystem,
    Firewall,
    Hardware,
    Identity,
    Interface,
    Login,
    LookedAs,
    Memory,
    Network,
    OpenPort,
    Processor,
    Reboot,
    RemoteFilesystem,
    Role,
    Route,
    Security,
    Services,
    Sshd,
    Swap,
    System,
    Tuning,
    Unit,
    Updates,
    Vpn,
    Who,
)
from power_edge.probing.framing import Answer
from power_edge.roles.suggestion import suggest, tags

PARTS = ("who", "hardware", "system", "network", "tuning", "services", "security", "roles")
"""The parts, each a script in probes/about/."""


class OnFile(NamedTuple):
    """What the configuration says about the machine."""

    node: str | None = None
    purpose: str | None = None
    tags: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()


def identity(answer: Answer) -> Identity | None:
    """Return the identifier of the machine that answered, as kind and hash; None if it has none."""
    return _identity(part(answer, "who"))


def about(answer: Answer, target: str, on_file: OnFile) -> About:
    """Return the record of the machine that answered."""
    parts = {name: part(answer, name) for name in PARTS}
    who = parts["who"]
    record = About(
        version="1.0",
        target=target,
        node=on_file.node,
        looked_at=_moment(answer.time),
        looked_as=who.one("user", _looked_as) or LookedAs(user=None, root=None),
        who=_who(who, parts["roles"], on_file),
        hardware=hardware(parts["hardware"]),
        system=_system(parts["system"]),
        network=_network(parts["network"]),
        tuning=_tuning(parts["tuning"]),
        services=_services(parts["services"]),
        security=_security(parts["security"]),
        unread=[],
    )
    record.unread.extend(item for each in parts.values() for item in each.unread)
    return record


def evidence(roles: Part) -> list[tuple[str, str]]:
    """Return the evidence for roles, as power_edge.roles.suggestion takes it."""
    return [(key, values[0]) for key, lines in roles.lines.items() for values in lines if values]


def declared(observed: Hardware) -> dict[str, object]:
    """Return the hardware as identity.yaml declares it; what could not be read is left out.

    `memory_gb` is in GiB, which people call GB.
    """
    model = " ".join(filter(None, (observed.vendor, observed.model)))
    gib = observed.memory.size / 2**30 if observed.memory is not None else 0
    facts = {
        "model": model,
        "cpu_cores": observed.processor.threads if observed.processor is not None else None,
        "memory_gb": round(gib) if gib >= 8 else round(gib, 1),
        "architecture": observed.architecture,
    }
    return {name: value for name, value in facts.items() if value}


def _moment(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):  # a clock beyond the end of the calendar
        return datetime.fromtimestamp(0, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _looked_as(user: str, root: str) -> LookedAs:
    if root not in ("root", "sudo", "plain"):
        raise ValueError(root)
    return LookedAs(user=text(user), root=root)  # type: ignore[arg-type]


def _identity(who: Part) -> Identity | None:
    return who.one("identity", lambda kind, digest: Identity(kind=kind, hash=digest))


def _who(who: Part, roles: Part, on_file: OnFile) -> Who:
    observed = evidence(roles)
    found = {suggested.role: list(suggested.evidence) for suggested in suggest(observed)}
    return Who(
        hostname=who.text("hostname"),
        identity=_identity(who),
        purpose=on_file.purpose,
        tags=list(on_file.tags),
        roles=[
            Role(name=name, declared=name in on_file.roles, evidence=found.get(name, []))
            for name in dict.fromkeys((*on_file.roles, *found))
        ],
        suggested_tags=list(tags(observed)),
    )


def hardware(observed: Part) -> Hardware:
    """Return the machine's hardware."""
    kinds = ("ssd", "rotating", "virtual")
    return Hardware(
        vendor=observed.text("vendor"),
        model=observed.text("model"),
        virtual=observed.text("virtual"),
        architecture=observed.text("architecture"),
        processor=observed.one(
            "cpu",
            lambda threads, cores, sockets, model: Processor(
                model=text(model),
                sockets=number(sockets),
                cores=number(cores),
                threads=number(threads),
            ),
        ),
        memory=observed.one(
            "memory",
            lambda size, available: Memory(size=kib(size), available=kib(available or "0")),
        ),
        disks=observed.all(
            "disk",
            lambda name, size, kind, model: Disk(
                name=name,
                size=kib(size),
                kind=kind if kind in kinds else "unknown",
                model=text(model),
            ),
        ),
        filesystems=observed.all(
            "filesystem",
            lambda device, type_, mount, size, used, available: Filesystem(
                mount=mount,
                device=device,
                type=type_,
                size=kib(size),
                used=kib(used),
                available=kib(available),
            ),
        ),
        remote_filesystems=observed.all(
            "remote",
            lambda device, type_, mount: RemoteFilesystem(mount=mount, device=device, type=type_),
        ),
    )


def _system(observed: Part) -> System:
    name, id_, version = observed.one(
        "distribution", lambda *names: [text(each) for each in (*names, "", "", "")[:3]]
    ) or (None, None, None)
    return System(
        distribution=name or id_,
        id=id_,
        version=version,
        kernel=observed.text("kernel"),
        uptime=observed.one("uptime", number),
        load=observed.one("load", lambda *loads: [_load(each) for each in loads]),
        reboot=observed.one("reboot", _reboot),
        updates=observed.one(
            "updates",
            lambda count, security, age: Updates(
                count=number(count),
                security=number(security) if age else None,
                lists_age=number(age) if age else None,
            ),
        ),
    )


def _load(value: str) -> float:
    integer, _, fraction = value.partition(".")
    return float(f"{number(integer)}.{number(fraction or '0'):02}")


def _reboot(pending: str, why: str = "") -> Reboot:
    if pending not in ("yes", "no"):
        raise ValueError(pending)
    return Reboot(pending=pending == "yes", why=text(why))


def _network(observed: Part) -> Network:
    addresses: dict[str, list[str]] = {}
    for name, address, scope in observed.all(
        "address", lambda name, address, scope: (name, address, scope)
    ):
        if scope != "link":
            addresses.setdefault(name, []).append(address)
    interfaces = observed.all(
        "interface",
        lambda name, state, mac: Interface(
            name=name, state=state, mac=text(mac), addresses=addresses.get(name, [])
        ),
    )
    return Network(
        interfaces=sorted(
            interfaces,
            key=lambda interface: (
                not interface.addresses,
                interface.name == "lo",
                interface.state != "up",
            ),
        ),
        routes=observed.all(
            "route",
            lambda to, via, interface: Route(to=to, via=text(via), interface=text(interface)),
        ),
        name_servers=observed.all("dns", str),
        search=observed.all("search", str),
        vpns=observed.all(
            "vpn", lambda interface, kind, state: Vpn(interface=interface, kind=kind, state=state)
        ),
    )


def _tuning(observed: Part) -> Tuning:
    return Tuning(
        sysctl=dict(observed.all("sysctl", lambda key, value: (key, value))),
        governors=dict(observed.all("governor", lambda name, count: (name, number(count)))),
        transparent_hugepages=observed.text("hugepages"),
        swaps=observed.all(
            "swap", lambda device, size, used: Swap(device=device, size=kib(size), used=kib(used))
        ),
    )


def _services(observed: Part) -> Services:
    def unit(name: str, description: str) -> Unit:
        return Unit(name=name, description=description)

    return Services(
        state=observed.text("state"),
        failed=observed.all("failed", unit),
        running=observed.all("running", unit),
        exited=observed.one("exited", number),
    )


def _security(observed: Part) -> Security:
    return Security(
        sshd=_sshd(observed.all("sshd", lambda key, value: (key, value))),
        firewall=_firewall(observed),
        open_ports=_sorted(observed.all("listening", _open_port)),
        logins=observed.all(
            "login",
            lambda user, terminal, host, at: Login(
                user=user, terminal=terminal, host=text(host), at=at
            ),
        ),
    )


def _sshd(settings: Sequence[tuple[str, str]]) -> Sshd | None:
    values = dict(settings)
    if "permitrootlogin" not in values:
        return None
    # Both let somebody type a password: the second through PAM.
    passwords = [
        _yes_or_no(values.get(name))
        for name in ("passwordauthentication", "kbdinteractiveauthentication")
    ]
    return Sshd(
        ports=[
            int(value)
            for key, value in settings
            if key == "port" and value.isascii() and value.isdecimal() and len(value) <= 5
        ],
        passwords=True if True in passwords else passwords[0],
        root_login=values["permitrootlogin"],
        keys=_yes_or_no(values.get("pubkeyauthentication")),
        empty_passwords=_yes_or_no(values.get("permitemptypasswords")),
        match=values.get("match") == "yes",
    )


def _yes_or_no(value: str | None) -> bool | None:
    return {"yes": True, "no": False}.get(value or "")


def _firewall(observed: Part) -> Firewall | None:
    providers = observed.all("filter", str)
    if "read" not in providers:
        return None
    chains = observed.all(
        "hook",
        lambda family, table, name, policy, rules: Chain(
            family=family, table=table, name=name, policy=policy, rules=number(rules)
        ),
    )
    return Firewall(
        provider=next((provider for provider in providers if provider != "read"), None),
        chains=chains,
    )


def _open_port(protocol: str, address: str, port: str, program: str) -> OpenPort:
    if protocol not in ("tcp", "udp"):
        raise ValueError(protocol)
    return OpenPort(protocol=protocol, address=address, port=number(port), program=text(program))  # type: ignore[arg-type]


def _sorted(ports: Iterable[OpenPort]) -> list[OpenPort]:
    return sorted(ports, key=lambda port: (port.port, port.protocol, port.address))
