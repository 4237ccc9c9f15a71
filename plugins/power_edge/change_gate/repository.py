"""What a change is compared with: a commit of the git repository that node-configs/ is in.

Nothing is checked out. git only lists trees and prints blobs, so no hook, filter or attribute of
the change does anything.
"""

import os
from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

from power_edge.release.git_command import git
from power_edge.release.schema_set import Unusable
from power_edge.text import quoted

_MAIN = (
    "refs/remotes/origin/HEAD",
    "refs/remotes/origin/main",
    "refs/remotes/origin/master",
    "refs/heads/main",
    "refs/heads/master",
)
"""Where the main branch is looked for: what others have, before what is here."""
LINK = "120000"
_LONGEST_HISTORY = 100
FETCH = "git fetch --unshallow"


class Base(NamedTuple):
    """What a change is compared with."""

    ref: str
    """The ref as the user named it, for display."""
    tip: str
    """The commit of the ref: its policy counts, as it is now."""
    fork: str
    """The merge base of the ref and HEAD: the change is what came after it."""


class Blob(NamedTuple):
    """A file of a commit, by git's mode and hash."""

    mode: str
    hash: str


class Commit(NamedTuple):
    """A commit of a change."""

    hash: str
    parents: tuple[str, ...]


class Signature(NamedTuple):
    """What git says about a commit's signature: whether it holds, and whose it is.

    `signer` is None if git cannot say whose key it is.
    """

    is_good: bool
    signer: str | None = None
    is_automatic: bool = False
    """Whether the commit is a merge that adds nothing: it needs no signature."""


