"""Changes of a node's files: shown as a diff first, then all of them are written or none."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from difflib import unified_diff
from pathlib import Path
from typing import NamedTuple

from power_edge import atomic_file
from power_edge.config import ConfigError, load_node
from power_edge.config.clones import check_unique
from power_edge.config.node import load_system_identity
from power_edge.config.node_configs import (
    NODE_CONFIGS,
    STATE,
    SYSTEM_IDENTITY,
    check_not_linked,
    node_file,
    read_file,
    shown_name,
)
from power_edge.model import Problem, Source
from power_edge.yaml_edit.masking import masked

Files = Mapping[str, tuple[bytes | None, bytes]]
"""Name of a file -> its content as it was read (None: there is no such file), and the new one."""


class Changeset(NamedTuple):
    """Changes of the files in a node's folder. Files that stay as they are, are left out."""

    folder: Path
    files: Files
    secrets: frozenset[str] = frozenset()
    """Values that the diff must not show, beside those that are declared as secrets."""

    def diff(self) -> Iterator[str]:
        """Yield the lines of a unified diff of all files, without secrets."""
        for name, (old, new) in self.files.items():
            file = node_file(self.folder, name)
            yield from unified_diff(
                self._lines(name, old or b""),
                self._lines(name, new),
                file if old is not None else "/dev/null",
                file,
                lineterm="",
            )

    def _lines(self, name: str, content: bytes) -> list[str]:
        if name == STATE and content:
            return masked(content, node_file(self.folder, name), self.secrets)
        return content.decode("utf-8", "replace").splitlines()

    def write(self) -> None:
        """Write the files.

        Commands that write into one node-configs/ do so one after the other, and each looks again
        before it writes. Raises Superseded if a file is not as it was read, ConfigError if the
        machine has become another node meanwhile, and CannotWrite; then all files are as they were.
        """
        root = self.folder.parent
        try:
            atomic_file.make_folder(root)
            with atomic_file.locked(root):
                self._check_again()
                if self.folder.exists():
                    atomic_file.write_all(self.folder, self.files)
                else:
                    new_files = {name: new for name, (_, new) in self.files.items()}
                    atomic_file.write_folder(self.folder, new_files)
        except atomic_file.Changed as changed:
            raise self._superseded(changed.file.name) from None
        except OSError as error:
            raise CannotWrite(self._file_of(error), error) from error

    def _check_again(self) -> None:
        for name, (old, new) in self.files.items():
            check_not_linked(self.folder, name)
            if read_file(self.folder, name) != old:
                raise self._superseded(name)
            if name == SYSTEM_IDENTITY:
                identity = load_system_identity(new, node_file(self.folder, name))
                check_unique(self.folder, identity)

    def _superseded(self, name: str) -> "Superseded":
        source = Source(node_file(self.folder, name), 0)
        return Superseded(
            [Problem(source, "was changed meanwhile; nothing was written", "try again")]
        )

    def _file_of(self, error: OSError) -> str:
        """Return the name, for messages, of the file or folder that an error is about."""
        file = Path(os.fsdecode(error.filename or self.folder))
        if file.parent == self.folder:
            return node_file(self.folder, file.name)
        return f"{NODE_CONFIGS}/{shown_name(self.folder.name)}"


class Superseded(ConfigError):
    """A file that was to be written is not as it was read."""


class CannotWrite(OSError):
    """Files of a node's folder cannot be written; the text says which, why, and what to do."""

    def __init__(self, file: str, error: OSError) -> None:
        state = "; ".join(getattr(error, "__notes__", ())) or "nothing was written"
        super().__init__(
            error.errno,
            f"{file} cannot be written: {error.strerror}; {state} "
            f"({atomic_file.advice_for(error)})",
        )


def tidy(root: Path | None) -> None:
    """Remove what killed commands left in node-configs/ and in the folders in it."""
    with suppress(OSError):
        for folder in (root, *root.iterdir()) if root is not None else ():
            if not folder.is_symlink() or folder == root:
                atomic_file.sweep(folder)


def propose(folder: Path, files: Files, secrets: frozenset[str] = frozenset()) -> Changeset:
    """Return the changes of a node's files, checked as far as they can be before they are written.

    Raises ConfigError if the node would not load with them, or if a file that would change is a
    symbolic link, so that another file would be written.
    """
    if STATE in files or (folder / STATE).exists():
        load_node(folder, {name: new for name, (_, new) in files.items()})
    changed = {name: (old, new) for name, (old, new) in files.items() if old != new}
    for name in changed:
        check_not_linked(folder, name)
    return Changeset(folder, changed, secrets)
