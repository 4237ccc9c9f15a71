"""A repository with pre-releases, for commands that make releases of them."""

import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import releases
from tests.support.crash.machine import STATE
from tests.support.crash.trial import TEMPORARY
from tests.support.releases import release
from tests.support.repository import git

BUILD = """#!/bin/sh
# In place of env(1): a build is made once, and copied afterwards.
case "$1" in POWER_EDGE_VERSION=*) ;; *) exec /usr/bin/env "$@" ;; esac
for word; do [ "$last" != -d ] || out=$word; last=$word; done
kept={kept}/$1
if [ ! -d "$kept" ]; then
    /usr/bin/env "$@" || exit
    cp -R "$out" "$kept.new" && mv "$kept.new" "$kept"
    exit
fi
mkdir -p "$out" && cp "$kept"/* "$out"
"""
PROMOTE = ("power-edge", "release", "promote", "v1.1.0-pre.2")
FORWARD = (*PROMOTE, "1.1.0")
BACK = (*PROMOTE, "1.2.1", "--rollback", "--accept-config-loss")
SIGNED = (*FORWARD, "--key=../key")
NODE = {
    "node-configs/rig/state.yaml": STATE,
    "node-configs/rig/connection.yaml": "ssh: {host: rig}\n",
}


def prepared(make: Callable[[], object] = lambda: None) -> Callable[[Path], None]:
    """What copies a repository into a folder. It is made once for each parent of the folders."""

    def prepare(folder: Path) -> None:
        template = folder.parent / "template"
        if not template.exists():
            with pytest.MonkeyPatch.context() as monkeypatch:
                _template(template, monkeypatch)
                make()
        shutil.copytree(template, folder, dirs_exist_ok=True, symlinks=True)

    return prepare


def _template(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A release v1.0.0, and a pre-release v1.1.0-pre.2 of a MINOR change after it. A key beside the
    folder signs.
    """
    releases.make(folder, monkeypatch)
    git("tag", "v1.0.0")
    wider = {"schemas/a.schema.yaml": releases.WIDER, "schemas/VERSION": "1.1\n"}
    releases.change(2, "feature", **wider, **NODE)
    releases.pre_release("1.1.0-pre.2")
    (folder / ".git/info/exclude").write_text(f"bin/\n{TEMPORARY}/\ngoss.yaml\n")
    kept = folder.parent / "kept"
    kept.mkdir()
    (folder / "bin").mkdir()
    (folder / "bin/env").write_text(BUILD.format(kept=shlex.quote(str(kept))))
    (folder / "bin/env").chmod(0o755)
    key = [
        "ssh-keygen",
        "-q",
        "-t",
        "ed25519",
        "-N",
        "",
        "-C",
        "",
        "-f",
        str(folder.parent / "key"),
    ]
    subprocess.run(key, check=True)


def promoted() -> None:
    release(*FORWARD[2:])


def gone_on() -> None:
    """A later release, which can be taken back."""
    promoted()
    releases.change(3)
    git("tag", "v1.2.0")
