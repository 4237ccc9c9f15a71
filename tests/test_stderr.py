"""Warnings on stderr are the same here and in the probes."""

import os
import subprocess

import pytest

from power_edge import package_data
from power_edge.stderr import errors, reason

pytestmark = pytest.mark.shell

WARNINGS = [
    "sudo: unable to resolve host rig-7: Name or service not known",
    "sudo-rs: unable to resolve host rig-7",
    "ERROR: ld.so: object '/opt/x.so' from LD_PRELOAD cannot be preloaded (cannot open shared object file): ignored.",
    "ERROR: ld.so: object '/opt/x.so' from /etc/ld.so.preload cannot be preloaded (wrong ELF class: ELFCLASS32): ignored.",
    "/bin/bash: warning: setlocale: LC_ALL: cannot change locale (de_DE.UTF-8)",
    "sh: 1: setlocale: LC_ALL: cannot change locale (de_DE.UTF-8): No such file or directory",
    "perl: warning: Setting locale failed.",
    "WARNING: apt does not have a stable CLI interface. Use with caution in scripts.",
    "Warning: '@daily' is deprecated",
    "# Warning: iptables-legacy tables present, use iptables-legacy to see them",
]
ERRORS = [
    "sudo: a password is required",
    "stat: cannot statx '/warnings': Permission denied",
    "grep: net/ipv4/x: No such file or directory",
    "error: cannot open Packages database in /var/lib/rpm",
    "Operation not permitted (you must be root)",
]


def sifted_by_a_probe(text: str) -> list[str]:
    script = f'{package_data.text("probes/prelude.sh")}\npe_prepare\nsed "$PE_NOISE"'
    return subprocess.run(
        ["sh", "-c", script], input=text, capture_output=True, check=True, text=True, env=os.environ
    ).stdout.splitlines()


@pytest.mark.parametrize("sift", [errors, sifted_by_a_probe])
def test_warnings_and_errors_are_distinguished(sift: object) -> None:
    assert callable(sift)
    assert sift("\n".join([*WARNINGS, *ERRORS, *WARNINGS])) == ERRORS


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("\n".join([*WARNINGS, *ERRORS]), ERRORS[0]),
        ("\n".join(WARNINGS), WARNINGS[0]),
        ("\nfirst\nsecond\n", "first"),
        ("", ""),
        (" \n", ""),
    ],
)
def test_the_reason_is_the_first_error(text: str, why: str) -> None:
    assert reason(text) == why
