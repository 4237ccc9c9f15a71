"""The error that a configuration which cannot be used raises."""

from collections.abc import Iterable

from power_edge.model import Problem, Source

LIMIT = 100
"""The most problems of one file that are listed."""


class ConfigError(Exception):
    """A configuration cannot be used: all problems, in the order of files and lines."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(
            sorted(
                problems,
                key=lambda problem: (
                    problem.source.file,
                    problem.source.line,
                    problem.source.column,
                ),
            )
        )
        super().__init__("\n".join(map(str, self.problems)))


def refuse(
    file: str, message: str, hint: str | None = None, line: int = 0, column: int = 1
) -> ConfigError:
    """Return the error of one problem; line 0 is the file or the folder as a whole."""
    return ConfigError([Problem(Source(file, line, column), message, hint)])
