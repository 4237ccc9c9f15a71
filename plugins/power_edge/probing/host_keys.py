"""The host key of a node, for testinfra's paramiko backend.

The backend accepts any key, with a warning. Here it is held to known_hosts, as ssh(1) does.
"""

from pathlib import Path
from typing import Any

from power_edge.probing.failure import Unreachable

_DEFAULT = "~/.ssh/known_hosts ~/.ssh/known_hosts2 /etc/ssh/ssh_known_hosts"


def check_host_key(backend: Any) -> None:
    """Raise Unreachable, and disconnect, if a paramiko backend's host key is not in known_hosts."""
    if backend.NAME != "paramiko":
        return
    import paramiko

    client = backend.client
    if not isinstance(client._policy, paramiko.WarningPolicy):
        return  # StrictHostKeyChecking no in the ssh_config: the operator's own word
    transport = client.get_transport()
    peer, port = transport.sock.getpeername()[:2]
    host_keys = paramiko.HostKeys()
    for file in _known_hosts(backend):
        if file.is_file():
            host_keys.load(str(file))
    names = [name if port == 22 else f"[{name}]:{port}" for name in (backend.host.name, peer)]
    if not any(host_keys.check(name, transport.get_remote_server_key()) for name in names):
        client.close()
        raise Unreachable(f"the host key of {backend.host.name} is not in known_hosts")


def _known_hosts(backend: Any) -> list[Path]:
    import paramiko

    settings = Path(backend.ssh_config or "~/.ssh/config").expanduser()
    files = _DEFAULT
    if settings.is_file():
        config = paramiko.SSHConfig.from_path(str(settings)).lookup(backend.host.name)
        files = config.get("userknownhostsfile", _DEFAULT)
    return [Path(file).expanduser() for file in files.split()]
