"""Names, titles and branches that somebody means to be obeyed: in every format they stay text."""

import io
import json
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.support.change import Site
from tests.support.hostile.values import harmless

pytestmark = pytest.mark.shell

EVIL = (
    "$(touch /tmp/x)",
    "a\n::set-output name=risk::low",
    "::error file=a::b",
    "##[error]x",
    "##vso[task.setvariable variable=a]b",
    "\x1b[2J\x1b]0;t\x07",
    "`id` ```` ``` </code><script>alert(1)</script> @everyone #1 [a](http://b)",
    "\u202eabc",
    "<!-- power-edge gate -->",
    "a,b:c%0A::warning::x",
    "--format=text",
)
FORMATS = ("text", "markdown", "github", "gitlab", "junit", "json", "outputs")


@pytest.fixture
def evil(site: Site) -> Site:
    """Hostile text wherever a change may have any."""
    site.node("rig-1", files=[{"path": "/etc/a", "content": "a"}])
    site.policy(owners=[{"paths": ["node-configs/*"], "who": EVIL[:2]}], protected=["files"])
    site.branch("$(touch-x)")
    site.node(
        "rig-1",
        files=[{"path": f"/etc/{value}", "content": value} for value in EVIL],
        identity={"node": {"hostname": EVIL[0], "purpose": EVIL[1], "tags": list(EVIL)}},
    )
    for index, value in enumerate(EVIL):
        name = value.replace("/", "_").replace("\0", "")
        site.write(f"rig-1/{index}{name}.py", "")
    site.role("relay", {"sysctl": {"kernel.hostname": EVIL[1]}})
    site.node("rig-2", {}, roles=("relay",))
    site.commit("::set-output name=a::b\n\n$(touch /tmp/x)")
    return site


@pytest.mark.parametrize("format_", [each for each in FORMATS if each != "github"])
def test_no_format_says_anything_that_is_obeyed(evil: Site, format_: str) -> None:
    for actor in EVIL:
        output = evil.run(f"--format={format_}", f"--actor={actor}").output
        harmless(output)
        assert "\n::" not in f"\n{output}"


def test_annotations_are_commands_of_ours_alone(evil: Site) -> None:
    output = evil.run("--format=github", f"--actor={EVIL[1]}x").output
    for line in output.splitlines():
        level, _, rest = line.removeprefix("::").partition(" ")
        assert level in ("error", "warning", "notice"), line
        properties, _, message = rest.partition("::")
        assert properties.startswith("file=")
        assert all("=" in each for each in properties.split(",")), line
        assert message.isprintable()
    assert output.count("\n") > len(EVIL)


def test_a_comment_is_one_block_that_nothing_closes(evil: Site) -> None:
    comment = evil.run("--format=markdown", "--actor=a").output
    head, fence, rest = comment.partition("```")
    ticks = fence + rest[: len(rest) - len(rest.lstrip("`"))]
    body = rest.lstrip("`").partition("\n")[2]
    assert len(ticks) > 4  # a name has four
    assert body.endswith(f"\n{ticks}\n")
    assert ticks not in body.removesuffix(f"{ticks}\n")
    assert head.startswith("<!-- power-edge gate -->\n")
    for value in ("@everyone", "<script>", "http:"):
        assert value not in head
        assert value in body


def test_a_comment_stays_below_the_longest_that_is_taken(site: Site) -> None:
    site.node("rig-1")
    site.branch()
    site.node(
        "rig-1", files=[{"path": f"/etc/{index:0900}", "mode": "0644"} for index in range(150)]
    )
    comment = site.run("--format=markdown").output
    assert len(comment) < 65_536
    assert "more lines: `power-edge gate` prints all" in comment
    assert comment.endswith("```\n")


def test_outputs_are_three_lines(evil: Site) -> None:
    lines = evil.run("--format=outputs").output.splitlines()
    assert [line.partition("=")[0] for line in lines] == ["bump", "risk", "nodes"]
    assert json.loads(lines[2].partition("=")[2]) == ["rig-1", "rig-2"]


def test_structured_formats_are_well_formed(evil: Site) -> None:
    ET.parse(io.StringIO(evil.run("--format=junit").output))
    entries = json.loads(evil.run("--format=gitlab").output)
    assert len({each["fingerprint"] for each in entries}) == len(entries)
    names = [each["name"] for each in json.loads(evil.run("--format=json").output)["changes"]]
    assert f"/etc/{EVIL[1]}" in names


def test_a_node_of_a_hostile_name_is_refused_in_one_line(site: Site) -> None:
    """The whole program: status 4, nothing printed but the problem, and no file made."""
    site.node("rig-1")
    site.branch()
    for name in ("$(touch x)", "a\n::set-output name=a::b", "::error::x"):
        site.write(f"{name}/state.yaml", "a: 1\n")
    code = "import sys; sys.argv[0] = 'power-edge'; from power_edge.command import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "gate", "--format=github"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.count("is not a valid node name") == 3
    assert done.stderr.count("\n") == 3
    harmless(done.stderr)
    assert not (site.path / "x").exists()


def test_a_base_of_a_hostile_name_is_shown_as_text(site: Site) -> None:
    site.node("rig-1")
    site.branch("##set-output-name=a,b$(touch-x)%0A")
    for format_ in FORMATS:
        harmless(
            site.run(f"--format={format_}", "--base=##set-output-name=a,b$(touch-x)%0A").output
        )


def test_the_files_of_a_hostile_tree_are_told_apart(site: Site, tmp_path: Path) -> None:
    """Links, pipes and deleted files in the work tree are neither followed nor waited for."""
    site.node("rig-1")
    site.write("rig-1/data", "a")
    site.write("rig-1/pipe", "a")
    site.branch()
    (site.root / "rig-1/data").unlink()
    (site.root / "rig-1/data").symlink_to("/etc/passwd")
    (site.root / "rig-1/pipe").unlink()
    os.mkfifo(site.root / "rig-1/pipe")
    assert site.report()["files"] == [
        {"path": "node-configs/rig-1/data", "kind": "changed"},
        {"path": "node-configs/rig-1/pipe", "kind": "removed"},
    ]
