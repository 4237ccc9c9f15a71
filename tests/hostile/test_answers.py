"""Hostile answers: in every word of what a probe prints, on stderr, in place of an answer, and in
what stands around it.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from power_edge.checking.evaluate import judge
from power_edge.probing.framing import NoAnswer, Output, read
from power_edge.probing.observe import parsed
from power_edge.report import terminal
from power_edge.report.record import as_json, record
from power_edge.resources import resource
from tests.fuzz.test_answers import DECLARED, corpus, items
from tests.support import answers
from tests.support.hostile.values import TOGETHER, VALUES, coded, harmless
from tests.support.project import Project

pytest_plugins = ["pytester"]

Place = tuple[Any, ...]


def replaced(recorded: bytes, value: bytes, tried: set[Place]) -> Iterator[bytes]:
    """An answer with the value in place of each word in turn.

    Words of lines that begin alike are in one place, and each place is tried once.
    """
    lines = recorded.split(b"\n")
    for number, line in enumerate(lines):
        for value_made in (
            _replaced_json(line, value, tried)
            if line.startswith(b' {"')
            else _replaced_words(line, value, tried)
        ):
            yield b"\n".join([*lines[:number], value_made, *lines[number + 1 :]])


def _replaced_words(line: bytes, value: bytes, tried: set[Place]) -> Iterator[bytes]:
    words = [*re.finditer(rb"[^\s=:]+", line)]
    for at, word in enumerate(words):
        if (place := (words[0][0] if at else b"", at)) not in tried:
            tried.add(place)
            yield line[: word.start()] + value + line[word.end() :]


def _replaced_json(line: bytes, value: bytes, tried: set[Place]) -> Iterator[bytes]:
    complete = json.loads(line)
    for place, holder, key in _strings(complete):
        if place not in tried:
            tried.add(place)
            before = holder[key]
            holder[key] = value.decode("utf-8", "surrogateescape")
            yield b" " + json.dumps(complete).encode()
            holder[key] = before


def _strings(value: Any, place: Place = ()) -> Iterator[tuple[Place, Any, Any]]:
    """The texts in a JSON value: the names that lead there, what holds it, and by which key."""
    for key, inner in [*value.items()] if isinstance(value, dict) else enumerate(value):
        inside = (*place[-2:], key) if isinstance(key, str) else place
        if isinstance(inner, str):
            yield inside, value, key
        elif isinstance(inner, dict | list):
            yield from _strings(inner, inside)


@pytest.mark.parametrize("kind", sorted(DECLARED))
@pytest.mark.parametrize("value", TOGETHER.values(), ids=TOGETHER)
def test_every_word_of_every_section(kind: str, value: str) -> None:
    declared, tried = [*items(kind)], set[Place]()
    declared = declared[:: max(1, len(declared) // 4)]
    count = 0
    recordings = corpus(kind)
    for recorded in recordings[:: max(1, len(recordings) // 4)]:
        for answer in replaced(recorded, coded(value), tried):
            observed = parsed(resource(kind), Output(0, answer, ""))
            for item in declared:
                result = judge(resource(kind), item, observed)
                harmless(terminal.block(result))
                harmless(terminal.headline(result))
                count += "pwned" in str(as_json(record(result)))
    assert len(tried) >= 3
    assert count or "\n" in value, "nothing of the value is ever shown: this tests nothing"


SHOWN: tuple[tuple[str, ...], ...] = ((), ("-v",), ("-vv", "--tb=long", "-rA"), ("-q", "--tb=line"))
ONE: Mapping[str, str] = {**TOGETHER, "command": VALUES["command"]}


def around(node: str, value: str) -> dict[str, bytes]:
    """Answers of a node with a value wherever a machine can put one, by what is odd about them."""
    raw, text = coded(value), coded(value).decode("utf-8", "replace")
    good = answers.sysctl({"vm.swappiness": "60"})
    observed = answers.sysctl({"vm.swappiness": raw.replace(b"\n", b" ")})

    def of(sections: Mapping[str, Any], **more: Any) -> bytes:
        return answers.answer(node, sections, **more)

    return {
        "seen": of({"sysctl.0": observed}),
        "failed": of({"sysctl.0": (1, b"", text)}),
        "noise": of({"sysctl.0": (1, raw, f"warning: {text}\n{text}\n")}),
        "prints": of({"sysctl.0": (0, raw, text)}),
        "timeout": of({"sysctl.0": (124, raw, text)}),
        "status": of({"sysctl.0": (text, raw, text)}),
        "another section": of({"sysctl.0": good, text: raw}),
        "another machine": of(
            {"sysctl.0": good}, readings=[("machine-id", "ok", text)], gate="wrong"
        ),
        "another kind": of({"sysctl.0": good}, readings=[(text, text, text)], gate="wrong"),
        "hidden": of({"sysctl.0": good}, readings=[("machine-id", text, text)], gate="hidden"),
        "gate": of({"sysctl.0": good}, gate=text),
        "cut": of({"sysctl.0": good}, gate=None) + raw,
        "damaged": of({"sysctl.0": good}).replace(b"vm/swappiness:60", raw),
        "old": of({"sysctl.0": good}, age=10**6),
        "before": raw + of({"sysctl.0": good}),
        "after": of({"sysctl.0": good}) + raw,
        "another node": answers.answer(text.replace("\n", " "), {"sysctl.0": good}),
        "none": raw,
    }


def test_runs(project: Project) -> None:
    used, refused = set(), []
    for number, value in enumerate([*ONE.values(), *VALUES.values()]):
        for hostile in around("", "") if number < len(ONE) else ("seen", "failed"):
            name = f"n{number}-{hostile.replace(' ', '-')}"
            answer = around(name, value)[hostile]
            try:
                fits = read(answer).node == name
            except NoAnswer:
                fits = False
            if fits:
                used.add(hostile)
                project.node(name, {"vm.swappiness": "60"})
                project.answers[name].write_bytes(answer)
            else:
                refused.append((hostile, answer))
    assert len(used) > 12
    for options in SHOWN:
        result = project.run("--node=*", *options)
        harmless(result.stdout.str())
        harmless(result.stderr.str())
        assert result.ret == 12
    assert len(refused) > 4
    project.node("rig")
    for hostile, answer in refused:
        project.answers["rig"].write_bytes(answer.replace(b"NODE", b"rig"))
        result = project.run("--node=rig", nodes=("rig",))
        harmless(result.stdout.str())
        harmless(result.stderr.str())
        assert result.ret == 4, hostile
