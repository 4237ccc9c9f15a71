"""What is declared of a part of a file: `contains` and `matches`."""

import os
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from power_edge.checking.evaluate import judge
from power_edge.config import ConfigError, load_state
from power_edge.model import Outcome, Result
from power_edge.model.generated.resources.files_schema import File as Declared
from power_edge.resources.files import RESOURCE, ask, lines, parse
from tests.support.items import item_of
from tests.support.scripts import probe_output
from tests.support.shells import each_shell

TEXT = "Port 22\nPermitRootLogin no\n\tX11Forwarding no\n"


def sent(content: bytes, *, path: str = "/f", mode: str = "81a4", size: int | None = None) -> bytes:
    length = len(content) if size is None else size
    return (
        f"seen {path} {mode}:0:0:{length}:root:root\ntext {path} ={b64encode(content).decode()}\n"
    ).encode()


def judged(section: bytes, path: str = "/f", **declared: Any) -> Result:
    item = Declared(path=path, **declared)
    return judge(RESOURCE, item_of(RESOURCE, path, item), parse(section))


@pytest.mark.parametrize(
    ("text", "block", "has"),
    [
        (TEXT, "Port 22", True),
        (TEXT, "Port 22\n", True),
        (TEXT, "Port 22\nPermitRootLogin no", True),
        (TEXT, "\tX11Forwarding no", True),
        (TEXT, "Port 2", False),
        (TEXT, "ort 22", False),
        (TEXT, "X11Forwarding no", False),
        (TEXT, "Port 22\n\tX11Forwarding no", False),
        (TEXT, "Port 22\n\nPermitRootLogin no", False),
        ("a", "a", True),
        ("a\n", "a\n\n", False),
        ("a\n\n", "a\n\n", True),
        ("a\r\n", "a", False),
        ("a\r\n", "a\r", True),
        ("", "a", False),
    ],
)
def test_a_block_is_of_whole_lines(text: str, block: str, has: bool) -> None:
    assert lines.contains(text, block) is has


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        (r"^PermitRootLogin\s+no$", True),
        ("RootLogin", True),
        (r"^Port 22$", True),
        (r"^PermitRootLogin\s+yes$", False),
        (r"(?s)22.Permit", False),
        (r"22\s+Permit", False),
        (r"\APermitRootLogin", True),
        ("(?i)permitrootlogin", True),
        ("^$", False),
    ],
)
def test_an_expression_is_searched_in_each_line(pattern: str, found: bool) -> None:
    assert lines.matches(TEXT, pattern) is found


def test_parts_of_a_file() -> None:
    section = sent(TEXT.encode())
    result = judged(section, contains="Port 22", matches="^Permit")
    assert result.outcome is Outcome.COMPLIANT
    result = judged(section, contains="Port 23", matches="^Deny")
    assert [(each.field, each.outcome.value, each.actual) for each in result.findings[1:]] == [
        ("contains", "drift", "not in the file"),
        ("matches", "drift", "not in the file"),
    ]
    assert result.remedy.advice == (
        "only a part of its content is declared: change it by hand, where that part belongs"
    )


def test_an_empty_file_has_one_empty_line() -> None:
    result = judged(sent(b""), contains="X", matches=".")
    assert {each.field: each.outcome.value for each in result.findings[1:]} == {
        "contains": "drift",
        "matches": "drift",
    }
    assert judged(sent(b""), matches="^$").outcome is Outcome.COMPLIANT


@pytest.mark.parametrize(
    ("section", "actual"),
    [
        (sent(TEXT.encode()), "Port 22"),
        (sent(b"Port 23\n"), "not in the file"),
        (b"seen /f 41ed:0:0:0:root:root\n", "directory"),
    ],
)
def test_what_is_shown_of_a_part(section: bytes, actual: str) -> None:
    found = judged(section, contains="Port 22").findings[1]
    assert (found.field, found.expected, found.actual) == ("contains", "Port 22", actual)


