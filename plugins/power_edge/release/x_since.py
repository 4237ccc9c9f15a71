"""schemas/VERSION and x-since: what the files that people write need, from which version on."""

from collections.abc import Iterator, Mapping, Sequence

from power_edge.config.node_configs import SCHEMAS
from power_edge.config.schema_needs import KEYWORD
from power_edge.config.schema_version import FILE, SchemaVersion
from power_edge.release.changes import Difference, Verdict, field
from power_edge.release.containment import Way
from power_edge.release.meaning import for_name, for_pattern, keys, schemas_at, together
from power_edge.release.schema_set import SUFFIX, Place, SchemaSet, Unusable
from power_edge.text import quoted

_FILES = tuple(f"{name}{SUFFIX}" for name in (*SCHEMAS.values(), "role"))
"""The schemas of the files in node-configs/ whose fields older programs refuse."""


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

    `old` is that of a release, `verdict` what changed in the files of people since then.
    """
    if new is None:
        yield f"{FILE} is missing: write {old or '1.0'} into it"
    elif old is not None and new not in [raised(old, bump) for bump in Verdict if bump >= verdict]:
        yield (
            f"{FILE} is {new}, and was {old} at a release: the schemas have a"
            f" {verdict.name} change since then; write {raised(old, verdict)}"
        )


def raised(version: SchemaVersion, bump: Verdict) -> SchemaVersion:
    """Return the version that is one step higher."""
    if bump is Verdict.MAJOR:
        return SchemaVersion(version.major + 1, 0)
    return version._replace(minor=version.minor + (bump is Verdict.MINOR))


def without_since(
    old: SchemaSet, new: SchemaSet, old_version: SchemaVersion, new_version: SchemaVersion
) -> Iterator[str]:
    """Yield what is wrong with the x-since of fields, and what to write.

    `old` are the schemas of a release. A field that they do not have needs a version above
    theirs; it covers the fields inside it. A field that they have keeps what it has.
    """
    for file in _FILES:
        if file in new.files:
            before = dict(fields(old, file)) if file in old.files else {}
            known: set[Way] = set()
            for way, places in fields(new, file):
                if any(way[:length] in known for length in range(len(way))):
                    continue
                name = f"{file}: {field(way) or 'all of it'}"
                says = _since(new, places)
                place = new.shown(places[0])
                if way in before:
                    had = _since(old, before[way])
                    if says != had:
                        yield f"{name} had x-since {had}, and has {says}: keep it ({place})"
                    continue
                known.add(way)
                if says is None or not old_version < says <= new_version:
                    right = max(new_version, raised(old_version, Verdict.MINOR))
                    yield (
                        f'{name} is new, and {_described(says)}: write {KEYWORD}: "{right}"'
                        f" ({place})"
                    )


def _described(since: SchemaVersion | None) -> str:
    return f"has no {KEYWORD}" if since is None else f"has {KEYWORD} {since}"


def fields(found: SchemaSet, file: str) -> Iterator[tuple[Way, list[Place]]]:
    """Yield the fields of the documents that a schema describes, with the schemas of each: the way
    to it, outer ones first. Where a schema refers to itself it is opened once.
    """
    yield from _below(found, [Place(file)], (), ())


def _below(
    found: SchemaSet, places: list[Place], way: Way, above: Sequence[frozenset[Place]]
) -> Iterator[tuple[Way, list[Place]]]:
    places = [place for place in places if found.schema(place) is not False]
    if not places:
        return
    yield way, places
    beside = together(found, places)
    here = frozenset(beside)
    if here in above:
        return
    inner: Mapping[Way, list[Place]] = {
        **{
            (("name", name),): for_name(found, beside, name)
            for name in keys(found, beside, "properties")
        },
        **{
            (("any", pattern),): for_pattern(found, beside, pattern)
            for pattern in keys(found, beside, "patternProperties")
        },
        (("any", ""),): schemas_at(found, beside, "additionalProperties"),
        (("item", ""),): [
            place
            for keyword in ("items", "prefixItems")
            for place in schemas_at(found, beside, keyword)
        ],
    }
    for step, each in inner.items():
        yield from _below(found, each, (*way, *step), (*above, here))


def _since(found: SchemaSet, places: Sequence[Place]) -> SchemaVersion | None:
    """Return what the schemas of a value say. Raises Unusable for what is not a version."""
    versions: list[SchemaVersion] = []
    for place in [*together(found, places), *(found.shown(each) for each in places)]:
        schema = found.schema(place)
        if isinstance(schema, dict) and KEYWORD in schema:
            version = SchemaVersion.of(str(schema[KEYWORD]))
            if version is None or str(version) != schema[KEYWORD]:
                raise Unusable(
                    f"{place} of {found.name}: {KEYWORD} is not a version: write two numbers in"
                    ' quotes, such as "1.1"'
                )
            versions.append(version)
    return max(versions, default=None)
