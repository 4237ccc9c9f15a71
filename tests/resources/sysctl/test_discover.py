"""Kernel parameters that files set: which file counts, and which one has the last word
(sysctl.d(5)).
"""

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.shells import each_shell
from tests.support.trees import dpkg, lines, run, write

pytestmark = pytest.mark.shell

KEY = "vm/swappiness"


def found(
    tree: Path, files: Mapping[str, str], now: str = "10", shell: list[str] | None = None
) -> dict[str, str]:
    write(tree, {"proc/sys/vm/swappiness": f"{now}\n", **files})
    return lines(run("sysctl", tree, shell=shell or ["sh"]))


SETS = "vm.swappiness = 10\n"


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"etc/sysctl.d/a.conf": SETS}, "/etc/sysctl.d/a.conf sets it"),
        ({"run/sysctl.d/a.conf": SETS}, "/run/sysctl.d/a.conf sets it"),
        ({"usr/local/lib/sysctl.d/a.conf": SETS}, "/usr/local/lib/sysctl.d/a.conf sets it"),
        ({"usr/lib/sysctl.d/a.conf": SETS}, None),
        ({"lib/sysctl.d/a.conf": SETS}, None),
        ({"etc/sysctl.d/.a.conf": SETS}, None),
        ({"etc/sysctl.d/a.config": SETS}, None),
        # The first folder's file of a name counts alone, and an empty one masks.
        (
            {"etc/sysctl.d/a.conf": SETS, "run/sysctl.d/a.conf": "vm.swappiness=1"},
            "/etc/sysctl.d/a.conf sets it",
        ),
        ({"etc/sysctl.d/a.conf": "", "run/sysctl.d/a.conf": SETS}, None),
        ({"etc/sysctl.d/a.conf": "# nothing\n", "usr/local/lib/sysctl.d/a.conf": SETS}, None),
        ({"run/sysctl.d/a.conf": "vm.swappiness\n", "usr/local/lib/sysctl.d/a.conf": SETS}, None),
        # The last name counts, whatever the folder.
        (
            {"etc/sysctl.d/10.conf": "vm.swappiness=1\n", "run/sysctl.d/20.conf": SETS},
            "/run/sysctl.d/20.conf sets it",
        ),
        (
            {"etc/sysctl.d/20.conf": SETS, "run/sysctl.d/10.conf": "vm.swappiness=1\n"},
            "/etc/sysctl.d/20.conf sets it",
        ),
        (
            {"etc/sysctl.d/9.conf": SETS, "etc/sysctl.d/10.conf": "vm.swappiness=1\n"},
            "/etc/sysctl.d/9.conf sets it",
        ),
        (
            {"etc/sysctl.d/10.conf": "vm.swappiness=1\n", "usr/lib/sysctl.d/20.conf": SETS},
            "/etc/sysctl.d/10.conf sets it, but to 1; /usr/lib/sysctl.d/20.conf comes later and sets it, too",
        ),
        (
            {"etc/sysctl.d/20.conf": SETS, "usr/lib/sysctl.d/10.conf": "vm.swappiness=1\n"},
            "/etc/sysctl.d/20.conf sets it",
        ),
        # Spellings.
        ({"etc/sysctl.d/a.conf": "-vm/swappiness=10"}, "/etc/sysctl.d/a.conf sets it"),
        ({"etc/sysctl.d/a.conf": "  vm.swappiness\t=  10  \n"}, "/etc/sysctl.d/a.conf sets it"),
        ({"etc/sysctl.d/a.conf": "-vm.swappiness\n"}, None),
        ({"etc/sysctl.d/a.conf": "; vm.swappiness=10\n#vm.swappiness=10\n"}, None),
        # /etc/sysctl.conf
        ({"etc/sysctl.conf": SETS}, "/etc/sysctl.conf sets it"),
        (
            {"etc/sysctl.conf": SETS, "run/systemd/system/x": ""},
            "/etc/sysctl.conf (which systemd does not read) sets it",
        ),
        (
            {"etc/sysctl.conf": "vm.swappiness=1\n", "etc/sysctl.d/zz.conf": SETS},
            "/etc/sysctl.conf sets it, but to 1",
        ),
    ],
)
def test_the_file_that_sets_a_key(
    tmp_path: Path, files: Mapping[str, str], why: str | None
) -> None:
    assert found(tmp_path, files) == ({} if why is None else {f"+{KEY}": why})


@pytest.mark.parametrize("target", ["/dev/null", "/nosuch"])
def test_a_link_masks_the_files_of_its_name_in_later_folders(tmp_path: Path, target: str) -> None:
    (tmp_path / "etc/sysctl.d").mkdir(parents=True)
    (tmp_path / "etc/sysctl.d/a.conf").symlink_to(target)
    assert (
        found(tmp_path, {"run/sysctl.d/a.conf": SETS, "usr/local/lib/sysctl.d/a.conf": SETS}) == {}
    )


def test_sysctl_conf_counts_where_its_link_stands(tmp_path: Path) -> None:
    (tmp_path / "etc/sysctl.d").mkdir(parents=True)
    (tmp_path / "etc/sysctl.d/50-sysctl.conf").symlink_to("../sysctl.conf")
    files = {
        "etc/sysctl.conf": "vm.swappiness=1\n",
        "etc/sysctl.d/60.conf": SETS,
        "run/systemd/system/x": "",
    }
    assert found(tmp_path, files) == {f"+{KEY}": "/etc/sysctl.d/60.conf sets it"}
    dpkg(tmp_path, {"/etc/sysctl.conf": "vm.swappiness=1\n"})
    assert found(tmp_path, {"etc/sysctl.d/60.conf": ""}) == {}


def test_patterns_are_told_of_a_persons_files_alone(tmp_path: Path) -> None:
    pattern = "net.ipv4.conf.*.rp_filter=1\n"
    assert found(tmp_path, {"usr/lib/sysctl.d/a.conf": pattern}) == {}
    assert found(tmp_path, {"etc/sysctl.d/b.conf": pattern}) == {
        "-net.ipv4.conf.*.rp_filter": "a pattern of /etc/sysctl.d/b.conf"
    }


@each_shell("dash", "bash", "mksh", "busybox")
def test_in_any_shell(tmp_path: Path, shell: list[str]) -> None:
    files = {
        "etc/sysctl.d/a.conf": SETS,
        "run/sysctl.d/a.conf": "vm.swappiness=1\n",
        "usr/lib/sysctl.d/b.conf": SETS,
    }
    assert found(tmp_path, files, shell=shell) == {
        f"+{KEY}": "/etc/sysctl.d/a.conf sets it; /usr/lib/sysctl.d/b.conf comes later and sets it, too"
    }
