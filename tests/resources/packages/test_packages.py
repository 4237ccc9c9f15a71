"""Packages: the recordings, and what they do not hold."""

import re
import time
from email.utils import formatdate
from typing import Any

import pytest

from power_edge.checking.evaluate import judge
from power_edge.config import ConfigError
from power_edge.model import NotObserved, Outcome, Result
from power_edge.model.generated.resources.packages_schema import Package as Declared
from power_edge.report.shell_line import shell_line
from power_edge.resources.packages import RESOURCE, ask
from power_edge.resources.packages.observation import Package, Row, parse
from power_edge.resources.packages.offers import Candidate, Version
from tests.support.cases import items_of
from tests.support.items import item_of


def judged(answer: str, **declared: Any) -> Result:
    item = Declared(**declared)
    observed = parse(f"{answer}\nasked {item.name}\n".encode())
    return judge(
        RESOURCE,
        item_of(RESOURCE, item.name, item),
        observed,
    )


DPKG = "manager dpkg amd64 apt-get\n"
RPM = "manager rpm - dnf\n"


def outcome(answer: str, **declared: Any) -> str:
    return judged(answer, **declared).outcome.value


def test_the_arguments_of_the_probe() -> None:
    items = [
        Declared(name="a"),
        Declared(name="b", state="absent"),
        Declared(name="c:i386", state="latest"),
        Declared(name="d", version="1:2~3"),
    ]
    assert list(ask(items)) == ["a", "-b", "+c:i386", "=d=1:2~3"]


