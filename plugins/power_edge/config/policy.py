"""node-configs/policy.yaml: what a change of the configuration may do."""

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from power_edge.config.error import ConfigError, refuse
from power_edge.config.node_configs import NODE_CONFIGS, nodes, read_regular
from power_edge.config.role_files import built_in, own
from power_edge.config.schema import known_keys
from power_edge.config.state import attributes, check_schema
from power_edge.config.yaml_reader import Document, read
from power_edge.model import Problem, Source
from power_edge.model.generated.policy_schema import Policy as Declared
from power_edge.resources import names as types
from power_edge.text import did_you_mean, quoted

POLICY = "policy.yaml"
FILE = f"{NODE_CONFIGS}/{POLICY}"
_DAY = 10
"""Characters of a date without a time."""


class Window(NamedTuple):
    """A time in which nothing may change. Both ends have their time zone."""

    start: datetime
    end: datetime
    why: str
    source: Source


@dataclass(frozen=True)
class Policy:
    """A policy that can be used."""

    declared: Declared
    freeze: tuple[Window, ...]
    document: Document

    def at(self, *path: str | int) -> Source:
        """Return the place of a rule."""
        return self.document.find(path, key=True)


def read_policy(root: Path) -> bytes | None:
    """Return the content of policy.yaml in a node-configs/; None if there is none.

    Raises ConfigError for anything but a readable regular file. A link is not followed: a
    stranger's branch could bring one to any file.
    """
    if os.path.islink(root / POLICY):  # noqa: PTH114 False for a folder that cannot be searched
        raise refuse(FILE, "is a symbolic link", "replace the link with the file")
    real = Path(os.path.realpath(root))
    return read_regular(real, real / POLICY, FILE)


def load_policy(root: Path) -> Policy | None:
    """Return the policy of a node-configs/; None without one. Raises ConfigError.

    A rule that could never hold anything back is a problem: a field, a role, a node, or a time zone
    that does not exist.
    """
    with suppress(OSError):
        for name in sorted(os.listdir(root)):  # noqa: PTH208
            if name != POLICY and name.lower() in (POLICY, "policy.yml"):
                raise refuse(
                    f"{NODE_CONFIGS}/{name}",
                    f"is not read: its name must be {POLICY}",
                    f"rename it to {POLICY}, or remove it",
                )
    content = read_policy(root)
    if content is None:
        return None
    document = read(content, FILE)
    check_schema(document, "policy")
    declared = msgspec.convert(attributes(document.value), Declared)
    problems = [*_unknown_fields(declared, document), *_unknown_names(declared, document, root)]
    windows: list[Window] = []
    for index, window in enumerate(declared.freeze or ()):
        path = ("freeze", index)
        try:
            zone = _zone(window.timezone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            problems.append(
                Problem(
                    document.find((*path, "timezone")),
                    f"this machine knows no time zone {quoted(window.timezone)}",
                    "write a name such as Europe/Oslo or UTC; the package tzdata has the list",
                )
            )
            continue
        try:
            start = _moment(window.from_, zone)
            end = _moment(window.to, zone, last=True)
        except (ValueError, OverflowError):
            problems.append(Problem(document.find(path), "there is no such day or time"))
            continue
        if end <= start:
            problems.append(Problem(document.find((*path, "to")), "ends before it begins"))
        windows.append(Window(start, end, window.why, document.find(path)))
    if problems:
        raise ConfigError(problems)
    return Policy(declared, tuple(windows), document)


def _zone(name: str) -> tzinfo:
    return UTC if name == "UTC" else ZoneInfo(name)


def _moment(text: str, zone: tzinfo, *, last: bool = False) -> datetime:
    """Return a time in UTC. Of an hour that comes twice the end is its second end."""
    whole_day = len(text) == _DAY
    naive = datetime.fromisoformat(text)
    naive += timedelta(days=1) if last and whole_day else timedelta(minutes=last)
    return naive.replace(tzinfo=zone, fold=int(last)).astimezone(UTC)


def _unknown_fields(declared: Declared, document: Document) -> Iterator[Problem]:
    known = known_keys() | {*types()}
    listed: list[tuple[tuple[str | int, ...], str]] = [
        (("protected", index), field) for index, field in enumerate(declared.protected or ())
    ]
    for number, owner in enumerate(declared.owners or ()):
        listed += [
            (("owners", number, "fields", index), field)
            for index, field in enumerate(owner.fields or ())
        ]
    for path, field in listed:
        first = field.partition(".")[0]
        if first not in known and not any(each in first for each in "*?["):
            yield Problem(
                document.find(path),
                f"{quoted(first)} is not a field of any file or resource type",
                did_you_mean(first, sorted(known)) or "no change would ever touch it",
            )


def _unknown_names(declared: Declared, document: Document, root: Path) -> Iterator[Problem]:
    roles = {*built_in(), *own(root)}
    for role in declared.max_share or ():
        if role not in roles:
            yield Problem(
                document.find(("max_share", role), key=True),
                f"there is no role {quoted(role)}",
                did_you_mean(role, sorted(roles)),
            )
    canaries = declared.canary.nodes if declared.canary is not None else None
    if canaries is not None:
        names = {folder.name for folder in nodes(root)}
        for index, name in enumerate(canaries):
            if name not in names:
                yield Problem(
                    document.find(("canary", "nodes", index)),
                    f"there is no node {quoted(name)}",
                    did_you_mean(name, sorted(names)),
                )
