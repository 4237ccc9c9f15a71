"""A cause as people and machines read it."""

import json

from power_edge.model import Outcome, Result
from power_edge.watch.causes.cause import Cause, as_json, as_text
from power_edge.watch.outputs.lines import as_event, line
from power_edge.watch.transition import Transition
from tests.support.cases import items_of

(MOTD,) = items_of({"files": [{"path": "/etc/motd", "mode": "0644"}]})
VI = Cause(
    "audit",
    user="stella",
    command="vi /etc/motd",
    via=("sudo vi /etc/motd",),
    unit="session-3.scope",
    terminal="pts/0",
    pid=4711,
    time=1796072981.177,
)


def drift(cause: Cause | None, before: Outcome | None = Outcome.COMPLIANT) -> Transition:
    return Transition(1796072981.5, Result(MOTD, Outcome.DRIFT), before, None, cause)


def test_people_read_who_what_and_where() -> None:
    assert as_text(VI) == "stella: sudo vi /etc/motd (pts/0, session-3.scope, process 4711)"
    assert as_text(VI._replace(via=("su",))) == (
        "stella: su > vi /etc/motd (pts/0, session-3.scope, process 4711)"
    )
    assert as_text(Cause("commit", command="nft", pid=7)) == "nft (process 7)"
    assert as_text(Cause("service", unit="cron.service", pid=7, detail=("result signal",))) == (
        "cron.service, process 7; result signal"
    )
    assert as_text(Cause("package", detail=("Erase: tree-1.8.0-10.el9.x86_64",))) == (
        "Erase: tree-1.8.0-10.el9.x86_64"
    )


def test_the_terminal_shows_the_cause_or_that_there_is_none() -> None:
    assert line(drift(VI)).endswith(f"; cause: {as_text(VI)}")
    assert line(drift(None)).endswith("; not attributed")
    assert "attributed" not in line(drift(None, before=None))


def test_the_outcome_is_told_once() -> None:
    for outcome, why, end in (
        (Outcome.UNKNOWN, "needs root", "unknown   recorded files[/etc/motd] needs root"),
        (Outcome.UNKNOWN, None, "unknown   recorded files[/etc/motd]"),
        (Outcome.BLOCKED, "another machine", "blocked   recorded files[/etc/motd] another machine"),
        (Outcome.COMPLIANT, "a note", "compliant recorded files[/etc/motd]"),
    ):
        transition = drift(None)._replace(result=Result(MOTD, outcome, why=why))
        assert line(transition).partition(" ")[2] == end


def test_the_event_log_has_the_cause_or_null() -> None:
    assert as_event(drift(VI))["cause"] == {
        "kind": "audit",
        "user": "stella",
        "command": "vi /etc/motd",
        "via": ["sudo vi /etc/motd"],
        "unit": "session-3.scope",
        "terminal": "pts/0",
        "pid": 4711,
        "time": "2026-11-30T21:09:41.177+00:00",
        "detail": [],
    }
    assert as_event(drift(None))["cause"] is None


def test_a_strangers_text_is_printable_and_bounded() -> None:
    nasty = "\x1b[2J\n::error::x\u202e\udcff" + "A" * 10_000
    hostile = Cause(
        nasty[:0] + "audit",
        user=nasty,
        command=nasty,
        via=(nasty,) * 100,
        unit=nasty,
        terminal=nasty,
        pid=1,
        time=1.0,
        detail=(nasty,) * 100,
    )
    text = line(drift(hostile))
    assert text.isprintable()
    assert "::error::" not in text
    assert len(text) < 3000
    encoded = json.dumps(as_json(hostile), ensure_ascii=False)
    assert len(encoded.encode()) < 6000
    assert encoded.isprintable()
