"""What a boot starts: verdicts on real units, compared with a real boot. And crash loops."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import cycle, islice
from typing import NamedTuple

import pytest

from power_edge.checking.evaluate import judge
from power_edge.model import Result
from power_edge.model.generated.resources.services_schema import Service
from power_edge.resources.services import RESOURCE, ask
from tests.support.cases import items_of
from tests.support.items import item_of
from tests.support.lab.boots import verdicts
from tests.support.lab.checking import look
from tests.support.lab.nodes import Lab, Node
from tests.support.lab.roots import BASE, TRIXIE, Root, own_distribution
from tests.support.scripts import body

pytestmark = pytest.mark.lab

BODY = body("services", "resources")
ADMIN, LOCAL = "/etc/systemd/system", "/usr/local/lib/systemd/system"
VENDOR, RUN = "/usr/lib/systemd/system", "/run/systemd/system"
ROOTS = [
    pytest.param(BASE, id="own"),
    pytest.param(
        TRIXIE,
        id="trixie",
        marks=() if own_distribution() == "debian" else pytest.mark.skip("no archive of Debian"),
    ),
]


class Made(NamedTuple):
    """A service that sleeps, and how it comes to be started or not.

    `enabled`, `not_enabled`: the verdicts on `enabled: true` and `enabled: false`, by their first
    letters (compliant, drift, unknown).
    """

    verdicts: str
    arrange: str = ""
    """sh; $U is the unit's name with its suffix."""
    install: str = "multi-user.target"
    unit: str = ""
    service: str = "ExecStart=/bin/sleep infinity"
    folder: str = ADMIN
    suffix: str = "service"

    def text(self) -> str:
        """The unit file."""
        install = f"[Install]\nWantedBy={self.install}\n" if self.install else ""
        body = f"[Service]\n{self.service}\n" if self.suffix == "service" else self.service
        return f"[Unit]\n{self.unit}\n{body}\n{install}"


def link(puller: str, folder: str = ADMIN, kind: str = "wants", target: str = "") -> str:
    """A link that pulls $U in, or one that masks it."""
    place = f"{folder}/{puller}.{kind}"
    return f"mkdir -p {place}; ln -sfn {target or f'{VENDOR}/$U'} {place}/$U; "


ENABLE, NULL = "systemctl enable $U", "/dev/null"
MULTI_USER = "multi-user.target"
WANTS = f"{ADMIN}/{MULTI_USER}.wants"


def empty(kind: str) -> str:
    """An empty file that masks $U in a folder of multi-user.target."""
    return f"mkdir -p {ADMIN}/{MULTI_USER}.{kind}; : >{ADMIN}/{MULTI_USER}.{kind}/$U"


