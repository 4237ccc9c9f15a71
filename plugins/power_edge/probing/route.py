"""A route to a node: a testinfra URL, its options, and the testinfra host that they make."""

import re
from contextlib import suppress
from functools import cache
from pathlib import Path
from shlex import quote
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from power_edge.probing.process import Lifeline, run
from power_edge.text import without_password

_SSH = (
    # Never ask a question, and end dead connections.
    "-o BatchMode=yes -o ServerAliveInterval=5"
    # Switch off what an ssh_config does for interactive use, and what the node could abuse.
    " -o RequestTTY=no -o RemoteCommand=none -o PermitLocalCommand=no"
    " -o ClearAllForwardings=yes -o ForwardAgent=no -o ForwardX11=no"
    " -o GSSAPIDelegateCredentials=no"
)
_SSH_SINCE_8_7 = "-o SessionType=default -o StdinNull=no -o ForkAfterAuthentication=no"
"""Options that an ssh_config can hold since OpenSSH 8.7, and that would keep the script from the
node. An older ssh refuses to run with them.
"""
_NO_MASTER = "-o ControlMaster=no -o ControlPath=none"
"""A connection that the operator's ssh shares (ControlMaster) would outlive this run, and would
hang it for 29 s after its node has gone.
"""


class Route(NamedTuple):
    """The connection to a node: a testinfra URL, and testinfra's own options for it."""

    url: str
    ssh_config: str | None = None
    ssh_identity_file: str | None = None
    ssh_extra_args: str | None = None
    sudo: bool = False
    sudo_user: str | None = None

    def shell_prefix(self) -> str:
        """Return what is put before the node's shell: sudo, which never asks for a password."""
        if not self.sudo:
            return ""
        return f"sudo -n -u {quote(self.sudo_user)} " if self.sudo_user else "sudo -n "

    def __repr__(self) -> str:
        """Return the URL without its password: a traceback may print this."""
        return f"<Route {without_password(self.url)}>"

    def without_password(self, message: str) -> str:
        """Return a message without this route's password, wherever it came from."""
        with suppress(ValueError):
            password = urlsplit(self.url).password
            for each in {password, unquote(password)} if password else ():
                message = message.replace(each, "(the password)")
        return message

    def host(self, connect_timeout: int, sockets: Path | None = None) -> Any:
        """Return testinfra's host object for this route; `connect_timeout` in seconds.

        With a folder for `sockets` it is for tests: its commands share one ssh connection for a
        while, and sudo is testinfra's own. Without one, each command makes a new connection: a
        shared connection outlives the run, and hangs a later one if the node has gone.
        """
        import testinfra.host  # takes 20 ms; not needed to validate a configuration

        sudo = {} if sockets is None else {"sudo": self.sudo, "sudo_user": self.sudo_user}
        if self.url.startswith("local:"):
            return testinfra.host.get_host(self.url, **sudo)
        # ssh itself takes no password here (BatchMode), and sshpass would show one in `ps`.
        url = without_password(self.url) if self.url.startswith("ssh:") else self.url
        extra = (_ssh_options(), _NO_MASTER if sockets is None else "", self.ssh_extra_args)
        return testinfra.host.get_host(
            url,
            ssh_config=self.ssh_config,
            ssh_identity_file=self.ssh_identity_file,
            ssh_extra_args=" ".join(filter(None, extra)),
            timeout=connect_timeout,
            controlpersist=0 if sockets is None else 10,
            # testinfra formats its command line once more: hence %%
            controlpath=None if sockets is None else f"{sockets}/%%C",
            **sudo,
        )


@cache
def _ssh_options() -> str:
    """Return the options for this machine's ssh. Its version is asked for once a run (5 ms)."""
    version = re.search(
        rb"OpenSSH_(?:for_Windows_)?(\d+)\.(\d+)", run(["ssh", "-V"], b"", Lifeline()).stderr
    )
    recent = version is not None and (int(version[1]), int(version[2])) >= (8, 7)
    return f"{_SSH} {_SSH_SINCE_8_7}" if recent else _SSH
