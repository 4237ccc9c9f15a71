"""Sysctl: every recorded case, and what the cases do not hold."""

import pytest

from power_edge.model import Outcome, Unseen
from power_edge.resources.sysctl import Setting, ask, canonical, judge, parse, remedy
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
    return (
        head.encode() + b"".join(line + b"\n" for line in lines) + tail.encode() + (b"== contained\nuts\nnet\n" if contained else b"") + b"== end\n"
    )


@pytest.mark.parametrize(("case", "verdict"), [*parameters("sysctl")])
def test_recorded_case(case: Case, verdict: Verdict) -> None:
    check(verdict, verdict.declared, {"sysctl": parse(answer_from(case))})


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("vm.swappiness", "vm/swappiness"),
        ("vm/swappiness", "vm/swappiness"),
        ("net.ipv4.conf.eth0/100.forwarding", "net/ipv4/conf/eth0.100/forwarding"),
        ("net/ipv4/conf/eth0.100/forwarding", "net/ipv4/conf/eth0.100/forwarding"),
        ("swappiness", "swappiness"),
        ("", ""),
    ],
)
def test_the_first_separator_decides(key: str, path: str) -> None:
    assert canonical(key) == path


def test_no_path_that_leaves_proc_sys_is_asked_for() -> None:
    keys = ["vm.swappiness", "kernel/../../version", "..", "/etc/shadow", "kernel./.x"]
    assert [*ask([Setting(key, "1") for key in keys])] == ["vm/swappiness"]


def verdict(value: str, seen: str | None, key: str = "vm.x") -> Outcome:
    (finding,) = judge(Setting(key, value), seen)
    return finding.outcome


@pytest.mark.parametrize(
    ("declared", "seen"),
    [
        ("1", "1"),
        (" 1\n", "1"),
        ("4096 131072 6291456", "4096\t131072\t6291456"),
        ("-1 -1", "-1\t-1"),
        ("", ""),
        ("  ", ""),
        ("core ", "core "),
        ("one\ntwo\n", "one\ntwo"),
        ("00000000", "00000000"),
    ],
)
def test_equal(declared: str, seen: str) -> None:
    assert verdict(declared, seen) is Outcome.COMPLIANT


@pytest.mark.parametrize(
    ("declared", "seen"),
    [
        ("1", "01"),
        ("8", "00000010"),
        ("1 2", "12"),
        ("1", "1 2"),
        ("1 2", "1"),
        ("", "0"),
        ("0", ""),
        ("core", "core "),
        ("|/bin/x %p a", "|/bin/x %p  a"),
        ("reno cubic", "cubic reno"),
        ("one", "one\ntwo"),
        ("Y", "y"),
        ("1.0", "1"),
        ("99999999999999999999-5", "99999999999999999999-6"),
        ("1", None),
    ],
)
def test_different(declared: str, seen: str | None) -> None:
    assert verdict(declared, seen) is Outcome.DRIFT


def test_ranges_as_the_kernel_rewrites_them() -> None:
    ports = "net.ipv4.ip_local_reserved_ports"
    assert verdict("8080,8081,8082", "8080-8082", ports) is Outcome.COMPLIANT
    assert verdict("9000,8080-8082", "8080-8082,9000", ports) is Outcome.COMPLIANT
    assert verdict("8080,8081", "8080-8082", ports) is Outcome.DRIFT
    assert verdict("8082-8080", "8080-8082", ports) is Outcome.DRIFT
    assert verdict("8080,8081,8082", "8080-8082", "vm.x") is Outcome.UNKNOWN


@pytest.mark.parametrize("value", ["01", "0x1", "+1", "4 04", "0X1F"])
def test_numbers_that_the_kernel_never_shows_are_refused(value: str) -> None:
    assert verdict_of({"sysctl": {"vm.swappiness": value}}, {"sysctl": {"vm/swappiness": "1"}})[0] == "invalid"


@pytest.mark.parametrize(
    ("key", "value"), [("kernel.hostname", "01"), ("net.core.flow_limit_cpu_bitmap", "00000000"), ("vm.swappiness", "0"), ("vm.x", "01 a")]
)
def test_texts_of_digits_are_not(key: str, value: str) -> None:
    assert verdict_of({"sysctl": {key: value}}, {"sysctl": {canonical(key): value}})[0] == "pass"


def test_one_key_spelled_twice_is_declared_twice() -> None:
    assert verdict_of({"sysctl": {"vm.swappiness": "60", "vm/swappiness": "60"}}, {})[0] == "invalid"


