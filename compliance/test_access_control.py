"""access_control.ssh: the SSH server lets in whom it should, and runs with its current files."""

import pytest

from power_edge.suites import Unknown, output, sshd


@pytest.fixture
def ssh(node):
    """The section access_control.ssh of identity.yaml."""
    return node.identity.access_control.ssh


@pytest.fixture
def logins(host):
    """The settings for everyone, and those for root."""
    return [sshd.settings(host), sshd.settings(host, user="root")]


@pytest.mark.declared("access_control.ssh.password_auth")
def test_passwords_are_accepted_as_declared(host, ssh, logins):
    keywords = ("passwordauthentication", "kbdinteractiveauthentication")
    for settings in logins:
        found = [sshd.only(settings, each) for each in keywords]
        if ssh.password_auth:
            assert "yes" in found, "both methods are off"
        else:
            assert found == ["no", "no"], f"{keywords[0]} is {found[0]}, {keywords[1]} {found[1]}"
    not_elsewhere(host, *keywords, "challengeresponseauthentication")


@pytest.mark.declared("access_control.ssh.root_login")
def test_root_logs_in_as_declared(host, ssh, logins):
    for settings in logins:
        found = sshd.only(settings, "permitrootlogin")
        if ssh.root_login:
            assert found in ("yes", "without-password", "prohibit-password")
        else:
            assert found == "no", f"permitrootlogin is {found}"
    not_elsewhere(host, "permitrootlogin")


@pytest.mark.declared("access_control.ssh.port")
def test_port_listens(host, ssh):
    lines = output(host, f"ss -H -ltnp 'sport = :{ssh.port}'").splitlines()
    sockets = [line.split() for line in lines]
    reachable = [each for each in sockets if not each[3].startswith(("127.", "[::1]"))]
    assert reachable, f"nothing listens on port {ssh.port}"
    if any(len(each) < 6 for each in reachable):
        raise Unknown("ss does not show whose sockets they are: it needs root")
    assert any('(("sshd",' in each[5] or '"systemd",' in each[5] for each in reachable)


@pytest.mark.declared("access_control.ssh")
def test_settings_are_loaded(host):
    assert sshd.loaded(host), "the files are newer than the daemon's last start or reload"


def not_elsewhere(host, *keywords):
    """Raise Unknown if a Match block sets this: it may hold for a login that nobody asked about."""
    if found := sshd.exceptions(host, *keywords):
        raise Unknown(f"a Match block sets it: {found[0]}")
