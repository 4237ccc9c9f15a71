"""Sysctl: every recorded case, and values that no case has."""

from pathlib import Path

import pytest

from power_edge.model import NotObserved, Outcome, Remedy, Triggers
from power_edge.resources.sysctl import RESOURCE, ask, kinds, problems
from power_edge.resources.sysctl.judge import judge
from power_edge.resources.sysctl.key import Setting, Value, canonical
from power_edge.resources.sysctl.kinds import never
from power_edge.resources.sysctl.observation import parse
from power_edge.resources.sysctl.remedy import remedy
from tests.support.cases import cases, verdict_of


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


def test_no_path_outside_proc_sys_is_read() -> None:
    keys = ["vm.swappiness", "kernel/../../version", "..", "/etc/shadow", "kernel./.x"]
    assert [*ask([Setting(key, "1") for key in keys])] == ["vm/swappiness"]


def verdict(value: str, observed: str | None, key: str = "vm.x") -> Outcome:
    (finding,) = judge(Setting(key, value), None if observed is None else Value(observed))
    return finding.outcome


@pytest.mark.parametrize(
    ("declared", "observed"),
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
def test_equal(declared: str, observed: str) -> None:
    assert verdict(declared, observed) is Outcome.COMPLIANT


@pytest.mark.parametrize(
    ("declared", "observed"),
    [
        ("1", "01"),
        ("8", "00000010"),
        ("1 2", "12"),
        ("1 2", "2 1"),
        ("1 2", "2\t1"),
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
def test_different(declared: str, observed: str | None) -> None:
    assert verdict(declared, observed) is Outcome.DRIFT


@pytest.mark.parametrize(
    ("key", "declared", "observed", "expected"),
    [
        ("vm.x", " 1\n", "1", ("compliant", "1", None)),
        ("vm.x", "1", "2", ("drift", "2", None)),
        (
            "vm.x",
            "1",
            "2\t3",
            ("drift", "2\t3", "the kernel holds 2 numbers, not 1: write, for example, 2 3"),
        ),
        ("vm.x", "1", None, ("drift", None, "no such key")),
        (
            "net.netfilter.nf_conntrack_max",
            "1",
            None,
            ("drift", None, "no such key (it comes with the kernel module nf_conntrack)"),
        ),
        (
            "net.ipv4.ip_local_reserved_ports",
            "1,2",
            "1-2",
            ("compliant", "1-2", "the same ranges, written another way"),
        ),
        (
            "vm.x",
            "1,2",
            "1-2",
            (
                "unknown",
                "1-2",
                "they are equal only if the key holds a list of ranges: declare what the kernel shows",
            ),
        ),
    ],
)
def test_what_a_finding_shows(
    key: str, declared: str, observed: str | None, expected: tuple[object, ...]
) -> None:
    (finding,) = judge(Setting(key, declared), None if observed is None else Value(observed))
    assert (finding.field, finding.expected) == ("value", declared)
    assert (finding.outcome.value, finding.actual, finding.why) == expected


def test_a_key_that_may_be_hidden_in_a_container_is_not_missing() -> None:
    answer = "== asked\nvm/x\n== values\n== complaints\ngrep: vm/x: No such file or directory\n== contained\n{}== end\n"
    assert parse(answer.format("").encode()) == {"vm/x": None}
    assert parse(answer.format("\n").encode()) == {"vm/x": None}
    hidden = "no such key, but the node is a container (net, user namespace of its own), which may hide the key"
    assert parse(answer.format("net\nuser\n").encode()) == {"vm/x": NotObserved(hidden)}


def test_ranges_as_the_kernel_rewrites_them() -> None:
    ports = "net.ipv4.ip_local_reserved_ports"
    assert verdict("8080,8081,8082", "8080-8082", ports) is Outcome.COMPLIANT
    assert verdict("9000,8080-8082", "8080-8082,9000", ports) is Outcome.COMPLIANT
    assert verdict("8080,8081", "8080-8082", ports) is Outcome.DRIFT
    assert verdict("8080,8082", "8080-8082", ports) is Outcome.DRIFT
    assert verdict("8080-8082", "8080,8082", ports) is Outcome.DRIFT
    assert verdict("8082-8080", "8080-8082", ports) is Outcome.DRIFT
    assert verdict("8082-8080", "8082-8080", "vm.x") is Outcome.COMPLIANT
    assert verdict("9-8,1", "1,9-8", ports) is Outcome.DRIFT
    assert verdict("1-9,2-3", "1-9", ports) is Outcome.COMPLIANT
    assert verdict("1-9,2-3", "1-3", ports) is Outcome.DRIFT
    assert verdict("8080,8081,8082", "8080-8082", "vm.x") is Outcome.UNKNOWN


@pytest.mark.parametrize("value", ["01", "0x1", "+1", "4 04", "0X1F"])
def test_numbers_that_the_kernel_never_shows_are_refused(value: str) -> None:
    assert (
        verdict_of({"sysctl": {"vm.swappiness": value}}, {"sysctl": {"vm/swappiness": "1"}})[0]
        == "invalid"
    )


@pytest.mark.parametrize(
    ("value", "token"), [("01", "01"), ("0x1", "0x1"), ("+1", "+1"), ("4 04", "04"), ("-07", "-07")]
)
def test_a_number_that_the_kernel_never_shows_is_named(value: str, token: str) -> None:
    message = (
        f"vm.x: the kernel never shows a number as {token}: write it in decimal, without leading"
        " zeros or a plus"
    )
    assert [*problems(Setting("vm.x", value))] == [("", message)]


def test_the_watch_follows_the_key_and_what_sets_it() -> None:
    assert RESOURCE.triggers(Setting("vm.swappiness", "1"), "debian") == Triggers(
        paths=("/etc/sysctl.conf", "/etc/sysctl.d"),
        commands=("sysctl",),
        values=("/proc/sys/vm/swappiness",),
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("kernel.hostname", "01"),
        ("net.core.flow_limit_cpu_bitmap", "00000000"),
        ("vm.swappiness", "0"),
        ("vm.x", "01 a"),
    ],
)
def test_texts_of_digits_are_accepted(key: str, value: str) -> None:
    assert verdict_of({"sysctl": {key: value}}, {"sysctl": {canonical(key): value}})[0] == "pass"


def test_one_key_spelled_twice_is_declared_twice() -> None:
    assert (
        verdict_of({"sysctl": {"vm.swappiness": "60", "vm/swappiness": "60"}}, {})[0] == "invalid"
    )


def test_values_of_many_kinds() -> None:
    answer = (
        b"== asked\nkernel/a\nkernel/a:b\nfs/c\nfs/d\nfs/e\nfs/f\nfs/g\n"
        b"== values\nkernel/a:b:1\nfs/c:k: v:\nfs/c:\nfs/c:== values\nfs/d:caf\xe9\nfs/e:"
        + b"9" * 1024
        + b"\n== complaints\ngrep: fs/f: Input/output error\n== end\n"
    )
    observed = parse(answer)
    assert observed["fs/c"] == "k: v:\n\n== values"
    assert observed["fs/d"] == "caf\udce9"
    assert isinstance(observed["kernel/a"], NotObserved), "1 of kernel/a:b, or b:1 of kernel/a"
    assert isinstance(observed["fs/e"], NotObserved), "cut"
    assert observed["fs/f"] == NotObserved("Input/output error")
    assert observed["fs/g"] == NotObserved("nothing could be read")


@pytest.mark.parametrize(
    ("value", "whole"),
    [
        *(("9" * length, False) for length in (1023, 1024, 4095, 4096)),
        *(("9" * length, True) for length in (1022, 1025, 4094, 4097)),
        ("é" * 512, False),
        ("é" * 1024, True),
        ("a\n" * 511 + "a", False),
    ],
)
def test_a_value_as_long_as_the_buffer_of_a_grep_may_have_been_cut(value: str, whole: bool) -> None:
    lines = "".join(f"fs/x:{line}\n" for line in value.split("\n"))
    found = parse(f"== asked\nfs/x\n== values\n{lines}== complaints\n== end\n".encode())["fs/x"]
    assert found == (
        value if whole else NotObserved("its value may have been cut by the node's grep (busybox)")
    )


def test_sudo_answers_what_the_user_may_not_read() -> None:
    answer = b"== asked\na/b\na/c\n== values\n== complaints\ngrep: a/b: Permission denied\ngrep: a/c: Permission denied\n"
    again = b"== values\na/b:1\n== complaints\nsudo: unable to resolve host x\ngrep: a/c: Permission denied\n"
    observed = parse(answer + again + b"== end\n")
    assert observed["a/b"] == "1"
    assert isinstance(observed["a/c"], NotObserved)


def test_a_missing_key() -> None:
    answer = b"== asked\nnet/bridge/x\n== values\n== complaints\ngrep: net/bridge/x: No such file or directory\n"
    assert parse(answer + b"== contained\n== end\n") == {"net/bridge/x": None}
    hidden = parse(answer + b"== contained\nnet\n== end\n")["net/bridge/x"]
    assert isinstance(hidden, NotObserved)
    assert "container" in hidden.why


def test_an_incomplete_answer_is_refused() -> None:
    complete = b"== asked\nvm/swappiness\n== values\nvm/swappiness:60\n== complaints\n\n== end\n"
    assert parse(complete) == {"vm/swappiness": "60"}
    for length in range(len(complete) - len(b"== end\n")):
        with pytest.raises(ValueError, match=r"cut short|not an answer"):
            parse(complete[:length])
    with pytest.raises(ValueError, match="not an answer"):
        parse(b"sh: cd: /proc/sys: No such file or directory\n")


def test_the_message_names_the_other_spelling() -> None:
    case = next(case for case in cases("sysctl") if case.name == "dotted-interface-dots-only")
    _, (result,) = verdict_of(case.verdicts[0].declared, {"sysctl": case.observed()})
    assert "net.ipv4.conf.eth0/100.forwarding" in str(result.why)


def remedied(key: str, value: str, observed: str | None, obstacle: str | None = None) -> Remedy:
    was = None if observed is None else Value(observed, obstacle)
    return remedy(Setting(key, value), was, [*judge(Setting(key, value), was)])


@pytest.mark.parametrize(
    ("key", "value", "observed", "argument"),
    [
        ("net.ipv4.tcp_keepalive_time", "60", "10", "net.ipv4.tcp_keepalive_time=60"),
        ("net.ipv4.tcp_rmem", "1 2 3\n", "1\t2\t4", "net.ipv4.tcp_rmem=1 2 3"),
        ("net.ipv4.ip_local_reserved_ports", "", "8080", "net.ipv4.ip_local_reserved_ports="),
    ],
)
def test_the_command_of_a_remedy(key: str, value: str, observed: str, argument: str) -> None:
    assert remedied(key, value, observed) == Remedy((("sysctl", "-w", argument),))


@pytest.mark.parametrize(
    ("key", "value", "observed", "obstacle", "advice"),
    [
        (
            "net.bridge.bridge-nf-call-iptables",
            "1",
            None,
            None,
            "load the kernel module br_netfilter",
        ),
        ("vm.nosuch", "1", None, None, None),
        (
            "vm.swappiness",
            "1",
            "2",
            "/proc/sys is read-only in this container",
            "no command on the node can change it: /proc/sys is read-only in this container",
        ),
        ("kernel.modules_disabled", "0", "1", None, "the kernel keeps 1 until the next boot"),
        ("kernel.yama.ptrace_scope", "1", "3", None, "the kernel keeps 3 until the next boot"),
        ("kernel.core_pattern", "a\nb", "a", None, "set it by hand"),
        ("vm.dirty_bytes", "0", "200000", None, "set vm.dirty_ratio, which sets this key to 0"),
        (
            "vm.overcommit_kbytes",
            "0",
            "200000",
            None,
            "set vm.overcommit_ratio, which sets this key to 0",
        ),
        (
            "net.ipv4.ip_local_port_range",
            "32768",
            "32768\t60999",
            None,
            "no command can set this value: the kernel holds 2 numbers, not 1",
        ),
        ("vm.x", "1 2", "1", None, "the kernel holds 1 number, not 2"),
    ],
)
def test_no_command_where_no_write_helps(
    key: str, value: str, observed: str | None, obstacle: str | None, advice: str | None
) -> None:
    given = remedied(key, value, observed, obstacle)
    assert given.commands == ()
    assert given.advice == advice if advice is None else advice in str(given.advice)


@pytest.mark.parametrize(
    ("key", "value", "cuts"),
    [
        ("net.ipv4.ip_forward", "0", True),
        ("net.ipv4.ip_forward", "1", False),
        ("net.ipv4.conf.all.forwarding", "0", True),
        ("net.ipv4.conf.eth0/5.rp_filter", "1", True),
        ("net.ipv4.conf.all.rp_filter", "0", False),
        ("net.ipv6.conf.all.disable_ipv6", "1", True),
        ("net.ipv6.conf.default.disable_ipv6", "0", False),
        ("net.ipv6.conf.all.forwarding", "1", True),
        ("net.ipv6.conf.eth0.accept_ra", "0", True),
        ("net.ipv4.conf.all.arp_ignore", "2", True),
        ("net.ipv4.tcp_mem", "1 2 3", True),
        ("net.ipv4.tcp_keepalive_time", "60", False),
        ("net.nf_conntrack_max", "1000", True),
        ("net.bridge.bridge-nf-call-iptables", "1", True),
        ("net.core.somaxconn", "4096", False),
        ("vm.overcommit_memory", "2", True),
        ("vm.swappiness", "10", False),
        ("kernel.pid_max", "301", True),
    ],
)
def test_a_write_that_could_cut_off_access_says_so(key: str, value: str, cuts: bool) -> None:
    assert remedied(key, value, " ".join("77" for _ in value.split())).cuts is cuts


@pytest.mark.parametrize(
    ("key", "value", "advice"),
    [
        ("net.ipv4.ip_forward", "1", "forwarding of every interface"),
        ("net.ipv4.ip_forward", "1", "conf.all.accept_redirects"),
        ("net.ipv4.conf.all.forwarding", "0", "one setting"),
        ("net.ipv6.conf.all.disable_ipv6", "1", "disable_ipv6 of every interface"),
        ("kernel.modules_disabled", "1", "only a reboot undoes it"),
        ("vm.dirty_ratio", "20", "it sets vm.dirty_bytes to 0"),
        ("vm.dirty_background_bytes", "4096", "it sets vm.dirty_background_ratio to 0"),
        ("vm.overcommit_ratio", "80", "it sets vm.overcommit_kbytes to 0"),
        ("net.ipv4.conf.eth0.forwarding", "1", None),
        ("net.ipv4.conf.all.rp_filter", "1", None),
        ("vm.swappiness", "1", None),
    ],
)
def test_other_effects_of_a_write_are_named(key: str, value: str, advice: str | None) -> None:
    given = remedied(key, value, "77").advice
    assert given is None if advice is None else advice in str(given)


def observed_value(path: str, owners: str = "", mounts: str = "") -> Value:
    answer = f"== asked\n{path}\n== values\n{path}:1\n== complaints\n\n== owners\n{owners}\n== mounts\n{mounts}\n== end\n"
    value = parse(answer.encode())[path]
    assert isinstance(value, Value)
    return value


NODE = "rw,nosuid /proc\nro,nosuid /proc/sys\nrw,nosuid /proc/sys/net"


@pytest.mark.parametrize(
    ("path", "owners", "mounts", "obstacle"),
    [
        ("vm/x", "644 0 vm/x", "rw,nosuid /proc", None),
        ("vm/x", "", "", None),
        ("vm/x", "644 vm/x", "rw", None),
        ("vm/x", "644 0 vm/x", NODE, "read-only in this container"),
        ("net/x", "644 0 net/x", NODE, None),
        ("network/x", "644 0 network/x", NODE, "read-only in this container"),
        ("vm/x", "644 0 vm/x", f"{NODE}\nrw,nosuid /proc/sys", None),
        ("vm/x", "644 0 vm/x", f"{NODE}\nrw /proc/sys/vm/x", None),
        ("vm/x", "644 0 vm/x", "rw /proc\nro /proc/sys/vm/x", "read-only in this container"),
        ("vm/x", "444 0 vm/x", "rw /proc", "lets nobody write it"),
        ("vm/x", "555 0 vm/x", "rw /proc", "lets nobody write it"),
        ("vm/x", "200 0 vm/x", "rw /proc", None),
        ("vm/x", "464 0 vm/x", "rw /proc", None),
        ("vm/x", "? 0 vm/x", "rw /proc", None),
        ("vm/x", "644 65534 vm/x", "rw /proc", "belongs to the machine"),
        ("vm/x y", "444 0 vm/x y", "rw /proc", "lets nobody write it"),
    ],
)
def test_why_no_write_can_change_a_key(
    path: str, owners: str, mounts: str, obstacle: str | None
) -> None:
    why = observed_value(path, owners, mounts).obstacle
    assert why is None if obstacle is None else obstacle in str(why)


@pytest.mark.parametrize(
    ("key", "value", "why"),
    [
        ("net.ipv4.ip_forward", "yes", 'write "1" for yes'),
        ("net.ipv4.ip_forward", "Off", 'write "0" for Off'),
        ("net.ipv4.ip_forward", "", "not nothing"),
        ("net.ipv4.ip_forward", "1 1", "one whole number"),
        ("net.ipv4.ip_forward", "1.0", "one whole number"),
        ("net.ipv4.ip_forward", '"1"', 'write "1"'),
        ("net.ipv4.ip_forward", "'yes'", "the quotes would be part"),
        ("net/ipv4/conf/eth0.5/rp_filter", "on", 'write "1" for on'),
        ("net.ipv6.conf.all.disable_ipv6", "true", 'write "1"'),
        ("vm.swappiness", "10%", "one whole number"),
        ("vm.swappiness", "201", "0 to 200"),
        ("vm.overcommit_memory", "-1", "0 to 2"),
        ("kernel.watchdog_thresh", "61", "0 to 60"),
        ("kernel.pid_max", "300", "301 to 4194304"),
        ("kernel.timer_migration", "2", "0 to 1"),
        ("vm.compaction_proactiveness", "101", "0 to 100"),
        ("vm.extfrag_threshold", "1001", "0 to 1000"),
        ("vm.max_map_count", "-1", "no negative number"),
        ("fs.inotify.max_user_watches", "-1", "no negative number"),
        ("vm.nr_hugepages", "2G", "one whole number"),
        ("fs.file-max", "1k", "one whole number"),
        ("kernel.sysrq", "enable", 'write "1"'),
        ("kernel.kptr_restrict", "3", "0 to 2"),
        ("net.ipv4.ip_local_port_range", "32768-60999", 'write "32768 60999"'),
        ("net.ipv4.ip_local_port_range", "1024,2048", "not '1024,2048': write \"1024 2048\""),
        ("net.ipv4.ip_local_port_range", "60999 32768", "the lower one first"),
        ("net.ipv4.ip_local_port_range", "1024 65536", "1 to 65535"),
        ("net.ipv4.ip_local_port_range", '"32768 60999"', 'write "32768 60999"'),
        ("net.ipv4.tcp_rmem", "4k 8k 16k", "whole numbers separated by blanks"),
        ("kernel.printk", "4,4,1,7", 'write "4 4 1 7"'),
        ("net.ipv4.ip_local_reserved_ports", "8080 8081", "separated by commas"),
        ("net.ipv4.ip_local_reserved_ports", "8082-8080", "the lower port first"),
        ("net.ipv4.ip_local_reserved_ports", "65536", "up to 65535"),
        ("net.ipv4.tcp_congestion_control", "bbr cubic", "one name"),
        ("net.core.default_qdisc", "'fq'", 'write "fq"'),
        ("kernel.core_pattern", "x" * 128, "127 bytes"),
        ("kernel.hostname", "x" * 65, "64 bytes"),
        ("net.netfilter.nf_conntrack_max", "auto", "one whole number"),
        ("user.max_user_namespaces", "none", "one whole number"),
        ("fs.pipe-max-size", "1000000", "write 1048576"),
    ],
)
def test_a_value_that_the_kernel_can_never_hold_is_refused_with_what_to_write(
    key: str, value: str, why: str
) -> None:
    assert why in str(never(canonical(key), value))
    assert verdict_of({"sysctl": {key: value}}, {})[0] == "invalid"


@pytest.mark.parametrize(
    ("key", "value"),
    [("net.ipv4.ip_forward", "yes"), ("vm.swappiness", "0x10"), ("vm/overcommit_memory", "9")],
)
def test_a_refusal_names_the_key(key: str, value: str) -> None:
    (problem,) = problems(Setting(key, value))
    assert problem[0] == ""
    assert problem[1].startswith(f"{key}: the kernel ")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("net.ipv4.ip_forward", "2"),
        ("net.ipv4.conf.all.rp_filter", "-1"),
        ("net.ipv4.ip_forward", " 1\n"),
        ("net.ipv4.ip_local_port_range", "32768"),
        ("net.ipv4.ip_local_port_range", "3276860999"),
        ("net.ipv4.ip_local_reserved_ports", ""),
        ("net.ipv4.ip_local_reserved_ports", "1,5-7"),
        ("net.ipv4.ping_group_range", "1 0"),
        ("kernel.printk", "4"),
        ("kernel.core_pattern", '|/usr/bin/x "%p"'),
        ("kernel.hostname", "yes"),
        ("vm.numa_zonelist_order", "Node"),
        ("net.ipv6.conf.all.stable_secret", "2001:db8::1"),
        ("net.ipv6.icmp.ratemask", "0-1,3-127"),
        ("net.ipv4.tcp_allowed_congestion_control", "reno bbr"),
        ("net.ipv4.tcp_fastopen_key", "00000000-00000000-00000000-00000000"),
        ("kernel.printk_devkmsg", "on"),
        ("kernel.shmmax", "18446744073692774399"),
        ("net.ipv4.tcp_notsent_lowat", "4294967295"),
        ("vm.some_new_key", "yes"),
        ("fs.pipe-max-size", "1048576"),
        ("fs.pipe-max-size", "1"),
        ("net.ipv4.ip_local_port_range", "1 65535"),
        ("net.ipv4.ip_local_port_range", "5 5"),
        ("net.ipv4.ip_local_reserved_ports", "1-65535"),
        ("net.ipv4.tcp_congestion_control", "BBR"),
        ("kernel.hostname", "x" * 64),
        ("kernel.core_pattern", "x" * 127),
        ("net.netfilter.nf_log.2", "nf_log_ipv4"),
    ],
)
def test_no_value_is_refused_that_the_kernel_may_hold(key: str, value: str) -> None:
    assert never(canonical(key), value) is None


