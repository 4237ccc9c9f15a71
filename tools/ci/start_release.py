"""Starts release.yml for a tag: a tag that a workflow pushes starts nothing by itself."""

from power_edge.github import GitHub
from tools.ci.step import given, version


def main() -> None:
    """Start it on main, with the run that has the artifacts."""
    inputs = {"tag": version(given("VERSION")).tag, "run_id": given("GITHUB_RUN_ID")}
    GitHub().dispatch("release.yml", "main", inputs)
