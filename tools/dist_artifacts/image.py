"""An image of the OCI: Debian's Python with the wheels installed."""

import hashlib
import os
import shutil
import sys
from pathlib import Path

from tools.dist_artifacts.build import Build, Unbuildable
from tools.dist_artifacts.compare import digest
from tools.dist_artifacts.wheelhouse import folder_of

CACHE = Path("/var/cache/power-edge-dist")
"""Keeps the base until its definition changes; remove it to get the newest packages."""
SUITE = "trixie"
_LEFT_OUT = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*", "/usr/share/info/*")
BASE = (
    "--variant=minbase",
    "--include=python3,openssh-client",
    *(f"--dpkgopt=path-exclude={each}" for each in _LEFT_OUT),
    "--dpkgopt=path-include=/usr/share/doc/*/copyright",
    "--dpkgopt=force-unsafe-io",
    # Written by some maintainer script: differs from run to run.
    '--customize-hook=rm -rf "$1"/var/cache/apt/* "$1"/var/lib/apt/lists/* "$1"/var/log/*',
)


def make(build: Build) -> None:
    """Build it with buildah, which needs root; without root this prints that it is left out.

    CI (`CI` is set) must be root.
    """
    if os.geteuid() != 0:
        if "CI" in os.environ:
            raise Unbuildable("buildah needs root here: run make dist as root")
        print("make dist: no image, because that needs root", file=sys.stderr)
        return
    work = build.work("image")
    context, wheels, layout = work / "context", work / "wheels", work / "layout"
    context.mkdir()
    base = _base(build)
    shutil.copy(base, context)
    (context / base.name).rename(context / "base.tar")
    shutil.copytree(folder_of(build), wheels)
    constraints = build.tree / "constraints.txt"
    build.run(
        sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", wheels,
        "--constraint", constraints, "pip",
    )  # fmt: skip
    labels = {
        "org.opencontainers.image.title": "power-edge",
        "org.opencontainers.image.version": build.semver,
        "org.opencontainers.image.revision": build.commit,
        "org.opencontainers.image.licenses": "Apache-2.0",
        "org.opencontainers.image.source": "https://github.com/power-edge/power-edge",
        "org.opencontainers.image.base.name": f"debian:{SUITE}",
        "org.power-edge.base.sha256": digest(base),
    }
    # Its storage is this build's own: nothing of another one is in it, and nothing stays.
    places = (f"--root={work / 'storage'}", f"--runroot={work / 'run'}")
    buildah = ("buildah", *places, "--storage-driver=vfs")
    build.run(
        *buildah, "bud", "--isolation=chroot", f"--timestamp={build.epoch}", "--layers=false",
        "--squash", f"--volume={wheels}:/wheels:ro", "--quiet",
        *(f"--label={name}={value}" for name, value in labels.items()),
        f"--file={build.tree / 'deploy/image/Containerfile'}", "--tag=power-edge", context,
    )  # fmt: skip
    build.run(*buildah, "push", "--quiet", "power-edge", f"oci:{layout}:power-edge:{build.semver}")
    build.tar(layout, build.out / f"power-edge-{build.version}.oci.tar", ".")
    shutil.rmtree(work)


def _base(build: Build) -> Path:
    """Return Debian with Python and ssh as a tar."""
    key = hashlib.sha256(repr((SUITE, BASE)).encode()).hexdigest()[:12]
    file = CACHE / f"base-{key}.tar"
    if not file.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        part = CACHE / f".{key}-{os.getpid()}.tar"
        build.run("mmdebstrap", "--quiet", *BASE, SUITE, part, *_sources(build))
        part.rename(file)
    return file


def _sources(build: Build) -> list[str]:
    """Return the archives of Debian that this machine knows, as apt has them."""
    said = build.run(
        "apt-get", "indextargets", "--format", "$(ORIGIN)\t$(REPO_URI)", "Created-By: Packages"
    )
    lines = (line.split("\t") for line in said.splitlines())
    found = dict.fromkeys(uri for origin, uri in lines if origin == "Debian")
    archives = [uri for uri in found if "security" not in uri]
    if not archives:
        raise Unbuildable("apt knows no archive of Debian on this machine: run apt-get update")
    return [f"deb {archives[0]} {SUITE} main"]
