"""Write files atomically: a file has the old content or the new one, whatever happens.

The new content is written to a temporary file in the same folder, synced, and renamed over the old
file. The writer holds a lock (flock(2)) on its temporary file, so `sweep` can distinguish a file in
use from one that a killed run left behind.

An OSError of this module names the file that was to be written.
"""

import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX, _SUFFIX = ".power-edge-", ".tmp"
"""Of temporary files. The ending is not the file's own: node_exporter reads every *.prom."""
_FILE_MODE = 0o644  # others (node_exporter) read it; with a umask of 0 they must not write it
_FOLDER_MODE = 0o755
_OWN_MODE = 0o700


@contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """Yield a path to write in place of `file`.

    It is synced and renamed over `file` if the block succeeds, and removed if not. Owner and mode
    of an old file are kept, and a symbolic link stays one. Anything that is not a regular file
    (/dev/stdout) is written in place. Raises OSError (disk full, no such folder); the old file
    stays.
    """
    if file.exists() and not file.is_file():
        yield file
        return
    target = file.resolve()
    sweep(target.parent)
    with _naming(file):
        with _temporary(target.parent) as temporary:
            _take_over(target, temporary)
            yield temporary
            _sync(temporary)
            temporary.replace(target)
        _sync(target.parent)


def write(file: Path, content: bytes) -> None:
    """Write a file: a reader gets all of the old content or all of the new one.

    Raises OSError; the old file stays.
    """
    with replacing(file) as temporary:
        _fill(temporary, content)


class Changed(Exception):
    """A file has changed since it was read. Nothing was written."""

    def __init__(self, file: Path) -> None:
        super().__init__(str(file))
        self.file = file


def write_all(folder: Path, files: Mapping[str, tuple[bytes | None, bytes]]) -> None:
    """Write files of a folder, all or none.

    `files` maps names to the content when it was read (None: absent) and the new content. Raises
    Changed if a file has another content by now, and OSError, which names the file; then all files
    are as they were. A killed process can leave some files old and some new, each of them complete.

    Each new content is on the disk before the first file changes. Then the old and the new file
    change places, so a late change by somebody else is found in what was taken out, and the old
    file itself is put back.
    """
    sweep(folder)
    with _naming(folder), _temporary(folder, directory=True) as temporary:
        for name, (_, new) in files.items():
            with _naming(folder / name):
                _fill(temporary / name, new)
                _take_over(folder / name, temporary / name)
                _sync(temporary / name)  # a full disk may show only here
        done: list[str] = []
        try:
            for name, (old, _) in files.items():
                with _naming(folder / name):
                    _move_into_place(temporary / name, folder / name, new_file=old is None)
                    done.append(name)
                    if old is not None and _content(temporary / name) != old:
                        raise Changed(folder / name)
            _sync(folder)
        except BaseException as error:
            _put_back(folder, temporary, [(name, files[name][0] is None) for name in done], error)
            raise


def _move_into_place(temporary: Path, file: Path, *, new_file: bool) -> None:
    """Put a new file in its place; the old one, if any, is then at `temporary`.

    Raises Changed if there is a file and should be none, or none and should be one.
    """
    try:
        if new_file:
            _rename(temporary, file, _NO_REPLACE)
        else:
            _rename(temporary, file, _EXCHANGE)
    except (FileExistsError, FileNotFoundError):
        raise Changed(file) from None


def _put_back(
    folder: Path, temporary: Path, files: Sequence[tuple[str, bool]], error: BaseException
) -> None:
    """Undo what `write_all` did with files, each with whether it is new.

    What cannot be undone becomes a note on the error.
    """
    for name, new_file in reversed(files):
        try:
            if new_file:
                (folder / name).rename(temporary / name)
            else:
                _rename(temporary / name, folder / name, _EXCHANGE)
        except OSError as failed:
            error.add_note(
                f"{name} already has its new content, and its old content could not be restored: "
                f"{failed.strerror}"
            )


def _content(file: Path) -> bytes | None:
    """Return the content of a regular file; None for anything else."""
    if file.is_symlink() or not file.is_file():
        return None
    return file.read_bytes()


_NO_REPLACE, _EXCHANGE = 1, 2
"""Flags of renameat2(2)."""
_AT_FDCWD = -100


def _rename(source: Path, target: Path, flag: int) -> None:
    """Rename a file to a free name, or exchange two files; in one step if the file system can."""
    if _renameat2(source, target, flag):
        return
    if flag == _NO_REPLACE:
        target.hardlink_to(source)
        source.unlink()
        return
    backup = source.with_name(f"{source.name}.old")
    shutil.copy2(target, backup, follow_symlinks=False)
    if not backup.is_symlink():
        _take_over(target, backup)
    source.replace(target)
    backup.replace(source)


