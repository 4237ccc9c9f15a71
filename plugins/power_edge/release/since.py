"""schemas/VERSION: how far it must be raised, for what changed in the files that people write."""

from collections.abc import Iterator

from power_edge.config.schema_version import FILE, SchemaVersion
from power_edge.release.changes import Difference, Verdict
from power_edge.release.schema_set import SchemaSet, Unusable
from power_edge.text import quoted


def version_of(data: bytes | None, name: str) -> SchemaVersion | None:
    """Return the version in a schemas/VERSION, None without the file. Raises Unusable."""
    if data is None:
        return None
    text = data.decode("utf-8", "replace").strip()
    found = SchemaVersion.of(text)
    if found is None or str(found) != text:
        raise Unusable(f"{FILE} of {name} is {quoted(text)}: write two numbers, such as 1.0")
    return found


def step(old: SchemaVersion, new: SchemaVersion) -> Verdict:
    """Return the bump that leads from one version to a higher one."""
    if new.major != old.major:
        return Verdict.MAJOR
    return Verdict.MINOR if new.minor != old.minor else Verdict.PATCH


def verdict_of_files(difference: Difference, old: SchemaSet, new: SchemaSet) -> Verdict:
    """Return the verdict about the files that people write.

    What Power Edge writes is left out: no file of a node becomes newer by it.
    """

    def is_written_by_people(file: str) -> bool:
        return not all(each.is_output(file) for each in (old, new) if file in each.files)

    return max(
        (
            change.verdict
            for change in difference.changes
            if is_written_by_people(change.root or change.file)
        ),
        default=Verdict.PATCH,
    )


def not_raised(
    old: SchemaVersion | None, new: SchemaVersion | None, verdict: Verdict
) -> Iterator[str]:
    """Yield what is wrong with a version of the schemas, and what to write.

    `old` is that of the last release, `verdict` what changed in the files of people since then.
    """
    if new is None:
        yield f"{FILE} is missing: write {old or '1.0'} into it"
        return
    if old is None:
        return
    allowed = {
        Verdict.PATCH: old,
        Verdict.MINOR: SchemaVersion(old.major, old.minor + 1),
        Verdict.MAJOR: SchemaVersion(old.major + 1, 0),
    }
    if new in [to for bump, to in allowed.items() if bump >= verdict]:
        return
    yield (
        f"{FILE} is {new}, and was {old} at the last release: the schemas changed by a"
        f" {verdict.name} since; write {allowed[verdict]}"
    )
