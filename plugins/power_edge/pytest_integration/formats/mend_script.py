"""The mends of one node as a script (--mend-script)."""

from pathlib import Path

import pytest

from power_edge.atomic_file import write
from power_edge.checking.check import GATE_TYPE
from power_edge.exit_status import is_incomplete
from power_edge.model import Outcome
from power_edge.model.generated import report_schema
from power_edge.pytest_integration.results import step_of
from power_edge.pytest_integration.run_report import RunReport
from power_edge.report.mend_script import Machine, Step, script
from power_edge.resources import turn

_STEPS: pytest.StashKey[dict[tuple[str, str], Step]] = pytest.StashKey()


def pytest_power_edge_item(
    config: pytest.Config, report: pytest.TestReport, item: report_schema.Item
) -> None:
    if (
        config.option.mend_script
        and item.type != GATE_TYPE
        and item.outcome != Outcome.COMPLIANT.value
    ):
        steps = config.stash.setdefault(_STEPS, {})
        steps[item.type, item.name] = step_of(report, item)


def pytest_power_edge_report(config: pytest.Config, report: RunReport) -> None:
    if not (name := config.option.mend_script):
        return
    file = Path(name)
    shut = [each.gate.why for each in report.nodes if not each.gate.open]
    if is_incomplete(report.status) or shut or not report.nodes:
        why = shut[0] if shut else f"the run ended with {report.status}"
        report.note(f"{name} was not written: {why}")
        return
    (of, *_) = report.nodes
    machine = Machine(of.node.name, *of.shown)
    text = script(machine, config.stash.get(_STEPS, {}).values(), turn)
    try:
        write(file, text.encode())
    except OSError as error:
        report.could_not_write(file, error)
        return
    report.note(f"{name} has the mends: read it before you run it")
