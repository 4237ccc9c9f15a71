"""Whatever stands in the files of a node's folder: they load, or every problem has its place; and
what loads can be planned and judged.
"""

import random
import re
import resource as limits
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from copy import copy
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from power_edge import package_data
from power_edge.checking.check import Checked, expected, script_for
from power_edge.cli import cli
from power_edge.config import ConfigError, Node
from power_edge.config.all_nodes import load_all
from power_edge.config.schema import schema, validator
from power_edge.identity import identifiers
from power_edge.model import Problem
from power_edge.probing.framing import read
from power_edge.release.accepted import entries
from power_edge.report import terminal
from tests.fuzz.test_answers import STRANGE, corpus
from tests.support import answers
from tests.support.budget import Budget
from tests.support.hostile import made
from tests.support.hostile.values import VALUES, coded, harmless, places, sample
from tests.support.project import identity_of
from tests.yaml_edit.test_fuzz import VALID

NODES = Path(__file__).parents[2] / "node-configs"
NAME = re.compile(rb"^(name: ?).*\n", re.MULTILINE)
WITH_ROLE = {"version": "1.0", "node": {"hostname": "x"}, "roles": [{"name": "rig"}]}
MEMORY = 700
"""MiB that a run may take beyond what it had at its beginning."""
TOKENS = (
    b"\xef\xbb\xbf", b"\xff\xfe", b"\r\n", b"\r", b"\0", b"\x85", "\u2028".encode(), b"\xed\xa0\x80", b"\t", b"\n\n", b"...\n", b"---\n",
    b"%YAML 1.2\n---\n", b"&a ", b"*a", b"&a [*a]", b"<<: *a\n", b"<<: {a: b}\n", b"!!python/object/apply:os.system [id]", b"!!binary aGk=",
    b"!!set {a}", b"!<!> ", b"? ", b"[" * 3000, b"{a: " * 3000, b"- " * 3000, b"[" * 49, b"9" * 5000, b"1e999", b"-.inf", b".nan",
    b"0x" + b"f" * 300, b"0o17", b"1_000", b"22:30", b"yes", b"~", b"null", b"''", b'"', b"'", b"|\n", b">-\n", b"# ", b": ", b"- ", b"{}", b"[]",
    b"a: &x {b: *x}\n", b"x" * 20000, b"2026-01-01",
)  # fmt: skip
BOMB = b"".join(
    b"x%d: &x%d [%s]\n" % (number, number, b", ".join([b"*x%d" % (number - 1)] * 9) or b"x")
    for number in range(1, 12)
)
"""Each line nine of the line before: 9^11 values."""

Mutation = Callable[[random.Random, bytes], bytes]


@cache
def known() -> Mapping[str, list[bytes]]:
    """Files that load, by schema: of a node in use, the examples of the schemas, and one of each
    place that a schema has.
    """
    found: dict[str, list[bytes]] = {}
    for name, file in made.FILES.items():
        whole = schema(name)
        documents = [
            *whole.get("examples", ()),
            sample(whole, whole),
            *(document for _, document in places(whole, "x")),
        ]
        fitting = [each for each in documents if validator(name).is_valid(each)]
        found[name] = [each.read_bytes() for each in sorted(NODES.glob(file.format(node="*")))] + [
            made.written(each) for each in fitting
        ]
    found["state"] += [made.written(VALID)] * 10
    found["system-identity"].append(made.written(identity_of(answers.MACHINE)))
    found["role"] += [
        each.read_bytes() for each in sorted(package_data.folder("roles").glob("*.yaml"))
    ]
    found["role"] = [NAME.sub(b"\\g<1>rig\n", each, count=1) for each in found["role"]]
    return found


def another_byte(chance: random.Random, data: bytes) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + bytes([chance.randrange(256)]) + data[at + chance.choice((0, 1)) :]


def cut(chance: random.Random, data: bytes) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def a_token(chance: random.Random, data: bytes) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.choice(TOKENS) + data[at + chance.choice((0, 0, 1, 8)) :]


def a_value(chance: random.Random, data: bytes) -> bytes:
    at = chance.choice([place for place, byte in enumerate(data) if byte in b" \n"] or [0])
    return data[: at + 1] + coded(chance.choice([*VALUES.values()])) + data[at + 1 :]


def a_line_elsewhere(chance: random.Random, data: bytes) -> bytes:
    """A line twice, or in another place, deeper or less deep: keys that stand there again, lists
    that are none.
    """
    lines = data.split(b"\n")
    line = (
        chance.choice(lines) if chance.random() < 0.5 else lines.pop(chance.randrange(len(lines)))
    )
    line = chance.choice((line, b"  " + line, line.lstrip(), b"- " + line))
    lines.insert(chance.randrange(len(lines) + 1), line)
    return b"\n".join(lines)


def anchored(chance: random.Random, data: bytes) -> bytes:
    """Values that stand for others, and one that is made of itself."""
    lines = data.split(b"\n")
    for word in (b" &a", b" *a"):
        at = chance.randrange(len(lines))
        key, colon, value = lines[at].partition(b":")
        lines[at] = key + colon + word + (value if word == b" &a" else b"")
    return b"\n".join(lines)


def bombed(chance: random.Random, data: bytes) -> bytes:
    return data + b"\n" + BOMB if chance.random() < 0.5 else BOMB + data


def another_encoding(chance: random.Random, data: bytes) -> bytes:
    with suppress(UnicodeError):
        return data.decode().encode(
            chance.choice(("utf-16", "utf-32", "utf-8-sig", "latin-1", "cp037"))
        )
    return data


