"""The probe's comparison of apt's lists with their Release files."""

import re
import subprocess
from pathlib import Path

import pytest

from power_edge import package_data

pytestmark = pytest.mark.shell

FUNCTION = re.compile(r"^wrong_lists\(\) \{.*?^\}$", re.MULTILINE | re.DOTALL)


def wrong_lists(folder: Path, sizes: str) -> list[str]:
    found = FUNCTION.search(package_data.text("probes/resources/packages.sh"))
    assert found is not None
    done = subprocess.run(
        ["/bin/sh", "-c", f'{found[0]}\nwrong_lists "$1"/*Release', "pe", str(folder)],
        env={"PATH": "/usr/bin:/bin", "SIZES": sizes, "ABSENT": ""},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.split("\n")[:-1]


def test_a_release_file_that_cannot_be_read_hides_no_other(tmp_path: Path) -> None:
    (tmp_path / "a_Release").symlink_to("gone")
    (tmp_path / "b_Release").write_text(" 0123 100 main/binary-amd64/Packages\n")
    (tmp_path / "c_Release").touch()
    (tmp_path / "d_Release").mkdir()  # root may read every file
    name = "b_main_binary-amd64_Packages"
    unread = ["cut c_Release", "cut d_Release"]
    assert wrong_lists(tmp_path, f"5 {name}") == [*unread, f"cut {name}"]
    assert wrong_lists(tmp_path, f"100 {name}") == unread


def test_no_release_file_at_all(tmp_path: Path) -> None:
    assert wrong_lists(tmp_path, "") == []
