"""What a change is compared with, and every way in which that cannot be found."""

import subprocess
from pathlib import Path

import pytest

from power_edge.change_gate.repository import Base, Blob, Repository, unpack
from power_edge.config import ConfigError
from power_edge.release.schema_set import Unusable
from tests.support.change import Site

pytestmark = pytest.mark.shell


def refused(site: Site, ref: str | None = None) -> str:
    with pytest.raises(Unusable) as caught:
        site.judge(ref=ref)
    text = str(caught.value)
    assert "\n" not in text
    return text


def changed(site: Site) -> list[str]:
    return [change.node for change in site.judge().difference.changes]


def test_on_the_main_branch_the_work_tree_is_compared_with_head(site: Site) -> None:
    site.node("rig-1")
    site.commit()
    assert changed(site) == []
    site.node("rig-1", {"vm.swappiness": "10"})
    assert changed(site) == ["rig-1"]


def test_what_others_have_comes_before_what_is_here(site: Site) -> None:
    site.node("rig-1")
    first = site.commit()
    site.git("update-ref", "refs/remotes/origin/main", first)
    site.node("rig-1", {"vm.swappiness": "10"})
    site.commit()
    assert changed(site) == ["rig-1"]
    assert site.judge().base.ref == "origin/main"


def test_commits_of_the_main_branch_are_no_change(site: Site) -> None:
    site.node("rig-1")
    site.node("rig-2")
    site.branch()
    site.node("rig-1", {"vm.swappiness": "10"})
    site.commit()
    site.git("checkout", "-q", "main")
    site.node("rig-2", {"vm.swappiness": "10"})
    site.commit()
    site.git("checkout", "-q", "change")
    assert changed(site) == ["rig-1"]


def test_a_ref_may_be_named(site: Site) -> None:
    site.node("rig-1")
    site.commit()
    site.git("tag", "first")
    site.node("rig-1", {"vm.swappiness": "10"})
    site.commit()
    assert [change.node for change in site.judge(ref="first").difference.changes] == ["rig-1"]


@pytest.mark.parametrize(
    "ref",
    ["nope", "--help", "--output=x", "$(touch x)", "a\nb", "::set-output name=a::b", "HEAD:a"],
)
def test_a_ref_that_is_none_is_refused(site: Site, ref: str) -> None:
    site.node("rig-1")
    site.commit()
    before = sorted(site.path.iterdir())
    assert "is not a git ref" in refused(site, ref)
    assert sorted(site.path.iterdir()) == before


@pytest.mark.parametrize("ref", ["--not", "--branches=x", "$(touch-x)", "-v"])
def test_a_ref_that_looks_like_something_else_is_a_ref(site: Site, ref: str) -> None:
    site.node("rig-1")
    site.commit()
    site.git("update-ref", f"refs/tags/{ref}", "HEAD")
    assert site.judge(ref=ref).base.ref == ref
    site.run(f"--base={ref}").output.encode("ascii")


def test_without_a_main_branch_it_has_to_be_named(site: Site) -> None:
    site.node("rig-1")
    site.commit()
    site.git("branch", "-m", "main", "trunk")
    assert "--base=REF" in refused(site)


def test_without_a_commit_there_is_nothing_to_compare_with(site: Site) -> None:
    site.node("rig-1")
    assert "no commit yet" in refused(site)


def test_outside_of_a_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))
    (tmp_path / "a/node-configs").mkdir(parents=True)
    with pytest.raises(Unusable, match="is in no git repository"):
        Repository(tmp_path / "a/node-configs")


def test_histories_without_a_common_commit(site: Site) -> None:
    site.node("rig-1")
    site.commit()
    site.git("checkout", "-q", "--orphan", "other")
    site.commit("another")
    assert "no commit in common" in refused(site)


def test_a_criss_cross_merge_is_refused(site: Site) -> None:
    site.node("rig-1")
    site.branch()
    ours = site.commit()
    site.git("checkout", "-q", "main")
    theirs = site.commit("b")
    site.git("merge", "-q", "--no-ff", "-m", "m", ours)
    site.git("checkout", "-q", "change")
    site.git("merge", "-q", "--no-ff", "-m", "m", theirs)
    assert "more than one merge base" in refused(site)


def shallow(site: Site, depth: int, ref: str) -> Site:
    clone = site.path.parent / f"clone-{depth}"
    url = site.path.as_uri()
    subprocess.run(
        [
            "git",
            "clone",
            "-q",
            f"--depth={depth}",
            "--no-single-branch",
            f"--branch={ref}",
            url,
            clone,
        ],
        check=True,
    )
    found = Site.__new__(Site)
    found.path, found.root = clone, clone / "node-configs"
    return found


def test_a_shallow_clone_names_the_command_that_mends_it(site: Site) -> None:
    site.node("rig-1")
    site.branch()
    site.node("rig-1", {"vm.swappiness": "10"})
    site.commit()
    site.git("checkout", "-q", "main")
    site.commit()
    clone = shallow(site, 1, "change")
    assert "git fetch --unshallow" in refused(clone, "refs/remotes/origin/main")
    assert "git fetch --unshallow" in refused(clone, "v1")
    clone.git("fetch", "-q", "--unshallow")
    assert [change.node for change in clone.judge().difference.changes] == ["rig-1"]


