"""Promotes a pre-release: gets its files, and has `power-edge release promote` prove and tag it."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory

from tools.ci import git, github
from tools.ci.step import Refused, boolean, given, power_edge, version


def main() -> None:
    """Write dist/vX.Y.Z, and push the tag vX.Y.Z."""
    pre, release = version(given("PRE_RELEASE")), version(given("VERSION"))
    words = ["release", "promote", *_rollback(), pre.tag, release.semver]
    repository = github.Repository.of_environment()
    found = repository.release(pre.tag)
    if found is None or found.draft:
        raise Refused(f"there is no pre-release {pre.tag} on GitHub")
    git.introduce()
    with TemporaryDirectory() as folder:
        repository.download(found, Path(folder))
        print(power_edge(*words, f"--artifacts={folder}"), end="")
    git.push_tag(release.tag, repository.token)


def _rollback() -> list[str]:
    """Return the options that a rollback needs, of inputs."""
    is_rollback, accepts = boolean("IS_ROLLBACK"), boolean("ACCEPT_CONFIG_LOSS")
    with_config = os.environ.get("WITH_CONFIG", "")
    if not is_rollback and (accepts or with_config):
        raise Refused("with_config and accept_config_loss are for a rollback (is_rollback)")
    words = ["--rollback"] if is_rollback else []
    if accepts:
        words.append("--accept-config-loss")
    if with_config:
        words.append(f"--with-config={with_config}")
    return words
