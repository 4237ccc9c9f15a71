"""Whatever stands in the files of a release: `release verify` says what is wrong, and no file that
was changed is verified.
"""

import random
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
from click.testing import CliRunner

from power_edge.cli import cli
from tests.fuzz.test_configurations import TOKENS
from tests.support import releases
from tests.support.budget import Budget
from tests.support.hostile.values import harmless
from tests.support.releases import release

pytestmark = pytest.mark.shell

WHEEL = "power_edge-1.1.0-py3-none-any.whl"
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a release, by name."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        releases.make(tmp_path_factory.mktemp("fuzz") / "project", monkeypatch)
        releases.pre_release("1.1.0-pre.1")
        release("promote", "v1.1.0-pre.1", "1.1.0")
        return {path.name: path.read_bytes() for path in Path("dist/v1.1.0").iterdir()}


def changed(chance: random.Random, data: bytes) -> bytes:
    """Data with some bytes replaced, a piece cut out, or a strange one put in."""
    content = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        place = chance.randrange(len(content) or 1)
        match chance.randrange(4):
            case 0 | 1 if content:
                content[place] = chance.choice([0, 1, 0x7F, 0xFF, chance.randrange(256)])
            case 2:
                del content[place : place + chance.randint(1, 40)]
            case _:
                content[place:place] = chance.choice(TOKENS)
    return bytes(content)


def packed(chance: random.Random, wheel: bytes) -> bytes:
    """A wheel with the same files, compressed otherwise, one of them changed."""
    target = BytesIO()
    with zipfile.ZipFile(BytesIO(wheel)) as source, zipfile.ZipFile(target, "w") as archive:
        names = source.namelist()
        other = chance.choice([*names, names[-1]])  # RECORD
        for name in names:
            data = source.read(name)
            archive.writestr(
                name, changed(chance, data) if name == other else data, chance.choice(METHODS)
            )
    return target.getvalue()


@pytest.mark.parametrize("name", [WHEEL, "promotion.json", "SHA256SUMS", "tested.json", "NOTES.md"])
def test_no_file_breaks_verify_and_none_that_was_changed_is_verified(
    name: str, made: dict[str, bytes], tmp_path: Path
) -> None:
    budget = Budget(f"release verify, {name}", 0.02)
    chance = budget.chance
    for file, data in made.items():
        (tmp_path / file).write_bytes(data)
    for _ in budget.rounds():
        data = made[name]
        if name == WHEEL and chance.random() < 0.5:
            data = packed(chance, data)
        if data == made[name] or chance.random() < 0.5:
            data = changed(chance, data)
        (tmp_path / name).write_bytes(data)
        for file in {name, WHEEL}:
            done = CliRunner().invoke(cli, ["release", "verify", str(tmp_path / file)])
            assert isinstance(done.exception, SystemExit | None), (done.exc_info, data)
            harmless(done.output)
            budget.counts["verified" if done.exit_code == 0 else "refused"] += 1
            assert done.exit_code != 0 or file != name or data == made[name]
