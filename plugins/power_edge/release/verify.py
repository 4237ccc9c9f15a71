"""Is a file what a promotion recorded? Checked with the files beside it, and without a network."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from power_edge.config import ConfigError
from power_edge.model.generated.promotion_schema import Artifact, Promotion
from power_edge.release import artifacts, notes, record, signature, tags
from power_edge.release.schema_set import Unusable, digest
from power_edge.release.source import of_wheel
from power_edge.release.version import Version
from power_edge.release.wheel import Wheel, opened, wheel_name, wrong_in_record
from power_edge.text import printable


class Check(NamedTuple):
    """One thing that was checked of a file, and what is wrong; None if it holds."""

    name: str
    good: str
    """What holds, for a person."""
    wrong: str | None = None
    is_open: bool = False
    """Whether nothing is wrong, and nothing was proven either."""


def verify(file: Path, signers: Path | None) -> Iterator[Check]:
    """Yield what is checked of an artifact, by the files beside it.

    `signers` is a file of allowed signers (ssh-keygen(1)); with it a signature must be there.
    Raises Unusable if the artifact itself cannot be read.
    """
    data = artifacts.content(file)
    folder = file.absolute().parent
    sums = _Kept(folder / artifacts.SUMS)
    yield from _of_sums(file.name, data, sums)
    yield from _of_signature(folder, sums, signers)
    promotion = _Kept(folder / record.PROMOTION)
    if promotion.data is None:
        yield Check("record", "", f"{record.PROMOTION} is not beside the file")
        return
    if file.name != record.PROMOTION:
        yield from _of_sums(record.PROMOTION, promotion.data, sums)
    try:
        found = record.promotion(promotion.data, record.PROMOTION)
    except ConfigError as error:
        yield Check("record", "", str(error.problems[0]))
        return
    yield Check("record", f"{found.release}, promoted from {found.promoted_from}")
    yield from _of_record(file, data, found)


def check_folder(version: Version, folder: Path) -> None:
    """Check that a tag was made by promote, and that a folder has the files that it vouches for.

    Raises Unusable and ConfigError.
    """
    tag = tags.tag(version)
    digest = record.recorded(tag.message, record.PROMOTION)
    if digest is None:
        raise Unusable(
            f"{version.tag} was not made by power-edge release promote: its last line is no sha256"
            f" of {record.PROMOTION}"
        )
    data = artifacts.content(folder / record.PROMOTION)
    if record.sha256(data) != digest:
        raise Unusable(f"{version.tag} records another {record.PROMOTION} than that of {folder}")
    found = record.promotion(data, record.PROMOTION)
    if (found.release, found.commit) != (version.semver, tag.commit):
        raise Unusable(
            f"{record.PROMOTION} is of {printable(found.release)} at {found.commit[:12]}, and the"
            f" tag is {version.tag} at {tag.commit[:12]}"
        )
    listed = artifacts.read_sums(artifacts.content(folder / artifacts.SUMS), artifacts.SUMS)
    recorded = [each.file for each in _artifacts(found)]
    for name in (record.PROMOTION, *recorded):
        if name not in listed:
            raise Unusable(f"{artifacts.SUMS} does not name {printable(name)}")
    made = {*artifacts.OWN, *recorded}
    for path in sorted(folder.iterdir()):
        name = printable(path.name)
        if path.name not in made:
            # SHA256SUMS itself is not in the tag: a line of it proves nothing.
            raise Unusable(f"{name} is not a file of a promotion: take it out of {folder}")
        if path.name in (artifacts.SUMS, artifacts.SIGNATURE):
            continue
        for check in verify(path, None):
            if check.wrong is not None:
                raise Unusable(f"{name}: {check.name}: {check.wrong}")
    for name in listed:
        if not (folder / name).is_file():
            raise Unusable(f"{artifacts.SUMS} names {printable(name)}, which is not there")


class _Kept:
    """A file beside an artifact: its name, and its bytes; None if it cannot be read."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        try:
            self.data: bytes | None = artifacts.content(path)
        except Unusable:
            self.data = None