UNITS: Mapping[str, Made] = {
    "plain": Made("cd", ENABLE),
    "off": Made("dc"),
    "for-default": Made("cd", ENABLE, install="default.target"),
    "for-graphical": Made("ud", ENABLE, install="graphical.target"),
    "for-rescue": Made("ud", ENABLE, install="rescue.target"),
    "for-a-typo": Made("ud", ENABLE, install="multiuser.target"),
    "for-a-device": Made("ud", ENABLE, install="dev-null.device"),
    "for-bluetooth": Made("ud", ENABLE, install="bluetooth.target"),
    "for-a-masked": Made("ud", ENABLE, install="pe-masked.target"),
    "for-a-disabled": Made("ud", ENABLE, install="pe-off.target"),
    "for-a-chain": Made("cd", ENABLE, install="pe-1.target"),
    "for-a-cut-chain": Made("ud", ENABLE, install="pe-4.target"),
    "empty-entry": Made("dc", empty("wants"), install="", folder=VENDOR),
    "null-entry": Made("dc", link("multi-user.target", target=NULL), install="", folder=VENDOR),
    "null-required": Made(
        "dc", link("multi-user.target", kind="requires", target=NULL), "", folder=VENDOR
    ),
    "null-upheld": Made(
        "dc", link("multi-user.target", kind="upholds", target=NULL), "", folder=VENDOR
    ),
    "empty-required": Made("dc", empty("requires"), install="", folder=VENDOR),
    "empty-upheld": Made("dc", empty("upholds"), install="", folder=VENDOR),
    "entry-to-an-empty-file": Made(
        "dc", f": >/opt/empty; {link(MULTI_USER, target='/opt/empty')}", install="", folder=VENDOR
    ),
    "entry-to-a-link-to-null": Made(
        "dc",
        f"ln -sfn /dev/null /opt/null; {link(MULTI_USER, target='/opt/null')}",
        install="",
        folder=VENDOR,
    ),
    "entry-to-a-device": Made(
        "dc", link(MULTI_USER, target="/dev/zero"), install="", folder=VENDOR
    ),
    "entry-to-nothing": Made(
        "cd", link(MULTI_USER, target="/nonexistent/unit"), install="", folder=VENDOR
    ),
    "required-by-an-entry-to-nothing": Made(
        "cd",
        link(MULTI_USER, kind="requires", target="/nonexistent/unit"),
        install="",
        folder=VENDOR,
    ),
    "upheld-by-an-entry-to-nothing": Made(
        "cd",
        link(MULTI_USER, kind="upholds", target="/nonexistent/unit"),
        install="",
        folder=VENDOR,
    ),
    "entry-to-nothing-in-run": Made(
        "cd", link(MULTI_USER, target="/run/pe-nothing"), install="", folder=VENDOR
    ),
    "entry-to-a-file-in-run": Made(
        "cd",
        f"echo >/run/pe-full-file; {link(MULTI_USER, target='/run/pe-full-file')}",
        install="",
        folder=VENDOR,
    ),
    "entry-to-a-folder": Made("cd", link(MULTI_USER, target="/opt"), install="", folder=VENDOR),
    "entry-to-an-empty-folder": Made(
        "cd",
        f"mkdir -p /opt/pe-none; {link(MULTI_USER, target='/opt/pe-none')}",
        install="",
        folder=VENDOR,
    ),
    "entry-to-itself": Made("cd", link(MULTI_USER, target="$U"), install="", folder=VENDOR),
    "folder-as-entry": Made("dc", f"mkdir -p {WANTS}/$U", install="", folder=VENDOR),
    "file-as-entry": Made("dc", f"echo >{WANTS}/$U", install="", folder=VENDOR),
    "unit-as-entry": Made("dc", f"cp {VENDOR}/$U {WANTS}/$U", install="", folder=VENDOR),
    "pipe-as-entry": Made("dc", f"mkfifo {WANTS}/$U", install="", folder=VENDOR),
    "vendor-entry": Made("cd", link("multi-user.target", VENDOR), install="", folder=VENDOR),
    "vendor-entry-masked": Made(
        "dc",
        link("multi-user.target", VENDOR) + link("multi-user.target", target=NULL),
        install="",
        folder=VENDOR,
    ),
    "mask-that-loses": Made(
        "cd", f"{ENABLE}; " + link("multi-user.target", LOCAL, target=NULL), folder=VENDOR
    ),
    "masked": Made("dc", "systemctl mask $U", folder=VENDOR),
    "masked-not-reloaded": Made("dc", f"{ENABLE}; ln -s /dev/null {ADMIN}/$U", folder=VENDOR),
    "masked-in-run": Made("ud", f"{ENABLE}; systemctl mask --runtime $U", folder=VENDOR),
    "masked-in-run-and-off": Made("dc", "systemctl mask --runtime $U", folder=VENDOR),
    "masked-by-a-link-to-empty": Made(
        "dc", f"{ENABLE}; : >/etc/empty; ln -s /etc/empty {ADMIN}/$U", folder=VENDOR
    ),
    "enabled-in-run": Made("dc", "systemctl enable --runtime $U"),
    "file-in-run": Made("ud", ENABLE, folder=RUN),
    "wanted-by-a-line": Made("cd", install=""),
    "wants-by-a-line": Made("cd", ENABLE, unit="Wants=wanted-by-a-line.service"),
    "wanted-by-a-drop-in": Made(
        "cd",
        f"mkdir -p {ADMIN}/plain.service.d; printf '[Unit]\\nWants=%s\\n' $U >{ADMIN}/plain.service.d/w.conf",
        install="",
    ),
    "wanted-by-a-drop-in-in-run": Made(
        "dc",
        f"mkdir -p {RUN}/plain.service.d; printf '[Unit]\\nWants=%s\\n' $U >{RUN}/plain.service.d/w.conf",
        install="",
    ),
    "off-and-wanted": Made("dd"),
    "wants-the-off": Made("cd", ENABLE, unit="Wants=off-and-wanted.service"),
    "bound": Made("cd", install=""),
    "binds": Made("cd", f"{ENABLE} --now", unit="BindsTo=bound.service"),
    "loses": Made("ud", ENABLE),
    "wins": Made("cd", ENABLE, unit="Conflicts=loses.service"),
    "condition-fails": Made("ud", ENABLE, unit="ConditionPathExists=/nonexistent"),
    "condition-by-drop-in": Made(
        "ud",
        f"{ENABLE}; mkdir -p {ADMIN}/$U.d; printf '[Unit]\\nConditionPathExists=!/etc/passwd\\n' >{ADMIN}/$U.d/c.conf",
    ),
    "condition-in-run": Made(
        "ud", f"{ENABLE}; : >/run/there", unit="ConditionPathExists=/run/there"
    ),
    "condition-on-a-glob-in-run": Made(
        "ud", f"{ENABLE}; : >/run/pe-glob", unit="ConditionPathExistsGlob=/run/pe-g*"
    ),
    "assert-on-a-glob-in-run": Made(
        "ud", f"{ENABLE}; : >/run/pe-glob", unit="AssertPathExistsGlob=/run/pe-g*"
    ),
    "condition-on-a-full-folder-in-run": Made(
        "ud",
        f"{ENABLE}; mkdir -p /run/pe-full; : >/run/pe-full/a",
        unit="ConditionDirectoryNotEmpty=/run/pe-full",
    ),
    "condition-on-a-writable-folder-in-run": Made(
        "ud", f"{ENABLE}; mkdir -p /run/pe-full", unit="ConditionPathIsReadWrite=/run/pe-full"
    ),
    "condition-behind-a-link": Made(
        "ud",
        f"{ENABLE}; : >/run/pe-flag; ln -s /run/pe-flag /etc/pe-flag",
        unit="ConditionPathExists=/etc/pe-flag",
    ),
    "condition-behind-links": Made(
        "ud",
        f"{ENABLE}; mkdir -p /run/pe-way; ln -s ../etc/../run/pe-way /etc/pe-way; ln -s /etc/passwd /run/pe-way/flag",
        unit="ConditionPathExists=/etc/pe-way/flag",
    ),
    "condition-on-a-glob-of-links": Made(
        "ud",
        f"{ENABLE}; : >/run/pe-flag; ln -s /run/pe-flag /etc/pe-link",
        unit="ConditionPathExistsGlob=/etc/pe-lin*",
    ),
    "condition-in-shm": Made(
        "ud", f"{ENABLE}; : >/dev/shm/pe-flag", unit="ConditionPathExists=/dev/shm/pe-flag"
    ),
    "condition-on-a-mount": Made(
        "ud",
        f"{ENABLE}; mountpoint -q /mnt || mount -t tmpfs pe /mnt",
        unit="ConditionPathIsMountPoint=/mnt",
    ),
    "condition-on-a-file-on-a-mount": Made(
        "ud",
        f"{ENABLE}; mountpoint -q /mnt || mount -t tmpfs pe /mnt; : >/mnt/pe-flag",
        unit="ConditionPathExists=/mnt/pe-flag",
    ),
    "condition-on-what-a-mount-hides": Made(
        "ud",
        f"{ENABLE}; : >/media/pe-hidden; mount -t tmpfs pe /media",
        unit="ConditionPathExists=!/media/pe-hidden",
    ),
    "condition-on-what-is-not-in-run": Made(
        "cd",
        ENABLE,
        unit="ConditionPathExists=!/run/pe-nothing\nConditionPathExistsGlob=!/run/pe-nothing*",
    ),
    "condition-on-what-each-boot-brings": Made(
        "cd",
        ENABLE,
        unit="ConditionPathExists=/dev/null\nConditionPathExists=/proc/sys/kernel\nConditionDirectoryNotEmpty=/sys/kernel\n"
        "ConditionPathIsReadWrite=/etc\nConditionPathExistsGlob=/etc/pass*\nConditionPathIsDirectory=/var/lib",
    ),
    "condition-in-the-managers-home": Made(
        "cd", f"{ENABLE}; : >/root/pe-home", unit="ConditionPathExists=%h/pe-home"
    ),
    "condition-not-in-the-managers-home": Made(
        "ud", f"{ENABLE}; : >/root/pe-home", unit="ConditionPathExists=!%h/pe-home"
    ),
    "condition-on-the-managers-name": Made(
        "ud", f"{ENABLE}; : >/opt/pe-root", unit="ConditionPathExists=!/opt/pe-%u"
    ),
    "condition-on-the-managers-number": Made(
        "ud", f"{ENABLE}; : >/opt/pe-0", unit="ConditionPathExists=!/opt/pe-%U"
    ),
    "condition-on-the-managers-group": Made(
        "ud", f"{ENABLE}; : >/opt/pe-root", unit="ConditionPathExists=!/opt/pe-%g"
    ),
    "condition-on-the-managers-shell": Made("ud", ENABLE, unit="ConditionPathExists=!%s"),
    "condition-on-this-boot": Made(
        "ud",
        f"{ENABLE}; : >/opt/pe-$(tr -d - </proc/sys/kernel/random/boot_id)",
        unit="ConditionPathExists=/opt/pe-%b",
    ),
    "condition-on-the-environment": Made("ud", ENABLE, unit="ConditionEnvironment=HOME"),
    "condition-on-a-set-environment": Made(
        "ud", f"{ENABLE}; systemctl set-environment PE_SET=1", unit="ConditionEnvironment=PE_SET"
    ),
    "condition-on-no-environment": Made("cd", ENABLE, unit="ConditionEnvironment=!PE_UNSET"),
    "condition-on-the-user": Made("cd", ENABLE, unit="ConditionUser=root"),
    "condition-on-another-user": Made("ud", ENABLE, unit="ConditionUser=stella"),
    "condition-on-a-group": Made("ud", ENABLE, unit="ConditionGroup=root"),
    "condition-on-the-machine": Made(
        "cd",
        ENABLE,
        unit="ConditionVirtualization=container\nConditionVirtualization=!vm\nConditionCapability=CAP_SETUID\n"
        "ConditionMemory=>1M\nConditionCPUs=>0\nConditionKernelCommandLine=!pe-none\nConditionFirstBoot=no",
    ),
    "condition-on-another-machine": Made("ud", ENABLE, unit="ConditionVirtualization=vm"),
    "condition-on-power": Made("ud", ENABLE, unit="ConditionACPower=true"),
    "condition-on-what-tmpfiles-removes": Made(
        "ud",
        f"{ENABLE}; : >/etc/pe-swept; echo 'r! /etc/pe-sw*' >>/etc/tmpfiles.d/pe.conf",
        unit="ConditionPathExists=/etc/pe-swept",
    ),
    "condition-on-what-tmpfiles-removes-with-its-folder": Made(
        "ud",
        f"{ENABLE}; mkdir /opt/pe-swept; : >/opt/pe-swept/a; echo 'R /opt/pe-swept' >>/etc/tmpfiles.d/pe.conf",
        unit="ConditionPathExists=/opt/pe-swept/a",
    ),
    "condition-on-what-tmpfiles-empties": Made(
        "ud",
        f"{ENABLE}; mkdir /opt/pe-emptied; : >/opt/pe-emptied/a; echo 'D /opt/pe-emptied' >>/usr/lib/tmpfiles.d/pe.conf",
        unit="ConditionDirectoryNotEmpty=/opt/pe-emptied",
    ),
    "condition-on-what-tmpfiles-makes": Made(
        "ud",
        f"{ENABLE}; echo 'd /opt/pe-made/b' >>/etc/tmpfiles.d/pe.conf",
        unit="ConditionPathExists=!/opt/pe-made",
    ),
    "condition-on-a-mount-that-no-boot-makes": Made(
        "ud",
        f"{ENABLE}; mkdir /opt/pe-noauto; echo 'tmpfs /opt/pe-noauto tmpfs noauto' >>/etc/fstab; systemctl daemon-reload; "
        "mount /opt/pe-noauto; : >/opt/pe-noauto/a",
        unit="ConditionPathExists=/opt/pe-noauto/a",
    ),
    "condition-on-what-a-boot-hides": Made(
        "ud",
        f"{ENABLE}; mkdir /opt/pe-later; : >/opt/pe-later/a; "
        f"printf '[Mount]\\nWhat=tmpfs\\nType=tmpfs\\nWhere=/opt/pe-later\\n' >{ADMIN}/'opt-pe\\x2dlater.mount'; "
        "systemctl daemon-reload; systemctl add-wants local-fs.target 'opt-pe\\x2dlater.mount'",
        unit="ConditionPathExists=/opt/pe-later/a",
    ),
    "condition-holds": Made("cd", ENABLE, unit="ConditionPathExists=/etc/passwd"),
    "assert-fails": Made("ud", ENABLE, unit="AssertPathExists=/nonexistent"),
    "one-condition-of-two": Made(
        "cd", ENABLE, unit="ConditionPathExists=|/nonexistent\nConditionPathExists=|/etc/passwd"
    ),
    "condition-not-of-files": Made("ud", ENABLE, unit="ConditionHost=elsewhere"),
    "skips-itself": Made(
        "ud", ENABLE, service="ExecCondition=/bin/false\nExecStart=/bin/sleep infinity"
    ),
    "does-not-skip-itself": Made(
        "cd",
        f"{ENABLE}; systemctl start $U",
        service="ExecCondition=/bin/true\nExecStart=/bin/sleep infinity",
    ),
    "asks-since-its-start": Made(
        "ud",
        f"{ENABLE} --now; mkdir {ADMIN}/$U.d; printf '[Service]\\nExecCondition=false\\n' >{ADMIN}/$U.d/a.conf; systemctl daemon-reload",
    ),
    "asks-otherwise-since-its-start": Made(
        "ud",
        f"{ENABLE} --now; sed -i s:=/bin/true:=/bin/false: {ADMIN}/$U; systemctl daemon-reload",
        service="ExecCondition=/bin/true\nExecStart=/bin/sleep infinity",
    ),
    "asks-otherwise-since-its-stop": Made(
        "ud",
        f"{ENABLE} --now; systemctl stop $U; sed -i s:=/bin/true:=/bin/false: {ADMIN}/$U; systemctl daemon-reload",
        service="ExecCondition=/bin/true\nExecStart=/bin/sleep infinity",
    ),
    "skips-itself-behind-a-mask-in-run": Made(
        "uu",
        f"{ENABLE}; systemctl mask --runtime $U",
        service="ExecCondition=/bin/false\nExecStart=/bin/sleep infinity",
        folder=VENDOR,
    ),
    "slow": Made("cd", ENABLE, service="Type=oneshot\nExecStart=/bin/sleep 2"),
    "runs-out-of-time": Made("ud", ENABLE, unit="After=slow.service\nJobTimeoutSec=1"),
    "requires-what-runs-out-of-time": Made(
        "ud", ENABLE, unit="Requires=runs-out-of-time.service\nAfter=runs-out-of-time.service"
    ),
    "called": Made("uu", install="", unit="Wants=wanted-by-the-called.service pe-alias.service"),
    "wanted-by-the-called": Made("uu", unit="Requires=required-after-a-call.service", install=""),
    "required-after-a-call": Made("uu", install=""),
    "wanted-by-an-alias-after-a-call": Made("du", f"ln -s $U {ADMIN}/pe-alias.service", install=""),
    "has-failed": Made(
        "cd", f"{ENABLE}; systemctl start $U || :", service="Type=oneshot\nExecStart=false"
    ),
    "requires-what-has-failed": Made(
        "ud", ENABLE, unit="Requires=has-failed.service\nAfter=has-failed.service"
    ),
    "has-failed-and-was-reset": Made(
        "cd",
        f"{ENABLE}; systemctl start $U || systemctl reset-failed $U",
        service="Type=oneshot\nExecStart=false",
    ),
    "requires-what-was-reset": Made(
        "ud",
        ENABLE,
        unit="Requires=has-failed-and-was-reset.service\nAfter=has-failed-and-was-reset.service",
    ),
    "edited-since-its-start": Made(
        "cd",
        f"{ENABLE} --now; sed -i s:/bin/sleep:/nonexistent: {ADMIN}/$U; systemctl daemon-reload",
        service="Type=exec\nExecStart=/bin/sleep infinity",
    ),
    "requires-the-edited": Made(
        "ud",
        ENABLE,
        unit="Requires=edited-since-its-start.service\nAfter=edited-since-its-start.service",
    ),
    "requires-what-requires-the-edited": Made(
        "ud", ENABLE, unit="Requires=requires-the-edited.service\nAfter=requires-the-edited.service"
    ),
    "drop-in-since-its-start": Made(
        "cd",
        f"{ENABLE} --now; mkdir {ADMIN}/$U.d; printf '[Service]\\nExecStartPre=false\\n' >{ADMIN}/$U.d/f.conf",
    ),
    "requires-what-has-a-new-drop-in": Made(
        "ud",
        ENABLE,
        unit="Requires=drop-in-since-its-start.service\nAfter=drop-in-since-its-start.service",
    ),
    "upgraded-since-its-start": Made(
        "cd",
        f'{ENABLE} --now; touch -d "$(date +%FT%T -d 1minute)" {VENDOR}/$U; systemctl daemon-reload',
        folder=VENDOR,
    ),
    "requires-the-upgraded": Made(
        "cd",
        ENABLE,
        unit="Requires=upgraded-since-its-start.service\nAfter=upgraded-since-its-start.service",
    ),
    "is-up": Made("cd", f"{ENABLE} --now"),
    "requires-what-is-up": Made(
        "cd", ENABLE, unit="Requires=is-up.service dbus.socket\nAfter=is-up.service"
    ),
    "part-of-what-is-soon-over": Made(
        "cd", ENABLE, unit="PartOf=is-soon-over.service\nAfter=is-soon-over.service"
    ),
    "not-needed": Made("cd", ENABLE, unit="StopWhenUnneeded=yes"),
    "before-anything": Made("cd", ENABLE, install="sysinit.target", unit="DefaultDependencies=no"),
    "for-an-alias": Made("cd", ENABLE, install="runlevel3.target"),
    "of-a-drop-in@one": Made(
        "cd",
        f"mkdir -p {ADMIN}/multi-user.target.d; printf '[Unit]\\nWants=%s\\n' $U >{ADMIN}/multi-user.target.d/w.conf",
        install="",
    ),
    "is-soon-over": Made("cd", ENABLE, service="Type=oneshot\nExecStart=true"),
    "bound-to-what-is-soon-over": Made(
        "ud", ENABLE, unit="BindsTo=is-soon-over.service\nAfter=is-soon-over.service"
    ),
    "stops-with-what-is-soon-over": Made(
        "ud",
        ENABLE,
        unit="StopPropagatedFrom=is-soon-over.service\nWants=is-soon-over.service"
        "\nAfter=is-soon-over.service",
    ),
    "requires-a-device": Made(
        "ud", ENABLE, unit="Requires=dev-pe.device\nAfter=dev-pe.device\nJobTimeoutSec=1"
    ),
    "bound-to-a-device": Made(
        "ud", ENABLE, unit="BindsTo=dev-pe.device\nAfter=dev-pe.device\nJobTimeoutSec=1"
    ),
    "bound-to-the-missing": Made("ud", ENABLE, unit="BindsTo=pe-missing.service"),
    "requires-the-bound": Made(
        "ud",
        ENABLE,
        unit="Requires=bound-to-the-missing.service\nAfter=bound-to-the-missing.service",
    ),
    "after-success": Made("uu", install=""),
    "succeeds": Made(
        "cd", ENABLE, unit="OnSuccess=after-success.service", service="Type=oneshot\nExecStart=true"
    ),
    "after-failure": Made("uu", install="", unit="Wants=wanted-after-failure.service"),
    "wanted-after-failure": Made("uu", install=""),
    "after-timed-failure": Made("uu", install=""),
    "timed-fails": Made(
        "dd",
        "systemctl enable timed-fails.timer",
        install="",
        unit="OnFailure=after-timed-failure.service",
        service="Type=oneshot\nExecStart=false",
    ),
    "fails": Made(
        "cd",
        ENABLE,
        unit="OnFailure=after-failure.service",
        service="Type=oneshot\nExecStart=false",
    ),
    "by-a-timer-that-is-skipped": Made(
        "du", "systemctl enable by-a-timer-that-is-skipped.timer", install=""
    ),
    "skipped-by-a-timer": Made(
        "du",
        "systemctl enable skipped-by-a-timer.timer",
        install="",
        unit="ConditionPathExists=/nope",
    ),
    "by-a-timer": Made("dd", "systemctl enable by-a-timer.timer", install=""),
    "pulled-by-what-a-timer-starts": Made("uu", install=""),
    "timed": Made(
        "dd",
        "systemctl enable timed.timer",
        install="",
        unit="Wants=pulled-by-what-a-timer-starts.service",
    ),
    "by-a-socket": Made("dd", "systemctl enable by-a-socket.socket", install=""),
    "by-a-socket-of-another-name": Made("dd", "systemctl enable pe-other.socket", install=""),
    "by-a-masked-socket": Made(
        "dc",
        f"systemctl enable by-a-masked-socket.socket; ln -s /dev/null {ADMIN}/by-a-masked-socket.socket",
        install="",
    ),
    "linked-into-run": Made("ud", f"{ENABLE}; mv {ADMIN}/$U /run/$U; ln -s /run/$U {ADMIN}/$U"),
    "linked-by-way-of-another-link": Made(
        "ud",
        f"{ENABLE}; mkdir -p /opt/pe; mv {ADMIN}/$U /run/$U; ln -s /run/$U /opt/pe/$U; ln -s /opt/pe/$U {ADMIN}/$U",
    ),
    "linked-into-a-linked-folder": Made(
        "ud",
        f"{ENABLE}; mkdir -p /dev/shm/pe; ln -sfn /dev/shm/pe /opt/pe-shm; mv {ADMIN}/$U /dev/shm/pe; ln -s /opt/pe-shm/$U {ADMIN}/$U",
    ),
    "linked-by-way-of-another-unit": Made(
        "uu",
        f"{ENABLE}; mv {ADMIN}/$U /run/$U; ln -s /run/$U {VENDOR}/$U; ln -s {VENDOR}/$U {ADMIN}/$U",
    ),
    "linked-elsewhere": Made(
        "cd", f"{ENABLE}; mkdir -p /opt/pe; mv {ADMIN}/$U /opt/pe/$U; ln -s /opt/pe/$U {ADMIN}/$U"
    ),
    "linked-onto-a-mount": Made(
        "ud",
        f"{ENABLE}; mkdir -p /srv/pe-linked; mount -t tmpfs pe /srv/pe-linked; mv {ADMIN}/$U /srv/pe-linked; ln -s /srv/pe-linked/$U {ADMIN}/$U",
    ),
    "hidden-by-a-mount": Made(
        "ud",
        f"{ENABLE}; cp {ADMIN}/$U /root/$U; printf '[Unit]\\nConditionPathExists=/nonexistent\\n' >>{ADMIN}/$U; mount --bind /root/$U {ADMIN}/$U",
    ),
    "drop-ins-behind-a-link": Made(
        "ud",
        f"{ENABLE}; mkdir /run/$U.d; printf '[Unit]\\nWants=wanted-behind-a-link.service\\n' >/run/$U.d/w.conf; ln -s /run/$U.d {ADMIN}",
    ),
    "wanted-behind-a-link": Made("uu", install=""),
    "drop-ins-for-many-behind-a-link": Made(
        "ud",
        f"{ENABLE}; mkdir /run/pe-many; printf '[Unit]\\nDescription=x\\n' >/run/pe-many/w.conf; ln -s /run/pe-many {ADMIN}/drop-ins-for-many-.service.d",
    ),
    "wants-behind-a-link": Made(
        "ud",
        f"{ENABLE}; mkdir /run/pe-wants; ln -s {ADMIN}/wanted-by-a-linked-folder.service /run/pe-wants; ln -s /run/pe-wants {ADMIN}/$U.wants",
    ),
    "wanted-by-a-linked-folder": Made("uu", install=""),
    "readable-by-root": Made("cd", f"{ENABLE}; chmod 600 {ADMIN}/$U"),
    "instance@one": Made("cd", ENABLE),
    "instance@two": Made("dc"),
}
TIMER, SOCKET = "[Timer]\nOnBootSec=0\n", "[Socket]\nListenStream=/run/{}\n"
OTHERS = {
    "/usr/share/dbus-1/system-services/org.lab.Called.service": "[D-BUS Service]\nName=org.lab.Called\nExec=/bin/false\nUser=root\n"
    "SystemdService=called.service\n",
    f"{ADMIN}/by-a-timer-that-is-skipped.timer": "[Unit]\nConditionPathExists=/nope\n"
    + TIMER
    + "[Install]\nWantedBy=timers.target\n",
    f"{ADMIN}/skipped-by-a-timer.timer": TIMER + "[Install]\nWantedBy=timers.target\n",
    f"{ADMIN}/by-a-timer.timer": TIMER + "[Install]\nWantedBy=timers.target\n",
    f"{ADMIN}/timed-fails.timer": TIMER + "[Install]\nWantedBy=timers.target\n",
    f"{ADMIN}/timed.timer": TIMER + "[Install]\nWantedBy=timers.target\n",
    f"{ADMIN}/by-a-socket.socket": SOCKET.format("a") + "[Install]\nWantedBy=sockets.target\n",
    f"{VENDOR}/by-a-masked-socket.socket": SOCKET.format("b")
    + "[Install]\nWantedBy=sockets.target\n",
    f"{ADMIN}/pe-other.socket": SOCKET.format("c")
    + "Service=by-a-socket-of-another-name.service\n[Install]\nWantedBy=sockets.target\n",
    **{
        f"{VENDOR}/pe-{name}.target": f"[Install]\nWantedBy={by}.target\n"
        for name, by in {
            **{"masked": "multi-user", "off": "multi-user", "1": "pe-2", "2": "pe-3"},
            **{"3": "multi-user", "4": "pe-5", "5": "pe-off"},
        }.items()
    },
}
PREPARE = f"""
systemctl set-default multi-user.target
systemctl enable pe-masked.target pe-1.target pe-2.target pe-3.target pe-4.target pe-5.target
ln -s /dev/null {ADMIN}/pe-masked.target
"""


