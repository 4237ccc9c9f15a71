"""How long an item waits after an event about it."""

import pytest

from power_edge.model import Item
from power_edge.watch.debounce import Due, key_of
from power_edge.watch.event import Event, Kind, Subject
from tests.watch.fakes import event, item

A, B = item("/a"), item("/b")


def taken(due: Due, now: float, most: int | None = None) -> list[str]:
    return [name for _, name in due.take(now, most)]


def test_an_item_is_due_after_a_time_without_events_about_it() -> None:
    due = Due({"files": 2.0})
    due.add([A], event("/a"), 10.0)
    due.add([B], event("/b"), 11.0)
    due.add([A], event("/a"), 11.5)
    assert due.next() == 13.0
    assert taken(due, 12.9) == []
    assert taken(due, 13.0) == ["/b"]
    assert taken(due, 13.5) == ["/a"]
    assert due.next() is None


def test_events_that_never_stop_do_not_put_it_off_for_ever() -> None:
    due = Due({"files": 1.0})
    for moment in range(100):
        due.add([A], event("/a"), moment / 2)
    assert due.next() == 10.0


def test_the_first_event_counts() -> None:
    due = Due({"files": 1.0})
    due.add([A], event("/a", 1.0), 0.0)
    due.add([A], event("/a", 2.0), 0.5)
    ((_, first),) = due.take(9.0).values()
    assert first == event("/a", 1.0)


UNIT = Subject(Kind.UNIT, "a.service")


def test_a_type_without_a_quiet_time_is_due_at_once() -> None:
    due = Due({})
    due.add([A], Event("played", UNIT, 1.0), 7.0)
    assert taken(due, 7.0) == ["/a"]


@pytest.mark.parametrize("first", [Event("played", UNIT, 1.0, passing=0.2), event("/a")])
def test_what_another_event_follows_waits_for_it_a_moment(first: Event) -> None:
    """systemd stops a unit, or is about to read the file that was written."""
    due = Due({})
    due.add([A], first, 7.0)
    assert (taken(due, 7.19), taken(due, 7.2)) == ([], ["/a"])
    due.add([A], first, 8.0)
    due.add([A], Event("played", UNIT, 2.0), 8.01)
    assert due.take(8.01) == {key_of(A): (A, first)}
    due = Due({"files": 0.05})
    due.add([A], first, 7.0)
    assert taken(due, 7.05) == ["/a"]
    due = Due({}, debounce=0.0)
    due.add([A], first, 7.0)
    assert taken(due, 7.0) == ["/a"]


def test_a_configured_time_holds_for_all_types() -> None:
    due = Due({"files": 1.0}, debounce=5.0)
    due.add([A], event("/a"), 0.0)
    assert due.next() == 5.0
    assert Due({"files": 1.0}, debounce=0.0).next() is None


def test_only_so_many_are_taken() -> None:
    due = Due({})
    due.add([A, B], event("/a"), 0.0)
    assert [taken(due, 1.0, 1), taken(due, 1.0, 1), taken(due, 1.0, 1)] == [["/a"], ["/b"], []]


def test_a_full_check_takes_all() -> None:
    due = Due({})
    due.add([A], event("/a", 1.0), 0.0)
    due.add([A], event("/a", 2.0), 0.0)
    due.again(B, 5.0)
    assert due.take_all() == {key_of(A): event("/a", 1.0), key_of(B): None}
    assert due.next() is None


def test_what_a_tool_is_changing_waits_for_its_end() -> None:
    locked = {"/a"}
    due = Due({"files": 1.0}, busy=lambda item: item.name in locked)
    due.add([A, B], event("/a"), 0.0)
    assert taken(due, 1.0) == ["/b"]
    later = due.next()
    assert later is not None
    assert later > 1.0
    locked.clear()
    # What it wrote last may be on its way.
    assert taken(due, later) == []
    assert taken(due, later + 1.0) == ["/a"]


def test_a_tool_that_does_not_end_is_not_waited_for_for_ever() -> None:
    due = Due({"files": 1.0}, busy=lambda _: True)
    due.add([A], event("/a"), 0.0)
    moments = range(1, 10_000)
    found = next(moment for moment in moments if taken(due, float(moment)))
    assert found == 121


