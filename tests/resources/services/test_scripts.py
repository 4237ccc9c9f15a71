"""Which scripts start a unit that is declared to be down, by the lines that name it."""

import re
import subprocess
from pathlib import Path

import pytest

from power_edge import package_data

BODY = package_data.text("probes/lib/services/next_boot.sh")
SAY = "say() { printf '%s\\n' \"$@\"; }\n"


def wakes(root: Path, place: str, text: str) -> list[str]:
    """Return what is found about nginx.service and a.timer, where this file has this text."""
    found = re.search(r"^started_by_scripts\(\) \{.*?^\}$", BODY, re.MULTILINE | re.DOTALL)
    assert found is not None
    (root / place).parent.mkdir(parents=True)
    (root / place).write_text(f"#!/bin/sh\n{text}\n")
    declared = "nginx.service boot down\na.timer boot down\nssh.service boot up"
    ran = subprocess.run(
        ["sh", "-c", f"{SAY}{found[0]}\ndeclared='{declared}'\nstarted_by_scripts"],
        env={"PATH": "/usr/bin:/bin"},
        stdin=subprocess.DEVNULL,
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout.splitlines()


@pytest.mark.shell
@pytest.mark.parametrize(
    "line",
    [
        "systemctl start nginx",
        "systemctl restart nginx.service",
        "systemctl enable --now nginx",
        "systemctl --now enable nginx",
        "systemctl reload-or-restart nginx",
        "service nginx start",
        "/etc/init.d/nginx restart",
        "/usr/sbin/invoke-rc.d nginx start",
    ],
)
def test_a_line_that_starts_a_unit(tmp_path: Path, line: str) -> None:
    assert wakes(tmp_path, "etc/rc.local", line) == ["wakes /etc/rc.local nginx.service"]


@pytest.mark.shell
@pytest.mark.parametrize(
    "line",
    [
        "systemctl stop nginx",
        "systemctl try-restart nginx",
        "systemctl disable --now nginx",
        "systemctl enable nginx",  # it is up after the boot after the next one
        "# systemctl start nginx",
        "/etc/init.d/nginx reload",
        "systemctl start ssh",
        "systemctl start a",  # a.service
        "apt-get install nginx; start",
    ],
)
def test_a_line_that_starts_no_unit_that_is_to_be_down(tmp_path: Path, line: str) -> None:
    assert wakes(tmp_path, "etc/rc.local", line) == []


@pytest.mark.shell
@pytest.mark.parametrize(
    "place",
    [
        "etc/cron.daily/web",
        "etc/logrotate.d/web",
        "etc/letsencrypt/renewal-hooks/deploy/web",
        "etc/letsencrypt/renewal/example.org.conf",
        "var/spool/cron/crontabs/root",
    ],
)
def test_a_script_that_a_clock_runs(tmp_path: Path, place: str) -> None:
    line = "post_hook = systemctl start a.timer"
    assert wakes(tmp_path, place, line) == [f"wakes /{place} a.timer"]
