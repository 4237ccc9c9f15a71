"""What the documents show is so: files are valid, commands print what they are said to print, links
lead somewhere.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from doctest import ELLIPSIS, OutputChecker
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest
import yaml

from power_edge.config import load_node
from power_edge.config.schema import validator
from power_edge.model.generated.status_schema import Status
from power_edge.package_data import text
from power_edge.report.status import lines
from tests.support.lab.nodes import Lab
from tests.support.lab.t420 import ITEMS, NAME, t420_node

pytestmark = pytest.mark.shell

CHECKOUT = Path(__file__).parents[2]
DOCUMENTS = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").rglob("*.md"))]
ELSEWHERE = (
    "docs/lab.md",
    "docs/adding.md",
    "docs/roles.md",
    "docs/releases.md",
    "docs/gating.md",
)
"""Their examples are run by tests/lab/test_lab.py, and by the module of their name here."""
STATE = "version: '1.0'\nmetadata: {site: a, environment: staging}\n"


class Block(NamedTuple):
    """A fenced block: the comment before it, what its first line says after the fence, and its
    text.
    """

    place: str
    comment: str
    language: str
    title: str
    text: str


def blocks() -> list[Block]:
    found = []
    for document in DOCUMENTS:
        content = document.read_text()
        for match in re.finditer(
            r"^(?:<!-- (.*) -->\n)?```(\w+) ?(.*)\n((?:.*\n)*?)```$", content, re.MULTILINE
        ):
            line = content.count("\n", 0, match.start()) + 1
            found.append(
                Block(
                    f"{document.relative_to(CHECKOUT)}:{line}",
                    *(group or "" for group in match.groups()),
                )
            )
    return found


def of(language: str) -> list[object]:
    return [
        pytest.param(block, id=block.place)
        for block in blocks()
        if block.language == language and not block.place.startswith(ELSEWHERE)
    ]


def test_no_block_is_left_untested() -> None:
    fences = sum(document.read_text().count("\n```") for document in DOCUMENTS)
    assert fences == 2 * len(blocks())
    assert {block.language for block in blocks()} == {"yaml", "json", "console", "python", "sh"}


@pytest.mark.parametrize("block", of("yaml"))
def test_a_file_of_a_node_is_valid(block: Block, tmp_path: Path) -> None:
    if block.title == "alerts.yaml":
        assert yaml.safe_load(block.text)["groups"]
        return
    (tmp_path / "state.yaml").write_text(STATE)
    (tmp_path / block.title).write_text(block.text)
    files = {"state.yaml", "system-identity.yaml", "connection.yaml", "watcher.yaml"}
    assert block.title in files
    load_node(tmp_path)


@pytest.mark.parametrize("block", of("json"))
def test_a_piece_of_the_report_fits_its_schema(block: Block) -> None:
    piece = json.loads(block.text)
    if block.title in ("status.json", "event.json"):
        validator(block.title.removesuffix(".json")).validate(piece)
        return
    assert block.title == "report.json"
    report = (
        piece
        if "power_edge" in piece
        else {"power_edge": {}, "tests": [{"metadata": {"power_edge": piece}}]}
    )
    validator("report").validate(report)


@pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda document: str(document.relative_to(CHECKOUT))
)
def test_links_lead_somewhere(document: Path) -> None:
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text()):
        assert (document.parent / link).exists(), link


def test_the_series_are_those_that_are_written() -> None:
    code = "".join(
        (CHECKOUT / "plugins/power_edge" / module).read_text()
        for module in ("report/prometheus.py", "watch/outputs/metrics.py")
    )
    written = set(re.findall(r'"(power_edge_\w+)"', code))
    # pytest_power_edge_item and the like are hooks, not series.
    page = (CHECKOUT / "docs/reports.md").read_text()
    named = set(re.findall(r"(?<!pytest_)\bpower_edge_\w+", page))
    assert {re.sub("_seconds_(bucket|count)$", "_seconds", name) for name in named} == written


def test_the_status_is_shown_as_it_is_printed() -> None:
    """The example of /status and, on the same page, what `power-edge status` makes of it."""
    (block,) = [block for block in blocks() if block.title == "status.json"]
    page = (CHECKOUT / block.place.partition(":")[0]).read_text()
    printed = lines(msgspec.json.decode(block.text, type=Status))
    assert "".join(f"    {line}".rstrip() + "\n" for line in printed) in page


def test_by_hand_scripts_are_there() -> None:
    for name in re.findall(r"`sh (probes/[\w.-]+)", (CHECKOUT / "docs/nodes.md").read_text()):
        assert text(name)


@pytest.mark.lab
def test_alerts_are_rules_of_prometheus(tmp_path: Path) -> None:
    (block,) = [block for block in blocks() if block.title == "alerts.yaml"]
    (tmp_path / block.title).write_text(block.text)
    subprocess.run(
        ["promtool", "check", "rules", tmp_path / block.title], check=True, capture_output=True
    )


SERIES = """\
- {series: 'power_edge_last_run_timestamp_seconds{instance="i",node="a"}', values: '%(run)s'}
- {series: 'power_edge_drift_detection_seconds_count{instance="i",node="a"}', values: '1x60'}
- {series: 'power_edge_drift_detection_seconds_bucket{instance="i",node="a",le="10.0"}', values: '%(fast)s'}
- {series: 'power_edge_drift_detection_seconds_bucket{instance="i",node="a",le="60.0"}', values: '0+1x60'}
- {series: 'power_edge_drift_detection_seconds_bucket{instance="i",node="a",le="+Inf"}', values: '0+1x60'}
- {series: 'power_edge_watch_source_up{node="a",source="dbus"}', values: '1x30 %(up)sx30'}
- {series: 'power_edge_watch_source_up{node="a",source="audit"}', values: '0x60'}
- {series: 'power_edge_watch_events_lost_total{node="a",source="dbus"}', values: '%(lost)s'}
"""
"""A value a minute, for an hour. The audit source never was up."""
WELL = {"run": "0+60x60", "fast": "0+1x60", "up": "1", "lost": "1x60"}
ALERTS = {
    "WatchNoLongerChecks": {"run": "0x60"},
    "WatchSourceDown": {"up": "0"},
    "WatchLosesEvents": {"lost": "0+1x60"},
    "WatchIsSlow": {"fast": "0x60"},
}


@pytest.mark.lab
@pytest.mark.parametrize("wrong", [None, *ALERTS])
def test_alerts_about_a_watch(wrong: str | None, tmp_path: Path) -> None:
    (block,) = [block for block in blocks() if block.title == "alerts.yaml"]
    (tmp_path / block.title).write_text(block.text)
    values = WELL | (ALERTS[wrong] if wrong is not None else {})
    expressions = {
        rule["alert"]: rule["expr"]
        for group in yaml.safe_load(block.text)["groups"]
        for rule in group["rules"]
    }
    expected = [
        {
            "expr": f"count({expressions[name]})",
            "eval_time": "60m",
            "exp_samples": [{"value": 1}] if name == wrong else [],
        }
        for name in ALERTS
    ]
    series = yaml.safe_load(SERIES % values)
    test = {"interval": "1m", "input_series": series, "promql_expr_test": expected}
    file = {"rule_files": [block.title], "tests": [test]}
    (tmp_path / "test.yaml").write_text(yaml.safe_dump(file))
    done = subprocess.run(
        ["promtool", "test", "rules", "test.yaml"],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.lab
@pytest.mark.parametrize("block", of("console"))
def test_commands_print_what_is_shown(block: Block, lab: Lab, tmp_path: Path) -> None:
    mark = re.fullmatch(r"in: (empty|machine|t420)(?: after: (.*))?", block.comment)
    assert mark is not None, "say where it runs"
    if mark[1] == "empty":
        _session(block, lab, tmp_path)
        return
    if mark[1] == "t420":
        shutil.copytree(CHECKOUT / "node-configs" / NAME, tmp_path / "node-configs" / NAME)
    with t420_node(lab) as node:
        node.sh(mark[2] or "true")
        _session(block, lab, tmp_path)


@pytest.mark.lab
@pytest.mark.parametrize("block", of("python"))
def test_own_tests_pass_on_a_node(block: Block, lab: Lab, tmp_path: Path) -> None:
    folder = tmp_path / "node-configs" / NAME
    shutil.copytree(CHECKOUT / "node-configs" / NAME, folder)
    (folder / block.title).write_text(block.text)
    with t420_node(lab):
        own = folder.relative_to(tmp_path) / block.title
        done = _sh(f"pytest -q {shlex.join(ITEMS)} {own}", lab, tmp_path)
    count = (
        len(load_node(folder).items)
        + 1
        + block.text.count("\ndef test_")
        + block.text.startswith("def test_")
    )
    assert f"{count} passed" in done, done


def _session(block: Block, lab: Lab, folder: Path) -> None:
    """Run the commands of a console block; between them stands what they print, `...` for anything."""
    for command, output in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", block.text, re.MULTILINE):
        printed = _sh(command, lab, folder)
        assert OutputChecker().check_output(output, printed, ELLIPSIS), f"$ {command}\n{printed}"


def _sh(command: str, lab: Lab, folder: Path) -> str:
    environment = {name: "" for name in os.environ if name.startswith("PYTEST_")} | {
        "COLUMNS": "80",
        "CI": "",  # in CI pytest shortens no line
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTEST_ADDOPTS": f"--ssh-config={shlex.quote(str(lab.ssh_config))} -p no:cacheprovider",
    }
    command = re.sub(
        r"(power-edge (?:about|discover)) ",
        rf"\1 --ssh-config={shlex.quote(str(lab.ssh_config))} ",
        command,
    )
    done = lab.run("sh", "-c", f"exec 2>&1\n{command}", check=False, cwd=folder, **environment)
    return done.stdout
