"""Changes of a node's files, shown before they are written: all of them or none."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from difflib import unified_diff
from pathlib import Path
from typing import NamedTuple

from power_edge import atomic_file
from power_edge.config import ConfigError, load_node
from power_edge.config.clones import IDENTITY, check_unique
from power_edge.config.node import load_system_identity
from power_edge.config.node_configs import (
    NODE_CONFIGS,
    STATE,
    check_not_linked,
    node_file,
    read_file,
    shown_name,
)
from power_edge.model import Problem, Source
from power_edge.yaml_edit.masking import masked


class Proposal(NamedTuple):
    """The files of a node's folder that would change, by name, as they are (None: absent) and as
    they would be.
    """

    folder: Path
    files: Mapping[str, tuple[bytes | None, bytes]]
    secrets: frozenset[str] = frozenset()
    """Values that the diff does not show, beside those that are secrets by their declaration."""

    def diff(self) -> Iterator[str]:
        """The changes as a unified diff, line by line, without secrets."""
        for name, (old, new) in self.files.items():
            place = node_file(self.folder, name)
            before, after = (self._lines(name, text) for text in (old or b"", new))
            yield from unified_diff(
                before, after, place if old is not None else "/dev/null", place, lineterm=""
            )

    def _lines(self, name: str, content: bytes) -> list[str]:
        if name == STATE and content:
            return masked(content, node_file(self.folder, name), self.secrets)
        return content.decode("utf-8", "replace").splitlines()

    def write(self) -> None:
        """Write the files.

        Raises Superseded if one is not as it was read, ConfigError if the machine has become
        another node as well, and CannotWrite; then all are as they were.

        Commands that write into one node-configs/ do so one after the other, and each looks again
        before it writes.
        """
        root = self.folder.parent
        try:
            atomic_file.make_folder(root)
            with atomic_file.locked(root):
                self._check_again()
                if self.folder.exists():
                    atomic_file.write_all(self.folder, self.files)
                else:
                    atomic_file.write_folder(
                        self.folder, {name: new for name, (_, new) in self.files.items()}
                    )
        except atomic_file.Changed as changed:
            raise self._superseded(changed.file.name) from None
        except OSError as error:
            raise CannotWrite(self._file(error), error) from error

    def _check_again(self) -> None:
        for name, (old, new) in self.files.items():
            check_not_linked(self.folder, name)
            if read_file(self.folder, name) != old:
                raise self._superseded(name)
            if name == IDENTITY:
                file = node_file(self.folder, name)
                check_unique(self.folder, load_system_identity(new, file))

    def _superseded(self, name: str) -> "Superseded":
        file = node_file(self.folder, name)
        return Superseded(
            [Problem(Source(file, 0), "was changed meanwhile; nothing was written", "try again")]
        )

    def _file(self, error: OSError) -> str:
        """How messages name the file that an error is about."""
        file = Path(os.fsdecode(error.filename or self.folder))
        return (
            node_file(self.folder, file.name)
            if file.parent == self.folder
            else f"{NODE_CONFIGS}/{shown_name(self.folder.name)}"
        )


class Superseded(ConfigError):
    """A file that was to be written is not as it was read."""


class CannotWrite(OSError):
    """Files of a node's folder could not be written; the text says which, why, and what can be
    done.
    """

    def __init__(self, file: str, error: OSError) -> None:
        state = "; ".join(getattr(error, "__notes__", ())) or "nothing was written"
        super().__init__(
            error.errno,
            f"{file} cannot be written: {error.strerror}; {state} ({atomic_file.way_out(error)})",
        )


def tidy(root: Path | None) -> None:
    """Remove what killed commands left in node-configs/ and in the folders below it."""
    with suppress(OSError):
        for folder in (root, *root.iterdir()) if root is not None else ():
            if not folder.is_symlink() or folder == root:
                atomic_file.sweep(folder)


def propose(
    folder: Path,
    files: Mapping[str, tuple[bytes | None, bytes]],
    secrets: frozenset[str] = frozenset(),
) -> Proposal:
    """The proposal that files of a node's folder, as they were read, be changed so, and shown
    without `secrets`.

    Raises ConfigError if the node would not load, or if a file that would change is a link: another
    one is meant.
    """
    if STATE in files or (folder / STATE).exists():
        load_node(folder, {name: new for name, (_, new) in files.items()})
    changed = {name: (old, new) for name, (old, new) in files.items() if old != new}
    for name in changed:
        check_not_linked(folder, name)
    return Proposal(folder, changed, secrets)
