"""Read the stderr of tools: errors, and between them warnings of a library, a wrapper or sudo."""

import re

_WARNINGS = tuple(
    map(
        re.compile,
        (
            r"^sudo(-rs)?: unable to resolve host ",
            r"^ERROR: ld\.so: object ",  # missing, from LD_PRELOAD or /etc/ld.so.preload
            r"[Ww]arning: ",
            r"WARNING: ",
            r": cannot change locale ",
        ),
    )
)
"""The same as PE_NOISE in probes/prelude.sh."""


def errors(text: str) -> list[str]:
    """Return the lines of a stderr that are not warnings."""
    return [
        line
        for line in text.strip().splitlines()
        if not any(warning.search(line) for warning in _WARNINGS)
    ]


def reason(text: str) -> str:
    """Return the line of a stderr that gives the reason: the first that is not a warning.

    If all are warnings, return the first of them; if there is no line, "".
    """
    return next(iter([*errors(text), *text.strip().splitlines()]), "")
