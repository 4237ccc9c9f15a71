"""What machines print of themselves, read: recorded ones, and hostile ones."""

import json
from collections.abc import Mapping

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from power_edge.about.part import Part, part
from power_edge.about.reading import PARTS, OnFile, about, declared, hardware, identity
from power_edge.config.schema import validator
from power_edge.model.generated.about_schema import About
from power_edge.probing.framing import Answer, Output, read
from tests.support.cases import RECORDINGS

T420 = read((RECORDINGS / "about" / "t420.answer").read_bytes())


def answer(outputs: Mapping[str, bytes | Output]) -> Answer:
    """An answer whose parts printed this."""
    whole = {
        f"about.{name}": output if isinstance(output, Output) else Output(0, output, "")
        for name, output in outputs.items()
    }
    return Answer("-", 0, 1_772_000_000, {}, "open", whole, True)


def record(**outputs: bytes | Output) -> About:
    return about(answer({**dict.fromkeys(PARTS, b""), **outputs}), "a", OnFile())


def as_json(seen: About) -> dict[str, object]:
    """As the command prints it, held against the schema."""
    made: dict[str, object] = json.loads(msgspec.json.encode(seen))
    validator("about").validate(made)
    return made


def test_a_recorded_node() -> None:
    seen = about(
        T420,
        "stella-PowerEdge-T420",
        OnFile("stella-PowerEdge-T420", "VPN", ("home",), ("vpn-gateway", "monitoring-target")),
    )
    as_json(seen)
    assert (seen.who.hostname, seen.looked_as.user, seen.looked_as.root) == (
        "stella-PowerEdge-T420",
        "stella",
        "sudo",
    )
    assert identity(T420) == seen.who.identity
    assert seen.who.identity is not None
    assert (
        seen.who.identity.hash == "e8ccc88d6fab54001cbbdbca24262b2e35c56022b31dd48a3a44985fb4696ac3"
    )
    assert {role.name: (role.declared, bool(role.evidence)) for role in seen.who.roles} == {
        "vpn-gateway": (True, True),
        "monitoring-target": (True, False),
        "container-host": (False, True),
        "edge-router": (False, True),
    }
    assert [unit.name for unit in seen.services.failed] == ["copy-logs.service"]
    assert "openvpn@server.service" in {unit.name for unit in seen.services.running}
    firewall = seen.security.firewall
    assert firewall is not None
    assert [(chain.family, chain.policy) for chain in firewall.chains] == [
        ("ip", "drop"),
        ("ip6", "drop"),
    ]
    assert seen.security.sshd is not None
    assert (
        seen.security.sshd.ports,
        seen.security.sshd.passwords,
        seen.security.sshd.root_login,
    ) == ([22], True, "without-password")
    assert [(port.port, port.protocol, port.program) for port in seen.security.open_ports][-1] == (
        1194,
        "udp",
        "openvpn",
    )
    assert [interface.name for interface in seen.network.interfaces] == ["host0", "tun0", "lo"]
    assert not any(
        address.startswith("fe80")
        for interface in seen.network.interfaces
        for address in interface.addresses
    )
    assert {(thing.part, thing.what) for thing in seen.unread} == {
        ("hardware", "model"),
        ("system", "updates"),
    }


def test_hardware_as_an_identity_declares_it() -> None:
    lines = b"vendor\tDell Inc.\nmodel\tPowerEdge T420\narchitecture\tx86_64\ncpu\t24\t12\t2\tXeon\nmemory\t263188812\t1\n"
    assert declared(hardware(part(answer({"hardware": lines}), "hardware"))) == {
        "model": "Dell Inc. PowerEdge T420",
        "cpu_cores": 24,
        "memory_gb": 251,
        "architecture": "x86_64",
    }
    assert declared(hardware(Part("hardware"))) == {}
    assert declared(hardware(part(answer({"hardware": b"memory\t948304\t1\n"}), "hardware"))) == {
        "memory_gb": 0.9
    }


