"""Reads a set of schemas: from a folder, a wheel, a git ref, or this program."""

import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

from power_edge import package_data
from power_edge.config import ConfigError
from power_edge.config.yaml_reader import MAX_BYTES, read
from power_edge.probing.process import LONGEST_OUTPUT
from power_edge.release import git
from power_edge.release.changes import EMPTY
from power_edge.release.schema_set import SUFFIX, Json, SchemaSet, Unusable, checked
from power_edge.text import quoted

ACCEPTED = "accepted.yaml"
INSTALLED = "installed"
"""The word for the schemas of the program that runs."""
LAST_RELEASE = "last-release"
"""The word for the highest release that HEAD contains."""
_WHAT = "folder, no wheel and no git ref"
_IN_WHEEL = "power_edge/schemas/"
_INSIDE = ("schemas", "power_edge/schemas", "lib/python3*/site-packages/power_edge/schemas", ".")
"""Where schemas are: in a checkout, an unpacked wheel, a virtual environment, a folder of them."""


class Source(NamedTuple):
    """A set of schemas, and the content of its accepted.yaml; None without one."""

    schemas: SchemaSet
    accepted: bytes | None = None


def source(word: str) -> Source:
    """Return the schemas that a person names. Raises Unusable.

    A path wins over a git ref of the same name. `last-release` without a release is the empty set.
    """
    path = Path(word)
    if word == INSTALLED:
        return of_files(word, _folder(package_data.folder("schemas")))
    if word == LAST_RELEASE:
        tag = git.last_release()
        return of_ref(tag) if tag is not None else Source(EMPTY)
    try:
        if word and path.is_dir():
            return of_files(word, _folder(_schemas_in(path)))
        if path.suffix == ".whl" and path.exists():
            return of_files(word, _wheel(path))
    except (OSError, ValueError) as error:
        raise Unusable(f"{quoted(word)} cannot be read: {error}") from None
    return of_ref(word)


def of_ref(ref: str) -> Source:
    """Return the schemas of a commit that a git ref names. Raises Unusable."""
    return of_files(ref, git.files(git.commit(ref, _WHAT), "schemas", (SUFFIX, ACCEPTED)))


def of_files(name: str, files: dict[str, bytes]) -> Source:
    """Return the schemas in files, by their paths in schemas/; one may be accepted.yaml.

    `name` is that of the version, for messages. Raises Unusable.
    """
    name = quoted(name)[1:-1]
    accepted = files.pop(ACCEPTED, None)
    if not files:
        raise Unusable(f"{name} has no schemas: no file NAME{SUFFIX} was found")
    return Source(
        checked(name, {file: _parsed(name, file, data) for file, data in files.items()}), accepted
    )


def _parsed(name: str, file: str, data: bytes) -> Json:
    try:
        document = read(data, f"{name}: {file}")
    except ConfigError as error:
        raise Unusable(str(error.problems[0])) from None
    if document.problems:
        raise Unusable(str(document.problems[0]))
    return document.value


def _schemas_in(folder: Path) -> Path:
    """Return the folder of schemas in a folder: the first that holds any. Raises Unusable."""
    for pattern in _INSIDE:
        for found in [folder] if pattern == "." else sorted(folder.glob(pattern)):
            if any(found.glob(f"*{SUFFIX}")):
                return found
    raise Unusable(f"{quoted(str(folder))} has no schemas: no file NAME{SUFFIX} was found")


def _folder(folder: Path) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for file in sorted([*folder.rglob(f"*{SUFFIX}"), folder / ACCEPTED]):
        if file.is_file():  # reading a pipe would wait
            with file.open("rb") as stream:
                found[file.relative_to(folder).as_posix()] = stream.read(MAX_BYTES + 1)
    return found


def _wheel(path: Path) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(path) as wheel:
            wanted = {
                name: info
                for info in wheel.infolist()
                if (name := info.filename.removeprefix(_IN_WHEEL)) != info.filename
                and name.endswith((SUFFIX, ACCEPTED))
            }
            if sum(info.file_size for info in wanted.values()) > LONGEST_OUTPUT:
                raise Unusable(
                    f"the schemas of {quoted(str(path))} have more than {LONGEST_OUTPUT >> 20} MiB"
                )
            found: dict[str, bytes] = {}
            for name, info in wanted.items():
                with wheel.open(info) as stream:
                    found[name] = stream.read(MAX_BYTES + 1)
            return found
    except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError) as error:
        raise Unusable(f"{quoted(str(path))} is not a wheel that can be read: {error}") from None
