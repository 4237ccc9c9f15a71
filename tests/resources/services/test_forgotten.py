"""Whether a boot forgets what was written to the root file system."""

import subprocess
from pathlib import Path

import pytest

from power_edge import package_data

PROBE = (
    "newline='\n'\n"
    + package_data.text("probes/lib/services/forgotten.sh")
    + '\ncd "$1" && look_at_mounts && root_is_forgotten && echo forgotten'
)
OVERLAY = "27 1 0:5 / / rw,relatime - overlay overlayroot rw,lowerdir=/ro,upperdir=/{0}/upper,workdir=/{0}/work\n"
AT_MEDIA = "28 27 0:6 / /media/root-rw rw - {} tmpfs-root rw,size=1k\n"


@pytest.mark.shell
@pytest.mark.parametrize(
    ("mounts", "line", "forgets"),
    [
        ("27 1 254:0 / / rw - ext4 /dev/vda rw\n", "root=/dev/vda", False),
        ("27 1 254:0 / / rw - ext4 /dev/vda rw\n", "boot=live", False),
        (OVERLAY.format("media/root-rw") + AT_MEDIA.format("tmpfs"), "quiet", True),
        (OVERLAY.format("media/root-rw") + AT_MEDIA.format("ext4"), "quiet", False),
        (OVERLAY.format("media/root-rw"), "quiet", False),
        # Of a container, on the disk of its host.
        (OVERLAY.format("media/nodes/a") + AT_MEDIA.format("tmpfs"), "quiet", False),
        (OVERLAY.format("media/root-rw/b") + AT_MEDIA.format("tmpfs"), "quiet", False),
        (OVERLAY.format("cow"), "quiet boot=casper ---", True),
        (OVERLAY.format("live/overlay/rw"), "boot=live components", True),
        (OVERLAY.format("x"), "overlayroot=tmpfs:swap=1 quiet", True),
        (OVERLAY.format("x"), "overlayroot=disabled", False),
        (OVERLAY.format("x"), "systemd.volatile=overlay", True),
    ],
)  # fmt: skip
def test_a_root_that_keeps_changes_in_memory(
    tmp_path: Path, mounts: str, line: str, forgets: bool
) -> None:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "media/root-rw/upper").mkdir(parents=True)
    (tmp_path / "proc/self/mountinfo").write_text(f"21 27 0:21 / /proc rw - proc proc rw\n{mounts}")
    (tmp_path / "proc/cmdline").write_text(f"{line}\n")
    ran = subprocess.run(
        ["sh", "-c", PROBE, "pe", tmp_path],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin"},
    )
    assert (ran.stdout, ran.stderr) == ("forgotten\n" if forgets else "", "")