@pytest.mark.parametrize("value", ["'yes'", '"', "\"''\""])
def test_without_its_quotes_a_value_need_not_be_right(value: str) -> None:
    assert never("net/ipv4/ip_forward", value) == "the quotes would be part of the value"


def test_every_value_that_this_machine_shows_may_be_declared() -> None:
    root = Path("/proc/sys")
    refused = {}
    for file in root.rglob("*"):
        try:
            value = (
                file.read_text(errors="surrogateescape").removesuffix("\n")
                if file.is_file()
                else None
            )
        except OSError:
            continue
        path = str(file.relative_to(root))
        if value is not None and (why := never(path, value)) is not None:
            refused[path] = (value, why)
    assert refused == {}


def test_another_count_of_numbers_is_explained() -> None:
    (finding,) = judge(Setting("kernel.printk", "4"), Value("4\t4\t1\t7"))
    assert (finding.outcome, finding.why) == (
        Outcome.DRIFT,
        "the kernel holds 4 numbers, not 1: write, for example, 4 4 1 7",
    )


@pytest.mark.parametrize(
    ("complaints", "observed"),
    [
        (
            "ERROR: ld.so: object '/x' cannot be preloaded: ignored.\n/usr/bin/grep: vm/x: No such file or directory",
            None,
        ),
        ("grep: vm/x: No such file or directory\n/usr/local/bin/grep: 4: logger: not found", None),
        ("ls: vm/x: No such file or directory", NotObserved("nothing could be read")),
        ("grep: vm/y: No such file or directory", NotObserved("nothing could be read")),
        ("grep: vm/x: Is a directory", NotObserved("it is a directory, not a key")),
        (
            "grep: vm/x: Permission denied",
            NotObserved("permission denied: only root may read it, or it is write-only"),
        ),
        ("sudo: grep: vm/x: No such file or directory", NotObserved("nothing could be read")),
        ("grep: sh: vm/x: No such file or directory", NotObserved("nothing could be read")),
    ],
)
def test_a_key_is_missing_only_if_grep_says_so(complaints: str, observed: object) -> None:
    assert parse(f"== asked\nvm/x\n== values\n== complaints\n{complaints}\n== end\n".encode()) == {
        "vm/x": observed
    }


