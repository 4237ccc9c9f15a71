"""state.yaml: what is refused, with the place and a hint for each problem, and what is accepted."""

import pytest

from power_edge.config import ConfigError, State, load_state
from power_edge.text import identifier

FILE = "node-configs/rig-07/state.yaml"
HEAD = 'version: "1.0"\nmetadata: {site: rig, environment: production}\n'


def load(body: str) -> State:
    return load_state((HEAD + body).encode(), FILE, "rig-07")


def problems(body: str, head: str = HEAD) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_state((head + body).encode(), FILE, "rig-07")
    return [str(problem) for problem in caught.value.problems]


def test_items_with_their_places() -> None:
    state = load(
        "services:\n- name: ssh\n  state: running\n- {name: cron, enabled: false}\nfiles:\n- path: /etc/motd\n  mode: '0644'\n"
    )
    assert state.metadata.site == "rig"
    services = [item for item in state.items if item.type == "services"]
    assert [(item.name, item.key, str(item.source), item.source.column) for item in services] == [
        ("ssh", "ssh.service", f"{FILE}:4", 3),
        ("cron", "cron.service", f"{FILE}:6", 3),
    ]
    assert dict(services[0].expected) == {"state": "running"}
    assert dict(services[1].expected) == {"enabled": False}
    assert all(item.node == "rig-07" for item in state.items)


def test_a_state_without_sections_declares_nothing() -> None:
    assert load("").items == ()
    assert load("services: []\n").items == ()


def test_keys_that_python_keeps_for_itself() -> None:
    (rule,) = [
        item
        for item in load(
            "firewall: {rules: [{port: 22, proto: tcp, action: allow, from: 10.0.0.0/8}]}"
        ).items
        if item.name != "exclusive"
    ]
    assert "10.0.0.0/8" in rule.name


def test_all_problems_of_a_file_at_once() -> None:
    found = problems(
        "services:\n- {name: --help, state: runing}\n- {nam: ssh, state: running}\nsysctls: {}\nsysctl: {vm.swappiness: 60}\n",
        'version: "0.9"\nmetadata: {site: rig, environment: homelab}\n',
    )
    assert [problem.removeprefix(f"{FILE}:").split(" ")[0] for problem in found] == [
        "1:10:", "2:36:", "4:10:", "4:25:", "5:3:", "5:4:", "6:1:", "7:25:",
    ]  # fmt: skip
    assert "did you mean home-lab?" in found[1]
    assert "did you mean running?" in found[3]
    assert "did you mean name?" in found[5]
    assert "did you mean sysctl?" in found[6]
    assert 'write it in quotes: "60"' in found[7]


@pytest.mark.parametrize("version", ["0.9", "2.0", "10.0", "1", "v1.0", "1.0.0", ""])
def test_other_versions(version: str) -> None:
    (problem,) = problems(
        "", f'version: "{version}"\nmetadata: {{site: rig, environment: production}}\n'
    )
    assert f"{FILE}:1:10: " in problem