def test_a_name_that_was_not_queried_is_unknown() -> None:
    item = Declared(name="a", state="absent")
    observed = parse(f"{DPKG}asked b\n".encode())
    assert (
        judge(
            RESOURCE,
            item_of(RESOURCE, "a", item),
            observed,
        ).outcome
        is Outcome.UNKNOWN
    )


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "asked a\n",
        "manager portage - emerge\nasked a\n",
        f"{DPKG}row a amd64\n",
        f"{DPKG}row a amd64 installed 1\n",
        f"{DPKG}what is this\n",
    ],
)
def test_an_answer_that_is_not_understood(answer: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(answer.encode())


def test_bytes_that_are_no_text_and_the_longest_line_spoil_no_answer() -> None:
    answer = f"{DPKG}row a amd64 install/installed/ok 1.0\nasked a\nstderr list ".encode()
    assert {*parse(answer + b"\xff\n")} == {"a"}
    longest = 16 * 1024 - len("stderr list ")
    assert {*parse(answer + b"x" * longest)} == {"a"}
    with pytest.raises(ValueError, match="a line of 16,385 characters"):
        parse(answer + b"x" * (longest + 1))


@pytest.mark.parametrize(
    ("state", "present", "absent"),
    [
        ("install/installed/ok", "compliant", "drift"),
        ("hold/installed/ok", "compliant", "drift"),
        ("deinstall/installed/ok", "compliant", "drift"),
        ("install/triggers-awaited/ok", "compliant", "drift"),
        ("install/half-configured/ok", "drift", "drift"),
        ("install/unpacked/ok", "drift", "drift"),
        ("install/half-installed/reinstreq", "drift", "drift"),
        ("install/installed/reinstreq", "drift", "drift"),
        ("deinstall/config-files/ok", "drift", "compliant"),
        ("purge/not-installed/ok", "drift", "compliant"),
        ("install/invented/ok", "drift", "drift"),
    ],
)
def test_the_states_of_dpkg(state: str, present: str, absent: str) -> None:
    answer = f"{DPKG}row a amd64 {state} 1.0"
    assert outcome(answer, name="a") == present
    assert outcome(answer, name="a", version="1.0") == present
    assert outcome(answer, name="a", state="absent") == absent


def test_an_entry_that_dpkg_has_lost_is_not_absent() -> None:
    lost = DPKG + "orphan a"
    assert [
        outcome(lost, name=name, state=state)
        for name, state in (("a", "present"), ("a", "absent"), ("A", "absent"))
    ] == ["unknown"] * 3
    assert outcome(lost, name="b", state="absent") == "compliant"


def test_dpkg_takes_names_in_any_case_and_the_others_do_not() -> None:
    assert (
        outcome(f"{DPKG}row bash amd64 install/installed/ok 5", name="Bash", state="absent")
        == "drift"
    )
    assert (
        outcome(f"{RPM}row bash x86_64 -/installed/ok 5-1", name="Bash", state="absent")
        == "compliant"
    )


@pytest.mark.parametrize(
    ("name", "arch", "present", "absent"),
    [
        ("a", "all", "compliant", "drift"),
        ("a", "-", "compliant", "drift"),
        ("a:amd64", "amd64", "compliant", "drift"),
        ("a:amd64", "all", "compliant", "drift"),
        ("a:native", "all", "compliant", "drift"),
        ("a:any", "i386", "compliant", "drift"),
        ("a:i386", "amd64", "drift", "compliant"),
        ("a:i386", "all", "unknown", "drift"),
        ("a:amd64", "i386", "drift", "compliant"),
        ("a", "i386", "unknown", "drift"),
    ],
)
def test_architectures_of_dpkg(name: str, arch: str, present: str, absent: str) -> None:
    answer = f"{DPKG}row a {arch} install/installed/ok 1"
    assert outcome(answer, name=name) == present
    assert outcome(answer, name=name, state="absent") == absent


def test_architectures_of_other_managers() -> None:
    answer = f"{RPM}row a i686 -/installed/ok 1-1"
    assert outcome(answer, name="a:i686") == outcome(answer, name="a.i686") == "compliant"
    assert (
        outcome(answer, name="a:i686", state="absent")
        == outcome(answer, name="a.i686", state="absent")
        == "drift"
    )
    assert outcome("manager pacman - pacman", name="a:x86_64", state="absent") == "unknown"


@pytest.mark.parametrize("epoch", ["", "2:"])
def test_a_name_with_a_version_is_not_a_name(epoch: str) -> None:
    answer = f"{RPM}row a x86_64 -/installed/ok {epoch}1.0-1"
    for label in ("a-1.0", "a-1.0-1", "a-1.0-1.x86_64"):
        result = judged(answer, name=label, state="absent")
        assert result.outcome is Outcome.UNKNOWN
        assert "declare name and version separately" in str(result.why)
    for manager in ("dpkg amd64 apt-get", "apk - apk", "pacman - pacman"):
        answer = f"manager {manager}\nrow a amd64 install/installed/ok 1.0-1"
        assert outcome(answer, name="a-1.0-1", state="absent") == "compliant"


def test_several_kernels_are_normal() -> None:
    answer = (
        f"{RPM}row kernel x86_64 -/installed/ok 5.14-1\nrow kernel x86_64 -/installed/ok 5.14-2"
    )
    assert outcome(answer, name="kernel", version="5.14-1") == "compliant"
    assert outcome(answer, name="kernel", version="5.14-3") == "drift"


def test_each_architecture_must_have_the_version() -> None:
    answer = f"{RPM}row a x86_64 -/installed/ok 1-2\nrow a i686 -/installed/ok 1-1"
    result = judged(answer, name="a", version="1-2")
    assert result.outcome is Outcome.DRIFT
    assert result.findings[1].actual == "1-2, 1-1"


def test_a_broken_package_of_apk() -> None:
    assert outcome("manager apk - apk\nrow a x86_64 -/installed/f 1.0-r0", name="a") == "drift"
    assert (
        outcome("manager apk - apk\nrow a x86_64 -/installed/f 1.0-r0", name="a", state="absent")
        == "drift"
    )


def test_a_package_that_is_only_provided() -> None:
    answer = "manager pacman - pacman\nprovides - sh"
    assert judged(answer, name="sh").why == "state: not installed, but provided by another package"
    assert (
        outcome(answer, name="sh", state="absent")
        == outcome(answer, name="sh", version="1")
        == "unknown"
    )


def test_the_epoch_is_part_of_a_version() -> None:
    assert "epoch 2" in str(
        judged(f"{DPKG}row a amd64 install/installed/ok 2:4.0-3", name="a", version="4.0-3").why
    )


@pytest.mark.parametrize(
    ("manager", "installed", "declared", "outcome"),
    [
        ("dpkg", "1.2-3", ">= 1.2", Outcome.COMPLIANT),
        ("dpkg", "1.2-3", ">=1.2-3", Outcome.COMPLIANT),
        ("dpkg", "1.2-3", "> 1.2-3", Outcome.DRIFT),
        ("dpkg", "1.2-3", "<= 1.2", Outcome.DRIFT),
        ("dpkg", "1.2-3", "> 1.2-2", Outcome.COMPLIANT),
        ("dpkg", "1.2-3", "> 1.3", Outcome.DRIFT),
        ("dpkg", "1.2-3", "< 1.2-3", Outcome.DRIFT),
        ("dpkg", "1.2-3", "< 1.2-2", Outcome.DRIFT),
        ("dpkg", "1.2-3", "<= 1.2-3", Outcome.COMPLIANT),
        ("dpkg", "1.2-3", "<= 1.2-2", Outcome.DRIFT),
        ("dpkg", "1.2-3", "< 1.10", Outcome.COMPLIANT),
        ("dpkg", "1.2~rc1", ">= 1.2", Outcome.DRIFT),
        ("dpkg", "1:1.2", "< 2", Outcome.DRIFT),
        ("dpkg", "1.9", ">= 1.2, < 2", Outcome.COMPLIANT),
        ("dpkg", "2.0", ">= 1.2,<2", Outcome.DRIFT),
        ("dpkg", "2~a", ">= 1.2, < 2", Outcome.COMPLIANT),
        ("rpm", "1.2-3", "<= 1.2", Outcome.COMPLIANT),
        ("rpm", "1.2-3", "> 1.2", Outcome.DRIFT),
        ("pacman", "1.2-3", ">= 1.3", Outcome.DRIFT),
        ("apk", "1.2-r3", ">= 1.2-r2", Outcome.COMPLIANT),
        ("apk", "1.2-r3", "<= 1.2-r2", Outcome.DRIFT),
        ("apk", "1.2-r3", "> 1.2-r2", Outcome.COMPLIANT),
        ("apk", "1.2-r3", ">= 1.2-beta", Outcome.UNKNOWN),
    ],
)
def test_a_range_of_versions(manager: str, installed: str, declared: str, outcome: Outcome) -> None:
    answer = f"manager {manager} amd64 -\nrow a amd64 install/installed/ok {installed}"
    assert judged(answer, name="a", version=declared).outcome is outcome


def test_a_range_that_apk_cannot_compare_says_why() -> None:
    answer = "manager apk x86_64 -\nrow a x86_64 -/installed/ok 1.2-r3"
    version = judged(answer, name="a", version=">= 1.2-beta").findings[1]
    assert (version.field, version.expected, version.actual, version.why) == (
        "version",
        ">= 1.2-beta",
        None,
        "not a version by apk's rules: '1.2-beta'",
    )


def test_every_architecture_needs_a_version_in_the_range() -> None:
    rows = f"{RPM}row a x86_64 -/installed/ok 1-1\nrow a i686 -/installed/ok 3-1"
    assert judged(rows, name="a", version=">= 2").outcome is Outcome.DRIFT
    assert (
        judged(f"{rows}\nrow a x86_64 -/installed/ok 2-1", name="a", version=">= 2").outcome
        is Outcome.COMPLIANT
    )


def test_a_range_that_the_lists_do_not_reach() -> None:
    answer = f"{DPKG}row a amd64 install/installed/ok 1.2\npolicy a:\npolicy   Installed: 1.2"
    result = judged(f"{answer}\npolicy   Candidate: 1.2", name="a", version=">= 2")
    assert result.outcome is Outcome.DRIFT
    assert result.advice == (
        "no version that apt could install is in this range: no package list on the node offers it:"
        " run apt-get update, or add a source that has it"
    )


@pytest.mark.parametrize(
    ("declared", "limits"),
    [
        (">= 5, < 4", ">= 5 and < 4"),
        ("< 4, >= 5", ">= 5 and < 4"),
        ("> 5, < 5", "> 5 and < 5"),
        ("> 5, <= 5", "> 5 and <= 5"),
        (">= 5, < 5", ">= 5 and < 5"),
        (">= 1, > 3, <= 2", "> 3 and <= 2"),
        (">= 1:1, < 2", ">= 1:1 and < 2"),
        (">= 1.10, < 1.9", ">= 1.10 and < 1.9"),
        (">= 1.2-5, <= 1.2-3", ">= 1.2-5 and <= 1.2-3"),
    ],
)
def test_a_range_that_no_version_is_in(declared: str, limits: str) -> None:
    document = {"packages": [{"name": "a", "version": declared}]}
    with pytest.raises(ConfigError, match=re.escape(f"no version is {limits} at once")):
        items_of(document)


@pytest.mark.parametrize(
    "declared",
    [
        ">= 5, <= 5",
        ">= 4, < 5",
        ">= 4, >= 5",
        "< 4, < 5",
        ">= 1.2-3, <= 1.2",
        "> 1.2, < 1.2-3",
        ">= 1, < 1:0",
    ],
)
def test_a_range_that_some_manager_may_have_a_version_in(declared: str) -> None:
    items_of({"packages": [{"name": "a", "version": declared}]})


@pytest.mark.parametrize(
    "version",
    [">=", ">= ", "=> 1", ">= 1,", ">= 1 < 2", "1.2, < 2", "== 1", "!= 1", ">=\n1", "~> 1.2"],
)
def test_what_is_no_range(version: str) -> None:
    document = {"packages": [{"name": "a", "version": version}]}
    with pytest.raises(
        ConfigError, match=re.escape('a range is written ">= 1.2" or ">= 1.2, < 2"')
    ):
        items_of(document)


def test_facts_for_own_tests() -> None:
    def fact(answer: str) -> Any:
        observed = parse(f"{answer}\nasked a\n".encode())["a"]
        assert isinstance(observed, Package)
        return RESOURCE.fact(observed)

    assert fact(DPKG) is None
    assert fact(f"{DPKG}row a amd64 deinstall/config-files/ok 1") is None
    assert fact(f"{DPKG}row a amd64 install/installed/ok 1") == {"state": "present", "version": "1"}
    assert fact(f"{DPKG}row a amd64 install/unpacked/ok 1")["state"] == "unpacked"
    both = fact(f"{DPKG}row a amd64 install/installed/ok 1\nrow a amd64 install/installed/ok 2")
    assert both["version"] == NotObserved("several are installed: 1, 2")
    assert isinstance(fact(f"{DPKG}provides b a"), NotObserved)
    (keys,) = parse(
        b"manager rpm - rpm\nrow gpg-pubkey (none) -/installed/ok 1-2\nasked gpg-pubkey\nnow 1\n"
    ).values()
    assert isinstance(RESOURCE.fact(keys), NotObserved)  # type: ignore[arg-type]
    assert isinstance(fact(f"{DPKG}row a i386 install/installed/ok 1"), NotObserved)


NOW = 1_800_000_000
POLICY = """\
policy a:
policy   Installed: 1.0-1
policy   Candidate: 1.0-1
policy   Version table:
policy  *** 1.0-1 500 (phased 10%)
policy         500 http://host/debian suite/main amd64 Packages
policy         100 /var/lib/dpkg/status
policy status 0"""
URIS = """\
uri 'http://host/debian/dists/suite/InRelease' host_debian_dists_suite_InRelease 0
uri 'http://host/debian/dists/suite/main/binary-amd64/Packages.xz' host_debian_dists_suite_main_binary-amd64_Packages 0
uri 'http://host/debian/dists/suite_more/InRelease' host_debian_dists_suite_more_InRelease 0
uri status 0"""
LISTS = f"""\
list {NOW - 100} /var/lib/apt/lists/host_debian_dists_suite_InRelease
list 1 /var/lib/apt/lists/host_debian_dists_suite_main_binary-amd64_Packages.lz4
release /var/lib/apt/lists/host_debian_dists_suite_InRelease:Date: {formatdate(NOW - 100)}
release status 0"""
INDEX = "/var/lib/apt/lists/host_debian_dists_suite_main_binary-amd64_Packages"
RELEASE = "/var/lib/apt/lists/host_debian_dists_suite_InRelease"
ROW = f"{DPKG}now {NOW}\nrow a amd64 install/installed/ok 1.0-1"
OTHER_SOURCE = f"""\
uri 'http://host/other/InRelease' host_other_InRelease 0
uri 'http://host/other/Packages.xz' host_other_Packages 0
{URIS}"""
OTHER_INDEX = "/var/lib/apt/lists/host_other_Packages"


def latest(*, row: str = ROW, policy: str = POLICY, uris: str = URIS, lists: str = LISTS) -> Result:
    return judged("\n".join((row, policy, uris, lists)), name="a", state="latest")


def test_latest() -> None:
    assert latest().outcome is Outcome.COMPLIANT


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            {"lists": LISTS.replace(str(NOW - 100), str(NOW - 8 * 86400))},
            "apt's package list of host/debian/dists/suite may be 8 days old",
        ),
        ({"lists": LISTS.replace(str(NOW - 100), str(NOW + 86400))}, "from the future"),
        (
            {"lists": LISTS.replace("Packages", "Sources")},
            "no package list of host/debian/dists/suite",
        ),
        (
            {"lists": LISTS.replace("_suite_", "_suite_more_")},
            "no package list of host/debian/dists/suite",
        ),
        (
            {
                "uris": f"{URIS}\nuri 'http://x' host_debian_dists_suite_more_main_binary-amd64_Packages 0\nuri status 0",
                "lists": LISTS.replace("_suite_main_", "_suite_more_main_"),
            },
            "no package list of host/debian/dists/suite",
        ),
        ({"lists": ""}, "no package list of"),
        (
            {"lists": f"{LISTS}\nmissing {INDEX.rpartition('/')[2]}"},
            "no package list of host/debian/dists/suite/main/binary-amd64, which its source offers",
        ),
        ({"lists": f"{LISTS}\ncut {INDEX.rpartition('/')[2]}"}, "is damaged or may not be read"),
        # One fresh source says nothing of another one.
        (
            {"uris": OTHER_SOURCE, "lists": f"{LISTS}\nlist {NOW - 8 * 86400} {OTHER_INDEX}"},
            "apt's package list of host/other may be 8 days old",
        ),
        ({"uris": OTHER_SOURCE}, "apt has no package list of host/other"),
        ({"uris": "uri status 0"}, "no sources"),
        (
            {"uris": URIS.replace("uri status 0", "uri status 100\nstderr uri ERROR: ld.so: x")},
            "ended with status 100: ERROR",
        ),
        ({"uris": URIS.replace("uri status 0", "uri status 124")}, "took too long"),
        ({"uris": URIS.replace("uri status 0", "uri status 143")}, "took too long"),
        ({"uris": URIS.replace("\nuri status 0", "")}, "ended with status none"),
        (
            {"policy": POLICY.replace("policy status 0", "policy status 139")},
            "apt-cache policy ended with status 139",
        ),
        (
            {"uris": f"{URIS}\nuri W: The list of sources could not be read"},
            "W: The list of sources could not be read",
        ),
        ({"uris": f"{URIS}\nuri E: Malformed entry 1 in list file"}, "E: Malformed"),
        ({"policy": f"stderr policy W: Unable to read /etc/apt\n{POLICY}"}, "W: Unable to read"),
        (
            {"policy": "policy N: Unable to locate package a\npolicy status 0"},
            "offer no version",
        ),
        ({"policy": "policy status 124"}, "apt-cache policy took too long"),
        ({"policy": POLICY.replace("Candidate: 1.0-1", "Candidate: (none)")}, "offer no version"),
        (
            {"policy": POLICY.replace("Candidate: 1.0-1", "Candidate: 0.9-1")},
            "is newer than 0.9-1",
        ),
        (
            {"policy": "\n".join(line for line in POLICY.splitlines() if "http" not in line)},
            "in no package list",
        ),
        ({"row": ROW.replace(f"now {NOW}\n", "")}, "from the future"),
    ],
)
def test_latest_is_unknown_where_the_lists_prove_nothing(change: dict[str, str], why: str) -> None:
    result = latest(**change)
    assert result.outcome is Outcome.UNKNOWN
    assert why in str(result.why)


