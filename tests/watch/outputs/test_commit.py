"""The commit of the configuration, read without git."""

import subprocess
from pathlib import Path

import pytest

from power_edge.watch.outputs.commit import commit_around

ONE, TWO = "1" * 40, "2" * 40


def checkout(folder: Path, files: dict[str, str | bytes]) -> Path:
    """A folder of a node in a checkout with these files in its .git."""
    for name, content in files.items():
        file = folder / ".git" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    node = folder / "node-configs" / "a"
    node.mkdir(parents=True)
    return node


@pytest.mark.parametrize(
    ("files", "commit"),
    [
        ({"HEAD": f"{ONE}\n"}, ONE),
        ({"HEAD": "3" * 64}, "3" * 64),
        ({"HEAD": "ref: refs/heads/a\n", "refs/heads/a": f"{ONE}\n"}, ONE),
        (
            {
                "HEAD": "ref: refs/heads/x/y",
                "packed-refs": f"# pack\n{TWO} refs/heads/x\n{ONE} refs/heads/x/y\n^{TWO}\n",
            },
            ONE,
        ),
        (
            {
                "HEAD": "ref: refs/heads/a",
                "refs/heads/a": ONE,
                "packed-refs": f"{TWO} refs/heads/a\n",
            },
            ONE,
        ),
        (
            {"HEAD": "ref: refs/heads/a", "refs/heads/a": "ref: refs/heads/b", "refs/heads/b": ONE},
            ONE,
        ),
        ({"HEAD": "ref: refs/heads/none\n"}, None),
        ({"HEAD": "ref: refs/heads/a", "refs/heads/a": "ref: refs/heads/a"}, None),
        ({"HEAD": "ref: ../secret", "../secret": ONE}, None),
        ({"HEAD": "ref: refs/../../secret", "../secret": ONE}, None),
        ({"HEAD": "garbage"}, None),
        ({"HEAD": b"\xff\x00"}, None),
        ({"HEAD": "ref: refs/heads/\x00"}, None),
        ({"config": ""}, None),
    ],
)
def test_commit(tmp_path: Path, files: dict[str, str | bytes], commit: str | None) -> None:
    assert commit_around(checkout(tmp_path, files)) == commit


def test_outside_of_a_checkout(tmp_path: Path) -> None:
    assert commit_around(tmp_path) is None
    assert commit_around(tmp_path / "none") is None


@pytest.mark.parametrize("content", [b"", b"gitdir: /none", b"\xff", b"gitdir: \x00"])
def test_a_file_that_leads_nowhere(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".git").write_bytes(content)
    assert commit_around(tmp_path) is None


@pytest.mark.shell("git")
def test_what_git_writes(tmp_path: Path) -> None:
    def git(*arguments: str, at: Path = tmp_path / "main") -> str:
        return subprocess.run(
            ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-C", at, *arguments],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()

    main, tree = tmp_path / "main", tmp_path / "tree"
    main.mkdir()
    git("init", "-q")
    assert commit_around(main) is None
    git("commit", "-q", "--allow-empty", "-m", "one")
    one = git("rev-parse", "HEAD")
    assert commit_around(main) == one
    git("pack-refs", "--all")
    assert commit_around(main) == one
    git("worktree", "add", "-q", "-b", "other", str(tree))
    git("commit", "-q", "--allow-empty", "-m", "two", at=tree)
    two = git("rev-parse", "HEAD", at=tree)
    (tmp_path / "link").symlink_to(tree)
    assert commit_around(tree) == commit_around(tmp_path / "link") == two != one
    git("checkout", "-q", "--detach", at=tree)
    assert commit_around(tree) == two
    assert commit_around(main) == one