@pytest.mark.parametrize("count", [41, 4301])
@pytest.mark.parametrize("value", ["{0}", "-{0}", "'{0}'", "0-{0}", "{0} {0}", "80,{0}-{0}"])
@pytest.mark.parametrize(
    "path",
    [
        *sorted(kinds._RANGES),
        *sorted(kinds._NUMBERS),
        "fs/pipe-max-size",
        "net/ipv4/ip_local_reserved_ports",
        "net/ipv4/tcp_congestion_control",
        "kernel/hostname",
    ],
)
def test_a_number_without_end_is_no_number_of_the_kernel(path: str, value: str, count: int) -> None:
    """Python does not read it: `validate` ended with a traceback."""
    why = never(path, value.format("9" * count))
    if path not in ("kernel/hostname", "net/ipv4/tcp_congestion_control"):
        assert why is not None
        assert len(why) < 300


def test_a_key_of_another_network_namespace_than_the_one_of_the_node() -> None:
    answer = (
        "== asked\nnet/ipv4/ip_forward\nvm/swappiness\n"
        "== values\nnet/ipv4/ip_forward:1\nvm/swappiness:10\n== complaints\n{}== end\n"
    )
    for other, kind in (
        ("", Value),
        ("== elsewhere\nkernel\n", Value),
        ("== elsewhere\nnet\n", NotObserved),
        ("== elsewhere\nnet\nkernel\n", NotObserved),
    ):
        found = parse(answer.format(other).encode())
        assert isinstance(found["vm/swappiness"], Value)
        assert isinstance(found["net/ipv4/ip_forward"], kind)
