"""What the lists of pacman and apk offer."""

from power_edge.resources.packages.candidates import candidates
from power_edge.resources.packages.offers import Candidate, Version

SYNC = """\
Repository      : core
Name            : a
Version         : 1-2
Description     : a : b

Repository      : extra
Name            : a
Groups          : x
Version         : 1-1

Repository      : extra
Name            : b
Version         : 3-1
status 0"""
AGE = "the age of apk's index is unknown"


def test_pacman_takes_the_first_repository_that_has_it() -> None:
    tagged = {
        "now": ["1000"],
        "repo": ["core", "extra", "status 0"],
        "list": ["1000 /var/lib/pacman/sync/core.db", "1000 /var/lib/pacman/sync/extra.db"],
        "sync": SYNC.splitlines(),
    }
    found = candidates("pacman", tagged)
    assert found == {
        "a": Candidate("1-2", (Version("1-2"), Version("1-1"))),
        "b": Candidate("3-1", (Version("3-1"),)),
    }
    without = candidates("pacman", {**tagged, "list": tagged["list"][:1]})
    assert {each.doubt for each in without.values()} == {
        "pacman's package list of extra is missing"
    }
    assert candidates("pacman", {"sync": ["Version         : 1-1", "status 0"]}) == {}


def test_apk_offers_the_newest_of_all_lists() -> None:
    policy = """\
a policy:
  1.9-r0:
    lib/apk/db/installed
    https://host/main
  1.10-r0:
    https://host/main
    /srv/packages
b policy:
  1.0-r0:
    lib/apk/db/installed
c policy:
  what:
    https://host/main
  ever:
    https://host/main"""
    assert candidates("apk", {"policy": policy.splitlines()}) == {
        "a": Candidate("1.10-r0", (Version("1.9-r0"), Version("1.10-r0")), AGE),
        "b": Candidate(None, (), AGE),
        "c": Candidate("what", (Version("what"), Version("ever")), AGE),
    }


def test_the_lists_of_rpm_are_not_asked() -> None:
    assert candidates("rpm", {"policy": ["a:", "  Candidate: 1"]}) == {}
