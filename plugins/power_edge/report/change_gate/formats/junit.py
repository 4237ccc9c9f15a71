"""A JUnit report: one test for each rule of the policy, and one for the risk if it can refuse."""

import xml.etree.ElementTree as ET

from power_edge.change_gate.judgement import Judgement
from power_edge.change_gate.rules import RULES
from power_edge.report.change_gate import words
from power_edge.text import printable

_NAME = "power-edge gate"


def render(judgement: Judgement) -> str:
    """Return the report. A rule that the policy does not have is skipped."""
    declared = judgement.policy.document.value if judgement.policy is not None else None
    suite = ET.Element("testsuite", {"name": _NAME})
    skipped = 0
    for rule in RULES:
        case = ET.SubElement(suite, "testcase", {"classname": _NAME, "name": rule})
        if declared is None or (rule not in declared and rule != "policy"):
            skipped += 1
            ET.SubElement(case, "skipped", {"message": "the policy has no such rule"})
        for breach in judgement.breaches:
            if breach.rule == rule:
                place = words.place(words.in_repository(judgement, breach.source))
                failure = ET.SubElement(
                    case, "failure", {"message": printable(f"{place}: {breach.message}")}
                )
                failure.text = printable(f"rule {breach.policy}; {breach.lift}")
    failed = len({breach.rule for breach in judgement.breaches})
    if judgement.fail_on is not None:
        case = ET.SubElement(suite, "testcase", {"classname": _NAME, "name": "risk"})
        if judgement.is_too_risky:
            failed += 1
            failure = ET.SubElement(case, "failure", {"message": words.too_risky(judgement)})
            failure.text = "\n".join(why for _, why in judgement.risk.reasons)
    suite.attrib |= {
        "tests": str(len(suite)),
        "failures": str(failed),
        "skipped": str(skipped),
        "errors": "0",
    }
    root = ET.Element("testsuites")
    root.append(suite)
    ET.indent(root)
    return f"{ET.tostring(root, encoding='unicode', xml_declaration=False)}\n"