@pytest.mark.parametrize(
    ("body", "place", "words"),
    [
        ("services:\n", "3:10", "services is empty and should be a list"),
        ("services: {ssh: running}", "3:11", "a mapping and should be a list"),
        ("services: [ssh]", "3:12", "services[0] is text and should be a mapping"),
        ("services: [{name: ssh}]", "3:12", "declares nothing"),
        ("services: [{name: ssh, enabled: 'true'}]", "3:33", "write it without quotes"),
        ("services: [{name: ssh, enabled: yes}]", "3:33", "write true or false"),
        ("services: [{state: running}]", "3:12", "name is missing"),
        ("services: [{name: ssh, state: disabled, enabled: true}]", "3:50", "contradicts"),
        ("services: [{name: 22, state: running}]", "3:19", 'write it in quotes: "22"'),
        ("services: [{name: '--help', state: running}]", "3:19", "a unit name begins with"),
        ("services: [{name: 'cro*', state: running}]", "3:19", "no * or ?"),
        ("services: [{name: 'a b', state: running}]", "3:19", "no blank"),
        ("services: [{name: 'a/b', state: running}]", "3:19", "no slash"),
        ('services: [{name: "a\\nb", state: running}]', "3:19", "a unit name begins with"),
        ('services: [{name: "ssh\\n", state: running}]', "3:19", "a unit name begins with"),
        ("services: [{name: '', state: running}]", "3:19", "a unit name begins with"),
        ("services: [{name: 'foo@', state: running}]", "3:19", "an instance of it"),
        ("services: [{name: 'foo@.service', state: running}]", "3:19", "an instance of it"),
        ("services: [{name: .service, state: running}]", "3:19", "before the suffix"),
        (
            "services: [{name: srv.mount, state: running}]",
            "3:19",
            "services, sockets, timers and targets",
        ),
        (f"services: [{{name: {'a' * 256}, state: running}}]", "3:19", "longer than 255"),
        ("sysctl: {a.b=c: '1'}", "3:10", "no ="),
        ("sysctl: {-a.b: '1'}", "3:10", "a key begins with"),
        ("sysctl: {net..ipv4: '1'}", "3:10", "two separators"),
        ("sysctl: {kernel/../../version: '1'}", "3:10", "two separators"),
        ("sysctl: {net./ipv4: '1'}", "3:10", "two separators"),
        ("sysctl: {vm.: '1'}", "3:10", "two parts"),
        ("sysctl: {vm: '1'}", "3:10", "two parts"),
        ("sysctl: {/vm/swappiness: '1'}", "3:10", "a key begins with"),
        ('sysctl: {"vm.x\\n": "1"}', "3:10", "a key begins with"),
        ("sysctl: {vm.swappiness: 1.10}", "3:25", 'write it in quotes: "1.10"'),
        ("sysctl: {vm.swappiness: true}", "3:25", 'write it in quotes: "true"'),
        ("sysctl: {vm.swappiness: }", "3:25", "is empty and should be text"),
        ("sysctl: [vm.swappiness]", "3:9", "a list and should be a mapping"),
        ("sysctl: {}", "3:1", "declares nothing"),
        ('sysctl: {vm.swappiness: "1\\0"}', "3:25", "NUL"),
        ("packages: [{name: 'hel*'}]", "3:19", "a package name"),
        ("packages: [{name: 'hello=1.0'}]", "3:19", "the version has a field of its own"),
        ("packages: [{name: 'pe>1.0'}]", "3:19", "a package name"),
        ("packages: [{name: '--version'}]", "3:19", "a package name"),
        ("packages: [{name: 'vim-'}]", "3:19", "a package name"),
        ("packages: [{name: ''}]", "3:19", "a package name"),
        ("packages: [{name: vim, version: 9.1}]", "3:33", 'write it in quotes: "9.1"'),
        (
            "packages: [{name: vim, version: '9.1', state: absent}]",
            "3:47",
            "a version needs state: present",
        ),
        (
            "packages: [{name: vim, version: '9.1', state: latest}]",
            "3:47",
            "a version needs state: present",
        ),
        ("packages: [{name: vim, version: '9.*'}]", "3:33", "a version begins"),
        ("files: [{path: etc/motd}]", "3:16", "begins with /"),
        ("files: [{path: -rf}]", "3:16", "begins with /"),
        ('files: [{path: "/a\\0b"}]', "3:16", "NUL"),
        ("files: [{path: /a, mode: 0644}]", "3:26", '"0644"'),
        ("files: [{path: /a, mode: 420}]", "3:26", "octal digits in quotes"),
        ("files: [{path: /a, mode: '0999'}]", "3:26", "octal digits"),
        ("files: [{path: /a, mode: u+x}]", "3:26", "octal digits"),
        ("files: [{path: /a, owner: '04711'}]", "3:27", "leading zeros"),
        ("files: [{path: /a, owner: 'a:b'}]", "3:27", "colon"),
        ("files: [{path: /a, owner: 0}]", "3:27", 'write it in quotes: "0"'),
        ("files: [{path: /a, sha256: abc}]", "3:28", "64 hexadecimal"),
        (
            "files: [{path: /a, content: x, sha256: %s}]" % ("a" * 64),
            "3:40",
            "sha256: contradicts content",
        ),
        ("firewall: {}", "3:1", "declares nothing"),
        ("firewall: {rules: []}", "3:1", "declares nothing"),
        ("firewall: {rules: [{port: 22, proto: icmp, action: allow}]}", "3:20", "icmp has no port"),
        ("firewall: {rules: [{port: 22, action: allow}]}", "3:20", "proto is missing"),
        ("firewall: {rules: [{proto: tcp, action: allow}]}", "3:20", "need a port"),
        ("firewall: {rules: [{port: 0, proto: tcp, action: allow}]}", "3:27", "1 to 65535"),
        ("firewall: {rules: [{port: 65536, proto: tcp, action: allow}]}", "3:27", "1 to 65535"),
        ("firewall: {rules: [{port: '22', proto: tcp, action: allow}]}", "3:27", "without quotes"),
        (
            "firewall: {rules: [{port: 61000-60000, proto: udp, action: allow}]}",
            "3:27",
            "write 60000-61000",
        ),
        ("firewall: {default_incoming: limit}", "3:30", "allow, deny, reject"),
        ("firewall: {rules: [{port: 22, proto: tcp, action: ratelimit}]}", "3:51", "limit"),
        (
            "firewall: {rules: [{port: 22, proto: tcp, action: allow, out_interface: eth0}]}",
            "3:73",
            "add routed: true",
        ),
        ("firewall: {rules: [{proto: any, action: allow}]}", "3:28", "any is for routed rules"),
        ("firewall: {rules: [{proto: icmp, action: allow, routed: yes}]}", "3:57", "true"),
        (
            "firewall: {rules: [{proto: icmp, action: allow, interface: /sys/class/net/eth0}]}",
            "3:60",
            "such as eth0",
        ),
        *(
            (
                f"firewall: {{rules: [{{proto: icmp, action: allow, interface: '{name}'}}]}}",
                "3:60",
                words,
            )
            for name, words in (
                ("a b", "no blank"),
                ("eth*", "no wildcard"),
                ("eth+", "no wildcard"),
                ("eth0:1", "such as eth0"),
                ("-i", "such as eth0"),
                ("..", "such as eth0"),
                ("", "such as eth0"),
                ("abcdefghijklmnop", "at most 15"),
                ("\u00e9th0", "such as eth0"),
                ("lo", "do not come by lo"),
            )
        ),
        ("firewall: {rules: [{port: 22-22, proto: udp, action: allow}]}", "3:27", "write 22"),
        ("firewall: {rules: [{port: 60000-65536, proto: udp, action: allow}]}", "3:27", "65535"),
        (
            "firewall: {rules: [{port: 0-10, proto: udp, action: allow}]}",
            "3:27",
            "such as 60000-61000",
        ),
        (
            "firewall: {rules: [{port: '60000:61000', proto: udp, action: allow}]}",
            "3:27",
            "such as 60000-61000 (with -, not :)",
        ),
        (
            "firewall: {rules: [{port: 22, proto: tcp, action: alow}]}",
            "3:51",
            "did you mean allow?",
        ),
        (
            "firewall: {rules: [{port: 22, proto: tcp, action: allow, from: example.org}]}",
            "3:64",
            "no host names",
        ),
        (
            "firewall: {rules: [{port: 22, proto: tcp, action: allow, from: 10.0.0.0/33}]}",
            "3:",
            "10.0.0.0/33",
        ),
        ("firewall: {default_incoming: drop}", "3:30", "not one of allow, deny, reject"),
    ],
)
def test_bad_input(body: str, place: str, words: str) -> None:
    (problem,) = problems(body)
    assert problem.startswith(f"{FILE}:{place}")
    assert words in problem


