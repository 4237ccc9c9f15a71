"""Atomic files of other plugins' reports (JUnit, JSON, HTML) in a run about nodes.

The plugins write in place. Here a report is whole, or the old file stays.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from power_edge.atomic_file import make_folder, replacing
from power_edge.pytest_integration import compat


def make_atomic(config: pytest.Config, failed: Callable[[Path, OSError], None]) -> None:
    """Make the reports that the run was asked for replace the old ones in one step.

    `failed` is called for each file that cannot be written.
    """

    def write_file(file: Path, write: Callable[[Path], None]) -> OSError | None:
        try:
            make_folder(file.parent)
            with replacing(file) as beside:
                write(beside)
        except OSError as error:
            failed(file, error)
            return error
        return None

    compat.write_junit_by(config, write_file)
    compat.write_html_by(config, write_file, failed)
    compat.write_json_by(config, write_file)
