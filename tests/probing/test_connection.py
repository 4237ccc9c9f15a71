"""Which way leads to a node, and names that lead nowhere."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from power_edge.checking.target import target
from power_edge.config import ConfigError
from power_edge.model.generated.connection_schema import Connection
from power_edge.probing import connection as routing
from power_edge.probing.connection import BadRoute, Options, find_route, is_this_machine
from power_edge.text import without_password
from tests.support.gates import ID, OTHER_ID, by_id, expected

SSH = {"ssh": {"host": "10.8.0.1", "user": "stella"}}


def route_of(file: dict[str, Any] | None, here: bool = False, **options: Any) -> Any:
    connection = None if file is None else msgspec.convert(file, Connection)
    return find_route(connection, expected(**by_id()) if here else None, Options(**options))


@pytest.fixture
def this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routing, "is_this_machine", lambda _: True)


@pytest.mark.parametrize(
    ("file", "options", "url"),
    [
        (None, {}, "local://"),
        (SSH, {}, "ssh://stella@10.8.0.1"),
        ({"ssh": {"host": "rig", "port": 2222}}, {}, "ssh://rig:2222"),
        ({"ssh": {"host": "fe80::1%eth0", "port": 22}}, {}, "ssh://[fe80::1%eth0]:22"),
        ({"url": "docker://web"}, {}, "docker://web"),
        (
            {"url": "kubectl://pod?container=c&namespace=n"},
            {},
            "kubectl://pod?container=c&namespace=n",
        ),
        ({"url": "kubectl://pod?container=c&sudo=true"}, {}, "kubectl://pod?container=c"),
        (SSH, {"connection": "paramiko"}, "paramiko://stella@10.8.0.1"),
        (SSH, {"connection": "local"}, "local://"),
        (SSH, {"hosts": "rig"}, "paramiko://rig"),
        (SSH, {"hosts": "rig", "connection": "ssh"}, "ssh://rig"),
        (SSH, {"hosts": "docker://web", "connection": "ssh"}, "docker://web"),
        (None, {"hosts": "root@rig:22", "connection": "ssh"}, "ssh://root@rig:22"),
        (None, {"hosts": "chroot://tree"}, "chroot://tree"),
        (
            None,
            {"hosts": "ssh://edge:s%40cret@rig.example:2222"},
            "ssh://edge:s%40cret@rig.example:2222",
        ),
    ],
)
def test_the_way(file: dict[str, Any] | None, options: dict[str, Any], url: str) -> None:
    assert route_of(file, **options).url == url


@pytest.mark.usefixtures("this_machine")
def test_on_the_node_itself_no_connection_is_made_but_where_an_option_says_so() -> None:
    assert route_of(SSH, here=True).url == "local://"
    assert route_of(SSH, here=False).url == "ssh://stella@10.8.0.1"
    assert route_of(SSH, here=True, hosts="rig").url == "paramiko://rig"
    assert route_of(SSH, here=True, connection="ssh").url == "ssh://stella@10.8.0.1"


@pytest.mark.parametrize(
    ("file", "options"),
    [
        ({"url": "ssh://-oProxyCommand=id"}, {}),
        ({"url": "ssh://a@%2DoProxyCommand%3Did"}, {}),
        ({"url": "ssh://%2DoProxyCommand%3Did"}, {}),
        ({"url": "ssh://a@-oProxyCommand"}, {}),
        ({"url": "ssh://"}, {}),
        (None, {"hosts": "ssh://a@b@-c"}),
        ({"url": "ssh://[::1"}, {}),
        ({"url": "ssh://[::1"}, {"connection": "paramiko"}),
        ({"url": "pigeon://rig"}, {}),
        ({"url": "chroot://tree"}, {}),
        (None, {"connection": "ssh"}),
        (None, {"connection": "pigeon", "hosts": "rig"}),
        (None, {"hosts": "a,b"}),
        (None, {"hosts": "a b"}),
        (None, {"hosts": "$(id)"}),
        (None, {"hosts": "ssh://rig;id"}),
        (None, {"hosts": "ssh://a@-b"}),
    ],
)
def test_ways_that_lead_nowhere(file: dict[str, Any] | None, options: dict[str, Any]) -> None:
    with pytest.raises(BadRoute):
        route_of(file, **options)


@pytest.mark.parametrize(
    ("url", "options", "prefix"),
    [
        ("ssh://rig", {}, ""),
        ("ssh://rig", {"sudo": True}, "sudo -n "),
        ("ssh://rig?sudo=true", {}, "sudo -n "),
        ("ssh://rig?sudo=false", {}, ""),
        ("ssh://rig?sudo=true&sudo_user=edge", {}, "sudo -n -u edge "),
        ("ssh://rig", {"sudo": True, "sudo_user": "a b"}, "sudo -n -u 'a b' "),
    ],
)
def test_sudo(url: str, options: dict[str, Any], prefix: str) -> None:
    found = route_of({"url": url}, **options)
    assert (found.url, found.shell_prefix()) == ("ssh://rig", prefix)


@pytest.mark.parametrize(
    ("content", "here"),
    [
        (f"{ID}\n", True),
        (f"{ID.upper()}", True),
        (f"{OTHER_ID}\n", False),
        ("", False),
        (None, False),
        ("ä", False),
    ],
)
def test_this_machine(content: str | None, here: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_text(path: Path, encoding: str) -> str:
        assert encoding == "ascii"
        if path.name != "machine-id" or content is None:
            raise PermissionError
        return content.encode().decode(encoding)

    monkeypatch.setattr(Path, "read_text", read_text)
    assert (
        is_this_machine(expected(**by_id(dmi_product_uuid="4c4c4544-0035-3510-8053-b8c04f4d3732")))
        is here
    )
    assert not is_this_machine(expected(rules={"require_match": False}))


@pytest.mark.shell
@pytest.mark.parametrize("url", ["local://", "ssh://rig"])
def test_tests_are_given_testinfra_s_own_sudo_and_the_probe_is_not(
    url: str, tmp_path: Path
) -> None:
    found = route_of({"url": url}, sudo=True, sudo_user="edge")
    assert found.host(1, tmp_path).backend.get_command("id").startswith("sudo -u edge /bin/sh -c ")
    assert found.host(1).backend.get_command("id") == "id"


@pytest.mark.parametrize(
    ("url", "displayed"),
    [
        ("ssh://root:s3cret@rig", "ssh://root@rig"),
        ("ssh://root:s3c%40:ret@rig:22?sudo=true", "ssh://root@rig:22?sudo=true"),
        ("root:s3cret@rig", "root@rig"),
        ("paramiko://:s3cret@rig", "paramiko://@rig"),
        ("ssh://root@[fd00::1]:22", "ssh://root@[fd00::1]:22"),
        ("ssh://[fd00::1]:22", "ssh://[fd00::1]:22"),
        ("docker://web", "docker://web"),
        ("ssh://root:s3cret@s3cret@rig", "ssh://root@rig"),
        ("ssh://root:s3c/ret@rig", "ssh://root@rig"),
        ("ssh://root:s3cret://@rig", "ssh://root@rig"),
        ("root:s3cret://x@rig", "root@rig"),
        ("ssh://root%3As3cret@rig", "ssh://root@rig"),
        ("ssh://root:s3cret", "ssh://root:..."),
        ("root:s3cret%40rig", "root:..."),
        ("fd00::1", "fd00::1"),
        ("rig:22", "rig:22"),
        ("ssh://rig:22?sudo=true", "ssh://rig:22?sudo=true"),
    ],
)
def test_a_password_is_never_shown(url: str, displayed: str) -> None:
    assert without_password(url) == displayed


@pytest.mark.parametrize(
    "hosts", ["ssh://root:s3cret@rig/path", "ssh://root:s3cret@-rig", "ssh://root:s3cret@a b"]
)
def test_no_message_has_a_password(hosts: str) -> None:
    with pytest.raises(BadRoute) as caught:
        route_of(None, hosts=hosts)
    assert "s3cret" not in str(caught.value)
    with pytest.raises((BadRoute, ConfigError)) as caught_by_target:
        target(hosts, None, Options())
    assert "s3cret" not in str(caught_by_target.value)


def test_a_target_is_named_without_its_password() -> None:
    found = target("ssh://root:s3cret@rig", None, Options())
    assert (found.name, found.route.url) == ("ssh://root@rig", "ssh://root:s3cret@rig")
