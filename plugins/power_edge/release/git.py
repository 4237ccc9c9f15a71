"""Reads files of a commit from the git repository of the current folder, and its release tags.

What a person or a pull request calls a ref is only ever an argument behind `--end-of-options`.
"""

import os
import re
from collections.abc import Iterator, Sequence
from typing import Literal

from power_edge.release.git_command import git
from power_edge.release.schema_set import Unusable
from power_edge.text import printable, quoted

_RELEASE = re.compile(r"v(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)")
_LINK = "120000"


def commit(ref: str, what: str = "git ref") -> str:
    """Return the hash of the commit that a ref names. Raises Unusable; `what` is all that the ref
    could have been.
    """
    status, found = ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")
    if status == 0:
        return found.decode("ascii").strip()
    if ask("rev-parse", "--git-dir")[0] != 0:
        raise Unusable(f"{quoted(ref)} is no {what}: the current folder is in no git repository")
    more = (
        "; this clone is shallow: git fetch --unshallow --tags brings the rest"
        if is_shallow()
        else ""
    )
    raise Unusable(f"{quoted(ref)} is no {what}{more}")


def is_shallow() -> bool:
    """Whether commits and tags may be missing, since the repository was not fetched whole."""
    return ask("rev-parse", "--is-shallow-repository")[1].strip() == b"true"


def last_release(head: str = "HEAD", without: str | None = None) -> str | None:
    """Return the tag of the highest release (`vX.Y.Z`) that a commit contains; None without one.

    Raises Unusable if tags may be missing.
    """
    return next(reversed(releases(head, without)), None)


def releases(head: str, without: str | None = None) -> list[str]:
    """Return the tags of the releases (`vX.Y.Z`) that a commit contains, the lowest first.

    Other tags do not count, and neither does `without`. Raises Unusable if tags may be missing.
    """
    if is_shallow():
        raise Unusable(
            "this clone is shallow, so releases may be missing: git fetch --unshallow --tags brings"
            " them"
        )
    status, listed = ask("tag", "--list", "--merged", head)
    if status != 0:
        raise Unusable("last-release needs a git repository with a commit in the current folder")
    found = [
        (tuple(map(int, match.groups())), match[0])
        for line in listed.decode("utf-8", "replace").splitlines()
        if (match := _RELEASE.fullmatch(line)) and line != without
    ]
    return [tag for _, tag in sorted(found)]


def files(commit_hash: str, folder: str, suffixes: tuple[str, ...]) -> dict[str, bytes]:
    """Return the files below a folder of a commit whose names end in one of `suffixes`, by path in
    the folder."""
    listed = output("ls-tree", "-r", "-z", "--full-tree", commit_hash, "--", f"{folder}/")
    names: list[tuple[str, str]] = []
    for entry in listed.split(b"\0"):
        about, _, path = entry.partition(b"\t")
        name = path.decode("utf-8", "surrogateescape").removeprefix(f"{folder}/")
        if not name.endswith(suffixes):
            continue
        mode, kind, blob = about.decode("ascii").split(" ")
        if kind != "blob" or mode == _LINK:
            raise Unusable(f"{folder}/{name} is not a regular file in {commit_hash[:12]}")
        names.append((name, blob))
    found: dict[str, bytes] = {}
    for (name, blob), content in zip(names, _blobs([blob for _, blob in names]), strict=True):
        if content is None:
            raise Unusable(f"git has no content for {folder}/{name} ({blob[:12]})")
        found[name] = content
    return found


def at_tags(tags: Sequence[str], path: str) -> list[bytes | None]:
    """Return a file as each of these tags has it, None where there is none."""
    return list(_blobs([f"refs/tags/{tag}:{path}" for tag in tags]))


def _blobs(names: Sequence[str]) -> Iterator[bytes | None]:
    rest = output("cat-file", "--batch", stdin="".join(f"{name}\n" for name in names))
    for name in names:
        head, _, rest = rest.partition(b"\n")
        if head == f"{name} missing".encode("ascii"):
            yield None
            continue
        size = int(head.split(b" ")[2])
        content, rest = rest[:size], rest[size + 1 :]
        yield content


def file(commit_hash: str, path: str) -> bytes | None:
    """Return a file of a commit, None if there is none. Raises Unusable for a link or a folder."""
    listed = output("ls-tree", "-z", "--full-tree", commit_hash, "--", path)
    if not listed:
        return None
    mode, kind, blob = listed.partition(b"\t")[0].decode("ascii").split(" ")
    if kind != "blob" or mode == _LINK:
        raise Unusable(f"{path} is not a regular file in {commit_hash[:12]}")
    status, content = ask("cat-file", "blob", blob)
    if status != 0:
        raise Unusable(f"git has no content for {path} ({blob[:12]})")
    return content


def fork_point(base: str, head: str) -> str:
    """Return the merge base of two commits. Raises Unusable without one."""
    status, found = ask("merge-base", base, head)
    if status != 0:
        more = (
            "; this clone is shallow: git fetch --unshallow brings the rest" if is_shallow() else ""
        )
        raise Unusable(f"{base[:12]} and {head[:12]} have no commit in common{more}")
    return found.decode("ascii").split("\n", 1)[0]


def changed(old: str, new: str) -> list[str]:
    """Return the paths that differ between two commits, those of the whole repository."""
    return _paths(output("diff-tree", "-r", "-z", "--name-only", "--no-renames", old, new))


def paths(commit_hash: str) -> list[str]:
    """Return all paths of a commit."""
    return _paths(output("ls-tree", "-r", "-z", "--full-tree", "--name-only", commit_hash))


def uncommitted(untracked: Literal["all", "no"] = "all") -> list[str]:
    """Return the paths of the work tree that HEAD does not have as they are there. Ignored files
    are left out; so are files that git does not know, if `untracked` is "no"."""
    listed = output(
        "status", "--porcelain=v1", "-z", "--no-renames", f"--untracked-files={untracked}"
    )
    return [entry[3:] for entry in _paths(listed)]


def count(head: str) -> int:
    """Return how many commits lead to one, along first parents. Raises Unusable if some may be
    missing."""
    if is_shallow():
        raise Unusable(
            "this clone is shallow, so its commits cannot be counted: git fetch --unshallow --tags"
            " brings the rest"
        )
    return int(output("rev-list", "--count", "--first-parent", head))


def _paths(listed: bytes) -> list[str]:
    return [path.decode("utf-8", "surrogateescape") for path in listed.split(b"\0") if path]


def user() -> str:
    """Return who acts here: the actor of a workflow, else the name that git knows."""
    name = ask("config", "user.name")[1].decode("utf-8", "replace").strip()
    return os.environ.get("GITHUB_ACTOR") or name or "nobody that git knows"


def output(*words: str, stdin: str = "") -> bytes:
    """Return the output of git in the current folder. Raises Unusable if git fails: what it printed
    until then is not the answer.
    """
    ended = git(*words, stdin=stdin.encode("ascii"))
    if ended.status != 0:
        lines = ended.stderr.decode("utf-8", "replace").strip().splitlines()
        why = printable(lines[-1]) if lines else f"it ended with {ended.status}"
        raise Unusable(f"git {words[0]} failed: {why}")
    return ended.stdout


def ask(*words: str, stdin: str = "") -> tuple[int, bytes]:
    """Return the exit status and the output of git in the current folder."""
    ended = git(*words, stdin=stdin.encode("ascii"))
    return ended.status, ended.stdout
