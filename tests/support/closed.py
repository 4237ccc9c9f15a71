"""Schemas of what we write are open; in a test, a field that they do not list is a mistake."""

from typing import Any


def closed(part: Any) -> Any:
    """A schema that takes no property beside those that it lists."""
    if isinstance(part, list):
        return [closed(each) for each in part]
    if not isinstance(part, dict):
        return part
    inner = {key: closed(value) for key, value in part.items()}
    if isinstance(part.get("properties"), dict):
        inner.setdefault("additionalProperties", False)
    return inner
