"""node-configs/: where it is, which nodes are in it, and how their files are read."""

import errno
import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from shlex import quote

from power_edge.config.error import ConfigError, refuse
from power_edge.config.yaml_reader import MAX_BYTES
from power_edge.model import Problem, Source
from power_edge.resources import names as resource_types
from power_edge.text import did_you_mean, printable, quoted, without_password

NODE_CONFIGS = "node-configs"
STATE = "state.yaml"
SYSTEM_IDENTITY = "system-identity.yaml"
NODE_IDENTITY = "identity.yaml"
CONNECTION = "connection.yaml"
WATCHER = "watcher.yaml"
SCHEMAS = {
    STATE: "state",
    SYSTEM_IDENTITY: "system-identity",
    NODE_IDENTITY: "node-identity",
    CONNECTION: "connection",
    WATCHER: "watcher",
}
"""The files of a node's folder, and their schemas."""
FILES = tuple(SCHEMAS)
SOURCES = "files"
"""The folder of a node with the contents that state.yaml names as `source`."""
ROLES = "roles"
"""The folder of node-configs/ with the files of the operator's own roles."""
NO_NODES = (ROLES, "bases")
"""Folders of node-configs/ that are not nodes, whatever is in them."""
_FOLDER = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_CLOEXEC


def find_node_configs(start: Path) -> Path | None:
    """Return the node-configs/ of the folder `start` or of the nearest folder above it; None if
    there is none.
    """
    start = start.absolute()
    return next(
        (
            folder
            for parent in (start, *start.parents)
            if (folder := parent / NODE_CONFIGS).is_dir()
        ),
        None,
    )


def nodes(root: Path) -> list[Path]:
    """Return the folders of the nodes, by name: those with anything named as a node's file.

    load_node checks whether one can be used. Raises ConfigError if `root` cannot be read.
    """
    try:
        return sorted(
            folder.absolute()
            for folder in root.iterdir()
            if not folder.name.startswith(".") and is_node(folder)
        )
    except OSError as error:
        raise refuse(
            NODE_CONFIGS, f"{quoted(str(root), 200)} cannot be read: {error.strerror}"
        ) from None


def is_node(folder: Path) -> bool:
    """Return whether a folder is a node's.

    True if in doubt: an unchecked node would go unnoticed.
    """
    if folder.name in NO_NODES:
        return False
    try:
        names = os.listdir(folder)  # noqa: PTH208 names alone, of many folders
    except (FileNotFoundError, NotADirectoryError):
        return is_dangling(folder)
    except OSError:
        return True  # reading it will say what is wrong, and no other node is concerned
    return any(_right_name(name) is not None for name in names)


def has_state(folder: Path) -> bool:
    """Return whether a folder has anything named state.yaml, even a dangling link."""
    try:
        (folder / STATE).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True  # reading it will say what is wrong
    return True


def misnamed(folder: Path) -> dict[str, str]:
    """Return the files in a node's folder whose names are misspelled, with the right names.

    Nothing reads them.
    """
    names: list[str] = []
    with suppress(OSError):
        names += os.listdir(folder)  # noqa: PTH208
    correct_names = {name: _right_name(name) for name in names}
    return {
        name: correct_name
        for name, correct_name in sorted(correct_names.items())
        if correct_name is not None and correct_name != name
    }


def is_dangling(path: Path) -> bool:
    """Return whether a path is a symbolic link to something that does not exist."""
    return path.is_symlink() and not os.path.lexists(os.path.realpath(path))


def _right_name(name: str) -> str | None:
    """Return the name of a node's file that a name is, or was meant to be; else None."""
    name = name.lower()
    correct_name = f"{name.removesuffix('.yml')}.yaml" if name.endswith(".yml") else name
    return correct_name if correct_name in FILES else None


def select(root: Path | None, patterns: Sequence[str]) -> list[Path]:
    """Return the folders of the nodes whose names match any of `patterns`, each once, by name.

    Patterns are as in a shell; case counts. `root` is a node-configs/, or None if none was found.
    Raises ConfigError, with similar names, if a pattern matches no node.
    """
    if root is None:
        raise refuse(
            NODE_CONFIGS,
            "there is no node-configs/ in this folder or above it",
            "change to its folder, or name it with --node-configs=DIR; power-edge init makes a"
            " first node here",
        )
    for name in NO_NODES:
        if has_state(root / name):
            raise ConfigError([no_node(name)])
    by_name = {folder.name: folder for folder in nodes(root)}
    matched: set[str] = set()
    problems = []
    for pattern in patterns:
        names = _matching(pattern, by_name)
        matched.update(names)
        if not names:
            problems.append(
                Problem(
                    Source(NODE_CONFIGS, 0),
                    f"no node matches {quoted(without_password(pattern))}",
                    _hint(pattern, list(by_name), root),
                )
            )
    if problems:
        raise ConfigError(problems)
    return [folder for name, folder in by_name.items() if name in matched]


