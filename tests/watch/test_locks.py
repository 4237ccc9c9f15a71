"""A lock that another process holds."""

import subprocess
import sys
from pathlib import Path

import pytest

from power_edge.watch.locks import busy, locked
from tests.support.cases import items_of

HOLD = """
import fcntl, sys
file = open(sys.argv[1], sys.argv[2])
fcntl.lockf(file, fcntl.LOCK_EX if "+" in sys.argv[2] else fcntl.LOCK_SH)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.shell
@pytest.mark.parametrize(("mode", "counts"), [("r+", True), ("r", False)], ids=["write", "read"])
def test_a_lock_of_another_process_is_seen_and_left_alone(
    tmp_path: Path, mode: str, counts: bool
) -> None:
    """A read lock takes no right to write: anybody could hold it."""
    file = tmp_path / "lock"
    assert not locked(str(file))
    file.touch()
    assert not locked(str(file))
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(file), mode], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert locked(str(file)) is counts
        assert locked(str(file)) is counts
    assert not locked(str(file))


def test_an_item_without_locks_is_never_busy() -> None:
    (motd,) = items_of({"files": [{"path": "/etc/motd", "mode": "0644"}]})
    assert not busy(motd)
