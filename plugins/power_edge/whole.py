"""Files that are whole or not there."""

import os
import tempfile
from pathlib import Path


def write(file: Path, content: bytes, mode: int = 0o644) -> None:
    """Write beside the file, sync, and rename over it. Raises OSError (a full disk, a folder that is not there), and the old file stays.

    The name meanwhile does not end as the file's does: node_exporter reads every *.prom.
    """
    descriptor, beside = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".tmp", dir=file.parent)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        Path(beside).replace(file)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise
    folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)  # the rename itself
    finally:
        os.close(folder)
