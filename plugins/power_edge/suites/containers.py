"""Asks docker, podman or containerd about containers, images and networks. Starts no daemon."""

import json
import posixpath
import re
from collections.abc import Mapping
from shlex import quote
from typing import Any

from power_edge.suites import Unknown, output, run

_SECONDS = 20
_INACTIVE = 97
"""The status of a question that was not asked."""
_IF_ACTIVE = (
    "systemctl -q is-active docker.service;"
    f" case $? in 0) ;; 3|4) exit {_INACTIVE};; *) exit;; esac; "
)
"""docker.socket would start a daemon that is stopped, so it is left alone then."""
_PROGRAMS = {
    # An environment may name the daemon of another machine.
    "docker": (_IF_ACTIVE, "docker -H unix:///var/run/docker.sock"),
    "podman": ("unset CONTAINER_HOST CONTAINER_CONNECTION; ", "podman"),
    "containerd": ("unset CONTAINERD_ADDRESS; ", "ctr"),
}
_QUESTIONS = {"docker": "ps -q", "podman": "ps -q", "containerd": "version"}
_ABSENT = (
    "no such container",
    "no such image",
    "no such network",
    "image not known",
    "network not found",
)
_NO_NETWORK = re.compile(r"network .* not found$")
"""How docker and podman say that there is no such thing."""

_CONTAINER = """{"name":{{json .Name}},"image":{{json .Image}},"state":{{json .State}},
"restarts":{{json .RestartCount}},"ports":{{json .NetworkSettings.Ports}},
"mounts":{{json .Mounts}},"mode":{{json .HostConfig.NetworkMode}}}"""
_NETWORK = {
    "docker": """{"name":{{json .Name}},"driver":{{json .Driver}},"subnets":{{json .IPAM.Config}},
"id":{{json .Id}},"options":{{json .Options}}}""",
    "podman": '{"name":{{json .Name}},"driver":{{json .Driver}},"subnets":{{json .Subnets}}}',
}
_SUBNET = {"docker": "Subnet", "podman": "subnet"}
_MOST_LINKS = 40
"""The kernel follows no more (path_resolution(7))."""
_FIRST_LINK = (
    'n=0; for place; do n=$((n + 1)); test -L "$place" || continue;'
    ' echo "$n"; readlink "$place"; exit; done'
)
_SETTLED = 60
"""Seconds after which a container that was restarted counts as running."""

Container = Mapping[str, Any]
"""A container: name, image (an id), state, restarts, ports, mounts, mode (of its network)."""


class _Inactive(Unknown):
    """docker.service is not active."""


class Runtime:
    """The container runtime of a node."""

    def __init__(self, host: Any, name: str) -> None:
        """`name` is docker, podman or containerd."""
        self._host, self.name = host, name

    def answers(self) -> bool:
        """Whether it runs and answers. Raises Unknown if it runs, but gives no answer."""
        try:
            self._ask(_QUESTIONS[self.name])
        except _Inactive:
            return False
        return True

    def container(self, name: str) -> Container | None:
        """Return a container, None if there is none of that name. Raises Unknown."""
        found = self._json("inspect --type container", _CONTAINER, name)
        # The beginning of an id is a name to both programs.
        return found if found is not None and name_of(found) == name else None

    def image(self, tag: str) -> str:
        """Return the id of the image that a tag means now. Raises Unknown, also without one."""
        text = self._inspected("image inspect", "{{.Id}}", tag)
        if text is None:
            raise Unknown(f"{tag}: {self.name} has no image of that name to compare with")
        return _id(text.strip())

    def network(self, name: str) -> Mapping[str, Any] | None:
        """Return the name, driver and subnets of a network, and docker's bridge; None if there is
        none. Raises Unknown.
        """
        found: dict[str, Any] | None = self._json(
            "network inspect", _NETWORK.get(self.name, ""), name
        )
        if found is None or found["name"] != name:
            return None
        named = (found.get("options") or {}).get("com.docker.network.bridge.name")
        bridge = named or f"br-{found.get('id', '')[:12]}"
        return found | {
            "bridge": bridge,
            "subnets": [each[_SUBNET[self.name]] for each in found["subnets"] or ()],
        }

    def _json(self, command: str, template: str, name: str) -> Any:
        text = self._inspected(command, template, name)
        if text is None:
            return None
        try:
            return json.loads(text)
        except ValueError:
            raise Unknown(f"{self.name} {command} {name}: it prints no JSON") from None

    def _inspected(self, command: str, template: str, name: str) -> str | None:
        if self.name == "containerd":
            raise Unknown("containerd gives containers and networks no names: use docker or podman")
        template = " ".join(template.split())
        return self._ask(f"{command} -f {quote(template)} -- {quote(name)}")

    def _ask(self, words: str) -> str | None:
        """Return what the program prints; None if it says that there is no such thing."""
        before, program = _PROGRAMS[self.name]
        script = f"{before}LC_ALL=C exec timeout {_SECONDS} {program} {words}"
        done = run(self._host, f"sh -c {quote(script)}")
        if done.rc == 0:
            return str(done.stdout)
        if done.rc == _INACTIVE:
            raise _Inactive("docker.service is not active, so docker was not asked")
        if done.rc == 124:
            raise Unknown(f"{self.name}: no answer in {_SECONDS} s")
        last = (done.stderr.strip().splitlines() or [f"exit status {done.rc}"])[-1]
        word = last.lower()
        if any(each in word for each in _ABSENT) or _NO_NETWORK.search(word):
            self._sees_all()
            return None
        raise Unknown(f"{self.name}: {last}")

    def _sees_all(self) -> None:
        """Raise Unknown if the program shows only what belongs to the user who asks."""
        if self.name == "podman" and output(self._host, "id -u").strip() != "0":
            raise Unknown("podman shows a user only the user's own containers: connect as root")


