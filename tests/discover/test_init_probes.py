"""The scripts that read a machine to be recorded, run by sh on trees of files."""

import shutil
import subprocess
from pathlib import Path

import pytest

import power_edge.checking.collect_identity
from power_edge.config.node import load_system_identity
from power_edge.identity import identifiers
from power_edge.model.generated.system_identity_schema import SystemIdentity
from tests.support.cases import RECORDINGS

pytestmark = pytest.mark.shell

CONTAINER = power_edge.checking.collect_identity._CONTAINER
PROBES = Path(__file__).parents[2] / "probes"
MACHINE_ID = "a5bc498e58b74733905edbb8c8aedf4e"
UUID = "4c4c4544-0035-3510-8053-b8c04f4d3732"
NO_DIGITS = "it is not 32 hexadecimal digits"
NEVER_AN_ID = [
    (b"", "it is empty"),
    (b"\n", "it is empty"),
    (b"uninitialized\n", "it is uninitialized: the first boot is not complete"),
    (b"0" * 32, "it is all zero"),
    (b"a5bc498e58b74733905edbb8c8aedf4", NO_DIGITS),
    (b"zzbc498e58b74733905edbb8c8aedf4e", NO_DIGITS),
    (b"a5bc498e58b74733905edbb8c8aedf4e\n" * 2, NO_DIGITS),
    (b"\xff\x00\n", NO_DIGITS),
]
FILLERS = (RECORDINGS / "identity" / "dmi-placeholder" / "values.txt").read_text().splitlines()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A machine's files; `bin` comes first on PATH, for tools that it has and we have not."""
    for folder in ("etc", "sys/class/dmi/id", "proc/1", "bin"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "proc/1/environ").write_bytes(b"HOME=/\0NOT_container=lxc\0")
    return tmp_path


def tool(tree: Path, name: str, body: str) -> None:
    file = tree / "bin" / name
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)


