"""`power-edge gate`: its exit statuses, its formats, and files for them."""

import io
import json
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from tests.support.change import Site, site

__all__ = ["site"]

pytestmark = pytest.mark.shell


@pytest.fixture
def broken(site: Site) -> Site:
    """A change that breaks one rule and keeps another."""
    site.node("rig-1")
    site.node("rig-2")
    site.policy(max_nodes=1, signed=False)
    site.branch()
    for name in ("rig-1", "rig-2"):
        site.node(name, {"vm.swappiness": "10"})
    site.commit()
    return site


def ended(*words: str) -> tuple[int, str, str]:
    """The exit status and both outputs of the whole program."""
    code = "import sys; sys.argv[0] = 'power-edge'; from power_edge.command import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "gate", *words], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


def test_exit_statuses(broken: Site) -> None:
    assert ended()[0] == 1
    broken.node("rig-2")
    assert ended()[0] == 0
    assert ended("--fail-on=high")[0] == 0
    assert ended("--fail-on=low")[0] == 1
    status, output, errors = ended("--base=nope")
    assert (status, output) == (4, "")
    assert "'nope' is not a git ref" in errors
    broken.write("rig-2/state.yaml", "sysctl: [\n")
    status, output, errors = ended()
    assert (status, output) == (4, "")
    assert "node-configs/rig-2/state.yaml:" in errors


@pytest.mark.parametrize(
    "word", ["--format=xml", "--format=json=", "--fail-on=maybe", "--answers=/no/such"]
)
def test_wrong_options(broken: Site, word: str) -> None:
    assert ended(word)[0] == 4


def test_what_a_workflow_does_not_know_is_empty(broken: Site) -> None:
    done = broken.run("--base=", "--actor=", "--answers=", "--fail-on=never")
    assert done.output == broken.run().output


def test_several_formats_of_one_judgement(broken: Site) -> None:
    done = broken.run("--format=text", "--format=markdown=a.md", "--format=json=a.json")
    assert done.output.startswith("compared with main (")
    assert (broken.path / "a.md").read_text().startswith("<!-- power-edge gate -->\n")
    assert json.loads((broken.path / "a.json").read_text())["passes"] is False


def test_github_shows_errors_and_the_changed_lines(broken: Site) -> None:
    lines = broken.run("--format=github").output.splitlines()
    assert lines[0].startswith(
        "::error file=node-configs/rig-1/state.yaml,line=6,col=3::max_nodes: "
    )
    assert lines[1:] == [
        "::notice file=node-configs/rig-1/state.yaml,line=6,col=3::sysctl[vm.swappiness] 60 -> 10"
        " on 2 nodes (rig-1, rig-2)"
    ]


def test_github_shows_a_role_at_its_rule(site: Site) -> None:
    site.role("relay", {"sysctl": {"net.core.rmem_max": "1"}})
    site.node("rig-1", roles=("relay",))
    site.branch()
    site.role("relay", {"sysctl": {"net.core.rmem_max": "2"}})
    [line] = site.run("--format=github").output.splitlines()
    assert line.startswith("::notice file=node-configs/roles/relay.yaml,line=4,col=3::")


def test_places_are_those_of_the_repository(site: Site) -> None:
    """node-configs/ need not be at the top."""
    (site.path / "deep").mkdir()
    site.root.rename(site.path / "deep/node-configs")
    site.root = site.path / "deep/node-configs"
    site.node("rig-1")
    site.branch()
    site.node("rig-1", {"vm.swappiness": "10"})
    words = (f"--node-configs={site.root}",)
    assert (
        "::notice file=deep/node-configs/rig-1/state.yaml,"
        in site.run("--format=github", *words).output
    )
    [entry] = json.loads(site.run("--format=gitlab", *words).output)
    assert entry["location"] == {
        "path": "deep/node-configs/rig-1/state.yaml",
        "lines": {"begin": 6},
    }


def test_gitlab(broken: Site) -> None:
    breach, change = json.loads(broken.run("--format=gitlab").output)
    assert (breach["severity"], breach["check_name"]) == ("critical", "max_nodes")
    assert (change["severity"], change["check_name"]) == ("info", "change")
    assert change["description"] == "sysctl[vm.swappiness] 60 -> 10 on 2 nodes (rig-1, rig-2)"


def test_junit_has_a_test_for_each_rule(broken: Site) -> None:
    root = ET.parse(io.StringIO(broken.run("--format=junit").output)).getroot()
    cases = {case.get("name"): [child.tag for child in case] for case in root.iter("testcase")}
    assert cases.pop("max_nodes") == ["failure"]
    assert (cases.pop("signed"), cases.pop("policy")) == ([], [])
    assert set(map(tuple, cases.values())) == {("skipped",)}
    [suite] = root
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("8", "1", "5")


def test_the_text_has_80_columns(broken: Site) -> None:
    assert max(map(len, broken.run().output.splitlines())) <= 80


@pytest.fixture
def risky(site: Site) -> Site:
    """A change of a medium risk; no policy limits it."""
    for index in range(1, 5):
        site.node(f"rig-{index}", environment="production")
    site.branch()
    site.node("rig-1", {"vm.swappiness": "10"}, environment="production")
    return site


WHY = "refused: its risk is medium, and --fail-on is low"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("text", f"\n{WHY}\n"),
        ("markdown", f"### power-edge gate: {WHY}\n"),
        ("github", f"::error file=node-configs::{WHY}\n"),
    ],
)
def test_every_report_says_that_the_risk_refuses(risky: Site, name: str, words: str) -> None:
    refused = risky.run("--fail-on=low", f"--format={name}")
    assert refused.exit_code == 1
    assert words in refused.output
    assert "passes" not in refused.output
    passed = risky.run("--fail-on=high", f"--format={name}")
    assert passed.exit_code == 0
    assert "refused" not in passed.output


def test_programs_see_that_the_risk_refuses(risky: Site) -> None:
    def seen(level: str) -> tuple[object, object, object, object]:
        fail_on = f"--fail-on={level}"
        output = risky.run(fail_on, "--format=junit").output
        [suite] = ET.parse(io.StringIO(output)).getroot()
        checks = [
            each["check_name"] for each in json.loads(risky.run(fail_on, "--format=gitlab").output)
        ]
        passes = json.loads(risky.run(fail_on, "--format=json").output)["passes"]
        return passes, checks, suite.get("failures"), suite.get("tests")

    assert seen("medium") == (False, ["risk", "change"], "1", "9")
    assert seen("high") == (True, ["change"], "0", "9")
    assert seen("never") == (True, ["change"], "0", "8")


def test_breaches_and_the_risk_refuse_together(broken: Site) -> None:
    last = broken.run("--fail-on=high").output.splitlines()[-2:]
    assert " ".join(each.strip() for each in last).endswith(
        "1 breach of the policy; refused: its risk is high, and --fail-on is high"
    )
