"""Each rule of a policy, broken and kept; and who can lift a breach."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest

from power_edge.change_gate.repository import Repository
from power_edge.change_gate.rules import covers, touches
from tests.support import answers
from tests.support.change import Site

pytestmark = pytest.mark.shell

ALL = ("node-configs/policy.yaml",)


def nodes(site: Site, count: int, value: str, **options: object) -> None:
    for index in range(1, count + 1):
        site.node(f"rig-{index}", {"vm.swappiness": value}, **options)  # type: ignore[arg-type]


def test_without_a_policy_nothing_is_broken_and_that_is_said(site: Site) -> None:
    nodes(site, 2, "60")
    site.branch()
    nodes(site, 2, "10")
    done = site.run()
    assert done.exit_code == 0
    assert "policy: none in main, so nothing limits the change" in done.output


def test_a_breach_says_where_and_by_which_rule_and_who_lifts_it(site: Site) -> None:
    nodes(site, 3, "60")
    site.policy(max_nodes=1, owners=[{"paths": ["node-configs/policy.yaml"], "who": ["boss"]}])
    site.branch()
    nodes(site, 2, "10")
    done = site.run("--actor=joe")
    assert done.exit_code == 1
    text = " ".join(done.output.split())
    assert (
        "node-configs/rig-1/state.yaml:6: max_nodes: the change touches 2 nodes (rig-1, rig-2), and 1"
        " are allowed" in text
    )
    assert "rule: node-configs/policy.yaml:1 in the base" in text
    assert "lift: split the change, or boss can change the policy" in text


@pytest.mark.parametrize(("changed", "rules"), [(2, []), (3, ["max_nodes"])])
def test_max_nodes(site: Site, changed: int, rules: list[str]) -> None:
    nodes(site, 4, "60")
    site.policy(max_nodes=2)
    site.branch()
    nodes(site, changed, "10")
    assert site.rules(actor="a") == rules


def test_nodes_that_come_or_go_or_are_renamed_are_touched(site: Site) -> None:
    site.node("rig-1", machine=answers.MACHINE)
    site.node("rig-2")
    site.policy(max_nodes=2)
    site.branch()
    (site.root / "rig-1").rename(site.root / "rig-3")
    (site.root / "rig-2/state.yaml").unlink()
    (site.root / "rig-2").rmdir()
    site.node("rig-4")
    judgement = site.judge(actor="a")
    assert list(judgement.difference.touched) == ["rig-2", "rig-3", "rig-4"]
    assert [breach.rule for breach in judgement.breaches] == ["max_nodes"]


@pytest.mark.parametrize(
    ("share", "changed", "rules"),
    [(0.5, 2, []), (0.5, 3, ["max_share"]), (0.1, 1, []), (0.1, 2, ["max_share"])],
)
def test_max_share(site: Site, share: float, changed: int, rules: list[str]) -> None:
    """One node may always be touched: else nobody could change a role of three nodes."""
    nodes(site, 4, "60", roles=("relay",))
    site.node("other")
    site.role("relay")
    site.policy(max_share={"relay": share})
    site.branch()
    nodes(site, changed, "10", roles=("relay",))
    site.node("other", {"vm.swappiness": "10"})
    assert site.rules(actor="a") == rules


def test_max_share_counts_nodes_that_the_change_takes_the_role_from(site: Site) -> None:
    nodes(site, 4, "60", roles=("relay",))
    site.role("relay")
    site.policy(max_share={"relay": 0.5})
    site.branch()
    nodes(site, 3, "60", identity={"node": {"hostname": "b"}})
    assert site.rules(actor="a") == ["max_share"]


def test_new_nodes_with_a_role_do_not_dilute_its_share(site: Site) -> None:
    nodes(site, 2, "60", roles=("relay",))
    site.role("relay")
    site.policy(max_share={"relay": 0.5})
    site.branch()
    for index in range(10, 20):
        site.node(f"rig-{index}", roles=("relay",))
    assert site.rules(actor="a") == ["max_share"]


def test_canary(site: Site) -> None:
    site.node("rig-1", environment="production")
    site.node("rig-2", environment="production")
    site.node("lab-1")
    site.policy(canary={"environment": "staging"})
    site.branch()
    site.node("rig-1", {"vm.swappiness": "10"}, environment="production")
    [breach] = site.judge(actor="a").breaches
    assert breach.rule == "canary"
    assert "sysctl[vm.swappiness] changes on 1 production node (rig-1)" in breach.message
    site.node("lab-1", {"vm.swappiness": "11"})
    assert site.rules(actor="a") == ["canary"]
    site.node("lab-1", {"vm.swappiness": "10"})
    assert site.rules(actor="a") == []


def test_a_canary_shows_what_is_removed_too(site: Site) -> None:
    both = {"vm.swappiness": "60", "kernel.panic": "1"}
    site.node("rig-1", both, environment="production")
    site.node("lab-1", both)
    site.policy(canary={"nodes": ["lab-1"]})
    site.branch()
    site.node("rig-1", environment="production")
    assert site.rules(actor="a") == ["canary"]
    site.node("lab-1")
    assert site.rules(actor="a") == []


PANIC = {"vm.swappiness": "60", "kernel.panic": "1"}


def test_a_canary_that_never_had_an_item_shows_nothing_about_its_removal(site: Site) -> None:
    site.node("rig-1", PANIC, environment="production")
    site.node("lab-1")
    site.policy(canary={"nodes": ["lab-1"]})
    site.branch()
    site.node("rig-1", environment="production")
    [breach] = site.judge(actor="a").breaches
    assert breach.rule == "canary"
    assert breach.message == (
        "sysctl[kernel.panic] is removed from 1 production node (rig-1), and no canary lost it"
        " earlier or in this change (lab-1)"
    )


def test_the_history_is_read_once_for_all_items_that_no_canary_had(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []
    history = Repository.history

    def counted(repository: Repository, commit: str, folders: Iterable[str]) -> list[str]:
        read.append(commit)
        return history(repository, commit, folders)

    monkeypatch.setattr(Repository, "history", counted)
    site.node("rig-1", {**PANIC, "vm.overcommit_ratio": "60"}, environment="production")
    site.node("rig-2", PANIC, environment="production")
    site.node("lab-1")
    site.policy(canary={"nodes": ["lab-1"]})
    site.branch()
    site.node("rig-1", environment="production")
    site.node("rig-2", environment="production")
    breaches = site.judge(actor="a").breaches
    assert [breach.rule for breach in breaches] == ["canary", "canary"]
    assert len(read) == 1


def test_a_canary_that_lost_an_item_earlier_shows_its_removal(site: Site) -> None:
    """The usual way: first the canary, and production in a later change."""
    site.node("rig-1", PANIC, environment="production")
    site.node("lab-1", PANIC)
    site.policy(canary={"nodes": ["lab-1"]})
    site.commit("both have it")
    site.node("lab-1")
    site.commit("the canary loses it")
    site.node("other")
    site.branch()
    site.node("rig-1", environment="production")
    assert site.rules(actor="a") == []


def test_what_the_change_itself_wrote_before_is_no_history_of_a_canary(site: Site) -> None:
    site.node("rig-1", PANIC, environment="production")
    site.node("lab-1")
    site.policy(canary={"nodes": ["lab-1"]})
    site.branch()
    site.node("lab-1", PANIC)
    site.commit("the canary gets it")
    site.node("lab-1")
    site.node("rig-1", environment="production")
    site.commit("and loses it")
    assert site.rules(actor="a") == ["canary"]


def test_a_canary_whose_role_dropped_an_item_earlier_shows_its_removal(site: Site) -> None:
    site.role("relay", {"sysctl": {"net.core.rmem_max": "1"}})
    site.node("rig-1", {**PANIC, "net.core.rmem_max": "1"}, environment="production")
    site.node("lab-1", roles=("relay",))
    site.policy(canary={"nodes": ["lab-1"]})
    site.commit("both have it")
    site.role("relay", {"sysctl": {"net.core.wmem_max": "1"}})
    site.branch()
    site.node("rig-1", PANIC, environment="production")
    assert site.rules(actor="a") == []


def test_a_node_is_no_production_only_if_it_was_none(site: Site) -> None:
    """A change cannot step out of production by calling its nodes something else."""
    site.node("rig-1", environment="production")
    site.node("lab-1")
    site.policy(canary={"nodes": ["lab-1"]})
    site.branch()
    site.node("rig-1", {"vm.swappiness": "10"}, environment="development")
    assert site.rules(actor="a") == ["canary"]


def test_a_canary_that_the_change_adds_or_renames_to_is_none(site: Site) -> None:
    site.node("rig-1", environment="production")
    site.node("rig-2", environment="production")
    site.policy(canary={"environment": "staging"})
    site.branch()
    site.node("rig-1", {"vm.swappiness": "10"}, environment="production")
    site.node("lab-1", {"vm.swappiness": "10"})
    site.node("rig-2", {"vm.swappiness": "10"}, environment="staging")
    [breach] = {each.rule: each for each in site.judge(actor="a").breaches}.values()
    assert "no node was a canary before the change" in breach.message


OWNED = [
    {"paths": ["node-configs/rig-1"], "who": ["Ann", "bob"]},
    {"fields": ["sysctl.net", "access_control"], "who": ["net"]},
]


@pytest.mark.parametrize(
    ("actor", "rules"),
    [("ann", []), ("BOB", []), ("joe", ["owners"]), (None, ["owners"]), ("", ["owners"])],
)
def test_owners_of_paths(site: Site, actor: str | None, rules: list[str]) -> None:
    nodes(site, 2, "60")
    site.policy(owners=OWNED)
    site.branch()
    site.node("rig-1", {"vm.swappiness": "10"})
    site.commit()
    assert site.rules(actor=actor) == rules


def test_owners_of_fields_own_what_a_role_demands(site: Site) -> None:
    site.role("relay", {"sysctl": {"net.core.rmem_max": "1"}})
    site.node("rig-2", roles=("relay",))
    site.policy(owners=OWNED)
    site.branch()
    site.role("relay", {"sysctl": {"net.core.rmem_max": "2"}})
    [breach] = site.judge(actor="ann").breaches
    assert "sysctl.net.core.rmem_max.value (1 node: rig-2) is changed by ann" in breach.message
    assert breach.lift == "net can make the change"
    assert site.rules(actor="net") == []


def test_each_entry_of_owners_that_is_touched_needs_its_owner(site: Site) -> None:
    nodes(site, 2, "60")
    site.policy(owners=OWNED)
    site.branch()
    site.node("rig-1", {"net.core.rmem_max": "2", "vm.swappiness": "60"})
    assert site.rules(actor="ann") == ["owners"]
    assert site.rules(actor="net") == ["owners"]


def test_tests_and_deleted_files_are_owned_as_well(site: Site) -> None:
    nodes(site, 2, "60")
    site.write("rig-1/test_own.py", "def test_it(): pass\n")
    site.policy(owners=OWNED)
    site.branch()
    (site.root / "rig-1/test_own.py").unlink()
    site.commit()
    [breach] = site.judge(actor="joe").breaches
    assert breach.source == ("node-configs/rig-1/test_own.py", 0, 1)


@pytest.mark.parametrize(
    ("moment", "rules"),
    [
        (datetime(2026, 12, 20, 16, 59, tzinfo=UTC), []),
        (datetime(2026, 12, 20, 17, 0, tzinfo=UTC), ["freeze"]),
        (datetime(2027, 1, 2, 22, 59, 59, tzinfo=UTC), ["freeze"]),
        (datetime(2027, 1, 2, 23, 0, tzinfo=UTC), []),
    ],
)
def test_freeze(site: Site, moment: datetime, rules: list[str]) -> None:
    """Oslo is an hour ahead of UTC in winter; a date alone ends at midnight."""
    nodes(site, 2, "60")
    window = {"from": "2026-12-20 18:00", "to": "2027-01-02", "timezone": "Europe/Oslo"}
    site.policy(freeze=[{**window, "why": "holidays"}])
    site.branch()
    assert site.rules(actor="a", now=moment.timestamp()) == []
    site.node("rig-1", {"vm.swappiness": "10"})
    breaches = site.judge(actor="a", now=moment.timestamp()).breaches
    assert [breach.rule for breach in breaches] == rules
    assert all("until 2027-01-02 23:00 UTC: holidays" in each.message for each in breaches)


PROTECTED = ["access_control", "firewall.default_incoming", "require_match"]


@pytest.mark.parametrize(
    "change",
    [
        {"identity": {"access_control": {"ssh": {"root_login": True}}}},
        {"firewall": {"default_incoming": "allow"}},
        {"machine": answers.OTHER},
    ],
    ids=["access_control", "firewall", "require_match"],
)
def test_protected_fields(site: Site, change: dict[str, object]) -> None:
    nodes(site, 2, "60")
    site.policy(
        protected=PROTECTED, owners=[{"fields": ["firewall", "access_control"], "who": ["sec"]}]
    )
    site.branch()
    site.node("rig-1", **change)  # type: ignore[arg-type]
    found = site.judge(actor="joe")
    assert "protected" in [breach.rule for breach in found.breaches]
    by_owner = site.judge(actor="sec").breaches
    assert [breach.rule for breach in by_owner] == (["protected"] if "machine" in change else [])
    assert all("the policy has no owner" in breach.lift for breach in by_owner)


@pytest.mark.parametrize(
    ("field", "before", "after"),
    [
        (
            "sysctl.net.ipv4.ip_forward",
            {"sysctl": {"net/ipv4/ip_forward": "0"}},
            {"sysctl": {"net/ipv4/ip_forward": "1"}},
        ),
        (
            "sysctl.net.ipv4.ip_forward",
            {"sysctl": {"net.ipv4.ip_forward": "0"}},
            {"sysctl": {"net/ipv4/ip_forward": "1"}},
        ),
        (
            "services.ssh.state",
            {"services": [{"name": "ssh.service", "state": "running"}]},
            {"services": [{"name": "ssh.service", "state": "stopped"}]},
        ),
        (
            "sysctl.net",
            {"sysctl": {"vm.swappiness": "1"}},
            {"sysctl": {"vm.swappiness": "1", "net/ipv4/ip_forward": "1"}},
        ),
        (
            "services.ssh.service",
            {"services": [{"name": "ssh.service", "state": "running"}]},
            {"services": [{"name": "ssh", "state": "stopped"}]},
        ),
        (
            "files./etc//sudoers",
            {"files": [{"path": "/etc//sudoers", "mode": "0440"}]},
            {"files": [{"path": "/etc/./sudoers", "mode": "0666"}]},
        ),
    ],
)
def test_another_spelling_gets_round_no_rule(
    site: Site, field: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    site.node("rig-1", **{"sysctl": {}, **before})
    site.policy(protected=[field], owners=[{"fields": [field], "who": ["boss"]}])
    site.branch()
    site.node("rig-1", **{"sysctl": {}, **after})
    assert site.rules(actor="other") == ["owners", "protected"]
    assert site.rules(actor="boss") == []
    assert "it changes a protected field" in [why for _, why in site.judge().risk.reasons]


@pytest.mark.parametrize("how", ["swap", "new", "gone"])
def test_a_machine_cannot_leave_what_is_protected(site: Site, how: str) -> None:
    """Each node keeps its items, and the machine gets another node's."""
    closed: dict[str, Any] = {"firewall": {"enabled": True}}
    site.node("rig-1", machine=answers.MACHINE, **closed)
    if how != "new":
        site.node("rig-2", machine=answers.OTHER)
    site.policy(protected=["firewall"])
    site.branch()
    if how == "gone":
        site.git("rm", "-qr", "node-configs/rig-1")
    else:
        site.node("rig-1", machine=answers.OTHER, **closed)
    site.node("rig-2", machine=answers.MACHINE)
    found = site.judge().breaches
    assert "protected" in [each.rule for each in found]
    assert any("firewall.enabled" in each.message and "rig-2" in each.message for each in found)


