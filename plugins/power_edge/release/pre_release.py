"""Makes the tag of a pre-release, which meets the conditions of promote from the start."""

from pathlib import Path

from power_edge.release import artifacts, git, record, tags
from power_edge.release.schema_set import Unusable
from power_edge.release.version import Version
from power_edge.release.wheel import wheel_of


def make(version: Version, folder: Path) -> tags.Tag:
    """Tag HEAD as a pre-release whose artifacts are in a folder.

    Raises Unusable and ConfigError.
    """
    tags.check_whole()
    commit = git.commit("HEAD")
    tags.check_on_main(commit, "HEAD")
    if tagged := [each.tag for each in tags.at(commit) if each.pre is not None]:
        raise Unusable(f"{commit[:12]} is the pre-release {tagged[0]} already; a commit has one")
    data = artifacts.content(folder / record.TESTED)
    record.check_tested(record.tested(data, record.TESTED), commit, record.TESTED)
    wheel_of(folder, version.wheel)
    message = f"{version.semver}\n\n{record.digest_line(record.TESTED, data)}\n"
    tags.make(version, commit, message)
    return tags.tag(version)
