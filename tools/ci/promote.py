"""Has `power-edge release promote` prove and tag a release, and pushes the tag."""

import os

from tools.ci import git
from tools.ci.step import boolean, given, output, power_edge, version


def main() -> None:
    """Push the tag vX.Y.Z; give `folder`, which has the files that it vouches for."""
    pre, release = version(given("PRE_RELEASE")), version(given("VERSION"))
    git.introduce()
    words = [f"--built={given('BUILT')}", *options(), pre.tag, release.semver]
    print(power_edge("release", "promote", *words), end="")
    git.push_tag(release.tag, given("GITHUB_TOKEN"))
    output(folder=f"dist/{release.tag}")


def options() -> list[str]:
    """Return the options that the inputs stand for; `promote` says which belong together."""
    with_config = os.environ.get("WITH_CONFIG", "")
    return [
        *(["--rollback"] if boolean("IS_ROLLBACK") else []),
        *(["--accept-config-loss"] if boolean("ACCEPT_CONFIG_LOSS") else []),
        *([f"--with-config={with_config}"] if with_config else []),
    ]
