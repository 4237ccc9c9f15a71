"""Changes of a node's files, shown before they are written: all of them or none."""

from collections.abc import Iterator, Mapping
from difflib import unified_diff
from pathlib import Path
from typing import NamedTuple

from power_edge import whole
from power_edge.config import load_node
from power_edge.config.folders import NODE_CONFIGS, STATE, read_file


class Proposal(NamedTuple):
    """The files of a node's folder that would change, by name, as they are (None: not there) and as they would be."""

    folder: Path
    files: Mapping[str, tuple[bytes | None, bytes]]

    def diff(self) -> Iterator[str]:
        """The changes as a unified diff, line by line."""
        for name, (old, new) in self.files.items():
            place = f"{NODE_CONFIGS}/{self.folder.name}/{name}"
            before, after = (text.decode("utf-8", "replace").splitlines() for text in (old or b"", new))
            yield from unified_diff(before, after, place if old is not None else "/dev/null", place, lineterm="")

    def write(self) -> None:
        """Write them. Raises OSError, and all are as they were."""
        contents = {name: new for name, (_, new) in self.files.items()}
        if self.folder.exists():
            whole.write_all({self.folder / name: content for name, content in contents.items()})
        else:
            whole.write_folder(self.folder, contents)


def propose(folder: Path, contents: Mapping[str, bytes]) -> Proposal:
    """The proposal that a node's folder hold these files; what it has already is no change. Raises ConfigError where the node would not load."""
    files = {}
    for name, new in contents.items():
        old = read_file(folder / name, f"{NODE_CONFIGS}/{folder.name}/{name}")
        if old != new:
            files[name] = (old, new)
    if STATE in contents or (folder / STATE).exists():
        load_node(folder, contents)
    return Proposal(folder, files)
