"""Whether nodes can be booted here at all, and what is missing where they could be."""

import os
import shutil
import subprocess
import sys
from functools import cache

TOOLS = (
    "systemd-nspawn",
    "mmdebstrap",
    "unshare",
    "nsenter",
    "setpriv",
    "ip",
    "ssh",
    "ssh-keygen",
    "dash",
    "mksh",
    "busybox",
    "strace",
)


@cache
def impossible() -> str | None:
    """Why no node can be booted on this machine by its nature, or None."""
    if sys.platform != "linux":
        return "nodes are Linux, this machine is not"
    if os.geteuid() != 0:
        return "nodes are booted as root, and this is not root"
    if subprocess.run(
        ["unshare", "--mount", "--net", "--pid", "--fork", "true"], check=False, capture_output=True
    ).returncode:
        return "nodes live in namespaces, which this machine does not let us make (a container without privileges)"
    if shutil.which("apt-get") is None:
        return "nodes are made of Debian packages, and this machine has no apt"
    return None


def missing() -> list[str]:
    """The tools that the lab needs and that are not installed."""
    return [tool for tool in TOOLS if shutil.which(tool) is None]
