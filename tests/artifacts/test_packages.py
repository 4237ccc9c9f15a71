"""The deb, the rpm and the wheelhouse on nodes of Debian 12 and 13, none of which reaches a network."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.artifacts import artifact, commands, folder
from tests.support.lab.nodes import Lab, Node
from tests.support.lab.roots import PYTHON, TRIXIE, Root

pytestmark = [pytest.mark.lab, pytest.mark.artifact]

ROOTS = {
    "bookworm": Root(name="packaged", below=PYTHON, packages=("python3-venv", "rpm")),
    "trixie": Root(name="packaged-trixie", below=TRIXIE, packages=("python3-venv", "rpm")),
}
OURS = "find / -xdev -name '*power[-_]edge*' ! -path '/srv/*' ! -path '/etc/power-edge*' ! -path '/proc/*'"
"""What there is of the program; /etc/power-edge is the operator's."""
OLDER = "0.0.0~a-1"
"""A version before any that is built, a development version too."""
STATE = """version: "1.0"
metadata: {site: lab, environment: development}
services:
- {name: cron, state: running}
"""
PYTHONS = {"bookworm": (3, 11), "trixie": (3, 13)}


@pytest.fixture(scope="module", params=ROOTS)
def suite(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def node(lab: Lab, suite: str) -> Iterator[Node]:
    options = [f"--bind-ro={folder()}:/srv/dist"]
    with lab.node(f"packaged-{suite}", root=ROOTS[suite], options=options) as booted:
        booted.sh("mkdir /srv/here && ln -s /srv/dist/* /srv/here && chmod 755 /srv/here")
        yield booted


def in_page(node: Node, title: str, more: str = "") -> str:
    """Run commands of docs/install.md in a folder that holds the artifacts."""
    return node.sh(f"cd /srv/here\n{commands(title)}{more}")


@pytest.fixture(scope="module")
def older(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same package as a pre-release of before."""
    tree = tmp_path_factory.mktemp("older")
    deb = artifact("*.deb")
    subprocess.run(["dpkg-deb", "--raw-extract", deb, tree / "tree"], check=True)
    control = tree / "tree/DEBIAN/control"
    text, count = re.subn(r"(?m)^Version: .*$", f"Version: {OLDER}", control.read_text())
    assert count == 1
    control.write_text(text)
    script = tree / "tree/DEBIAN/postinst"
    text, count = re.subn(
        r"/var/cache/power-edge/[0-9][^\"]*", "/var/cache/power-edge/old", script.read_text()
    )
    assert count == 1
    script.write_text(text)
    made = tree / "older.deb"
    subprocess.run(
        ["dpkg-deb", "--build", "--root-owner-group", tree / "tree", made],
        check=True,
        capture_output=True,
    )
    return made


def test_a_deb_is_installed_upgraded_used_and_purged(node: Node, suite: str, older: Path) -> None:
    before = node.sh(OURS)
    (node.tree / "srv/older.deb").write_bytes(older.read_bytes())
    node.sh("dpkg -i /srv/older.deb")
    assert node.sh("dpkg-query -W -f='${Version}' power-edge") == OLDER
    name = in_page(node, "watch", 'echo "$node"').splitlines()[-1]
    unit = f"power-edge-watch@{name}.service"
    node.write(f"/etc/power-edge/node-configs/{name}/state.yaml", STATE)
    node.sh(f"systemctl reload {unit}; cd /etc/power-edge && power-edge check {name}")
    was = node.sh(f"systemctl show -P MainPID {unit}")
    # What it unpacked is of the older version, in the test's eyes: this stands for its folder.
    node.sh("mkdir /var/cache/power-edge/older")

    assert "power-edge " in in_page(node, "deb")

    assert node.sh(f"systemctl is-active {unit}") == "active"
    assert node.sh(f"systemctl show -P MainPID {unit}") != was
    version = artifact("*.whl").name.split("-")[1]
    assert node.sh("ls /var/cache/power-edge") == version
    assert node.sh("stat -c '%U %a' /var/cache/power-edge") == "root 755"
    line = node.sh(f"systemctl show -P ExecStart {unit}")
    assert "path=/usr/bin/power-edge " in line
    assert node.sh("zcat /usr/share/man/man1/power-edge.1.gz").startswith(".TH POWER-EDGE 1 ")
    node.sh(f"cd /etc/power-edge && power-edge check {name}")
    drift = node.run(
        "/bin/sh",
        "-c",
        f"cd /etc/power-edge && systemctl stop cron && power-edge check {name}",
        check=False,
    )
    assert drift.returncode == 1, drift.stdout + drift.stderr
    node.sh("systemctl start cron")
    node.sh(f"cd /etc/power-edge && power-edge install-service {name}")
    assert node.sh(f"systemctl is-active {unit}") == "active"
    assert "\nExecStart=/usr/bin/power-edge check -q " in node.sh(f"cat /etc/systemd/system/{unit}")

    node.sh("dpkg --purge power-edge")

    assert node.run("systemctl", "is-active", unit, check=False).stdout == "inactive\n"
    assert node.sh(OURS) == before
    assert "state.yaml" in node.sh(f"ls /etc/power-edge/node-configs/{name}").split()
    assert "power-edge" not in node.sh("dpkg-query -W")


def test_an_rpm_is_installed_used_and_erased(node: Node) -> None:
    before = node.sh(OURS)
    told = node.sh(
        "rpm -qip /srv/dist/*.rpm; rpm -qlp /srv/dist/*.rpm; rpm -qp --requires /srv/dist/*.rpm"
    )
    for line in (
        "Architecture: x86_64",
        "/usr/bin/power-edge",
        "/var/cache/power-edge",
        "python(abi) >= 3.11",
    ):
        assert f"\n{line}\n" in f"\n{told}\n"
    # rpm knows nothing here of Debian's Python.
    node.sh("rpm --initdb; rpm -i --nodeps /srv/dist/*.rpm")
    name = node.sh("mkdir -p /srv/rpm && cd /srv/rpm && power-edge init")
    node.sh(f"cd /srv/rpm && power-edge check {name} && power-edge install-service {name}")
    assert node.sh(f"systemctl is-active power-edge-watch@{name}") == "active"
    node.sh("rpm -U --force --nodeps /srv/dist/*.rpm")  # as an upgrade: the watch runs on
    assert node.sh(f"systemctl is-active power-edge-watch@{name}") == "active"
    assert node.sh("ls /var/cache/power-edge")
    node.sh("rpm -e power-edge")
    # rpm has no purge: reports stay.
    node.sh("rm -rf /var/lib/power-edge /var/log/power-edge")
    assert node.sh(OURS) == before


def test_a_wheelhouse_is_installed_without_a_network(node: Node, suite: str) -> None:
    python = "/srv/here/venv/bin/python"
    script = f"cd /srv/here\n{commands('wheelhouse')}"
    node.run("unshare", "--net", "/bin/sh", "-euc", script)
    assert node.sh(f"{python} -c 'import sys; print(*sys.version_info[:2])'") == "{} {}".format(
        *PYTHONS[suite]
    )
    name = node.sh("mkdir /srv/air && cd /srv/air && /srv/here/venv/bin/power-edge init")
    node.sh(f"cd /srv/air && /srv/here/venv/bin/pytest -q --node={name}")


def test_the_one_file_starts_for_anybody(node: Node) -> None:
    node.sh(
        "mkdir /srv/one && cp /srv/dist/power-edge.pyz /srv/one && chmod a-x /srv/one/*.pyz && chown -R stella /srv/one"
    )
    script = f"cd /srv/one\n{commands('pyz')}"
    version = node.run("su", "stella", "-s", "/bin/sh", "-c", f"set -e\n{script}").stdout
    assert version.startswith("power-edge ")
    assert node.sh("ls ~stella/.cache/pex")
