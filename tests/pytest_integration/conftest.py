"""The fixture `project`."""

from tests.project import project

__all__ = ["project"]