def unit_of(name: str) -> str:
    return f"{name}.service"


def files() -> dict[str, str]:
    """The unit files, those in /run left out."""
    made = {}
    for name, unit in UNITS.items():
        file = name.partition("@")[0] + ("@" if "@" in name else "")
        if unit.folder != RUN:
            made[f"{unit.folder}/{file}.service"] = unit.text()
    return made | OTHERS


@pytest.fixture(scope="module", params=ROOTS)
def odd(lab: Lab, request: pytest.FixtureRequest) -> Iterator[list[Node]]:
    """A node with all of these, in a list, where a test that boots it again puts the new one."""
    root: Root = request.param
    with lab.node("odd", root=root, files=files(), prepare=PREPARE) as node:
        for name, unit in UNITS.items():
            if unit.folder == RUN:
                node.sh(f"mkdir -p {RUN}")
                node.write(f"{RUN}/{name}.service", unit.text())
        node.sh("systemctl daemon-reload")
        # A command each: on a busy machine all of them take longer than one command may.
        for name, unit in UNITS.items():
            if unit.arrange:
                node.sh(f"exec 2>/dev/null; U={unit_of(name)}; {unit.arrange}")
        yield [node]


def checked(node: Node, declared: Sequence[Service], *, full: bool = False) -> Mapping[str, Result]:
    """The results by name, all asked in one go; `full`: the full answer about each."""
    asked = [re.sub("^(~?)[=!]?", r"\1!", word) if full else word for word in ask(declared)]
    done = node.run("sh", "-c", BODY, "pe", *asked)
    observed = RESOURCE.parse(done.stdout.encode())
    return {
        item.name: judge(RESOURCE, item, observed)
        for item in (item_of(RESOURCE, each.name, each) for each in declared)
    }


