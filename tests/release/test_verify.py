"""`power-edge release verify` and `check-tag`: what a release's files prove, and each way to break it."""

import hashlib
import json
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from power_edge.release import build
from power_edge.release.version import Version
from tests.release.test_promote import repack
from tests.support import releases, repository
from tests.support.releases import release
from tests.support.repository import git

pytestmark = pytest.mark.shell

WHEEL = "power_edge-1.1.0-py3-none-any.whl"
SDIST = "power_edge-1.1.0.tar.gz"
PYZ = "power-edge.pyz"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A signed release v1.1.0, with the file of signers beside the project."""
    folder = tmp_path_factory.mktemp("template")
    with pytest.MonkeyPatch.context() as monkeypatch:
        releases.make(folder / "project", monkeypatch)
        key = folder / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
        (folder / "signers").write_text(f"ann {key.with_suffix('.pub').read_text()}")
        releases.pre_release("1.1.0-pre.1")
        made = build.build(git("rev-parse", "HEAD"), Version.of("1.1.0"), folder)
        (made.wheel.parent / PYZ).write_bytes(b"pyz")
        words = [f"--key={key}", f"--built={made.wheel.parent}"]
        release("promote", "v1.1.0-pre.1", "1.1.0", *words)
    return folder


@pytest.fixture
def folder(template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the release, in a copy of the project, which is the current folder."""
    shutil.copytree(template, tmp_path / "copy")
    repository.alone(monkeypatch)
    monkeypatch.chdir(tmp_path / "copy/project")
    return tmp_path / "copy/project/dist/v1.1.0"


def verify(folder: Path, name: str, *words: str, status: int = 1) -> list[str]:
    """The checks that fail."""
    output = release("verify", *words, str(folder / name), status=status)
    failed = [
        line.removeprefix("FAILED ") for line in output.splitlines() if line.startswith("FAILED")
    ]
    assert bool(failed) == (status == 1)
    return failed


def names(failed: list[str]) -> list[str]:
    return [line.partition(":")[0] for line in failed]


@pytest.mark.parametrize("name", [WHEEL, SDIST, PYZ, "promotion.json", "NOTES.md", "tested.json"])
def test_what_was_made_is_verified(name: str, folder: Path) -> None:
    verify(folder, name, status=0)
    verify(folder, name, f"--signers={folder.parents[2] / 'signers'}", status=0)


def test_it_says_who_signed(folder: Path) -> None:
    path = str(folder / WHEEL)
    assert "open   signature: of the key SHA256:" in release("verify", path)
    assert "ok     signature: of ann" in release(
        "verify", path, f"--signers={folder.parents[2] / 'signers'}"
    )
    (folder / "SHA256SUMS.sig").unlink()
    assert "open   signature: none" in release("verify", path)


