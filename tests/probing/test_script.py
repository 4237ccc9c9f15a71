"""Plans: what is asked of a node, in how many commands."""

import base64
import gzip

import pytest

from power_edge.probing.script import ProbeScript, Section, Timeouts, probe_script
from tests.support.scripts import HOSTILE, OPEN, echo_in_place_of_the_probes, items


@pytest.fixture
def echo(monkeypatch: pytest.MonkeyPatch) -> None:
    echo_in_place_of_the_probes(monkeypatch)


@pytest.mark.usefixtures("echo")
def test_nothing_but_base64_meets_a_login_shell() -> None:
    (command,) = probe_script("a", OPEN, items(HOSTILE), Timeouts()).commands("sudo -n ")
    assert command.startswith("printf %s ")
    words, after = command.removeprefix("printf %s ").split("|", 1)
    assert after == "base64 -d|gzip -dc|sudo -n sh"
    assert max(map(len, words.split(" "))) <= 1000  # of a longer one csh says "Word too long."
    packed = words.replace(" ", "")
    assert (
        gzip.decompress(base64.b64decode(packed, validate=True)).decode("utf-8", "surrogateescape")
        == probe_script("a", OPEN, items(HOSTILE), Timeouts()).text()
    )


@pytest.mark.usefixtures("echo")
def test_a_thousand_items_are_one_command() -> None:
    assert (
        len(
            probe_script(
                "a",
                OPEN,
                items([f"/etc/file/number/{number}" for number in range(1000)]),
                Timeouts(),
            ).commands()
        )
        == 1
    )


@pytest.mark.usefixtures("echo")
def test_what_is_quoted_at_length_counts_at_length() -> None:
    sections = probe_script("a", OPEN, items(["'" * 1000] * 100), Timeouts()).sections
    assert max(sum(map(len, section.arguments)) for section in sections) <= 48 * 1024 / 5


def test_no_items_is_a_gate_alone() -> None:
    empty = probe_script("a", OPEN, (), Timeouts())
    assert empty.sections == ()
    assert len(empty.commands()) == 1
    assert "pe_section sysctl" not in empty.text()


@pytest.mark.usefixtures("echo")
def test_a_file_of_several_probes_is_sent_once() -> None:
    sections = (
        Section("one", ("resources/a", "resources/b-c")),
        Section("two", ("resources/a", "resources/d"), ("x y",)),
    )
    script = ProbeScript("a", OPEN, sections, Timeouts()).text()
    sent = [
        line.partition("=")[0] for line in script.splitlines() if line.startswith("pe_resources_")
    ]
    assert sent == ["pe_resources_a", "pe_resources_b_c", "pe_resources_d"]
    assert '    pe_section one "$pe_resources_a$pe_resources_b_c"\n' in script
    assert """    pe_section two "$pe_resources_a$pe_resources_d" ''"'"'x y'"'"''\n""" in script


def test_arguments_of_types_that_ask_otherwise() -> None:
    script = probe_script(
        "a", OPEN, items(["net.ipv4.conf.eth0/1.forwarding", "vm.swappiness"], "sysctl"), Timeouts()
    )
    assert script.sections[0].arguments == ("net/ipv4/conf/eth0.1/forwarding", "vm/swappiness")
