"""With xdist the workers say what is selected after they have started: the controller asks for that
alone, and leaves the answers in a file that the workers read before their first item.
"""

from pathlib import Path
from tempfile import TemporaryDirectory


class LateAnswers:
    """The file of the answers of one run, which ends with this object."""

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="power-edge-")  # nobody else may read it
        self.file = Path(self._folder.name) / "answers"

    def write(self, packed: bytes) -> None:
        """Leave the answers for the workers."""
        self.file.write_bytes(packed)

    def remove(self) -> None:
        self._folder.cleanup()