def test_it_needs_no_repository(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.rename(tmp_path / "alone")
    monkeypatch.chdir(tmp_path / "alone")
    assert "verified" in release("verify", WHEEL)


def test_a_wheel_is_read_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = Path.open

    def once(self: Path, *arguments: Any, **options: Any) -> Any:
        stream = usual(self, *arguments, **options)
        if self.name == WHEEL:
            self.unlink()  # what would be read again may be another file
        return stream

    monkeypatch.setattr(Path, "open", once)
    verify(folder, WHEEL, status=0)


def test_each_byte_of_a_wheel_counts(folder: Path) -> None:
    wheel = folder / WHEEL
    good = wheel.read_bytes()
    for place in range(0, len(good), 97):
        wheel.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        failed = names(verify(folder, WHEEL))
        assert failed[:2] == [f"sha256 of {WHEEL}", "promoted"]


def spoil_content(folder: Path) -> None:
    repack(folder / WHEEL, "power_edge/__init__.py", b"ANSWER = 2\n")


def spoil_record(folder: Path) -> None:
    """A file and its line in RECORD."""
    digest = hashlib.sha256(b"ANSWER = 2\n").digest()
    name = "power_edge-1.1.0.dist-info/RECORD"
    import base64

    with zipfile.ZipFile(folder / WHEEL) as archive:
        lines = archive.read(name).decode().splitlines()
    encoded = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    changed = [
        f"power_edge/__init__.py,sha256={encoded},11"
        if line.startswith("power_edge/__init__")
        else line
        for line in lines
    ]
    spoil_content(folder)
    repack(folder / WHEEL, name, "\n".join(changed).encode())


def spoil_schemas(folder: Path) -> None:
    repack(folder / WHEEL, "power_edge/schemas/a.schema.yaml", b"type: object\n")


def spoil_version(folder: Path) -> None:
    repack(folder / WHEEL, "power_edge-1.1.0.dist-info/METADATA", b"Version: 1.1.1\n")


SPOILT: dict[str, tuple[Callable[[Path], None], list[str]]] = {
    "a file": (spoil_content, ["RECORD", "content"]),
    "a file and RECORD": (spoil_record, ["content"]),
    "a schema": (spoil_schemas, ["RECORD", "content", "schemas"]),
    "the version": (spoil_version, ["version", "RECORD"]),
}


@pytest.mark.parametrize("kind", SPOILT)
def test_a_change_in_a_wheel_is_named(kind: str, folder: Path) -> None:
    spoil, words = SPOILT[kind]
    spoil(folder)
    assert names(verify(folder, WHEEL)) == [f"sha256 of {WHEEL}", "promoted", *words]


def sums_again(folder: Path) -> None:
    """What a forger does last, and a signature shows."""
    done = subprocess.run(
        ["sha256sum", WHEEL, SDIST, PYZ, "promotion.json", "NOTES.md", "tested.json"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    (folder / "SHA256SUMS").write_bytes(done.stdout)


def test_new_sums_do_not_fit_the_signature(folder: Path) -> None:
    spoil_content(folder)
    sums_again(folder)
    assert names(verify(folder, WHEEL))[:2] == ["signature", "promoted"]


def test_new_sums_and_a_new_record_do_not_fit_the_signature(folder: Path) -> None:
    edit(folder / "promotion.json", {"commit": "0" * 40})
    sums_again(folder)
    assert names(verify(folder, WHEEL)) == ["signature"]
    (folder / "SHA256SUMS.sig").unlink()
    verify(folder, WHEEL, status=0)  # nothing but a signature, or the tag, shows this
    signers = folder.parents[2] / "signers"
    assert names(verify(folder, WHEEL, f"--signers={signers}")) == ["signature"]
    assert "records another promotion.json" in release("check-tag", "v1.1.0", status=4)


def test_the_signature_of_somebody_else_is_none(folder: Path, tmp_path: Path) -> None:
    key = tmp_path / "other"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    (tmp_path / "signers").write_text(f"bob {key.with_suffix('.pub').read_text()}")
    [failed] = verify(folder, WHEEL, f"--signers={tmp_path / 'signers'}")
    assert failed.startswith("signature: no key in ")
    assert "made the signature: " in failed


def test_a_signature_for_something_else_is_none(folder: Path) -> None:
    key = folder.parents[2] / "key"
    (folder / "SHA256SUMS.sig").unlink()
    subprocess.run(
        ["ssh-keygen", "-q", "-Y", "sign", "-n", "file", "-f", key, "SHA256SUMS"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    signers = folder.parents[2] / "signers"
    assert names(verify(folder, WHEEL, f"--signers={signers}")) == ["signature"]
    assert names(verify(folder, WHEEL)) == ["signature"]


def edit(file: Path, change: dict[str, Any]) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("SHA256SUMS", None, "SHA256SUMS is not beside the file"),
        ("SHA256SUMS", "nonsense\n", "SHA256SUMS:1: is not a line of sha256sum"),
        ("SHA256SUMS", f"{'0' * 64}  other\n", "SHA256SUMS does not name it"),
        ("SHA256SUMS", f"{'0' * 64}  {WHEEL}\n" * 2, "SHA256SUMS:2: is not a line"),
        ("promotion.json", None, "promotion.json is not beside the file"),
        ("promotion.json", "{}", "is missing"),
        ("promotion.json", "[", "promotion.json"),
        ("promotion.json", "\x1b[1m", "promotion.json"),
    ],
)
def test_what_is_beside_the_file_may_be_anything(
    name: str, content: str | None, words: str, folder: Path
) -> None:
    (folder / name).unlink()
    if content is not None:
        (folder / name).write_text(content)
    failed = verify(folder, WHEEL)
    assert any(words in line for line in failed)
    assert "\x1b" not in "".join(failed)


def test_a_file_of_another_name_is_not_the_releases(folder: Path) -> None:
    other = "power_edge-1.1.1-py3-none-any.whl"
    (folder / WHEEL).rename(folder / other)
    failed = names(verify(folder, other))
    assert f"sha256 of {other}" in failed
    assert "name" in failed


def test_a_file_that_is_not_there_is_an_error(folder: Path) -> None:
    assert "cannot be read" in release("verify", str(folder / "nothing.whl"), status=4)


def test_a_bare_bone_of_a_wheel_is_no_wheel(folder: Path) -> None:
    (folder / WHEEL).write_bytes(b"PK")
    assert "wheel" in names(verify(folder, WHEEL))


def test_check_tag_passes_what_promote_made(folder: Path) -> None:
    assert "the files are those" in release("check-tag", "v1.1.0")
    release("check-tag", "v1.1.0", f"--artifacts={folder}")


@pytest.mark.parametrize(
    "message", ["1.1.0", "1.1.0\n\npromotion.json sha256:12", "tested.json sha256:" + "0" * 64]
)
def test_a_tag_that_promote_did_not_make_is_refused(message: str, folder: Path) -> None:
    git("tag", "-f", "-a", "-m", message, "v1.1.0")
    assert "was not made by power-edge release promote" in release("check-tag", "v1.1.0", status=4)


def test_a_tag_with_another_digest_is_refused(folder: Path) -> None:
    git("tag", "-f", "-a", "-m", f"1.1.0\n\npromotion.json sha256:{'0' * 64}", "v1.1.0")
    assert "records another promotion.json" in release("check-tag", "v1.1.0", status=4)


def test_a_lightweight_tag_is_refused(folder: Path) -> None:
    git("tag", "-f", "v1.1.0", "v1.1.0^{commit}")
    assert "lightweight" in release("check-tag", "v1.1.0", status=4)


def test_a_tag_that_was_moved_is_refused(folder: Path) -> None:
    message = git("for-each-ref", "--format=%(contents)", "refs/tags/v1.1.0")
    releases.change(5)
    git("tag", "-f", "-a", "-m", message, "v1.1.0")
    assert "and the tag is v1.1.0 at" in release("check-tag", "v1.1.0", status=4)


def test_the_record_of_another_release_is_refused(folder: Path) -> None:
    message = git("for-each-ref", "--format=%(contents)", "refs/tags/v1.1.0")
    git("tag", "-a", "-m", message, "v1.1.1", "v1.1.0^{commit}")
    output = release("check-tag", "v1.1.1", f"--artifacts={folder}", status=4)
    assert "is of 1.1.0 at" in output


@pytest.mark.parametrize("name", [WHEEL, SDIST, PYZ, "NOTES.md", "tested.json"])
def test_a_file_that_was_changed_or_is_gone_is_refused(name: str, folder: Path) -> None:
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content + b"x")
    assert f"{name}: sha256" in release("check-tag", "v1.1.0", status=4)
    (folder / name).unlink()
    assert f"names {name}, which is not there" in release("check-tag", "v1.1.0", status=4)


def test_a_file_that_nobody_recorded_is_refused(folder: Path) -> None:
    (folder / "more").write_text("")
    assert "more is not a file of a promotion" in release("check-tag", "v1.1.0", status=4)


def test_each_byte_of_another_artifact_counts(folder: Path) -> None:
    (folder / PYZ).write_bytes(b"pyY")
    assert names(verify(folder, PYZ)) == [f"sha256 of {PYZ}", "promoted"]
    sums_anew(folder)
    assert names(verify(folder, PYZ)) == ["promoted"]
    assert f"{PYZ}: promoted" in release("check-tag", "v1.1.0", status=4)


def sums_anew(folder: Path) -> None:
    """Make the sums fit what is there now, as whoever changes a file can do."""
    files = [path for path in sorted(folder.iterdir()) if not path.name.startswith("SHA256SUMS")]
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (folder / "SHA256SUMS").write_text("".join(lines))
    (folder / "SHA256SUMS.sig").unlink(missing_ok=True)


def test_a_file_that_new_sums_name_is_refused(folder: Path) -> None:
    (folder / "power-edge.deb").write_text("")
    sums_anew(folder)
    assert names(verify(folder, "power-edge.deb")) == ["promoted"]
    assert "power-edge.deb is not a file of a promotion" in release("check-tag", "v1.1.0", status=4)


@pytest.mark.parametrize(("name", "check"), [("tested.json", "tested"), ("NOTES.md", "notes")])
def test_what_new_sums_name_must_be_of_the_record(name: str, check: str, folder: Path) -> None:
    content = (folder / name).read_text()
    assert "runs/1" in content
    (folder / name).write_text(content.replace("runs/1", "runs/2"))
    sums_anew(folder)
    assert f"{name}: {check}: " in release("check-tag", "v1.1.0", status=4)
    assert names(verify(folder, name)) == [check]


def test_a_tested_json_that_is_none_is_said(folder: Path) -> None:
    (folder / "tested.json").write_text("[")
    sums_anew(folder)
    assert names(verify(folder, "tested.json")) == ["tested"]


def test_a_signature_of_other_sums_is_refused(folder: Path) -> None:
    sums = folder / "SHA256SUMS"
    sums.write_text("".join(f"{line}\n" for line in reversed(sums.read_text().splitlines())))
    assert "signature: the signature is not of these" in release("check-tag", "v1.1.0", status=4)


def test_sums_without_the_wheel_are_refused(folder: Path) -> None:
    sums = (folder / "SHA256SUMS").read_text().splitlines()
    (folder / "SHA256SUMS").write_text("".join(f"{each}\n" for each in sums if WHEEL not in each))
    assert f"does not name {WHEEL}" in release("check-tag", "v1.1.0", status=4)


def test_a_tag_with_a_signature_of_git_is_read(folder: Path) -> None:
    message = git("for-each-ref", "--format=%(contents)", "refs/tags/v1.1.0")
    key = folder.parents[2] / "key"
    git(
        "-c",
        "gpg.format=ssh",
        "-c",
        f"user.signingkey={key}",
        "tag",
        "-f",
        "-s",
        "-m",
        message,
        "v1.1.0",
        "v1.1.0^{commit}",
    )
    assert "SSH SIGNATURE" in git("cat-file", "tag", "v1.1.0")
    release("check-tag", "v1.1.0")
