"""Answers of nodes, made by hand: the framing of probes/prelude.sh around sections as the probes
print them.
"""

import time
from collections.abc import Iterable, Mapping
from hashlib import sha256

from power_edge.probing.framing import cksum

NONCE = "0123456789abcdef0123456789abcdef"
MACHINE = "2cbb59aee9a34d92a71b9ffb06b592b0"
MILLISECONDS = 20
OTHER = "a5bc498e58b74733905edbb8c8aedf4e"


def digest(machine_id: str) -> str:
    return sha256(f"linux:{machine_id}".encode()).hexdigest()


def sysctl(values: Mapping[str, str | bytes], keys: Iterable[str] | None = None) -> bytes:
    """The section of the sysctl probe; of a key that is asked for and has no value the kernel says
    that there is none.
    """
    paths = [key.replace(".", "/") for key in (values if keys is None else keys)]
    lines = [
        key.replace(".", "/").encode()
        + b":"
        + (value if isinstance(value, bytes) else value.encode())
        for key, value in values.items()
    ]
    values_by_path = {key.replace(".", "/") for key in values}
    complaints = [
        f"grep: {path}: No such file or directory" for path in paths if path not in values_by_path
    ]
    return b"\n".join(
        [
            b"== asked",
            *(path.encode() for path in paths),
            b"== values",
            *lines,
            b"== complaints",
            *map(str.encode, complaints),
            b"== end",
            b"",
        ]
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
    promised: Iterable[str] | None = None,
    nonce: str = NONCE,
) -> bytes:
    """An answer: `sections` by name (`sysctl.0`), each what the probe printed, or its exit status,
    stdout and stderr.

    `machine` is the machine-id that the node shows; `readings` say it in full as (kind, state,
    hash). `promised` are the sections that the head names, if not these; without a `gate` the
    answer is cut before it.
    """
    if readings is None:
        readings = [] if machine is None else [("machine-id", "ok", digest(machine))]
    head = [
        f"PE2 {nonce} 0 {int(time.time() - age)} {node}",
        " ".join([f"{nonce} S", *(promised or sections)]),
    ]
    head += [f"{nonce} I {kind} {state} {hashed}" for kind, state, hashed in readings]
    head += [] if gate is None else [f"{nonce} G {gate}"]
    begun = "".join(f"{line}\n" for line in head).encode()
    if gate is None:
        return b"\n" + begun
    parts = [b"\n", closed(begun, nonce)]
    for name, printed in sections.items():
        status, stdout, stderr = (0, printed, "") if isinstance(printed, bytes) else printed
        ending = f"\n{nonce} E {name} {status} {MILLISECONDS}\n{stderr}\n"
        parts += [b"\n", closed(f"{nonce} B {name}\n".encode() + stdout + ending.encode(), nonce)]
    if end:
        parts.append(f"\n{nonce} Z\n".encode())
    return b"".join(parts)


def closed(part: bytes, nonce: str = NONCE) -> bytes:
    """A head or a block, with the line of its checksum."""
    covered = part + f"{nonce} C ".encode()
    return covered + f"{cksum(covered)} {len(covered)}\n".encode()
