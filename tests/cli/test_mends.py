"""`power-edge mends`, with an answer made by hand in place of a node."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from power_edge.cli import main
from power_edge.probing.failure import Unreachable
from power_edge.probing.framing import read
from tests.support import answers
from tests.support.project import identity_of

STATE = """\
version: "1.0"
metadata: {site: x, environment: development}
sysctl: {vm.swappiness: "60", kernel.panic: "10"}
"""


@pytest.fixture(autouse=True)
def rig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "node-configs" / "rig"
    folder.mkdir(parents=True)
    (folder / "state.yaml").write_text(STATE)
    (folder / "system-identity.yaml").write_text(yaml.safe_dump(identity_of(answers.MACHINE)))
    monkeypatch.chdir(tmp_path)


def mends(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: bytes | None
) -> tuple[int, str, str]:
    """Status, stdout and stderr of `mends rig`; None: the node does not answer."""

    def reply() -> object:
        if answer is None:
            raise Unreachable("no route")
        return read(answer)

    pending = SimpleNamespace(answer=reply, limit=1.0, is_done_within=lambda _: True)
    monkeypatch.setattr("power_edge.checking.check.start", lambda _: {"rig": pending})
    monkeypatch.setattr("sys.argv", ["power-edge", "mends", "rig"])
    with pytest.raises(SystemExit) as ended:
        main()
    out, err = capsys.readouterr()
    return int(str(ended.value.code or 0)), out, err


def test_the_script(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    values = {"vm.swappiness": "10", "kernel.panic": "10"}
    answer = answers.answer("rig", {"sysctl.0": answers.sysctl(values)})
    status, out, err = mends(monkeypatch, capsys, answer)
    assert (status, err) == (0, "")
    assert out.startswith("#!/bin/sh\n")
    assert "\t# sysctl[vm.swappiness] value: 60 -> 10\n\tsysctl -w vm.swappiness=60\n" in out
    assert "kernel.panic" not in out


@pytest.mark.parametrize(
    ("answer", "expected"),
    [(None, 11), (answers.answer("rig", {}, machine=answers.OTHER, gate="wrong"), 12)],
    ids=["unreachable", "another machine"],
)
def test_a_shut_gate_gives_no_script(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    answer: bytes | None,
    expected: int,
) -> None:
    status, out, err = mends(monkeypatch, capsys, answer)
    assert (status, out) == (expected, "")
    assert err.startswith("Error: ")
    assert err.endswith("; there is no script\n")
    assert err.count("\n") == 1


def test_what_is_unknown_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = answers.answer("rig", {"sysctl.0": (1, b"", "no way")})
    status, out, _ = mends(monkeypatch, capsys, answer)
    assert status == 0
    assert "# sysctl[kernel.panic] unknown: no way" in out
    assert "# No drift was found." in out
