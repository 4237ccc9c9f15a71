"""The command `power-edge identity`, from what the script printed on a machine."""

import sys
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from power_edge import atomic_file, package_data
from power_edge.checking import collect_identity
from power_edge.cli import main
from power_edge.config import load_node
from power_edge.config.node import load_system_identity
from power_edge.discover import identity_file
from power_edge.probing.failure import Unreachable
from power_edge.probing.framing import Answer, Output
from power_edge.probing.parallel import Pending, start
from power_edge.probing.process import Lifeline
from power_edge.probing.transport import Job

MACHINE_ID = "a5bc498e58b74733905edbb8c8aedf4e"
OTHER_ID = "0123456789abcdef0123456789abcdef"
UUID = "4c4c4544-0035-3510-8053-b8c04f4d3732"
STATE = "version: '1.0'\nmetadata: {site: a, environment: staging}\n"
SSH = "ssh: {host: 192.0.2.1, user: joe}\n"


def printed(machine_id: str = MACHINE_ID, **more: str) -> bytes:
    """What collect-identity.sh prints, in short."""
    key = f"linux:{machine_id}"
    fields = "".join(f"  {name}: '{value}'\n" for name, value in more.items())
    return (
        "# yaml-language-server: $schema=../../schemas/merged/system-identity.schema.json\n"
        f"platform:\n  os_type: linux\n\nidentifiers:\n  primary_id: '{machine_id}'\n  id_type: machine-id\n  machine_id: '{machine_id}'\n{fields}\n"
        f"composite_key:\n  key: '{key}'\n  hash: '{sha256(key.encode()).hexdigest()}'\n\nvalidation:\n  require_match: true\n"
    ).encode()


FILE = printed().decode().replace("'", "").splitlines()[1:]


class Machine:
    """The machine at the end of the way: the status, stdout and stderr of the script there, and the
    ways that were gone.
    """

    def __init__(self) -> None:
        self.answer: tuple[int | None, bytes, str] | Unreachable = (0, printed(), "")
        self.urls: list[str] = []

    def start(self, jobs: Sequence[Job]) -> dict[str, Pending]:
        self.urls += [job.route.url for job in jobs]
        return start(jobs, self.ask)

    def ask(self, job: Job, _: Lifeline) -> Answer:
        if isinstance(self.answer, Unreachable):
            raise self.answer
        return Answer(
            job.script.node,
            0,
            0,
            {},
            "open",
            {section.name: Output(*self.answer) for section in job.script.sections},
            True,
        )


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    created = Machine()
    monkeypatch.setattr(collect_identity, "start", created.start)
    monkeypatch.setattr("socket.gethostname", lambda: "my host")
    return created


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    created = tmp_path / "node-configs"
    created.mkdir()
    monkeypatch.chdir(tmp_path)
    return created


def folder(root: Path, name: str, **files: str | bytes) -> Path:
    created = root / name
    created.mkdir()
    for stem, content in {"state": STATE, **files}.items():
        (created / f"{stem.replace('_', '-')}.yaml").write_bytes(
            content if isinstance(content, bytes) else content.encode()
        )
    return created