def test_a_shallow_clone_that_shows_the_fork_is_enough(site: Site) -> None:
    site.node("rig-1")
    site.branch()
    site.node("rig-1", {"vm.swappiness": "10"})
    site.commit()
    clone = shallow(site, 2, "change")
    base = "refs/remotes/origin/main"
    assert [each.node for each in clone.judge(ref=base).difference.changes] == ["rig-1"]


def test_a_link_in_place_of_node_configs_is_refused(site: Site) -> None:
    """A change that moves the nodes and leaves a link would be compared with nothing."""
    site.node("rig-1")
    site.policy(max_nodes=0)
    site.branch()
    site.root.rename(site.path / "moved")
    site.root.symlink_to("moved")
    site.commit()
    assert "is a symbolic link" in refused(site)


def test_a_link_above_node_configs_is_refused(site: Site) -> None:
    (site.path / "a").mkdir()
    site.root.rename(site.path / "a/node-configs")
    site.root = site.path / "a/node-configs"
    site.node("rig-1")
    site.policy(max_nodes=0)
    site.branch()
    (site.path / "a").rename(site.path / "b")
    (site.path / "a").symlink_to("b")
    site.commit()
    assert "is a symbolic link" in refused(site)


def test_a_submodule_around_node_configs_is_refused(site: Site) -> None:
    site.node("rig-1")
    site.commit()
    outer = site.path.parent / "outer"
    subprocess.run(["git", "init", "-q", outer], check=True)
    subprocess.run(
        [
            "git",
            "-c",
            "protocol.file.allow=always",
            "submodule",
            "-q",
            "add",
            site.path.as_uri(),
            "in",
        ],
        cwd=outer,
        check=True,
    )
    with pytest.raises(Unusable, match="submodule"):
        Repository(outer / "in/node-configs")


def test_no_hook_filter_or_attribute_of_the_repository_runs(site: Site) -> None:
    run = site.path.parent / "ran"
    site.write(".gitattributes", "* filter=evil diff=evil merge=evil\n")
    site.node("rig-1")
    site.branch()
    site.node("rig-1", {"vm.swappiness": "10"})
    site.policy(max_nodes=1)
    site.commit()
    for name in ("post-checkout", "post-index-change", "pre-commit", "reference-transaction"):
        hook = site.path / ".git/hooks" / name
        hook.write_text(f"#!/bin/sh\ntouch {run}\n")
        hook.chmod(0o755)
    for key in (
        "filter.evil.smudge",
        "filter.evil.clean",
        "diff.evil.textconv",
        "diff.evil.command",
    ):
        site.git("config", key, f"touch {run}")
    site.git("config", "core.fsmonitor", f"touch {run}")
    assert changed(site) == ["rig-1"]
    assert not run.exists()


def test_replaced_objects_do_not_count(site: Site) -> None:
    site.node("rig-1")
    first = site.commit()
    site.git("checkout", "-q", "-b", "change")
    site.node("rig-1", {"vm.swappiness": "10"})
    second = site.commit()
    site.git("replace", first, second)
    assert changed(site) == ["rig-1"]


@pytest.mark.parametrize("name", ["../out", "a/../../out", "/out", "a//b", "./a"])
def test_a_tree_cannot_write_outside(tmp_path: Path, name: str) -> None:
    with pytest.raises(Unusable, match="has a file of the name"):
        unpack({name: Blob("100644", "1")}, {"1": b"x"}, tmp_path / "in")
    assert not (tmp_path / "out").exists()


def test_a_link_and_a_file_below_it_are_refused(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    tree = {"a": Blob("120000", "1"), "a/b": Blob("100644", "2")}
    with pytest.raises(Unusable, match="cannot be made"):
        unpack(tree, {"1": bytes(tmp_path / "out"), "2": b"x"}, tmp_path / "in")
    assert list((tmp_path / "out").iterdir()) == []


def test_the_temporary_folder_is_private_and_goes(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    site.node("rig-1")
    site.commit()
    site.judge()
    assert list(scratch.iterdir()) == []


def test_a_broken_policy_of_the_base_is_an_error_of_the_base(site: Site) -> None:
    site.node("rig-1")
    site.write("policy.yaml", "max_nods: 3\n")
    site.branch()
    site.policy(max_nodes=3)
    with pytest.raises(ConfigError) as caught:
        site.judge()
    text = str(caught.value)
    assert text.startswith("node-configs/policy.yaml:1:1: in the base (")
    assert "did you mean max_nodes?" in text


def test_commits_that_git_cannot_list_are_not_none(site: Site) -> None:
    site.node("rig-1")
    repository = Repository(site.root)
    tip = site.commit()
    with pytest.raises(Unusable, match="cannot list the commits"):
        repository.commits(Base("main", "0" * 40, tip))
