"""What a rollback does to today's configuration: the old version itself reads it, and its answer is
compared with that of this program.
"""

import os
import sys
import zipfile
from collections.abc import Iterator, Mapping
from io import BytesIO
from keyword import kwlist
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from power_edge import atomic_file
from power_edge.config import nodes
from power_edge.config.node_configs import (
    CONNECTION,
    FILES,
    NODE_CONFIGS,
    NODE_IDENTITY,
    STATE,
    SYSTEM_IDENTITY,
    WATCHER,
    node_file,
    read_file,
)
from power_edge.config.schema import write_only
from power_edge.config.state import entries
from power_edge.config.yaml_reader import Document, Place, read
from power_edge.json_value import Json
from power_edge.model import Problem, Source
from power_edge.model.generated.promotion_schema import Rollback
from power_edge.probing.process import Lifeline, NoRoom, TooLong, run
from power_edge.release import git, reading, tags
from power_edge.release.build import export
from power_edge.release.field_origin import FieldOrigins
from power_edge.release.field_origin import Path as ValuePath
from power_edge.release.schema_set import Unusable
from power_edge.release.version import Version
from power_edge.release.wheel import Wheel
from power_edge.resources import resource
from power_edge.text import printable, quoted

_FILE_OF: Final = {
    "identity": NODE_IDENTITY,
    "system_identity": SYSTEM_IDENTITY,
    "connection": CONNECTION,
    "watcher": WATCHER,
}
"""The file of each value of a reading that is a whole file."""
_KEYWORDS = frozenset(kwlist)


class Reading(NamedTuple):
    """What a version makes of one node: `values`, or the `problems` why it refuses it."""

    values: dict[str, Json]
    problems: tuple[Problem, ...]


class Loss(NamedTuple):
    """One thing that the old version refuses or reads differently."""

    node: str
    source: Source
    text: str
    since: str | None
    """What brought it, where that is known."""

    def __str__(self) -> str:
        since = f" (came with {self.since})" if self.since is not None else ""
        return printable(f"{self.source}: {self.text}{since}")


class Lossy(Unusable):
    """A rollback would change what today's configuration means. Its text has a line for each
    loss."""


class Silent(Unusable):
    """An old version does not say how it reads a node-configs/."""


def judged(
    wheel: Wheel,
    commit: str,
    previous: Version,
    root: Path | None,
    *,
    reverted: str | None,
    accepted: bool,
) -> Rollback:
    """Return what a rollback to the wheel of a commit does to the configuration.

    `root` is today's node-configs/, `reverted` a git ref with the configuration's own revert.
    Raises Lossy if there are losses that nothing makes up for, Silent if the old version does not
    say how it reads files and nobody accepts that, Unusable if the revert does not load, and
    ConfigError if there is no node.
    """
    if root is None:
        raise Unusable(
            f"there is no {NODE_CONFIGS}/ in this folder or above it, so nobody knows what the"
            " rollback does to it: name it with --node-configs=DIR"
        )
    with atomic_file.scratch() as scratch:
        program = scratch / "program"
        with zipfile.ZipFile(BytesIO(wheel.data)) as archive:
            archive.extractall(program)
        try:
            losses = list(_losses(_reading_of(program, root), root, FieldOrigins(commit)))
        except Silent as error:
            if not accepted:
                raise
            losses = [
                Loss(each.name, Source(node_file(each, STATE), 0), str(error), None)
                for each in nodes(root)
            ]
        config_commit = None
        if reverted is not None:
            config_commit = git.commit(reverted)
            _check_reverted(program, scratch / "config", config_commit, root)
        elif losses and not accepted:
            raise Lossy(
                f"the rollback changes what {len({loss.node for loss in losses})} nodes are checked"
                " for:\n"
                + "\n".join(f"  {loss}" for loss in losses)
                + "\nrevert the configuration too, and name that commit: --with-config=REF; or give"
                " that up: --accept-config-loss"
            )
    return Rollback(
        from_release=previous.semver,
        configuration=(
            "reverted" if config_commit is not None else "accepted" if losses else "unchanged"
        ),
        config_commit=config_commit,
        nodes=sorted({loss.node for loss in losses}),
        losses=[str(loss) for loss in losses],
    )


class _Node(msgspec.Struct):
    """A node in what a version prints (release/reading.py). It may print more."""

    values: dict[str, Any] | None = None
    problems: list[tuple[str, int, int, str, str | None]] = []


