"""Tell systemd how the watch is doing (sd_notify(3)), if systemd started it."""

import asyncio
import os
import socket
from collections.abc import Callable, MutableMapping
from contextlib import suppress


class Notifier:
    """The socket of the service manager."""

    def __init__(self, environment: MutableMapping[str, str] = os.environ) -> None:
        """The variables are taken out of `environment`: tools that a probe runs would use them.

        systemd logs each message of a process that may not send any.
        """
        address = environment.pop("NOTIFY_SOCKET", "")
        # A name that begins with @ is in the abstract namespace, which Python writes with a NUL.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        for_us = environment.pop("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        micro = environment.pop("WATCHDOG_USEC", "")
        self.watchdog = int(micro) / 1_000_000 if for_us and micro.isdecimal() else None
        """The interval of systemd's watchdog in seconds; None without one."""

    def send(self, *lines: str) -> None:
        """Send some assignments (`READY=1`). It does not matter if nobody listens."""
        if not self._address:
            return
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
            link.setblocking(False)
            link.sendto("\n".join(lines).encode(), self._address)

    async def keep_alive(self, healthy: Callable[[], bool]) -> None:
        """Send signs of life until cancelled, while the watch says that it is healthy.

        A loop that is stuck sends none, since this runs in it.
        """
        while self.watchdog is not None:
            if healthy():
                self.send("WATCHDOG=1")
            await asyncio.sleep(self.watchdog / 3)
