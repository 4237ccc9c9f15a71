"""access_control.ssh: the SSH server lets in whom it should, and has read what it is told."""

import pytest

from power_edge.suites import Unknown, output, sshd


@pytest.fixture
def ssh(node):
    """The section access_control.ssh of identity.yaml; None if it is absent or disabled."""
    declared = node.identity.access_control.ssh
    return None if declared is None or declared.enabled is False else declared


@pytest.fixture
def logins(host, ssh):
    """The settings for everyone, and those for root."""
    if ssh is None:
        return []
    return [sshd.settings(host), sshd.settings(host, user="root")]


def test_passwords_are_accepted_as_declared(host, ssh, logins):
    if ssh is None or ssh.password_auth is None:
        return
    keywords = ("passwordauthentication", "kbdinteractiveauthentication")
    for settings in logins:
        found = [sshd.only(settings, each) for each in keywords]
        if ssh.password_auth:
            assert "yes" in found, "both methods are off"
        else:
            assert found == ["no", "no"], f"{keywords[0]} is {found[0]}, {keywords[1]} {found[1]}"
    not_elsewhere(host, *keywords, "challengeresponseauthentication")


def test_root_logs_in_as_declared(host, ssh, logins):
    if ssh is None or ssh.root_login is None:
        return
    for settings in logins:
        found = sshd.only(settings, "permitrootlogin")
        if ssh.root_login:
            assert found in ("yes", "without-password", "prohibit-password")
        else:
            assert found == "no", f"permitrootlogin is {found}"
    not_elsewhere(host, "permitrootlogin")


def test_port_listens(host, ssh):
    if ssh is None or ssh.port is None:
        return
    lines = output(host, f"ss -H -ltnp 'sport = :{ssh.port}'").splitlines()
    sockets = [line.split() for line in lines]
    reachable = [each for each in sockets if not each[3].startswith(("127.", "[::1]"))]
    assert reachable, f"nothing listens on port {ssh.port}"
    if any(len(each) < 6 for each in reachable):
        raise Unknown("ss does not show whose sockets they are: it needs root")
    assert any('(("sshd",' in each[5] or '"systemd",' in each[5] for each in reachable)


def test_settings_are_loaded(host, ssh):
    if ssh is not None:
        assert sshd.loaded(host), "the files are newer than the daemon's last start or reload"


def not_elsewhere(host, *keywords):
    """Raise Unknown if a Match block sets this: it may hold for a login that nobody asked about."""
    if found := sshd.exceptions(host, *keywords):
        raise Unknown(f"a Match block sets it: {found[0]}")
