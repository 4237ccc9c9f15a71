"""Where node-configs/ is."""

from pathlib import Path

NODE_CONFIGS = "node-configs"


def find_node_configs(start: Path) -> Path | None:
    """The node-configs/ of the folder `start`, or the nearest above it; None where there is none."""
    start = start.absolute()
    return next((folder for parent in (start, *start.parents) if (folder := parent / NODE_CONFIGS).is_dir()), None)