@pytest.mark.parametrize(
    ("content", "declared", "why"),
    [
        (b"Port 22\r\nX no\r\n", {"contains": "Port 22"}, "without the CR at the end of lines"),
        (b"Port 22\r\nX no\r\n", {"contains": "Port 22\nX no\n"}, "without the CR"),
        (b"Port 22\r\n", {"matches": "^Port 22$"}, "without the CR at the end of lines"),
        (b"\xef\xbb\xbfPort 22\n", {"contains": "Port 22"}, "without the byte order mark (BOM)"),
        (b"\xef\xbb\xbfPort 22\n", {"matches": "^Port"}, "without the byte order mark (BOM)"),
        (b"\xef\xbb\xbfPort 22\r\n", {"contains": "Port 22"}, "(BOM) at the beginning, and the CR"),
        (b"Port 22 \t\n", {"contains": "Port 22"}, "without the blanks at the end of lines"),
        (b"Port 22\n", {"contains": "Port 23"}, None),
        (b"Port 22\r\n", {"contains": "Port 23"}, None),
    ],
)
def test_what_no_editor_shows_is_named(
    content: bytes, declared: dict[str, str], why: str | None
) -> None:
    result = judged(sent(content), **declared)
    assert result.outcome is Outcome.DRIFT
    assert result.why is None if why is None else why in str(result.why)


def test_a_declared_return_is_found() -> None:
    assert judged(sent(b"x\r\n"), contains="x\r").outcome is Outcome.COMPLIANT


def test_no_finding_holds_the_content() -> None:
    result = judged(sent(TEXT.encode()), contains="Port 23", matches="x")
    assert "X11" not in repr((result.findings, result.why, result.remedy))


@pytest.mark.parametrize(
    ("section", "path", "reason"),
    [
        (b"seen /f 81a4:0:0:9:root:root\n", "/f", "was not sent whole"),
        (b"seen /f 81a4:0:0:262145:root:root\n", "/f", "262145 bytes, and at most 262144"),
        (b"seen /f 81a4:0:0:9:root:root\ndark /f Permission denied\n", "/f", "Permission denied"),
        (sent(b"x\n", size=3), "/f", "was not sent whole"),
        (sent(b"x\n\0"), "/f", "it has a NUL"),
        (sent(b"x\n\0", path="/proc/x", size=0), "/proc/x", "was not read to its end"),
        (sent(b"", path="/proc/x", size=0), "/proc/x", "was not sent whole"),
        (sent(b"x\n" * 140000), "/f", "280000 bytes, and at most 262144"),
        (sent(b"x\n" * 140000, path="/proc/x", size=0), "/proc/x", "was not sent whole"),
        (sent(b"\nx\ncaf\xe9\n"), "/f", "it is not UTF-8 (line 3; Latin-1?)"),
        (sent(b"x\ncaf\xc3", size=9), "/f", "was not sent whole"),
        (sent(b"x\n", path="/etc/shadow"), "/etc/shadow", "a secret by discovery's rules"),
        (sent(b"x\npassword = y\n"), "/f", "a secret by discovery's rules"),
        (sent(b"x\n") + b"link /f /etc/shadow\n", "/f", "a secret by discovery's rules"),
    ],
)
def test_what_is_not_known_is_unknown(section: bytes, path: str, reason: str) -> None:
    result = judged(section, path, contains="x", matches="x")
    outcomes = {each.field: each.outcome.value for each in result.findings}
    assert outcomes == {"type": "compliant", "contains": "unknown", "matches": "unknown"}
    assert reason in str(result.why)


def test_a_secret_is_not_shown() -> None:
    result = judged(sent(b"password = y\n"), contains="password = y")
    (finding,) = (each for each in result.findings if each.field == "contains")
    assert (finding.outcome, finding.expected, finding.secret) == (Outcome.UNKNOWN, "equal", True)


def test_a_rule_of_sudo_is_no_secret() -> None:
    for path, outcome in (("/etc/sudoers.d/x", Outcome.COMPLIANT), ("/etc/x", Outcome.UNKNOWN)):
        section = sent(b"password = y\n", path=path)
        assert judged(section, path, contains="password = y").outcome is outcome


def test_a_file_of_the_kernel_has_no_true_size() -> None:
    for path, size in (("/proc/x", 0), ("/sys/x", 4096), ("/proc/x", 2)):
        section = sent(b"x\n", path=path, size=size)
        assert judged(section, path, contains="x").outcome is Outcome.COMPLIANT
    for content in (b"x", b"x\n" * 131072):
        section = sent(content, path="/proc/x", size=0)
        assert judged(section, "/proc/x", contains="x").outcome is Outcome.COMPLIANT
    for path, size in (("/proc/x", 1), ("/sys/x", 4095), ("/x/proc/x", 0), ("/x", 4096)):
        section = sent(b"x\n", path=path, size=size)
        assert judged(section, path, contains="x").outcome is Outcome.UNKNOWN