FOLDER = event("/etc/systemd/system")
RELOADS, RELOADED = (
    Event("played", Subject(Kind.TOPIC, "unit-files"), 1.0, passing=seconds) for seconds in (1, 0)
)


def test_what_an_event_names_is_due_first_and_the_others_soon_after() -> None:
    due = Due({})
    due.add([A, B], FOLDER, 7.0, named=[A])
    due.add([A, B], RELOADS, 7.1)
    assert taken(due, 7.9) == []
    due.add([A, B], RELOADED, 8.0)
    assert taken(due, 8.0) == ["/a"]
    assert due.next() == 8.5
    assert taken(due, 8.5) == ["/b"]
    due.add([A, B], RELOADED, 9.0)
    assert taken(due, 9.0) == ["/a", "/b"]  # the name has been used up


def test_a_file_waits_for_no_unit_that_an_event_about_its_folder_names() -> None:
    unit = Item("a", "services", "cron", "cron", None, {}, ())
    due = Due({"files": 0.05})
    due.add([unit, B], FOLDER, 7.0, named=[unit])
    assert taken(due, 7.05) == ["/b"]
    assert taken(due, 7.2) == ["cron"]


def test_those_that_were_named_are_taken_first_however_long_a_check_took() -> None:
    due = Due({})
    due.add([A, B], FOLDER, 7.0, named=[A])
    due.add([A, B], RELOADED, 7.1)
    assert taken(due, 9.0) == ["/a"]
    # The next change comes as soon as this one is seen.
    due.checked(9.8)
    assert due.next() == 10.3
    due.add([A, B], FOLDER, 9.9, named=[A])
    assert taken(due, 10.3) == ["/a"]
    due.checked(10.4)
    assert taken(due, 10.9) == ["/b"]
    due.checked(11.4)
    assert due.next() is None


def test_changes_that_never_stop_put_the_others_off_for_some_seconds_only() -> None:
    due = Due({})
    now = 0.0
    while not (others := [name for name in taken(due, now) if name == "/b"]):
        assert now < 10
        due.add([A, B], FOLDER, now, named=[A])
        due.add([A, B], RELOADED, now + 0.1)
        due.take(now + 0.1)
        due.checked(now + 0.2)
        now += 0.3
    assert others


def test_a_named_unit_that_never_rests_puts_the_others_off_for_some_seconds_only() -> None:
    due = Due({})
    due.add([A, B], FOLDER, 0.0, named=[A])
    now = 0.0
    while "/b" not in taken(due, now):
        assert now < 10
        due.checked(now)
        now += 0.1
        due.add([A], Event("played", UNIT, 1.0), now)


def test_an_item_s_own_event_does_not_wait_for_those_that_were_named() -> None:
    due = Due({})
    due.add([A, B], FOLDER, 7.0, named=[A])
    due.add([B], Event("played", UNIT, 1.0), 7.1)
    assert taken(due, 7.1) == ["/b"]
    assert taken(due, 7.2) == ["/a"]


def test_a_reload_puts_off_what_has_changed_by_itself_no_longer_than_to_its_end() -> None:
    due = Due({})
    due.add([B], Event("played", UNIT, 1.0), 7.0)
    due.add([A, B], RELOADS, 7.0)
    due.add([A, B], RELOADED, 7.1)
    assert taken(due, 7.1) == ["/b"]
    assert taken(due, 7.6) == ["/a"]


def test_reloads_that_never_stop_put_nothing_off_for_ever() -> None:
    due = Due({})
    found: dict[str, float] = {}
    for tick in range(200):
        now = tick / 10
        due.add([A, B], FOLDER, now, named=[A])
        due.add([A, B], RELOADS, now)
        for name in taken(due, now):
            found.setdefault(name, now)
    assert found["/a"] <= 10
    assert found["/b"] <= 10


def test_a_hint_that_comes_late_does_not_end_the_wait_for_a_reload() -> None:
    due = Due({})
    due.add([A], RELOADS, 7.0)
    due.add([A], FOLDER, 7.1)
    assert due.next() == 8.0


def test_with_a_configured_time_all_are_due_together() -> None:
    due = Due({}, debounce=1.0)
    due.add([A, B], FOLDER, 7.0, named=[A])
    assert taken(due, 8.0) == ["/a", "/b"]