def _matching(pattern: str, names: dict[str, Path]) -> list[str]:
    if pattern in names:
        return [pattern]
    if not any(character in pattern for character in "*?["):
        return []
    from fnmatch import fnmatchcase

    return [name for name in names if fnmatchcase(name, pattern)]


def _hint(pattern: str, names: list[str], root: Path) -> str:
    """Return what to write instead of a pattern that matches no node."""
    if "::" in pattern:
        return "write a test id after --, as a path: power-edge check -- TEST-ID, or pytest TEST-ID"
    if "@" in pattern or "://" in pattern:
        place = quote(without_password(pattern))
        return (
            f"an address is not a node: power-edge check NODE --hosts={place} reaches a node there,"
            f" and power-edge discover {place} makes one"
        )
    kind, bracket, _ = pattern.partition("[")
    if kind in resource_types():
        if not bracket:
            return f"a type is not a node: power-edge check NODE -m {kind} checks its items alone"
        place = quote(f"{NODE_CONFIGS}/NODE/{STATE}::{pattern}")
        return f"an item is not a node: power-edge check -- {place} checks it alone"
    if not names:
        return f"no folder in {quoted(str(root), 200)} has a state.yaml"
    if pattern.lower() == "all":
        return "write '*' for all nodes, in quotes"
    padded = [name for name in names if _unpadded(name) == _unpadded(pattern)]
    if padded:
        return f"did you mean {' or '.join(map(shown_name, padded[:3]))}?"
    # A shell completes the name of a node to the path of its folder.
    last = pattern.rstrip("/").rpartition("/")[2]
    return did_you_mean(last, names, most=3, similarity=0.5) or (
        f"the nodes are {', '.join(map(shown_name, names[:10]))}"
        + (f" and {len(names) - 10} more" if len(names) > 10 else "")
    )


def _unpadded(name: str) -> str:
    """Return a name with its numbers as one counts: rig-01 is rig-1."""
    return re.sub(r"(?<![0-9])0+(?=[0-9])", "", name)


def no_node(name: str) -> Problem:
    """Return the problem of a state.yaml in a folder that is not a node."""
    return Problem(
        Source(f"{NODE_CONFIGS}/{name}/{STATE}", 0),
        f"{NODE_CONFIGS}/{name}/ is for {name} and is not a node",
        "move the node's files to a folder of another name",
    )


def shown_name(name: str) -> str:
    """Return the name of a folder for messages, escaped where a terminal could obey it."""
    return printable(name)


def node_file(folder: Path, name: str) -> str:
    """Return how messages name a file in a node's folder: `node-configs/NODE/NAME`."""
    return f"{NODE_CONFIGS}/{shown_name(folder.name)}/{name}"


def read_file(folder: Path, name: str) -> bytes | None:
    """Return the content of a file in a node's folder; None if there is no such file.

    At most one byte more than MAX_BYTES is read. A link is followed only if it ends in the same
    node-configs/: a stranger's branch could bring one to any file that the operator may read, and
    messages quote what they refuse. Raises ConfigError for such a link, which is not read, and for
    anything that is not a readable regular file.
    """
    file = node_file(folder, name)
    root, real = Path(os.path.realpath(folder.parent)), resolved(folder, name)
    content = read_regular(root, real, file)
    if content is None and (folder / name).is_symlink():
        raise refuse(file, "is a symbolic link to something that does not exist")
    return content


