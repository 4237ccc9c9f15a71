"""Makes a pre-release of HEAD: its tag, and its artifacts on GitHub."""

from pathlib import Path

from power_edge.github import GitHub
from tools.ci import git
from tools.ci.step import given, power_edge

DIST = Path("dist")


def main() -> None:
    """Tag HEAD, push the tag, and publish the files of dist/ with it, all or nothing.

    After a run that was cut off, the rest is done.
    """
    tag = given("TAG")
    repository = GitHub()
    if not git.has_tag(tag):
        git.introduce()
        power_edge("release", "pre", tag, f"--artifacts={DIST}")
    git.push_tag(tag, given("GITHUB_TOKEN"))
    draft = repository.new_draft(tag, tag.removeprefix("v"), _NOTES, prerelease=True)
    repository.upload(draft, sorted(DIST.iterdir()))
    repository.publish(draft, latest=False)


_NOTES = "A tested pre-release. Production gets releases only.\n"
