"""Nodes with a real docker and podman: their containers run inside of the node.

systemd-nspawn gives a node its control groups read-only and forbids keyctl(2). So docker's own start
makes them writable, and a runc of the lab's makes no keyring.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.support.lab.roots import BASE, Root

_SETUP = r"""
cat >/usr/local/sbin/runc-lab <<'END'
#!/bin/sh
for word; do
    shift
    set -- "$@" "$word"
    [ "$word" != create ] || set -- "$@" --no-new-keyring
done
exec /usr/sbin/runc "$@"
END
cat >/usr/local/sbin/cgroups-lab <<'END'
#!/bin/sh
for place in /sys/fs/cgroup/*/; do
    mount -o remount,rw "$place" || mount -o remount,rw,bind "$place" || :
done 2>/dev/null
END
chmod 755 /usr/local/sbin/*-lab
mkdir -p /etc/docker /etc/systemd/system/docker.service.d
cat >/etc/docker/daemon.json <<'END'
{"default-runtime": "lab", "runtimes": {"lab": {"path": "/usr/local/sbin/runc-lab"}}, "storage-driver": "vfs"}
END
cat >/etc/systemd/system/docker.service.d/lab.conf <<'END'
[Service]
ExecStartPre=/usr/local/sbin/cgroups-lab
END
mkdir -p /etc/containers
cat >/etc/containers/storage.conf <<'END'
[storage]
driver = "vfs"
graphroot = "/var/lib/containers/storage"
runroot = "/run/containers/storage"
END
cat >/etc/containers/containers.conf <<'END'
[containers]
keyring = false
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
cgroup_manager = "cgroupfs"
END
"""

CONTAINERS = Root(
    name="containers",
    below=BASE,
    packages=("docker.io", "podman", "netavark", "aardvark-dns", "busybox-static"),
    script=_SETUP,
)
"""BASE with docker, which starts at boot, with podman, and with the one program of `IMAGE`."""

IMAGE = r"""
tree=$(mktemp -d)
mkdir "$tree/bin" "$tree/tmp" "$tree/www"
cp /bin/busybox "$tree/bin/"
ln -s busybox "$tree/bin/sh"
echo hi >"$tree/www/index.html"
for tag in lab:1 lab:2; do
    echo "$tag" >"$tree/version"
    for program in $1; do
        tar -C "$tree" -c . | $program import --change 'CMD ["/bin/busybox", "sleep", "1d"]' - "$tag"
    done
done >/dev/null
"""
"""Makes the images lab:1 and lab:2 for the programs of $1, without a registry."""


@contextmanager
def cleared() -> Iterator[None]:
    """Remove what containers leave in the control groups of this machine, after their node has
    gone.
    """
    try:
        yield
    finally:
        places = Path("/sys/fs/cgroup")
        for top in (*places.glob("*/docker"), *places.glob("*/libpod_parent")):
            for group in (*top.iterdir(), top):
                with suppress(OSError):  # of another node that still runs
                    group.rmdir()
