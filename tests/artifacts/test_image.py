"""The image checks nodes: by an answer that came otherwise, and over SSH."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.artifacts import artifact
from tests.support.lab.checking import declare
from tests.support.lab.nodes import Lab, Node

pytestmark = [pytest.mark.lab, pytest.mark.artifact]

STATE: dict[str, object] = {"services": [{"name": "cron", "state": "running"}]}
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def work(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a job would have: node-configs/."""
    folder = tmp_path_factory.mktemp("work")
    declare(folder, node, STATE)
    shutil.chown(folder, 1000, 1000)
    return folder


@pytest.fixture(scope="module")
def inside(lab: Lab, work: Path) -> Iterator[Run]:
    """Runs a command in the image as its user, on the lab's network, in the image's folder with the work."""
    # Not in pytest's folders: the image's user may not look into these, not even from inside.
    storage = Path(tempfile.mkdtemp(prefix="power-edge-image-", dir="/var/tmp"))
    storage.chmod(0o711)
    places = (f"--root={storage}/root", f"--runroot={storage}/run")
    buildah = ("buildah", *places, "--storage-driver=vfs")
    try:
        image = lab.run(
            *buildah, "pull", "-q", f"oci-archive:{artifact('*.oci.tar')}"
        ).stdout.strip()
        config = json.loads(lab.run(*buildah, "inspect", "--type=image", image).stdout)["OCIv1"][
            "config"
        ]
        assert config["Entrypoint"] == ["power-edge"]
        assert config["User"] == "1000"
        container = lab.run(*buildah, "from", image).stdout.strip()

        def run(*argv: str) -> "subprocess.CompletedProcess[str]":
            options = ("--isolation=chroot", f"--volume={work}:{config['WorkingDir']}")
            return lab.run(*buildah, "run", *options, container, "--", *argv, check=False)

        yield run
        lab.run(*buildah, "rm", container)
    finally:
        shutil.rmtree(storage)


def test_it_says_its_version(inside: Run) -> None:
    done = inside("power-edge", "--version")
    assert done.stdout.startswith("power-edge "), done.stderr
    assert inside("id", "-u").stdout == "1000\n"


def test_it_judges_an_answer(inside: Run, node: Node, work: Path) -> None:
    script = inside("power-edge", "probe-script", node.name).stdout
    (work / "answer").write_text(node.run("/bin/sh", stdin=script).stdout)
    done = inside("power-edge", "check", node.name, "--answers=answer", "-p", "no:cacheprovider")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 passed" in done.stdout  # the item and the gate


def test_it_checks_a_node_over_ssh(inside: Run, lab: Lab, node: Node, work: Path) -> None:
    place = inside("pwd").stdout.strip()
    for name in ("key", "known_hosts", "ssh_config"):
        text = (lab.directory / name).read_text()
        (work / name).write_text(text.replace(f"{lab.directory}/", f"{place}/"))
        (work / name).chmod(0o600)
        shutil.chown(work / name, 1000, 1000)
    check = ("power-edge", "check", node.name, "--ssh-config=ssh_config", "-p", "no:cacheprovider")
    done = inside(*check)
    assert done.returncode == 0, done.stdout + done.stderr
    node.sh("systemctl stop cron")
    assert inside(*check).returncode == 1
