"""Of a file that is a secret no output holds the content or a hash, neither the declared nor the
observed one.
"""

import base64
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from power_edge.config import ConfigError, load_node, load_state
from power_edge.config.excerpt import excerpt
from power_edge.model.generated.resources.files_schema import File
from power_edge.resources.files.secrets import secret
from power_edge.yaml_edit.masking import masked
from tests.resources.files.test_discover import NO_SECRET_LINES, SECRET_LINES

pytestmark = pytest.mark.shell

DECLARED, OBSERVED = "Declared-{}-Tr0ub4dor", "Observed-{}-Tr0ub4dor"
WAYS = {
    "password": "different",
    "of-equal-secret": "equal",
    "sub/../token": "different",
    "./double//secret": "different",
    "link": "different",
    "folder/inside": "different",
    "private/key": "different",
    "line.conf": "different",
    "seen.conf": "different",
    "missing-secret": "missing",
    "a.key": "different",
}
"""Of each file its path below a made folder, and what is said of it."""
OWN_TEST = """
def test_own(node, facts):
    seen = dict(facts["files"])
    items = node.items
    declared = [item.declared for item in items]
    assert seen == items, (node, declared, seen)
"""


class Machine:
    """A machine with secrets, and a node that declares them."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder, self.home = folder, home
        self.texts: set[str] = set()
        self.files: list[dict[str, Any]] = []
        for name in ("sub", "double", "private", "secrets"):
            (folder / name).mkdir(parents=True)
        (folder / "link").symlink_to(folder / "linked-password")
        (folder / "folder").symlink_to(folder / "secrets")
        for number, (path, kind) in enumerate(WAYS.items()):
            declared, observed = (f"{text.format(number)}\n" for text in (DECLARED, OBSERVED))
            if path == "line.conf":
                declared = f"[db]\npassword = {declared}"
            if path == "seen.conf":
                observed = f"[db]\npassword = {observed}"
            if kind == "equal":
                observed = declared
            if kind != "missing":
                (folder / path).write_text(observed)
            self.texts |= {declared, observed}
            form = (
                {"sha256": hashlib.sha256(declared.encode()).hexdigest()}
                if number % 3 == 2
                else {"content": declared}
            )
            self.files.append({"path": f"{folder}/{path}", **form, "mode": "0644"})
        (folder / "password").chmod(0o600)
        self.node = home / "node-configs" / "here"
        self.node.mkdir(parents=True)
        self.declare(self.files)
        (self.node / "system-identity.yaml").write_text("validation: {require_match: false}\n")
        (self.node / "test_own.py").write_text(OWN_TEST)

    def declare(self, files: list[dict[str, Any]], **style: Any) -> None:
        state = {
            "version": "1.0",
            "metadata": {"site": "here", "environment": "development"},
            "files": files,
        }
        (self.node / "state.yaml").write_text(yaml.safe_dump(state, sort_keys=False, **style))

    def run(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        return subprocess.run(
            [
                sys.executable,
                *(
                    ("-c", "from power_edge.cli import main; main()")
                    if words[0] == "power_edge"
                    else ("-m", words[0])
                ),
                *words[1:],
            ],
            check=False,
            cwd=self.home,
            env=kept | {"COLUMNS": "200"} | environment,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def leaks(self, output: str) -> Iterator[str]:
        """What of the secrets an output holds."""
        for text in self.texts:
            for form in forms(text):
                if form.lower() in output.lower():
                    yield f"{form} of {text!r}"


def forms(text: str) -> Iterator[str]:
    """A text and what gives it away: its hashes, the first digits of those, and base64."""
    yield text.strip().splitlines()[-1].removeprefix("password = ")
    for content in (text, text.rstrip("\n")):
        data = content.encode()
        for digest in (hashlib.sha256(data), hashlib.sha1(data), hashlib.md5(data)):
            yield digest.hexdigest()
            yield base64.b64encode(digest.digest()).decode().rstrip("=")
        yield hashlib.sha256(data).hexdigest()[:8]
        for shift in range(3):  # wherever it stands in what was encoded
            yield base64.b64encode(b"\0" * shift + data)[4 * (shift > 0) : -4].decode()[2:]


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    folder = tmp_path_factory.mktemp("machine")
    folder.chmod(0o755)
    return Machine(folder, tmp_path_factory.mktemp("home"))


REPORTS = [
    "--junitxml=junit.xml",
    "--json-report",
    "--json-report-file=report.json",
    "--prometheus-textfile=metrics.prom",
    "--html=report.html",
]


@pytest.fixture(scope="module")
def checked(machine: Machine) -> subprocess.CompletedProcess[str]:
    return machine.run(
        "pytest",
        "--node=here",
        "-vv",
        "-rA",
        "--showlocals",
        "--alluredir=allure",
        *REPORTS,
        "-p",
        "no:cacheprovider",
    )


def test_a_check_says_equal_or_different(
    machine: Machine, checked: subprocess.CompletedProcess[str]
) -> None:
    assert checked.returncode == 1, checked.stdout
    tests = json.loads((machine.home / "report.json").read_text())["tests"]
    items = {
        test["metadata"]["power_edge"]["name"]: test["metadata"]["power_edge"]
        for test in tests
        if "metadata" in test
    }
    for declared in machine.files:
        item = items[declared["path"]]
        field = "content" if "content" in declared else "sha256"
        kind = WAYS[declared["path"].removeprefix(f"{machine.folder}/")]
        assert (item["expected"][field], item["actual"][field]) == ("equal", kind), item
        assert item["outcome"] == ("compliant" if kind == "equal" else "drift")
        assert item["mend"] is None
        assert (
            kind == "equal"
            or "copy the file there" in item["advice"]
            or "symbolic link" in item["advice"]
        ), item


def test_no_report_holds_a_secret(
    machine: Machine, checked: subprocess.CompletedProcess[str]
) -> None:
    assert list(machine.leaks(checked.stdout)) == []
    files = [
        path
        for path in machine.home.rglob("*")
        if path.is_file() and "node-configs" not in path.parts
    ]
    assert {"junit.xml", "report.json", "metrics.prom", "report.html"} < {
        path.name for path in files
    }
    for path in files:
        assert list(machine.leaks(path.read_text())) == [], path


def test_neither_the_script_nor_the_answer_holds_one(machine: Machine) -> None:
    script = machine.run("power_edge", "probe-script", "here").stdout
    answer = subprocess.run(["sh"], input=script, text=True, capture_output=True, check=True).stdout
    leaks = [*machine.leaks(script), *machine.leaks(answer)]
    # Nobody but the node knows that these are secrets: the script has the first digits of the
    # declared hash, and the answer nothing.
    (path,) = (each["path"] for each in machine.files if each["path"].endswith("/seen.conf"))
    assert "salted " + path in answer
    for way in ("link", "folder/inside", "private/key", "seen.conf"):
        declared = DECLARED.format(list(WAYS).index(way))
        leaks = [leak for leak in leaks if declared not in leak]
    assert leaks == []
    assert list(machine.leaks(answer)) == []
    (machine.home / "answer").write_text(answer)
    judged = machine.run("pytest", "--node=here", "--answers=answer", "-p", "no:cacheprovider")
    assert list(machine.leaks(judged.stdout)) == []
    assert "different" in judged.stdout


@pytest.mark.parametrize(
    "style",
    [
        {},
        {"default_flow_style": True, "width": 60},
        {"default_style": '"', "width": 40},
        {"default_style": "|"},
    ],
)
def test_what_is_shown_before_it_is_written_holds_none(
    machine: Machine, style: dict[str, Any]
) -> None:
    kept = (machine.node / "state.yaml").read_bytes()
    try:
        machine.declare(machine.files, **style)
        adopted = machine.run("power_edge", "adopt", "here")
        assert "mode: '0644' -> '0600'" in adopted.stdout or "removed: " in adopted.stdout, (
            adopted.stdout
        )
        assert "(a secret)" in adopted.stdout
        assert list(machine.leaks(adopted.stdout)) == []
        assert (machine.node / "state.yaml").read_bytes() != b""
        written = machine.run("power_edge", "adopt", "here", "--yes")
        assert written.returncode == 0, written.stdout
        assert list(machine.leaks(written.stdout)) == []
        left = yaml.safe_load((machine.node / "state.yaml").read_text())["files"]
        assert left == [each for each in machine.files if "missing" not in each["path"]]
    finally:
        (machine.node / "state.yaml").write_bytes(kept)


SECRET = "4711081547110815"
IN_FILES = [
    "content: {secret}",
    "content: 0{secret}",
    "content: [0{secret}, {secret}]",
    "content: {{a: 0{secret}}}",
    "content: yes\n  sha256: x{secret}",
    "sha256: {secret}",
    "sha256: [{secret}]",
    "content: 1.{secret}",
    "content: !!binary {secret}",
    "content: a\n  sha256: {digest}",
]
WHOLE = [
    "- {{path: /etc/shadow, content: {secret}}}\n",
    "x{secret}\n",
    "{secret}\n",
    "files: [{{path: /etc/shadow, content: {secret}\n",
]
HEAD = "version: '1.0'\nmetadata: {{site: here, environment: development}}\nfiles:\n- path: /etc/shadow\n  "


@pytest.mark.parametrize("text", [*WHOLE, *(f"{HEAD}{each}\n" for each in IN_FILES)])
def test_no_message_about_a_configuration_quotes_a_content_or_a_hash(text: str) -> None:
    text = text.format(secret=SECRET, digest="0" * 64)
    with pytest.raises(ConfigError) as error:
        load_state(text.encode(), "state.yaml", "node")
    message = str(error.value)
    assert SECRET not in message
    assert hashlib.sha256(b"a").hexdigest() not in message


HEADS = {
    "block": "version: '1.0'\nmetadata: {site: here, environment: development}\nfiles:\n- path: /etc/app/db.password\n  ",
    "flow": "version: '1.0'\nmetadata: {site: here, environment: development}\nfiles:\n- {path: /etc/app/db.password, ",
}
MISTYPED = {
    "block": [
        "content: !hunter2secret",
        "content: !hunter2secret x",
        "content: !<hunter2secret> x",
        "content: !a!hunter2secret x",
        "content: !hunter2secret {a: b}",
        "content: !hunter2secret [a]",
        "content: *hunter2secret",
        "content: &hunter2secret",
        "content: &hunter2secret 1",
        "content: @hunter2secret",
        "content: `hunter2secret",
        "content: %hunter2secret",
        "content: |hunter2secret",
        "content: 'hunter2secret",
        'content: "hunter2secret',
        'content: "\\hunter2secret"',
        "content: hunter2secret: x",
        "content: {hunter2secret",
        "content: [hunter2secret",
        "content: {hunter2secret: x}",
        "content: [[hunter2secret]]",
        "content: - hunter2secret",
        "content: ? hunter2secret",
        "content:hunter2secret",
        "content hunter2secret",
        "content = hunter2secret",
        "content: a\n  hunter2secret",
        "content: a\n  hunter2secret:",
        "content: a\n  hunter2secret: x\n  hunter2secret: x",
        "content: a\n  content: hunter2secret",
        "content: a\n  content=hunter2secret: x",
        "content: a\n  ? [hunter2secret]\n  : x",
        "content: &a hunter2secret\n  mode: *a",
        "content: &a hunter2secret\n  *a : b",
        "content: &a hunter2secret\n  mode: [*a]",
        "content: &a hunter2secret\n  owner: {a: *a}",
        "content: &a hunter2secret: *b",
        "content: |\npassword=hunter2secret: x",
        "content: |\n  password=hunter2secret: x",
        "content: |\nhunter2secret: x",
        "content: |\n  hunter2secret: x",
        "content: |\nhunter2secret",
        "content: |\n- hunter2secret",
        "content: |\n  - hunter2secret",
        "content: |\n- [hunter2secret]",
        "content: |\n- hunter2secret: x",
        "content: |\n[section]\npassword = hunter2secret",
        "content: |\n# x\npassword: hunter2secret",
        "content: |\n*hunter2secret : x",
        "content: |\n!hunter2secret x: y",
        "content: |\npassword: x\npassword: hunter2secret",
        "content: |\nx=hunter2secret: a\nx=hunter2secret: b",
        "content: |\nservices: hunter2secret",
        "content: |\npackages:\n- hunter2secret: x",
        "content: |\nsysctl:\n  password=hunter2secret: x",
        "content: |\n--- hunter2secret",
        "content: |\n%hunter2secret",
        "content:\n- hunter2secret",
        "content:\n  hunter2secret: x",
        "sha256: hunter2secret: x",
        "sha256: !hunter2secret x",
        "sha256: a\n  hunter2secret: x",
        "content: |\nsysctl:\n  password=hunter2secret: [x]",
        "content: &a hunter2secret\n  mode: {b: *a}\nservices: [{name: a, state: *a}, {name: a, state: [*a]}, {name: *a, enabled: *a}]",
        "content: &a hunter2secret\npackages: [*a, {name: a, state: *a, version: [*a]}]",
    ],
    "flow": [
        "content: a, hunter2secret}",
        "content: a, hunter2secret: x}",
        "content: a, hunter2secret, hunter2secret}",
        "content: a, password=hunter2secret}",
        "content: hunter2secret",
        "content: !hunter2secret}",
        "content: *hunter2secret}",
        "content: !hunter2secret x}",
        "content: hunter2secret}}",
        "content: {hunter2secret}}",
        "content: a, [hunter2secret]: b}",
    ],
}
NUMBERS = [
    "content: |\n{number}: x",
    "content: |\n- {number}",
    "content: |\n  - {number}",
    "content: |\n  {number}: x",
    "content: |\npassword: {number}",
    "content: |\n  password: {number}",
    "content: |\nx1: {number}",
    "content: |\n  x1: {number}",
    "content: &a {number}\n  mode: *a",
    "content: &a {number}\n  *a : b",
    "content: a\n  ? {number}\n  : x",
]


def messages(text: str) -> str:
    with pytest.raises(ConfigError) as error:
        load_state(text.encode(), "state.yaml", "node")
    assert "state.yaml:" in str(error.value)
    shown = [line for each in error.value.problems for line in excerpt(text.encode(), each)]
    return "\n".join([str(error.value), *shown])


@pytest.mark.parametrize(
    ("head", "text"), [(head, text) for head, texts in MISTYPED.items() for text in texts]
)
def test_no_message_about_yaml_quotes_a_mistyped_content(head: str, text: str) -> None:
    assert "hunter2" not in messages(f"{HEADS[head]}{text}\n")


@pytest.mark.parametrize(
    "number",
    ["047110815", "4711081547110815", "47_110_815", "4711:08:15", "0x47110815", "4711.0815"],
)
@pytest.mark.parametrize("text", NUMBERS)
def test_no_message_about_yaml_quotes_a_mistyped_number(text: str, number: str) -> None:
    assert number[:6] not in messages(HEADS["block"] + text.format(number=number) + "\n")


@pytest.mark.parametrize(
    "text",
    [
        "ssh: {host: rig, hunter2secret}",
        "ssh: {host: rig, user: !hunter2secret x}",
        "ssh: {host: &a hunter2secret@rig, port: *a}",
        "url: ssh://root@rig\nhunter2secret: x",
        "url: *hunter2secret",
    ],
)
def test_no_message_about_a_connection_quotes_what_may_be_a_password(
    tmp_path: Path, text: str
) -> None:
    folder = tmp_path / "node-configs" / "rig"
    folder.mkdir(parents=True)
    (folder / "state.yaml").write_text(
        "version: '1.0'\nmetadata: {site: here, environment: development}\n"
    )
    (folder / "connection.yaml").write_text(f"{text}\n")
    with pytest.raises(ConfigError) as error:
        load_node(folder)
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("  mdoe: '0644'", "8:3: unknown key 'mdoe' in files[1] (did you mean mode?)"),
        (
            "  mode: 0644",
            '8:9: 0644 without quotes is an octal number in some versions of YAML (write it in quotes: "0644")',
        ),
        ("servces: []", "8:1: unknown key 'servces' (did you mean services?)"),
        (
            "services: [{name: ssh, colour: red}]",
            "8:24: unknown key in services[0] (the keys here are name",
        ),
        ("services: [ssh]", "services[0] is text and should be a mapping"),
        (
            "sysctl: {vm.swappiness: '1', vm.swappiness: '2'}",
            "duplicate key 'vm.swappiness' (first on line",
        ),
        ("services: [{name: ssh, password=x1: red}]", "8:24: unknown key in services[0] ("),
    ],
)
def test_what_holds_no_secret_is_quoted(text: str, words: str) -> None:
    assert words in messages(
        f"{HEADS['block']}content: a\n- path: /etc/motd\n  owner: root\n{text}\n"
    )


LINES = """\
version: "1.0"
metadata: {site: here, environment: development, description: &x "hunter2"}
files:
- {path: /etc/shadow, content: *x, mode: "0600"} # {hunter2}
- {path: /etc/motd, content: hunter3}
- path: /etc/gshadow
  content: |
    hunter2
    again
  mode: "0600" # a comment
