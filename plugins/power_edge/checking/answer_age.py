"""How old an answer may be, as a person writes it."""

import re

DEFAULT = "24h"
FORMS = "write seconds, or a number with s, m, h or d (90, 30m, 24h, 7d)"
_AGE = re.compile(r"([0-9]{1,9})([smhd]?)")
_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(text: str) -> int | None:
    """Return an age in seconds; None if the text is not an age."""
    match = _AGE.fullmatch(text)
    return None if match is None else int(match[1]) * _SECONDS[match[2]]
