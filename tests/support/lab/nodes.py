"""Real systemd nodes in namespaces of this machine, each up in half a second, all gone with the
process that booted them.

A lab is one process in a mount, network and pid namespace of its own, which waits on a pipe from
us. Nodes are booted in there: when the pipe closes, for whatever reason, the kernel ends every
process of every node and takes the mounts and interfaces with it. A crash leaves nothing to clean
up.
"""

import io
import os
import select
import signal
import socket
import subprocess
import tarfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from tests.support.lab.cgroups import command_in, sweep
from tests.support.lab.roots import BASE, Root, layers

BOOT_SECONDS = 60
COMMAND_SECONDS = 120
OUR_ADDRESS, OUR_ADDRESS6 = "10.8.0.254", "fd10:8::fe"
_NODE_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LC_ALL": "C",
    "HOME": "/root",
    "TERM": "dumb",
}
_HOLD = """
mount -t tmpfs -o mode=755 tmpfs "$1"
ip link set lo up
ip link add lab0 type bridge
ip addr add "$2/24" dev lab0
[ ! -e /proc/net/if_inet6 ] || ip addr add "$3/64" dev lab0 nodad
ip link set lab0 up
echo ready
exec cat
"""
_LAY_OUT = """
mkdir -p "$1/upper" "$1/work" "$1/tree"
mount -t overlay overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" "$1/tree"
chroot "$1/tree" tar -xf - -C /
chmod 600 "$1/tree/etc/ssh/ssh_host_ed25519_key" # sshd refuses one that others may read
[ -z "$3" ] || chroot "$1/tree" /bin/sh -euc "$3"
"""
_SSH_CONFIG = """\
IdentityFile {0.key}
IdentitiesOnly yes
UserKnownHostsFile {0.known_hosts}
GlobalKnownHostsFile /dev/null
"""

_FIRST, _ADDRESSES = 10, 244
"""The last parts of nodes' addresses: 10 to 253. This side is 254."""


def as_user(user: str, sudo: str) -> tuple[str, ...]:
    """How a command for `Node.run` begins that a user runs, with `sudo` as PE_SUDO."""
    return ("runuser", "-u", user, "--", "env", f"PE_SUDO={sudo}", "LC_ALL=C")


