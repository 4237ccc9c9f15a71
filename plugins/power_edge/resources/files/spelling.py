"""How paths are written: in the probe's arguments and lines, and so that two of one file are equal."""

import re


def unescape(name: str) -> str:
    """A path as the probe's arguments and lines spell it -> the path."""
    raw = re.sub(
        rb"\\0([0-3][0-7]{2})",
        lambda octal: bytes([int(octal[1], 8)]),
        name.encode("utf-8", "surrogateescape"),
    )
    return raw.decode("utf-8", "surrogateescape")


def escape(name: str) -> str:
    """Printable ASCII without blanks and backslashes; every other byte as printf(1)'s %b takes it:
    backslash, 0, three octal digits.
    """
    return re.sub(
        rb"[^!-\[\]-~]",
        lambda byte: f"\\0{ord(byte[0]):03o}".encode(),
        name.encode("utf-8", "surrogateescape"),
    ).decode("ascii")


def canonical(path: str) -> str:
    """Without doubled slashes and dots, which lead to the same file on every node.

    Not so `..` (after a link) and a final slash (no file has one).
    """
    parts = [part for part in path.split("/") if part not in ("", ".")]
    return "/" + "/".join(parts) + ("/" if parts and path.endswith(("/", "/.")) else "")