def _renameat2(source: Path, target: Path, flag: int) -> bool:
    """Return whether renameat2(2) exists for these files and did it. Raises OSError."""
    import ctypes

    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if call is None:
        return False
    if call(_AT_FDCWD, os.fsencode(source), _AT_FDCWD, os.fsencode(target), flag) == 0:
        return True
    number = ctypes.get_errno()
    # An old kernel, or a file system without it.
    if number in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP):
        return False
    raise OSError(number, os.strerror(number), str(source), None, str(target))


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Make a folder with these files, completely or not at all.

    Raises OSError, also if the folder exists and is not empty.
    """
    sweep(folder.parent)
    with _naming(folder), _temporary(folder.parent, directory=True) as temporary:
        for name, content in files.items():
            with _naming(folder / name):
                _fill(temporary / name, content)
                _sync(temporary / name)
        _sync(temporary)
        temporary.rename(folder)
        try:
            _sync(folder.parent)
        except BaseException:
            folder.rename(temporary)
            raise


@contextmanager
def scratch() -> Iterator[Path]:
    """Yield a new folder for temporary files, which only this user can read; it is removed at the
    end, and those of this user's killed runs at the beginning.

    An OSError of the block that names no file (a full disk, while one is written) names the new
    folder.
    """
    from tempfile import gettempdir  # 5 ms, which few commands need

    folder = Path(gettempdir())
    sweep(folder, owner=os.geteuid())
    with _temporary(folder, directory=True, mode=_OWN_MODE) as temporary:
        try:
            yield temporary
        except OSError as error:
            if error.filename is None:
                error.filename = str(temporary)
            raise


def make_folder(folder: Path) -> None:
    """Make a folder and the missing ones above it. Only the owner can write into them."""
    for missing in [each for each in (*reversed(folder.parents), folder) if not each.exists()]:
        with suppress(FileExistsError):  # made by another process since
            missing.mkdir(mode=_FOLDER_MODE)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder, so that commands which change it do so one after the other.

    It is flock(2) on the folder itself, which leaves nothing behind. File systems without it (some
    NFS) lock nothing.
    """
    with _naming(folder):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in (errno.EBADF, errno.ENOLCK, errno.ENOTSUP, errno.EINVAL):
                error.filename = str(folder)
                raise
        yield
    finally:
        os.close(descriptor)


@contextmanager
def _naming(file: Path) -> Iterator[None]:
    """Make an OSError name this file if it names none or a temporary one."""
    try:
        yield
    except OSError as error:
        if error.filename is None or _PREFIX in os.fsdecode(error.filename):
            error.filename, error.filename2 = str(file), None
        raise


def advice_for(error: OSError) -> str:
    """Return what a person can do about a file that could not be written."""
    return f"{_ADVICE.get(error.errno or 0, 'correct that')}, and run the command again"


_ADVICE = {
    errno.ENOSPC: "make room",
    errno.EDQUOT: "make room",
    errno.ENOENT: "make its folder",
    errno.EROFS: "make the file system writable",
    errno.EACCES: "use a user who may write there",
    errno.EPERM: "use a user who may write there",
}


def sweep(folder: Path, owner: int | None = None) -> None:
    """Remove the temporary files that killed runs left in a folder; only those of `owner` if given.

    Files in use stay, and files that this user may not remove.
    """
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in [
            each
            for each in entries
            if each.name.startswith(_PREFIX) and each.name.endswith(_SUFFIX)
        ]:
            # Of folders that a stranger put into one another no end is found: they stay.
            with suppress(OSError, RecursionError):
                if owner not in (None, entry.stat(follow_symlinks=False).st_uid):
                    continue
                descriptor = os.open(
                    entry.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
                )
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
        status = old.stat()
        with suppress(PermissionError):
            os.chown(new, status.st_uid, status.st_gid)  # root, in another user's checkout
        new.chmod(status.st_mode & 0o7777)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _temporary(
    folder: Path, *, directory: bool = False, mode: int = _FOLDER_MODE
) -> Iterator[Path]:
    """Yield a new empty file or folder, locked; it is removed at the end if it still exists.

    `mode` is that of a folder.
    """
    path, descriptor = _create_temporary(folder, directory=directory, mode=mode)
    try:
        yield path
    finally:
        with suppress(OSError):
            _remove(path)
        os.close(descriptor)


def _create_temporary(folder: Path, *, directory: bool, mode: int) -> tuple[Path, int]:
    while True:
        path = folder / f"{_PREFIX}{secrets.token_hex(8)}{_SUFFIX}"
        if directory:
            path.mkdir(mode=mode)
            try:
                descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            except OSError:
                path.rmdir()
                raise
        else:
            descriptor = os.open(
                path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _FILE_MODE
            )
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # `sweep` has it, and removes it
            os.close(descriptor)
            continue
        except OSError:
            pass  # no locks on this file system: `sweep` cannot lock it either, and leaves it
        if path.exists():  # not swept between the two calls
            return path, descriptor
        os.close(descriptor)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
