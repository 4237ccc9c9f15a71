"""Every recorded verdict, judged from what the probe prints on such a node.

Beside the captures of a case is `SLUG.answer`: the probe's output on a node with the same setup. If
the case has its own capture of the kernel's side, the test puts that into the answer.
"""

import re
from collections.abc import Iterator

import pytest

from power_edge.model import NotObserved, Observations
from power_edge.model.generated.resources.firewall_schema import Firewall, Rule
from power_edge.resources.firewall import entries
from power_edge.resources.firewall.judge import judge
from power_edge.resources.firewall.observation import Ruleset, parse
from tests.support.cases import RECORDINGS, Case, Verdict, cases, check, parameters
from tests.support.firewalls import unexpected_conditions

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


def rulesets(area: str) -> Iterator[tuple[str, Ruleset]]:
    """Yield the name and the ruleset of each case of an area in which one could be read."""
    for case in cases(area):
        found = observed(case)
        for ruleset in () if isinstance(found, NotObserved) else found.values():
            if isinstance(ruleset, Ruleset):
                yield case.name, ruleset


def observed(case: Case) -> Observations | NotObserved:
    if case.name == "non-root":
        return NotObserved(case.captures["noroot"].stderr)  # the probe ends with 1 there
    if case.name == "unknown-zone-name":
        return NotObserved(
            case.captures["badzone"].stderr
        )  # a reading that failed is no reading, whatever else could be read
    return parse(answer_from(case))


@pytest.mark.parametrize(
    ("case", "verdict"), [parameter for area in AREAS for parameter in parameters(area)]
)
def test_verdict(case: Case, verdict: Verdict) -> None:
    check(verdict, verdict.declared, {"firewall": observed(case)})


@pytest.mark.parametrize("area", AREAS)
def test_no_condition_of_a_real_ruleset_ends_in_an_error(area: str) -> None:
    for case, ruleset in rulesets(area):
        assert not unexpected_conditions(ruleset), case


@pytest.mark.parametrize("area", AREAS)
def test_what_is_reported_is_plain_data(area: str) -> None:
    """A member of an enum would not pass through JSON, YAML and xdist as the text that it is."""
    firewall = Firewall(default_incoming="allow", rules=[Rule(proto="tcp", port=22, action="deny")])
    for case, ruleset in rulesets(area):
        for entry in entries(firewall):
            for finding in judge(entry.declared, ruleset):
                assert type(finding.actual) in {str, int, bool, type(None)}, case


@pytest.mark.parametrize("area", AREAS)
def test_every_case_has_an_answer(area: str) -> None:
    cases = {
        path.name.removesuffix(".expect.yaml") for path in (RECORDINGS / area).glob("*.expect.yaml")
    }
    answers = {path.stem for path in (RECORDINGS / area).glob("*.answer")}
    assert cases - answers <= {"non-root"}