def test_values_of_many_kinds() -> None:
    answer = (
        b"== asked\nkernel/a\nkernel/a:b\nfs/c\nfs/d\nfs/e\nfs/f\nfs/g\n"
        b"== values\nkernel/a:b:1\nfs/c:k: v:\nfs/c:\nfs/c:== values\nfs/d:caf\xe9\nfs/e:"
        + b"9" * 1024
        + b"\n== complaints\ngrep: fs/f: Input/output error\n== end\n"
    )
    seen = parse(answer)
    assert seen["fs/c"] == "k: v:\n\n== values"
    assert seen["fs/d"] == "caf\udce9"
    assert isinstance(seen["kernel/a"], Unseen), "1 of kernel/a:b, or b:1 of kernel/a"
    assert isinstance(seen["fs/e"], Unseen), "cut"
    assert seen["fs/f"] == Unseen("Input/output error")
    assert seen["fs/g"] == Unseen("nothing could be read")


def test_sudo_answers_what_the_user_may_not_read() -> None:
    answer = b"== asked\na/b\na/c\n== values\n== complaints\ngrep: a/b: Permission denied\ngrep: a/c: Permission denied\n"
    again = b"== values\na/b:1\n== complaints\nsudo: unable to resolve host x\ngrep: a/c: Permission denied\n"
    seen = parse(answer + again + b"== end\n")
    assert seen["a/b"] == "1"
    assert isinstance(seen["a/c"], Unseen)


def test_a_key_that_is_not_there() -> None:
    answer = b"== asked\nnet/bridge/x\n== values\n== complaints\ngrep: net/bridge/x: No such file or directory\n"
    assert parse(answer + b"== contained\n== end\n") == {"net/bridge/x": None}
    hidden = parse(answer + b"== contained\nnet\n== end\n")["net/bridge/x"]
    assert isinstance(hidden, Unseen)
    assert "container" in hidden.why


def test_what_is_no_whole_answer_is_refused() -> None:
    whole = b"== asked\nvm/swappiness\n== values\nvm/swappiness:60\n== complaints\n\n== end\n"
    assert parse(whole) == {"vm/swappiness": "60"}
    for length in range(len(whole) - len(b"== end\n")):
        with pytest.raises(ValueError, match=r"cut short|not an answer"):
            parse(whole[:length])
    with pytest.raises(ValueError, match="not an answer"):
        parse(b"sh: cd: /proc/sys: No such file or directory\n")


def test_the_message_names_the_other_spelling() -> None:
    case = next(case for case in cases("sysctl") if case.name == "dotted-interface-dots-only")
    _, (result,) = verdict_of(case.verdicts[0].declared, {"sysctl": parse(answer_from(case))})
    assert "net.ipv4.conf.eth0/100.forwarding" in str(result.why)


@pytest.mark.parametrize(
    ("setting", "seen", "commands"),
    [
        (Setting("vm.swappiness", "60"), "10", [("sysctl", "-w", "vm.swappiness=60")]),
        (Setting("net.ipv4.ip_local_port_range", "1 2\n"), "1\t3", [("sysctl", "-w", "net.ipv4.ip_local_port_range=1 2")]),
        (
            Setting("net.bridge.bridge-nf-call-iptables", "1"),
            None,
            [("modprobe", "br_netfilter"), ("sysctl", "-w", "net.bridge.bridge-nf-call-iptables=1")],
        ),
        (Setting("vm.nosuch", "1"), None, []),
    ],
)
def test_the_commands_that_mend(setting: Setting, seen: str | None, commands: list[tuple[str, ...]]) -> None:
    assert [*remedy(setting, seen, [*judge(setting, seen)]).commands] == commands


@pytest.mark.parametrize(
    ("complaints", "seen"),
    [
        ("ERROR: ld.so: object '/x' cannot be preloaded: ignored.\n/usr/bin/grep: vm/x: No such file or directory", None),
        ("grep: vm/x: No such file or directory\n/usr/local/bin/grep: 4: logger: not found", None),
        ("ls: vm/x: No such file or directory", Unseen("nothing could be read")),
        ("grep: vm/y: No such file or directory", Unseen("nothing could be read")),
    ],
)
def test_a_key_is_missing_where_grep_says_so_and_nobody_else(complaints: str, seen: object) -> None:
    assert parse(f"== asked\nvm/x\n== values\n== complaints\n{complaints}\n== end\n".encode()) == {"vm/x": seen}