def test_a_newer_candidate_is_drift_however_old_the_list() -> None:
    result = latest(policy=POLICY.replace("Candidate: 1.0-1", "Candidate: 1.10-1"), lists="")
    assert result.outcome is Outcome.DRIFT
    assert result.why == "state: 1.0-1 is installed, 1.10-1 is available"


@pytest.mark.parametrize(
    ("lists", "why"),
    [
        # The file is new and its Date is old: a copied image, a restored backup, `touch`, a frozen
        # mirror.
        (
            f"list {NOW} {RELEASE}\nlist {NOW} {INDEX}\nrelease {RELEASE}:Date: {formatdate(NOW - 30 * 86400)}",
            "30 days old",
        ),
        # Its Date comes after that of another Release file.
        (
            f"list {NOW} {RELEASE}\nlist {NOW} {INDEX}\n"
            f"release {RELEASE.replace('suite', 'a')}:Date: {formatdate(NOW)}\n"
            f"release {RELEASE}:Date: {formatdate(NOW - 30 * 86400)}",
            "30 days old",
        ),
        # By the clock of New Zealand it would be fresh.
        (
            f"list {NOW} {RELEASE}\nlist {NOW} {INDEX}\nrelease {RELEASE}:Date: "
            + formatdate(NOW - 7 * 86400 + 11 * 3600).replace("-0000", "+1200"),
            "7 days old",
        ),
        (
            f"list {NOW} {RELEASE}\nlist {NOW} {INDEX}\nrelease {RELEASE}:date:Sat, 12 Dec 2026 05:46:40 UTC",
            "34 days old",
        ),
        (
            f"list {NOW} {RELEASE}\nlist {NOW} {INDEX}\nrelease {RELEASE}:Date: yesterday",
            "Date that cannot be read: yesterday",
        ),
        (
            f"list {NOW} {RELEASE}\nlist {NOW} {INDEX}\nrelease {RELEASE}:Date: {formatdate(NOW)}\n"
            f"release {RELEASE}:Valid-Until: {formatdate(NOW - 1)}",
            "has expired",
        ),
        (
            f"list {NOW} {RELEASE}\nlist {NOW} {INDEX}\nrelease {RELEASE}:Date: {formatdate(NOW + 86400)}",
            "from the future",
        ),
        (
            f"list {NOW} {RELEASE}\nlist {NOW} {INDEX}\nstderr release grep: {RELEASE}: Permission denied",
            "Permission denied",
        ),
        # A Release without a Date, and none at all: the index speaks for itself.
        (f"list {NOW} {RELEASE}\nlist {NOW - 30 * 86400} {INDEX}", "30 days old"),
        (f"list {NOW - 30 * 86400} {INDEX}", "30 days old"),
        # InRelease is what apt reads, whatever lies beside it.
        (
            f"list {NOW - 30 * 86400} {RELEASE}\nlist {NOW} {INDEX}\nlist {NOW} {RELEASE.replace('InRelease', 'Release')}",
            "30 days old",
        ),
        # A link that leads nowhere.
        (
            f"{LISTS}\nstderr list stat: cannot statx '{INDEX}': No such file or directory",
            "cannot be examined",
        ),
        (f"{LISTS}\nclock {NOW + 86400} /var/log", "set back since /var/log was written"),
    ],
)
def test_latest_is_unknown_by_the_age_that_a_list_really_has(lists: str, why: str) -> None:
    result = latest(lists=lists)
    assert result.outcome is Outcome.UNKNOWN
    assert why in str(result.why)


