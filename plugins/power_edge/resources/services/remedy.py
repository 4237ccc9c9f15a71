"""The systemctl calls that turn a drift back, or what a person would do.

Commands are for what a call was seen to settle on a node. What has failed, ends again and again, or is refused by systemd gets a sentence.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from power_edge.model import Command, Finding, Remedy
from power_edge.model.declared.resources.services_schema import Service
from power_edge.resources.services.judge import exited, not_enabled, pull, unsettled
from power_edge.resources.services.unit import Puller, Unit

_ENABLE = ("masked", "masked-runtime", "disabled", "enabled-runtime", "linked", "linked-runtime")
"""File states that `enable` makes an end of; the others lack an [Install] section, or are somebody else's."""


class _Step(NamedTuple):
    """Part of a remedy: commands, or why there are none; `notes` say what else the commands do."""

    commands: tuple[Command, ...] = ()
    advice: str = ""
    notes: tuple[str, ...] = ()


def remedy(declared: Service, seen: Unit | None, drifted: Sequence[Finding]) -> Remedy:
    """What would make the unit as declared. Where one field has no command, the whole has none: half a remedy leaves a drift."""
    if seen is None or seen.missing:
        return Remedy(advice=f"No unit of this name is on the node: install the package that brings {declared.name}, or correct the name.")
    if seen.load not in ("loaded", "masked", "not-found"):
        return Remedy(advice=f"Its unit file cannot be loaded: `systemctl status {seen.name}` says why.")
    steps = [*_steps(declared, seen, {finding.field for finding in drifted})]
    advice = [step.advice for step in steps if step.advice]
    commands = [command for step in steps for command in step.commands]
    notes = [note for step in steps for note in step.notes]
    refused = seen.change.refuses_stop and any(command[1] == "disable" for command in commands)
    if advice and not refused:
        would = [f"`{' '.join(command)}`" for command in commands]
        return Remedy(advice=" ".join([*advice, *([f"Then {', '.join(would)}."] if would else [])]))
    return Remedy(tuple(commands), bool(commands) and _cuts(seen, commands), " ".join([*advice, *notes]) or None)


def _steps(declared: Service, seen: Unit, fields: set[str]) -> Iterator[_Step]:
    state = declared.state if "state" in fields else None
    enable = declared.enabled is True and ("enabled" in fields or seen.file_state == "masked-runtime")
    up = state == "running"
    if (up or enable) and (seen.load == "masked" or seen.file_state.startswith("masked")):
        yield _Step((("systemctl", "unmask", "--runtime", seen.name), ("systemctl", "unmask", seen.name)))
    if enable:
        yield _enable(seen)
    if up:
        yield _start(declared, seen)
    if state in ("stopped", "disabled") and not _stopped(seen, timers=state == "disabled"):
        yield _stop(declared, seen, timers=state == "disabled")
    if ("enabled" in fields and declared.enabled is False) or (state == "disabled" and not_enabled(seen).ok is not True):
        yield _disable(seen)


def _enable(seen: Unit) -> _Step:
    name, change = seen.name, seen.change
    pulled = any(puller.boots and puller.by in ("disk", "vendor") for puller in seen.pullers)
    if seen.file_state in ("masked", "masked-runtime") and pulled:
        return _Step()  # without its mask a boot starts it
    if seen.file_state == "static" or (seen.file_state in ("masked", "masked-runtime") and not change.installs):
        return _Step(advice=f"No boot starts {name} by itself: its unit file has no [Install] section. Another unit has to want it.")
    if seen.file_state == "indirect":
        return _Step(advice=f"`systemctl enable {name}` enables {_and(change.also) or 'other units'}, not {name} itself: declare those.")
    masks = [puller.name for puller in seen.pullers if puller.by == "mask"]
    if masks:
        return _Step(advice=f"Remove the entry of {name} in {_and(f'{mask}.wants' for mask in masks)} below /etc/systemd/system: it masks the unit there.")
    if seen.file_state not in _ENABLE:
        return _Step(advice=f"`systemctl enable` does not help a unit whose file state is {seen.file_state or 'unknown'}: write a unit file in /etc/systemd/system.")
    if not change.installs:
        return _Step(advice=f"`systemctl enable {name}` is for targets that no boot starts: correct WantedBy= in its [Install] section.")
    return _Step((("systemctl", "enable", name),), notes=_also("Enabling", seen))


