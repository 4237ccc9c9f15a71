"""Containers' clients: the script comes by standard input, and their command lines show nothing of
it.
"""

from pathlib import Path

import pytest

from power_edge.probing.failure import Unreachable
from power_edge.probing.process import Lifeline
from power_edge.probing.route import Route
from power_edge.probing.script import Timeouts, probe_script
from power_edge.probing.transport import Job, ask
from tests.support.scripts import OPEN, echo_in_place_of_the_probes, items

CLIENT = """#!/bin/sh
printf '%s\\n' "$@" >"$0.argv"
input='' words=''
while [ "$1" != /bin/sh ]; do
    case $1 in -i | --mode=non-interactive) input=yes ;; esac
    words="$words $1"
    shift
done
case $words in *gone*) echo 'Error: No such container: gone' >&2; exit 1 ;; esac
[ -n "$input" ] || exec </dev/null
exec "$@"
"""
"""A stand-in for a client: the command gets standard input only with -i. lxc always passes it on.
"""
URLS = {
    "docker": "docker://web",
    "podman": "podman://root@web",
    "kubectl": "kubectl://web?namespace=exec&container=one",
    "lxc": "lxc://web",
}


@pytest.fixture
def clients(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in URLS:
        (tmp_path / name).write_text(CLIENT)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    echo_in_place_of_the_probes(monkeypatch)
    return tmp_path


@pytest.mark.parametrize("name", URLS)
def test_the_script_comes_by_standard_input(name: str, clients: Path) -> None:
    names = [f"/etc/{'x' * 1000}/{number}" for number in range(500)]
    answer = ask(
        Job(probe_script("a", OPEN, items(names), Timeouts()), Route(URLS[name])), Lifeline()
    )
    assert answer.complete
    assert b"".join(
        answer.outputs[each].stdout
        for each in sorted(answer.outputs, key=lambda each: int(each[6:]))
    ) == b"".join(each.encode() + b"\0" for each in names)
    argv = (clients / f"{name}.argv").read_text().splitlines()
    assert argv[-3:] == ["/bin/sh", "-c", "base64 -d|gzip -dc|sh"]


@pytest.mark.usefixtures("clients")
def test_why_there_is_no_answer_is_the_client_s_word() -> None:
    with pytest.raises(Unreachable, match="No such container: gone"):
        ask(Job(probe_script("a", OPEN, (), Timeouts()), Route("docker://gone")), Lifeline())