@dataclass(frozen=True)
class Node:
    """A running node.

    `tree` is its file system as seen from here; mind that absolute symbolic links in it lead out of
    the node.
    """

    name: str
    address: str
    address6: str
    machine_id: str
    tree: Path
    leader: int
    """The node's PID 1, by this machine's count."""

    def run(
        self, *argv: str, check: bool = True, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the node as root, past ssh: for what a test arranges.

        With `check`, a status other than 0 is an AssertionError.
        """
        enter = [
            "nsenter",
            f"--target={self.leader}",
            "--mount",
            "--uts",
            "--ipc",
            "--net",
            "--pid",
            "--cgroup",
            "--root",
            "--wd",
            "--",
        ]
        return _run([*enter, *argv], check=check, stdin=stdin, environment=_NODE_ENVIRONMENT)

    def sh(self, script: str, *, check: bool = True) -> str:
        """Run a script with the node's `sh -eu`, as root: what it printed, without the last
        newline.
        """
        return self.run("/bin/sh", "-euc", script, check=check).stdout.removesuffix("\n")

    def write(self, path: str, content: str, mode: int = 0o644) -> None:
        """Write a file of the running node, in place."""
        self.run(
            "/bin/sh",
            "-euc",
            'cat >"$1"; chmod "$2" "$1"',
            "write",
            path,
            f"{mode:o}",
            stdin=content,
        )


@dataclass(frozen=True)
class _Machine:
    """What stays the same of a node from one boot to the next; `power` ends the present boot."""

    name: str
    number: int
    place: Path
    """Holds the overlay; its path inside of the lab's mount namespace."""
    address: str
    options: Sequence[str]
    power: ExitStack = field(default_factory=ExitStack)


@dataclass
class Lab:
    """A private network and the nodes in it.

    This side has the addresses 10.8.0.254 and fd10:8::fe.
    """

    directory: Path
    holder: int
    _hosts: dict[str, tuple[Node, str]] = field(default_factory=dict)
    _machines: dict[Path, _Machine] = field(default_factory=dict)
    """By the `tree` of their node."""
    _numbers: Iterator[int] = field(default_factory=lambda: count(_FIRST))

    @property
    def key(self) -> Path:
        """The private key that root, stella (sudo without a password) and guest (no sudo) of every
        node accept.
        """
        return self.directory / "key"

    @property
    def known_hosts(self) -> Path:
        return self.directory / "known_hosts"

    @property
    def ssh_config(self) -> Path:
        """For `ssh -F` and `--ssh-config`: the running nodes by name and address, their host keys
        known, no user given.
        """
        return self.directory / "ssh_config"

    def run(
        self,
        *argv: str,
        check: bool = True,
        stdin: str = "",
        cwd: Path | None = None,
        **environment: str,
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of this machine on the lab's network.

        With `check`, a status other than 0 is an AssertionError.
        """
        inside = ["nsenter", f"--net=/proc/{self.holder}/ns/net", "--", *argv]
        ours = {
            "XDG_CACHE_HOME": str(self.directory / "cache")
        }  # what tests leave is not for the person who runs them
        return _run(
            inside, check=check, stdin=stdin, cwd=cwd, environment=os.environ | ours | environment
        )

    def ssh(
        self, target: str, *argv: str, check: bool = True, stdin: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """`ssh` to a running node, `name` or `user@name`."""
        return self.run(
            "ssh",
            "-F",
            str(self.ssh_config),
            "-o",
            "BatchMode=yes",
            target,
            *argv,
            check=check,
            stdin=stdin,
        )

    @contextmanager
    def node(
        self,
        name: str,
        *,
        root: Root = BASE,
        address: str | None = None,
        machine_id: str | None = None,
        files: Mapping[str, str] | None = None,
        prepare: str = "",
        options: Sequence[str] = (),
    ) -> Iterator[Node]:
        """A node whose start is complete (sshd answers, no job is left); gone at the end.

        By default the address and the machine-id are the node's alone. `files` lie there before the
        boot, 0644, or 0755 where they begin with `#!`. `prepare` is sh, run as root in the tree
        before the boot: the place for `systemctl enable`. `options` are more of systemd-nspawn's.
        AssertionError: it did not come up, and why.
        """
        number = next(self._numbers)
        place = self.directory / "nodes" / str(number)
        identity = machine_id or os.urandom(16).hex()
        secret, public = self._host_key(number)
        contents = {
            "/etc/hostname": f"{name}\n",
            "/etc/machine-id": f"{identity}\n",
            "/etc/ssh/ssh_host_ed25519_key": secret,
            # A network namespace begins with the IPv4 settings of the machine's own, which may
            # forward (docker's do).
            "/etc/sysctl.d/00-lab.conf": "net.ipv4.ip_forward = 0\n",
            "/etc/ssh/lab_authorized_keys": self.key.with_suffix(".pub").read_text(),
            **(files or {}),
        }
        lower = ":".join(map(str, layers(root)))
        self._inside(
            "/bin/sh", "-euc", _LAY_OUT, "lay-out", str(place), lower, prepare, stdin=_tar(contents)
        )
        # Nodes of a long run get the addresses of those that have ended.
        host = _FIRST + (number - _FIRST) % _ADDRESSES
        machine = _Machine(name, number, place, address or f"10.8.0.{host}", options)
        tree = Path(f"/proc/{self.holder}/root{place}/tree")
        self._machines[tree] = machine
        try:
            with machine.power:
                leader, address, address6 = machine.power.enter_context(self._booted(machine))
                node = Node(name, address, address6, identity, tree, leader)
                with self._known(node, public):
                    yield node
        finally:
            del self._machines[tree]
            self._inside("/bin/sh", "-euc", 'umount "$1/tree"; rm -rf "$1"', "remove", str(place))

    def reboot(self, node: Node) -> Node:
        """Cut a node's power, and boot the same disk again.

        The addresses, the machine-id and the host key stay; /run, /tmp and the network
        namespace are new. In: a node of this lab, running. Out: the node with its start
        complete; the one that was passed in has ended. AssertionError: it did not come up.
        """
        machine = self._machines[node.tree]
        machine.power.close()
        leader, _, _ = machine.power.enter_context(self._booted(machine))
        return replace(node, leader=leader)

    def _host_key(self, number: int) -> tuple[str, str]:
        path = self.directory / f"host_key_{number}"
        _keygen(path)
        return path.read_text(), path.with_suffix(".pub").read_text()

    @contextmanager
    def _known(self, node: Node, public: str) -> Iterator[None]:
        self._hosts[node.name] = node, public
        self.write_ssh_files()
        try:
            yield
        finally:
            del self._hosts[node.name]
            self.write_ssh_files()

    def write_ssh_files(self) -> None:
        """Make `ssh_config` and `known_hosts` what they are to be: for a test that has spoilt them."""
        hosts = self._hosts.values()
        self.known_hosts.write_text(
            "".join(f"{node.address},{node.address6} {public}" for node, public in hosts)
        )
        self.ssh_config.write_text(
            _SSH_CONFIG.format(self)
            + "".join(f"Host {node.name}\n    HostName {node.address}\n" for node, _ in hosts)
        )

    @contextmanager
    def _booted(self, machine: _Machine) -> Iterator[tuple[int, str, str]]:
        """Boot a machine: its leader and its addresses, when systemd says that its start is
        complete. At the end its power is cut.
        """
        number, address = machine.number, machine.address
        tree = str(machine.place / "tree")
        nspawn = [
            "systemd-nspawn",
            "-q",
            "-D",
            tree,
            "--register=no",
            "--keep-unit",
            "--boot",
            "--console=pipe",
            "--notify-ready=yes",
        ]
        nspawn += [
            "--timezone=off",
            "--network-bridge=lab0",
            f"--machine=lab-{number}",
            f"--hostname={machine.name}",
            *machine.options,
        ]
        argv = [*self._entrance(), "/bin/sh", "-c", command_in(self.holder, str(number), nspawn)]
        notices, console = self.directory / f"notify-{number}", self.directory / f"console-{number}"
        address6 = f"fd10:8::{number:x}"
        notices.unlink(missing_ok=True)  # the socket of the boot before
        with (
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified,
            console.open("wb") as output,
        ):
            notified.bind(str(notices))
            environment = os.environ | {"NOTIFY_SOCKET": str(notices)}
            with subprocess.Popen(
                argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
            ) as process:
                try:
                    _await(notified, process, "X_NSPAWN_LEADER_PID=", console)
                    (nspawn_pid,) = _children(process.pid)
                    (leader,) = _children(nspawn_pid)
                    _configure_network(leader, address, address6)
                    _await(notified, process, "READY=1", console)
                    # A reload notifies too (systemd 257 does); nspawn would block on a queue that
                    # nobody reads.
                    notified.close()
                    yield leader, address, address6
                finally:
                    for pid in _children(process.pid):
                        for victim in _children(pid) or [pid]:
                            with suppress(ProcessLookupError):
                                os.kill(victim, signal.SIGKILL)

    def _entrance(self) -> list[str]:
        return ["nsenter", f"--target={self.holder}", "--mount", "--net", "--pid", "--"]

    def _inside(self, *argv: str, stdin: bytes = b"") -> None:
        _run([*self._entrance(), *argv], stdin=stdin)


@contextmanager
def open_lab(directory: Path) -> Iterator[Lab]:
    """A lab that keeps its keys, consoles and ssh configuration in an empty directory."""
    sweep()
    mount_point = directory / "nodes"
    mount_point.mkdir()
    hold = [
        "unshare",
        "--mount",
        "--net",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
        "/bin/sh",
        "-euc",
        _HOLD,
        "hold",
    ]
    with subprocess.Popen(
        [*hold, str(mount_point), OUR_ADDRESS, OUR_ADDRESS6],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as unshare:
        assert unshare.stdout is not None
        assert unshare.stdout.readline() == b"ready\n", (
            "the lab's namespaces could not be made: what unshare said is above"
        )
        (holder,) = _children(unshare.pid)
        lab = Lab(directory, holder)
        _keygen(lab.key)
        yield lab
        # Popen's exit closes the pipe and waits.
    sweep()


def _configure_network(leader: int, address: str, address6: str) -> None:
    in_node = ["nsenter", f"--target={leader}", "--net", "--", "ip"]
    _run([*in_node, "address", "add", f"{address}/24", "dev", "host0"])
    _run([*in_node, "link", "set", "host0", "up"])
    if Path("/proc/net/if_inet6").exists():
        _run([*in_node, "address", "add", f"{address6}/64", "dev", "host0", "nodad"])


def _await(
    notified: socket.socket, process: subprocess.Popen[bytes], word: str, console: Path
) -> None:
    """Wait until systemd-nspawn notifies us of `word` (sd_notify(3))."""
    deadline = time.monotonic() + BOOT_SECONDS
    ended = os.pidfd_open(process.pid)
    try:
        while (left := deadline - time.monotonic()) > 0:
            readable, _, _ = select.select([notified.fileno(), ended], [], [], left)
            if notified.fileno() in readable:
                if word in notified.recv(4096).decode():
                    return
            elif ended in readable:
                break
        raise AssertionError(
            f"the node did not come up ({word} never came):\n{console.read_text(errors='replace')}"
        )
    finally:
        os.close(ended)


def _children(pid: int) -> list[int]:
    try:
        return [
            int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]
    except FileNotFoundError:
        return []


def _tar(files: Mapping[str, str]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        for path, content in files.items():
            entry = tarfile.TarInfo(path.lstrip("/"))
            data = content.encode()
            entry.size, entry.mode = len(data), 0o755 if content.startswith("#!") else 0o644
            archive.addfile(entry, io.BytesIO(data))
    return written.getvalue()


def _keygen(path: Path) -> None:
    _run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", str(path)])


def _run(
    argv: Sequence[str],
    *,
    check: bool = True,
    stdin: str | bytes = b"",
    environment: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> subprocess.CompletedProcess[str]:
    sent = stdin if isinstance(stdin, bytes) else stdin.encode(errors="surrogateescape")
    done = subprocess.run(
        argv,
        check=False,
        input=sent,
        capture_output=True,
        env=environment,
        cwd=cwd,
        timeout=COMMAND_SECONDS,
    )
    stdout, stderr = (
        stream.decode(errors="surrogateescape") for stream in (done.stdout, done.stderr)
    )
    assert not check or done.returncode == 0, (
        f"{argv} ended with {done.returncode}:\n{stdout}{stderr}"
    )
    return subprocess.CompletedProcess(done.args, done.returncode, stdout, stderr)
