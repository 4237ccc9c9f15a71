"""Whether a pre-release may be promoted, and what has to be built for that."""

from tools.ci.promote import options
from tools.ci.step import given, output, power_edge, run, version


def main() -> None:
    """Give `commit` and `version` (as a wheel has it) of the release to build."""
    pre, release = version(given("PRE_RELEASE")), version(given("VERSION"))
    words = ["release", "promote", "--dry-run", *options(), pre.tag, release.semver]
    print(power_edge(*words), end="")
    # The commit, and not the tag: a branch may have the same name.
    commit = run("git", "rev-parse", "--verify", f"refs/tags/{pre.tag}^{{commit}}").strip()
    output(commit=commit, version=release.wheel)