@pytest.mark.parametrize(
    "lists",
    [
        f"list {NOW} {INDEX}",
        f"list {NOW} {RELEASE}\nlist {NOW} {INDEX}",
        f"list {NOW} {RELEASE.replace('InRelease', 'Release')}\nlist 1 {INDEX}\n"
        f"release {RELEASE.replace('InRelease', 'Release')}:Date: {formatdate(NOW, usegmt=True)}",
        f"{LISTS}\nclock {NOW + 60} /run",
        # The index is old; its Release file has the date, whatever stands after that.
        f"{LISTS}\nrelease {RELEASE}:Valid-Until: {formatdate(NOW)}",
        f"{LISTS}\nrelease {RELEASE}:Description: of {formatdate(1)}",
        # What another Release file says.
        f"{LISTS}\nrelease {RELEASE.replace('suite', 'old')}:Date: {formatdate(1)}",
        f"{LISTS}\nstderr release grep: {RELEASE.replace('suite', 'old')}: Permission denied",
        f"{LISTS}\nstderr list ERROR: ld.so: object 'x.so' from LD_PRELOAD cannot be preloaded: ignored.",
    ],
)
def test_latest_by_fresh_lists(lists: str) -> None:
    assert latest(lists=lists).outcome is Outcome.COMPLIANT


