"""The script of mends: its order, and that nothing in it is code but the commands."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from power_edge.model import Command
from power_edge.model.generated import report_schema
from power_edge.report.mend_script import Step, script
from power_edge.resources import turn

HOSTILE = "a\nrm -rf /\n# \x1b[31m$(reboot)`reboot`'\\"


def step(
    kind: str,
    name: str,
    *commands: Command,
    outcome: report_schema.Outcome = "drift",
    **rest: object,
) -> Step:
    fields: dict[str, object] = {"why": None, "advice": None, "mend_cuts": None, **rest}
    record = report_schema.Item(
        node="na",
        type=kind,
        name=name,
        outcome=outcome,
        expected={},
        actual={},
        source="node-configs/na/state.yaml:7",
        mend="as one line",
        **fields,  # type: ignore[arg-type]
    )
    return Step(record, ("state: running -> stopped",), commands)


def lines_of(*steps: Step) -> list[str]:
    return [line.strip() for line in script("na", steps, turn).splitlines()]


def commands_of(*steps: Step) -> list[str]:
    lines = lines_of(*steps)
    body = lines[lines.index("main() {") + 3 : lines.index("}")]
    return [line for line in body if line and not line.startswith("#")]


def test_the_order_works() -> None:
    found = commands_of(
        step("firewall", "enabled", ("ufw", "--force", "enable"), mend_cuts=True),
        step("services", "ssh", ("systemctl", "stop", "ssh"), mend_cuts=True),
        step("services", "cron", ("systemctl", "start", "cron")),
        step("firewall", "allow 22/tcp", ("ufw", "allow", "22/tcp")),
        step("sysctl", "vm.swappiness", ("sysctl", "-w", "vm.swappiness=10")),
        step("files", "/etc/x", ("chmod", "0600", "/etc/x")),
        step("packages", "cron", ("apt-get", "install", "-y", "cron")),
    )
    assert found == [
        "apt-get install -y cron",
        "chmod 0600 /etc/x",
        "sysctl -w vm.swappiness=10",
        "systemctl start cron",
        "ufw allow 22/tcp",
        "systemctl stop ssh",
        "ufw --force enable",
    ]


def test_what_cuts_comes_after_a_warning() -> None:
    lines = lines_of(
        step("firewall", "a", ("ufw", "reload"), mend_cuts=True),
        step("firewall", "b", ("ufw", "allow", "22")),
    )
    warning = next(place for place, line in enumerate(lines) if "could cut" in line)
    assert lines.index("ufw allow 22") < warning < lines.index("ufw reload")


def test_equal_mends_are_one_step_with_all_its_items() -> None:
    lines = lines_of(
        step("firewall", "enabled", ("ufw", "enable")), step("firewall", "r", ("ufw", "enable"))
    )
    assert lines.count("ufw enable") == 1
    assert lines[lines.index("ufw enable") - 2 : lines.index("ufw enable")] == [
        "# firewall[enabled] state: running -> stopped",
        "# firewall[r] state: running -> stopped",
    ]


def test_sentences_are_comments() -> None:
    lines = lines_of(
        step("services", "docker", advice="look at the journal"),
        step("files", "/x", outcome="unknown"),
    )
    at = lines.index("# By hand:")
    assert lines[at + 2] == "#   look at the journal"
    assert "# files[/x] state: running -> stopped" in lines
    assert commands_of(step("services", "docker", advice="look")) == []


def test_a_reason_stands_above_its_step() -> None:
    reason = report_schema.Reason(
        source="node-configs/na/identity.yaml:3", path="a.b", role="r", reason="r needs it"
    )
    assert "#   r needs it" in lines_of(step("services", "x", ("true",), reasons=[reason]))


def test_nothing_of_a_name_is_a_line_of_the_script() -> None:
    hostile = step("files", HOSTILE, ("chmod", "0600", HOSTILE), advice=HOSTILE, outcome="drift")
    assert commands_of(hostile) == []
    text = script("na\nreboot", [hostile, step("files", HOSTILE, outcome="unknown")], turn)
    assert "\x1b" not in text
    code = [line for line in text.splitlines() if line and not line.strip().startswith("#")]
    assert code == lines_without_steps()


def lines_without_steps() -> list[str]:
    return [
        line
        for line in script("na", [], turn).splitlines()
        if line and not line.strip().startswith("#")
    ]


@pytest.mark.shell
def test_arguments_arrive_as_they_are(tmp_path: Path) -> None:
    words = [
        "$(reboot)",
        "`reboot`",
        "a'b",
        'a"b',
        "a\\b",
        "a b",
        "*",
        "&&",
        ";",
        "$'x'",
        "#",
        "-n",
    ]
    show = (sys.executable, "-c", "import json, sys; print(json.dumps(sys.argv[1:]))", *words)
    text = script("na", [step("files", "x", show)], turn)
    # Whoever runs the tests need not be root.
    ran = subprocess.run(
        ["sh"], input=text.replace("$(id -u)", "0"), capture_output=True, text=True, check=True
    )
    assert json.loads(ran.stdout) == words


@pytest.mark.shell
def test_it_stops_at_the_first_command_that_fails() -> None:
    text = script(
        "na",
        [
            step("packages", "a", ("echo", "one"), ("false",), ("echo", "two")),
            step("services", "b", ("echo", "three")),
        ],
        turn,
    ).replace("$(id -u)", "0")
    ran = subprocess.run(["sh"], input=text, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (1, "one\n")


@pytest.mark.shell
def test_shellcheck_has_nothing_to_say(tmp_path: Path) -> None:
    file = tmp_path / "mends.sh"
    file.write_text(
        script(
            "na",
            [
                step("files", "/a'b", ("chmod", "0600", "/a'b $(x) `y` \\ \\' * ~")),
                step("files", HOSTILE, ("chmod", "0600", HOSTILE), advice=HOSTILE),
                step("services", "x", advice="shellcheck disable=all"),
                step("firewall", "enabled", ("ufw", "enable"), mend_cuts=True),
            ],
            turn,
        )
    )
    tool = shutil.which("shellcheck", path=str(Path(sys.executable).parent))
    assert tool is not None
    done = subprocess.run([tool, str(file)], capture_output=True, text=True, check=False)
    assert (done.stdout, done.returncode) == ("", 0)