def test_what_an_own_section_demands_is_protected_with_it(site: Site) -> None:
    section = {
        "name": "access_control",
        "kind": "section",
        "description": "Ours.",
        "rules": [{"item": {"sysctl": {"kernel.panic": "1"}}, "reason": "a"}],
    }
    site.write("roles/access_control.yaml", repr(section))
    site.node("rig-1", identity={"access_control": {"ssh": {"enabled": True}}})
    site.policy(protected=["access_control"])
    site.branch()
    site.write("roles/access_control.yaml", repr(section).replace("'1'", "'2'"))
    assert site.rules(actor="a") == ["protected"]


def test_a_change_is_judged_by_the_policy_that_it_loosens(site: Site) -> None:
    nodes(site, 3, "60")
    site.policy(max_nodes=1, owners=[{"paths": list(ALL), "who": ["boss"]}])
    site.branch()
    nodes(site, 3, "10")
    site.policy(max_nodes=100, owners=[{"paths": list(ALL), "who": ["joe"]}])
    site.commit()
    assert site.rules(actor="joe") == ["max_nodes", "owners", "policy"]
    assert site.rules(actor="boss") == ["max_nodes"]
    (site.root / "policy.yaml").unlink()
    assert site.rules(actor="joe") == ["max_nodes", "owners", "policy"]