class Done(NamedTuple):
    status: object
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def run(
    machine: Machine,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    def run(*arguments: str) -> Done:
        monkeypatch.setattr(sys, "argv", ["power-edge", "identity", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return Done(ended.value.code, *capsys.readouterr())

    return run


@pytest.mark.parametrize(
    ("arguments", "url"),
    [
        ([], "local://"),
        (["joe@host"], "ssh://joe@host"),
        (["docker://web"], "docker://web"),
        (["rig"], "ssh://joe@192.0.2.1"),
        (["rig", "--hosts=ssh://192.0.2.2"], "ssh://192.0.2.2"),
    ],
)
def test_the_identity_of_a_target_is_printed(
    run: Run, root: Path, machine: Machine, arguments: list[str], url: str
) -> None:
    node = folder(root, "rig", connection=SSH)
    before = sorted(root.rglob("*"))
    done = run(*arguments)
    assert (done.status, done.err, machine.urls) == (0, "", [url])
    assert load_system_identity(done.out.encode(), "f") == load_system_identity(printed(), "f")
    assert done.out.splitlines() == FILE
    assert sorted(node.parent.rglob("*")) == before


@pytest.mark.parametrize(
    ("on_file", "status"),
    [(printed(), 0), (printed(OTHER_ID), 12), (b"validation: {require_match: false}\n", 0)],
)
def test_another_machine_than_the_one_on_file_is_told_without_write_too(
    run: Run, root: Path, on_file: bytes, status: int
) -> None:
    folder(root, "rig", system_identity=on_file)
    done = run("rig", "--hosts=ssh://192.0.2.2")
    assert (done.status, done.out.splitlines()) == (status, FILE)
    message = "another machine than the one in node-configs/rig/system-identity.yaml\n"
    assert done.err.endswith(message) == bool(status)


def test_it_is_written_into_the_folder_of_the_node(run: Run, root: Path) -> None:
    node = folder(root, "rig", connection=SSH)
    assert run("rig", "--write") == (0, "rig\n", "recorded node-configs/rig/system-identity.yaml\n")
    assert load_node(node).system_identity == load_system_identity(printed(), "f")


def test_a_node_without_a_way_is_this_machine_and_that_is_told(
    run: Run, root: Path, machine: Machine
) -> None:
    folder(root, "rig")
    assert (
        run("rig", "--write").err
        == "recorded node-configs/rig/system-identity.yaml, from this machine\n"
    )
    assert machine.urls == ["local://"]


@pytest.mark.parametrize(
    "on_file",
    [
        printed(OTHER_ID),
        printed(dmi_product_uuid=UUID.replace("4c", "5c")),
        b"validation: {require_match: false}\n",
    ],
)
def test_another_identity_on_file_stays_and_the_difference_is_shown(
    run: Run, root: Path, machine: Machine, on_file: bytes
) -> None:
    machine.answer = (0, printed(dmi_product_uuid=UUID), "")
    node = folder(root, "rig", system_identity=on_file)
    done = run("rig", "--write")
    assert (done.status, done.out) == (12, "")
    assert f"+  dmi_product_uuid: {UUID}" in done.err
    assert "schema=" not in done.err
    assert "rm node-configs/rig/system-identity.yaml; power-edge identity rig --write" in done.err
    assert (node / "system-identity.yaml").read_bytes() == on_file


def test_a_system_that_was_replaced_is_recorded_by_a_person_alone(
    run: Run, root: Path, machine: Machine
) -> None:
    on_file = printed(OTHER_ID, dmi_product_uuid=UUID).replace(
        b"require_match: true", b"allow_os_migration: true"
    )
    machine.answer = (0, printed(dmi_product_uuid=UUID), "")
    folder(root, "rig", system_identity=on_file)
    assert run("rig", "--write").status == 12


def test_the_machines_own_identity_stays_as_it_is(run: Run, root: Path, machine: Machine) -> None:
    node = folder(root, "rig", system_identity=printed(collected_at="2001-01-01T00:00:00Z"))
    before = (node / "system-identity.yaml").read_bytes()
    assert run("rig", "--write") == (
        0,
        "rig\n",
        "node-configs/rig/system-identity.yaml already has this machine's identity\n",
    )
    machine.answer = (0, printed(dmi_product_uuid=UUID), "")
    assert (
        "the machine also shows product-uuid, which the file does not have"
        in run("rig", "--write").err
    )
    assert (node / "system-identity.yaml").read_bytes() == before


@pytest.mark.parametrize("hardware", [{}, {"dmi_product_uuid": UUID}])
def test_a_clone_of_another_node_is_refused(
    run: Run, root: Path, machine: Machine, hardware: dict[str, str]
) -> None:
    machine.answer = (0, printed(**hardware), "")
    folder(root, "first", system_identity=printed(dmi_product_uuid=UUID.replace("4c", "5c")))
    node = folder(root, "rig")
    done = run("rig", "--write")
    assert (done.status, done.out) == (4, "")
    assert (
        "node-configs/rig/system-identity.yaml: is for the same machine as node-configs/first/system-identity.yaml"
        in done.err
    )
    assert ">/etc/machine-id" in done.err
    assert not (node / "system-identity.yaml").exists()


def test_a_node_whose_identity_is_broken_is_passed_over_aloud(run: Run, root: Path) -> None:
    folder(root, "broken", system_identity="identifiers: [")
    folder(root, "rig")
    assert run("rig", "--write").err.startswith("broken was skipped")


def test_without_a_name_it_is_the_node_that_is_the_machine(run: Run, root: Path) -> None:
    folder(root, "a", system_identity=printed(OTHER_ID))
    folder(root, "b", system_identity=printed())
    for target in ([], ["joe@host"]):
        assert run(*target, "--write").out == "b\n"


def test_without_a_name_it_is_the_node_of_this_machines_host_name(run: Run, root: Path) -> None:
    node = folder(root, "my-host")
    assert run("joe@host", "--write").status == 4
    assert not (node / "system-identity.yaml").exists()
    assert run("--write").out == "my-host\n"
    assert (node / "system-identity.yaml").exists()


def test_a_machine_that_is_no_node_is_told_the_way_out(run: Run, root: Path) -> None:
    folder(root, "my-host", system_identity=printed(OTHER_ID))
    done = run("--write")
    assert (done.status, "power-edge init" in done.err) == (4, True)
    done = run("joe@host", "--write")
    assert (done.status, "power-edge identity NODE --hosts=ssh://joe@host --write" in done.err) == (
        4,
        True,
    )


def test_what_was_left_out_is_told_and_comes_from_a_stranger(run: Run, machine: Machine) -> None:
    machine.answer = (
        0,
        printed(),
        "warning\ncollect-identity.sh: board-serial left out: \x1b[31mred\n",
    )
    assert run().err == "board-serial left out: \\x1b[31mred\n"


def test_a_machine_that_shows_no_identity_is_12(run: Run, root: Path, machine: Machine) -> None:
    machine.answer = (
        12,
        b"",
        "collect-identity.sh: machine-id left out: it is empty\ncollect-identity.sh: nothing tells it",
    )
    node = folder(root, "rig", connection=SSH)
    done = run("rig", "--write")
    assert (done.status, done.out) == (12, "")
    assert done.err.startswith(
        "Error: rig shows no identity: machine-id left out: it is empty; nothing tells it\n"
    )
    assert not (node / "system-identity.yaml").exists()


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (Unreachable("no answer in 75 s"), "unreachable: no answer in 75 s"),
        ((None, b"", ""), "connected, but the answer is incomplete"),
        ((124, printed(), ""), "connected, but timed out"),
        ((0, b"", ""), "(status 0: without an error message)"),
        (
            (3, b"", "x\ncollect-identity.sh: sha256sum or shasum is needed"),
            "(status 3: collect-identity.sh: sha256sum or shasum is needed)",
        ),
        ((127, printed(), "sh: sed: not found"), "sed: not found"),
        ((12, b"", "some other program's 12"), "some other program's 12"),
        ((1, b"", "\x1b[31m"), "\\x1b[31m"),
    ],
)
def test_what_gives_no_answer_is_11(run: Run, machine: Machine, answer: Any, message: str) -> None:
    machine.answer = answer
    done = run("joe@host")
    assert (done.status, done.out) == (11, "")
    assert message in done.err
    assert "\x1b" not in done.err


@pytest.mark.parametrize(
    "change",
    [
        (b"hash: '", b"hash: '0"),
        (b"os_type: linux", b"os_type: linux\n  evil: 1"),
        (b"require_match: true", b"require_match: !!python/object:os.system x"),
        (MACHINE_ID.encode(), b"0" * 32),
    ],
)
def test_what_a_machine_prints_is_checked(
    run: Run, root: Path, machine: Machine, change: tuple[bytes, bytes]
) -> None:
    folder(root, "rig")
    machine.answer = (0, printed().replace(*change), "")
    done = run("rig", "--write")
    assert (done.status, done.out) == (4, "")
    assert done.err.startswith("Error: what the machine printed:")
    assert not (root / "rig" / "system-identity.yaml").exists()


def test_what_a_machine_prints_beside_its_values_is_not_written(run: Run, machine: Machine) -> None:
    serial = "X1 # 'evil': \u202e"
    machine.answer = (
        0,
        printed(dmi_board_serial=serial.replace("'", "''")).replace(
            b"platform:", b"# reviewed\nplatform:"
        ),
        "",
    )
    done = run()
    assert "reviewed" not in done.out
    assert "\u202e" not in done.out
    on_file = load_system_identity(done.out.encode(), "f").identifiers
    assert on_file is not None
    assert on_file.dmi_board_serial == serial


def test_a_container_says_so(run: Run, machine: Machine) -> None:
    machine.answer = (
        0,
        printed().replace(b"platform:", collect_identity._CONTAINER + b"\nplatform:"),
        "",
    )
    assert run().out.splitlines()[0] == collect_identity._CONTAINER.decode()


@pytest.mark.parametrize("machine_id", ["1e" + "1" * 30, "1" * 32, "0" + "7" * 31])
def test_an_id_that_looks_like_a_number_stays_text(
    run: Run, machine: Machine, machine_id: str
) -> None:
    machine.answer = (0, printed(machine_id), "")
    done = run()
    assert f'primary_id: "{machine_id}"\n' in done.out.replace("'", '"')
    load_system_identity(done.out.encode(), "f")


def test_a_folder_that_cannot_be_written_is_3(
    run: Run, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(atomic_file, "write_all", full)
    monkeypatch.setattr("power_edge.cli.os.dup2", lambda *_: None)
    monkeypatch.setattr("sys.stdout.fileno", lambda: 1, raising=False)
    folder(root, "rig")
    assert run("rig", "--write") == (
        3,
        "",
        "Error: node-configs/rig cannot be written: No space left on device; nothing was written (make room, and run the command again)\n",
    )


def test_a_full_disk_under_what_is_printed_is_not_laid_to_the_folder(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    message: list[str] = []

    def full(text: str, err: bool = False, **_: object) -> None:
        if not err:
            raise OSError(28, "No space left on device")
        message.append(text)

    monkeypatch.setattr("power_edge.cli.click.echo", full)
    monkeypatch.setattr("power_edge.cli.os.dup2", lambda *_: None)
    monkeypatch.setattr("sys.stdout.fileno", lambda: 1, raising=False)
    assert (run().status, message[-1]) == (3, "Error: No space left on device")


def test_an_ssh_config_that_is_not_there_is_4(run: Run) -> None:
    done = run("joe@h", "--ssh-config=/none/such")
    assert (done.status, done.out) == (4, "")
    assert "there is no file '/none/such'" in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["rig-7"],
        ["rig-7", "--write"],
        ["joe@h", "--hosts=h"],
        ["nothing://h"],
        ["--on=rig"],
        ["a", "b"],
    ],
)
def test_bad_use_is_4(run: Run, root: Path, machine: Machine, arguments: list[str]) -> None:
    folder(root, "rig")
    done = run(*arguments)
    assert (done.status, done.out, machine.urls) == (4, "", [])


@pytest.mark.parametrize(
    ("hostname", "name"),
    [
        ("vm", "vm"),
        ("R720", "R720"),
        ("a.b-c_d", "a.b-c_d"),
        (".x/../y z", "x-..-y-z"),
        ("", "this-machine"),
        ("--", "this-machine"),
        ("höst", "h-st"),
    ],
)
def test_host_names_become_names_of_nodes(hostname: str, name: str) -> None:
    assert identity_file.safe_name(hostname) == name


def test_an_editor_gets_the_schema_in_the_checkout_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package_data, "folder", lambda name: tmp_path / name)
    (tmp_path / "pyproject.toml").touch()
    assert package_data.with_schema(b"a: 1\n", tmp_path / "node-configs" / "x", "state") == (
        b"# yaml-language-server: $schema=../../schemas/merged/state.schema.json\na: 1\n"
    )
    (tmp_path / "pyproject.toml").unlink()
    assert (
        package_data.with_schema(b"a: 1\n", tmp_path / "node-configs" / "x", "state") == b"a: 1\n"
    )
