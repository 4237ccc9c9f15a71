"""`make record` on lab nodes: a case of each type is recorded once more, and leads to its verdicts."""

import shutil
from pathlib import Path

import pytest

from tests.support.cases import RECORDINGS, load
from tests.support.lab import record
from tests.support.lab.nodes import Lab
from tests.support.lab.recorded import recorded

pytestmark = pytest.mark.lab

SAMPLE = (
    "services/masked",
    "sysctl/tabs-port-range",
    "packages/latest-newer-candidate",
    "files/unreadable-as-user",
    "ufw/basic-22-tcp",
)


@pytest.mark.parametrize("name", SAMPLE)
def test_a_case_of_each_type(lab: Lab, tmp_path: Path, name: str) -> None:
    recording = record.record(lab, recorded(*name.split("/")), tmp_path)
    assert recording.mistakes == ()
    assert recording.result.startswith(("same", "changed"))


def test_what_changed_is_written_and_what_is_wrong_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(record, "RECORDINGS", tmp_path)
    place = tmp_path / "files" / "fifo"
    shutil.copytree(RECORDINGS / "files" / "fifo", place)
    right = (place / "section").read_text()
    (place / "section").write_text(right.replace(" 11a4:", " 81a4:"))
    status = record.main(["files/*", "--into", str(tmp_path)])
    assert (status, capsys.readouterr().out) == (0, "files/fifo: changed (+1 -1 lines)\n")
    assert (place / "section").read_text() == right

    expect = (place / "expect.yaml").read_text()
    (place / "expect.yaml").write_text(expect.replace("verdict: fail", "verdict: unknown"))
    assert record.main(["files/fifo", "--into", str(tmp_path)]) == 1
    assert "files/fifo: same\n    verdict 1 of expect.yaml: fail, not unknown" in (
        capsys.readouterr().out
    )


def test_a_state_that_cannot_be_made(lab: Lab, tmp_path: Path) -> None:
    shutil.copytree(RECORDINGS / "files" / "setuid", tmp_path / "files" / "setuid")
    (tmp_path / "files" / "setuid" / "setup.sh").write_text("echo no more >&2; exit 3\n")
    case = load(tmp_path / "files" / "setuid" / "expect.yaml")
    recording = record.record(lab, case, tmp_path)
    assert recording.result == "not possible"
    assert "ended with 3" in recording.mistakes[0]
