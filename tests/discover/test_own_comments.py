"""The comments of a discovery are replaced where they are."""

import pytest

from power_edge.discover.own_comments import not_observed, refreshed
from power_edge.yaml_edit.writer import Paragraph

OLD = "# services not observed: System has not been booted with systemd as\n#   init system"


def state(comment: str, services: str = "") -> str:
    """A file as a discovery writes it, with a comment where the section of services would be."""
    parts = ['version: "1.0"', "# ours", comment, services, 'sysctl:\n  vm.swappiness: "60"']
    return "\n\n".join(filter(None, parts)) + "\n"


def about(*comments: str, entries: object = ()) -> Paragraph:
    return Paragraph("services", entries, (), comments)


@pytest.mark.parametrize("new", ["services not observed: no bus", "services left out: cron: own"])
def test_a_comment_stays_where_it_is(new: str) -> None:
    assert refreshed(state(OLD), [about(new)]) == state(f"# {new}")


def test_the_same_comment_changes_nothing() -> None:
    new = about("services not observed: no bus")
    once = refreshed(state(OLD), [new])
    assert refreshed(once, [new]) == once


def test_a_comment_that_is_no_longer_true_leaves_no_gap() -> None:
    assert refreshed(state(OLD), [about()]) == state("")


def test_a_comment_goes_to_its_section_if_there_is_one_now() -> None:
    services = "services:\n- {name: cron, state: running}"
    found = refreshed(state(OLD, services), [about("services left out: ssh: own")])
    assert found == state("", f"{services}\n# services left out: ssh: own")


def test_a_comment_is_added_once_at_the_end() -> None:
    new = about("services not observed: no bus")
    once = refreshed(state(""), [new])
    assert once == state("") + "\n# services not observed: no bus\n"
    assert refreshed(once, [new]) == once


def test_why_a_section_was_not_observed() -> None:
    assert not_observed(state(OLD), "services") == (
        "System has not been booted with systemd as init system"
    )
    several = "# services left out: cron: own\r\n# services not observed: no bus\r\n# ours"
    assert not_observed(several, "services") == "no bus"


@pytest.mark.parametrize(
    "text", ["", "# services left out: cron: own", "# x services not observed: y", f"  {OLD}"]
)
def test_no_reason_is_made_up(text: str) -> None:
    assert not_observed(text, "services") is None
    assert not_observed(f"{OLD}\n{text}", "firewall") is None


def test_what_is_written_is_read_again() -> None:
    why = "no bus " * 40 + "and no more"
    assert (
        not_observed(refreshed(state(""), [about(f"services not observed: {why}")]), "services")
        == why
    )
