"""From the output of a discovery and a probe to what is declared, left out, and not observed."""

from collections.abc import Mapping

import pytest

from power_edge import package_data, resources
from power_edge.discover.sections import Found, Hidden, LeftOut, Section, section
from power_edge.probing.framing import read
from power_edge.resources import names
from tests.support.answers import answer, sysctl

Printed = bytes | tuple[int, bytes, str]


def found(lines: bytes, values: Mapping[str, str] | None, **more: Printed) -> Section:
    sections: dict[str, Printed] = {"find.sysctl": lines, **more}
    if values is not None:
        keys = [
            line[1:].partition(b"\t")[0].decode().replace("/", ".")
            for line in lines.split(b"\n")
            if line.startswith(b"+")
        ]
        sections["sysctl.0"] = sysctl(values, keys)
    return section("sysctl", read(answer("a", sections)))


def test_things_are_declared_as_they_are() -> None:
    observed = found(b"+net/ipv4/ip_forward\tby hand\n", {"net.ipv4.ip_forward": "1"})
    assert observed.found == (Found("net.ipv4.ip_forward", "1", "by hand"),)
    assert observed.value == {"net.ipv4.ip_forward": "1"}
    assert (observed.left_out, observed.hidden) == ((), ())


def test_lines_of_other_signs_are_notes_and_others_are_noise() -> None:
    observed = found(
        b"-net/x\ta pattern\n?/etc/sysctl.d/a.conf\tonly root may read it\n?/etc/sysctl.d/a.conf\tonly root may read it\nnoise\n\n",
        None,
    )
    assert (observed.found, observed.left_out) == ((), (LeftOut("net/x", "a pattern"),))
    assert observed.hidden == (Hidden("/etc/sysctl.d/a.conf", "only root may read it"),)


def test_of_two_lines_about_one_thing_the_first_counts() -> None:
    observed = found(
        b"+net/ipv4/ip_forward\tone\n+net/ipv4/ip_forward\ttwo\n", {"net.ipv4.ip_forward": "1"}
    )
    assert [each.why for each in observed.found] == ["one"]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (None, "/etc/a sets it; no declaration would be compliant"),
        (
            "010",
            "the kernel never shows a number as 010: write it in decimal, without leading zeros or a plus",
        ),
    ],
)
def test_what_no_state_can_hold_is_left_out_with_the_reason(value: str | None, why: str) -> None:
    observed = found(
        b"+vm/overcommit\t/etc/a sets it\n", {} if value is None else {"vm.overcommit": value}
    )
    (left_out,) = observed.left_out
    assert left_out.what == "vm.overcommit"
    assert why in left_out.why


def test_a_hostile_name_is_left_out_and_not_written() -> None:
    observed = found(
        b"+net/ipv4/$(reboot)\tit says\n+../../etc/passwd\tit says\n",
        {"net.ipv4.$(reboot)": "1", "../../etc/passwd": "x"},
    )
    assert observed.found == ()


def test_what_the_probe_could_not_see_is_hidden() -> None:
    section_of = sysctl({}, ["vm.swappiness"]).replace(
        b"No such file or directory", b"Permission denied"
    )
    observed = found(b"+vm/swappiness\tby hand\n", None, **{"sysctl.0": section_of})
    (hidden,) = observed.hidden
    assert (hidden.what, "root" in hidden.why) == ("vm.swappiness", True)


@pytest.mark.parametrize(
    ("printed", "why"),
    [
        ((124, b"+vm/swappiness\tby", ""), "timed out"),
        ((1, b"", "no sysctl here"), "no sysctl here"),
        (None, "the answer is incomplete"),
    ],
)
def test_a_discovery_that_failed_is_no_empty_one(printed: Printed | None, why: str) -> None:
    sections: dict[str, Printed] = {} if printed is None else {"find.sysctl": printed}
    assert section("sysctl", read(answer("a", sections))).hidden == (Hidden("sysctl", why),)


@pytest.mark.parametrize("printed", [(124, b"", ""), b"garbage\n", b"\xff\xfe"])
def test_a_failed_probe_hides_its_arguments(printed: Printed) -> None:
    observed = found(b"+vm/swappiness\tby hand\n", None, **{"sysctl.0": printed})
    assert (observed.found, [each.what for each in observed.hidden]) == ((), ["vm.swappiness"])


def test_a_type_without_arguments_finds_nothing() -> None:
    for name in resources.discoverable():
        observed = section(name, read(answer("a", {f"find.{name}": b""})))
        assert (observed.found, observed.left_out, observed.hidden) == ((), (), ())


def test_each_type_is_discovered_by_a_script_of_its_name() -> None:
    assert resources.discoverable() == names()
    for name in names():
        assert package_data.text(f"probes/discovery/{name}.sh")