def letters(results: Mapping[str, Result]) -> dict[str, str]:
    return {name: result.outcome.value[0] for name, result in results.items()}


def knows_upholds(node: Node) -> bool:
    """Whether its systemd reads folders of the name TARGET.upholds, which came with 254."""
    return int(node.sh("systemctl --version").split()[1]) >= 254


def test_the_verdicts_and_the_boot_that_follows(lab: Lab, odd: list[Node]) -> None:
    (node,) = odd
    on = letters(checked(node, [Service(name=name, enabled=True) for name in UNITS]))
    off = letters(checked(node, [Service(name=name, enabled=False) for name in UNITS]))
    disabled = letters(checked(node, [Service(name=name, state="disabled") for name in UNITS]))
    expected = {name: unit.verdicts for name, unit in UNITS.items()}
    if not knows_upholds(node):
        expected["upheld-by-an-entry-to-nothing"] = "dc"
    assert {name: on[name] + off[name] for name in UNITS} == expected
    odd[0] = node = lab.reboot(node)
    shown = node.sh(
        f"systemctl show -p Id,InactiveExitTimestampMonotonic -- {' '.join(map(unit_of, UNITS))}"
    )
    blocks = (
        dict(line.split("=", 1) for line in block.splitlines()) for block in shown.split("\n\n")
    )
    started = {
        block["Id"].removesuffix(".service"): block["InactiveExitTimestampMonotonic"] != "0"
        for block in blocks
    }
    assert [name for name in UNITS if on[name] == "c" and not started[name]] == []
    assert [name for name in UNITS if "c" in (off[name], disabled[name]) and started[name]] == []