def test_a_change_from_before_the_policy_is_judged_by_todays(site: Site) -> None:
    nodes(site, 3, "60")
    site.branch()
    nodes(site, 3, "10")
    site.commit()
    site.git("checkout", "-q", "main")
    site.policy(max_nodes=1)
    site.commit()
    site.git("checkout", "-q", "change")
    judgement = site.judge(actor="a")
    assert [breach.rule for breach in judgement.breaches] == ["max_nodes"]
    assert [file.path for file in judgement.difference.files] == [
        f"node-configs/rig-{index}/state.yaml" for index in (1, 2, 3)
    ]


def test_a_policy_without_an_owner_is_changed_past_the_gate_alone(site: Site) -> None:
    nodes(site, 1, "60")
    site.policy(max_nodes=1)
    site.branch()
    site.policy(max_nodes=2)
    [breach] = site.judge(actor="a").breaches
    assert breach.rule == "policy"
    assert breach.message == "the policy is changed by a, and has no owner"
    assert breach.lift.startswith("only people who may merge without this check can change it")


def test_a_breach_says_who_owns_the_policy_and_why_an_author_is_not_verified(site: Site) -> None:
    nodes(site, 1, "60")
    site.policy(owners=[{"paths": list(ALL), "who": ["boss"]}])
    site.branch()
    site.policy(max_nodes=2, owners=[{"paths": list(ALL), "who": ["boss"]}])
    [owners, policy] = site.judge(actor="joe").breaches
    assert policy.message == "the policy is changed by joe, and is owned by boss"
    [owners, policy] = site.judge().breaches
    for breach in (owners, policy):
        assert "is changed by an author who is not verified (some of it is not" in breach.message


