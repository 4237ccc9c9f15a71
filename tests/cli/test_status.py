"""`power-edge status`: what a person reads, and what is not a watch."""

import json
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from power_edge import cli
from power_edge.identity.gate import Gate
from power_edge.model import Outcome
from power_edge.watch.outputs import health
from power_edge.watch.outputs.serve import Page, encode
from power_edge.watch.outputs.status import as_json, status
from power_edge.watch.outputs.view import History, View
from tests.support.views import DOWN, NEVER, NOON, OPEN, UP, result, transition, view

DAY = 86400.0
REFUSED = "Connection refused (a watch listens only with --metrics-listen=HOST:PORT)"


def answer(*views: View, started: float = NOON - 3 * DAY, now: float = NOON + 60) -> bytes:
    """A watch's answer."""
    made = status(views, health.judge(views), "2.0.0", started, now)
    return encode(Page(as_json(made), "application/json"), body=True)


@contextmanager
def serving(content: bytes) -> Iterator[tuple[str, list[bytes]]]:
    """The address of a server that gives this answer once, and what it was asked."""
    asked: list[bytes] = []

    def serve() -> None:
        connection, _ = listener.accept()
        with closing(connection):
            asked.append(connection.recv(65536))
            connection.sendall(content)

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        host, port = listener.getsockname()
        yield f"{host}:{port}", asked
        thread.join()


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[int, str, str]:
    """Exit status of the command, and what it printed to stdout and stderr."""
    monkeypatch.setattr(sys, "argv", ["power-edge", "status", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    printed = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, printed.out, printed.err


def shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], content: bytes
) -> tuple[int, str]:
    with serving(content) as (address, _):
        code, out, err = run(monkeypatch, capsys, f"http://{address}")
    assert err == ""
    assert max(map(len, out.splitlines())) <= 80
    return code, out


