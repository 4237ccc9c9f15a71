"""The corpus: node folders as they were at a release, each with what they loaded to (loaded.json).

    python -m tests.corpus.loaded RELEASE node-configs/NODE...

adds folders to it, before the release. Nothing in it is ever changed: a file that was valid stays
valid, and means the same.
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from power_edge.release.reading import values

HERE = Path(__file__).parent
VALUES = "loaded.json"


def nodes() -> list[Path]:
    return sorted(path.parent for path in HERE.glob(f"*/*/{VALUES}"))


def lost(recorded: Any, now: Any, path: str = "") -> list[str]:
    """Where what is read now is not what was read. A field that is new since is no difference."""
    if isinstance(recorded, dict) and isinstance(now, dict):
        return [
            each
            for key, value in recorded.items()
            for each in lost(value, now.get(key, "not there"), f"{path}.{key}")
        ]
    if isinstance(recorded, list) and isinstance(now, list) and len(recorded) == len(now):
        pairs = enumerate(zip(recorded, now, strict=True))
        return [each for index, pair in pairs for each in lost(*pair, path=f"{path}[{index}]")]
    is_equal = type(recorded) is type(now) and recorded == now
    return [] if is_equal else [f"{path}: {recorded!r} is {now!r} now"]


def add(release: str, folder: Path) -> None:
    target = HERE / release / folder.name
    shutil.copytree(folder, target)
    text = json.dumps(values(target), indent=1, ensure_ascii=False, sort_keys=True)
    (target / VALUES).write_text(f"{text}\n")


if __name__ == "__main__":
    for argument in sys.argv[2:]:
        add(sys.argv[1], Path(argument))
