"""node-configs/: where it is, which nodes it holds, and what is read of their folders."""

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from power_edge.config.error import ConfigError, refuse
from power_edge.config.yaml_reader import MAX_BYTES
from power_edge.model import Problem, Source
from power_edge.text import printable, quoted, without_password

NODE_CONFIGS = "node-configs"
STATE = "state.yaml"
SYSTEM_IDENTITY = "system-identity.yaml"
NODE_IDENTITY = "identity.yaml"
CONNECTION = "connection.yaml"
WATCHER = "watcher.yaml"
FILES = (STATE, SYSTEM_IDENTITY, NODE_IDENTITY, CONNECTION, WATCHER)
"""The files of a node's folder."""
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
    """The nodes' folders, by name: those that hold a file of a node, or something by the name of
    one. load_node says whether it can be used.
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
    """Whether a folder is a node's.

    If in doubt it is one: nobody would notice that a node is not checked.
    """
    try:
        names = os.listdir(folder)  # noqa: PTH208 names alone, of many folders
    except (FileNotFoundError, NotADirectoryError):
        return leads_nowhere(folder)
    except OSError:
        return True  # reading it will say what is wrong, and other nodes are none the worse
    return any(_right_name(name) is not None for name in names)


def has_state(folder: Path) -> bool:
    """Whether something in a folder is called state.yaml, if only a link that leads nowhere."""
    try:
        (folder / STATE).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True  # reading it will say what is wrong
    return True


def misnamed(folder: Path) -> dict[str, str]:
    """The files of a node's folder that nothing reads, for they are a node's but for the spelling
    of their names; and the right names.
    """
    names: list[str] = []
    with suppress(OSError):
        names += os.listdir(folder)  # noqa: PTH208
    rights = {name: _right_name(name) for name in names}
    return {
        name: right for name, right in sorted(rights.items()) if right is not None and right != name
    }


def leads_nowhere(path: Path) -> bool:
    """Whether a path is a symbolic link to something that is not there."""
    return path.is_symlink() and not os.path.lexists(os.path.realpath(path))


def _right_name(name: str) -> str | None:
    """The name of a node's file that a name is, or was meant to be."""
    name = name.lower()
    right = f"{name.removesuffix('.yml')}.yaml" if name.endswith(".yml") else name
    return right if right in FILES else None


def select(root: Path | None, patterns: Sequence[str]) -> list[Path]:
    """The folders of the nodes whose names match any of `patterns` (as in a shell, case counts),
    each once, by name.

    `root` is a node-configs/, or None where none was found. Raises ConfigError when a pattern
    matches no node, with the nearest names.
    """
    if root is None:
        raise refuse(
            NODE_CONFIGS,
            "there is no node-configs/ here or in a folder above",
            "go there, or name it with --node-configs=DIR",
        )
    known = {folder.name: folder for folder in nodes(root)}
    matched: set[str] = set()
    problems = []
    for pattern in patterns:
        names = _matching(pattern, known)
        matched.update(names)
        if not names:
            problems.append(
                Problem(
                    Source(NODE_CONFIGS, 0),
                    f"no node matches {quoted(without_password(pattern))}",
                    _nearest(pattern, list(known), root),
                )
            )
    if problems:
        raise ConfigError(problems)
    return [folder for name, folder in known.items() if name in matched]


def _matching(pattern: str, names: dict[str, Path]) -> list[str]:
    if pattern in names:
        return [pattern]
    if not any(character in pattern for character in "*?["):
        return []
    from fnmatch import fnmatchcase

    return [name for name in names if fnmatchcase(name, pattern)]


def _nearest(pattern: str, names: list[str], root: Path) -> str:
    from difflib import get_close_matches

    if not names:
        return f"{quoted(str(root), 200)} holds no folder with a state.yaml"
    lower = {name.lower(): name for name in names}
    last = pattern.rstrip("/").rpartition("/")[
        2
    ]  # a shell completes the name of a node to the path of its folder
    near = [lower[each] for each in get_close_matches(last.lower()[:255], list(lower), 3, 0.5)]
    if near:
        return f"did you mean {' or '.join(map(shown_name, near))}?"
    return f"there are {', '.join(map(shown_name, names[:10]))}" + (
        f" and {len(names) - 10} more" if len(names) > 10 else ""
    )