HIDDEN = {
    "linked": f"cp -a {ADMIN}/. /run/all; rm -r {ADMIN}; ln -s /run/all {ADMIN}",
    "mounted": f"cp -a {ADMIN} /root/all; rm {ADMIN}/plain.service; mount --bind /root/all {ADMIN}",
    "mounted-above": "cp -a /etc/systemd /root/all; mount -t tmpfs pe /etc/systemd; cp -a /root/all/. /etc/systemd",
}


@pytest.mark.parametrize("how", HIDDEN)
@pytest.mark.parametrize("root", ROOTS)
def test_a_boot_does_not_find_a_whole_folder_of_units(lab: Lab, root: Root, how: str) -> None:
    texts = {f"{ADMIN}/plain.service": UNITS["plain"].text()}
    with lab.node("hidden", root=root, files=texts) as node:
        node.sh(f"{HIDDEN[how]}; systemctl daemon-reload; systemctl -q enable --now plain")
        assert letters(checked(node, [Service(name="plain", enabled=True)])) == {"plain": "u"}
        again = lab.reboot(node)
        assert again.sh("systemctl is-active plain", check=False) != "active"


MASKS = {
    "file": "ln -s /run/empty {0}",
    "shared-memory": ": >/dev/shm/empty; ln -s /dev/shm/empty {0}",
    "link": "ln -s /run/empty /opt/way; ln -s /opt/way {0}",
    "device": "mknod /run/null c 1 3; ln -s /run/null {0}",
    "mount": "mount -t tmpfs pe /mnt; : >/mnt/empty; ln -s /mnt/empty {0}",
}
"""Ways to make an entry that is a mask now, and none after a boot."""