def run(tree: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    environment = {"PE_ROOT": str(tree), "PATH": f"{tree}/bin:/usr/bin:/bin", **environment}
    return subprocess.run(
        ["sh", PROBES / "collect-identity.sh", *arguments],
        capture_output=True,
        check=False,
        env=environment,
        cwd=tree,
    )


def collect(tree: Path) -> tuple[SystemIdentity, str]:
    done = run(tree)
    assert done.returncode == 0
    assert done.stdout.startswith(b"# yaml-language-server: $schema=")
    return load_system_identity(done.stdout, "system-identity.yaml"), done.stderr.decode()


def refused(tree: Path) -> str:
    """Why nothing identifies this machine; such a machine gets no file."""
    done = run(tree)
    assert (done.returncode, done.stdout) == (12, b"")
    assert done.stderr.endswith(b"collect-identity.sh: nothing tells this machine from others\n")
    return done.stderr.decode()


def test_a_machine_as_it_stands_on_file(tree: Path) -> None:
    (tree / "etc/machine-id").write_text(f"{MACHINE_ID.upper()}\n")
    (tree / "etc/os-release").write_text(
        "PRETTY_NAME='It''s'\nID=ubuntu\nID_LIKE=debian\nVERSION_ID=\"24.04\"\n"
    )
    (tree / "sys/class/dmi/id/product_uuid").write_text(f"{UUID.upper()}\n")
    (tree / "sys/class/dmi/id/board_serial").write_text(".CN7475'141I0123: {\n")
    identity, errors = collect(tree)
    assert identity.platform is not None
    assert (
        identity.platform.os_type,
        identity.platform.os_family,
        identity.platform.os_version,
    ) == ("linux", "debian", "24.04")
    assert identity.identifiers is not None
    assert (identity.identifiers.primary_id, identity.identifiers.id_type) == (
        MACHINE_ID,
        "machine-id",
    )
    assert (identity.identifiers.dmi_product_uuid, identity.identifiers.dmi_board_serial) == (
        UUID,
        ".CN7475'141I0123: {",
    )
    assert (identity.composite_key, identity.validation) == (None, None)  # nothing is said twice
    on_file = identifiers.expected(identity)
    assert (
        on_file.hash_on_file == "e8ccc88d6fab54001cbbdbca24262b2e35c56022b31dd48a3a44985fb4696ac3"
    )
    assert on_file.require_match
    assert errors == ""


@pytest.mark.parametrize(("content", "reason"), NEVER_AN_ID)
def test_what_is_no_id_is_refused_with_the_reason_and_never_hashed(
    tree: Path, content: bytes, reason: str
) -> None:
    (tree / "etc/machine-id").write_bytes(content)
    assert f"machine-id left out: {reason}\n" in refused(tree)
    (tree / "sys/class/dmi/id/product_uuid").write_text(f"{UUID}\n")
    identity, stderr = collect(tree)
    assert identifiers.expected(identity).hashes.keys() == {"product-uuid"}
    assert stderr == f"collect-identity.sh: machine-id left out: {reason}\n"


def test_a_missing_id_is_reported(tree: Path) -> None:
    for kind in ("machine-id", "product-uuid", "board-serial"):
        assert f"{kind} left out: there is none\n" in refused(tree)


@pytest.mark.parametrize("filler", FILLERS)
def test_fillers_of_firmware_are_left_out(tree: Path, filler: str) -> None:
    (tree / "etc/machine-id").write_text(f"{MACHINE_ID}\n")
    (tree / "sys/class/dmi/id/product_uuid").write_text(f"{filler}\n")
    (tree / "sys/class/dmi/id/board_serial").write_text("To be filled by O.E.M.\n")
    identity, stderr = collect(tree)
    assert identifiers.expected(identity).hashes.keys() == {"machine-id"}
    assert stderr.count("left out") == 2


@pytest.mark.parametrize(
    ("uuid", "reason"),
    [
        ("F" * 32, "a filler"),
        ("03000200-0400-0500-0006-000700080009", "a filler"),
        ("0" * 32, "all zero"),
    ],
)
def test_a_filler_alone_is_no_identity(tree: Path, uuid: str, reason: str) -> None:
    (tree / "sys/class/dmi/id/product_uuid").write_text(f"{uuid}\n")
    assert f"product-uuid left out: it is {reason}" in refused(tree)


def test_the_firmwares_id_serves_where_there_is_no_machine_id(tree: Path) -> None:
    (tree / "sys/class/dmi/id/product_uuid").write_text(f"{UUID}\n")
    identity, _ = collect(tree)
    assert identity.identifiers is not None
    assert (identity.identifiers.primary_id, identity.identifiers.id_type) == (UUID, "product-uuid")


CONTAINERS = [
    ".dockerenv",
    "run/.containerenv",
    "run/systemd/container",
    "run/host/container-manager",
    "proc/1/environ",
]


@pytest.mark.parametrize("mark", CONTAINERS)
def test_in_a_container_the_firmware_is_the_hosts_and_the_file_says_so(
    tree: Path, mark: str
) -> None:
    (tree / "sys/class/dmi/id/product_uuid").write_text(f"{UUID}\n")
    (tree / mark).parent.mkdir(parents=True, exist_ok=True)
    (tree / mark).write_bytes(b"HOME=/\0container=lxc\0")
    assert "product-uuid left out: it is the host's, because this is a container\n" in refused(tree)
    (tree / "etc/machine-id").write_text(f"{MACHINE_ID}\n")
    identity, stderr = collect(tree)
    assert identifiers.expected(identity).hashes.keys() == {"machine-id"}
    assert "because this is a container" in stderr
    assert CONTAINER in run(tree).stdout.splitlines()


def test_a_pod_is_a_container(tree: Path) -> None:
    (tree / "etc/machine-id").write_text(f"{MACHINE_ID}\n")
    assert CONTAINER not in run(tree).stdout.splitlines()
    assert CONTAINER in run(tree, KUBERNETES_SERVICE_HOST="10.96.0.1").stdout.splitlines()


@pytest.mark.parametrize(
    ("release", "family"),
    [
        ("ID=debian", "debian"),
        ("ID='raspbian'\nID_LIKE=debian", "debian"),
        ("ID=linuxmint\nID_LIKE='ubuntu debian'", "debian"),
        ("ID=rocky\nID_LIKE='rhel centos fedora'", "rhel"),
        ('ID="openEuler"', "rhel"),
        ("ID=nobara\nID_LIKE=fedora", "rhel"),
        ("ID=postmarketos\nID_LIKE=alpine", "alpine"),
        ("ID=manjaro\nID_LIKE=arch", "arch"),
        ("ID=steamos\nID_LIKE=arch", "arch"),
        ("ID=altlinux", None),
        ("ID=opensuse-leap\nID_LIKE='suse opensuse'", None),
        ("ID=mageia\nID_LIKE='mandriva fedora'", "rhel"),
        ("ID=gentoo", None),
        ("NAME=x", None),
        ("ID=gentoo\nID=debian", "debian"),
    ],
)
def test_the_family_of_a_distribution(tree: Path, release: str, family: str | None) -> None:
    (tree / "etc/machine-id").write_text(f"{MACHINE_ID}\n")
    (tree / "etc/os-release").write_text(release)
    identity, _ = collect(tree)
    assert identity.platform is not None
    assert identity.platform.os_family == family


def test_os_release_below_usr_is_read_if_there_is_no_other(tree: Path) -> None:
    (tree / "etc/machine-id").write_text(f"{MACHINE_ID}\n")
    (tree / "usr/lib").mkdir(parents=True)
    (tree / "usr/lib/os-release").write_text('ID=debian\nVERSION_ID="13"')
    platform = collect(tree)[0].platform
    assert platform is not None
    assert (platform.os_family, platform.os_version) == ("debian", "13")
    (tree / "etc/os-release").write_text("ID=arch\n")
    platform = collect(tree)[0].platform
    assert platform is not None
    assert (platform.os_family, platform.os_version) == ("arch", None)


@pytest.fixture
def mac(tree: Path) -> Path:
    """A Mac has neither sha256sum nor timeout, and no machine-id."""
    tool(tree, "uname", 'if [ "$1" = -r ]; then echo 22.6.0; else echo Darwin; fi')
    tool(tree, "sw_vers", "echo 13.6")
    for name in ("sh", "cat", "sed", "tr", "cut", "date", "id", "head", "grep", "dirname"):
        (tree / "bin" / name).symlink_to(str(shutil.which(name)))
    tool(tree, "shasum", f'[ "$*" = "-a 256" ] && exec {shutil.which("sha256sum")}')
    return tree


def of_a_mac(mac: Path, case: str) -> subprocess.CompletedProcess[bytes]:
    tool(mac, "ioreg", f"cat '{RECORDINGS}/identity/{case}/ioreg.txt'")
    return run(mac, PATH=f"{mac}/bin")


def test_a_mac(mac: Path) -> None:
    done = of_a_mac(mac, "macos-ioreg-d2")
    identity = load_system_identity(done.stdout, "system-identity.yaml")
    assert (done.returncode, done.stderr) == (0, b"")
    assert identity.platform is not None
    assert (
        identity.platform.os_type,
        identity.platform.os_family,
        identity.platform.os_version,
    ) == ("darwin", "macos", "13.6")
    assert identifiers.expected(identity).primary == "io-platform-uuid"


def test_a_mac_that_shows_no_id(mac: Path) -> None:
    done = of_a_mac(mac, "macos-ioreg-empty")
    assert (done.returncode, done.stdout) == (12, b"")
    assert b"io-platform-uuid left out: it is empty" in done.stderr


HOSTILE = [
    "-oProxyCommand=touch pwned",
    "joe@-oProxyCommand=touch",
    "ssh://-x",
    "joe@$(touch pwned)",
    "a b",
    "a;id",
    "a\nb",
    "",
    "a`id`",
    "a'",
]


@pytest.mark.parametrize("destination", HOSTILE)
def test_what_is_no_destination_meets_no_ssh(tree: Path, destination: str) -> None:
    tool(tree, "ssh", "echo called")
    done = run(tree, destination)
    assert (done.returncode, done.stdout) == (4, b"")
    assert done.stderr == b"collect-identity.sh: usage: collect-identity.sh [USER@HOST | --print]\n"
    assert not list(tree.rglob("pwned"))


@pytest.mark.parametrize(
    "destination", ["joe@host", "host", "ssh://joe@[fd10:8::1]:22", "joe@fd10:8::1%eth0"]
)
def test_it_carries_itself_to_another_machine(tree: Path, destination: str) -> None:
    """The greeting of a login shell comes first; PE_ROOT is ours, and does not reach the machine."""
    tool(tree, "ssh", f'printf "%s " "$@" >{tree}/called; echo Welcome; PE_ROOT=/nowhere exec sh')
    (tree / "etc/machine-id").write_text(f"{MACHINE_ID}\n")
    done = run(tree, destination)
    here = subprocess.run(["sh", PROBES / "collect-identity.sh"], capture_output=True, check=False)
    assert (done.returncode, _timeless(done.stdout)) == (here.returncode, _timeless(here.stdout))
    assert (tree / "called").read_text().endswith(f"-- {destination} sh ")
    assert "-o BatchMode=yes" in (tree / "called").read_text()


def test_as_one_piece_it_needs_no_checkout(tree: Path) -> None:
    (tree / "etc/machine-id").write_text(f"{MACHINE_ID}\n")
    piece = run(tree, "--print").stdout
    alone = subprocess.run(
        ["sh"],
        input=piece,
        capture_output=True,
        check=False,
        env={"PE_ROOT": str(tree), "PATH": "/usr/bin:/bin"},
        cwd=tree,
    )
    assert (alone.returncode, _timeless(alone.stdout)) == (0, _timeless(run(tree).stdout))


def _timeless(file: bytes) -> list[bytes]:
    return [line for line in file.splitlines() if b"collected_at" not in line]


@pytest.mark.parametrize(
    ("ssh", "status", "stderr"),
    [
        (
            "echo 'ssh: connect to host h port 22: Connection timed out' >&2; exit 255",
            11,
            "timed out\ncollect-identity.sh: h cannot be reached",
        ),
        (
            "echo \"'sh' is not recognized as an internal\" >&2; exit 1",
            11,
            "h ran no POSIX sh (status 1): is it a Windows machine",
        ),
        ("echo '% Invalid input'", 11, "h answered, but not as a POSIX sh does"),
        ("echo '# yaml-language-server: cut'", 11, "h answered, but not as a POSIX sh does"),
        ("exit 124", 11, "h gave no answer in 60 s"),
        ("exec sh -c 'echo reason >&2; exit 12'", 12, "reason"),
        ("printf '\\033]0;evil\\007' >&2; exit 1", 11, "]0;evil"),
    ],
)
def test_what_comes_of_a_destination_that_shows_nothing(
    tree: Path, ssh: str, status: int, stderr: str
) -> None:
    tool(tree, "ssh", ssh)
    done = run(tree, "h")
    assert (done.returncode, done.stdout) == (status, b"")
    assert stderr in done.stderr.decode()
    assert b"\033" not in done.stderr