- {path: /etc/passwd-, content: "more
    lines", mode: "0600"}
- {path: /etc/a.key, content: hunter2}
"""
SHOWN = """\
version: "1.0"
metadata: {site: here, environment: development, description: (a secret)
files:
- {path: /etc/shadow, content: (a secret), mode: "0600"} # {hunter2}
- {path: /etc/motd, content: hunter3}
- path: /etc/gshadow
  content: (a secret)
(a secret)
(a secret)
  mode: "0600" # a comment
- {path: /etc/passwd-, content: (a secret)
(a secret), mode: "0600"}
- {path: /etc/a.key, content: (a secret)
"""


def test_a_file_is_shown_without_the_values_of_secrets() -> None:
    assert masked(LINES.encode(), "state.yaml") == SHOWN.splitlines()


def test_nothing_is_shown_of_a_file_that_cannot_be_read() -> None:
    assert "hunter2" not in "".join(masked(LINES.replace("files", "fils").encode(), "state.yaml"))


@pytest.mark.parametrize("line", SECRET_LINES)
def test_a_line_that_is_a_secret_to_grep_is_one_here(line: str) -> None:
    assert secret(File(path="/etc/app.conf", content=f"a\n{line}\nb\n"))
    assert (
        not secret(File(path="/etc/app.conf", content=f"a\n# {line}\nb\n"))
        or "://" in line
        or "-SECRET-" in line
    )


@pytest.mark.parametrize("line", NO_SECRET_LINES)
def test_a_line_that_is_none_to_grep_is_none_here(line: str) -> None:
    assert not secret(File(path="/etc/app.conf", content=f"a\n{line}\nb\n"))


def test_whose_lines_are_none() -> None:
    assert secret(File(path="/etc/conf", content="passwd: files\n"))
    assert not secret(File(path="/etc/nsswitch.conf", content="passwd: files\n"))


@pytest.mark.parametrize(
    "path",
    [
        "/etc/shadow",
        "/etc//shadow-",
        "/etc/./gshadow",
        "/etc/x/../shadow",
        "/srv/a.key",
        "/root/.ssh/id_rsa",
        "/a/private/b",
    ],
)
def test_a_path_that_is_a_secret_s(path: str) -> None:
    assert secret(File(path=path))


@pytest.mark.parametrize(
    "path", ["/etc/motd", "/etc/ssh/sshd_config", "/etc/keys.conf", "/srv/etc/shadow"]
)
def test_a_path_that_is_none(path: str) -> None:
    assert not secret(File(path=path))


def test_a_long_line_takes_no_longer_than_its_length() -> None:
    assert not secret(File(path="/etc/app.conf", content="password" * 500_000))
