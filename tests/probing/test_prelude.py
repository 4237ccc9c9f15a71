"""The script on a node, in each shell: what a probe prints, to the end or to its deadline."""

import subprocess
from pathlib import Path

import pytest

from power_edge import package_data
from power_edge.probing.framing import Output, read
from power_edge.probing.script import ProbeScript, Section, Timeouts
from tests.support.scripts import OPEN
from tests.support.shells import each_shell

PROBES = {
    "silent": (":", Output(0, b"", "")),
    "both": ("echo a; echo b >&2; exit 3", Output(3, b"a\n", "b")),
    "no newline": ("printf a; printf b >&2", Output(0, b"a", "b")),
    "a mark of ours": ("echo pe_group=1 >&2; echo rc=7 >&2", Output(0, b"", "pe_group=1\nrc=7")),
    "words": ("printf '%s,' \"$@\"", Output(0, b"x y,", "")),
    "many errors": ("i=0; while [ $i -lt 999 ]; do echo $i$i >&2; i=$((i + 1)); done", None),
    "hangs": ("echo a; echo b >&2; sleep 1000 & sleep 1000", Output(124, b"a\n", "b")),
}


@each_shell()
def test_what_a_probe_prints(
    shell: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    real = package_data.text
    names = list(PROBES)
    monkeypatch.setattr(
        "power_edge.probing.script.package_data.text",
        lambda path: (
            PROBES[name][0] + "\n"
            if (name := path.removeprefix("probes/x/").removesuffix(".sh")) in PROBES
            else real(path)
        ),
    )
    sections = tuple(
        Section(f"s.{index}", (f"x/{name}",), ("x y",)) for index, name in enumerate(names)
    )
    script = ProbeScript("a", OPEN, sections, Timeouts(section=1)).text()
    done = subprocess.run(
        [*shell, "-s"], input=script.encode(), capture_output=True, cwd=tmp_path, check=True
    )
    assert done.stderr == b""
    answer = read(done.stdout)
    assert answer.complete
    for index, name in enumerate(names):
        expected = PROBES[name][1]
        output = answer.outputs[f"s.{index}"]._replace(milliseconds=None)
        if expected is None:
            assert output.stderr.startswith("00\n11\n")
            assert 1000 < len(output.stderr) <= 2000
        elif expected.timed_out:  # the shell may add that something was killed
            assert (output.timed_out, output.stdout, output.stderr[:1]) == (True, b"a\n", "b")
        else:
            assert output == expected, name