@pytest.mark.parametrize("kind", ["wants", "requires", "upholds"])
@pytest.mark.parametrize("how", MASKS)
@pytest.mark.parametrize("root", ROOTS)
def test_an_entry_that_a_boot_does_not_find_to_be_a_mask(
    lab: Lab, root: Root, how: str, kind: str
) -> None:
    texts = {
        f"{VENDOR}/unmasked.service": Made("", install="", unit="Wants=more.service").text(),
        f"{VENDOR}/more.service": Made("", install="").text(),
    }
    folder = f"{ADMIN}/{MULTI_USER}.{kind}"
    declared = [Service(name=name, enabled=False) for name in ("unmasked", "more")]
    with lab.node("unmasked", root=root, files=texts) as node:
        entry = MASKS[how].format(f"{folder}/unmasked.service")
        node.sh(f": >/run/empty; mkdir -p {folder}; {entry}; systemctl daemon-reload")
        assert node.sh(f"systemctl show -p Wants --value {MULTI_USER}").count("unmasked") == 0
        assert letters(checked(node, declared)) == {"unmasked": "u", "more": "u"}
        on = [Service(name=each.name, enabled=True) for each in declared]
        assert "c" not in letters(checked(node, on)).values()
        again = lab.reboot(node)
        after = again.sh("systemctl is-active unmasked more", check=False).split()
        assert after == ["active" if kind != "upholds" or knows_upholds(again) else "inactive"] * 2


@pytest.mark.parametrize("root", ROOTS)
def test_an_entry_that_a_boot_finds_to_be_a_mask(lab: Lab, root: Root) -> None:
    texts = {f"{VENDOR}/wanted.service": Made("", install="").text()}
    entry = f"{WANTS}/wanted.service"
    with lab.node("covered", root=root, files=texts) as node:
        node.sh(f": >/mnt/entry; mkdir -p {WANTS}; ln -s /mnt/entry {entry}")
        node.sh("mount -t tmpfs pe /mnt; systemctl daemon-reload")
        assert letters(checked(node, [Service(name="wanted", enabled=True)])) == {"wanted": "u"}
        again = lab.reboot(node)
        assert again.sh("systemctl is-active wanted", check=False) == "inactive"


@pytest.mark.parametrize("root", ROOTS)
def test_a_unit_keeps_another_from_starting_and_a_boot_does_not_find_it(
    lab: Lab, root: Root
) -> None:
    texts = {
        f"{ADMIN}/goes.service": Made("", unit="Conflicts=stays.service").text(),
        f"{VENDOR}/stays.service": Made("", install="").text(),
    }
    with lab.node("rivals", root=root, files=texts) as node:
        node.sh(f"systemctl -q enable goes; cd {VENDOR}; mkdir -p {MULTI_USER}.wants")
        node.sh(f"ln -s ../stays.service {VENDOR}/{MULTI_USER}.wants; systemctl daemon-reload")
        declared = [Service(name="stays", enabled=False)]
        assert letters(checked(node, declared)) == {"stays": "c"}
        node.sh(
            f"mv {ADMIN}/goes.service /run/goes.service; ln -s /run/goes.service {ADMIN}/goes.service"
        )
        node.sh("systemctl daemon-reload")
        assert letters(checked(node, declared)) == {"stays": "u"}
        again = lab.reboot(node)
        assert again.sh("systemctl is-active stays") == "active"


@pytest.mark.parametrize("root", ROOTS)
def test_a_mask_that_only_root_sees(lab: Lab, root: Root) -> None:
    texts = {f"{VENDOR}/hidden.service": Made("", install="").text()}
    declared = [Service(name="hidden", enabled=True)]
    with lab.node("seen", root=root, files=texts) as node:
        node.sh(f": >/root/empty; mkdir -p {WANTS}; ln -s /root/empty {WANTS}/hidden.service")
        node.sh("systemctl daemon-reload")
        users = ("root", "stella", "guest")
        found = {user: letters(verdicts(lab, node, user, declared))["hidden"] for user in users}
        assert found == {"root": "d", "stella": "u", "guest": "u"}
        again = lab.reboot(node)
        assert again.sh("systemctl is-active hidden", check=False) == "inactive"


@pytest.mark.parametrize("root", ROOTS)
def test_a_boot_does_not_find_the_units_of_an_overlay_at_usr(lab: Lab, root: Root) -> None:
    """systemd-sysext makes such an overlay, late in a boot."""
    texts = {f"/srv/more/lib/systemd/system/{each}.service": Made("").text() for each in ("a", "b")}
    with lab.node("overlaid", root=root, files=texts) as node:
        node.sh("mount -t overlay pe -o lowerdir=/srv/more:/usr /usr; systemctl daemon-reload")
        node.sh("systemctl -q enable --now a")
        declared = [Service(name="a", enabled=True), Service(name="b", enabled=False)]
        assert letters(checked(node, declared)) == {"a": "u", "b": "u"}
        again = lab.reboot(node)
        assert again.sh("systemctl is-active a", check=False) == "inactive"


RC_LOCAL = {
    "called": "systemctl --no-block start called",
    "variable": "U=variable; systemctl --no-block start $U",
    "loop": 'for u in loop.service; do\nsystemctl --no-block start "$u"\ndone',
    "continued": "systemctl --no-block \\\n start continued",
    "bus": "busctl -q call org.freedesktop.systemd1 /org/freedesktop/systemd1 org.freedesktop.systemd1.Manager StartUnit ss bus.service replace",
    "alias": "systemctl --no-block start another-name",
    "of-a-target": "systemctl --no-block start extra.target",
    "of-a-timer": "systemctl --no-block start of-a-timer.timer",
    "of-a-file": ". /etc/default/pe; systemctl --no-block start $UNITS",
    "piped": "echo piped | xargs -n1 systemctl --no-block start",
    "argument": "/opt/start.sh argument",
    "deeper": "/opt/deeper.sh",
    "in-the-path": "in-path",
}
"""What rc.local does to start each of these units."""
STARTED = (*RC_LOCAL, "by-cron", "of-a-unit", "of-a-vendors-unit", "of-an-init-script")
STARTS = "#!/bin/sh\nsystemctl --no-block start"


def starts(unit_name: str) -> str:
    """A unit of the boot that starts another by its name."""
    service = f"Type=oneshot\nExecStart=systemctl --no-block start {unit_name}.service"
    return Made("", service=service).text()


CALLERS = {
    "/etc/default/pe": "UNITS=of-a-file.service\n",
    "/etc/cron.d/pe": "@reboot root /opt/cron.sh\n",
    "/etc/init.d/pe-init": "#!/bin/sh\n### BEGIN INIT INFO\n# Provides: pe-init\n# Default-Start: 2 3 4 5\n# Default-Stop:\n"
    "### END INIT INFO\nsystemctl --no-block start of-an-init-script\n",
    "/opt/start.sh": f'{STARTS} "$1"\n',
    "/opt/deeper.sh": "#!/bin/sh\nexec /opt/deepest.sh\n",
    "/opt/deepest.sh": f"{STARTS} deeper\n",
    "/opt/cron.sh": f"{STARTS} by-cron\n",
    "/opt/by-hand.sh": f"{STARTS} other\n",
    "/usr/local/bin/in-path": f"{STARTS} in-the-path\n",
    f"{ADMIN}/caller.service": starts("of-a-unit"),
    f"{VENDOR}/callers.service": starts("of-a-vendors-unit"),
    f"{ADMIN}/extra.target": "[Unit]\nWants=of-a-target.service\n",
    f"{ADMIN}/of-a-timer.timer": "[Timer]\nOnActiveSec=1ms\nAccuracySec=1ms\n",
}


