"""The part of the version that a change requires, without git: never a smaller one."""

from typing import Any, cast

import pytest

from power_edge.change_gate.bump import bump
from power_edge.config import ConfigError
from power_edge.release.schema_set import Unusable
from tests.support.commits import BASE, Commits

HEAD = "$schema: https://json-schema.org/draft/2020-12/schema\n"
FIRST = f"{HEAD}enum: [x, y]\n"
WIDER = f"{HEAD}enum: [x, y, z]\n"
NARROWER = f"{HEAD}enum: [x]\n"
OTHER_WORDS = f"{FIRST}description: other words\n"
EXCUSED = """\
accepted:
- {file: a.schema.yaml, pointer: /enum, verdict: MINOR, reason: r, author: a, release: 1.0.0}
"""
OF_WORDS = EXCUSED.replace("/enum", "/description")
A, ACCEPTED = "schemas/a.schema.yaml", "schemas/accepted.yaml"
NOTES = "schemas/README.md"


def required(
    fork: dict[str, str], head: dict[str, str], tip: dict[str, str] | None = None, **more: Any
) -> str:
    trees = {"fork": fork, "HEAD": head, "tip": fork if tip is None else tip}
    encoded = {
        commit: {path: text.encode() for path, text in files.items()}
        for commit, files in trees.items()
    }
    is_config_changed = more.pop("is_config_changed", False)
    repository = Commits(encoded, **more)
    return bump(
        cast(Any, repository),
        BASE,
        repository.elsewhere(BASE),
        is_config_changed=is_config_changed,
    )


@pytest.mark.parametrize(
    ("fork", "head", "tip", "part"),
    [
        ({A: FIRST}, {A: FIRST}, None, "none"),
        ({A: FIRST}, {A: WIDER}, None, "MINOR"),
        ({A: FIRST}, {A: NARROWER}, None, "MAJOR"),
        ({A: FIRST}, {A: OTHER_WORDS}, None, "PATCH"),
        ({}, {"program.py": ""}, None, "none"),
        ({A: FIRST}, {A: FIRST, "program.py": ""}, None, "none"),
        ({A: FIRST}, {A: NARROWER, "a.py": "", "z.py": ""}, None, "MAJOR"),
        # Schemas come and go. What is no schema is none.
        ({A: FIRST}, {}, None, "MAJOR"),
        ({A: FIRST, "schemas/b.schema.yaml": FIRST}, {A: FIRST}, None, "MAJOR"),
        ({}, {A: FIRST}, None, "MINOR"),
        ({}, {NOTES: ""}, None, "none"),
        ({A: FIRST}, {A: FIRST, NOTES: ""}, None, "PATCH"),
        ({A: FIRST}, {A: NARROWER, "schemas/b.yaml": "a: ["}, None, "MAJOR"),
        # A lower part is accepted by the base as it is now, never by the change.
        ({A: FIRST, ACCEPTED: EXCUSED}, {A: NARROWER, ACCEPTED: EXCUSED}, None, "MINOR"),
        ({A: FIRST, ACCEPTED: EXCUSED}, {A: NARROWER}, None, "MINOR"),
        ({A: FIRST}, {A: NARROWER, ACCEPTED: EXCUSED}, None, "MAJOR"),
        ({A: FIRST, ACCEPTED: EXCUSED}, {A: NARROWER}, {A: FIRST}, "MAJOR"),
        ({A: FIRST}, {A: NARROWER}, {A: FIRST, ACCEPTED: EXCUSED}, "MINOR"),
        # An entry that lowers nothing changes nothing, whichever side has its place.
        ({A: FIRST, ACCEPTED: EXCUSED}, {A: WIDER, ACCEPTED: EXCUSED}, None, "MINOR"),
        ({A: FIRST}, {A: OTHER_WORDS}, {A: FIRST, ACCEPTED: OF_WORDS}, "PATCH"),
        (
            {A: FIRST},
            {A: NARROWER + "description: w\n"},
            {A: FIRST, ACCEPTED: OF_WORDS},
            "MAJOR",
        ),
        # Main went on meanwhile: that is not of the change. Without schemas it accepts nothing.
        ({A: FIRST}, {A: WIDER}, {A: NARROWER}, "MINOR"),
        ({A: FIRST, ACCEPTED: EXCUSED}, {A: NARROWER}, {}, "MAJOR"),
        ({A: FIRST}, {A: FIRST}, {A: NARROWER}, "none"),
    ],
)
def test_the_part_is_that_of_the_schemas(
    fork: dict[str, str], head: dict[str, str], tip: dict[str, str] | None, part: str
) -> None:
    assert required(fork, head, tip) == part
    assert required(fork, head, tip, is_config_changed=True) == (
        "PATCH" if part == "none" else part
    )


def test_a_schema_that_is_a_link_is_not_compared() -> None:
    with pytest.raises(Unusable, match=r"^schemas/a\.schema\.yaml is not a regular file in HEAD$"):
        required({}, {A: "elsewhere"}, links=frozenset({A}))


def test_accepted_yaml_that_cannot_be_read_accepts_nothing() -> None:
    with pytest.raises(ConfigError, match=r"^main: schemas/accepted\.yaml"):
        required({A: FIRST, ACCEPTED: "accepted: ["}, {A: NARROWER})


def test_an_entry_of_no_place_is_an_error_of_the_base() -> None:
    entry = EXCUSED.replace("/enum", "/nowhere")
    place = r"schemas/accepted\.yaml of main: a\.schema\.yaml#/nowhere"
    with pytest.raises(Unusable, match=rf"^{place} is in neither version"):
        required({A: FIRST, ACCEPTED: entry}, {A: NARROWER})
