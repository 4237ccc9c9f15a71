"""The trees that nodes boot from: built once out of the machine's own apt sources, and kept between
runs.

A root is a bootstrapped tree, or a layer of files above another root. It lies under `cache()` in a
folder named by what it is made of, and appears there only when it is whole. The cache may be
removed whenever no lab is running.
"""

import fcntl
import hashlib
import os
import platform
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.lab.cgroups import command_in

BUILD_SECONDS = 900
PACKAGES_INSTALL = (
    "printf '#!/bin/sh\\nexit 101\\n' >/usr/sbin/policy-rc.d; chmod 755 /usr/sbin/policy-rc.d\n"
    "apt-get update -q\n"
    "apt-get install -y -q --no-install-recommends -o Dpkg::Options::=--force-unsafe-io -- {packages}\n"
    "rm /usr/sbin/policy-rc.d\n"
)


@dataclass(frozen=True, kw_only=True)
class Root:
    """What a tree is made of.

    `script` (sh, as root, in the tree, with the network) is its last touch.
    """

    name: str
    packages: tuple[str, ...] = ()
    script: str = ""
    below: "Root | None" = None
    suite: str = ""
    """The release to bootstrap, where it is not the machine's own."""

    @property
    def key(self) -> str:
        below = self.below.key if self.below else (self.suite or own_suite(), platform.machine())
        made_of = repr((PACKAGES_INSTALL, self.name, self.packages, self.script, below))
        return f"{self.name}-{hashlib.sha256(made_of.encode()).hexdigest()[:12]}"


def cache() -> Path:
    """Where roots are kept; its file system must be able to carry the upper side of an overlay
    (ext4, xfs, btrfs, tmpfs).
    """
    return Path(os.environ.get("POWER_EDGE_LAB", "/var/cache/power-edge-lab"))


def own_suite() -> str:
    """The codename of the machine's release, as its apt sources call it."""
    return platform.freedesktop_os_release()["VERSION_CODENAME"]


def own_distribution() -> str:
    """`debian`, `ubuntu`, ...; empty on what is not Linux."""
    try:
        return platform.freedesktop_os_release()["ID"]
    except OSError:
        return ""


def layers(root: Root) -> tuple[Path, ...]:
    """The folders that make the tree, the uppermost first, as overlayfs wants its lowerdir.

    Builds what is not there yet.

    RuntimeError: a build failed; it holds the end of what the build said.
    """
    below = layers(root.below) if root.below else ()
    place = cache() / root.key
    if not place.is_dir():
        with _locked(root.key):
            if not place.is_dir():
                _build(root, below, place)
    return (place, *below)


@contextmanager
def _locked(key: str) -> Iterator[None]:
    cache().mkdir(parents=True, exist_ok=True)
    with (cache() / f".lock-{key}").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _build(root: Root, below: tuple[Path, ...], place: Path) -> None:
    work = cache() / f".building-{root.key}"
    shutil.rmtree(work, ignore_errors=True)
    for name in ("upper", "work", "tree"):
        (work / name).mkdir(parents=True)
    try:
        if not below:
            _bootstrap(root, work / "upper")
        install = (
            PACKAGES_INSTALL.format(packages=shlex.join(root.packages))
            if below and root.packages
            else ""
        )
        _run_in(below, work, install + root.script)
        (work / "upper").rename(place)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _bootstrap(root: Root, tree: Path) -> None:
    settings = tree.with_name("apt.conf")
    settings.write_bytes(_said_by("apt-config", "dump", "Acquire"))
    suite = root.suite or own_suite()
    options = [
        "--mode=root",
        "--variant=minbase",
        f"--include={','.join(root.packages)}",
        "--dpkgopt=force-unsafe-io",
        f"--aptopt={settings}",
    ]
    _logged(["mmdebstrap", *options, suite, str(tree), *_sources(suite)])


def _sources(suite: str) -> list[str]:
    """The machine's own sources as one-line entries; for a foreign suite the archives alone, since
    updates and security have other names there.
    """
    said = _said_by(
        "apt-get",
        "indextargets",
        "--format",
        "$(ORIGIN)\t$(RELEASE)\t$(REPO_URI)\t$(COMPONENT)",
        "Created-By: Packages",
    ).decode()
    targets = [line.split("\t") for line in said.splitlines()]
    own = dict.fromkeys(
        (release, uri, component)
        for origin, release, uri, component in targets
        if origin in ("Debian", "Ubuntu")
    )
    if suite != own_suite():
        own = dict.fromkeys(
            (suite, uri, component) for release, uri, component in own if release == own_suite()
        )
    if not own:
        raise RuntimeError(
            "apt knows no Debian or Ubuntu archive on this machine: run apt-get update"
        )
    return [f"deb {uri} {release} {component}" for release, uri, component in own]


