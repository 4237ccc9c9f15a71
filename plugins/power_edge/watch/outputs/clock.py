"""Times as the outputs of the watch write them."""

from datetime import UTC, datetime


def utc(seconds: float) -> str:
    """Return a time, in seconds since 1970, as ISO 8601 in UTC, with milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
