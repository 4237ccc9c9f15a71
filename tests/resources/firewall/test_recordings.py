"""Every recorded verdict, judged from what the probe prints on such a node.

Beside the captures of a case lies `SLUG.answer`: the probe's own output on a node on which the
case's setup was done once more. Where the case has a capture of the kernel's side itself, the test
puts that into the answer.
"""

import re

import pytest

from power_edge.model import NotObserved, Observations
from power_edge.resources.firewall.observation import parse
from tests.support.cases import RECORDINGS, Case, Verdict, check, parameters

AREAS = ("ufw", "firewalld", "nftables", "iptables")
KERNEL = {"nft-json": "nft", "iptables-save": "iptables", "ip6tables-save": "ip6tables"}


def block(name: str, content: bytes) -> bytes:
    return b"= %s 0\n" % name.encode() + b"".join(
        b" %s\n" % line for line in content.rstrip(b"\n").split(b"\n")
    )


def answer_from(case: Case) -> bytes:
    """What the probe printed on the node of the case."""
    answer = (RECORDINGS / case.area / f"{case.name}.answer").read_bytes()
    for capture, name in KERNEL.items():
        if capture in case.captures and b"\n= %s 0\n" % name.encode() in b"\n" + answer:
            recorded = block(name, case.capture(capture)).replace(b"\\", rb"\\")
            answer = re.sub(rb"(?m)^= %s 0\n(?: .*\n)*" % name.encode(), recorded, answer, count=1)
    return answer


def observed(case: Case) -> Observations | NotObserved:
    if case.name == "non-root":
        return NotObserved(case.captures["noroot"].stderr)  # the probe ends with 1 there
    if case.name == "unknown-zone-name":
        return NotObserved(
            case.captures["badzone"].stderr
        )  # a reading that failed is no reading, whatever else could be asked
    return parse(answer_from(case))


@pytest.mark.parametrize(
    ("case", "verdict"), [parameter for area in AREAS for parameter in parameters(area)]
)
def test_verdict(case: Case, verdict: Verdict) -> None:
    check(verdict, verdict.declared, {"firewall": observed(case)})


@pytest.mark.parametrize("area", AREAS)
def test_every_case_has_an_answer(area: str) -> None:
    cases = {
        path.name.removesuffix(".expect.yaml") for path in (RECORDINGS / area).glob("*.expect.yaml")
    }
    answers = {path.stem for path in (RECORDINGS / area).glob("*.answer")}
    assert cases - answers <= {"non-root"}