def _start(declared: Service, seen: Unit) -> _Step:
    name = seen.name
    if seen.type == "oneshot" and not seen.remains:
        return _Step(advice="A oneshot without RemainAfterExit=yes is active only while it works: declare `enabled` alone, or its timer.")
    if seen.active == "failed":
        return _Step(advice=f"It has failed, and may fail again: `journalctl -u {name}` says why. Mend that, `systemctl reset-failed {name}` and `systemctl start {name}`.")
    if "auto-restart" in seen.sub or seen.restarts.count or unsettled(seen) is not None:
        return _Step(advice=f"It ends again and again: `journalctl -u {name}` says why.")
    if seen.exited and not (exited(seen).ok is False and _lasted(seen)):
        return _Step(advice=f"It ended right after its start, and a restart would do the same again: `journalctl -u {name}` says what it did.")
    if seen.change.refuses_start:
        return _Step(advice=f"systemd refuses to start {name} by hand (RefuseManualStart=yes): what wants it starts it, at the latest the next boot.")
    if seen.active == "deactivating":
        return _Step(advice=f"It is being stopped: `systemctl start {name}` when that is done.")
    verb = "start" if seen.active in ("inactive", "failed") else "restart"
    notes = [f"Starting it stops {_and(seen.change.starts_stop)} (Conflicts=)."] if seen.change.starts_stop and verb == "start" else []
    notes += [f"Restarting it stops {_and(seen.change.stops)} too."] if seen.change.stops and verb == "restart" else []
    if declared.enabled is None and seen.file_state in ("disabled", "linked", "indirect", "enabled-runtime"):
        notes.append("It runs until the next boot: declare `enabled: true` if a boot is to start it.")
    return _Step((("systemctl", verb, name),), notes=tuple(notes))


def _lasted(seen: Unit) -> bool:
    """Whether its processes lived long enough to be a daemon's. Where nobody recorded that, it is an old answer."""
    return seen.restarts.lasted is None or seen.restarts.lasted >= 60


def _stopped(seen: Unit, *, timers: bool) -> bool:
    return seen.active in ("inactive", "failed") and not _triggers(seen, timers=timers)


def _triggers(seen: Unit, *, timers: bool) -> list[str]:
    return [trigger.name for trigger in seen.triggers if trigger.active and (timers or not trigger.name.endswith(".timer"))]


def _stop(declared: Service, seen: Unit, *, timers: bool) -> _Step:
    name, triggers = seen.name, _triggers(seen, timers=timers)
    if seen.change.refuses_stop:
        return _Step(advice=f"systemd refuses to stop {name} by hand (RefuseManualStop=yes): it stops at the next shutdown.")
    others = [other for other in seen.change.stops if other not in triggers]
    notes = [f"Stopping it stops {_and(others)} too."] if others else []
    if declared.state == "stopped" and declared.enabled is None and seen.file_state == "enabled":
        notes.append("The next boot starts it again: declare `state: disabled` if it is to stay down.")
    return _Step((("systemctl", "stop", *triggers, name),), notes=tuple(notes))


def _disable(seen: Unit) -> _Step:
    name, change = seen.name, seen.change
    triggers = [trigger.name for trigger in seen.triggers if trigger.boots or (trigger.active and trigger.name.endswith(".timer"))]
    if seen.file_state == "masked":
        return _Step(advice=f"{name} is masked, and a boot starts it all the same: look at what `systemctl list-dependencies --reverse {name}` names.")
    fixed = [trigger.name for trigger in seen.triggers if trigger.boots and trigger.stays]
    if fixed:
        return _Step(advice=f"{_and(fixed)} starts it, and `systemctl disable` does not change that: `systemctl mask {' '.join(fixed)}` does, for all who use it.")
    left = [*_left(seen)]
    if seen.change.linked:
        return _Step(advice=f"`systemctl disable {name}` would remove its link in /etc/systemd/system, and with it the unit: remove its link in the .wants folder alone.")
    if not left:
        unmask = [("systemctl", "unmask", "--runtime", name)] if seen.file_state == "masked-runtime" else []  # behind the mask `disable` finds no unit
        return _Step((*unmask, ("systemctl", "disable", *triggers, name)), notes=_also("Disabling", seen))
    by = _and(puller.name for puller in left)
    if change.requirers:
        return _Step(advice=f"{_and(change.requirers)} requires it and would fail without it: change that unit first.")
    if change.own_file:
        return _Step(advice=_unmaskable(name, left))
    if triggers:
        return _Step(advice=f"{by} and {_and(triggers)} start it: `systemctl disable {' '.join(triggers)}`, and `systemctl mask {name}` if nobody else is to start it.")
    disable = [("systemctl", "disable", name)] if seen.file_state == "enabled" else []
    # There is nothing that `disable` takes away.
    return _Step((*disable, ("systemctl", "mask", name)), notes=(f"{by} wants it, so it is masked: nobody can start it by hand either until `systemctl unmask {name}`.",))