def test_a_script_of_the_boot_starts_what_nothing_pulls_in(lab: Lab) -> None:
    names = (*STARTED, "other")
    texts = {f"{ADMIN}/{name}.service": Made("").text() for name in names} | CALLERS
    lines = "\n".join(RC_LOCAL.values())
    with lab.node("scripts", files=texts | {"/etc/rc.local": f"#!/bin/sh\n{lines}\n"}) as node:
        node.sh(
            f"chmod +x /etc/rc.local /etc/init.d/pe-init /opt/*.sh /usr/local/bin/in-path; ln -s ../init.d/pe-init /etc/rc5.d/S01pe-init; "
            f"cp -P /etc/rc5.d/S01pe-init /etc/rc3.d; ln -s alias.service {ADMIN}/another-name.service; mkdir -p {VENDOR}/{MULTI_USER}.wants; "
            f"ln -s ../callers.service {VENDOR}/{MULTI_USER}.wants; systemctl -q enable caller; systemctl daemon-reload"
            # The first boot has run them.
            f"; systemctl stop of-a-timer.timer {' '.join(STARTED)}"
        )
        expected = dict.fromkeys(STARTED, "u") | {"other": "c"}
        for state in ("stopped", "disabled"):
            declared = [Service(name=name, state=state, enabled=False) for name in names]
            assert letters(checked(node, declared)) == expected
        again = lab.reboot(node)
        for name in STARTED:
            again.sh(f"until systemctl is-active -q {name}; do :; done")
        assert again.sh("systemctl is-active other", check=False) == "inactive"


SETS = "SYSTEMD_UNIT_PATH=/opt/units:"
ENVIRONMENTS = {
    "manager": f"ManagerEnvironment={SETS}",
    "quoted-after-another": f'ManagerEnvironment=A=b "{SETS}"',
    "default": f"DefaultEnvironment={SETS}",
    "continued": f"ManagerEnvironment=\\\\\\n{SETS}",
    "escaped": 'ManagerEnvironment="\\\\x53YSTEMD_UNIT_PATH=/opt/units:"',
}


def test_nothing_is_sure_where_a_boot_may_read_other_folders_of_units(lab: Lab) -> None:
    declared = [
        Service(name="plain", enabled=True),
        Service(name="off", enabled=False),
        Service(name="covered", enabled=False),
    ]
    texts = {f"{ADMIN}/{name}.service": UNITS["plain"].text() for name in ("plain", "off")}
    sure, unsure = ({each.name: letter for each in declared} for letter in "cu")
    with lab.node("folders", files=texts) as node:
        node.sh("mkdir /opt/units; systemctl -q enable --now plain; systemctl -q mask covered")
        assert letters(checked(node, declared)) == sure
        for folder in ("/etc/systemd/system.conf.d", "/run/systemd/system.conf.d"):
            file = f"{folder}/x.conf"
            for setting in ENVIRONMENTS.values():
                node.sh(f"mkdir -p {folder}; printf '[Manager]\\n{setting}\\n' >{file}")
                assert letters(checked(node, declared)) == unsure, setting
            for harmless in (
                f"#ManagerEnvironment={SETS}",
                "ManagerEnvironment=SYSTEMD_LOG_LEVEL=debug",
            ):
                node.sh(f"printf '[Manager]\\n{harmless}\\n' >{file}")
                assert letters(checked(node, declared)) == sure, harmless
        # A boot reads it. What this manager has then, the next boot does not find.
        file = "/etc/systemd/system.conf.d/x.conf"
        node.sh(f"printf '[Manager]\\nManagerEnvironment={SETS}\\n' >{file}")
        again = lab.reboot(node)
        assert "/opt/units" in again.sh("systemctl show -p UnitPath")
        again.sh(f"rm {file}")
        assert letters(checked(again, declared)) == unsure


@pytest.mark.parametrize("root", ROOTS)
def test_one_that_cannot_be_loaded_need_not_be_up_before(lab: Lab, root: Root) -> None:
    """Requisite=: systemd 252 gives the unit a job all the same, and starts it; 257 does not."""
    declared = [Service(name=name, enabled=True) for name in ("of-missing", "of-masked", "of-off")]
    texts = {
        f"{ADMIN}/of-{other}.service": Made("", unit=f"Requisite={other}.service").text()
        for other in ("missing", "masked", "off")
    }
    texts[f"{ADMIN}/off.service"] = UNITS["off"].text()
    with lab.node("requisite", root=root, files=texts) as node:
        node.sh("systemctl -q mask masked; systemctl -q enable of-missing of-masked of-off")
        found = letters(checked(node, declared))
        assert found.pop("of-off") == "u"  # without After= the order is a matter of chance
        again = lab.reboot(node)
        for name, letter in found.items():
            started = again.sh(f"systemctl is-active {name}", check=False) == "active"
            assert letter == ("c" if started else "u"), name


PIPES = ("p.service", "p.socket", "plain.service.d/x.conf")


@pytest.mark.parametrize("root", ROOTS)
def test_a_pipe_among_unit_files_is_named(lab: Lab, root: Root) -> None:
    declared = [Service(name="plain", state="stopped", enabled=False)]
    with lab.node(
        "pipes", root=root, files={f"{ADMIN}/plain.service": UNITS["plain"].text()}
    ) as node:
        for pipe in PIPES:
            node.sh(f"mkdir -p {ADMIN}/plain.service.d; mkfifo {ADMIN}/{pipe}")
            (result,) = look(node, items_of({"services": [{"name": "plain", "enabled": False}]}))
            assert (
                result.why
                == f"/etc/systemd/system/{pipe} is a pipe or a device, and not a file: remove it"
            )
            node.sh(f"rm {ADMIN}/{pipe}")
        assert letters(checked(node, declared)) == {"plain": "c"}


BREAKS = "tmpfs /srv tmpfs bogus=1"
EMERGENCIES = {
    "fstab-not-reloaded": f"echo '{BREAKS}' >>/etc/fstab",
    "fstab-reloaded": f"echo '{BREAKS}' >>/etc/fstab; systemctl daemon-reload",
    "mount-unit": f"printf '[Mount]\\nWhat=tmpfs\\nType=tmpfs\\nOptions=bogus=1\\nWhere=/srv\\n' >{ADMIN}/srv.mount; "
    "systemctl daemon-reload; systemctl add-requires local-fs.target srv.mount",
}


@pytest.mark.parametrize("how", EMERGENCIES)
@pytest.mark.parametrize("root", ROOTS)
def test_nothing_is_sure_where_a_boot_may_end_in_emergency_mode(
    lab: Lab, root: Root, how: str
) -> None:
    texts = {f"{ADMIN}/{name}.service": UNITS[name].text() for name in ("plain", "off")}
    with lab.node("emergency", root=root, files=texts) as node:
        node.sh("systemctl -q enable --now plain")
        declared = [Service(name="plain", enabled=True), Service(name="off", enabled=False)]
        assert letters(checked(node, declared)) == {"plain": "c", "off": "c"}
        node.sh(EMERGENCIES[how])
        assert letters(checked(node, declared)) == {"plain": "u", "off": "u"}
        again = lab.reboot(node)
        assert again.sh("systemctl is-active plain", check=False) != "active"