def other_line_ends(chance: random.Random, data: bytes) -> bytes:
    return data.replace(b"\n", chance.choice((b"\r\n", b"\r", b"\n\r", b"\x85", b"\n\n")))


def two_files(chance: random.Random, data: bytes) -> bytes:
    other = chance.choice(known()[chance.choice([*known()])])
    return chance.choice(
        (
            data + other,
            data + b"---\n" + other,
            data[: chance.randrange(len(data) + 1)] + other[chance.randrange(len(other) + 1) :],
        )
    )


def another_structure(chance: random.Random, data: bytes) -> bytes:
    """A document that YAML has nothing against, with something strange in it."""
    try:
        document = yaml.safe_load(data)
    except (yaml.YAMLError, ValueError, RecursionError):
        return data
    holders = list(_containers(document, 0))
    if not holders:
        return data
    holder = chance.choice(holders)
    new: Any = chance.choice((*STRANGE, *VALUES.values(), copy(chance.choice(holders))))
    if isinstance(holder, list):
        holder[chance.randrange(len(holder))] = new
    elif chance.random() < 0.3:
        holder[new if isinstance(new, str) else str(new)[:100]] = holder.pop(
            chance.choice(list(holder))
        )
    else:
        holder[chance.choice(list(holder))] = new
    return yaml.safe_dump(document, allow_unicode=True).encode("utf-8", "surrogatepass")


def _containers(value: Any, depth: int) -> Iterator[Any]:
    """The lists and mappings in a value that are not empty.

    A value with anchors may hold itself.
    """
    if isinstance(value, dict | list) and value and depth < 10:
        yield value
        for each in islice(value.values() if isinstance(value, dict) else value, 20):
            yield from _containers(each, depth + 1)


MUTATIONS: tuple[Mutation, ...] = (
    another_byte, another_byte, cut, a_token, a_token, a_value, a_value, a_line_elsewhere, a_line_elsewhere, anchored, another_encoding,
    other_line_ends, two_files, another_structure, another_structure, another_structure,
)  # fmt: skip


@pytest.mark.parametrize("name", made.FILES)
def test_no_file_breaks_a_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    budget = Budget(name, 1 / len(made.FILES))
    chance = budget.chance
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "node-configs" / "rig"
    folder.mkdir(parents=True)
    (folder.parent / "roles").mkdir()
    place = made.FILES[name].format(node="rig")
    before = limits.getrusage(limits.RUSAGE_SELF).ru_maxrss
    for number in budget.rounds():
        data = chance.choice(known()[name])
        for _ in range(chance.choice((1, 1, 2, 3))):
            data = (chance.choice(MUTATIONS) if chance.random() < 0.99 else bombed)(chance, data)
        if name == "accepted":
            budget.counts["valid"] += accepted(data)
            continue
        files = {
            "rig/state.yaml": made.written(made.STATE),
            "rig/system-identity.yaml": made.written(identity_of(answers.MACHINE)),
            **({"rig/identity.yaml": made.written(WITH_ROLE)} if name == "role" else {}),
            place: data,
        }
        for file, content in files.items():
            (folder.parent / file).write_bytes(content)
        node = loaded(folder, [*files])
        budget.counts["valid"] += node is not None
        if node is not None:
            for outcome in judged(node, chance):
                budget.counts[outcome] += 1
        if number % 10 == 0:
            done = CliRunner().invoke(cli, ["validate"])
            assert done.exit_code == (4 if node is None else 0), (done.exception, data)
            harmless(done.output)
    assert (limits.getrusage(limits.RUSAGE_SELF).ru_maxrss - before) / 1024 < MEMORY


def loaded(folder: Path, files: Sequence[str]) -> Node | None:
    """The node of a folder, with the files beside it; None where they cannot be used, and then
    every problem has its place.
    """
    whole = load_all(folder.parent, [folder])
    node = None if whole.problems else whole.nodes["rig"]
    check_problems(whole.problems, {f"node-configs/{file}" for file in files})
    return node


def accepted(data: bytes) -> bool:
    """Whether an accepted.yaml can be used; if not, every problem has its place."""
    try:
        entries(data, "base")
    except ConfigError as error:
        check_problems(error.problems, {"base: schemas/accepted.yaml"})
        return False
    return True


def check_problems(problems: Sequence[Problem], files: Collection[str]) -> None:
    for problem in problems:
        harmless(str(problem))
        assert "\n" not in str(problem)
        assert problem.source.file in files
        assert (
            problem.source.line >= 1 and problem.source.column >= 1
        ) or "is larger than" in problem.message, problem
        assert len(str(problem)) < 1500


def judged(node: Node, chance: random.Random) -> Iterator[str]:
    """What comes of the node's items, by answers that were recorded: outcomes."""
    script = script_for(node)
    script.text().encode("utf-8", "surrogateescape")
    wanted = expected(node)
    messages = [
        (kind, "ok", digest) for kind, digest in (wanted or identifiers.ANY_MACHINE).hashes.items()
    ]
    sections = {
        name: chance.choice(corpus(name.partition(".")[0]))
        for section in script.sections
        for name in section.sections()
    }
    checked = Checked(node, read(answers.answer("rig", sections, readings=messages)))
    for result in (checked.gate_result, *map(checked.result, node.items)):
        harmless(terminal.block(result))
        harmless(terminal.headline(result))
        yield result.outcome.value
    assert node.identity is None or node.identity.node is not None
    assert node.watcher is None or node.watcher.watchers is not None
