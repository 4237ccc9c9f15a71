"""The fixture `site`."""

from tests.support.change import site

__all__ = ["site"]
