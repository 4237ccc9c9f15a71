"""Files that are whole or absent, whatever happens while they are written.

A new content is written to a temporary file in the same folder, synced, and renamed over the old one. Whoever writes holds a lock
(flock(2)) on its temporary file, so `sweep` can tell one in use from what a killed run left behind.
"""

import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

_PREFIX, _SUFFIX = ".power-edge-", ".tmp"
"""Of temporary files. The name does not end as the file's: node_exporter reads every *.prom."""
_FILE_MODE = 0o644  # node_exporter and colleagues read it; a umask of 0 must not let them write it
_FOLDER_MODE = 0o755


@contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """A path to be written in place of `file`: synced and renamed over it if the block succeeds, removed if it does not.

    Owner and mode of an old file are kept, and a symbolic link stays one. Anything that is not a regular file (/dev/stdout) is
    written in place. Raises OSError (disk full, no such folder); the old file stays.
    """
    if file.exists() and not file.is_file():
        yield file
        return
    target = file.resolve()
    sweep(target.parent)
    with _temporary(target.parent) as beside:
        _take_over(target, beside)
        yield beside
        _sync(beside)
        beside.replace(target)
    _sync(target.parent)


def write(file: Path, content: bytes) -> None:
    """Write a file: a reader finds the old content or the new one, whole. Raises OSError; the old file stays."""
    with replacing(file) as beside:
        _fill(beside, content)


def write_new(file: Path, content: bytes) -> None:
    """Write a file that must not exist yet. Raises FileExistsError if it does, and OSError."""
    sweep(file.parent)
    with _temporary(file.parent) as beside:
        _fill(beside, content)
        _sync(beside)
        file.hardlink_to(beside)  # unlike rename(2), link(2) replaces nothing
    _sync(file.parent)


def write_all(files: Mapping[Path, bytes]) -> None:
    """Write several files of existing folders, all or none. Raises OSError, and all are as they were.

    Each new content is on the disk before the first rename. If a later rename fails, those before it are undone. A killed process
    can leave some files old and some new, each of them whole.
    """
    for folder in {file.parent for file in files}:
        sweep(folder)
    with ExitStack() as stack:
        ready: list[tuple[Path, Path]] = []
        for file, content in files.items():
            beside = stack.enter_context(_temporary(file.parent))
            _take_over(file, beside)
            _fill(beside, content)
            _sync(beside)  # a full disk may show only here
            ready.append((file, beside))
        kept = {file: stack.enter_context(_temporary(file.parent)) for file, _ in ready if file.exists()}
        for file, copy in kept.items():
            shutil.copy2(file, copy)
            _take_over(file, copy)
        done: list[Path] = []
        try:
            for file, beside in ready:
                beside.replace(file)
                done.append(file)
        except BaseException as error:
            _put_back(done, kept, error)
            raise
    for folder in {file.parent for file in files}:
        _sync(folder)


def _put_back(files: list[Path], copies: Mapping[Path, Path], error: BaseException) -> None:
    """Undo renames. What cannot be undone is said in a note on the error."""
    for file in reversed(files):
        try:
            if file in copies:
                copies[file].replace(file)
            else:
                file.unlink()
        except OSError as failed:
            error.add_note(f"{file} has its new content already, and could not be put back: {failed.strerror}")


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Make a folder with these files, and the folders above it, whole or not at all. Raises OSError, also if it exists already."""
    make_folder(folder.parent)
    sweep(folder.parent)
    with _temporary(folder.parent, directory=True) as beside:
        for name, content in files.items():
            _fill(beside / name, content)
            _sync(beside / name)
        _sync(beside)
        beside.rename(folder)
    _sync(folder.parent)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing; others than the owner can never write into them, whatever the umask."""
    for missing in [each for each in (*reversed(folder.parents), folder) if not each.exists()]:
        with suppress(FileExistsError):  # made by another process since
            missing.mkdir(mode=_FOLDER_MODE)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder: of several commands that change it one goes on, and the others wait.

    The lock is flock(2)'s on the folder itself, so nothing is left behind. File systems without it (some NFS) lock nothing.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in (errno.EBADF, errno.ENOLCK, errno.ENOTSUP, errno.EINVAL):
                raise
        yield
    finally:
        os.close(descriptor)


def sweep(folder: Path) -> None:
    """Remove the temporary files that killed runs left in a folder. Those in use, and those that may not be removed, stay."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in [each for each in entries if each.name.startswith(_PREFIX) and each.name.endswith(_SUFFIX)]:
            with suppress(OSError):
                descriptor = os.open(entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    _remove(Path(entry.path))
                finally:
                    os.close(descriptor)


def _fill(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    if file.is_file():
        file.chmod(_FILE_MODE)


def _take_over(old: Path, new: Path) -> None:
    """Give a new file the owner and mode of the old one, if there is one."""
    if old.exists():
        was = old.stat()
        with suppress(PermissionError):
            os.chown(new, was.st_uid, was.st_gid)  # root, in another user's checkout
        new.chmod(was.st_mode & 0o7777)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _temporary(folder: Path, *, directory: bool = False) -> Iterator[Path]:
    """A new empty file or folder of our own, locked; removed at the end if it is still there."""
    path, descriptor = _claim(folder, directory=directory)
    try:
        yield path
    finally:
        with suppress(OSError):
            _remove(path)
        os.close(descriptor)


def _claim(folder: Path, *, directory: bool) -> tuple[Path, int]:
    while True:
        path = folder / f"{_PREFIX}{secrets.token_hex(8)}{_SUFFIX}"
        if directory:
            path.mkdir(mode=_FOLDER_MODE)
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        else:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _FILE_MODE)
        with suppress(OSError):  # no locks here: then `sweep` cannot lock it either, and leaves it alone
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.exists():  # not swept between the two calls
            return path, descriptor
        os.close(descriptor)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