def test_what_is_no_file_has_no_lines() -> None:
    result = judged(b"seen /f 41ed:0:0:0:root:root\n", contains="x", matches="x")
    assert {each.outcome.value for each in result.findings} == {"drift"}


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ("path: /a, contains: ' '", "files[0].contains: it is empty or blank"),
        ("path: /a, contains: ''", "write a line that the file must have"),
        ("path: /a, matches: ''", "files[0].matches must not be empty"),
        (f"path: /a, matches: {'a' * 1001}", "files[0].matches is longer than 1000 characters"),
        ("path: /a, contains: a, content: a", "the whole content is declared already"),
        (f"path: /a, matches: a, sha256: {'a' * 64}", "the whole content is declared already"),
        ("path: /a, contains: a, state: absent", "contains needs a regular file"),
        ("path: /a, matches: (a", "matches: RE2 cannot compile it (missing ))"),
        ("path: /a, matches: '(?=secret)'", "matches: RE2 cannot compile it (invalid perl"),
        (r"path: /a, matches: '(a)\1'", "matches: RE2 cannot compile it (invalid escape sequence)"),
        ("path: /a, matches: '((a{1,30}){30}b){30}'", "matches: "),
        (f"path: /a, matches: '{'(a?){1000}'}'", "matches: it is too large"),
        ("path: /a, matches: 'x*'", "matches: it is found in any line"),
        ("path: /a, matches: 'Port 22|'", "matches: it is found in any line"),
        ("path: /a, matches: '^.*$'", "matches: it is found in any line"),
    ],
)
def test_what_is_refused(item: str, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        load_state(f'version: "1.0"\nfiles:\n- {{{item}}}\n'.encode(), "state.yaml", "n")
    assert str(raised.value).startswith("state.yaml:3:")
    assert message in str(raised.value)
    assert "secret" not in str(raised.value)


@each_shell()
def test_the_probe(shell: list[str], tmp_path: Path) -> None:
    files = {
        "plain": b"a\nb\n",
        "big": b"x\n" * 131073,
        "just": b"x\n" * 131072,
        "key.key": b"x\n",
        "lines": b"x\npassword = y\n",
        "binary": b"x\n\0\n",
        "empty": b"",
        "new\nline": b"x\n",
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "link").symlink_to("key.key")
    os.mkfifo(tmp_path / "fifo")
    wanted = {
        "plain": ("b", "compliant"),
        "big": ("x", "unknown"),
        "just": ("x", "compliant"),
        "key.key": ("x", "unknown"),
        "lines": ("x", "unknown"),
        "link": ("x", "unknown"),
        "binary": ("x", "unknown"),
        "empty": ("x", "drift"),
        "new\nline": ("x", "compliant"),
        "fifo": ("x", "drift"),
        "no": ("x", "drift"),
    }
    items = [
        *(Declared(path=f"{tmp_path}/{name}", contains=each) for name, (each, _) in wanted.items()),
        Declared(path="/proc/version", matches="^Linux version "),
    ]
    printed = probe_output(shell, "files", ask(items))
    assert b64encode(b"password")[:8] not in printed
    observed = parse(printed)
    outcomes = [
        judge(RESOURCE, item_of(RESOURCE, item.path, item), observed).outcome.value
        for item in items
    ]
    assert outcomes == [*(outcome for _, outcome in wanted.values()), "compliant"]


@each_shell("dash")
def test_what_was_read_in_part_is_unknown(shell: list[str], tmp_path: Path) -> None:
    head = tmp_path / "head"
    head.write_text("#!/bin/sh\necho 'Linux version 1'\nexit 1\n")
    head.chmod(0o755)
    item = Declared(path="/proc/version", matches="^Linux version ")
    printed = probe_output(shell, "files", ask([item]), tools=tmp_path)
    observed = parse(printed)
    found = judge(RESOURCE, item_of(RESOURCE, item.path, item), observed)
    assert (found.outcome, b"text /proc/version" in printed) == (Outcome.UNKNOWN, True)
