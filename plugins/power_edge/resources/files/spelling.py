"""How paths are written: in the probe's arguments and lines, and in one canonical form."""

import re


def unescape(name: str) -> str:
    """Return the path that the probe's arguments and lines spell this way."""
    raw = re.sub(
        rb"\\0([0-3][0-7]{2})",
        lambda octal: bytes([int(octal[1], 8)]),
        name.encode("utf-8", "surrogateescape"),
    )
    return raw.decode("utf-8", "surrogateescape")


def escape(name: str) -> str:
    """Return the path in printable ASCII without blanks and backslashes. Every other byte becomes a
    backslash, 0 and three octal digits, as %b of printf(1) reads it.
    """
    return re.sub(
        rb"[^!-\[\]-~]",
        lambda byte: f"\\0{ord(byte[0]):03o}".encode(),
        name.encode("utf-8", "surrogateescape"),
    ).decode("ascii")


def canonical(path: str) -> str:
    """Return the path without double slashes and single dots, which mean nothing on any node.

    `..` stays, since it may follow a link, and so does a final slash, which no file has.
    """
    parts = [part for part in path.split("/") if part not in ("", ".")]
    return "/" + "/".join(parts) + ("/" if parts and path.endswith(("/", "/.")) else "")
