"""A node that is changed at random, by somebody who knows what is true of it.

All that is random comes from one seed: the same seed makes the same changes.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

import yaml

from tests.support.lab.nodes import Node

FOLDER = "/etc/model"
LOADS = f"{FOLDER}/loads"
"""A file that stays, and is declared in another way at each load: a load is over when its verdict
is the other one.
"""
UNIT = """\
[Unit]
StartLimitIntervalSec=0
[Service]
ExecStart=/bin/sleep infinity
[Install]
WantedBy=multi-user.target
"""
_FILES = tuple(f"{FOLDER}/{name}" for name in ("a", "b", "sub/c", "sub/deep/d"))
_UNITS = tuple(f"model-{number}" for number in range(4))
_PACKAGES = tuple(f"model-package-{number}" for number in range(3))
_SYSCTLS = {
    "net.ipv4.ip_default_ttl": ("64", "65", "66"),
    "net.ipv4.ip_forward": ("0", "1"),
    "net.core.somaxconn": ("4096", "4097", "4098"),
}
_CONTENTS, _MODES = ("one\n", "two\n", "three\n"), ("0644", "0600", "0640")
_DEB = """\
cd /root; mkdir -p {0}/DEBIAN
printf '%s\\n' 'Package: {0}' 'Version: 1' 'Architecture: all' 'Maintainer: m <m@m>' \\
    'Description: m' >{0}/DEBIAN/control
