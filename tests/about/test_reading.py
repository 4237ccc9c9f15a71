"""Reading what machines print about themselves: recorded answers, and hostile ones."""

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
    parts = {
        f"about.{name}": output if isinstance(output, Output) else Output(0, output, "")
        for name, output in outputs.items()
    }
    return Answer("-", 0, 1_772_000_000, {}, "open", parts, True)


def record(**outputs: bytes | Output) -> About:
    return about(answer({**dict.fromkeys(PARTS, b""), **outputs}), "a", OnFile())


def as_json(observed: About) -> dict[str, object]:
    """The record as the command prints it, checked against the schema."""
    record: dict[str, object] = json.loads(msgspec.json.encode(observed))
    validator("about").validate(record)
    return record


def test_a_recorded_node() -> None:
    observed = about(
        T420,
        "stella-PowerEdge-T420",
        OnFile("stella-PowerEdge-T420", "VPN", ("home",), ("vpn-gateway", "monitoring-target")),
    )
    as_json(observed)
    assert (observed.who.hostname, observed.looked_as.user, observed.looked_as.root) == (
        "stella-PowerEdge-T420",
        "stella",
        "sudo",
    )
    assert identity(T420) == observed.who.identity
    assert observed.who.identity is not None
    assert (
        observed.who.identity.hash
        == "e8ccc88d6fab54001cbbdbca24262b2e35c56022b31dd48a3a44985fb4696ac3"
    )
    assert {role.name: (role.declared, bool(role.evidence)) for role in observed.who.roles} == {
        "vpn-gateway": (True, True),
        "monitoring-target": (True, False),
        "container-host": (False, True),
        "edge-router": (False, True),
    }
    assert [unit.name for unit in observed.services.failed] == ["copy-logs.service"]
    assert "openvpn@server.service" in {unit.name for unit in observed.services.running}
    firewall = observed.security.firewall
    assert firewall is not None
    assert [(chain.family, chain.policy) for chain in firewall.chains] == [
        ("ip", "drop"),
        ("ip6", "drop"),
    ]
    assert observed.security.sshd is not None
    assert (
        observed.security.sshd.ports,
        observed.security.sshd.passwords,
        observed.security.sshd.root_login,
    ) == ([22], True, "without-password")
    assert [(port.port, port.protocol, port.program) for port in observed.security.open_ports][
        -1
    ] == (
        1194,
        "udp",
        "openvpn",
    )
    assert [interface.name for interface in observed.network.interfaces] == ["host0", "tun0", "lo"]
    assert not any(
        address.startswith("fe80")
        for interface in observed.network.interfaces
        for address in interface.addresses
    )
    assert {(thing.part, thing.what) for thing in observed.unread} == {
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


def test_an_empty_answer_is_an_empty_record() -> None:
    observed = about(answer({}), "a", OnFile())
    as_json(observed)
    assert [(thing.part, thing.what, thing.why) for thing in observed.unread] == [
        (name, name, "not in the answer") for name in PARTS
    ]
    assert observed.security.firewall is None
    assert observed.system.reboot is None


def test_of_a_part_that_timed_out_what_came_is_kept() -> None:
    observed = record(
        hardware=Output(124, b"model\tT420\nfilesystem\t/dev/sda\text4\t/\t10\t4\t5\n", "")
    )
    assert observed.hardware.model == "T420"
    assert len(observed.hardware.filesystems) == 1
    assert [(thing.what, thing.why) for thing in observed.unread] == [("hardware", "timed out")]


def test_a_firewall_that_was_not_read_is_no_open_one() -> None:
    assert (
        record(
            security=b"hook\tip\tfilter\tINPUT\taccept\t0\n!firewall\tonly root can read it\n"
        ).security.firewall
        is None
    )
    read_one = record(security=b"filter\tread\n").security.firewall
    assert read_one is not None
    assert read_one.chains == []


def test_passwords_are_accepted_by_either_method() -> None:
    def passwords(plain: str, interactive: str) -> bool | None:
        lines = f"sshd\tpermitrootlogin\tno\nsshd\tpasswordauthentication\t{plain}\nsshd\tkbdinteractiveauthentication\t{interactive}\n"
        sshd = record(security=lines.encode()).security.sshd
        assert sshd is not None
        return sshd.passwords

    assert passwords("no", "no") is False
    assert passwords("yes", "no") is passwords("no", "yes") is True
    assert passwords("?", "no") is None
    assert record(security=b"sshd\tport\t22\n").security.sshd is None


def test_lines_that_make_no_sense_are_recorded() -> None:
    nonsense = {
        "hardware": b"cpu\t-1\t1\t1\tx\nmemory\t1\ndisk\n",
        "system": b"uptime\t" + b"9" * 30 + b"\nload\tnan\t1\t1\nreboot\tperhaps\nupdates\t1\t1\n",
        "security": b"listening\ticmp\t*\t1\tx\nlistening\ttcp\t*\thttp\tx\nhook\tip\nfilter\tread\n",
        "network": b"interface\teth0\n",
        "who": b"user\troot\tgod\n",
    }
    observed = about(answer({**dict.fromkeys(PARTS, b""), **nonsense}), "a", OnFile())
    as_json(observed)
    assert {(thing.part, thing.what) for thing in observed.unread} == {
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
