"""No message, of whatever command, shows the password of a way to a machine, however the way is
written.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from power_edge.cli import main
from power_edge.config import ConfigError, load_node
from power_edge.github import GitHub, GitHubError
from power_edge.probing.connection import BadRoute, Options, find_route
from power_edge.probing.failure import Unreachable
from power_edge.probing.process import Lifeline
from power_edge.probing.route import Route
from power_edge.probing.script import Timeouts, probe_script
from power_edge.probing.transport import Job, ask
from power_edge.text import without_password
from tests.support.scripts import OPEN

PASSWORD = "s3cret"
WAYS = [
    f"ssh://root:{PASSWORD}@-rig",
    f"ssh://root:{PASSWORD}@rig/path",
    f"ssh://root:{PASSWORD}@ri g",
    f"ssh://root:x y{PASSWORD}@",
    f"ssh://root:x@{PASSWORD}@-rig",
    f"ssh://root:x/{PASSWORD}@-rig",
    f"ssh://root%3A{PASSWORD}@-rig",
    f"ssh://root:{PASSWORD}",
    f"ssh://root:{PASSWORD}@[rig",
    f"ssh://root:\u2100{PASSWORD}@-rig",
    f"pigeon://root:{PASSWORD}@rig",
    f"http://root:{PASSWORD}@rig/",
    f"paramiko://root:{PASSWORD}@-rig",
    f"root:{PASSWORD}@-rig",
    f"root:{PASSWORD}@rig/path",
    f"root:://{PASSWORD}@-rig",
]
COMMANDS = [
    ["about"],
    ["discover"],
    ["adopt"],
    ["probe-script"],
    ["identity"],
    ["validate"],
    ["probe-script", "here"],
    ["about", "here"],
    ["init"],
    ["schema"],
]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "node-configs" / "here"
    folder.mkdir(parents=True)
    (folder / "state.yaml").write_text(
        "version: '1.0'\nmetadata: {site: here, environment: development}\nsysctl: {vm.swappiness: '60'}\n"
    )
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.mark.usefixtures("here")
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("option", ["", "--hosts=", "--connection=", "--password="])
def test_no_command_shows_one(
    words: list[str],
    option: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for url in WAYS:
        if option == "--connection=" and words in (["about"], ["discover"]):
            continue
        monkeypatch.setattr(sys, "argv", ["power-edge", *words, f"{option}{url}"])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = "".join(capsys.readouterr())
        assert ended.value.code == 4, printed
        assert PASSWORD not in printed


@pytest.mark.parametrize(
    "text",
    [
        *(f"url: '{url}'" for url in WAYS if "@" in url),
        *(f"ssh: {{host: '{url}'}}" for url in WAYS),
        "ssh: {host: a, user: 'a:s3cret'}",
    ],
)
def test_no_message_about_a_file_shows_one(here: Path, text: str) -> None:
    (here / "connection.yaml").write_text(text)
    with pytest.raises(ConfigError) as error:
        load_node(here)
    assert PASSWORD not in str(error.value)


def test_no_reason_why_a_machine_is_unreachable_shows_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a library or a machine says."""
    url = Route("paramiko://root:s3%25cret@rig")

    def host(*_: object) -> Iterator[object]:
        raise RuntimeError(f"no way to {url.url}, with s3%cret")

    monkeypatch.setattr(Route, "host", host)
    with pytest.raises(Unreachable) as error:
        ask(Job(probe_script("a", OPEN, (), Timeouts()), url), Lifeline())
    assert "s3%" not in str(error.value)
    assert (error.value.__cause__, error.value.__suppress_context__) == (None, True)
    assert "s3%" not in repr(url)


@pytest.mark.shell
@pytest.mark.parametrize(
    "address",
    [
        f"https://user:{PASSWORD}@host/api",
        f"https://user:x:{PASSWORD}@host",
        f"https://user:{PASSWORD}",
        f"https://{PASSWORD}@host",
        f"ftp://user:{PASSWORD}@host",
    ],
)
def test_no_message_about_the_server_of_a_repository_shows_one(address: str) -> None:
    """A mirror may be named with a user and a password."""
    variables = {"GITHUB_API_URL": address, "GITHUB_REPOSITORY": "a/b", "GITHUB_TOKEN": PASSWORD}
    with pytest.raises(GitHubError, match="must be an address of https") as error:
        GitHub(variables)
    assert PASSWORD not in str(error.value)


@pytest.mark.shell  # ssh is asked for its version
def test_no_command_line_shows_one() -> None:
    backend = Route("ssh://root:s3cret@rig").host(1).backend
    assert "s3cret" not in repr(backend._build_ssh_command("id"))


pieces = st.text(alphabet="ab:@/%[]?#. -3A4=", max_size=12)


@given(
    scheme=st.sampled_from(["", "ssh://", "paramiko://", "HTTP://"]),
    user=st.text(alphabet="ab.-", max_size=4),
    rest=pieces,
    more=pieces,
)
def test_of_a_password_nothing_is_left(scheme: str, user: str, rest: str, more: str) -> None:
    # `a://Q@rig` is a URL, and Q its user.
    assume(scheme or not rest.startswith("//"))
    url = f"{scheme}{user}:{rest}Q{more}@rig"
    assert without_password(url) == f"{scheme}{user}@rig"
    try:
        displayed = repr(find_route(None, None, Options(hosts=f"{url}/path")))
    except BadRoute as error:
        displayed = str(error)
    assert "Q" not in displayed
