"""Which items an event can have changed, and which of them it names."""

import pytest

from power_edge.watch.affected import Affected, units_named
from power_edge.watch.event import Event, Kind, Subject
from tests.support.cases import items_of

FOLDER = "/etc/systemd/system"


@pytest.mark.parametrize(
    ("path", "units"),
    [
        (f"{FOLDER}/a.service", {"a.service"}),
        (f"{FOLDER}/multi-user.target.wants/a.service", {"multi-user.target", "a.service"}),
        (f"{FOLDER}/a.service.d/b.conf", {"a.service"}),
        (f"{FOLDER}/a.service.d", {"a.service"}),
        (f"{FOLDER}/a@1.service.requires/b.socket", {"a@1.service", "b.socket"}),
        (f"{FOLDER}/a.services", set()),
        (f"{FOLDER}/a.service\n", set()),
        (f"{FOLDER}/.service", set()),
        ("/etc/fstab", set()),
        ("", set()),
    ],
)
def test_files_name_units(path: str, units: set[str]) -> None:
    assert units_named([path]) == units


def test_an_event_names_some_of_the_items_that_it_can_have_changed() -> None:
    services = [{"name": name, "enabled": True} for name in ("a", "b", "c.socket")]
    file = {"path": f"{FOLDER}/a.service", "mode": "0644"}
    affected = Affected(items_of({"services": services, "files": [file]}), "debian")
    entries = frozenset([f"{FOLDER}/x.target.wants/a.service", f"{FOLDER}/c.socket", "/z.service"])
    event = Event("played", Subject(Kind.PATH, FOLDER), 1.0, entries=entries)
    assert {item.name for item in affected.by(event.subject)} == {"a", "b", "c.socket"}
    assert {item.name for item in affected.named(event)} == {"a", "c.socket"}
    assert affected.named(event._replace(entries=frozenset())) == ()
    assert affected.named(event._replace(subject=Subject(Kind.PATH, "/not/watched"))) == ()