def shown_name(name: str) -> str:
    """The name of a folder as messages show it: as it is, or escaped where a terminal could obey
    it.
    """
    return printable(name)


def node_file(folder: Path, name: str) -> str:
    """How messages name a file of a node's folder: `node-configs/NODE/NAME`."""
    return f"{NODE_CONFIGS}/{shown_name(folder.name)}/{name}"


def read_file(folder: Path, name: str) -> bytes | None:
    """The content of a file of a node's folder, at most one byte more than a file may have; None if
    there is no such file.

    A link is followed only if it ends below the same node-configs/: a branch of a stranger could
    bring one to any file that the operator may read, and messages quote what they refuse. Raises
    ConfigError for such a link, unread, and for anything that is not a readable regular file.
    """
    path, file = folder / name, node_file(folder, name)
    real = resolved(folder, name)
    try:
        descriptor = _open(Path(os.path.realpath(folder.parent)), real)
    except FileNotFoundError:
        if path.is_symlink():
            raise refuse(file, "is a symbolic link that leads nowhere") from None
        return None
    except OSError as error:
        raise refuse(file, f"cannot be read: {error.strerror}") from None
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise refuse(file, "is not a regular file")
        with os.fdopen(descriptor, "rb", closefd=False) as opened:
            return opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise refuse(file, f"cannot be read: {error.strerror}") from None
    finally:
        os.close(descriptor)


def _open(root: Path, file: Path) -> int:
    """Open a file below a folder, both without links.

    A link on the way, which somebody has put there since, is an error.
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
        )  # a FIFO would block for ever
    finally:
        os.close(descriptor)


def resolved(folder: Path, name: str) -> Path:
    """Where a file of a node's folder really is, without links. node-configs/ itself may be a link.

    Raises ConfigError if that is outside of node-configs/.
    """
    root, real = (
        os.path.realpath(folder.parent),
        os.path.realpath(folder / name),
    )  # Path.resolve() raises for loops
    if not real.startswith(root + os.sep):
        raise ConfigError([_leads_out(folder, name)])
    return Path(real)


def links_out(folder: Path) -> Iterator[Problem]:
    """A problem for each link below a node's folder that leads out of node-configs/, and that
    pytest would run or look into.
    """
    root = os.path.realpath(folder.parent)
    todo, known = [folder], {os.path.realpath(folder)}
    if not os.path.realpath(folder).startswith(root + os.sep):
        return  # each of its files says so
    while todo:
        with suppress(OSError), os.scandir(todo.pop()) as entries:
            for entry in sorted(entries, key=lambda entry: entry.name):
                path, real = Path(entry.path), os.path.realpath(entry.path)
                is_folder = not entry.name.startswith(".") and entry.is_dir()
                if (
                    entry.is_symlink()
                    and (is_folder or entry.name.endswith(".py"))
                    and not real.startswith(root + os.sep)
                ):
                    yield _leads_out(folder, str(path.relative_to(folder)))
                elif is_folder and real not in known:
                    known.add(real)
                    todo.append(path)


def _leads_out(folder: Path, name: str) -> Problem:
    return Problem(
        Source(node_file(folder, shown_name(name)), 0),
        f"is a symbolic link that leads out of {NODE_CONFIGS}/",
        f"it was not read: put the file itself there, or a link to one below {NODE_CONFIGS}/",
    )


def check_not_linked(folder: Path, name: str) -> None:
    """Raises ConfigError if writing a file of a node's folder would write another file, through a
    link.
    """
    real = resolved(folder, name)
    own = Path(
        os.path.realpath(folder.parent), folder.name, name
    )  # Path.resolve() raises for loops
    if real != own:
        raise refuse(
            node_file(folder, name),
            f"is really {quoted(os.path.relpath(real, own.parents[1]), 200)}, by a symbolic link; nothing was written",
            "write that node instead, or put a file in place of the link",
        )