def test_a_first_policy_is_no_breach(site: Site) -> None:
    nodes(site, 1, "60")
    site.branch()
    site.policy(max_nodes=2)
    judgement = site.judge(actor="a")
    assert judgement.breaches == []
    assert judgement.risk.level.name == "HIGH"


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("node-configs/rig-1", "node-configs/rig-1/state.yaml", True),
        ("node-configs/rig-1/", "node-configs/rig-1/state.yaml", True),
        ("node-configs/rig-1", "node-configs/rig-10/state.yaml", False),
        ("node-configs/rig-*", "node-configs/rig-10/a/b.py", True),
        ("node-configs/*.py", "node-configs/rig-10/a/b.py", True),
        ("node-configs/policy.yaml", "node-configs/policy.yaml", True),
        ("node-configs/Rig-1", "node-configs/rig-1/state.yaml", False),
    ],
)
def test_patterns_of_paths(pattern: str, path: str, expected: bool) -> None:
    assert covers(pattern, path) is expected


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("require_match", "validation.require_match", True),
        ("validation", "validation.require_match", True),
        ("match", "validation.require_match", False),
        ("sysctl.net", "sysctl.net.ipv4.ip_forward.value", True),
        ("sysctl.net", "sysctl.netfilter.value", False),
        ("firewall.default_*", "firewall.default_incoming.default_incoming", True),
        ("services", "services.a\nb.state", True),
    ],
)
def test_patterns_of_fields(pattern: str, path: str, expected: bool) -> None:
    assert touches(pattern, [path]) is expected
