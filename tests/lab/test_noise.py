"""Libraries, wrappers and a sudo that warn on stderr, on a node: each verdict is as without them,
and an error is still one.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from power_edge import resources
from power_edge.about.collect import script_for as about_script
from power_edge.about.reading import OnFile, about
from power_edge.checking.target import target
from power_edge.discover.collect import read
from power_edge.discover.collect import script_for as discovery_script
from power_edge.probing import framing
from power_edge.probing.connection import Options
from tests.support.lab.checking import Check, check, declare
from tests.support.lab.nodes import Lab, Node

pytestmark = pytest.mark.lab

STATE = {
    "files": [
        {"path": "/etc/noise/right", "content": "right\n", "mode": "0640", "owner": "root"},
        {
            "path": "/etc/noise/secret",
            "content": "right\n",
            "owner": "stella",
            "group": "nobody-knows",
        },
        {"path": "/etc/noise/closed/a\nb", "content": "right\n"},
        {"path": "/etc/noise/closed/none"},
        {"path": "/etc/noise/wrong", "content": "right\n", "mode": "0644"},
        {"path": "/etc/noise/link", "content": "right\n"},
        {"path": "/etc/noise/big\\name", "content": "right\n"},
        {"path": "/etc/noise/none", "mode": "0644"},
        {"path": "/etc/noise/right/below"},
        {"path": "/proc/sys/kernel/ostype", "content": "Linux\n"},
    ],
    "sysctl": {
        "kernel.ostype": "Linux",
        "kernel.ostyp": "Linux",
        "net.ipv4.ip_forward": "1",
        "net.ipv4.tcp_fastopen_key": "1",
    },
    "services": [
        {"name": "cron", "state": "running", "enabled": True},
        {"name": "none", "state": "running"},
    ],
    "packages": [
        {"name": "cron", "state": "present"},
        {"name": "telnetd", "state": "absent"},
        {"name": "none", "state": "present"},
    ],
    "firewall": {
        "enabled": True,
        "rules": [
            {"port": 22, "proto": "tcp", "action": "allow"},
            {"port": 23, "proto": "tcp", "action": "deny"},
        ],
    },
}
ARRANGED = """
mkdir -p /etc/noise/closed
cd /etc/noise
for name in right secret closed/"$(printf 'a\\nb')" 'big\\name'; do echo right >"$name"; done
echo wrong >wrong
ln -s right link
chmod 640 right secret
chmod 700 closed
ufw allow 22/tcp && ufw --force enable
"""
TOOLS = "stat sha256sum grep readlink getent timeout id od cksum tee tr date cat sudo systemctl dpkg-query nft iptables-save ip6tables-save sed awk"
WRAPPED = """
for tool in {TOOLS}; do
    real=$(PATH=/usr/sbin:/usr/bin:/sbin:/bin command -v $tool)
    printf '#!/bin/sh\\n%s\\n' '{BEFORE}' "$real \\"\\$@\\"" 'status=$?' '{AFTER}' 'exit $status' >/usr/local/bin/$tool
    chmod 755 /usr/local/bin/$tool
done
"""
MADE = "ld.so.preload|/etc/environment|resolv.conf"
QUIET = "rm -f /usr/local/bin/*; : >/etc/environment; rm -f /etc/ld.so.preload; hostname noise; cp /etc/resolv.conf.before /etc/resolv.conf"
NOISES = {
    "a library that is not there": "echo LD_PRELOAD=/opt/not/there.so >/etc/environment",
    "a library that is not there, for root too": "echo /opt/not/there.so >/etc/ld.so.preload",
    "a host name that sudo cannot resolve": "hostname elsewhere; echo nameserver 127.0.0.1 >/etc/resolv.conf",
    "wrappers": WRAPPED.format(
        TOOLS=TOOLS, BEFORE='echo "${0##*/}: the library /opt/x was not found" >&2', AFTER=":"
    ),
    "wrappers that warn of other files": WRAPPED.format(
        TOOLS=TOOLS,
        BEFORE="/bin/cat /opt/x; /bin/ls /opt/x",
        AFTER='echo "log: /var/log/x: Permission denied" >&2',
    ),
    "wrappers that are broken scripts": WRAPPED.format(
        TOOLS=TOOLS, BEFORE=":", AFTER="no-such-logger"
    ),
}


@pytest.fixture(scope="module")
def noisy(lab: Lab) -> Iterator[Node]:
    with lab.node(
        "noise",
        prepare="touch /etc/resolv.conf; cp /etc/resolv.conf /etc/resolv.conf.before; echo 127.0.1.1 noise >>/etc/hosts",
    ) as node:
        node.sh(ARRANGED)
        yield node


@pytest.mark.parametrize("user", ["root", "stella", "guest"])
def test_verdicts_are_the_same(lab: Lab, noisy: Node, tmp_path: Path, user: str) -> None:
    declare(tmp_path, noisy, STATE, user=user)

    def verdicts() -> dict[str, tuple[str, object]]:
        run: Check = check(lab, "--node=noise", folder=tmp_path)
        assert run.items, run.output
        return {name: (item["outcome"], item["actual"]) for (_, name), item in run.items.items()}

    quiet = verdicts()
    if user != "guest":
        assert {outcome for outcome, _ in quiet.values()} == {"compliant", "drift", "unknown"}
    different: dict[tuple[str, str], object] = {}
    for noise, make in NOISES.items():
        try:
            noisy.sh(make)
            loud = verdicts()
        finally:
            noisy.run("/bin/sh", "-c", QUIET)
        different |= {
            (noise, name): (quiet[name], got) for name, got in loud.items() if got != quiet[name]
        }
    assert different == {}


@pytest.mark.parametrize("user", ["root", "guest"])
def test_what_is_read_of_a_machine_is_the_same(noisy: Node, user: str) -> None:
    """Discovery, and the parts of `about`: what is found, and what could not be looked at."""
    place = target(None, None, Options(connection="local"))
    noisy.write(
        "/opt/discover.sh",
        discovery_script(place, resources.discoverable(), everything=False).text(),
    )
    noisy.write("/opt/about.sh", about_script(place).text())

    def results() -> list[object]:
        found, shown = (
            framing.read(
                noisy.run(
                    "su",
                    user,
                    "-s",
                    "/bin/sh",
                    "-c",
                    f". /etc/environment; export LD_PRELOAD; sh /opt/{name}.sh",
                ).stdout.encode()
            )
            for name in ("discover", "about")
        )
        record = about(shown, "noise", OnFile())
        steady = (
            record.unread,
            record.security.sshd,
            record.security.firewall,
            record.network.interfaces,
            record.system.distribution,
            record.who.identity,
        )
        # The noise itself is a file that somebody made.
        sections = [
            (
                section.type,
                [
                    each
                    for each in (*section.found, *section.left_out, *section.hidden)
                    if not re.search(MADE, str(each))
                ],
            )
            for section in read(found, resources.discoverable()).sections
        ]
        return [*sections, *steady]

    quiet = results()
    different: dict[tuple[str, str], object] = {}
    for noise, make in NOISES.items():
        try:
            noisy.sh(make)
            loud = results()
        finally:
            noisy.run("/bin/sh", "-c", QUIET)
        different |= {
            (noise, str(before)[:30]): (before, after)
            for before, after in zip(quiet, loud, strict=True)
            if before != after
        }
    assert different == {}