@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
def test_a_date_without_a_zone_is_utc_wherever_this_runs(
    zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        for hours, outcome in ((-1, Outcome.COMPLIANT), (1, Outcome.UNKNOWN)):
            date = formatdate(NOW - 7 * 86400 - hours * 3600)
            assert date.endswith(" -0000")
            lists = f"list {NOW} {RELEASE}\nlist {NOW} {INDEX}\nrelease {RELEASE}:Date: {date}"
            assert latest(lists=lists).outcome is outcome
    finally:
        monkeypatch.undo()
        time.tzset()


NEWER = """\
policy a:
policy   Installed: 1.0-1
policy   Candidate: {candidate}
policy   Version table:
policy      2.0-1 {newer}
policy         {source} http://host/new ./ Packages
policy  *** 1.0-1 {ours}
policy         {source_of_ours} http://host/debian suite/main amd64 Packages
policy         100 /var/lib/dpkg/status
policy status 0"""


@pytest.mark.parametrize(
    ("newer", "source", "ours", "why"),
    [
        ("1 (phased 0%)", 500, 500, "2.0-1 is phased: 0% of machines get it so far"),
        ("-1 (phased 0%)", 500, 500, "a pin gives 2.0-1 the priority -1"),
        ("-1", -1, 500, "a pin gives 2.0-1 the priority -1"),
        ("50", 500, 500, "a pin gives 2.0-1 the priority 50"),
        ("500", 500, 600, "a pin keeps 1.0-1: its priority is 600, that of 2.0-1 500"),
        ("100", 100, 500, "2.0-1 is in a release of priority 100, such as backports"),
        ("1", 1, 500, "2.0-1 is in a release of priority 1, such as backports"),
        ("50", 50, 500, "apt prefers 1.0-1 (priority 500) to 2.0-1 (priority 50)"),
    ],
)
def test_a_newer_version_that_apt_does_not_choose_is_reported_with_the_reason(
    newer: str, source: int, ours: int, why: str
) -> None:
    policy = NEWER.format(
        candidate="1.0-1", newer=newer, source=source, ours=ours, source_of_ours=500
    )
    result = latest(policy=policy)
    assert (result.outcome, why in str(result.why)) == (Outcome.COMPLIANT, True), result.why


def test_a_phased_update_and_a_hold_are_named_where_the_newer_version_is_drift() -> None:
    policy = NEWER.format(
        candidate="2.0-1", newer="500 (phased 10%)", source=500, ours=500, source_of_ours=500
    )
    assert "phased: 10% of machines get it so far" in str(latest(policy=policy).why)
    held = latest(policy=policy, row=ROW.replace("install/", "hold/"))
    assert held.outcome is Outcome.DRIFT
    assert "on hold (apt-mark)" in str(held.why)


def test_latest_of_pacman() -> None:
    head = f"manager pacman - pacman\nnow {NOW}\nrow a - -/installed/ok 1-1\nrepo core\nrepo status 0\n"

    def pacman(version: str, *more: str, status: int = 0) -> str:
        offer = f"sync Name            : a\nsync Version         : {version}\nsync status {status}"
        return outcome("\n".join((head + offer, *more)), name="a", state="latest")

    fresh = f"list {NOW - 9} /var/lib/pacman/sync/core.db"
    assert pacman("1-1", fresh) == "compliant"
    assert pacman("1-1", fresh, status=1) == "compliant"  # another name is in no list
    assert pacman("1-2", fresh) == "drift"
    assert pacman("1-1", fresh, status=124) == "unknown"
    assert pacman("1-1", f"list {NOW - 8 * 86400} /var/lib/pacman/sync/core.db") == "unknown"
    assert pacman("1-1", fresh, f"clock {NOW + 86400} /run") == "unknown"
    assert pacman("1-1", fresh, "repo extra", "repo status 0") == "unknown"
    assert pacman("1-1", fresh, "repo status 1") == "unknown"
    none = (
        head.replace("repo core\n", "")
        + f"sync Name            : a\nsync Version         : 1-1\nsync status 0\n{fresh}"
    )
    assert "pacman has no repositories" in str(judged(none, name="a", state="latest").why)


def test_latest_of_another_architecture_is_not_judged_by_the_nodes_own() -> None:
    answer = "\n".join((ROW.replace("amd64 install", "i386 install"), POLICY, URIS, LISTS))
    assert judged(answer, name="a:i386", state="latest").outcome is Outcome.UNKNOWN
    both = answer.replace(" a:", " a:i386:")
    assert judged(both, name="a:i386", state="latest").outcome is Outcome.COMPLIANT


@pytest.mark.parametrize("name", ["a:amd64", "a"])
def test_latest_of_the_nodes_own_architecture_by_its_name(name: str) -> None:
    newer = POLICY.replace("Candidate: 1.0-1", "Candidate: 2.0-1")
    for policy, outcome in ((POLICY, Outcome.COMPLIANT), (newer, Outcome.DRIFT)):
        answer = "\n".join((ROW, policy, URIS, LISTS))
        assert judged(answer, name=name, state="latest").outcome is outcome


def test_latest_of_several_architectures_that_differ_is_unknown() -> None:
    rows = f"{ROW}\n{ROW.splitlines()[-1].replace('amd64', 'i386')}"
    for second, outcome in (("1.0-1", Outcome.COMPLIANT), ("0.9-1", Outcome.UNKNOWN)):
        answer = "\n".join(
            (rows[:-5] + second, POLICY.replace("policy a:", "policy a:any:"), URIS, LISTS)
        )
        assert judged(answer, name="a:any", state="latest").outcome is outcome


def test_latest_of_the_other_managers() -> None:
    apk = "manager apk - apk\nrow a x86_64 -/installed/ok 1.2-r1\npolicy a policy:\npolicy   1.2-r1:\npolicy     lib/apk/db/installed\n"
    assert outcome(f"{apk}policy     https://host/main\n", name="a", state="latest") == "unknown"
    assert (
        outcome(f"{apk}policy   1.10-r0:\npolicy     https://host/main\n", name="a", state="latest")
        == "drift"
    )
    several = "policy   1.9-r0:\npolicy     https://host/a\npolicy   1.10-r0:\npolicy     https://host/b\n"
    assert "1.10-r0 is available" in str(judged(f"{apk}{several}", name="a", state="latest").why)
    assert "dnf, yum and zypper cannot be asked" in str(
        judged(f"{RPM}row a x86_64 -/installed/ok 1-1", name="a", state="latest").why
    )
    assert outcome(RPM, name="a", state="latest") == "drift"


INSTALLED = f"{DPKG}row a amd64 install/installed/ok 1\n"
OFFERS = """\
policy a:
policy   Installed: (none)
policy   Candidate: 1.2-3+b1
policy   Version table:
policy      1.2-3+b1 500
policy         500 file:/srv ./ Packages
policy status 0
"""


def simulated(words: str, *lines: str, status: int = 0, name: str = "a", access: str = "") -> str:
    simulated_words = "".join(
        f"stderr sim {name} {line}\n"
        if line.startswith(("E:", "ERROR"))
        else f"sim {name} {line}\n"
        for line in lines
    )
    return f"try {name} {words}\n{simulated_words}sim {name} \nsim {name} status {status}\n" + (
        f"way a {access}\n" if access else ""
    )


INSTALL = "install --no-install-recommends a"
REMEDIES = {
    "install": (
        DPKG + simulated(INSTALL, "Inst a (1 x [all])"),
        {},
        "apt-get install -y --no-install-recommends a",
        None,
    ),
    "a preloaded library that warns": (
        DPKG + simulated(INSTALL, "Inst a (1 x [all])", "ERROR: ld.so: x"),
        {},
        "apt-get install -y --no-install-recommends a",
        None,
    ),
    "what it needs": (
        DPKG + simulated(INSTALL, "Inst b (1 x [all])", "Inst a (1 x [all])", "Conf b (1 x [all])"),
        {},
        "apt-get install -y --no-install-recommends a",
        "it also installs what it needs: b",
    ),
    "what it needs, and that is a lot": (
        DPKG + simulated(INSTALL, *(f"Inst {name} (1 x [all])" for name in "abcdefg")),
        {},
        "apt-get install -y --no-install-recommends a",
        "it also installs what it needs: b, c, d, e, f and 1 more",
    ),
    "a version": (
        DPKG
        + simulated(
            "install --no-install-recommends --allow-downgrades a=1:1.0~rc1",
            "Inst a (1:1.0~rc1 x [all])",
        ),
        {"version": "1:1.0~rc1"},
        "apt-get install -y --no-install-recommends --allow-downgrades 'a=1:1.0~rc1'",
        None,
    ),
    "a version that is not offered": (
        DPKG
        + OFFERS
        + simulated(
            "install --allow-downgrades a=1.2-3",
            "E: Version '1.2-3' for 'a' was not found",
            status=100,
        ),
        {"version": "1.2-3"},
        None,
        "apt-get cannot do it (Version '1.2-3' for 'a' was not found): the package lists offer 1.2-3+b1",
    ),
    "another version than the declared one": (
        DPKG + OFFERS + simulated("install a=1.2-3", "Inst a (1.2-3+b1 x [all])"),
        {"version": "1.2-3"},
        None,
        "would not end the drift: the package lists offer 1.2-3+b1",
    ),
    "a package of no list": (
        DPKG + simulated(INSTALL, "E: Unable to locate package a", status=100),
        {},
        None,
        "no package list on the node offers it",
    ),
    "an install that removes": (
        DPKG + simulated(INSTALL, "Remv b [1]", "Inst a (1 x [all])"),
        {},
        None,
        "would also remove b",
    ),
    "an install that changes others": (
        DPKG + simulated(INSTALL, "Inst b [1] (2 x [all])", "Inst a (1 x [all])"),
        {},
        None,
        "change b from 1 to 2",
    ),
    "an install that does nothing": (
        DPKG + simulated(INSTALL),
        {},
        None,
        "would not end the drift",
    ),
    "remove": (
        INSTALLED + simulated("remove a", "Remv a [1]"),
        {"state": "absent"},
        "apt-get remove -y a",
        None,
    ),
    "a name in capitals": (
        INSTALLED + simulated("remove a", "Remv a [1]", name="A"),
        {"name": "A", "state": "absent"},
        "apt-get remove -y a",
        None,
    ),
    "a foreign architecture": (
        f"{DPKG}row a i386 install/installed/ok 1\n"
        + simulated("remove a:i386", "Remv a:i386 [1]", name="a:i386"),
        {"name": "a:i386", "state": "absent"},
        "apt-get remove -y a:i386",
        None,
    ),
    "the native architecture": (
        INSTALLED + simulated("remove a:amd64", "Remv a [1]", name="a:amd64"),
        {"name": "a:amd64", "state": "absent"},
        "apt-get remove -y a:amd64",
        None,
    ),
    "a removal that takes others along": (
        INSTALLED + simulated("remove a", "Remv b [1]", "Remv a [1]"),
        {"state": "absent"},
        None,
        "apt-get remove -y a would also remove b: decide about that first",
    ),
    "a removal that installs": (
        INSTALLED + simulated("remove a", "Remv a [1]", "Inst b (1 x [all])"),
        {"state": "absent"},
        None,
        "would also install b 1",
    ),
    "a removal that does nothing": (
        INSTALLED + simulated("remove a"),
        {"state": "absent"},
        None,
        "would not end the drift",
    ),
    "a removal that only upgrades": (
        INSTALLED + simulated("remove a", "Inst a [1] (2 x [all])"),
        {"state": "absent"},
        None,
        "would not end the drift",
    ),
    "an essential package": (
        INSTALLED
        + simulated(
            "remove a",
            "E: Essential packages were removed and -y was used without --allow-remove-essential.",
            status=100,
        ),
        {"state": "absent"},
        None,
        "apt-get refuses to remove it: Essential packages were removed",
    ),
    "no time": (DPKG, {}, None, "no time left"),
    "a simulation that took too long": (
        DPKG + simulated(INSTALL, "Inst a (1 x [all])", status=124),
        {},
        None,
        "apt-get -s took too long to say what it would do: check this item alone",
    ),
    "a simulation of a range that took too long": (
        DPKG + OFFERS + simulated(INSTALL, status=124),
        {"version": ">= 1, < 2"},
        None,
        "apt-get -s took too long to say what it would do",
    ),
    "a range that took too long, and is offered nowhere": (
        DPKG + OFFERS + simulated(INSTALL, status=124),
        {"version": ">= 4, < 5"},
        None,
        "no version that apt could install is in this range: the package lists offer 1.2-3+b1",
    ),
    "a range that was not simulated": (
        DPKG + OFFERS,
        {"version": ">= 1"},
        None,
        "apt-get was not simulated, because there was no time left",
    ),
    "a range that holds no candidate": (
        DPKG
        + OFFERS.replace("(none)", "3").replace("1.2-3+b1\n", "3\n", 1)
        + "policy *** 3 100\npolicy      1.10-1 100\npolicy         100 file:/srv ./ Packages\n",
        {"version": "< 2"},
        None,
        "apt prefers 3, which is not in this range: try apt-get install a=1.10-1, and check",
    ),
    "a range of a package that no list has": (
        DPKG
        + "policy status 0\n"
        + simulated(INSTALL, "E: Unable to locate package a", status=100),
        {"version": ">= 1"},
        None,
        "apt-get cannot do it (Unable to locate package a)",
    ),
    "a range when the lists could not be read": (
        DPKG + "policy status 124\n",
        {"version": ">= 1"},
        None,
        "apt-cache policy took too long: check this item alone",
    ),
    "a simulation that was cut": (
        DPKG + f"try a {INSTALL}\nsim a Inst a (1 x [all])\n",
        {},
        None,
        "ended with no status",
    ),
    "a simulation that the answer does not hold": (
        DPKG + f"try a {INSTALL}",
        {},
        None,
        "ended with no status",
    ),
    "half-configured": (
        f"{DPKG}row a amd64 install/half-configured/ok 1\nbroken a install/half-configured/ok\n",
        {},
        "dpkg --configure a",
        "if dpkg --configure fails, a script of the package fails: repair a by hand",
    ),
    "half-configured, but to be removed": (
        f"{DPKG}row a amd64 install/half-configured/ok 1\nbroken a install/half-configured/ok\n",
        {"state": "absent"},
        None,
        "apt-get was not simulated, because there was no time left",
    ),
    "half-configured, as another one": (
        f"{DPKG}row a amd64 install/unpacked/ok 1\nbroken a install/unpacked/ok\nbroken b install/unpacked/ok\n",
        {},
        "dpkg --configure -a",
        "repair a, b by hand",
    ),
    "another one is half-configured": (
        f"{DPKG}broken b install/half-configured/ok\n"
        + simulated(INSTALL, "Inst a (1 x [all])", "Conf b (1 x [all])"),
        {},
        "dpkg --configure -a && apt-get install -y --no-install-recommends a",
        "repair b by hand",
    ),
    "another one is half-installed": (
        f"{DPKG}broken b install/half-installed/reinstreq\n"
        + simulated(INSTALL, "Inst a (1 x [all])"),
        {},
        None,
        "first repair b (half-installed)",
    ),
    "half-installed": (
        f"{DPKG}row a amd64 install/half-installed/reinstreq 1\nbroken a install/half-installed/reinstreq\n"
        + simulated("install --reinstall a", "Inst a [1] (1 x [all])"),
        {},
        "apt-get install -y --reinstall a",
        None,
    ),
    "on hold": (
        f"{DPKG}row a amd64 hold/installed/ok 1\n"
        + simulated("install a=2", "Inst a [1] (2 x [all])"),
        {"version": "2"},
        None,
        "a is on hold: if nobody needs the hold, end it first (apt-mark unhold a)",
    ),
    "an epoch": (
        f"{DPKG}row a amd64 install/installed/ok 2:1.0-1",
        {"version": "1.0-1"},
        None,
        "with its epoch: 2:1.0-1",
    ),
    "no apt-get": ("manager dpkg amd64 -", {}, None, "the node has no apt-get"),
    "dnf": (RPM, {"version": "1-1"}, None, "install version 1-1 with dnf"),
    "zypper": (
        "manager rpm - zypper\nrow a x86_64 -/installed/ok 2-1",
        {"state": "absent"},
        None,
        "remove it with zypper",
    ),
    "apk": ("manager apk - apk", {}, None, "install it with apk"),
    "pacman": ("manager pacman - -", {}, None, "install it with pacman"),
}


@pytest.mark.parametrize("case", REMEDIES)
def test_remedies(case: str) -> None:
    answer, declared, commands, advice = REMEDIES[case]
    result = judged(answer, **{"name": "a", **declared})
    assert result.outcome is Outcome.DRIFT
    assert shell_line(result.remedy) == commands
    assert result.advice is None if advice is None else advice in str(result.advice)
    assert not result.mend_cuts


@pytest.mark.parametrize(
    ("answer", "declared", "cuts"),
    [
        (
            INSTALLED + simulated("remove a", "Remv a [1]", access="remote logins"),
            {"state": "absent"},
            True,
        ),
        # The command names it with its version.
        (
            INSTALLED + simulated("install a=2", "Inst a [1] (2 x [all])", access="remote logins"),
            {"version": "2"},
            True,
        ),
        (DPKG + simulated(INSTALL, "Inst a (1 x [all])", "Inst ufw (1 x [all])"), {}, True),
        (
            DPKG + simulated(INSTALL, "Inst a (1 x [all])", "Inst iptables-persistent (1 x [all])"),
            {},
            True,
        ),
        (
            DPKG
            + simulated(
                INSTALL,
                "Inst a (1 x [all])",
                "Inst python3-dbus (1 x [all])",
                "Inst ufwx (1 x [all])",
            ),
            {},
            False,
        ),
    ],
)
def test_a_remedy_that_could_cut_off_access_says_so(
    answer: str, declared: dict[str, Any], cuts: bool
) -> None:
    result = judged(answer, name="a", **declared)
    assert shell_line(result.remedy) is not None
    assert result.mend_cuts is cuts


def row(
    version: str = "1.0",
    arch: str = "amd64",
    status: str = "installed",
    flag: str = "ok",
    want: str = "install",
) -> Row:
    return Row("x", arch, want, status, flag, version)


def offering(version: str | None, *offered: Version, doubt: str | None = None) -> Package:
    return Package(
        "dpkg", "apt", (row(),), candidate=Candidate(version, offered, doubt, Version("1.0"))
    )


def versions(*rows: Row, manager: str = "dpkg") -> Package:
    return Package(manager, None, rows)


LEFT = row(status="config-files")
LATEST = {"state": "latest"}


@pytest.mark.parametrize(
    ("observed", "declared", "expected"),
    [
        (versions(row()), {"state": "present"}, ("compliant", "present", "present", None)),
        (
            versions(row(status="half-configured")),
            {"state": "present"},
            ("drift", "present", "half-configured", None),
        ),
        (
            versions(row(flag="reinst-required")),
            {"state": "present"},
            ("drift", "present", "installed, reinst-required", None),
        ),
        (versions(), {"state": "present"}, ("drift", "present", "absent", None)),
        (
            versions(LEFT),
            {"state": "present"},
            ("drift", "present", "absent", "only its configuration files are left"),
        ),
        (versions(), {"state": "absent"}, ("compliant", "absent", "absent", None)),
        (
            versions(LEFT),
            {"state": "absent"},
            ("compliant", "absent", "absent", "its configuration files are left"),
        ),
        (versions(row()), {"state": "absent"}, ("drift", "absent", "present", None)),
        (
            versions(row(status="unpacked")),
            {"state": "absent"},
            ("drift", "absent", "unpacked", None),
        ),
        (
            versions()._replace(others=(row(arch="i386"),)),
            {"state": "absent"},
            ("drift", "absent", "present", "installed for another architecture only: x:i386"),
        ),
        (
            versions()._replace(others=(row(arch="i386"),)),
            {"state": "present"},
            ("unknown", "present", None, "installed for another architecture only: x:i386"),
        ),
        (
            versions()._replace(others=(row(arch="i386"),)),
            {"name": "x:amd64", "state": "absent"},
            ("compliant", "absent", "absent", None),
        ),
        (
            versions(manager="rpm")._replace(others=(row(arch="noarch"),)),
            {"name": "x:amd64", "state": "absent"},
            ("drift", "absent", "present", "installed for another architecture only: x:noarch"),
        ),
        (
            versions()._replace(others=(row(arch="all"),)),
            {"name": "x:amd64", "state": "absent"},
            ("drift", "absent", "present", "installed for another architecture only: x:all"),
        ),
        (
            versions()._replace(providers=("y", "-")),
            {"state": "absent"},
            ("unknown", "absent", None, "not installed, but provided by y, another package"),
        ),
        (
            versions()._replace(orphan=True),
            {"state": "absent"},
            (
                "unknown",
                "absent",
                None,
                "dpkg's database has no entry for it, but its list of files exists: entries were lost",
            ),
        ),
        (
            versions(row()._replace(name="gpg-pubkey"), manager="rpm"),
            {"name": "gpg-pubkey", "state": "present"},
            (
                "unknown",
                "present",
                None,
                "rpm lists signing keys under this name, not software",
            ),
        ),
        (
            versions(row("1.0"), row("2.0")),
            LATEST,
            ("unknown", "latest", "present", "several versions of it are installed: 1.0, 2.0"),
        ),
        (
            versions(row("1.0"), row("2.0"), manager="rpm"),
            LATEST,
            (
                "unknown",
                "latest",
                "present",
                "dnf, yum and zypper cannot be asked without writing to the node",
            ),
        ),
        (
            versions(row()),
            LATEST,
            (
                "unknown",
                "latest",
                "present",
                "the package lists offer no version of it (1.0 is installed)",
            ),
        ),
        (
            offering("2.0", Version("2.0")),
            LATEST,
            ("drift", "latest", "present", "1.0 is installed, 2.0 is available"),
        ),
        (
            offering("0.9", Version("0.9")),
            LATEST,
            (
                "unknown",
                "latest",
                "present",
                "1.0 is installed, and is newer than 0.9, which would be installed",
            ),
        ),
        (
            offering("1.0", Version("1.0"), doubt="old lists"),
            LATEST,
            ("unknown", "latest", "present", "old lists"),
        ),
        (
            offering("1.0", Version("0.8"), Version("0.9")),
            LATEST,
            (
                "unknown",
                "latest",
                "present",
                "1.0 is installed and in no package list; the lists offer 0.8, 0.9",
            ),
        ),
        (
            offering("1.0"),
            LATEST,
            (
                "unknown",
                "latest",
                "present",
                "1.0 is installed and in no package list; the lists offer nothing",
            ),
        ),
        (offering("1.0", Version("1.0")), LATEST, ("compliant", "latest", "latest", None)),
        (
            versions(row())._replace(
                candidate=Candidate("1.0", (Version("1.0"), Version("2.0", 1)))
            ),
            LATEST,
            (
                "compliant",
                "latest",
                "latest",
                "the lists also offer 2.0, but dpkg does not choose it",
            ),
        ),
        (
            offering("?", Version("?"))._replace(manager="apk"),
            LATEST,
            ("unknown", "latest", "present", "not a version by apk's rules: '?'"),
        ),
        (
            offering("1.0", Version("1.0"), Version("?"))._replace(manager="apk"),
            LATEST,
            ("compliant", "latest", "latest", None),
        ),
    ],
)
def test_what_a_finding_of_a_state_shows(
    observed: Package, declared: dict[str, Any], expected: tuple[object, ...]
) -> None:
    (finding,) = RESOURCE.judge(Declared(**{"name": "x", **declared}), observed)
    assert (
        finding.field,
        finding.outcome.value,
        finding.expected,
        finding.actual,
        finding.why,
    ) == ("state", *expected)


@pytest.mark.parametrize(
    ("observed", "expected"),
    [
        (versions(row("1.0")), ("compliant", "1.0", "1.0", None)),
        (versions(row("1:1.0")), ("drift", "1.0", "1:1.0", "the epoch 1 is part of the version")),
        (versions(row("1:2.0")), ("drift", "1.0", "1:2.0", None)),
        (versions(row("2.0")), ("drift", "1.0", "2.0", None)),
        (versions(row("1.0"), row("2.0", "i386")), ("drift", "1.0", "1.0, 2.0", None)),
        (versions(), ("drift", "1.0", "absent", None)),
        (
            versions()._replace(providers=("y",)),
            ("unknown", "1.0", None, "not installed, but provided by y"),
        ),
    ],
)
def test_what_a_finding_of_a_version_shows(observed: Package, expected: tuple[object, ...]) -> None:
    _, finding = RESOURCE.judge(Declared(name="x", state="present", version="1.0"), observed)
    assert (
        finding.field,
        finding.outcome.value,
        finding.expected,
        finding.actual,
        finding.why,
    ) == ("version", *expected)


@pytest.mark.parametrize(
    ("version", "state"),
    [("latest", "latest"), ("Installed", "present"), ("absent", "absent")],
)
def test_a_state_is_no_version(version: str, state: str) -> None:
    (problem,) = RESOURCE.problems(Declared(name="x", version=version))
    assert problem == ("version", f"{version} is not a version: write state: {state} in its place")


def test_a_version_with_letters_is_one() -> None:
    assert not [*RESOURCE.problems(Declared(name="x", version="r5.latest"))]


@pytest.mark.parametrize(
    ("family", "state", "commands", "offers"),
    [
        ("debian", "present", ("apt", "apt-get", "dpkg"), ()),
        ("debian", "absent", ("apt", "apt-get", "dpkg"), ()),
        (
            "debian",
            "latest",
            ("apt", "apt-get", "dpkg"),
            ("/var/lib/apt/lists", "/var/lib/dpkg/arch", "/etc/apt"),
        ),
        (
            "alpine",
            "latest",
            ("apk",),
            ("/etc/apk/repositories", "/var/cache/apk", "/lib/apk/db"),
        ),
        ("rhel", "latest", ("dnf", "rpm"), ()),
        ("", "latest", (), ()),
    ],
)
def test_the_watch_follows_what_is_installed_and_for_the_latest_what_is_on_offer(
    family: str, state: Any, commands: tuple[str, ...], offers: tuple[str, ...]
) -> None:
    given = RESOURCE.triggers(Declared(name="x", state=state), family)
    databases = RESOURCE.triggers(Declared(name="x"), "").databases
    assert given.commands == commands
    assert given.databases == (*databases, *offers)
    assert "/var/lib/dpkg/status" in databases
    assert "/var/lib/dpkg/lock" in given.locks
