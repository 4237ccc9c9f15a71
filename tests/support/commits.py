"""What the gate asks of a repository, answered from memory, without git."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from power_edge.change_gate.repository import LINK, Base, Blob, Commit, Signature

Files = Mapping[str, bytes]
BASE = Base("main", "tip", "fork")


def blob(content: bytes, mode: str = "100644") -> Blob:
    return Blob(mode, hashlib.sha1(b"blob %d\0%s" % (len(content), content)).hexdigest())


class Commits(NamedTuple):
    """A repository whose base is BASE, unless a commit is named."""

    trees: Mapping[str, Files]
    """Commit -> its files, by their paths in the repository. There are at least `tip`, `fork` and
    `HEAD`.
    """
    signatures: Mapping[str, Signature] = {}
    """The commits of the change."""
    past: tuple[str, ...] = ()
    """The commits before the fork that changed some nodes, the newest first."""
    links: frozenset[str] = frozenset()
    """Paths of links."""
    work: frozenset[str] = frozenset()
    """The files of the work tree, by their paths in node-configs/."""
    head_hash: str = "HEAD"
    prefix: str = "node-configs/"

    def base(self, ref: str | None) -> Base:
        return BASE if ref is None else Base(ref, ref, ref)

    def head(self) -> str:
        return self.head_hash

    def tree(self, commit: str, prefix: str = "node-configs/") -> dict[str, Blob]:
        return {
            path.removeprefix(prefix): blob(content, LINK if path in self.links else "100644")
            for path, content in self.trees[commit].items()
            if path.startswith(prefix)
        }

    def contents(self, hashes: Iterable[str]) -> dict[str, bytes]:
        known = {
            blob(content).hash: content for each in self.trees.values() for content in each.values()
        }
        return {each: known[each] for each in hashes}

    def commits(self, base: Base) -> list[Commit]:
        return [Commit(each, (base.fork,)) for each in self.signatures]

    def signature(self, commit: Commit) -> Signature:
        return self.signatures[commit.hash]

    def history(self, commit: str, folders: Iterable[str]) -> list[str]:
        """Those of `past` that differ from the next older one in one of the folders."""
        assert commit == "fork"
        found = []
        for each, older in zip(self.past, (*self.past, None)[1:], strict=True):
            old: Files = {} if older is None else self.trees[older]
            paths = {*self.trees[each], *old}
            differing = [path for path in paths if self.trees[each].get(path) != old.get(path)]
            if any(
                f"{path}/".startswith(f"{self.prefix}{folder}/")
                for path in differing
                for folder in folders
            ):
                found.append(each)
        return found

    def present(self) -> set[str]:
        return {*self.work}

    def elsewhere(self, base: Base) -> list[str]:
        old, new = self.trees[base.fork], self.trees[self.head_hash]
        return sorted(
            path
            for path in {*old, *new}
            if old.get(path) != new.get(path) and not path.startswith(self.prefix)
        )
