"""What a simulation of apt-get says that a command would do."""

from collections.abc import Sequence

import pytest

from power_edge.resources.packages.simulation import Change, Simulation, simulation

INSTALL = ("install", "--no-install-recommends", "a=1:2")


def simulated(
    *lines: str, words: Sequence[str] = INSTALL, access: Sequence[str] = ()
) -> Simulation:
    return simulation(words, [*lines, "status 0"], [], access)


@pytest.mark.parametrize(
    ("line", "change", "shown"),
    [
        ("Inst a (1:2 x [all])", Change("Inst", "a", None, "1:2"), "install a 1:2"),
        ("Inst a [1] (2 x [all])", Change("Inst", "a", "1", "2"), "change a from 1 to 2"),
        ("Inst a:i386 [1] (2 x [i386]) []", Change("Inst", "a:i386", "1", "2"), "change a:i386 from 1 to 2"),
        ("Remv a [1]", Change("Remv", "a", "1", None), "remove a"),
        ("Purg a [1]", Change("Purg", "a", "1", None), "remove a"),
        ("Conf a (1:2 x [all])", None, ""),
        ("  Inst a (1:2 x [all])", None, ""),
        ("The following packages will be REMOVED:", None, ""),
    ],
)  # fmt: skip
def test_a_line(line: str, change: Change | None, shown: str) -> None:
    found = simulated(line)
    assert found.changes == (() if change is None else (change,))
    assert "".join(map(str, found.changes)) == shown
    assert (found.words, found.refusal) == (INSTALL, None)


@pytest.mark.parametrize(
    ("lines", "errors", "refusal"),
    [
        (["status 0"], [], None),
        (["status 0"], ["E: a remark", "W: x"], None),
        (["status 100"], ["W: x", "E: no such package", "E: more"], "no such package"),
        (["status 100"], ["a line"], "it ended with status 100"),
        (["status 124"], [], "it took too long"),
        (["status 124"], ["E: interrupted"], "interrupted"),
        ([], [], "it ended with no status"),
        (["status 0", "Inst b (1 x [all])"], [], "it ended with no status"),
        (["status 0 "], [], "it ended with status 0 "),
    ],
)
def test_what_apt_refuses_or_was_cut_short_changes_nothing(
    lines: list[str], errors: list[str], refusal: str | None
) -> None:
    found = simulation(INSTALL, ["Inst a (1 x [all])", *lines], errors, ["sshd"])
    assert found.refusal == refusal
    assert bool(found.changes) is (refusal is None)
    assert found.access == ("sshd",)


LINES = (
    "Inst a (1:2 x [all])",
    "Inst needed (1 x [all])",
    "Inst changed [1] (2 x [all])",
    "Remv gone [1]",
)


@pytest.mark.parametrize(
    ("words", "own", "along", "beside"),
    [
        (INSTALL, {"a"}, ("needed",), ["changed", "gone"]),
        (("install", "a:amd64"), {"a"}, ("needed",), ["changed", "gone"]),
        (("install", "a:i386"), {"a:i386"}, ("a", "needed"), ["changed", "gone"]),
        (("install", "--reinstall", "changed"), {"changed"}, ("a", "needed"), ["gone"]),
        # A removal needs nothing.
        (("remove", "gone"), {"gone"}, (), ["a", "needed", "changed"]),
        (("purge", "-x", "gone", "a"), {"gone", "a"}, (), ["needed", "changed"]),
    ],
)
def test_what_changes_beside_the_packages_of_the_command(
    words: tuple[str, ...], own: set[str], along: tuple[str, ...], beside: list[str]
) -> None:
    found = simulated(*LINES, words=words)
    assert found.own("amd64") == own
    assert found.along("amd64") == along
    assert [change.name for change in found.beside("amd64")] == beside


def test_the_command_is_the_one_that_was_simulated() -> None:
    assert simulated().command == ("apt-get", "install", "-y", "--no-install-recommends", "a=1:2")


@pytest.mark.parametrize(
    ("lines", "access", "cuts"),
    [
        ((), (), False),
        ((), ("remote logins",), True),
        (("Inst ufw (1 x [all])",), (), True),
        (("Inst a (1 x [all])", "Inst openssh-server [1] (2 x [all])"), (), True),
        (("Inst libufw (1 x [all])",), (), False),
        # Of what is installed the node itself says what depends on it.
        (("Remv ufw [1]",), (), False),
    ],
)
def test_what_could_cut_off_access(
    lines: tuple[str, ...], access: tuple[str, ...], cuts: bool
) -> None:
    assert simulated(*lines, access=access).cuts is cuts
