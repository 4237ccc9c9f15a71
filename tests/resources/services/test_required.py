"""Which required units the probe takes for down, by what `systemctl show` says of them."""

import subprocess
from pathlib import Path

import pytest

from power_edge import package_data

SAY = "newline='\n'\nsay() { printf '%s\\n' \"$@\"; }\n"
BODY = SAY + package_data.text("probes/lib/services/required.sh")
WORKED = """Id=a.service
Type=oneshot
RemainAfterExit=no
Result=success
ExecMainCode=1
ExecMainStatus=0
InactiveEnterTimestampMonotonic=5000000
"""
SKIPPED = "Id=b.service\nConditionResult=no\nConditionTimestampMonotonic=7000000\n"
FAILED = "Id=b.service\nConditionResult=yes\nResult=exit-code\n"


def judged(tmp_path: Path, printed: str, status: int = 0) -> list[str]:
    """Return the lines about a.service and b.service, where systemctl prints this."""
    (tmp_path / "printed").write_text(printed)
    tool = tmp_path / "systemctl"
    tool.write_text(f"#!/bin/sh\ncat {tmp_path}/printed\nexit {status}\n")
    tool.chmod(0o755)
    ran = subprocess.run(
        ["sh", "-c", f"{BODY}\nnot_started a.service b.service"],
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout.splitlines()


BOTH_FAILED = ["failed a.service", "failed b.service"]


@pytest.mark.shell
@pytest.mark.parametrize(
    ("printed", "status", "lines"),
    [
        (f"{WORKED}\n{SKIPPED}", 0, ["done a.service 5", "done b.service 7"]),
        (f"{WORKED}\n{FAILED}", 0, ["done a.service 5", "failed b.service"]),
        # An alias is answered by its own name.
        (f"{WORKED}\n{FAILED.replace('b.', 'c.')}", 0, ["done a.service 5", "failed b.service"]),
        (f"{WORKED}\n{SKIPPED}", 1, BOTH_FAILED),
        (WORKED, 0, BOTH_FAILED),
        (WORKED, 1, BOTH_FAILED),
        ("", 0, BOTH_FAILED),
        ("", 1, BOTH_FAILED),
    ],
)
def test_a_unit_that_systemctl_does_not_tell_of_has_failed(
    tmp_path: Path, printed: str, status: int, lines: list[str]
) -> None:
    assert judged(tmp_path, printed, status) == lines
