"""`power-edge discover`, from what a machine printed to the files of its node."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from power_edge import atomic_file
from power_edge.checking.check import route_to
from power_edge.checking.target import Target, target
from power_edge.cli import cli
from power_edge.config import ConfigError, load_node
from power_edge.discover import collect
from power_edge.discover.collect import script_for
from power_edge.probing.connection import Options
from power_edge.probing.framing import Answer, read
from power_edge.probing.script import Timeouts
from tests.cli.test_init import MACHINE_ID, OPEN, OTHER_ID, folder, identity
from tests.support.answers import answer, digest, sysctl

Run = Callable[..., Result]
FOUND = b"""\
+net/ipv4/ip_forward\t/etc/sysctl.d/a.conf sets it
+vm/swappiness\t/etc/sysctl.d/a.conf sets it
-net.ipv4.conf.*.rp_filter\ta pattern of /etc/sysctl.d/a.conf
?/etc/sysctl.d/b.conf\tonly root may read it
"""
HAND_MADE = """\
# The one on the roof.
version: "1.0"
metadata: {site: roof, environment: production}  # ours

sysctl:
  vm/swappiness: "10"   # less than usual
"""


class Machine:
    """The machine at the end of the way."""

    def __init__(self) -> None:
        self.identity: bytes | tuple[int, bytes, str] = identity(MACHINE_ID)
        self.hostname = b"rig\x1b[31m 7"
        self.values = {"net.ipv4.ip_forward": "1", "vm.swappiness": "60"}
        self.roles = b"openvpn\topenvpn@server.service runs\nforwarding\tnet.ipv4.ip_forward is 1\n"
        self.urls: list[str] = []
        self.requested: dict[str, Any] = {}

    def answer(self, node: str = "unknown") -> bytes:
        sections = {
            "identity": self.identity,
            "about.who": b"hostname\t" + self.hostname + b"\n",
            "about.hardware": b"vendor\tDell Inc.\nmodel\tPowerEdge T420\narchitecture\tx86_64\n",
            "about.roles": self.roles,
            "find.sysctl": FOUND,
            "sysctl.0": sysctl(self.values, ["net.ipv4.ip_forward", "vm.swappiness"]),
        }
        return answer(
            node, sections, machine=None, readings=[("machine-id", "ok", digest(MACHINE_ID))]
        )

    def ask(self, target: Target, types: Sequence[str], **options: Any) -> Answer:
        self.urls.append(target.route.url)
        self.requested = {"types": types, "everything": options["everything"]}
        return read(self.answer(target.name))


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    created = Machine()
    monkeypatch.setattr(collect, "ask", created.ask)
    return created


@pytest.fixture
def root(tmp_path: Path) -> Path:
    created = tmp_path / "node-configs"
    created.mkdir()
    return created


@pytest.fixture
def run(machine: Machine, root: Path) -> Run:
    return lambda *arguments, **options: CliRunner().invoke(
        cli, ["--node-configs", str(root), "discover", *arguments], **options
    )


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_machine_gets_a_folder_that_loads(run: Run, machine: Machine, root: Path) -> None:
    done = run("stella@10.0.0.7")
    assert done.exit_code == 0
    assert machine.urls == ["ssh://stella@10.0.0.7"]
    node = load_node(root / "rig-31m-7")
    assert [(item.name, item.expected["value"]) for item in node.state.items] == [
        ("net.ipv4.ip_forward", "1"),
        ("vm.swappiness", "60"),
    ]
    assert node.identity is not None
    assert node.identity.node.tags == ["vpn-gateway", "openvpn"]
    assert node.identity.node.hardware is not None
    assert node.identity.node.hardware.model == "Dell Inc. PowerEdge T420"
    assert [role.name for role in node.identity.roles or ()] == ["vpn-gateway"]
    (unit,) = [item for item in node.items if item.reasons]
    assert (unit.type, unit.name) == ("services", "openvpn@server")
    assert node.watcher is None  # what is declared is watched without it
    assert (node.state.metadata.site, node.state.metadata.environment) == (None, None)
    assert node.connection is not None
    assert node.connection.ssh is not None
    assert (node.connection.ssh.user, node.connection.ssh.host) == ("stella", "10.0.0.7")
    for file in contents(root / "rig-31m-7").values():
        assert b"\x1b" not in file


def test_each_item_says_where_it_comes_from_and_each_omission_why(run: Run, root: Path) -> None:
    run()
    text = (root / "rig-31m-7" / "state.yaml").read_text()
    assert "# /etc/sysctl.d/a.conf sets it\nsysctl:\n" in text
    assert '  vm.swappiness: "60"\n' in text
    assert (
        "# sysctl left out: net.ipv4.conf.*.rp_filter: a pattern of /etc/sysctl.d/a.conf\n" in text
    )
    assert "# sysctl not observed: /etc/sysctl.d/b.conf: only root may read it\n" in text
    declared = (root / "rig-31m-7" / "identity.yaml").read_text()
    assert "  - vpn-gateway  # openvpn@server.service runs; net.ipv4.ip_forward is 1\n" in declared
    assert (
        "# openvpn@server.service runs\n# net.ipv4.ip_forward is 1\n- name: vpn-gateway\n"
        in declared
    )


def test_a_person_sees_a_table_and_what_was_not_seen_once(run: Run) -> None:
    done = run()
    assert "net.ipv4.ip_forward" in done.stdout
    assert (
        "wrote node-configs/rig-31m-7/\n  state.yaml, identity.yaml, system-identity.yaml\n"
        in done.stdout
    )
    assert "next: power-edge check rig-31m-7\n" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert done.stderr.splitlines() == [
        "left out: 1 of sysctl; state.yaml says why",
        "not observed: /etc/sysctl.d/b.conf: only root may read it",
    ]
    assert "\x1b" not in done.output


def test_another_name_and_other_ways(run: Run, machine: Machine, root: Path) -> None:
    assert run("docker://web", "--as", "web-1").exit_code == 0
    connection = load_node(root / "web-1").connection
    assert connection is not None
    assert connection.url == "docker://web"
    requested = list(machine.urls)
    assert run("--as", "../up").exit_code == 1
    assert machine.urls == requested


@pytest.mark.parametrize(
    ("arguments_or_file", "ssh"),
    [
        ("stella@Web-T420", {"user": "stella", "host": "Web-T420", "port": None}),
        ("stella@fd10:8::7", {"user": "stella", "host": "fd10:8::7", "port": None}),
        ("ssh://[fd10:8::7]:2222", {"user": None, "host": "fd10:8::7", "port": 2222}),
        ("ssh://Web:22", {"user": None, "host": "Web", "port": 22}),
    ],
)
def test_the_way_on_file_is_the_one_that_was_gone(
    run: Run, root: Path, arguments_or_file: str, ssh: dict[str, object]
) -> None:
    assert run(arguments_or_file).exit_code == 0
    node = load_node(root / "rig-31m-7")
    assert node.connection is not None
    assert node.connection.ssh is not None
    assert {name: getattr(node.connection.ssh, name) for name in ssh} == ssh
    assert route_to(node, Options()).url == target(arguments_or_file, root, Options()).route.url


def test_what_is_asked_for(run: Run, machine: Machine) -> None:
    run("--all", "--only", "sysctl, files", "--merge")
    assert machine.requested == {"types": ("sysctl", "files"), "everything": True}
    done = run("--only", "servces")
    assert (done.exit_code, "did you mean services?" in done.stderr) == (
        2,
        True,
    )  # click's own, which main() makes 4
    assert run("--only", "files", "--force").exit_code == 2
    assert run("--merge", "--force").exit_code == 2


@pytest.mark.parametrize("arguments_or_file", [[], ["--merge"], ["--force"]])
def test_what_is_there_already_and_the_same_stays(
    run: Run, root: Path, arguments_or_file: list[str]
) -> None:
    run()
    before = contents(root / "rig-31m-7")
    done = run(*arguments_or_file)
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (
        0,
        "node-configs/rig-31m-7/ is up to date",
    )
    assert contents(root / "rig-31m-7") == before


def test_without_anybody_to_ask_nothing_is_written(run: Run, root: Path) -> None:
    created = folder(root, "here", state=HAND_MADE.encode(), system_identity=identity(MACHINE_ID))
    before = contents(created)
    done = run()
    assert done.exit_code == 1  # click's own, which main() makes 4
    assert '+  net.ipv4.ip_forward: "1"' in done.stdout
    assert "use --merge to add it" in done.stderr
    assert contents(created) == before


@pytest.mark.parametrize(("reply", "written"), [("y\n", True), ("n\n", False), ("", False)])
def test_somebody_is_asked(
    run: Run, root: Path, monkeypatch: pytest.MonkeyPatch, reply: str, written: bool
) -> None:
    monkeypatch.setattr(
        "power_edge.cli._confirm.sys", SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True))
    )
    created = folder(root, "here", state=HAND_MADE.encode(), system_identity=identity(MACHINE_ID))
    before = contents(created)
    done = run(input=reply)
    assert "Write this to node-configs/here/? [y/N]" in done.stdout
    assert (contents(created) != before) is written


def test_a_file_that_is_changed_while_somebody_is_asked_stays(
    run: Run, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    created = folder(root, "here", state=HAND_MADE.encode(), system_identity=identity(MACHINE_ID))
    saved = HAND_MADE.encode() + b"# saved by an editor\n"

    def agreed(*_: object, **__: object) -> bool:
        (created / "state.yaml").write_bytes(saved)
        return True

    monkeypatch.setattr("power_edge.cli.discover.agreed", agreed)
    done = run()
    assert (
        "node-configs/here/state.yaml: was changed meanwhile; nothing was written (try again)"
        in str(done.exception)
    )
    assert contents(created) == {"state.yaml": saved, "system-identity.yaml": identity(MACHINE_ID)}


def test_merged_is_what_is_new_and_a_person_s_own_words_stay(run: Run, root: Path) -> None:
    created = folder(root, "here", state=HAND_MADE.encode(), system_identity=identity(MACHINE_ID))
    done = run("--merge")
    assert done.exit_code == 0
    text = (created / "state.yaml").read_text()
    assert text.startswith(HAND_MADE)
    assert {item.name: item.expected["value"] for item in load_node(created).state.items} == {
        "vm/swappiness": "10",
        "net.ipv4.ip_forward": "1",
    }
    assert (created / "system-identity.yaml").read_bytes() == identity(MACHINE_ID)
    assert run("--merge").stdout.splitlines()[-1] == "node-configs/here/ is up to date"


def test_a_role_that_demands_what_is_not_so_is_not_enabled(
    run: Run, machine: Machine, root: Path
) -> None:
    machine.roles += b"node_exporter\tnode_exporter.service runs\n"
    stopped = HAND_MADE + "services: [{name: openvpn@server, state: stopped}]\n"
    created = folder(root, "here", state=stopped.encode(), system_identity=identity(MACHINE_ID))
    assert run("--merge").exit_code == 0
    node = load_node(created)
    assert not any(item.reasons for item in node.items)
    assert node.identity is not None
    assert [(role.name, role.enabled) for role in node.identity.roles or ()] == [
        ("vpn-gateway", False),
        ("monitoring-target", True),
    ]
    assert (
        "# Not enabled: the machine does not meet its demands now"
        in (created / "identity.yaml").read_text()
    )


def test_an_identity_that_contradicts_the_machine_is_said_to_be_merged(
    run: Run, root: Path
) -> None:
    by_hand = (
        b'version: "1.0"\nnode: {hostname: "rig\\e[31m 7"}\nnetwork_tuning: {ip_forward: false}\n'
    )
    created = folder(
        root,
        "here",
        state=HAND_MADE.encode(),
        system_identity=identity(MACHINE_ID),
        identity=by_hand,
    )
    before = contents(created)
    done = run("--merge")
    assert isinstance(done.exception, ConfigError)
    said = str(done.exception)
    assert (
        ": after merging, and nothing was written: sysctl 'net.ipv4.ip_forward': value must be"
        in said
    )
    assert "change what you wrote in state.yaml and identity.yaml, or the machine" in said
    assert "lines are those of the files after merging" in said
    assert contents(created) == before


def test_replaced_is_what_was_found_but_not_the_way_nor_the_identity(run: Run, root: Path) -> None:
    arguments_or_file = b"ssh: {host: 10.0.0.9}\n"
    created = folder(
        root,
        "here",
        state=HAND_MADE.encode(),
        system_identity=identity(MACHINE_ID),
        connection=arguments_or_file,
    )
    assert run("root@10.0.0.7", "--force").exit_code == 0
    assert {item.name: item.expected["value"] for item in load_node(created).state.items} == {
        "vm.swappiness": "60",
        "net.ipv4.ip_forward": "1",
    }
    assert (
        (created / "connection.yaml").read_bytes(),
        (created / "system-identity.yaml").read_bytes(),
    ) == (arguments_or_file, identity(MACHINE_ID))


@pytest.mark.parametrize("file", ["connection", "system_identity"])
def test_a_folder_that_was_prepared_without_a_state_becomes_the_node(
    run: Run, root: Path, file: str
) -> None:
    created = folder(
        root,
        "rig-1",
        **{file: b"ssh: {host: 10.0.0.7}\n" if file == "connection" else identity(MACHINE_ID)},
    )
    (created / "state.yaml").unlink()
    with pytest.raises(ConfigError, match=r"state\.yaml: is missing"):
        load_node(created)
    assert run("root@10.0.0.7", "--as", "rig-1", "--merge").exit_code == 0
    assert load_node(created).items


def test_another_machine_does_not_get_into_a_node_s_folder(run: Run, root: Path) -> None:
    created = folder(root, "rig-31m-7", system_identity=identity(OTHER_ID))
    before = contents(created)
    for arguments in ([], ["--merge"], ["--force"], ["--as", "rig-31m-7"]):
        done = run(*arguments)
        assert (done.exit_code, "belongs to another machine" in done.stderr) == (12, True)
    assert contents(created) == before


def test_a_node_s_gate_is_judged_by_the_answer(run: Run, root: Path) -> None:
    folder(root, "there", system_identity=identity(OTHER_ID), connection=b"ssh: {host: 10.0.0.9}\n")
    done = run("there", "--merge")
    assert (done.exit_code, "another machine" in done.stderr) == (12, True)
    folder(root, "here", system_identity=identity(MACHINE_ID))
    assert "another machine: its machine-id is on file for here" in run("there", "--merge").stderr


def test_a_machine_is_one_node(run: Run, root: Path) -> None:
    folder(root, "here", system_identity=identity(MACHINE_ID))
    done = run("--as", "twice")
    assert done.exit_code == 1
    first, second = str(done.exception).split("\n")
    assert (
        first
        == "this machine is already the node here; to write that node: power-edge discover here"
    )
    assert second.startswith(
        "node-configs/twice/system-identity.yaml: is for the same machine as node-configs/here/"
    )
    assert not (root / "twice").exists()


@pytest.mark.parametrize("arguments_or_file", [[], ["--merge"], ["--force"]])
def test_a_clone_is_not_taken_for_its_original(
    run: Run, machine: Machine, root: Path, arguments_or_file: list[str]
) -> None:
    assert run("joe@original").exit_code == 0
    created = root / "rig-31m-7"
    before = contents(created)
    machine.hostname, machine.values["vm.swappiness"] = b"clone", "1"
    done = run("joe@clone", *arguments_or_file)
    assert done.exit_code == 1
    assert (
        "node-configs/rig-31m-7: has this machine's identity, but the host name 'rig\\x1b[31m 7' instead of 'clone'"
        in str(done.exception)
    )
    assert "node-configs/rig-31m-7/system-identity.yaml" in str(
        run("joe@clone", "--as", "clone").exception
    )
    assert contents(created) == before
    machine.hostname = b"renamed"
    assert run("rig-31m-7", "--force").exit_code == 0


def test_a_machine_without_identity_is_open_and_says_so(
    run: Run, machine: Machine, root: Path
) -> None:
    machine.identity = (12, b"", "collect-identity.sh: machine-id left out: there is none")
    done = run()
    assert (
        done.stderr.splitlines()[-1]
        == "its identity is not required to match: machine-id left out: there is none"
    )
    assert (root / "rig-31m-7" / "system-identity.yaml").read_bytes() == OPEN
    assert run("--merge").exit_code == 0
    folder(root, "named", system_identity=identity(OTHER_ID))
    assert run("--as", "named", "--merge").exit_code == 12


def test_a_machine_without_identity_is_no_node_that_has_one(
    run: Run, machine: Machine, root: Path
) -> None:
    open_to_all = identity(OTHER_ID) + b"validation: {require_match: false}\n"
    folder(root, "another", system_identity=open_to_all)
    machine.identity = (12, b"", "collect-identity.sh: machine-id left out: there is none")
    assert run().exit_code == 0
    assert sorted(path.name for path in root.iterdir()) == ["another", "rig-31m-7"]


def test_an_answer_that_was_carried(run: Run, machine: Machine, root: Path, tmp_path: Path) -> None:
    (tmp_path / "answer").write_bytes(machine.answer())
    assert run("--answers", str(tmp_path / "answer")).exit_code == 0
    assert machine.urls == []
    assert load_node(root / "rig-31m-7").connection is None
    (tmp_path / "answer").write_bytes(b"no answer")
    assert (
        "sh probes/discover-edge-node.sh >answer"
        in run("--answers", str(tmp_path / "answer")).stderr
    )
    assert "No such file" in run("--answers", str(tmp_path / "none")).stderr


def test_of_an_answer_only_what_is_asked_for_is_taken(
    run: Run, machine: Machine, root: Path, tmp_path: Path
) -> None:
    (tmp_path / "answer").write_bytes(machine.answer())
    assert run("--answers", str(tmp_path / "answer"), "--all").exit_code == 2
    assert run("--answers", str(tmp_path / "answer"), "--only", "files").exit_code == 0
    assert load_node(root / "rig-31m-7").state.items == ()


def test_an_answer_that_was_cut_says_what_it_does_not_hold(
    run: Run, machine: Machine, root: Path, tmp_path: Path
) -> None:
    (tmp_path / "answer").write_bytes(
        machine.answer().partition(b"\n0123456789abcdef0123456789abcdef E sysctl.0")[0]
    )
    done = run("--answers", str(tmp_path / "answer"))
    assert done.exit_code == 0
    hidden = "net.ipv4.ip_forward, vm.swappiness, services, packages, firewall, files"
    assert f"not observed: {hidden}: the answer is incomplete" in " ".join(done.stderr.split())
    assert load_node(root / "rig-31m-7").state.items == ()


def test_an_answer_of_another_script_is_none(run: Run, root: Path, tmp_path: Path) -> None:
    (tmp_path / "answer").write_bytes(answer("a", {"sysctl.0": b""}))
    done = run("--answers", str(tmp_path / "answer"))
    assert done.exit_code == 2  # click's own, which main() makes 4
    assert "this is the answer of a check, and not of a discovery; pytest --node=a" in " ".join(
        done.stderr.split()
    )
    assert list(root.iterdir()) == []


def test_a_full_disk_leaves_nothing_half_written(
    run: Run, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic_file, "_fill", full)
    done = run()
    assert isinstance(done.exception, OSError)
    assert "node-configs/rig-31m-7/state.yaml cannot be written: No space left" in str(
        done.exception
    )
    assert list(root.iterdir()) == []


def test_the_script_has_the_node_s_gate_and_longer_deadlines(root: Path) -> None:
    folder(root, "there", system_identity=identity(OTHER_ID))
    script = script_for(target("there", root, Options()), ("sysctl",), everything=True)
    assert script.expected is not None
    assert script.expected.hashes == {"machine-id": digest(OTHER_ID)}
    assert (script.timeouts.section, script.timeouts.connect) == (
        Timeouts().section * 3,
        Timeouts().connect,
    )
    discovery, probe = '"$pe_lib_node$pe_discovery_sysctl"', '"$pe_lib_node$pe_resources_sysctl"'
    assert f"    pe_discover sysctl {discovery} {probe} all\n" in script.text()


def test_a_dry_run_shows_everything_and_writes_nothing(run: Run, root: Path) -> None:
    done = run("--dry-run")
    assert done.exit_code == 0
    assert "+++ node-configs/rig-31m-7/state.yaml\n" in done.stdout
    assert "+++ node-configs/rig-31m-7/system-identity.yaml\n" in done.stdout
    assert done.stderr.endswith("nothing was written (--dry-run)\n")
    assert not root.exists() or not list(root.iterdir())


def test_json_is_alone_on_stdout(run: Run, root: Path) -> None:
    done = run("--json")
    found = json.loads(done.stdout)
    assert found["node"] == "rig-31m-7"
    assert found["sections"]["sysctl"] == {
        "declared": {"net.ipv4.ip_forward": "1", "vm.swappiness": "60"},
        "left_out": [
            {"what": "net.ipv4.conf.*.rp_filter", "why": "a pattern of /etc/sysctl.d/a.conf"}
        ],
        "not_observed": [{"what": "/etc/sysctl.d/b.conf", "why": "only root may read it"}],
    }
    assert "wrote node-configs/rig-31m-7/" in done.stderr
    assert (root / "rig-31m-7" / "state.yaml").exists()


def test_what_differs_from_the_file_is_reported_and_stays(run: Run, root: Path) -> None:
    run()
    file = root / "rig-31m-7" / "state.yaml"
    file.write_text(file.read_text().replace('swappiness: "60"', 'swappiness: "10"'))
    done = run("--merge")
    assert done.stderr.splitlines()[-2:] == [
        'differs: sysctl[vm.swappiness] value: "10" is declared, "60" was found',
        "state.yaml stays as it is; to accept what was found: power-edge adopt rig-31m-7",
    ]
    assert 'swappiness: "10"' in file.read_text()
    assert "differs" not in run("--force").stderr


def test_a_machine_that_is_a_node_is_shown_as_a_diff_alone(run: Run, root: Path) -> None:
    assert "declared" in run().stdout
    again = run("--merge")
    assert again.stdout == "node-configs/rig-31m-7/ is up to date\n"
    file = root / "rig-31m-7" / "state.yaml"
    file.write_text(file.read_text().replace("vm.swappiness", "#"))
    (first, *_) = run("--merge").stdout.splitlines()
    assert first == "--- node-configs/rig-31m-7/state.yaml"


def test_the_next_command_has_the_options_that_no_file_has(run: Run, tmp_path: Path) -> None:
    config = tmp_path / "ssh config"
    config.write_text("")
    done = run(f"--ssh-config={config}", "--sudo")
    assert done.stdout.endswith(
        f"next: power-edge check rig-31m-7 '--ssh-config={config}' --sudo\n"
    )
