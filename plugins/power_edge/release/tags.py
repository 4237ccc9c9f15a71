"""Tags of pre-releases and releases in the repository of the current folder, and its branch main.

Only versions become names of tags here, so none can be an option or a path.
"""

import os
from typing import Final, NamedTuple

from power_edge.release import git
from power_edge.release.schema_set import Unusable
from power_edge.release.version import Version
from power_edge.text import printable, quoted

_MAIN: Final = ("refs/remotes/origin/main", "refs/heads/main")
"""Where main is looked up: the server's branch first, because that is what others have reviewed."""
_FORMAT = "%(objecttype)%00%(contents:subject)%00%(contents:body)"


class Tag(NamedTuple):
    """An annotated tag: its commit, and its message without a signature."""

    version: Version
    commit: str
    message: str


def check_whole() -> None:
    """Check that commits and tags are all here, and the work tree is a commit. Raises Unusable."""
    git.commit("HEAD")
    if git.is_shallow():
        raise Unusable(
            "this clone is shallow, so commits and tags are missing: git fetch --unshallow --tags"
        )
    # Files that git does not know reach no build: it is made of the commit.
    changed = git.uncommitted(untracked="no")
    if changed:
        raise Unusable(
            f"the work tree has changes that are in no commit: {printable(changed[0])}; commit"
            " them, or work in a new clone"
        )


def folder() -> str:
    """Return the top of the work tree."""
    return os.fsdecode(git.output("rev-parse", "--show-toplevel").removesuffix(b"\n"))


def versions(*which: str) -> list[Version]:
    """Return the versions that have a tag, the lowest first. Other tags are left out.

    `which` are words of git tag that choose among them.
    """
    found = []
    for line in git.output("tag", "--list", *which).decode("utf-8", "replace").splitlines():
        try:
            version = Version.of(line)
        except Unusable:
            continue
        if version.tag == line:
            found.append(version)
    return sorted(found, key=lambda each: each.order)


def releases(*which: str) -> list[Version]:
    """Return the releases, the lowest first; as `versions`."""
    return [each for each in versions(*which) if each.pre is None]


def at(commit: str) -> list[Version]:
    """Return the versions whose tags are on a commit, the lowest first."""
    return versions("--points-at", commit)


def commit_of(version: Version) -> str:
    """Return the commit of a version's tag. Raises Unusable."""
    return git.commit(f"refs/tags/{version.tag}")


def tag(version: Version) -> Tag:
    """Return the annotated tag of a version. Raises Unusable."""
    status, output = git.ask("for-each-ref", f"--format={_FORMAT}", f"refs/tags/{version.tag}")
    if status != 0 or not output:
        raise Unusable(f"there is no tag {version.tag} in this repository (git fetch --tags)")
    kind, subject, body = output.decode("utf-8", "replace").split("\0", 2)
    if kind != "tag":
        raise Unusable(
            f"{version.tag} is a lightweight tag, which has no message: power-edge release makes"
            " annotated ones"
        )
    return Tag(version, commit_of(version), f"{subject}\n\n{body}".strip("\n"))


def make(version: Version, commit: str, message: str) -> None:
    """Make an annotated tag on a commit. Raises Unusable, also if it exists."""
    words = ("--annotate", "--cleanup=verbatim", "-F", "-")
    try:
        git.output("tag", *words, version.tag, commit, stdin=message)
    except Unusable as error:
        if version in versions():
            raise Unusable(f"there is a tag {version.tag} already") from None
        who = "ident" in str(error) or "email" in str(error)
        hint = "; git config user.name and user.email say who tags" if who else ""
        raise Unusable(f"the tag {version.tag} was not made: {error}{hint}") from None


def check_on_main(commit: str, name: str) -> None:
    """Check that a commit is or was the tip of main. Raises Unusable.

    A commit of a merged branch does not count: main was tested with the merge.
    """
    for ref in _MAIN:
        if git.ask("rev-parse", "--verify", "--quiet", ref)[0] == 0:
            break
    else:
        raise Unusable("there is no branch main here, neither of origin nor a local one")
    if commit not in git.output("rev-list", "--first-parent", ref).decode("ascii").split():
        short = ref.removeprefix("refs/").partition("/")[2]
        raise Unusable(f"{name} is not on {short}: {commit[:12]} was never the tip of it")


def contains(commit: str, older: str) -> bool:
    """Whether a commit is `older` or a descendant of it. Raises Unusable if git cannot say."""
    status, _ = git.ask("merge-base", "--is-ancestor", older, commit)
    if status not in (0, 1):
        raise Unusable(f"git cannot say whether {commit[:12]} is a descendant of {older[:12]}")
    return status == 0


def tree(commit: str) -> str:
    """Return the tree of a commit."""
    return git.output("rev-parse", "--verify", f"{commit}^{{tree}}").decode("ascii").strip()


def given(text: str, *, pre: bool) -> Version:
    """Return a version that a person gives. Raises Unusable if it is not a pre-release, or not a
    release.
    """
    version = Version.of(text)
    if pre and version.pre is None:
        raise Unusable(f"{quoted(text)} is not a pre-release, such as v1.3.0-pre.145")
    if not pre and version.pre is not None:
        raise Unusable(f"{quoted(text)} is a pre-release; a release has three numbers alone")
    return version