def test_nothing_looked_at_is_nothing_told() -> None:
    seen = about(answer({}), "a", OnFile())
    as_json(seen)
    assert [(thing.part, thing.what, thing.why) for thing in seen.unread] == [
        (name, name, "not in the answer") for name in PARTS
    ]
    assert seen.security.firewall is None
    assert seen.system.reboot is None


def test_of_a_part_that_timed_out_what_came_is_kept() -> None:
    seen = record(
        hardware=Output(124, b"model\tT420\nfilesystem\t/dev/sda\text4\t/\t10\t4\t5\n", "")
    )
    assert seen.hardware.model == "T420"
    assert len(seen.hardware.filesystems) == 1
    assert [(thing.what, thing.why) for thing in seen.unread] == [("hardware", "timed out")]


def test_a_firewall_that_was_not_read_is_no_open_one() -> None:
    assert (
        record(
            security=b"hook\tip\tfilter\tINPUT\taccept\t0\n!firewall\tit takes root\n"
        ).security.firewall
        is None
    )
    read_one = record(security=b"filter\tread\n").security.firewall
    assert read_one is not None
    assert read_one.chains == []


def test_passwords_are_taken_in_either_way() -> None:
    def passwords(plain: str, asked: str) -> bool | None:
        lines = f"sshd\tpermitrootlogin\tno\nsshd\tpasswordauthentication\t{plain}\nsshd\tkbdinteractiveauthentication\t{asked}\n"
        sshd = record(security=lines.encode()).security.sshd
        assert sshd is not None
        return sshd.passwords

    assert passwords("no", "no") is False
    assert passwords("yes", "no") is passwords("no", "yes") is True
    assert passwords("?", "no") is None
    assert record(security=b"sshd\tport\t22\n").security.sshd is None


def test_lines_that_make_no_sense_are_told() -> None:
    nonsense = {
        "hardware": b"cpu\t-1\t1\t1\tx\nmemory\t1\ndisk\n",
        "system": b"uptime\t" + b"9" * 30 + b"\nload\tnan\t1\t1\nreboot\tperhaps\nupdates\t1\t1\n",
        "security": b"listening\ticmp\t*\t1\tx\nlistening\ttcp\t*\thttp\tx\nhook\tip\nfilter\tread\n",
        "network": b"interface\teth0\n",
        "who": b"user\troot\tgod\n",
    }
    seen = about(answer({**dict.fromkeys(PARTS, b""), **nonsense}), "a", OnFile())
    as_json(seen)
    assert {(thing.part, thing.what) for thing in seen.unread} == {
        *(("hardware", key) for key in ("cpu", "memory", "disk")),
        *(("system", key) for key in ("uptime", "load", "reboot", "updates")),
        *(("security", key) for key in ("listening", "hook")),
        ("network", "interface"),
        ("who", "user"),
    }


def test_updates_without_a_word_on_security() -> None:
    updates = record(system=b"updates\t3\t0\t\n").system.updates
    assert updates is not None
    assert (updates.count, updates.security, updates.lists_age) == (3, None, None)


def test_a_clock_beyond_the_calendar() -> None:
    as_json(about(T420._replace(time=999_999_999_999), "a", OnFile()))


KEYS = sorted(
    {
        line.split("\t")[0]
        for output in T420.outputs.values()
        for line in output.stdout.decode().splitlines()
    }
    | {"login", "swap", "route", "!x"}
)
LINES = st.lists(
    st.tuples(st.sampled_from(KEYS), st.lists(st.text() | st.integers().map(str), max_size=7)),
    max_size=8,
)


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(PARTS), LINES))
def test_whatever_a_machine_prints_is_taken(
    printed: dict[str, list[tuple[str, list[str]]]],
) -> None:
    outputs = {
        name: "\n".join("\t".join((key, *values)) for key, values in lines).encode(
            "utf-8", "surrogateescape"
        )
        for name, lines in printed.items()
    }
    as_json(about(answer(outputs), "a", OnFile()))


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_bytes_are_taken_too(printed: bytes) -> None:
    as_json(about(answer(dict.fromkeys(PARTS, printed)), "a", OnFile()))
