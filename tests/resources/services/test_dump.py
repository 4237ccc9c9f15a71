"""The rules that read the dump of a dry run, and the lines that are passed over before them."""

import re
import subprocess
from collections.abc import Iterator
from itertools import product

import pytest

from power_edge import package_data

_PROGRAM = package_data.text("probes/lib/services/next_boot.sh").partition("read_dump() (")[2]
_PROGRAM = _PROGRAM.partition("' $boot")[0]
_KNOWN = re.search(r'count = split\("After: .*? read\[names\[i\]\]\n', _PROGRAM, re.DOTALL)
_PASSES_OVER = re.search(r"^ *(/\^\\t\\t/ && .*) \{ next \}$", _PROGRAM, re.MULTILINE)
_RULES = [
    rule
    for rule in re.findall(r"/(\^\\t\\t(?:[^/\\]|\\.)*)/", _PROGRAM.partition("{ next }")[2])
    if rule not in (r"^\t\t", r"^\t\tA")  # these cut a line that another rule has taken
]
"""Patterns of the rules for lines with two tabs."""


def _lines(rule: str) -> Iterator[str]:
    """Yield a line for each alternative of a rule."""
    parts = re.split(r"\(([^)]*)\)", rule)
    choices = [part.split("|") if index % 2 else [part] for index, part in enumerate(parts)]
    for chosen in product(*choices):
        text = "".join(chosen).removeprefix("^").removesuffix("$")
        line = re.sub(r"\[[^]]*\]\+|\.\*", "Any", text).replace(r"\t", "\t")
        assert re.search(rule, line), f"{line!r} is not a line for {rule}"
        yield line


@pytest.mark.shell
def test_no_line_that_a_rule_reads_is_passed_over() -> None:
    assert _KNOWN is not None
    assert _PASSES_OVER is not None
    lines = [line for rule in _RULES for line in _lines(rule)]
    assert len(lines) > 40
    program = f"BEGIN {{ {_KNOWN[0]} }}\n{_PASSES_OVER[1]} {{ next }}\n{{ print }}"
    text = "".join(f"{line}\n" for line in [*lines, "\t\tMay GC: yes", "\tRetVal: 0", "status 0"])
    kept = subprocess.run(
        ["awk", program], input=text, stdout=subprocess.PIPE, check=True, text=True
    ).stdout.splitlines()
    assert kept == [*lines, "\tRetVal: 0", "status 0"]