def _unmaskable(name: str, left: Sequence[Puller]) -> str:
    """Its own file in /etc/systemd/system lies where a mask would."""
    entries = [f"`ln -s /dev/null /etc/systemd/system/{puller.name}.wants/{name}`" for puller in left if puller.by in ("vendor", "generator")]
    lines = [puller.name for puller in left if puller.by == "memory"]
    ways = [*(["mask the entry: " + " and ".join(entries)] if entries else []), *([f"remove {name} from Wants= of {_and(lines)}"] if lines else [])]
    return f"Its file in /etc/systemd/system keeps `systemctl mask` from working: {', and '.join(ways)}."


def _left(seen: Unit) -> Iterator[Puller]:
    """What starts it at boot when `systemctl disable` has done its work. A generator asks a SysV script's links, which `disable` removes."""
    if seen.boot is None:
        puller = pull(seen)
        if seen.file_state not in ("enabled", "masked-runtime") and puller is not None:
            yield puller
        return
    for puller in seen.pullers:
        if puller.boots is not False and (puller.by in ("vendor", "memory") or (puller.by == "generator" and not seen.sysv)):
            yield puller


def _also(doing: str, seen: Unit) -> tuple[str, ...]:
    return (f"{doing} it takes {_and(seen.change.also)} along (Also=).",) if seen.change.also else ()


def _and(names: Iterable[str]) -> str:
    return ", ".join(names)


_WAY = re.compile(
    r"(ssh|sshd|dropbear|openssh)(@.*|-.*)?\.(service|socket)|.*\.(slice|mount|automount|target|scope|device)|"
    r"(networking|network|networkd|ifup@.*|ifplugd|netplan.*|systemd-networkd|systemd-resolved|systemd-udevd.*|NetworkManager.*|ModemManager|"
    r"wpa_supplicant(@.*)?|wpa_supplicant-.*|iwd|hostapd|connman|wicked.*|dhcpcd(@.*)?|dhclient(@.*)?|isc-dhcp-.*|pppd?(@.*)?|pppoe.*|bonding|openvswitch.*|ovs-.*|"
    r"frr|bird6?|quagga|keepalived|teamd(@.*)?)\.(service|socket)|"
    r"(openvpn.*|wg-quick@.*|wireguard.*|strongswan.*|ipsec|libreswan|tailscaled?|zerotier-one|nebula.*|tinc.*|n2n.*|cloudflared|netbird|innernet.*|"
    r"softether.*|xl2tpd|autossh.*|teleport|rport.*)\.service|"
    r"(ufw|firewalld|nftables|iptables|ip6tables|netfilter-persistent|shorewall6?(-.*)?|ferm|ipset|arptables|ebtables)\.service|"
    r"(dbus|dbus-broker|systemd-logind|systemd-user-sessions|polkit|sssd.*|nslcd|nscd|winbind|oddjobd|getty@.*|serial-getty@.*|user@.*|"
    r"qemu-guest-agent|cockpit.*)\.(service|socket)"
)
"""Units that a person's way to a machine may hang on, by name: what serves ssh, brings up the network, a VPN or a firewall, or what logging in needs."""


def _cuts(seen: Unit, commands: Sequence[Command]) -> bool:
    """Whether the commands could end the way in: they stop, restart or disable what it hangs on, or start a firewall or what conflicts with it."""
    named = {argument for command in commands for argument in command[2:] if not argument.startswith("-")}
    stopped = {*named, *seen.change.stops, *seen.change.starts_stop, *(trigger.name for trigger in seen.triggers)}
    if all(command[1] in ("enable", "unmask") for command in commands):
        return False
    return any(name in seen.change.way or _WAY.fullmatch(name) for name in stopped)
