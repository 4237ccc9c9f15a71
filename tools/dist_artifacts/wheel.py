"""The wheel and the sdist."""

import sys

from tools.dist_artifacts.build import Build


def make(build: Build) -> None:
    """Build both with the hatchling that is pinned."""
    targets = ("-t", "sdist", "-t", "wheel")
    build.run(sys.executable, "-m", "hatchling", "build", *targets, "-d", build.out, cwd=build.tree)
