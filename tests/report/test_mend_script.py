"""The script of mends: its order, and that nothing in it is code but the commands."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from power_edge.identity.identifiers import digest
from power_edge.model import Command
from power_edge.model.generated import report_schema
from power_edge.report.mend_script import Machine, Step, script
from power_edge.resources import turn

NA = Machine("na", "linux", {})
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
    return [line.strip() for line in script(NA, steps, turn).splitlines()]


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


def test_comments_fit_a_terminal() -> None:
    long = "a reason that takes more than one line of a terminal, " * 5
    text = script(
        NA,
        [
            step("sysctl", "vm.swappiness", ("sysctl", "-w", "vm.swappiness=60"), advice=long),
            step("services", "ssh", ("systemctl", "stop", "ssh"), mend_cuts=True),
            step("services", "cron", advice=long),
        ],
        turn,
    )
    comments = [line for line in text.splitlines() if line.lstrip().startswith("#")]
    assert max(len(line.expandtabs()) for line in comments) in range(75, 81)


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
    text = script(
        Machine("na\nreboot", "linux", {}),
        [hostile, step("files", HOSTILE, outcome="unknown")],
        turn,
    )
    assert "\x1b" not in text
    code = [line for line in text.splitlines() if line and not line.strip().startswith("#")]
    assert code == lines_without_steps()


@pytest.mark.shell
@pytest.mark.parametrize(
    ("seen", "now", "said"),
    [
        ({"machine-id": "ab" * 16}, {"machine-id": "ab" * 16}, ""),
        ({"machine-id": "ab" * 16}, {"machine-id": "AB" * 16}, ""),
        ({"machine-id": "ab" * 16}, {"machine-id": "cd" * 16}, "machine-id"),
        ({"machine-id": "ab" * 16}, {"machine-id": ""}, "machine-id"),
        ({"machine-id": "ab" * 16}, {}, "machine-id"),
        ({"board-serial": "PF 1"}, {"board-serial": "  PF 1  "}, ""),
        ({"board-serial": "PF 1"}, {"board-serial": "PF 2"}, "board-serial"),
        (
            {"machine-id": "ab" * 16, "product-uuid": "1" * 32},
            {"machine-id": "ab" * 16, "product-uuid": "2" * 32},
            "product-uuid",
        ),
    ],
)
def test_it_stops_on_another_machine(
    tmp_path: Path, seen: dict[str, str], now: dict[str, str], said: str
) -> None:
    places = {
        "machine-id": "/etc/machine-id",
        "product-uuid": "/sys/class/dmi/id/product_uuid",
        "board-serial": "/sys/class/dmi/id/board_serial",
    }
    hashes = {kind: digest("linux", kind, value) for kind, value in seen.items()}
    ran_file = tmp_path / "ran"
    steps = [step("files", "x", ("touch", str(ran_file)))]
    text = script(Machine("na", "linux", hashes), steps, turn).replace("$(id -u)", "0")
    for kind, place in places.items():
        text = text.replace(place, str(tmp_path / kind))
    for kind, value in now.items():
        (tmp_path / kind).write_text(f"{value}\n")
    ran = subprocess.run(["sh"], input=text, capture_output=True, text=True, check=False)
    assert ran_file.exists() == (not said)
    if said:
        told = f"this machine is not na, which was checked: another {said}\n"
        assert (ran.returncode, ran.stderr, ran.stdout) == (1, told, "")


def test_a_machine_that_showed_nothing_is_not_compared() -> None:
    text = " ".join(line.lstrip("# ") for line in lines_of())
    assert "cannot tell whether it runs on the right machine" in text
    assert "is_this" not in text


def test_no_hash_is_a_line_of_the_script() -> None:
    machine = Machine("na", "linux", {"machine-id": "$(reboot)\nreboot"})
    lines = script(machine, [], turn).splitlines()
    assert not any(line.startswith("reboot") for line in lines)
    assert next(line for line in lines if "$(reboot)" in line).count("'") == 2


def lines_without_steps() -> list[str]:
    return [
        line
        for line in script(NA, [], turn).splitlines()
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
    text = script(NA, [step("files", "x", show)], turn)
    # Whoever runs the tests need not be root.
    ran = subprocess.run(
        ["sh"], input=text.replace("$(id -u)", "0"), capture_output=True, text=True, check=True
    )
    assert json.loads(ran.stdout) == words


@pytest.mark.shell
def test_it_stops_at_the_first_command_that_fails() -> None:
    text = script(
        NA,
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
            Machine("n'a $(x)", "linux", dict.fromkeys(("machine-id", "board-serial"), "0" * 64)),
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
