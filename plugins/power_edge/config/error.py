"""What a configuration that cannot be used raises."""

from collections.abc import Iterable

from power_edge.model import Problem, Source

LIMIT = 100
"""More problems than this are not listed one by one."""


class ConfigError(Exception):
    """A configuration that cannot be used: every problem of the file, in the order of its lines."""

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
    """The error of one problem; line 0 is the file or the folder as a whole."""
    return ConfigError([Problem(Source(file, line, column), message, hint)])