class _Printed(msgspec.Struct):
    program: str
    nodes: dict[str, _Node]


def _reading_of(program: Path, root: Path) -> Mapping[str, _Node]:
    """Return how an unpacked version reads a node-configs/. Raises Silent."""
    # Its dependencies are those of this program; its own code comes first.
    paths = os.pathsep.join([str(program), *filter(None, sys.path)])
    argv = ["env", f"PYTHONPATH={paths}", sys.executable, "-P", "-m", reading.MODULE, str(root)]
    try:
        ended = run(argv, b"", Lifeline())
        if ended.status != 0:
            last = ended.stderr.decode("utf-8", "replace").strip().split("\n")[-1]
            raise Silent(f"the old version cannot read {NODE_CONFIGS}/: {printable(last)}")
        printed = msgspec.json.decode(ended.stdout, type=_Printed)
    except (TooLong, NoRoom, msgspec.MsgspecError) as error:
        raise Silent(f"the old version's reading of {NODE_CONFIGS}/: {error}") from None
    if not os.path.realpath(printed.program).startswith(f"{os.path.realpath(program)}{os.sep}"):
        raise Silent(f"{quoted(printed.program, 200)} answered, and not the old version")
    for name, node in printed.nodes.items():
        if node.values is None and not node.problems:
            raise Silent(f"the old version does not say how it reads node {printable(name)}")
    return printed.nodes


def _check_reverted(program: Path, folder: Path, commit: str, root: Path) -> None:
    """Check that the old version reads the node-configs/ of a commit, with all nodes of today."""
    export(commit, folder)
    inside = _in_repository(root)
    if not (folder / inside).is_dir():
        raise Unusable(f"commit {commit[:12]} has no {inside}/")
    found = _reading_of(program, folder / inside)
    for name, node in sorted(found.items()):
        for place in node.problems:
            raise Unusable(
                f"the configuration of {commit[:12]} does not load either:"
                f" {_problem(place)} (node {printable(name)})"
            )
    gone = sorted({each.name for each in nodes(root)} - found.keys())
    if gone:
        raise Unusable(
            f"the configuration of {commit[:12]} has no node {printable(gone[0])}: revert the"
            " fields that the old version does not know, and keep the nodes of today"
        )


def _in_repository(root: Path) -> str:
    """Return the path of a node-configs/ in the repository of the current folder; its name if it
    stands elsewhere.
    """
    try:
        relative = root.resolve().relative_to(tags.folder())
    except ValueError:
        return NODE_CONFIGS
    return str(relative)


def _losses(old: Mapping[str, _Node], root: Path, brought: FieldOrigins) -> Iterator[Loss]:
    """Yield what an old version refuses or reads differently of today's configuration."""
    now = reading.readings(root)["nodes"]
    if not now:
        raise Unusable(f"{quoted(str(root), 200)} has no node: name the folder of all nodes")
    for folder in nodes(root):
        name = folder.name
        today = msgspec.convert(now[name], _Node)
        if today.values is None:
            for place in today.problems:
                problem = _problem(place)
                yield Loss(name, problem.source, f"is refused today, too: {problem.message}", None)
            continue
        documents = _documents(folder)
        then = old.get(name)
        if then is None:
            source = Source(node_file(folder, STATE), 0)
            yield Loss(name, source, "the old version does not see this node", None)
        elif then.values is None:
            for place in then.problems:
                problem = _problem(place)
                file, path = _path_at(documents, problem.source)
                since = brought.by(file, path) if path else None
                field = f"{_field(path)} is refused" if path else "is refused"
                yield Loss(name, problem.source, f"{field}: {problem.message}", since)
        else:
            yield from _read_differently(name, then.values, today.values, documents, brought)


def _documents(folder: Path) -> dict[str, Document]:
    """Return the files of a node that loads, by name."""
    return {
        file: read(data, node_file(folder, file))
        for file in FILES
        if (data := read_file(folder, file)) is not None
    }


