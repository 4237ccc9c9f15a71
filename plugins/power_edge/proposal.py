"""Changes of a node's files, shown before they are written: all of them or none."""

from collections.abc import Iterator, Mapping
from difflib import unified_diff
from pathlib import Path
from typing import NamedTuple

from power_edge import whole
from power_edge.config import load_node
from power_edge.config.error import refuse
from power_edge.config.folders import STATE, check_not_linked, node_file, read_file
from power_edge.config.masking import masked


class Proposal(NamedTuple):
    """The files of a node's folder that would change, by name, as they are (None: absent) and as they would be."""

    folder: Path
    files: Mapping[str, tuple[bytes | None, bytes]]
    secrets: frozenset[str] = frozenset()
    """Values that the diff does not show, beside those that are secrets by their declaration."""

    def diff(self) -> Iterator[str]:
        """The changes as a unified diff, line by line, without secrets."""
        for name, (old, new) in self.files.items():
            place = node_file(self.folder, name)
            before, after = (self._lines(name, text) for text in (old or b"", new))
            yield from unified_diff(before, after, place if old is not None else "/dev/null", place, lineterm="")

    def _lines(self, name: str, content: bytes) -> list[str]:
        if name == STATE and content:
            return masked(content, node_file(self.folder, name), self.secrets)
        return content.decode("utf-8", "replace").splitlines()

    def write(self) -> None:
        """Write the files. Raises ConfigError if one changed since it was read, and OSError; then all are as they were.

        Commands that write into one node-configs/ do so one after the other, and each looks again before it writes.
        """
        root = self.folder.parent
        whole.make_folder(root)
        with whole.locked(root):
            for name, (old, _) in self.files.items():
                if read_file(self.folder, name) != old:
                    raise refuse(node_file(self.folder, name), "was changed meanwhile; nothing was written", "try again")
            contents = {name: new for name, (_, new) in self.files.items()}
            if self.folder.exists():
                whole.write_all({self.folder / name: content for name, content in contents.items()})
            else:
                whole.write_folder(self.folder, contents)


def propose(folder: Path, files: Mapping[str, tuple[bytes | None, bytes]], secrets: frozenset[str] = frozenset()) -> Proposal:
    """The proposal that files of a node's folder, as they were read, be changed so, and shown without `secrets`.

    Raises ConfigError if the node would not load, or if a file that would change is a link: another one is meant.
    """
    if STATE in files or (folder / STATE).exists():
        load_node(folder, {name: new for name, (_, new) in files.items()})
    changed = {name: (old, new) for name, (old, new) in files.items() if old != new}
    for name in changed:
        check_not_linked(folder, name)
    return Proposal(folder, changed, secrets)
