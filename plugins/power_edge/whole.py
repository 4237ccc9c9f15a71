"""Files that are whole or not there."""

import os
import secrets
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path


@contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """A path to be written in place of `file`: synced and renamed over it when the block ends well, removed when it does not.

    Raises OSError (a full disk, a folder that is not there), and the old file stays. What is no regular file (/dev/stdout) is written as it is.
    """
    if file.exists() and not file.is_file():
        yield file
        return
    target = file.resolve()  # a symbolic link stays one
    with _beside(target, lambda beside: beside.replace(target)) as beside:
        if target.exists():
            was = target.stat()
            with suppress(PermissionError):
                os.chown(beside, was.st_uid, was.st_gid)  # by root, in a checkout that is somebody's
            beside.chmod(was.st_mode & 0o7777)
        yield beside


def write(file: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old one or the new one, whole; all may read it. Raises OSError, and the old one stays."""
    with replacing(file) as beside:
        _fill(beside, content)


def write_new(file: Path, content: bytes) -> None:
    """The same for a file that must not be there yet. Raises FileExistsError where it is."""

    def link(beside: Path) -> None:
        file.hardlink_to(beside)
        beside.unlink()

    with _beside(file, link) as beside:
        _fill(beside, content)


def write_all(files: Mapping[Path, bytes]) -> None:
    """Write several files, all or none: each is whole and synced beside its place before the first is renamed. Raises OSError."""
    with ExitStack() as stack:
        for file, content in files.items():
            beside = stack.enter_context(replacing(file))
            _fill(beside, content)
            with beside.open("rb") as filled:
                os.fsync(filled.fileno())  # a disk may be found full only here


def write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Make a folder with these files, and the folders above it, whole or not at all. Raises OSError, also where it is there already."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}.", dir=folder.parent) as beside:
        made = Path(beside, "folder")
        made.mkdir()
        for name, content in files.items():
            write(made / name, content)
        made.rename(folder)


def _fill(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    if file.is_file():
        file.chmod(0o644)  # whatever the umask: node_exporter is another user


@contextmanager
def _beside(file: Path, put: Callable[[Path], object]) -> Iterator[Path]:
    """A new empty file in the same folder, for `put` to bring into place. Its name does not end as the file's: node_exporter reads every *.prom."""
    beside = file.with_name(f".power-edge-{secrets.token_hex(8)}.tmp")
    descriptor = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    try:
        yield beside
        os.fsync(descriptor)
        put(beside)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)  # the rename itself
    finally:
        os.close(folder)