class Repository:
    """The repository around a node-configs/."""

    def __init__(self, root: Path) -> None:
        """Find the repository of `root`, a node-configs/. Raises Unusable without one."""
        self._folder = root.absolute().parent
        top = self._text("rev-parse", "--show-toplevel")
        if top is None:
            raise Unusable(
                f"{quoted(str(root), 200)} is in no git repository, so there is nothing to compare"
                " it with"
            )
        outer = self._text("rev-parse", "--show-superproject-working-tree")
        if outer is None:
            raise Unusable(f"git cannot say if {quoted(str(root), 200)} is in a submodule")
        if outer:
            raise Unusable(
                f"{quoted(str(root), 200)} is in a submodule: the change may have exchanged it;"
                " clone that repository by itself"
            )
        self.top = Path(top)
        _refuse_links(root.absolute(), self.top)
        self.prefix = f"{root.absolute().relative_to(_same(root.absolute(), self.top))}/"
        """The path of node-configs/ in the repository, with a slash at its end."""

    def base(self, ref: str | None) -> Base:
        """Return what to compare with: a ref, or the main branch. Raises Unusable."""
        if self._commit("HEAD") is None:
            raise Unusable("the repository has no commit yet, so there is nothing to compare with")
        name, tip = self._named(ref)
        found = self._text("merge-base", "--all", tip, "HEAD")
        forks = found.split() if found else []
        if self._is_shallow and forks != [tip]:
            # In a part of the history an older commit may look like the last one in common.
            raise Unusable(
                f"this clone is shallow and does not show where HEAD left {quoted(name)}:"
                f" {FETCH}, or in a workflow fetch-depth: 0"
            )
        if not forks:
            raise Unusable(f"HEAD and {quoted(name)} have no commit in common")
        if len(forks) > 1:
            raise Unusable(
                f"HEAD and {quoted(name)} have more than one merge base: merge {quoted(name)} into"
                " the branch once more"
            )
        return Base(name, tip, forks[0])

    def tree(self, commit: str, prefix: str | None = None) -> dict[str, Blob]:
        """Return the files below node-configs/ in a commit, by their paths in it.

        `prefix` names another folder, with a slash at its end. Raises Unusable for a submodule.
        """
        prefix = self.prefix if prefix is None else prefix
        ended = git("ls-tree", "-r", "-z", "--full-tree", commit, "--", prefix, folder=self.top)
        if ended.status != 0:
            raise Unusable(f"git cannot list the files of {commit[:12]}")
        found: dict[str, Blob] = {}
        for entry in filter(None, ended.stdout.split(b"\0")):
            about, _, path = entry.partition(b"\t")
            mode, kind, blob = about.decode("ascii").split(" ")
            name = os.fsdecode(path).removeprefix(prefix)
            if kind != "blob":
                raise Unusable(
                    f"{quoted(prefix + name, 200)} is a submodule in {commit[:12]}, and the gate"
                    " cannot see into it"
                )
            found[name] = Blob(mode, blob)
        return found

    def contents(self, hashes: Iterable[str]) -> dict[str, bytes]:
        """Return the contents of blobs by their hashes. Raises Unusable."""
        wanted = sorted(set(hashes))
        stdin = "".join(f"{each}\n" for each in wanted).encode("ascii")
        printed = BytesIO(git("cat-file", "--batch", stdin=stdin, folder=self.top).stdout)
        found: dict[str, bytes] = {}
        for each in wanted:
            words = printed.readline().split()
            if len(words) != 3:
                raise Unusable(f"git has no content for the file {each[:12]}")
            found[each] = printed.read(int(words[2]))
            printed.readline()  # the line break behind it
        return found

    def commits(self, base: Base) -> list[Commit]:
        """Return the commits of HEAD that the base does not have, the newest first.

        Raises Unusable if git cannot list them: without commits, no signature would be missing.
        """
        listed = self._text("rev-list", "--parents", "HEAD", f"^{base.tip}", f"^{base.fork}")
        if listed is None:
            raise Unusable(f"git cannot list the commits since {base.fork[:12]}")
        return [
            Commit(words[0], tuple(words[1:]))
            for line in listed.splitlines()
            if (words := line.split())
        ]

    def history(self, commit: str, folders: Iterable[str]) -> list[str]:
        """Return the newest commits up to this one that changed folders of node-configs/, as the
        branch got them: at most 100. Raises Unusable.
        """
        paths = [f":(top,literal){self.prefix}{each}" for each in folders]
        listed = self._text(
            "rev-list", "--first-parent", f"--max-count={_LONGEST_HISTORY}", commit, "--", *paths
        )
        if listed is None:
            raise Unusable(f"git cannot list the commits before {commit[:12]}")
        return listed.split()

    def signature(self, commit: Commit) -> Signature:
        """Return what git says of the signature of a commit (git verify-commit).

        A merge that adds nothing to what git itself would make of its parents needs no signature:
        a forge makes it for each pull request.
        """
        if len(commit.parents) == 2 and self._adds_nothing(commit):
            return Signature(True, is_automatic=True)
        if git("verify-commit", commit.hash, folder=self.top).status != 0:
            return Signature(False)
        output = self._text("log", "-1", "--no-show-signature", "--format=%G?%x00%GS", commit.hash)
        state, _, signer = (output or "").partition("\0")
        return Signature(True, signer if state == "G" and signer else None)

    def present(self) -> set[str]:
        """Return the files below node-configs/ that a commit of all of it would have, by their
        paths in it: those that git knows, and those that it does not know and does not ignore.
        Those that Python makes are left out. Raises Unusable.
        """
        ended = git(
            "ls-files",
            "--cached",
            "--others",
            "--exclude-standard",
            "-z",
            "--",
            f":(top,literal){self.prefix}",
            folder=self.top,
        )
        if ended.status != 0:
            raise Unusable("git cannot list the files of the work tree")
        paths = (os.fsdecode(path) for path in ended.stdout.split(b"\0") if path)
        names = (path.removeprefix(self.prefix) for path in paths)
        return {name for name in names if "__pycache__" not in name.split("/")}

    def elsewhere(self, base: Base) -> list[str]:
        """Return the paths outside of node-configs/ that the commits of a change touch."""
        ended = git(
            "diff-tree",
            "-r",
            "-z",
            "--name-only",
            "--no-renames",
            base.fork,
            "HEAD",
            folder=self.top,
        )
        if ended.status != 0:
            raise Unusable(f"git cannot compare HEAD with {base.fork[:12]}")
        paths = [os.fsdecode(path) for path in ended.stdout.split(b"\0") if path]
        return [path for path in paths if not path.startswith(self.prefix)]

    def head(self) -> str:
        """Return the commit of HEAD."""
        commit = self._commit("HEAD")
        assert commit is not None
        return commit

    def _named(self, ref: str | None) -> tuple[str, str]:
        if ref is not None:
            commit = self._commit(ref)
            if commit is None:
                raise Unusable(f"{quoted(ref)} is not a git ref{self._perhaps_missing}")
            return ref, commit
        for each in _MAIN:
            commit = self._commit(each)
            if commit is not None:
                return each.removeprefix("refs/remotes/").removeprefix("refs/heads/"), commit
        raise Unusable(
            "no main branch was found (origin/HEAD, main, master): name what to compare with:"
            f" --base=REF{self._perhaps_missing}"
        )

    @property
    def _perhaps_missing(self) -> str:
        if not self._is_shallow:
            return ""
        return f"; this clone is shallow: {FETCH} brings the rest, or in a workflow fetch-depth: 0"

    def _adds_nothing(self, commit: Commit) -> bool:
        made = self._text("merge-tree", "--write-tree", *commit.parents)
        return made is not None and made == self._text("rev-parse", f"{commit.hash}^{{tree}}")

    def _commit(self, ref: str) -> str | None:
        return self._text(
            "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"
        )

    @property
    def _is_shallow(self) -> bool:
        return self._text("rev-parse", "--is-shallow-repository") != "false"

    def _text(self, *words: str) -> str | None:
        """Return what git prints, None if it fails."""
        ended = git(*words, folder=self._folder)
        return os.fsdecode(ended.stdout).rstrip("\n") if ended.status == 0 else None


