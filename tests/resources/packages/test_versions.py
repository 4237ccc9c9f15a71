"""The order of versions, as the managers' own tools have it.

The recorded lines (MANAGER ONE TWO SIGN) were made with dpkg 1.21.22 --compare-versions, rpm
4.18.0's Lua rpm.ver, and libalpm 13's alpm_pkg_vercmp.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from power_edge.resources.packages import versions
from tests.support.cases import RECORDINGS

LINES = [
    line.split() for line in (RECORDINGS / "packages" / "versions.txt").read_text().splitlines()
]
APK = [  # by apk-tools' version.c; no apk was there to ask
    ("1.2.4-r1", "1.2.4-r2", -1),
    ("1.2.4", "1.2.4-r0", -1),
    ("1.9-r0", "1.10-r0", -1),
    ("1.05", "1.1", -1),
    ("1.005", "1.05", -1),
    ("1.0", "1.0.0", -1),
    ("1.0a", "1.0", 1),
    ("1.0a", "1.0.1", -1),
    ("1.0_alpha", "1.0", -1),
    ("1.0_alpha2", "1.0_alpha10", -1),
    ("1.0_rc1", "1.0_beta9", 1),
    ("1.0_p1", "1.0", 1),
    ("1.0_p1", "1.0-r1", 1),
    ("1.2.4_git20230717-r4", "1.2.4-r9", 1),
    ("9.6_p1-r0", "9.6_p1-r0", 0),
    ("1.0_git-r5", "1.0_git1-r0", -1),
    ("1.0_p3", "1.0_p_git1", -1),
]

# rpm 4.18.0's Lua rpm.vercmp: older than all that could follow instead, whatever its place in ASCII
CARET = [
    ("rpm", "1.0^", "1.0A", -1),
    ("rpm", "1.0^", "1.0a", -1),
    ("rpm", "1.0^20", "1.0.B", -1),
    ("rpm", "1.0^", "1.0", 1),
    ("rpm", "1.0^", "1.0~A", 1),
    ("rpm", "1.0^Z", "1.0^A", 1),
]

MORE = [
    # dpkg 1.21.22: only the first colon ends an epoch
    ("dpkg", "1:2:3", "2:1", -1),
    ("dpkg", "1:2:3", "1:2", 1),
    ("pacman", "1.X1", "1.X2", -1),
]


def sign(number: int) -> int:
    return (number > 0) - (number < 0)


@pytest.mark.parametrize(
    ("manager", "one", "two", "expected"),
    [*LINES, *CARET, *MORE, *(("apk", *line) for line in APK)],
)
def test_order(manager: str, one: str, two: str, expected: str | int) -> None:
    assert sign(versions.COMPARE[manager](one, two)) == int(expected)
    assert sign(versions.COMPARE[manager](two, one)) == -int(expected)


@pytest.mark.parametrize(
    ("manager", "declared", "actual", "expected"),
    [
        ("dpkg", "2:4.0.02-3", "2:4.0.2-3", True),
        ("dpkg", "4.0.2-3", "2:4.0.2-3", False),
        ("dpkg", "252", "252.39-1", False),
        ("dpkg", "x:1", "y:1", False),
        ("rpm", "1.20.1", "1.20.1-1.el9", True),
        ("rpm", "1.20", "1.20.1-1.el9", False),
        ("rpm", "1.20.1-1", "1.20.1-1.el9", False),
        ("rpm", "1.20.1", "1:1.20.1-1.el9", False),
        ("pacman", "1:2.0", "1:2.0-3", True),
        ("pacman", ":2.0", "2.0-3", True),
        ("pacman", "2.0-3", "1:2.0-3", False),
        ("apk", "1.2.4", "1.2.4-r0", False),
        ("apk", "1.0~abc", "1.0~abd", False),
        ("apk", "whatever", "whatever", True),
    ],
)
def test_same(manager: str, declared: str, actual: str, expected: bool) -> None:
    assert versions.same(manager, declared, actual) is expected


VERSIONS = st.from_regex(r"([0-9]:)?[A-Za-z0-9][A-Za-z0-9.+~^_-]{0,12}", fullmatch=True)


@given(st.sampled_from(sorted(versions.COMPARE)), VERSIONS, VERSIONS)
def test_any_two_versions_have_an_order(manager: str, one: str, two: str) -> None:
    compare = versions.COMPARE[manager]
    try:
        assert compare(one, one) == 0
        assert sign(compare(one, two)) == -sign(compare(two, one))
    except ValueError:
        assert manager == "apk"