@pytest.mark.parametrize(
    ("body", "line", "first"),
    [
        (
            "services:\n- {name: cron, state: running}\n- {name: cron.service, enabled: true}\n",
            5,
            4,
        ),
        ("sysctl:\n  vm.swappiness: '60'\n  kernel.panic: '1'\n  vm/swappiness: '60'\n", 6, 4),
        ("packages:\n- name: vim\n- name: vim\n", 5, 4),
        ("files:\n- path: /etc/motd\n- path: /etc/motd\n", 5, 4),
        (
            "firewall:\n  rules:\n  - {port: 22, proto: tcp, action: allow}\n  - {port: 22, proto: tcp, action: allow, from: any}\n",
            6,
            5,
        ),
    ],
)
def test_declared_twice(body: str, line: int, first: int) -> None:
    (problem,) = problems(body)
    assert problem.startswith(f"{FILE}:{line}:")
    assert f"declared twice, first on line {first}" in problem


@pytest.mark.parametrize(
    "body",
    [
        r"""files: [{path: "/d/a<b"}, {path: '/d/a\x3cb'}]""",
        r"""files: [{path: '/d/a\x3cb'}, {path: "/d/a<b"}]""",
        r"""files: [{path: "/a\nb"}, {path: '/a\nb'}]""",
        r"""files: [{path: "/\u202ea"}, {path: '/\u202ea'}]""",
        r"""files: [{path: "/ ::a::"}, {path: '/ :\x3aa::'}]""",
        rf"services: [{{name: '{'a' * 50}::b::c', state: running}}, {{name: '{'a' * 50}:\x3ab:\x3ac', state: running}}]",
    ],
)
def test_two_items_of_one_test_id_are_refused(body: str) -> None:
    (problem,) = problems(body)
    assert problem.startswith(f"{FILE}:3:")
    assert "has the same test id as" in problem
    assert " on line 3 (declare one of them)" in problem
    assert problem.isprintable()


def test_names_with_backslashes_are_no_twins_of_others() -> None:
    names = [r"dev-disk-by\x2duuid.target", r"dev-disk-by\x3c.target", "dev-disk-by-uuid.target"]
    items = load(
        "services:\n" + "".join(f"- {{name: '{name}', state: running}}\n" for name in names)
    ).items
    assert [identifier(item.name) for item in items] == names


@pytest.mark.parametrize(
    "path",
    ["/a\\nb", "/it's", "/$(reboot)", "/`id`", "/*", "/a b", "/caf\\xe9", "/-rf", "/a;b", '/\\"'],
)
def test_paths_are_data(path: str) -> None:
    (item,) = load(f'files: [{{path: "{path}"}}]').items
    assert item.name == path.encode().decode("unicode_escape")


def test_what_a_terminal_would_obey_is_escaped() -> None:
    (problem,) = problems('services: [{name: "\\e[2J\\a", state: running}]')
    assert problem.isprintable()
    assert "\\x1b" in problem


def test_long_names_are_shortened() -> None:
    for problem in problems(
        f"sysctl: {{{'a' * 5_000}: {'b' * 5_000}, ? {'c' * 5_000} : 1}}\n? {'d' * 5_000}\n: 1\n"
    ):
        assert len(problem) < 300


def test_problems_beyond_counting() -> None:
    assert len(problems("services:\n" + "- {name: 'a*', state: x}\n" * 5_000)) <= 101
    assert len(problems("services:\n" + "- {name: cron, state: running}\n" * 5_000)) <= 102
