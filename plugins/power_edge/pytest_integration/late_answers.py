"""With xdist the workers say what is selected after they have started: the controller asks for that
alone, and leaves the answers in a file that the workers read before their first item.
"""

from contextlib import ExitStack

from power_edge import atomic_file


class LateAnswers:
    """The file of the answers of one run, which ends with this object."""

    def __init__(self) -> None:
        self._folder = ExitStack()  # nobody else may read it, and it does not outlive a killed run
        self.file = self._folder.enter_context(atomic_file.scratch()) / "answers"

    def write(self, packed: bytes) -> None:
        """Leave the answers for the workers."""
        self.file.write_bytes(packed)

    def remove(self) -> None:
        """Remove the file and its folder."""
        self._folder.close()