def name_of(container: Container) -> str:
    """Return the name of a container."""
    return str(container["name"]).removeprefix("/")


def why_not_running(host: Any, container: Container) -> str | None:
    """Return why a container does not run, None if it runs. Raises Unknown if it began to run a
    moment ago: it may end again.
    """
    state = container["state"]
    if state["Status"] != "running":
        return str(state["Status"])
    # podman before version 4 says Healthcheck.
    health = (state.get("Health") or state.get("Healthcheck") or {}).get("Status")
    if health == "unhealthy":
        return "unhealthy"
    if health == "starting":
        raise Unknown(f"{name_of(container)}: its health check has no result yet")
    if container["restarts"]:
        begun = quote(str(state["StartedAt"]))
        now, then = output(host, f"sh -c 'date +%s; date +%s -d \"$1\"' sh {begun}").split()
        if int(now) - int(then) < _SETTLED:
            raise Unknown(f"{name_of(container)}: it was restarted less than {_SETTLED} s ago")
    return None


def bound_ports(container: Container) -> dict[tuple[int, int, str], set[str]]:
    """Return the ports of the node that lead into a container (host port, port, protocol), each
    with the addresses that it is bound to.

    Raises Unknown for a container that has no network of its own.
    """
    mode = container["mode"]
    if mode == "host" or mode.startswith("container:"):
        raise Unknown(f"{name_of(container)}: its ports in the network {mode} are unknown")
    found: dict[tuple[int, int, str], set[str]] = {}
    for inside, bindings in (container["ports"] or {}).items():
        port, _, protocol = inside.partition("/")
        for each in bindings or ():
            key = int(each["HostPort"]), int(port), protocol
            found.setdefault(key, set()).add(each["HostIp"])
    return found


def require_same_folder(host: Any, container: Container, mount: Mapping[str, Any]) -> None:
    """Fail if a running container sees another folder than the one that is there now: a folder that
    was replaced is not mounted. Raises Unknown."""
    root = f"/proc/{int(container['state']['Pid'])}/root"
    inside = f"{root}{without_links(host, root, mount['Destination'])}"
    places = quote(mount["Source"]), quote(inside)
    at_path, mounted = (output(host, f"stat -L -c %d:%i -- {each}").strip() for each in places)
    if at_path != mounted:
        raise AssertionError(
            f"{name_of(container)}: {mount['Destination']} is an earlier {mount['Source']}, which"
            " was replaced: restart the container"
        )


def without_links(host: Any, root: str, path: str) -> str:
    """Return where a path leads, seen from a folder as `/`. Raises Unknown.

    The kernel follows an absolute link from the node's own `/`: by /var/run -> /run of a container
    it would find the node's /run.
    """
    for _ in range(_MOST_LINKS):
        parts = path.strip("/").split("/")
        places = (quote(f"{root}/{'/'.join(parts[:end])}") for end in range(1, len(parts) + 1))
        found = output(host, f"sh -c {quote(_FIRST_LINK)} sh {' '.join(places)}")
        if not found:
            return path
        number, _, target = found.removesuffix("\n").partition("\n")
        link = int(number) - 1
        path = posixpath.normpath(posixpath.join("/", *parts[:link], target, *parts[link + 1 :]))
    raise Unknown(f"{path}: more than {_MOST_LINKS} symbolic links")


def image_of(container: Container) -> str:
    """Return the id of the image that a container was made from."""
    return _id(container["image"])


def _id(text: str) -> str:
    return text.removeprefix("sha256:")
