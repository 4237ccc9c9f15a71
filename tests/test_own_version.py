"""The version as the program shows it."""

from pathlib import Path

import pytest

import power_edge
from power_edge.own_version import own_version, shown

CHECKOUT = Path(__file__).parents[1]
COMMIT = "abc1234" + 33 * "0"


@pytest.mark.parametrize(
    ("wheel", "commit", "expected"),
    [
        ("1.3.0rc145", COMMIT, "1.3.0-pre.145+abc1234"),
        ("1.3.0", COMMIT, "1.3.0+abc1234"),
        ("1.3.0", "", "1.3.0"),
        ("0.0.0.dev0", "", "0.0.0.dev0"),
    ],
)
def test_it_is_written_as_semver(wheel: str, commit: str, expected: str) -> None:
    assert shown(wheel, commit) == expected


def test_a_checkout_shows_no_commit() -> None:
    """An installed wheel shows that of its build, if the tree of the build was a commit."""
    folder = Path(power_edge.__file__).parent
    if folder == CHECKOUT / "plugins/power_edge":
        assert "+" not in own_version()
    else:
        built_from = (folder / "commit.txt").read_text().strip()
        assert own_version().partition("+")[2] == built_from[:7]
