"""The deb, the rpm and the wheelhouse on nodes of Debian 12 and 13, none of which reaches a network."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support import real_project as project
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


class Packages(NamedTuple):
    deb: Path
    rpm: Path


@pytest.fixture(scope="module")
def versions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Packages]:
    """The packages of a pre-release and of its release, both built of this very program."""
    place = tmp_path_factory.mktemp("versions")
    project.make(place / "project")
    found = {}
    for version in ("1.3.0rc145", "1.3.0"):
        made = project.packages(place / "project", version, place / version)
        (deb,), (rpm,) = made.glob("*.deb"), made.glob("*.rpm")
        found[version] = Packages(deb, rpm)
    return found


def given(node: Node, file: Path) -> str:
    """Put a file on a node; return its path there."""
    (node.tree / "srv" / file.name).write_bytes(file.read_bytes())
    return f"/srv/{file.name}"


def caught(node: Node, name: str) -> None:
    """The program on a node notices a service that was stopped."""
    node.sh(f"cd /etc/power-edge && power-edge check {name}")
    script = f"cd /etc/power-edge && systemctl stop cron && power-edge check {name}"
    drift = node.run("/bin/sh", "-c", script, check=False)
    assert drift.returncode == 1, drift.stdout + drift.stderr
    node.sh("systemctl start cron")


def watched(node: Node) -> tuple[str, str]:
    """A watch of the node, set up as docs/install.md says: the node's name, and the unit."""
    name = in_page(node, "watch", 'echo "$node"').splitlines()[-1]
    unit = f"power-edge-watch@{name}.service"
    node.write(f"/etc/power-edge/node-configs/{name}/state.yaml", STATE)
    node.sh(f"systemctl reload {unit}; cd /etc/power-edge && power-edge check {name}")
    return name, unit


def purged(node: Node, unit: str, before: str) -> None:
    """Purge the package, and nothing of it is left."""
    node.sh("dpkg --purge power-edge")
    assert node.run("systemctl", "is-active", unit, check=False).stdout == "inactive\n"
    assert node.sh(OURS) == before
    assert "power-edge" not in node.sh("dpkg-query -W")


def test_a_deb_of_a_pre_release_is_upgraded_to_its_release(
    node: Node, versions: dict[str, Packages]
) -> None:
    before = node.sh(OURS)
    node.sh(f"dpkg -i {given(node, versions['1.3.0rc145'].deb)}")
    assert node.sh("dpkg-query -W -f='${Version}' power-edge") == "1.3.0~pre145-1"
    assert node.sh("power-edge --version").startswith("power-edge 1.3.0-pre.145+")
    name, unit = watched(node)
    was = node.sh(f"systemctl show -P MainPID {unit}")
    assert node.sh("ls /var/cache/power-edge") == "1.3.0rc145"

    node.sh(f"apt-get install -y {given(node, versions['1.3.0'].deb)}")

    assert node.sh("dpkg-query -W -f='${Version}' power-edge") == "1.3.0-1"
    assert node.sh("power-edge --version").startswith("power-edge 1.3.0+")
    assert node.sh(f"systemctl is-active {unit}") == "active"
    assert node.sh(f"systemctl show -P MainPID {unit}") != was
    assert node.sh("ls /var/cache/power-edge") == "1.3.0"
    caught(node, name)
    purged(node, unit, before)
    assert "state.yaml" in node.sh(f"ls /etc/power-edge/node-configs/{name}").split()
    node.sh("rm -r /etc/power-edge")


def test_a_deb_is_installed_used_and_purged(node: Node) -> None:
    before = node.sh(OURS)
    assert "power-edge " in in_page(node, "deb")
    name, unit = watched(node)
    version = artifact("*.whl").name.split("-")[1]
    assert node.sh("ls /var/cache/power-edge") == version
    assert node.sh("stat -c '%U %a' /var/cache/power-edge") == "root 755"
    line = node.sh(f"systemctl show -P ExecStart {unit}")
    assert "path=/usr/bin/power-edge " in line
    assert node.sh("zcat /usr/share/man/man1/power-edge.1.gz").startswith(".TH POWER-EDGE 1 ")
    caught(node, name)
    node.sh(f"cd /etc/power-edge && power-edge install-service {name}")
    assert node.sh(f"systemctl is-active {unit}") == "active"
    assert "\nExecStart=/usr/bin/power-edge check -q " in node.sh(f"cat /etc/systemd/system/{unit}")
    purged(node, unit, before)
    assert "state.yaml" in node.sh(f"ls /etc/power-edge/node-configs/{name}").split()


def test_an_rpm_of_a_pre_release_is_upgraded_to_its_release(
    node: Node, versions: dict[str, Packages]
) -> None:
    before = node.sh(OURS)
    old, new = (given(node, versions[each].rpm) for each in ("1.3.0rc145", "1.3.0"))
    # rpm knows nothing here of Debian's Python.
    node.sh(f"rpm --initdb; rpm -i --nodeps {old}")
    assert node.sh("rpm -q --qf '%{version}-%{release}' power-edge") == "1.3.0~pre145-1"
    name = node.sh("mkdir -p /srv/upgraded && cd /srv/upgraded && power-edge init")
    node.sh(f"cd /srv/upgraded && power-edge check {name} && power-edge install-service {name}")
    node.sh(f"rpm -U --nodeps {new}")
    assert node.sh("rpm -q --qf '%{version}-%{release}' power-edge") == "1.3.0-1"
    assert node.sh("power-edge --version").startswith("power-edge 1.3.0+")
    assert node.sh(f"systemctl is-active power-edge-watch@{name}") == "active"
    assert node.sh("ls /var/cache/power-edge") == "1.3.0"
    node.sh(f"cd /srv/upgraded && power-edge check {name}")
    assert node.run("rpm", "-U", "--nodeps", old, check=False).returncode != 0  # it is older
    node.sh("rpm -e power-edge; rm -rf /var/lib/power-edge /var/log/power-edge")
    assert node.sh(OURS) == before


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