def _read_differently(
    node: str,
    then: dict[str, Json],
    now: dict[str, Json],
    documents: Mapping[str, Document],
    brought: FieldOrigins,
) -> Iterator[Loss]:
    for key, file in _FILE_OF.items():
        if file not in documents:
            continue
        document = documents[file]
        for path, text in _differences(then.get(key), now.get(key), document, ()):
            yield Loss(node, document.find(path), text, brought.by(file, path))
    state = documents[STATE]
    for path, text in _differences(then.get("metadata"), now.get("metadata"), state, ("metadata",)):
        yield Loss(node, state.find(path), text, brought.by(STATE, path))
    old, new = _items(then), _items(now)
    places = _places(state)
    for kind, name in [each for each in old if each not in new]:
        source = _source(old[kind, name])
        yield Loss(node, source, f"{kind}[{name}] is checked by the old version alone", None)
    for at, item in new.items():
        label = f"{at[0]}[{item.get('name')}]"
        if at not in old:
            yield Loss(node, _source(item), f"{label} is not checked by the old version", None)
            continue
        path = places.get(at, ())
        within = state if path else None
        found: list[tuple[ValuePath, str]] = []
        for each in ("expected", "declared"):  # what is declared has no defaults
            found = found or list(_differences(old[at].get(each), item.get(each), within, path))
        for where, text in found:
            source = _source(item) if within is None else within.find(where)
            since = None if within is None else brought.by(STATE, where)
            yield Loss(node, source, f"{label}: {text}", since)


def _items(values: dict[str, Json]) -> dict[tuple[str, str], dict[str, Json]]:
    listed = values.get("items")
    return {
        (str(item.get("type")), str(item.get("key"))): item
        for item in (listed if isinstance(listed, list) else [])
        if isinstance(item, dict)
    }


def _source(item: dict[str, Json]) -> Source:
    match item.get("source"):
        case [str(file), int(line), int(column)]:
            return Source(file, line, column)
    return Source(NODE_CONFIGS, 0)


def _places(state: Document) -> dict[tuple[str, str], ValuePath]:
    """Return the path of each item that a state.yaml declares, by type and key."""
    return {
        (kind.name, kind.canonical(name)): (kind.name, *path)
        for section, value in state.value.items()
        if section not in ("version", "metadata")
        for kind in [resource(section)]
        for name, _, path in entries(kind, value)
    }


def _differences(
    then: Json, now: Json, document: Document | None, path: ValuePath
) -> Iterator[tuple[ValuePath, str]]:
    """Yield the paths at which two readings differ, each with words for it.

    A field that only today's reading has is a difference if the document has it: else it is the
    default of a field that is new since. Without a document it always is one.
    """
    if isinstance(then, dict) and isinstance(now, dict):
        for key, value in now.items():
            part = (*path, key.removesuffix("_") if key[:-1] in _KEYWORDS else key)
            if key in then:
                yield from _differences(then[key], value, document, part)
            elif document is None or _has(document, part):
                yield part, f"{part[-1]} is not read"
    elif isinstance(then, list) and isinstance(now, list) and len(then) == len(now):
        for index, (one, other) in enumerate(zip(then, now, strict=True)):
            yield from _differences(one, other, document, (*path, index))
    elif type(then) is not type(now) or then != now:
        hidden = any(step in write_only() for step in path)
        values = "" if hidden else f": {_shown(now)} today, {_shown(then)} by the old version"
        field = ".".join(map(str, path[-1:]))
        yield path, f"{field} is read differently{values}"


def _has(document: Document, path: ValuePath) -> bool:
    value: Any = document.value
    for step in path:
        try:
            value = value[step]
        except (TypeError, LookupError):
            return False
    return True


def _field(path: ValuePath) -> str:
    """Return a path as an operator writes it: `services[].by_socket`."""
    return "".join("[]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")


def _shown(value: Json) -> str:
    return quoted(value) if isinstance(value, str) else quoted(msgspec.json.encode(value).decode())


def _problem(place: tuple[str, int, int, str, str | None]) -> Problem:
    file, line, column, message, hint = place
    return Problem(Source(file, line, column), message, hint)


def _path_at(documents: Mapping[str, Document], source: Source) -> tuple[str, ValuePath]:
    """Return the file of a node and the path of what stands at a place; an empty path if nothing
    does.
    """
    for file, document in documents.items():
        if document.file == source.file:
            found = [path for path, place in _marks(document.root, ()) if _is_at(place, source)]
            return file, max(found, key=len, default=())
    return "", ()


def _is_at(place: Place, source: Source) -> bool:
    return any(
        (mark.line + 1, mark.column + 1) == (source.line, source.column)
        for mark in (place.key, place.value)
    )


def _marks(place: Place, path: ValuePath) -> Iterator[tuple[ValuePath, Place]]:
    if path:
        yield path, place
    inner = place.inner
    for step in inner if isinstance(inner, dict) else range(len(inner or ())):
        if (part := place.at(step)) is not None:
            yield from _marks(part, (*path, step))
