"""Changes of a node's files, shown before they are written: all of them or none."""

from collections.abc import Iterator, Mapping
from difflib import unified_diff
from pathlib import Path
from typing import NamedTuple

from power_edge import whole
from power_edge.config import load_node
from power_edge.config.error import refuse
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
        """Write them. Raises ConfigError where one is no longer as it was read, and OSError; all are as they were then."""
        for name, (old, _) in self.files.items():
            place = f"{NODE_CONFIGS}/{self.folder.name}/{name}"
            if read_file(self.folder / name, place) != old:
                raise refuse(place, "was changed meanwhile; nothing was written", "try again")
        contents = {name: new for name, (_, new) in self.files.items()}
        if self.folder.exists():
            whole.write_all({self.folder / name: content for name, content in contents.items()})
        else:
            whole.write_folder(self.folder, contents)


def propose(folder: Path, files: Mapping[str, tuple[bytes | None, bytes]]) -> Proposal:
    """The proposal that files of a node's folder, as they were read, be changed so. Raises ConfigError where the node would not load."""
    if STATE in files or (folder / STATE).exists():
        load_node(folder, {name: new for name, (_, new) in files.items()})
    return Proposal(folder, {name: (old, new) for name, (old, new) in files.items() if old != new})
