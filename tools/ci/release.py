"""Publishes a release on GitHub, with all its files, as the latest."""

from pathlib import Path

from power_edge.github import GitHub
from tools.ci.step import Refused, given, version


def main() -> None:
    """Publish the files of all/ under TAG, all or nothing. NOTES.md becomes the text."""
    tag, folder = version(given("TAG")).tag, Path("all")
    repository = GitHub()
    found = repository.release(tag)
    if found is not None and not found.draft:
        raise Refused(f"{tag} is published already")
    notes = (folder / "NOTES.md").read_text(encoding="utf-8")
    title, _, text = notes.partition("\n")
    draft = repository.new_draft(tag, title.removeprefix("# "), text.strip(), prerelease=False)
    repository.upload(draft, sorted(folder.iterdir()))
    repository.publish(draft, latest=True)
