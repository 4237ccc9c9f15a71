"""The version tables of apt-cache: what the lists offer, and what is installed."""

from collections.abc import Sequence

import pytest

from power_edge.resources.packages.apt import apt
from power_edge.resources.packages.offers import Version

STATUS = "        100 /var/lib/dpkg/status"


@pytest.mark.parametrize(
    ("table", "offered", "installed"),
    [
        ((), (), None),
        (("     2 500", "        500 http://a"), (Version("2"),), None),
        # The highest of the lists that offer it, whichever comes first.
        (("     2 500", "        500 http://a", "        100 http://b"), (Version("2"),), None),
        (("     2 500", "        100 http://a", "        500 http://b"), (Version("2"),), None),
        (("     2 -1", "        -1 http://a"), (Version("2", -1, -1),), None),
        (("     2", "        500 http://a"), (Version("2", 0),), None),
        (("     2 1 (phased 10%)", "        500 http://a"), (Version("2", 1, 500, 10),), None),
        (("     2 1 (phased 0%)", "        500 http://a"), (Version("2", 1, 500, 0),), None),
        (
            (" *** 1 990", "        990 http://a", STATUS),
            (Version("1", 990, 990),),
            Version("1", 990, 990),
        ),
        # What is only installed is offered by no list.
        ((" *** 1 100", STATUS), (), Version("1", 100)),
        (("     2 100", STATUS), (), None),
        (
            ("     2 500", "        500 http://a", " *** 1 100", STATUS, "     0 300", "        300 file:/b"),
            (Version("2"), Version("0", 300, 300)),
            Version("1", 100),
        ),
        # A folder of that name on another machine, and a line of no version.
        (
            ("     2 500", "        500 http://a/var/lib/dpkg/status"),
            (Version("2"),),
            None,
        ),
        (("        500 http://a", "     2 500", "        500 http://b"), (Version("2"),), None),
    ],
)  # fmt: skip
def test_a_version_table(
    table: Sequence[str], offered: tuple[Version, ...], installed: Version | None
) -> None:
    policy = ["a:", "  Installed: 1", "  Candidate: 2", "  Version table:", *table, "status 0"]
    found = apt({"policy": policy})
    assert {*found} == {"a"}
    assert (found["a"].version, found["a"].offered, found["a"].installed) == (
        "2",
        offered,
        installed,
    )


@pytest.mark.parametrize(
    ("line", "version"),
    [("  Candidate: 1:2-3", "1:2-3"), ("  Candidate: (none)", None), ("  Installed: 1", None)],
)
def test_the_candidate(line: str, version: str | None) -> None:
    found = apt({"policy": ["a:i386:", line, "b:", "  Candidate: 9", "status 0"]})
    assert {name: each.version for name, each in found.items()} == {"a:i386": version, "b": "9"}
    assert {each.doubt for each in found.values()} == {
        "apt-get update --print-uris ended with status none"
    }
