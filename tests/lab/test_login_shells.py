"""Login shells and their startup files: any shell that can run a command works; otherwise the
message gives the real cause.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.lab.checking import check, declare
from tests.support.lab.nodes import Lab, Node
from tests.support.lab.roots import SHELLS

pytestmark = pytest.mark.lab

STATE = {
    "files": [{"path": f"/etc/{number:0128x}", "mode": "0644"} for number in range(300)],
    "sysctl": {"net.ipv4.ip_forward": "0"},
}
"""With a script of several thousand letters, of which csh takes no word."""


@pytest.fixture(scope="module")
def shells(lab: Lab) -> Iterator[Node]:
    with lab.node("shells", root=SHELLS) as node:
        yield node


def log_in_by(node: Node, shell: str, startup: str, does: str) -> None:
    node.run(
        "/bin/sh",
        "-euc",
        'sed -i "s|^\\(guest:.*:\\).*|\\1$1|" /etc/passwd; rm -rf /home/guest/.??*',
        "shell",
        shell,
    )
    node.run(
        "/bin/sh",
        "-euc",
        'mkdir -p "${1%/*}"; printf "%s\\n" "$2" >"$1"; chown -R guest /home/guest',
        "rc",
        f"/home/guest/{startup}",
        does,
    )


@pytest.mark.parametrize(
    ("shell", "startup", "does"),
    [
        ("/bin/bash", ".bashrc", "echo Welcome; stty erase x"),
        ("/bin/bash", ".bashrc", "printf 'no newline'"),
        ("/usr/bin/tcsh", ".tcshrc", "echo Welcome"),
        ("/bin/bsd-csh", ".cshrc", "echo Welcome"),
        ("/usr/bin/zsh", ".zshenv", "echo Welcome"),
        ("/usr/bin/fish", ".config/fish/config.fish", "echo Welcome"),
        ("/usr/bin/mksh", ".mkshrc", "echo Welcome"),
    ],
)
def test_any_shell_carries_the_probe(
    lab: Lab, shells: Node, tmp_path: Path, shell: str, startup: str, does: str
) -> None:
    log_in_by(shells, shell, startup, does)
    declare(tmp_path, shells, STATE, user="guest")
    run = check(lab, "--node=shells", folder=tmp_path)
    assert run.status == 1, run.output
    assert run.item("shells", "sysctl[net.ipv4.ip_forward]")["outcome"] == "compliant"


@pytest.mark.parametrize(
    ("shell", "startup", "does", "why"),
    [
        (
            "/bin/bash",
            ".bashrc",
            "exec zsh",
            "the probe did not start (the login shell did not run it: ",
        ),
        (
            "/usr/bin/tcsh",
            ".tcshrc",
            "exec bash",
            "the probe did not start (the login shell did not run it: ",
        ),
        (
            "/bin/bash",
            ".bashrc",
            "exit 0",
            "the probe did not start (the login shell did not run it: ",
        ),
        (
            "/bin/bash",
            ".bashrc",
            "read -r line",
            ": unexpected end of file (the login shell did not run it: ",
        ),
        (
            "/bin/bash",
            ".bashrc",
            "echo Welcome; cat >/dev/null",
            ": unexpected end of file (the login shell did not run it: ",
        ),
        (
            "/bin/bash",
            ".bashrc",
            "exec tmux",
            "exec: tmux: not found (the login shell did not run it: ",
        ),
        (
            "/bin/bash",
            ".bashrc",
            "PATH=/nowhere",
            ": command not found (the node needs a POSIX sh, base64 and gzip)",
        ),
        (
            "/usr/sbin/nologin",
            ".x",
            "",
            "This account is currently not available. (the login shell did not run it: ",
        ),
        ("/usr/bin/false", ".x", "", "the probe did not start (the login shell did not run it: "),
    ],
)
def test_of_what_cannot_the_cause_is_told(
    lab: Lab, shells: Node, tmp_path: Path, shell: str, startup: str, does: str, why: str
) -> None:
    log_in_by(shells, shell, startup, does)
    declare(tmp_path, shells, STATE, user="guest")
    run = check(lab, "--node=shells", folder=tmp_path)
    assert run.status == 11, run.output
    assert why in str(run.item("shells", "node[identity]")["why"])
