"""access_control.ssh: the SSH server lets in whom it should, and runs with its current files."""

import pytest

from power_edge.suites import Unknown, routing, sockets, sshd

METHODS = ("passwordauthentication", "kbdinteractiveauthentication")
ALIASES = ("challengeresponseauthentication", "skeyauthentication")
KEYS = ("pubkeyauthentication", "gssapiauthentication", "hostbasedauthentication")


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
    for settings in logins:
        found = [sshd.only(settings, each) for each in METHODS]
        if ssh.password_auth:
            assert takes_passwords(settings, *found), "no method takes passwords"
        else:
            assert found == ["no", "no"], f"{METHODS[0]} is {found[0]}, {METHODS[1]} {found[1]}"
    not_elsewhere(host, *METHODS, *ALIASES)


def takes_passwords(settings, password, interactive):
    """Whether one of the methods takes passwords: the second one needs PAM for it."""
    ask_for_nothing_else(settings)
    return password == "yes" or (interactive == sshd.only(settings, "usepam") == "yes")


def ask_for_nothing_else(settings):
    """Raise Unknown if a login needs more than one method."""
    if (methods := settings.get("authenticationmethods", ["any"])) != ["any"]:
        raise Unknown(f"authenticationmethods is {methods[0]}")


@pytest.mark.declared("access_control.ssh.root_login")
def test_root_logs_in_as_declared(host, ssh, logins):
    for settings in logins:
        found = sshd.only(settings, "permitrootlogin")
        if ssh.root_login:
            by_key = any(settings.get(each) == ["yes"] for each in KEYS)
            by_key = by_key and found in ("without-password", "prohibit-password")
            assert found == "yes" or by_key, f"permitrootlogin is {found}"
            ask_for_nothing_else(settings)
            for each in ("allowusers", "denyusers", "allowgroups", "denygroups"):
                if each in settings:
                    raise Unknown(f"{each} is {settings[each][0]}: it may name root")
        else:
            assert found == "no", f"permitrootlogin is {found}"
    not_elsewhere(host, "permitrootlogin")


@pytest.mark.declared("access_control.ssh.port")
def test_port_listens(host, ssh):
    interfaces = routing.interfaces(host)
    found = sockets.listening(host, "tcp", ssh.port)
    assert found, f"nothing listens on port {ssh.port}"
    reachable = [each for each in found if each.reachable(interfaces)]
    assert reachable, f"nothing that others can reach listens on port {ssh.port}"
    mine = [each for each in reachable if each.held_by("sshd")]
    if not any(sshd.SERVICES.intersection(sockets.units(host, each)) for each in mine):
        by_systemd = any(each.held_by("systemd") for each in reachable)
        for_sshd = by_systemd and sshd.held_by_socket(host, ssh.port)
        assert for_sshd, f"port {ssh.port} is not sshd's"


@pytest.mark.declared("access_control.ssh")
def test_settings_are_loaded(host):
    assert sshd.loaded(host), "the files are newer than the daemon's last start or reload"


def not_elsewhere(host, *keywords):
    """Raise Unknown if a Match block sets this: it may hold for a login that nobody asked about."""
    if found := sshd.exceptions(host, *keywords):
        raise Unknown(f"a Match block sets it: {found[0]}")
