"""Services: every recorded case, and what the cases do not hold."""

from collections.abc import Mapping

import pytest

from power_edge.model import Observations, Outcome, Result, Unseen
from power_edge.model.declared.resources.services_schema import Service
from power_edge.resources.services import ask, canonical, parse
from tests.cases import Case, Verdict, cases, check, parameters, verdict_of

# What the captures leave out and the probe reads, by case: links on disk, units of a like name, file states of other units.
LINKS = {
    "non-root": ["etc/systemd/system/multi-user.target.wants/cron.service"],
    "masked-runtime-still-wanted": ["etc/systemd/system/multi-user.target.wants/pe-mrt.service"],
    "static-pulled-at-boot": ["lib/systemd/system/sysinit.target.wants/systemd-journald.service"],
    "template-instance-generator-wanted": ["run/systemd/generator/openvpn.service.wants/openvpn@server.service"],
    "boot-truth": [
        "etc/systemd/system/multi-user.target.wants/pe-mrt.service",
        "run/systemd/system/multi-user.target.wants/pe-ert.service",
        "etc/systemd/system/multi-user.target.wants/pe-stale2.service",
        "run/systemd/generator.late/multi-user.target.wants/pe-sysv.service",
        "run/systemd/generator/openvpn.service.wants/openvpn@server.service",
    ],
}
FILES = {
    "template-instance-generator-wanted": ["openvpn.service enabled"],
    "boot-truth": ["openvpn.service enabled"],
    "indirect-socket-activated": ["uuidd.socket enabled"],
    "static-pulled-at-boot": ["systemd-journal-flush.service static"],
}
LEFT = {"stopped-leftover-process": ["system.slice/pe-left.service"]}
NAMES = {"sshd-name-gone": ["lib/systemd/system/ssh.service", "lib/systemd/system/cron.service", "lib/systemd/system/ssh.service:Alias=sshd.service"]}


def answer_from(case: Case) -> bytes | Unseen:
    """What the probe would have printed on the node of a case, for all names that its verdicts declare."""
    if "probe" in case.captures:
        return case.capture("probe")
    for capture in case.captures.values():
        if "not been booted" in capture.stderr:
            return Unseen(capture.stderr)
    asked = dict.fromkeys(canonical(str(item["name"])) for verdict in case.verdicts for item in verdict.declared["services"])
    blocks = [*_shown(case), *_told(case)]
    states = {block["Id"]: "" for block in blocks} | _states(case, blocks)
    lines = ["== up", "== asked", *asked, "== show"]
    for block in blocks:
        lines += [*(f"{key}={value}" for key, value in block.items()), ""]
    lines += ["== files", *(f"{name} {state}" for name, state in states.items()), *FILES.get(case.name, ())]
    lines += ["== left", *LEFT.get(case.name, ()), "== links", *LINKS.get(case.name, ()), "== names", *NAMES.get(case.name, ()), ""]
    return "\n".join(lines).encode()


def _shown(case: Case) -> list[dict[str, str]]:
    text = "\n\n".join(case.capture(name).decode() for name in ("show", "socket", "service", "who") if name in case.captures)
    blocks = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in text.split("\n\n")]
    filled = {"LoadState": "loaded", "SubState": "running", "Type": "simple", "RemainAfterExit": "no"}
    if case.name in LEFT:
        filled["ControlGroup"] = f"/{LEFT[case.name][0]}"
    return [filled | block for block in blocks if "Id" in block]


def _told(case: Case) -> list[dict[str, str]]:
    """The units of the two cases that recorded no `show`."""
    if case.name == "boot-truth":
        names = [line.split()[0] for line in case.capture("before").decode().splitlines()]
    elif case.name == "v257-batch-is-enabled":
        names = ["nosuchd", "systemd-journald"]
    else:
        names = []
    common = {"LoadState": "loaded", "ActiveState": "active", "SubState": "running", "Type": "simple", "RemainAfterExit": "no"}
    gone = {"LoadState": "not-found", "ActiveState": "inactive", "SubState": "dead"}
    return [{"Id": canonical(name), **common, **(gone if name == "nosuchd" else {})} for name in names]


def _states(case: Case, blocks: list[dict[str, str]]) -> dict[str, str]:
    if case.name == "boot-truth":
        return {canonical(line.split()[0]): line.split("is-enabled=")[1].split()[0] for line in case.capture("before").decode().splitlines()}
    if case.name == "v257-batch-is-enabled":
        return {"nosuchd.service": "not-found", "systemd-journald.service": "static"}
    if "is-enabled" not in case.captures or not blocks:
        return {}
    told = case.capture("is-enabled").decode().strip()
    if case.name == "batch-with-one-bad-name":
        return dict(zip(["cron.service", "sshd.service", "ssh.service"], told.split(), strict=True))
    block = blocks[0]
    state = block["UnitFileState"] if told == "alias" else told
    return {block["Id"]: state} | {other["Id"]: other.get("UnitFileState", "") for other in blocks[1:]}


def seen(case: Case) -> Mapping[str, Observations | Unseen]:
    answer = answer_from(case)
    return {"services": answer if isinstance(answer, Unseen) else parse(answer)}


@pytest.mark.parametrize(("case", "verdict"), [*parameters("services")])
def test_recorded_case(case: Case, verdict: Verdict) -> None:
    check(verdict, verdict.declared, seen(case))
