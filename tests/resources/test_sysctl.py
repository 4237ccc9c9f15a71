"""Sysctl: every recorded case, and what the cases do not hold."""

import pytest

from power_edge.model import Observations, Outcome, Unseen
from power_edge.resources.sysctl import Setting, ask, canonical, judge, mend, parse
from tests.cases import Case, Verdict, cases, check, parameters, verdict_of


def answer_from(case: Case) -> bytes:
    """What the probe would have printed: the recorded `cat` of each key (nspawn nodes, so in namespaces of their own)."""
    if "probe" in case.captures:
        return case.capture("probe")
    values: dict[str, bytes] = {}
    complaints = []
    contained = False
    for capture in case.captures.values():
        if capture.where is not None or "cat /proc/sys/" not in capture.command:
            continue
        path = capture.command.split("cat /proc/sys/")[1].split("'")[0].split()[0]
        if "directory" in (complaint := capture.stderr.rpartition(": ")[2]) or "denied" in complaint:
            complaints.append(f"grep: {path}: {complaint}")
            contained |= complaint.startswith("No such")
        else:
            values[path] = capture.stdout
    asked = dict.fromkeys([*values, *(line.split(": ")[1] for line in complaints)])
    lines = [f"{path}:".encode() + line for path, value in values.items() for line in value.removesuffix(b"\n").split(b"\n")]
    head, tail = "\n".join(["== asked", *asked, "== values", ""]), "\n".join(["== complaints", *complaints, ""])
    return head.encode() + b"".join(line + b"\n" for line in lines) + tail.encode() + (b"== contained\nuts\nnet\n" if contained else b"")


@pytest.mark.parametrize(("case", "verdict"), [*parameters("sysctl")])
def test_recorded_case(case: Case, verdict: Verdict) -> None:
    check(verdict, verdict.declared, {"sysctl": parse(answer_from(case))})