def _run_in(below: tuple[Path, ...], work: Path, script: str) -> None:
    """Run a script, as root, in the tree that is being built."""
    upper, tree = work / "upper", work / "tree"
    if below:
        overlay = f"lowerdir={':'.join(map(str, below))},upperdir={upper},workdir={work / 'work'}"
        mount = ["mount", "-t", "overlay", "overlay", "-o", overlay, str(tree)]
    else:
        mount = ["mount", "--bind", str(upper), str(tree)]
    nspawn = [
        "systemd-nspawn",
        "-q",
        "-D",
        str(tree),
        "--register=no",
        "--keep-unit",
        "--as-pid2",
        "--pipe",
        "--resolv-conf=bind-host",
    ]
    nspawn += [
        "--timezone=off",
        "--tmpfs=/var/lib/apt/lists",
        "--tmpfs=/var/cache/apt",
        "--setenv=DEBIAN_FRONTEND=noninteractive",
    ]
    nspawn += ["/bin/sh", "-euc", script]
    _logged(["sh", "-ec", f"{shlex.join(mount)}; {command_in(os.getpid(), 'build', nspawn)}"])


def _said_by(*argv: str) -> bytes:
    return subprocess.run(argv, check=True, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL).stdout


def _logged(argv: list[str]) -> None:
    """Run a step of a build.

    Its mounts and processes are in namespaces of their own: they end with it, and with us, however
    that comes.
    """
    contained = [
        "setpriv",
        "--pdeathsig=KILL",
        "unshare",
        "--mount",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
        *argv,
    ]
    done = subprocess.run(
        contained,
        check=False,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=BUILD_SECONDS,
    )
    if done.returncode:
        last = "\n".join(done.stdout.decode(errors="replace").splitlines()[-30:])
        raise RuntimeError(f"{argv[0]} {argv[1]} ... ended with {done.returncode}:\n{last}")


_ACCOUNTS = """
for user in stella guest; do useradd --create-home --shell /bin/bash "$user"; done
printf 'stella ALL=(ALL:ALL) NOPASSWD: ALL\\n' >/etc/sudoers.d/stella
chmod 440 /etc/sudoers.d/stella
printf 'AuthorizedKeysFile /etc/ssh/lab_authorized_keys .ssh/authorized_keys\\n' >/etc/ssh/sshd_config.d/lab.conf
rm -f /etc/ssh/ssh_host_* /var/lib/dbus/machine-id /etc/machine-id /etc/hostname
systemctl disable ssh.socket 2>/dev/null || :
systemctl enable ssh.service
"""

_CORE_PACKAGES = (
    "apt",
    "systemd",
    "systemd-sysv",
    "dbus",
    "openssh-server",
    "iproute2",
    "procps",
    "kmod",
    "sudo",
    "cron",
    "nftables",
    "iptables",
)

CORE = Root(name="core", packages=_CORE_PACKAGES, script=_ACCOUNTS)
"""systemd, sshd, cron, nftables, iptables, with no rules in force; no Python.

Users: root, stella (sudo without a password), guest (no sudo).
"""

BASE = Root(name="base", below=CORE, packages=("ufw", "openvpn", "mksh", "acl"))
"""The usual Debian node: CORE with ufw (installed, inactive), openvpn."""

PYTHON = Root(name="python", below=BASE, packages=("python3",))
"""BASE with a Python: a node that Power Edge itself runs on."""

SHELLS = Root(name="shells", below=CORE, packages=("tcsh", "csh", "zsh", "fish", "mksh"))
"""CORE with shells that somebody may log in by."""

FIREWALLD = Root(name="firewalld", below=CORE, packages=("firewalld",))
"""CORE with firewalld, which is enabled: its default zone is in force after boot."""

POSTGRESQL = Root(name="postgresql", below=CORE, packages=("postgresql",))
"""CORE with postgresql, a package without a file of its own: its units belong to postgresql-common,
which came along.
"""

_RPM_SCRIPT = r"""
mkdir -p /etc/rpm
echo '%_dbpath /var/lib/rpm' >>/etc/rpm/macros # Debian's own is in the home of each user
cd "$(mktemp -d)"
spec() { # name version release arch [more lines of the header]
    printf 'Name: %s\nVersion: %s\nRelease: %s\nSummary: A package of the lab\nLicense: none\n%s\n%%description\nNone.\n%%files\n' \
        "$1" "$2" "$3" "${5-}" >"$1.spec"
    rpmbuild -bb --quiet --target "$4" --define "_topdir $PWD" --define "_rpmdir $PWD/rpms" "$1.spec"
}
spec peapp 1.20.1 14.el9 x86_64 'Provides: webserver'
spec peepoch 1.0 1.el9 noarch 'Epoch: 2'
spec petilde '2.0~rc1' 1.el9 noarch
spec pelib 3.1 2.el9 x86_64
spec pelib 3.1 2.el9 i686
spec pekernel 5.14.0 427.el9 x86_64
spec pekernel 5.14.0 503.el9 x86_64
rpm --install --nodeps --ignorearch --force $(find rpms -name '*.rpm')
rpm --query --all | sort
rm -rf /var/lib/dpkg
printf 'NAME="Lab Linux"\nID="lab"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"\nPRETTY_NAME="Lab Linux 9.4"\n' >/usr/lib/os-release
ln -sfn ../usr/lib/os-release /etc/os-release
"""

RPM = Root(name="rpm", below=CORE, packages=("rpm",), script=_RPM_SCRIPT)
"""A node whose packages are rpms: an os-release like RHEL's, no dpkg database.

What is installed: see `_RPM_SCRIPT`.
"""

TRIXIE = Root(name="trixie", packages=_CORE_PACKAGES, script=_ACCOUNTS, suite="trixie")
"""CORE on Debian 13 (systemd 257), from the archive of a machine that is Debian itself."""
