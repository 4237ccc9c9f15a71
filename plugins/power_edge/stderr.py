"""What tools print on stderr: errors, and between them warnings of a library, a wrapper or sudo,
which say nothing of what was asked.
"""

import re

_WARNINGS = tuple(
    map(
        re.compile,
        (
            r"^sudo(-rs)?: unable to resolve host ",
            r"^ERROR: ld\.so: object ",  # one of LD_PRELOAD or /etc/ld.so.preload that is not there
            r"[Ww]arning: ",
            r"WARNING: ",
            r": cannot change locale ",
        ),
    )
)
"""The same as PE_NOISE in probes/prelude.sh."""


def errors(text: str) -> list[str]:
    """The lines of a stderr that are no warnings."""
    return [
        line
        for line in text.strip().splitlines()
        if not any(warning.search(line) for warning in _WARNINGS)
    ]


def reason(text: str) -> str:
    """The line of a stderr that tells why: the first that is no warning, the first of all where
    there is no other, "" where there is none.
    """
    return next(iter([*errors(text), *text.strip().splitlines()]), "")
