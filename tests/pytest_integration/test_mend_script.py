"""--mend-script: a script of the run's drifts, of one node, and nothing else changes."""

import pytest

from tests.support import answers
from tests.support.project import Project

pytest_plugins = ["pytester"]

DECLARED = {"vm.swappiness": "60", "kernel.panic": "10", "net.ipv4.ip_forward": "1"}


def drifting(project: Project, name: str = "a") -> None:
    project.node(name, DECLARED, DECLARED | {"vm.swappiness": "10", "kernel.panic": "0"})


@pytest.mark.parametrize("arguments", [[], pytest.param(["-n2"], marks=pytest.mark.shell)])
def test_it_has_the_drifts(project: Project, arguments: list[str]) -> None:
    drifting(project)
    result = project.run("--node=a", "--mend-script=mends.sh", *arguments)
    assert result.ret == 1
    assert "mends.sh has the mends: read it before you run it" in result.outlines
    text = (project.path / "mends.sh").read_text()
    assert "\t# sysctl[vm.swappiness] value: 60 -> 10\n\tsysctl -w vm.swappiness=60\n" in text
    assert text.count("sysctl -w") == 2


def test_it_has_what_is_selected(project: Project) -> None:
    drifting(project)
    project.run("--node=a", "--mend-script=mends.sh", "-k", "panic")
    text = (project.path / "mends.sh").read_text()
    assert "sysctl -w kernel.panic=10" in text
    assert "swappiness" not in text


def test_nothing_drifts(project: Project) -> None:
    project.node("a")
    assert project.run("--node=a", "--mend-script=mends.sh").ret == 0
    assert "# No drift was found.\n" in (project.path / "mends.sh").read_text()


def test_a_shut_gate_leaves_the_file(project: Project) -> None:
    project.node("a", gate="wrong", machine=answers.OTHER)
    (project.path / "mends.sh").write_text("old")
    result = project.run("--node=a", "--mend-script=mends.sh")
    assert result.ret == 12
    assert [
        each for each in result.outlines if each.startswith("mends.sh was not written: another")
    ]
    assert (project.path / "mends.sh").read_text() == "old"


def test_a_folder_that_is_not_there(project: Project) -> None:
    project.node("a")
    result = project.run("--node=a", "--mend-script=none/mends.sh")
    assert result.ret == 3
    assert "none/mends.sh could not be written: No such file" in result.stdout.str()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--node=*", "--mend-script=x"], "--mend-script is for one node, and 2 are selected"),
        (["--node=a", "--mend-script="], "--mend-script= is empty"),
        (["--node=a", "--mend-script=x", "--watch"], "--mend-script is about one check"),
        (["--mend-script=x"], "--mend-script is about nodes, and none is selected"),
    ],
)
def test_refused(project: Project, arguments: list[str], message: str) -> None:
    drifting(project)
    drifting(project, "b")
    result = project.run(*arguments, nodes=())
    assert result.ret == 4
    assert message in result.stderr.str()
    assert not (project.path / "x").exists()
