"""Answers of nodes, made by hand: the framing of probes/prelude.sh around sections as the probes print them."""

import time
from collections.abc import Iterable, Mapping
from hashlib import sha256

NONCE = "0123456789abcdef0123456789abcdef"
MACHINE = "2cbb59aee9a34d92a71b9ffb06b592b0"
OTHER = "a5bc498e58b74733905edbb8c8aedf4e"


def digest(machine_id: str) -> str:
    return sha256(f"linux:{machine_id}".encode()).hexdigest()


def sysctl(values: Mapping[str, str | bytes], asked: Iterable[str] | None = None) -> bytes:
    """The section of the sysctl probe; of a key that is asked for and has no value the kernel says that there is none."""
    paths = [key.replace(".", "/") for key in (values if asked is None else asked)]
    lines = [key.replace(".", "/").encode() + b":" + (value if isinstance(value, bytes) else value.encode()) for key, value in values.items()]
    there = {key.replace(".", "/") for key in values}
    complaints = [f"grep: {path}: No such file or directory" for path in paths if path not in there]
    return b"\n".join(
        [b"== asked", *(path.encode() for path in paths), b"== values", *lines, b"== complaints", *map(str.encode, complaints), b"== end", b""]
    )


def answer(
    node: str,
    sections: Mapping[str, bytes | tuple[int, bytes, str]] = {},
    *,
    machine: str | None = MACHINE,
    readings: Iterable[tuple[str, str, str]] | None = None,
    gate: str | None = "open",
    age: float = 0,
    end: bool = True,
) -> bytes:
    """An answer: `sections` by name (`sysctl.0`), each what the probe printed, or its exit status, stdout and stderr.

    `machine` is the machine-id that the node shows; `readings` say it in full as (kind, state, hash).
    """
    if readings is None:
        readings = [] if machine is None else [("machine-id", "ok", digest(machine))]
    parts = [f"\nPE1 {NONCE} 0 {int(time.time() - age)} {node}\n".encode()]
    parts += [f"{NONCE} I {kind} {state} {hashed}\n".encode() for kind, state, hashed in readings]
    if gate is not None:
        parts.append(f"{NONCE} G {gate}\n".encode())
    for name, printed in sections.items():
        status, stdout, stderr = (0, printed, "") if isinstance(printed, bytes) else printed
        parts.append(f"\n{NONCE} B {name}\n".encode() + stdout + f"\n{NONCE} E {name} {status}\n{stderr}\n".encode())
    if end:
        parts.append(f"\n{NONCE} Z\n".encode())
    return b"".join(parts)