def _same(path: Path, top: Path) -> Path:
    """Return the folder above a path that is `top`, as the path spells it. Raises Unusable."""
    for folder in path.parents:
        if folder.samefile(top):
            return folder
    raise Unusable(f"{quoted(str(path), 200)} is reached through a symbolic link")


def _refuse_links(root: Path, top: Path) -> None:
    """Refuse a node-configs/ that is reached through a link of the repository.

    A change that puts a link in its place would be compared with another folder, or with none.
    """
    top = _same(root, top)
    for path in (root, *root.parents):
        if path == top:
            return
        if path.is_symlink():
            raise Unusable(
                f"{quoted(str(path), 200)} is a symbolic link: name the folder that it leads to"
                " with --node-configs=DIR"
            )


def unpack(tree: Mapping[str, Blob], contents: Mapping[str, bytes], folder: Path) -> None:
    """Write the files of a tree below an empty folder of our own.

    A file without content is empty. Links come last, and lead where the commit says: the reader of
    node-configs/ judges them. Raises Unusable for a path that leads out of the folder, occurs
    twice, or cannot be written.
    """
    links: list[tuple[Path, bytes]] = []
    for name, blob in tree.items():
        parts = name.split("/")
        if any(part in ("", ".", "..") for part in parts):
            raise Unusable(f"the commit has a file of the name {quoted(name)}")
        path = folder.joinpath(*parts)
        content = contents.get(blob.hash, b"")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if blob.mode == LINK:
                links.append((path, content))
                continue
            with path.open("xb") as file:
                file.write(content)
        except (FileExistsError, NotADirectoryError):
            raise Unusable(f"the commit has the file {quoted(name)} twice") from None
        except OSError as error:  # a name may be too long for this machine, or the disk full
            raise Unusable(
                f"the file {quoted(name, 200)} of the commit cannot be written: {error.strerror}"
            ) from None
    for path, target in links:
        try:
            path.symlink_to(os.fsdecode(target))
        except (OSError, ValueError):
            raise Unusable(
                f"the commit has a link {quoted(path.name)} that cannot be made"
            ) from None