def _of_sums(name: str, data: bytes, sums: _Kept) -> Iterator[Check]:
    label = f"sha256 of {printable(name)}"
    if sums.data is None:
        yield Check(label, "", f"{sums.name} is not beside the file")
        return
    try:
        listed = artifacts.read_sums(sums.data, sums.name)
    except Unusable as error:
        yield Check(label, "", str(error))
        return
    is_so, should = record.sha256(data), listed.get(name)
    if should is None:
        yield Check(label, "", f"{sums.name} does not name it")
    elif should != is_so:
        yield Check(label, "", f"it is {is_so}, and {sums.name} says {should}")
    else:
        yield Check(label, is_so)


def _of_signature(folder: Path, sums: _Kept, signers: Path | None) -> Iterator[Check]:
    file = folder / artifacts.SIGNATURE
    if sums.data is None:
        return
    if not file.exists():
        if signers is not None:
            yield Check("signature", "", f"{artifacts.SIGNATURE} is not beside the file")
        else:
            yield Check("signature", "none, so nobody knows who made the files", is_open=True)
        return
    try:
        who = signature.signer(sums.data, file, signers)
    except Unusable as error:
        yield Check("signature", "", str(error))
        return
    if signers is not None:
        yield Check("signature", f"of {who}")
    else:
        text = f"of the key {who}; --signers was not given, so its owner is unknown"
        yield Check("signature", text, is_open=True)


def _of_record(file: Path, data: bytes, promotion: Promotion) -> Iterator[Check]:
    recorded = {each.file: each.sha256 for each in _artifacts(promotion)}
    if file.name in recorded:
        is_so, should = record.sha256(data), recorded[file.name]
        wrong = f"it is {is_so}, and {record.PROMOTION} says {should}"
        yield Check("promoted", is_so, wrong if is_so != should else None)
    elif file.name not in artifacts.OWN:
        # SHA256SUMS may name it: the tag of the release does not vouch for that.
        yield Check("promoted", "", f"{record.PROMOTION} does not name it")
    if file.suffix == ".whl":
        yield from _of_wheel(file, data, promotion)
    if file.name == record.TESTED:
        yield _of_tested(data, promotion)
    if file.name == artifacts.NOTES:
        wrong = f"they are not those of {record.PROMOTION}"
        is_same = data == notes.notes(promotion).encode()
        yield Check("notes", f"those of {record.PROMOTION}", None if is_same else wrong)


def _artifacts(promotion: Promotion) -> list[Artifact]:
    return [promotion.wheel, promotion.sdist, *promotion.artifacts]


def _of_tested(data: bytes, promotion: Promotion) -> Check:
    try:
        found = record.tested(data, record.TESTED)
    except ConfigError as error:
        return Check("tested", "", str(error.problems[0]))
    wrong = f"{record.PROMOTION} has another run, or other results"
    return Check("tested", printable(found.run), None if found == promotion.tested else wrong)


def _of_wheel(file: Path, data: bytes, promotion: Promotion) -> Iterator[Check]:
    if file.name != promotion.wheel.file:
        yield Check("name", "", f"the release's wheel is {printable(promotion.wheel.file)}")
    try:
        wheel = opened(file, data)
    except Unusable as error:
        yield Check("wheel", "", str(error))
        return
    version = Version.of(promotion.release).wheel
    is_named = file.name == wheel_name(version) and wheel.version == version
    wrong = f"its name and its METADATA must say {version}, and METADATA says {wheel.version!r}"
    yield Check("version", version, None if is_named else wrong)
    first = next(wrong_in_record(wheel), None)
    yield Check("RECORD", f"{len(wheel.files)} files", first)
    found = wheel.content_sha256()
    wrong = f"it is {found}, and {record.PROMOTION} says {promotion.content_sha256}"
    is_same = found == promotion.content_sha256
    yield Check("content", f"that of {promotion.tested_wheel.file}", None if is_same else wrong)
    yield _of_schemas(wheel, promotion)


def _of_schemas(wheel: Wheel, promotion: Promotion) -> Check:
    try:
        found = digest(of_wheel(wheel.name, wheel.files).schemas)
    except (Unusable, ConfigError) as error:
        return Check("schemas", "", str(error))
    wrong = f"their digest is {found}, and {record.PROMOTION} says {promotion.schemas_sha256}"
    return Check("schemas", found, None if found == promotion.schemas_sha256 else wrong)