dpkg-deb --build -Znone {0} >/dev/null
"""
INSTALL, REMOVE = "dpkg --install /root/{}.deb >/dev/null", "dpkg --purge {} >/dev/null"
_OUTGOING = (
    "nft add table inet sentinel; nft add chain inet sentinel o"
    " '{ type filter hook output priority 50; policy drop; }'; nft add rule inet sentinel o oif lo accept",
    "nft delete table inet sentinel",
)
_INCOMING = (
    "nft add table inet model; nft add chain inet model i"
    " '{ type filter hook input priority 50; policy drop; }'; nft add rule inet model i iif lo accept;"
    " nft add rule inet model i ct state established accept",
    "nft delete table inet model",
)
_PORT = (
    "nft add table inet port; nft add chain inet port i"
    " '{ type filter hook input priority 60; }'; nft add rule inet port i tcp dport 80 drop",
    "nft delete table inet port",
)


class Sentinel(NamedTuple):
    """An item that is changed last: when its verdict is there, what happened before it has been
    checked, for a source reports in the order of the changes.
    """

    item: tuple[str, str]
    drift: str
    back: str


SENTINELS = (
    Sentinel(("files", f"{FOLDER}/sentinel"), f"chmod 600 {FOLDER}/sentinel", f"chmod 644 {FOLDER}/sentinel"),
    Sentinel(("services", "model-sentinel"), "systemctl stop model-sentinel", "systemctl start model-sentinel"),
    Sentinel(("sysctl", "net.ipv4.tcp_retries1"), "sysctl -qw net.ipv4.tcp_retries1=4", "sysctl -qw net.ipv4.tcp_retries1=3"),
    Sentinel(("packages", "model-sentinel"), REMOVE.format("model-sentinel"), INSTALL.format("model-sentinel")),
    Sentinel(("firewall", "default_outgoing"), *_OUTGOING),
)  # fmt: skip
"""One for each way in which a change becomes known."""


@dataclass
class _File:
    content: str | None
    """None while there is no file."""
    mode: str


@dataclass
class _Unit:
    running: bool = True
    enabled: bool = True
    masked: bool = False
    edited: bool = False
    """Whether its files were changed: then what a boot does is not known."""


@dataclass
class World:
    """What is true of the node, and what is declared."""

    random: random.Random
    files: dict[str, _File] = field(
        default_factory=lambda: {path: _File("one\n", "0644") for path in _FILES}
    )
    units: dict[str, _Unit] = field(default_factory=lambda: {name: _Unit() for name in _UNITS})
    installed: dict[str, bool] = field(default_factory=lambda: dict.fromkeys(_PACKAGES, True))
    values: dict[str, str] = field(
        default_factory=lambda: {key: values[0] for key, values in _SYSCTLS.items()}
    )
    incoming_dropped: bool = False
    port_dropped: bool = False
    ufw: bool = False
    declared_files: dict[str, _File] = field(
        default_factory=lambda: {path: _File("one\n", "0644") for path in _FILES}
    )
    drifted: bool = False
    """Whether the sentinels are in drift."""
    declared_anew: bool = False
    """Whether the declaration was changed since the last load."""
    odd: bool = False
    """Whether the number of loads is odd."""

    def state(self) -> str:
        """state.yaml, as it is declared now."""
        files: list[dict[str, object]] = [
            {"path": path, "content": each.content, "mode": each.mode}
            for path, each in self.declared_files.items()
        ]
        loads = {"path": LOADS, "content": f"{int(self.odd)}\n"}
        names = (*self.units, "model-sentinel")
        return yaml.safe_dump(
            {
                "services": [{"name": name, "state": "running", "enabled": True} for name in names],
                "files": [*files, {"path": f"{FOLDER}/sentinel", "mode": "0644"}, loads],
                "sysctl": {
                    **{key: values[0] for key, values in _SYSCTLS.items()},
                    "net.ipv4.tcp_retries1": "3",
                },
                "packages": [
                    {"name": name, "state": "present"}
                    for name in (*self.installed, "model-sentinel")
                ],
                "firewall": {
                    "default_incoming": "allow",
                    "default_outgoing": "allow",
                    "rules": [{"port": 80, "proto": "tcp", "action": "deny"}],
                },
            }
        )

    def truth(self) -> Mapping[str, bool]:
        """Whether each item is as declared, for those of which the script knows it."""
        found = {}
        for path, declared in self.declared_files.items():
            found[f"files[{path}]"] = self.files[path] == declared
        for name, unit in self.units.items():
            if not unit.edited:
                found[f"services[{name}]"] = unit.running and unit.enabled and not unit.masked
        for name, there in self.installed.items():
            found[f"packages[{name}]"] = there
        for key, values in _SYSCTLS.items():
            found[f"sysctl[{key}]"] = self.values[key] == values[0]
        found["firewall[default_incoming]"] = not (self.incoming_dropped or self.ufw)
        return found

    def change(self) -> str:
        """Change something at random: the script that does so."""
        changes: list[tuple[int, Callable[[], str]]] = [
            (8, self._file),
            (6, self._unit),
            (4, self._value),
            (2, self._package),
            (3, self._firewall),
            (1, self._ufw),
            (2, self._edit),
            (1, self._declaration),
        ]
        weights, functions = zip(*changes, strict=True)
        (chosen,) = self.random.choices(functions, weights)
        return str(chosen())

    def _file(self) -> str:
        path = self.random.choice(_FILES)
        file = self.files[path]
        how = self.random.choice(("write", "replace", "chmod", "delete", "folder", "same"))
        content, mode = self.random.choice(_CONTENTS), self.random.choice(_MODES)
        folder = path.rpartition("/")[0]
        text = content.rstrip("\n")
        if how == "delete":
            file.content = None
            return f"rm -f {path}"
        if how == "same" and file.content is not None:
            return f"cp -p {path} {path}.new; mv {path}.new {path}; touch {path}"
        if how == "folder" and folder != FOLDER:
            # Away and back: nothing has changed in the end.
            return f"mv {folder} {folder}.away; mv {folder}.away {folder}"
        if how == "chmod" and file.content is not None:
            file.mode = mode
            return f"chmod {mode} {path}"
        if how == "replace" or file.content is None:
            file.content, file.mode = content, mode
            return f"echo {text} >{path}.new; chmod {mode} {path}.new; mv {path}.new {path}"
        file.content = content
        return f"echo {text} >{path}"

    def _unit(self) -> str:
        name = self.random.choice(_UNITS)
        unit = self.units[name]
        how = self.random.choice(("stop", "start", "crash", "disable", "enable", "mask"))
        unmask = f"systemctl unmask -q {name} 2>&1"
        match how:
            case "stop":
                unit.running = False
                return f"systemctl stop {name}"
            case "crash" if unit.running:
                unit.running = False
                return f"systemctl kill --signal=KILL {name}"
            case "mask":
                unit.masked, unit.running = True, False
                return f"systemctl mask -q {name} 2>&1; systemctl stop {name} 2>&1"
            case "disable" | "enable":
                unit.masked, unit.enabled = False, how == "enable"
                return f"{unmask}; systemctl {how} -q {name} 2>&1"
            case _:
                # Started twice: what ended by itself counts after a minute only.
                unit.masked, unit.running = False, True
                return f"{unmask}; systemctl start {name}; systemctl restart {name}"

    def _value(self) -> str:
        key = self.random.choice(list(_SYSCTLS))
        self.values[key] = self.random.choice(_SYSCTLS[key])
        path = key.replace(".", "/")
        return f"echo {self.values[key]} >/proc/sys/{path}"

    def _package(self) -> str:
        name = self.random.choice(_PACKAGES)
        self.installed[name] = not self.installed[name]
        return (INSTALL if self.installed[name] else REMOVE).format(name)

    def _firewall(self) -> str:
        if self.random.random() < 0.5:
            self.incoming_dropped = not self.incoming_dropped
            return _INCOMING[not self.incoming_dropped]
        self.port_dropped = not self.port_dropped
        return _PORT[not self.port_dropped]

    def _ufw(self) -> str:
        if self.random.random() < 0.5:
            return f"ufw allow {self.random.randint(8000, 8010)}/tcp >/dev/null"
        self.ufw = not self.ufw
        return "ufw --force enable >/dev/null" if self.ufw else "ufw disable >/dev/null"

    def _edit(self) -> str:
        """A drop-in, by hand. It is taken back with the one command that makes systemd know it."""
        name = self.random.choice(_UNITS)
        unit = self.units[name]
        drop_in = f"/etc/systemd/system/{name}.service.d"
        if unit.edited:
            unit.edited = False
            again = f"; systemctl restart {name}" if unit.running else ""
            return f"rm -r {drop_in}; systemctl daemon-reload{again}"
        unit.edited = True
        return f"mkdir -p {drop_in}; printf '[Service]\\nNice=1\\n' >{drop_in}/nice.conf"

    def _declaration(self) -> str:
        path = self.random.choice(_FILES)
        self.declared_files[path] = _File(self.random.choice(_CONTENTS), self.random.choice(_MODES))
        self.declared_anew = True
        return ""


def local_package(node: Node, name: str) -> None:
    """Make a package of this name on the node, and install it: `INSTALL` and `REMOVE` know it."""
    node.sh(_DEB.format(name) + INSTALL.format(name))


def prepare(node: Node) -> None:
    """Make the node what a new `World` says of it."""
    for name in (*_UNITS, "model-sentinel"):
        node.write(f"/lib/systemd/system/{name}.service", UNIT)
        node.sh(f"systemctl enable -q {name} 2>&1; systemctl start {name}")
    node.sh("systemctl daemon-reload")
    node.sh(f"mkdir -p {FOLDER}/sub/deep; touch {FOLDER}/sentinel; echo 0 >{LOADS}")
    for path in _FILES:
        node.write(path, "one\n")
    for key, values in _SYSCTLS.items():
        node.sh(f"sysctl -qw {key}={values[0]}")
    for name in (*_PACKAGES, "model-sentinel"):
        local_package(node, name)
