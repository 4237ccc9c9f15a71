"""A node's folder: its files, what fits and what does not, and how nodes are found."""

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml
from testinfra.backend import BACKENDS

from power_edge.config import ConfigError, find_node_configs, load_node, select
from power_edge.config.node_names import check_name
from power_edge.text import identifier
from tests.support.cases import Verdict, parameters

ROOT = Path(__file__).parents[2]
T420 = ROOT / "node-configs" / "stella-PowerEdge-T420"
STATE = 'version: "1.0"\nmetadata: {site: rig, environment: production}\n'
MACHINE_ID = "2cbb59aee9a34d92a71b9ffb06b592b0"
UUID = "4c4c4544-0035-3510-8053-b8c04f4d3732"
OTHER_UUID = UUID.replace("4", "5")


def make(folder: Path, **files: str) -> Path:
    """A node's folder with a state.yaml and the files given (`system_identity` is
    system-identity.yaml).
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {"state": STATE, **files}.items():
        (folder / f"{name.replace('_', '-')}.yaml").write_text(text)
    return folder


def problems(folder: Path) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load_node(folder)
    return [str(problem) for problem in caught.value.problems]


def identity(
    primary: str = MACHINE_ID, id_type: str = "machine-id", os_type: str = "linux", **changes: Any
) -> dict[str, Any]:
    """A system-identity.yaml that fits itself, and then the changes (`identifiers__machine_id=...`;
    None removes).
    """
    key = f"{os_type}:{primary}"
    document: dict[str, Any] = {
        "platform": {"os_type": os_type},
        "identifiers": {"primary_id": primary, "id_type": id_type},
        "composite_key": {
            "key": key,
            "components": [
                {"name": "os_type", "value": os_type},
                {"name": "primary_id", "value": primary},
            ],
            "hash": sha256(key.encode()).hexdigest(),
        },
    }
    for path, value in changes.items():
        *parents, last = path.split("__")
        part = document
        for parent in parents:
            part = part.setdefault(parent, {})
        if value is None:
            del part[last]
        else:
            part[last] = value
    return document


def test_the_t420_loads_as_it_is() -> None:
    node = load_node(T420)
    assert node.name == "stella-PowerEdge-T420"
    assert [(item.type, item.name) for item in node.items] == [
        ("services", "docker"),
        ("services", "openvpn@server"),
        ("services", "ssh"),
        ("sysctl", "net.ipv4.ip_forward"),
        ("sysctl", "net.bridge.bridge-nf-call-iptables"),
        ("sysctl", "vm.swappiness"),
        ("sysctl", "fs.inotify.max_user_watches"),
        ("sysctl", "kernel.panic"),
        ("sysctl", "net.ipv4.tcp_keepalive_time"),
    ]
    assert node.system_identity is not None
    assert node.system_identity.validation is not None
    assert node.system_identity.validation.require_match is True
    assert node.connection is not None
    assert node.connection.ssh is not None
    assert (
        node.connection.ssh.host,
        node.connection.ssh.user,
        node.connection.connect_timeout,
    ) == ("10.8.0.1", "stella", 10)
    assert node.identity is not None
    assert node.identity.container_host is not None
    assert node.identity.container_host.workloads is None
    assert node.watcher is not None
    assert node.watcher.watchers.inotify is not None
    assert node.watcher.watchers.inotify.paths is None


@pytest.mark.parametrize("file", sorted(T420.glob("*.yaml")), ids=lambda file: file.name)
def test_files_name_a_schema_that_is_there(file: Path) -> None:
    line, _, _ = file.read_text().partition("\n")
    assert line.startswith("# yaml-language-server: $schema=")
    assert (file.parent / line.partition("=")[2]).is_file()


def test_optional_files(tmp_path: Path) -> None:
    node = load_node(make(tmp_path / "rig-07"))
    assert (node.identity, node.system_identity, node.connection, node.watcher) == (
        None,
        None,
        None,
        None,
    )


def test_problems_of_all_files_and_their_names(tmp_path: Path) -> None:
    folder = make(
        tmp_path / "elsewhere" / "rig-07",
        state="",
        watcher="version: '1.0'",
        connection="sssh: {}",
        identity="x: 1",
        system_identity="[]",
    )
    found = problems(folder)
    assert {problem.split(":")[0] for problem in found} == {
        f"node-configs/rig-07/{name}.yaml"
        for name in ("state", "watcher", "connection", "identity", "system-identity")
    }


@pytest.mark.parametrize(
    "name",
    [
        "-rf",
        "a\nb",
        "a:b",
        "a[1]",
        "a*",
        " a",
        "\x1b[2J",
        "a'b",
        # Nobody sees the last character.
        "rig-7 ",
        "rig-7.",
        "rig-7\u00a0",
        "rig-7\u200b",
        "rig-7\u3164",
        # Names that look like others.
        "r\u0456g-7",
        "\u03c1\u03b9g-7",
        "\uff52ig-7",
        "rig-\uff17",
        "\ufb01g",
        "rig-\u09ea",
        "\U0001d42big-7",
        "rig\u02d07",
        "gro\u0308\u00dfe",
    ],
)
def test_names_of_nodes(tmp_path: Path, name: str) -> None:
    (problem,) = problems(make(tmp_path / name))
    assert "is not a valid node name" in problem
    assert problem.isprintable()


@pytest.mark.parametrize(
    "name",
    [
        "rig-07",
        "stella-PowerEdge-T420",
        "größe",
        "a b",
        "a.b_c+d@e",
        "a-",
        "риг-7",
        "東京-rigラック7",
        "x" * 255,
    ],
)
def test_names_that_will_do(tmp_path: Path, name: str) -> None:
    assert load_node(make(tmp_path / name)).name == name


def test_a_name_that_will_do_is_the_same_in_an_id() -> None:
    """Otherwise the tests of two folders could have one id."""
    for character in map(
        chr, (*range(0x3000), 0xD800, 0xDCFF, 0xE000, 0xFEFF, 0xE0001, sys.maxunicode)
    ):
        name = f"a{character}"
        with suppress(ConfigError):
            check_name(name)
            assert identifier(name) == name


def test_what_is_no_regular_file(tmp_path: Path) -> None:
    folder = make(tmp_path / "rig-07")
    os.mkfifo(folder / "watcher.yaml")
    (folder / "connection.yaml").mkdir()
    (folder / "identity.yaml").symlink_to("nowhere")
    (folder / "system-identity.yaml").symlink_to("/dev/zero")
    assert [problem.partition(": ")[2] for problem in sorted(problems(folder))] == [
        "is not a regular file",
        "is a symbolic link to something that does not exist",
        "is a symbolic link that leads out of node-configs/ (it was not read: replace the link with the file, or with a link to a file below node-configs/)",
        "is not a regular file",
    ]


def test_a_file_that_is_to_be_empty_is_not_the_one_that_is_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is empty"):
        load_node(make(tmp_path / "rig-07"), {"state.yaml": b""})


def test_messages_are_bounded(tmp_path: Path) -> None:
    document = identity(composite_key__key=f"linux:{'x' * 5000}")
    found = problems(
        make(
            tmp_path / "rig-07",
            system_identity=yaml.safe_dump(document),
            watcher=f"{{version: '1.0', {'k' * 9000}: 1}}",
        )
    )
    assert found
    assert max(map(len, found)) < 1500


def test_a_folder_without_a_state(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path)
    assert "is missing" in problem


NO_STATES: dict[str, tuple[Callable[[Path], None], str]] = {
    "a link that leads nowhere": (
        lambda folder: (folder / "state.yaml").symlink_to("gone.yaml"),
        "state.yaml: is a symbolic link to something that does not exist",
    ),
    "a link to itself": (
        lambda folder: (folder / "state.yaml").symlink_to("state.yaml"),
        "state.yaml: ",
    ),
    "a folder": (
        lambda folder: (folder / "state.yaml").mkdir(),
        "state.yaml: is not a regular file",
    ),
    "a FIFO": (
        lambda folder: os.mkfifo(folder / "state.yaml"),
        "state.yaml: is not a regular file",
    ),
    **{
        name: (
            lambda folder, name=name: (folder / name).write_text(STATE),  # type: ignore[misc]
            f"{name}: is not read: its name must be state.yaml",
        )
        for name in ("state.yml", "State.yaml", "STATE.YAML", "State.yml")
    },
    **{
        name: (lambda folder, name=name: (folder / name).write_text("a: b\n"), words)  # type: ignore[misc]
        for name, words in {
            "system-identity.yaml": "state.yaml: is missing",
            "identity.yaml": "state.yaml: is missing",
            "connection.yaml": "state.yaml: is missing",
            "watcher.yaml": "state.yaml: is missing",
            "connection.yml": "connection.yml: is not read: its name must be connection.yaml",
        }.items()
    },
}
"""How the folder of a node may lack a state.yaml, and the message for each."""


@pytest.mark.parametrize("case", NO_STATES)
def test_a_node_s_folder_without_a_usable_state_is_a_node_all_the_same(
    tmp_path: Path, case: str
) -> None:
    root = tmp_path / "node-configs"
    make(root / "rig-08")
    folder = root / "rig-07"
    folder.mkdir()
    put, words = NO_STATES[case]
    put(folder)
    assert [each.name for each in select(root, ["*"])] == ["rig-07", "rig-08"]
    assert select(root, ["rig-07"]) == [folder]
    assert any(f"node-configs/rig-07/{words}" in problem for problem in problems(folder)), problems(
        folder
    )


def test_a_link_that_leads_nowhere_in_place_of_a_folder_is_a_node(tmp_path: Path) -> None:
    root = tmp_path / "node-configs"
    make(root / "rig-08")
    (root / "rig-07").symlink_to("gone")
    assert [each.name for each in select(root, ["*"])] == ["rig-07", "rig-08"]
    assert problems(root / "rig-07") == [
        "node-configs/rig-07: is a symbolic link to something that does not exist (point it to the node's folder, or remove it)"
    ]


@pytest.mark.parametrize(
    "name", ["state.yml", "Connection.yaml", "system-identity.yml", "WATCHER.YML"]
)
def test_a_file_that_nothing_reads_for_its_name_is_no_file_beside(
    tmp_path: Path, name: str
) -> None:
    folder = make(tmp_path / "rig-07")
    (folder / name).write_text(STATE)
    right = name.lower().replace(".yml", ".yaml")
    (problem,) = problems(folder)
    assert (
        problem
        == f"node-configs/rig-07/{name}: is not read: its name must be {right} (rename it to {right}, or remove it)"
    )


def test_what_is_no_file_of_a_node_makes_no_node(tmp_path: Path) -> None:
    root = tmp_path / "node-configs"
    make(root / "rig-08")
    (root / "shared").mkdir()
    for name in (
        "README.md",
        "state.yaml.bak",
        "my-state.yml",
        "test_own.py",
        ".state.yaml.swp",
        "policy.yaml",
    ):
        (root / "shared" / name).write_text("")
    (root / "state.yml").write_text("")
    (root / "link").symlink_to("shared")
    assert [each.name for each in select(root, ["*"])] == ["rig-08"]


NOT_FROM_A_FILE = [
    *sorted({*BACKENDS} - {"local", "ssh", "paramiko", "docker", "podman", "kubectl", "lxc"}),
    "pigeon",
]
"""Each could be made to run a program that a branch brings: ansible://web reads the checkout's
ansible.cfg.
"""


WITH_PASSWORD = [
    "ssh://root:x@rig",
    "ssh://root:@rig",
    "ssh://root%3Ax@rig",
    "paramiko://root:x@y/z@rig?sudo=true",
    "pigeon://root:x@rig",
]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ssh: {host: -oProxyCommand=x}", "a host begins with"),
        ("ssh: {host: a, user: '-l'}", "a user begins with"),
        ("ssh: {user: a}", "host is missing"),
        ("ssh: {host: a}\nurl: ssh://a", "not both"),
        ("url: ssh://a?ssh_extra_args=-oProxyCommand=x", "could run commands on this machine"),
        ("url: ssh://a?ssh_config=x", "could run commands on this machine"),
        *((f"url: {backend}://a", "BACKEND is local, ssh") for backend in NOT_FROM_A_FILE),
        ("url: 'ssh://a b'", "BACKEND://HOST"),
        ("url: host", "BACKEND://HOST"),
        ("url: ssh://-oProxyCommand=id", "BACKEND://HOST"),
        ("url: ssh://a@%2DoProxyCommand%3Did", "BACKEND://HOST"),
        *(
            (f"url: '{destination}'", "it holds a password, and a file must hold none")
            for destination in WITH_PASSWORD
        ),
        *(
            (
                f"ssh: {{host: '{destination}'}}",
                "it holds a password, and a file must hold none",
            )
            for destination in ("root:x@rig", "root:a/b:c@rig")
        ),
        ("ssh: {host: a, user: 'root:x'}", "it holds a password, and a file must hold none"),
        ("ssh: {host: root@rig}", "no user"),
        ("url: ssh://ro ot@rig:22", "BACKEND://HOST"),
        ("connect_timeout: 0", "more than 0"),
        ("connect_timeout: .inf", "in quotes"),
        ("connect_timeout: 10s", "a number of seconds"),
    ],
)
def test_bad_connections(tmp_path: Path, text: str, words: str) -> None:
    (problem,) = problems(make(tmp_path / "rig-07", connection=text))
    assert words in problem


@pytest.mark.parametrize(
    "url",
    [
        "local://",
        "docker://web",
        "ssh://a@[fd00::1]:22",
        "ssh://u@10.0.0.1:2222?sudo=true",
        "kubectl://pod?namespace=a&container=b",
    ],
)
def test_urls_of_backends(tmp_path: Path, url: str) -> None:
    node = load_node(make(tmp_path / "rig-07", connection=f"url: '{url}'"))
    assert node.connection is not None
    assert node.connection.url == url


@pytest.mark.parametrize(
    "document",
    [
        identity(),
        identity(platform=None),
        identity(composite_key__components=None),
        identity(
            identifiers__machine_id=MACHINE_ID.upper(),
            identifiers__dmi_product_uuid=UUID,
            identifiers__dmi_board_serial="To be filled by O.E.M.",
        ),
        identity(UUID, "product-uuid", identifiers__machine_id=MACHINE_ID),
        identity(UUID.upper(), "hardware-uuid", identifiers__dmi_product_uuid=UUID),
        identity("F973EA73-DDCB-5232-90B8-110F3A0474FA", "io-platform-uuid", "darwin"),
        identity(UUID, "hardware-uuid", identifiers__io_platform_uuid=OTHER_UUID),
        identity(UUID, "hardware-uuid", "darwin", identifiers__dmi_product_uuid=OTHER_UUID),
        identity(identifiers__dmi_product_uuid=UUID, identifiers__hardware_uuid=UUID.upper()),
        identity(identifiers__dmi_product_uuid=UUID.upper(), identifiers__hardware_uuid=UUID),
        identity(identifiers__io_platform_uuid=UUID, identifiers__hardware_uuid=OTHER_UUID),
        identity(validation__require_match=False, identifiers=None),
        {"validation": {"require_match": False}},
        {"validation": {"require_match": False}, "platform": {"os_type": "linux"}},
        identity(validation__require_match=True, validation__allow_os_migration=True),
        identity(composite_key=None),
    ],
)
def test_identities_that_fit(tmp_path: Path, document: dict[str, Any]) -> None:
    assert (
        load_node(
            make(tmp_path / "rig-07", system_identity=yaml.safe_dump(document))
        ).system_identity
        is not None
    )


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"platform": {"os_type": "linux"}}, "identifiers is missing"),
        ({"validation": {"require_match": True}}, "identifiers is missing"),
        ({"validation": {"allow_os_migration": True}}, "identifiers is missing"),
        (identity(identifiers__primary_id=None), "primary_id is missing"),
        (identity(identifiers__id_type=None), "id_type is missing"),
        (
            identity(validation__require_match=False, identifiers__id_type=None),
            "primary_id without id_type",
        ),
        (
            identity(validation__require_match=False, identifiers__primary_id=None),
            "id_type without primary_id",
        ),
        (identity(composite_key__hash="0" * 64), "the hash does not match the key"),
        (
            identity(validation__check_on_startup=False),
            "the identity is always checked, at the start too",
        ),
        (
            identity(composite_key__hash=sha256(f"linux:{MACHINE_ID}\n".encode()).hexdigest()),
            "without a newline",
        ),
        (identity(composite_key__hash="abc"), "64 hexadecimal"),
        (
            identity(composite_key__components=[{"name": "primary_id", "value": "x"}]),
            "the component primary_id does not match",
        ),
        (
            identity(composite_key__components=[{"name": "os_type", "value": "bsd"}]),
            "the component os_type does not match",
        ),
        (
            identity(composite_key__components=[{"name": "os_type", "value": "linux"}] * 2),
            "duplicate component",
        ),
        (identity(platform__os_type="bsd"), "the key is for linux, but the platform is bsd"),
        (identity(identifiers__primary_id="0" * 31 + "1"), "the key does not end in primary_id"),
        (identity(identifiers__machine_id="0" * 31 + "1"), "machine_id differs from primary_id"),
        (identity(identifiers__machine_id="0" * 32), "not all of them zero"),
        (identity(identifiers__machine_id=""), "32 hexadecimal digits"),
        (identity("uninitialized"), "32 hexadecimal digits"),
        (identity("0" * 32), "not all of them zero"),
        (identity(MACHINE_ID + "\n"), "a key is os_type"),
        (identity(UUID), "32 hexadecimal digits"),
        (identity(MACHINE_ID, "product-uuid"), "a UUID is"),
        (identity("00000000-0000-0000-0000-000000000000", "product-uuid"), "a UUID is"),
        (
            identity(UUID, "product-uuid", identifiers__dmi_product_uuid=OTHER_UUID),
            "dmi_product_uuid differs from primary_id",
        ),
        (
            identity(UUID, "product-uuid", "darwin", identifiers__dmi_product_uuid=OTHER_UUID),
            "dmi_product_uuid differs from primary_id",
        ),
        (
            identity(UUID, "hardware-uuid", identifiers__hardware_uuid=OTHER_UUID),
            "hardware_uuid differs from primary_id",
        ),
        (
            identity(UUID, "product-uuid", identifiers__hardware_uuid=OTHER_UUID),
            "hardware_uuid differs from primary_id",
        ),
        (
            identity(UUID, "hardware-uuid", identifiers__dmi_product_uuid=OTHER_UUID),
            "dmi_product_uuid differs from primary_id",
        ),
        (
            identity(UUID, "hardware-uuid", "darwin", identifiers__io_platform_uuid=OTHER_UUID),
            "io_platform_uuid differs from primary_id",
        ),
        (
            identity(identifiers__dmi_product_uuid=UUID, identifiers__hardware_uuid=OTHER_UUID),
            "hardware_uuid differs from dmi_product_uuid",
        ),
        (
            identity(
                os_type="darwin",
                identifiers__io_platform_uuid=UUID,
                identifiers__hardware_uuid=OTHER_UUID,
            ),
            "hardware_uuid differs from io_platform_uuid",
        ),
        (identity(identifiers__id_type="machine_id"), "did you mean machine-id?"),
        (identity(identifiers__primary_id=1), "should be text"),
    ],
)
def test_identities_that_do_not_fit(tmp_path: Path, document: dict[str, Any], words: str) -> None:
    found = problems(make(tmp_path / "rig-07", system_identity=yaml.safe_dump(document)))
    assert any(words in problem for problem in found), found
    assert all(problem.startswith("node-configs/rig-07/system-identity.yaml:") for problem in found)


@pytest.mark.parametrize(
    ("document", "line", "words"),
    [
        (
            identity(validation__require_match=False, identifiers__id_type=None),
            "  primary_id: ",
            "give both or none",
        ),
        (identity("0" * 31), "  primary_id: ", "32 hexadecimal digits"),
        (
            identity(identifiers__machine_id="0" * 31 + "1"),
            "  machine_id: ",
            "one of them is wrong",
        ),
        (
            identity(identifiers__dmi_product_uuid=UUID, identifiers__hardware_uuid=OTHER_UUID),
            "  hardware_uuid: ",
            "a machine has one hardware UUID: one of them is wrong",
        ),
        (identity(platform__os_type="bsd"), "  key: ", f"write bsd:{MACHINE_ID}"),
        (identity(identifiers__primary_id="0" * 31 + "1"), "  key: ", f"write linux:{'0' * 31}1"),
        (identity(composite_key__hash="0" * 64), "  hash: ", "the SHA-256 of the key"),
        (
            identity(composite_key__components=[{"name": "os_type", "value": "bsd"}]),
            "  - name: os_type",
            "the key has linux",
        ),
    ],
)
def test_a_contradiction_is_shown_where_it_is_with_what_to_do(
    tmp_path: Path, document: dict[str, Any], line: str, words: str
) -> None:
    written = yaml.safe_dump(document)
    (found,) = problems(make(tmp_path / "rig-07", system_identity=written))
    assert words in found
    assert written.splitlines()[int(found.split(":")[1]) - 1].startswith(line)


REFUSED = [
    param
    for param in parameters("identity")
    if (it := param.values[1]).verdict == "invalid" and "key" in it.declared["identity"]
]


@pytest.mark.parametrize(("_case", "verdict"), REFUSED)
def test_recorded_identities_that_are_refused(
    tmp_path: Path, _case: object, verdict: Verdict
) -> None:
    declared = verdict.declared["identity"]
    primary = declared["key"].partition(":")[2]
    document = identity(
        primary, composite_key__key=declared["key"], composite_key__hash=declared["hash"]
    )
    problems(make(tmp_path / "rig-07", system_identity=yaml.safe_dump(document)))
    del document["identifiers"]
    document["validation"] = {"require_match": False}
    problems(make(tmp_path / "rig-07", system_identity=yaml.safe_dump(document)))


def test_the_nearest_node_configs(tmp_path: Path) -> None:
    outer = make(tmp_path / "node-configs" / "rig-07").parent
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert find_node_configs(inner) == outer
    assert find_node_configs(outer / "rig-07") == outer
    (tmp_path / "a" / "node-configs").mkdir()
    assert find_node_configs(inner) == tmp_path / "a" / "node-configs"


def test_selection(tmp_path: Path) -> None:
    root = tmp_path / "node-configs"
    for name in ("rig-07", "rig-08", "Rig-09", "home"):
        make(root / name)
    (root / "shared").mkdir()
    (root / "README.md").touch()
    make(root / ".hidden")

    def names(*patterns: str) -> list[str]:
        return [folder.name for folder in select(root, patterns)]

    assert names("rig-*") == ["rig-07", "rig-08"]
    assert names("home", "*", "rig-07") == ["Rig-09", "home", "rig-07", "rig-08"]
    assert names("rig-0[78]") == ["rig-07", "rig-08"]
    assert select(root, ["home"]) == [root / "home"]


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [
        ("rig-7", "did you mean rig-07"),
        ("RIG-07", "did you mean rig-07"),
        ("shared", "the nodes are home, rig-07"),
        ("zzz*", "the nodes are home, rig-07"),
        ("[z-a]", "the nodes are home, rig-07"),
        ("[", "the nodes are home, rig-07"),
        ("", "the nodes are home, rig-07"),
        ("../home", "home"),
        ("a\x1b[2Jb", "the nodes are home, rig-07"),
    ],
)
def test_a_pattern_that_matches_no_node(tmp_path: Path, pattern: str, hint: str) -> None:
    root = tmp_path / "node-configs"
    for name in ("rig-07", "home"):
        make(root / name)
    (root / "shared").mkdir()
    with pytest.raises(ConfigError) as caught:
        select(root, ["home", pattern])
    (problem,) = caught.value.problems
    assert hint in str(problem)
    assert str(problem).isprintable()


def test_no_node_configs_at_all(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--node-configs=DIR"):
        select(None, ["rig-07"])
    with pytest.raises(ConfigError, match="cannot be read"):
        select(tmp_path / "nowhere", ["rig-07"])
    with pytest.raises(ConfigError, match=r"no folder in .* has a"):
        select(tmp_path, ["rig-07"])