def test_what_is_wrong_comes_first(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    history = History()
    history.add(transition(Outcome.DRIFT, 0.1, "vm.swappiness"))
    well = view("a", OPEN, result(Outcome.COMPLIANT), sources=[UP])
    wrong = view(
        "b",
        OPEN,
        result(Outcome.UNKNOWN, "kernel.panic"),
        result(Outcome.DRIFT, "vm.swappiness"),
        sources=[UP, NEVER, DOWN],
        overdue=75,
        commit="0123456789abcdef" + "0" * 24,
        history=history,
    )
    gone = view("c", Gate(11, "unreachable: timed out"), result(Outcome.BLOCKED), last_cycle=NOON)
    code, out = shown(monkeypatch, capsys, answer(well, wrong, gone))
    assert code == 11
    assert out == (
        """\
Power Edge 2.0.0 has watched for 3 days: not healthy
  b: the source inotify is down: Too many open files
  b: a check is 75 s overdue

c: 2 blocked
  the gate is shut: unreachable: timed out
  checked 60 seconds ago, all items 2 minutes ago
  configuration loaded 61 minutes ago
  no source of events: all items are checked at intervals

b: 1 drift, 1 unknown, 1 compliant
  drift  sysctl[vm.swappiness] for 60 seconds
    value: 1 expected, 0 observed
  unknown  sysctl[kernel.panic]
    it is unknown
  checked 60 seconds ago, all items 2 minutes ago
  a check is overdue for 75 seconds
  configuration loaded 61 minutes ago, commit 0123456789ab
  audit     not up: this is a container (0 events)
  inotify   down: Too many open files (2 events, 1 lost)
  dbus      up (7 events)

a: 2 compliant
  checked 60 seconds ago, all items 2 minutes ago
  configuration loaded 61 minutes ago
  dbus      up (7 events)
"""
    )


def test_before_the_first_check(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out = shown(monkeypatch, capsys, answer(view("a", None), started=NOON + 59.5))
    assert code == 10
    assert out.startswith(
        "Power Edge 2.0.0 has watched for less than a second: not healthy\n"
        "  a: it has not been checked yet\n\na: no item was checked\n"
    )


def test_a_clock_that_was_set_back(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out = shown(monkeypatch, capsys, answer(view(), now=NOON - 2 * DAY))
    assert "  checked less than a second ago, all items less than a second ago\n" in out


def test_a_gate_with_a_warning_and_a_configuration_with_an_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    warned = Gate(0, "identity not required to match")
    _, out = shown(monkeypatch, capsys, answer(view("a", warned, config_error="state.yaml:3: no")))
    assert (
        "  gate: identity not required to match\n"
        "  checked by an older configuration; the present one: state.yaml:3: no\n"
    ) in out


def test_hundreds_of_drifts(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    drifts = [result(Outcome.DRIFT, f"x{number}") for number in range(300)]
    code, out = shown(monkeypatch, capsys, answer(view("a", OPEN, *drifts)))
    assert (code, out.count("sysctl[")) == (1, 20)
    assert "  and 280 more (/status has all)\n" in out


def test_no_text_is_obeyed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    evil = "\x1b]0;x\x07\n::error::x\r##[group] " + "long " * 100
    views = view("a", Gate(0, evil), result(Outcome.DRIFT, evil), config_error=evil)
    content = answer(views)
    _, out = shown(monkeypatch, capsys, content)
    assert out.replace("\n", "").isprintable()
    assert not [line for line in out.splitlines() if line.lstrip().startswith(("::", "##["))]
    with serving(content) as (address, _):
        code, as_it_is, _ = run(monkeypatch, capsys, address, "--json")
    assert code == 1
    assert as_it_is.replace("\n", "").isprintable()
    assert json.loads(as_it_is)["nodes"]["a"]["gate"]["why"] == evil


@pytest.mark.parametrize("outcome", [Outcome.COMPLIANT, Outcome.DRIFT, Outcome.UNKNOWN])
def test_exit_status(
    outcome: Outcome, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = {Outcome.COMPLIANT: 0, Outcome.DRIFT: 1, Outcome.UNKNOWN: 10}[outcome]
    assert shown(monkeypatch, capsys, answer(view("a", OPEN, result(outcome))))[0] == expected


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ("{}", "/status"),
        ("http://{}", "/status"),
        ("http://{}/", "/status"),
        ("http://{}/status", "/status"),
        ("http://{}/a/", "/a/status"),
    ],
)
def test_urls(
    given: str, asked: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("http_proxy", "http://192.0.2.1:1")
    with serving(answer(view())) as (address, requests):
        assert run(monkeypatch, capsys, given.format(address))[0] == 0
    assert requests[0].startswith(f"GET {asked} HTTP/1.1\r\n".encode())


@pytest.mark.parametrize(
    "url",
    ["ftp://x", "http://", "http://x:y", "http://[::1", "x:99999", "99999", "http:///a", "::1"],
)
def test_what_is_no_url(
    url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(monkeypatch, capsys, url)
    assert (code, out) == (4, "")
    # What could be a password is not shown.
    assert err.splitlines()[-1].startswith(f"Error: {url.replace(':y', ':...')}: ")
    assert err.endswith("write HOST:PORT, or http://HOST:PORT\n")


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("localhost", ("localhost", 9400)),
        ("localhost:", ("localhost", 9400)),
        ("localhost/a", ("localhost", 9400)),
        ("9400", ("127.0.0.1", 9400)),
        (":9401", ("127.0.0.1", 9401)),
        ("rig-1:80", ("rig-1", 80)),
        ("[::1]", ("::1", 9400)),
        ("http://rig-1", ("rig-1", 80)),
        ("https://rig-1", ("rig-1", 443)),
    ],
)
def test_short_forms(
    given: str,
    address: tuple[str, int],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked: list[object] = []

    def refused(address: object, *_: object) -> None:
        asked.append(address)
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket, "create_connection", refused)
    code, _, err = run(monkeypatch, capsys, given)
    assert (code, asked) == (11, [address])
    hint = " (a watch listens on port 9400 by default: rig-1:9400)" if "://" in given else ""
    assert err == f"Error: unreachable: no watch answers at {given}{hint}: {REFUSED}\n"


OK = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "is not a watch of Power Edge: 404 Not Found"),
        (
            b"HTTP/1.1 302 \x1b[2J\r\nLocation: /\r\n\r\n",
            r"is not a watch of Power Edge: 302 \x1b[2J",
        ),
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", "does not speak HTTP: "),
        (b"x" * 100_000 + b"\r\n", "does not speak HTTP: "),
        (b"\x16\x03\x01\xff", "does not speak HTTP: "),
        (OK, "is not a watch of Power Edge: "),
        (OK + b"<html>", "is not a watch of Power Edge: "),
        (OK + b"\xff\xfe", "is not a watch of Power Edge: "),
        (OK + b'{"version": "1"}', "is not a watch of Power Edge: Object missing required field"),
        (OK + b"[" * 100_000, "is not a watch of Power Edge: "),
        (
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html>",
            "is not a watch of Power Edge: it answers with text/html, not with JSON",
        ),
        (OK + b'{"x":' * 100_000, "is not a watch of Power Edge: "),
        (OK + b'{"x":' + b"[" * 100_000, "is not a watch of Power Edge: "),
    ],
)
def test_what_is_no_watch(
    content: bytes,
    why: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with serving(content) as (address, _):
        code, out, err = run(monkeypatch, capsys, f"http://{address}")
    assert (code, out) == (11, "")
    assert err.startswith(f"Error: unreachable: what answers at http://{address} {why}")
    assert err.count("\n") == 1
    assert len(err) < 250


@pytest.mark.parametrize("begun", [b"HTTP/1.1 200 OK\r\nX: ", OK])
def test_an_answer_that_comes_byte_by_byte_has_a_deadline(
    begun: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each byte had a deadline of its own, so a server could hold the command for ever."""
    monkeypatch.setattr("power_edge.cli.status._LONGEST_WAIT", 0.5)

    def drip() -> None:
        connection, _ = listener.accept()
        with closing(connection), suppress(OSError):
            connection.sendall(begun)
            while True:
                connection.sendall(b"x")
                time.sleep(0.01)

    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        thread = threading.Thread(target=drip)
        thread.start()
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        code, out, err = run(monkeypatch, capsys, address)
        thread.join()
    assert (code, out) == (11, "")
    assert err == (
        f"Error: unreachable: what answers at {address} has not ended its answer in 0.5 s\n"
    )


def test_what_is_shown_has_a_limit(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A million problems, and texts of megabytes, took a minute of computing and all of the
    terminal. The JSON has all.
    """
    long = "::a " * 500_000
    many = view("a", Gate(11, long), sources=[UP] * 2000, config_error=long)
    made = status([many], health.Judgement([long] * 2 + ["x"] * 1998), "2.0.0", NOON, NOON)
    code, out = shown(
        monkeypatch, capsys, encode(Page(as_json(made), "application/json"), body=True)
    )
    assert code == 11
    assert len(out) < 20_000
    assert out.count("  and 1980 more (/status has all)\n") == 2


def test_an_answer_that_does_not_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("power_edge.cli.status._LONGEST", 1000)
    with serving(OK + b" " * 1001) as (address, _):
        code, _, err = run(monkeypatch, capsys, address)
    assert (code, err.endswith(" is not a watch of Power Edge: its answer does not end\n")) == (
        11,
        True,
    )


def test_nothing_comes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("power_edge.cli.status._TIMEOUT", 0.2)
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        code, _, err = run(monkeypatch, capsys, address)
    assert (code, err) == (
        11,
        f"Error: unreachable: no watch answers at {address}: nothing came in 0 s\n",
    )


def test_a_connection_that_ends_at_once(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(b"") as (address, _):
        code, _, err = run(monkeypatch, capsys, address)
    assert code == 11
    assert err == (
        f"Error: unreachable: no watch answers at {address}:"
        " Remote end closed connection without response\n"
    )


def test_nothing_answers(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    code, out, err = run(monkeypatch, capsys, f":{port}")
    assert (code, out) == (11, "")
    assert err == f"Error: unreachable: no watch answers at :{port}: {REFUSED}\n"


def test_without_a_url_it_is_the_port_that_a_watch_listens_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from power_edge.cli import status as command
    from power_edge.watch.outputs.listen import HOST, PORT

    def refused(*_: object) -> None:
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr(socket, "create_connection", refused)
    code, _, err = run(monkeypatch, capsys)
    assert (code, command._DEFAULT) == (11, f"http://{HOST}:{PORT}")
    assert f"no watch answers at http://{HOST}:{PORT}: " in err
