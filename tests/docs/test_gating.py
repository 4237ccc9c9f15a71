"""docs/gating.md: its commands print what is shown there, and its policy can be used."""

import os
import shlex
from doctest import ELLIPSIS, OutputChecker
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner

from power_edge.change_gate.risk import Level
from power_edge.change_gate.rules import RULES
from power_edge.cli import cli
from power_edge.config.policy import load_policy
from power_edge.report.change_gate.formats import names
from tests.docs.test_docs import CHECKOUT, Block, blocks
from tests.support.change import Site, site

__all__ = ["site"]

pytestmark = pytest.mark.shell

PAGE = [block for block in blocks() if block.place.startswith("docs/gating.md")]
TEXT = (CHECKOUT / "docs/gating.md").read_text()


def relay(rmem: int) -> str:
    return f"""\
name: relay
description: Passes packets on.
rules:
- item: {{services: {{name: relayd, state: running, enabled: true}}}}
  reason: "relay passes packets on: relayd must run and start at boot"
# How many packets may wait.
- item: {{sysctl: {{net.core.rmem_max: "{rmem}"}}}}
  reason: "relay takes many packets: net.core.rmem_max must be {rmem}"
"""


def machine(index: int) -> str:
    return sha256(str(index).encode()).hexdigest()[:32]


@pytest.fixture
def fleet(site: Site) -> Site:
    """The twelve nodes of the page, and its two changes."""
    for index in range(1, 13):
        environment = "staging" if index == 1 else "production"
        site.node(
            f"rig-{index:02}", environment=environment, roles=("relay",), machine=machine(index)
        )
    site.write("roles/relay.yaml", relay(212992))
    site.policy(max_nodes=5, owners=[{"paths": ["node-configs/policy.yaml"], "who": ["boss"]}])
    site.branch("role-change")
    site.write("roles/relay.yaml", relay(4194304))
    site.commit()
    site.git("checkout", "-q", "main")
    site.git("checkout", "-q", "-b", "three-nodes")
    for index in (3, 7, 11):
        site.node(
            f"rig-{index:02}", {"vm.swappiness": "10"}, environment="production", roles=("relay",)
        )
    site.commit()
    folder = site.answer("rig-03", {"vm.swappiness": "60"}, machine=machine(3))
    (site.path / "answers").symlink_to(folder)
    return site


@pytest.mark.parametrize(
    "block", [pytest.param(each, id=each.place) for each in PAGE if each.language == "console"]
)
def test_the_commands_print_what_is_shown(block: Block, fleet: Site) -> None:
    commands = [line for line in block.text.splitlines() if line.startswith("$ ")]
    output = block.text.partition(f"{commands[-1]}\n")[2]
    printed = ""
    for command in commands:
        program, *words = shlex.split(command.removeprefix("$ "))
        if program == "git":
            fleet.git(*words)
        else:
            assert program == "power-edge"
            done = CliRunner().invoke(cli, words)
            printed = f"{done.output}{done.exception if done.exit_code not in (0, 1) else ''}"
    assert OutputChecker().check_output(output, printed, ELLIPSIS), printed


def test_the_policy_of_the_page_can_be_used(tmp_path: Path) -> None:
    [block] = [each for each in PAGE if each.language == "yaml"]
    (tmp_path / block.title).write_text(block.text)
    policy = load_policy(tmp_path)
    assert policy is not None
    assert {*policy.document.value, "policy"} == {*RULES}


def test_the_page_names_every_rule_risk_and_format() -> None:
    for rule in RULES:
        assert f"| `{rule}` |" in TEXT or rule == "policy"
    for level in Level:
        assert f"\n| {level.name.lower()} |" in TEXT
    for name in names():
        assert name in TEXT.rpartition("`--format`")[2]


def test_what_is_in_the_page_is_there() -> None:
    for name in (".github/actions/gate/action.yml", "deploy/gitlab/power-edge-gate.yml"):
        assert (CHECKOUT / name).exists()
        assert name.removesuffix("/action.yml") in TEXT
    for hook in ("power-edge-validate", "power-edge-gate"):
        assert hook in TEXT
        assert f"id: {hook}\n" in (CHECKOUT / ".pre-commit-hooks.yaml").read_text()
    assert os.access(CHECKOUT / ".github/actions/gate/comment.py", os.R_OK)