def read_regular(root: Path, path: Path, file: str) -> bytes | None:
    """Return the content of a regular file below a folder; None if there is no such file.

    Neither path has a link in it. At most one byte more than MAX_BYTES is read. `file` is its name
    for messages. Raises ConfigError for anything else than a readable regular file.
    """
    try:
        descriptor = _open(root, path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(file, error) from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise refuse(file, "is not a regular file")
        with os.fdopen(descriptor, "rb", closefd=False) as opened:
            return opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise _unreadable(file, error) from None
    finally:
        os.close(descriptor)


_THERE = (errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.ENXIO, errno.ENODEV, errno.EISDIR)
"""Errors that mean that there is no readable file. All others are failures of this machine."""


def _unreadable(file: str, error: OSError) -> ConfigError:
    unread = error.errno not in _THERE
    return ConfigError(
        [Problem(Source(file, 0), f"cannot be read: {error.strerror}", unread=unread)]
    )


def _open(root: Path, file: Path) -> int:
    """Open a file below a folder, neither of which has a link in its path.

    A link that somebody has put there since is an error.
    """
    *folders, name = file.relative_to(root).parts
    descriptor = os.open(root, _FOLDER)
    try:
        for folder in folders:
            above, descriptor = (
                descriptor,
                os.open(folder, _FOLDER | os.O_NOFOLLOW, dir_fd=descriptor),
            )
            os.close(above)
        return os.open(
            name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=descriptor
        )  # a FIFO would block forever
    finally:
        os.close(descriptor)


def resolved(folder: Path, name: str) -> Path:
    """Return the real path of a file in a node's folder. node-configs/ itself may be a link.

    Raises ConfigError if that is outside of node-configs/.
    """
    # Path.resolve() raises for loops.
    root, real = os.path.realpath(folder.parent), os.path.realpath(folder / name)
    if not real.startswith(root + os.sep):
        raise ConfigError([_leads_out(folder, name)])
    return Path(real)


def links_out(folder: Path) -> Iterator[Problem]:
    """Yield a problem for each link below a node's folder that leads out of node-configs/, and for
    folders in folders beyond all reason: who looks through them does not come to an end.

    Links to folders and to Python files count: pytest would read or run those.
    """
    root, start = os.path.realpath(folder.parent), os.path.realpath(folder)
    todo, visited = [(folder, start, 0)], {start}
    if not start.startswith(root + os.sep):
        return  # each of its files says so
    while todo:
        above, real_above, depth = todo.pop()
        with suppress(OSError), os.scandir(above) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                path, is_link = Path(entry.path), entry.is_symlink()
                real = os.path.realpath(path) if is_link else os.path.join(real_above, entry.name)  # noqa: PTH118
                is_folder = not entry.name.startswith(".") and entry.is_dir()
                if (
                    is_link
                    and (is_folder or entry.name.endswith(".py"))
                    and not real.startswith(root + os.sep)
                ):
                    yield _leads_out(folder, str(path.relative_to(folder)))
                elif is_folder and real not in visited:
                    visited.add(real)
                    if depth == _DEEPEST:
                        yield _too_deep(folder, str(path.relative_to(folder)))
                    else:
                        todo.append((path, real, depth + 1))


_DEEPEST = 32
"""How many folders may be in one another below a node's."""


def _too_deep(folder: Path, name: str) -> Problem:
    return Problem(
        Source(node_file(folder, shown_name(name)), 0),
        f"is nested deeper than {_DEEPEST} folders",
        "move what is in it up, or remove it",
    )


def _leads_out(folder: Path, name: str) -> Problem:
    return Problem(
        Source(node_file(folder, shown_name(name)), 0),
        f"is a symbolic link that leads out of {NODE_CONFIGS}/",
        "it was not read: replace the link with the file, or with a link to a file below "
        f"{NODE_CONFIGS}/",
    )


def note_of_link(root: Path) -> str | None:
    """Return a note about a node-configs/ that is itself a symbolic link; None if it is not.

    Such a link is followed. Where it leads need not be where a person thinks.
    """
    if not root.is_symlink():
        return None
    target = quoted(os.path.realpath(root), 200)
    return f"{NODE_CONFIGS}/ is a symbolic link: files are written in {target}"


def check_not_linked(folder: Path, name: str) -> None:
    """Check that writing a file in a node's folder writes that file.

    Raises ConfigError if it would write another one, through a link.
    """
    real = resolved(folder, name)
    own = Path(os.path.realpath(folder.parent), folder.name, name)
    if real != own:
        target = quoted(os.path.relpath(real, own.parents[1]), 200)
        raise refuse(
            node_file(folder, name),
            f"leads to {target} through a symbolic link; nothing was written",
            "write that node instead, or replace the link with a file",
        )