@pytest.mark.parametrize("root", ROOTS)
def test_a_line_in_fstab_starts_a_unit_and_a_reload_settles_it(lab: Lab, root: Root) -> None:
    texts = {f"{ADMIN}/off.service": UNITS["off"].text()}
    with lab.node("fstab", root=root, files=texts) as node:
        node.sh("echo 'tmpfs /srv tmpfs x-systemd.requires=off.service' >>/etc/fstab; mount /srv")
        declared = [Service(name="off", enabled=False), Service(name="cron", enabled=True)]
        assert letters(checked(node, declared)) == {"off": "u", "cron": "u"}
        node.sh("systemctl daemon-reload")
        assert letters(checked(node, declared))["cron"] == "c"
        assert letters(checked(node, declared))["off"] in "du"
        again = lab.reboot(node)
        assert again.sh("systemctl is-active off") == "active"


BEHIND = {
    "hidden": ("ConditionPathExists=!/root/pe", "uu"),
    "hidden-by-a-link": ("ConditionPathExists=!/opt/pe/via/pe", "uu"),
    "hidden-glob": ("ConditionPathExistsGlob=!/root/p*", "uu"),
    "hidden-folder": ("ConditionDirectoryNotEmpty=!/root", "uu"),
    "may-not-run": ("ConditionFileIsExecutable=!/opt/pe/run", "uu"),
    "forgotten": ("ConditionPathExists=/root/way/flag", "uu"),
    "missing": ("ConditionPathExists=!/root/nothing", "cu"),
    "open": ("ConditionPathExists=!/opt/pe/nothing", "cc"),
}
"""By unit, a condition and the verdicts on `enabled: true` of a user with sudo and of one without."""


@pytest.mark.parametrize("root", ROOTS)
def test_what_a_user_may_not_see_is_not_missing(lab: Lab, root: Root) -> None:
    texts = {
        f"{ADMIN}/{name}.service": Made("", unit=condition).text()
        for name, (condition, _) in BEHIND.items()
    }
    declared = [Service(name=name, enabled=True) for name in BEHIND]
    with lab.node("hidden", root=root, files=texts) as node:
        node.sh(
            f"systemctl -q enable {' '.join(BEHIND)}; mkdir -p /opt/pe /run/way; ln -s /root /opt/pe/via; ln -s /run/way /root; "
            ": >/root/pe; : >/run/way/flag; install -m 700 /bin/true /opt/pe/run"
        )
        found = [letters(verdicts(lab, node, user, declared)) for user in ("stella", "guest")]
        assert {name: "".join(user[name] for user in found) for name in BEHIND} == {
            name: expected for name, (_, expected) in BEHIND.items()
        }
        again = lab.reboot(node)
        skipped = [name for name, (_, expected) in BEHIND.items() if expected == "uu"]
        assert (
            "active"
            not in again.sh(f"systemctl is-active {' '.join(skipped)}", check=False).split()
        )


STATES = [
    ("running", None),
    ("stopped", None),
    ("disabled", None),
    (None, True),
    (None, False),
    ("running", True),
    ("stopped", True),
]
"""What a unit is declared to be: `state` and `enabled`."""
GROUP = 8
"""How many units are declared together, where each alone would take too long."""


def declared_from(start: int) -> list[Service]:
    """All units and some of the system's, in these states in turn, from that one on."""
    names = [*UNITS, "not-there", "cron", "ssh", "dbus.socket", "multi-user.target"]
    turns = islice(cycle(STATES), start, None)
    return [
        Service(name=name, state=state, enabled=enabled)  # type: ignore[arg-type]
        for name, (state, enabled) in zip(names, turns, strict=False)
    ]


def test_a_verdict_is_the_same_alone_and_beside_any_others(odd: list[Node]) -> None:
    (node,) = odd
    for start, size in ((0, 1), (1, GROUP)):
        declared = declared_from(start)
        together = letters(checked(node, declared))
        parts = [declared[at : at + size] for at in range(0, len(declared), size)]
        apart = [letters(checked(node, part)) for part in parts]
        assert together == {name: letter for part in apart for name, letter in part.items()}
        assert together == letters(checked(node, declared[::-1]))
        assert together == letters(checked(node, declared, full=True))
        for part in (declared[::2], declared[1::2], declared[::3]):
            assert letters(checked(node, part)).items() <= together.items()


LOOPS = {
    "dies-at-once": "ExecStart=/bin/true\nRestart=always\nRestartSec=1",
    "lives-a-while": "ExecStart=/bin/sleep 1\nRestart=always\nRestartSec=100ms",
    "leaves-processes": "KillMode=process\nExecStart=/bin/sh -c 'sleep 999 & sleep 1'\nRestart=always\nRestartSec=100ms",
    "forks": "Type=forking\nExecStart=/bin/sh -c 'sleep 1 &'\nRestart=always\nRestartSec=100ms",
    "never-ready": "Type=notify\nTimeoutStartSec=1\nExecStart=/bin/sleep infinity\nRestart=always\nRestartSec=100ms",
    "bites": "Type=notify\nNotifyAccess=all\nWatchdogSec=1\nExecStart=/bin/sh -c 'systemd-notify --ready; exec sleep infinity'\nRestart=always",
    "runs-out": "RuntimeMaxSec=1\nExecStart=/bin/sleep infinity\nRestart=always\nRestartSec=100ms",
    "works-in-vain": "Type=oneshot\nExecStart=/bin/sh -c 'sleep 1; exit 1'\nRestart=on-failure\nRestartSec=100ms",
    "of-a-template@x": "ExecStart=/bin/sleep 1\nRestart=always\nRestartSec=100ms",
    "by-a-path": "ExecStart=/bin/sleep 1",
}
STEADY = {
    "steady": "ExecStart=/bin/sleep infinity\nRestart=always",
    "killed-once": "ExecStart=/bin/sleep infinity\nRestart=always",
}
LOOKS = 12


def test_a_crash_loop_never_passes(lab: Lab) -> None:
    texts = {
        f"{ADMIN}/{name.replace('@x', '@')}.service": f"[Unit]\nStartLimitIntervalSec=0\n[Service]\n{text}\n"
        for name, text in (LOOPS | STEADY).items()
    }
    path = "[Unit]\nStartLimitIntervalSec=0\n[Path]\nPathExists=/etc/passwd\nTriggerLimitIntervalSec=0\n"
    with lab.node("loops", files=texts | {f"{ADMIN}/by-a-path.path": path}) as node:
        started = " ".join(name for name in LOOPS if name != "by-a-path")
        node.sh(
            f"systemctl start --no-block {started} by-a-path.path; systemctl start {' '.join(STEADY)}; systemctl restart steady"
        )
        node.sh("systemctl kill -s KILL killed-once")
        for name in LOOPS.keys() - {"by-a-path", "works-in-vain"} | {"killed-once"}:
            node.sh(
                f"until [ $(systemctl show -p NRestarts --value {name}) -ge 1 ]; do sleep .1; done"
            )
        node.sh(
            "until [ $(systemctl show -p ActiveExitTimestampMonotonic --value by-a-path) != 0 ]; do sleep .1; done"
        )
        names = [*LOOPS, *STEADY]
        looks = [
            letters(checked(node, [Service(name=name, state="running") for name in names]))
            for _ in range(LOOKS)
        ]
        assert [name for name in LOOPS if any(look[name] == "c" for look in looks)] == []
        assert {look["steady"] for look in looks} == {"c"}
        assert {look["killed-once"] for look in looks} == {"d"}
