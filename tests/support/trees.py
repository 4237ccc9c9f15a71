"""Made trees of a node, and what a discovery says of them."""

import os
import subprocess
from base64 import b64encode
from collections.abc import Mapping, Sequence
from hashlib import md5, sha1
from pathlib import Path

from tests.support.scripts import body


def run(
    kind: str, tree: Path, mode: str = "changed", shell: Sequence[str] = ("sh",)
) -> subprocess.CompletedProcess[bytes]:
    """The discovery of a type, run on a tree; programs in its `bin` come first."""
    environment = {"PATH": f"{tree}/bin:{os.environ['PATH']}", "LC_ALL": "C", "PE_ROOT": str(tree)}
    return subprocess.run(
        [*shell, "-c", body(kind, "discovery"), "pe", mode],
        check=False,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        env=environment,
        timeout=60,
    )


def lines(done: subprocess.CompletedProcess[bytes]) -> dict[str, str]:
    """Return the reason for each line, by its text with the sign.

    The discovery must have ended well, and named nothing twice.
    """
    assert done.returncode == 0, done.stderr
    printed = done.stdout.decode().splitlines()
    reasons = {what: why for what, _, why in (line.partition("\t") for line in printed)}
    assert len(reasons) == len(printed)
    return reasons


def write(tree: Path, files: Mapping[str, str | bytes]) -> None:
    """Files that everybody may read, by path from the root."""
    for path, content in files.items():
        file = tree / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
        file.chmod(0o644)


def tool(tree: Path, name: str, body: str) -> None:
    write(tree, {f"bin/{name}": f"#!/bin/sh\n{body}\n"})
    (tree / "bin" / name).chmod(0o755)


def dpkg(
    tree: Path,
    conffiles: Mapping[str, str],
    owned: Sequence[str] = (),
    packaged: Mapping[str, str] | None = None,
) -> None:
    """A database of one package: conffiles by path as they were brought, other files of its, and
    files below /usr with their content.
    """
    listed = "".join(
        f" {path} {md5(content.encode()).hexdigest()}\n" for path, content in conffiles.items()
    )
    sums = "".join(
        f"{md5(content.encode()).hexdigest()}  {path.lstrip('/')}\n"
        for path, content in (packaged or {}).items()
    )
    left = (
        "/etc/app/dropped",
        "/etc/app/fresh",
    )  # what is no longer a conffile, and what is not yet one, stay in the list
    listing = "".join(f"{path}\n" for path in [*conffiles, *left, *owned, *(packaged or {})])
    others = " /etc/app/dropped 0123 obsolete\n /etc/app/fresh newconffile\n"
    status = (
        f"Package: app\nStatus: install ok installed\nConffiles:\n{listed}{others}Version: 1\n\n"
    )
    folder = "var/lib/dpkg"
    write(
        tree,
        {
            f"{folder}/status": status,
            f"{folder}/info/app.list": listing,
            f"{folder}/info/app.md5sums": sums,
        },
    )


def apk(tree: Path, folder: str, files: Mapping[str, str]) -> None:
    """A database of one package with these files in a folder of /etc."""
    entries = "".join(
        f"R:{name}\nZ:Q1{b64encode(sha1(content.encode()).digest()).decode()}\n"
        for name, content in files.items()
    )
    write(tree, {"lib/apk/db/installed": f"P:app\nV:1\nF:etc\nF:{folder}\n{entries}\n"})
