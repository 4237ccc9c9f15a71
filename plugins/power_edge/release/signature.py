"""Signatures of OpenSSH (ssh-keygen -Y): nothing to install, and no network."""

import re
from pathlib import Path

from power_edge.probing.process import Ended, Lifeline, NoRoom, TooLong, run
from power_edge.release.schema_set import Unusable
from power_edge.text import printable, quoted

NAMESPACE = "power-edge-release"
"""What the signature is for; a signature of the same key for mail or git does not count."""
_KEY = re.compile(r"key (SHA256:[A-Za-z0-9+/]+)")


def sign(data: bytes, key: Path) -> bytes:
    """Return the signature of bytes by a private key, or by the public key of an agent's.

    Raises Unusable.
    """
    ended = _keygen("sign", "-f", str(key), stdin=data)
    if ended.status != 0:
        raise Unusable(f"ssh-keygen cannot sign with {quoted(str(key), 200)}: {_last(ended)}")
    return ended.stdout


def signer(data: bytes, signature: Path, signers: Path | None) -> str:
    """Return who signed bytes: a name in the file of allowed signers, or the key without one.

    Raises Unusable if the signature is of other bytes, or no key in that file made it.
    """
    if signers is None:
        ended = _keygen("check-novalidate", "-s", str(signature), stdin=data)
        found = _KEY.search(ended.stdout.decode("utf-8", "replace"))
        if ended.status != 0 or found is None:
            raise Unusable(f"the signature is not of these bytes: {_last(ended)}")
        return found[1]
    names = _keygen("find-principals", "-s", str(signature), "-f", str(signers))
    if names.status != 0:
        raise Unusable(f"no key in {quoted(str(signers), 200)} made the signature: {_last(names)}")
    name = names.stdout.decode("utf-8", "replace").splitlines()[0]
    ended = _keygen("verify", "-f", str(signers), "-I", name, "-s", str(signature), stdin=data)
    if ended.status != 0:
        raise Unusable(f"the signature by {quoted(name)} is not valid: {_last(ended)}")
    return printable(name)


def _keygen(what: str, *words: str, stdin: bytes = b"") -> Ended:
    # A key with a passphrase is an error: nobody can answer a prompt.
    argv = ["env", "SSH_ASKPASS_REQUIRE=never", "ssh-keygen", "-Y", what, "-n", NAMESPACE, *words]
    try:
        ended = run(argv, stdin, Lifeline())
    except (TooLong, NoRoom) as error:
        raise Unusable(f"ssh-keygen: {error}") from None
    if ended.status == 127:
        raise Unusable("ssh-keygen is not installed; it makes and checks signatures")
    return ended


def _last(ended: Ended) -> str:
    lines = (ended.stderr or ended.stdout).decode("utf-8", "replace").strip().splitlines()
    return printable(lines[-1]) if lines else f"status {ended.status}"
