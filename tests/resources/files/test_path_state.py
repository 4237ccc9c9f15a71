"""What is at a path itself: nothing, a directory, or a symbolic link."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from power_edge.checking.evaluate import judge
from power_edge.config import ConfigError, load_state
from power_edge.model import NotObserved, Outcome, Remedy, Result
from power_edge.model.generated.resources.files_schema import File as Declared
from power_edge.resources.files import RESOURCE, ask, parse
from power_edge.resources.files.observation import Missing
from power_edge.resources.files.path_state import ANOTHER_QUESTION
from tests.support.items import item_of
from tests.support.scripts import probe_output
from tests.support.shells import each_shell

GONE = "none /f stat: cannot statx '/f': No such file or directory\1\n"
DIRECTORY = "self /f 41ed:0:4:4096:root:adm\n"
LINK = "self /f a1ff:0:0:3:root:root\nleads /f 746f6f\n"
FILE = "self /f 81a4:0:0:6:root:root\n"


def judged(section: str, **declared: Any) -> Result:
    item = Declared(path="/f", **declared)
    return judge(RESOURCE, item_of(RESOURCE, "/f", item), parse(section.encode()))


def found(result: Result) -> dict[str, tuple[str, object]]:
    return {each.field: (each.outcome.value, each.actual) for each in result.findings}


@pytest.mark.parametrize(
    ("section", "declared", "expected"),
    [
        (GONE, {"state": "absent"}, {"state": ("compliant", "absent")}),
        (GONE.replace("No such file or", "Not a"), {"state": "absent"}, {"state": ("compliant", "absent")}),
        (FILE, {"state": "absent"}, {"state": ("drift", "regular file")}),
        (LINK, {"state": "absent"}, {"state": ("drift", "symlink")}),
        (DIRECTORY, {"state": "absent"}, {"state": ("drift", "directory")}),
        (DIRECTORY, {"state": "directory"}, {"state": ("compliant", "directory")}),
        (
            DIRECTORY,
            {"state": "directory", "mode": "0700", "owner": "root", "group": "root"},
            {"state": ("compliant", "directory"), "mode": ("drift", "0755"), "owner": ("compliant", "root"), "group": ("drift", "adm")},
        ),
        # Ids are compared, not names.
        (
            f"{DIRECTORY}user toor 0\ngroup logs 4\n",
            {"state": "directory", "owner": "toor", "group": "logs"},
            {"state": ("compliant", "directory"), "owner": ("compliant", "toor"), "group": ("compliant", "logs")},
        ),
        (LINK, {"state": "directory", "mode": "0777"}, {"state": ("drift", "symlink"), "mode": ("drift", "symlink")}),
        (FILE, {"state": "directory"}, {"state": ("drift", "regular file")}),
        (GONE, {"state": "directory", "owner": "root"}, {"state": ("drift", "absent"), "owner": ("drift", "absent")}),
        (LINK, {"state": "symlink", "target": "too"}, {"state": ("compliant", "symlink"), "target": ("compliant", "too")}),
        (LINK, {"state": "symlink", "target": "to"}, {"state": ("compliant", "symlink"), "target": ("drift", "too")}),
        (GONE, {"state": "symlink", "target": "too"}, {"state": ("drift", "absent"), "target": ("drift", "absent")}),
        (FILE, {"state": "symlink", "target": "too"}, {"state": ("drift", "regular file"), "target": ("drift", "regular file")}),
    ],
)  # fmt: skip
def test_verdicts(section: str, declared: dict[str, Any], expected: Mapping[str, object]) -> None:
    result = judged(section, **declared)
    assert found(result) == expected
    if result.outcome is Outcome.DRIFT:
        assert result.remedy.advice
        assert not result.remedy.commands


@pytest.mark.parametrize(
    "message",
    [
        "stat: cannot statx '/f': Permission denied",
        "stat: cannot statx '/f': Too many levels of symbolic links",
        "stat: cannot statx '/f': Stale file handle",
        "stat: cannot statx '/f': File name too long",
        "sh: stat: not found",
        "stat: error while loading shared libraries: libselinux.so.1: cannot open shared object file: "
        "No such file or directory",
        "sudo: /etc/sudoers: No such file or directory",
        "",
        # A name with line breaks, in the words of busybox.
        "stat: can't stat '/f\1stat: x: No such file or directory\1': Permission denied",
        "stat: can't stat '/f\1stat: x: No such file or directory': Permission denied",
        # What another program says last is not what stat said.
        "stat: cannot statx '/f': Permission denied\1logger: x: No such file or directory",
        "stat: cannot statx '/f': Permission denied\1stat: line 4: x: No such file or directory",
    ],
)
@pytest.mark.parametrize("state", ["absent", "directory"])
def test_what_could_not_be_looked_at_is_unknown(message: str, state: str) -> None:
    assert judged(f"none /f {message}\1\n", state=state).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("tag", "messages", "why"),
    [
        ("none", "", "stat failed without an error message"),
        ("none", "stat: '/f': Permission denied\1", "stat: '/f': Permission denied"),
        ("none", "sudo: a password is required\1", "sudo: a password is required"),
        ("gone", "", "stat failed without an error message"),
        ("gone", "sudo: a password is required\1", "sudo: a password is required"),
        (
            "gone",
            "stat: '/f': Permission denied\1sudo: a password is required\1",
            "stat: '/f': Permission denied",
        ),
    ],
)
def test_why_a_path_could_not_be_looked_at(tag: str, messages: str, why: str) -> None:
    assert parse(f"{tag} /f {messages}\n".encode()) == {"/f": NotObserved(why)}


@pytest.mark.parametrize(
    "section",
    [
        "gone /f stat: cannot statx '/f': No such file or directory\1\n",
        "gone /f stat: cannot statx '/f': No such file or directory\1\nlink /f /too\n",
        "seen /f 41ed:0:0:0:root:root\n",
        "",
    ],
)
@pytest.mark.parametrize("state", ["absent", "directory"])
def test_an_answer_that_followed_links_decides_nothing(section: str, state: str) -> None:
    assert judged(section, state=state).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("section", [GONE, FILE])
def test_an_answer_about_the_path_itself_decides_nothing_about_a_file(section: str) -> None:
    result = judged(section, mode="0644")
    assert [(each.field, each.outcome, each.expected, each.why) for each in result.findings] == [
        ("type", Outcome.UNKNOWN, "regular file", ANOTHER_QUESTION),
        ("mode", Outcome.UNKNOWN, "0644", ANOTHER_QUESTION),
    ]


def test_a_target_that_was_not_sent_is_unknown() -> None:
    result = judged(LINK.partition("\n")[0] + "\n", state="symlink", target="too")
    assert found(result) == {"state": ("compliant", "symlink"), "target": ("unknown", None)}


@pytest.mark.parametrize(
    ("sent", "target"), [(b"caf\xe9", "caf\\xe9"), (b"x\n", "x"), (b"a\nb", "a\\nb")]
)
def test_a_target_is_compared_byte_by_byte(sent: bytes, target: str) -> None:
    section = f"self /f a1ff:0:0:3:root:root\nleads /f {sent.hex()}\n"
    assert judged(section, state="symlink", target=target).outcome is Outcome.DRIFT


SAME_LOOK = "they differ in bytes that cannot be printed"


@pytest.mark.parametrize(
    ("section", "declared", "field", "expected", "why"),
    [
        (LINK, {"state": "absent"}, "state", "absent", "a symbolic link to too"),
        (FILE, {"state": "absent"}, "state", "absent", None),
        (LINK, {"state": "symlink", "target": "to"}, "target", "to", None),
        (LINK, {"state": "symlink", "target": "too"}, "target", "too", None),
        (LINK.replace("746f6f", "ff"), {"state": "symlink", "target": "\\xff"}, "target", "\\xff", SAME_LOOK),
        (LINK.partition("\n")[0], {"state": "symlink", "target": "to"}, "target", "to", "the node did not send where the link leads"),
        (FILE, {"state": "symlink", "target": "to"}, "target", "to", None),
        (FILE.replace("self", "seen"), {"state": "absent"}, "state", "absent", ANOTHER_QUESTION),
    ],
)  # fmt: skip
def test_what_is_shown_of_a_finding(
    section: str, declared: dict[str, Any], field: str, expected: str, why: str | None
) -> None:
    (shown,) = (each for each in judged(section, **declared).findings if each.field == field)
    assert (shown.expected, shown.why) == (expected, why)


@pytest.mark.parametrize(
    ("section", "declared", "advice"),
    [
        (FILE, {"state": "absent"}, "a regular file is there: remove it, or move it away if somebody may need it"),
        (GONE, {"state": "directory"}, "nothing is there: make the directory"),
        (GONE, {"state": "symlink", "target": "to"}, "nothing is there: make the symlink to to"),
        (FILE, {"state": "directory"}, "a regular file is in the way: move it aside, and make the directory"),
        (LINK, {"state": "symlink", "target": "to"}, "make a link to to, and rename it into the place of this one"),
        (
            DIRECTORY,
            {"state": "directory", "mode": "0700"},
            "change the mode and owner of the directory, and see what in it relies on them",
        ),
    ],
)  # fmt: skip
def test_what_a_person_would_do(section: str, declared: dict[str, Any], advice: str) -> None:
    assert judged(section, **declared).remedy == Remedy(advice=advice)


@pytest.mark.parametrize(
    ("section", "fact"),
    [
        (GONE, None),
        (DIRECTORY, {"state": "directory", "mode": "0755", "owner": "root", "group": "adm"}),
        (
            "self /f 41ed:1000:1001:4096::\n",
            {"state": "directory", "mode": "0755", "owner": "1000", "group": "1001"},
        ),
        (LINK, {"state": "symlink", "target": "too"}),
        (
            LINK.partition("\n")[0],
            {
                "state": "symlink",
                "target": NotObserved("the node did not send where the link leads"),
            },
        ),
    ],
)
def test_facts(section: str, fact: object) -> None:
    observed = parse(section.encode())["/f"]
    assert not isinstance(observed, NotObserved)
    assert RESOURCE.fact(observed) == fact


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ("path: /a, state: symlink", "a symlink needs its target"),
        ("path: /a, target: b", "a target needs state: symlink"),
        ("path: /a, state: absent, target: b", "a target needs state: symlink"),
        ("path: /a, state: symlink, target: b, mode: '0777'", "remove it"),
        ("path: /a, state: absent, owner: root", "remove it"),
        ("path: /a, state: directory, content: b", "content needs a regular file"),
        (f"path: /a, state: directory, sha256: {'a' * 64}", "sha256 needs a regular file"),
        ("path: /a, state: link, target: b", "did you mean symlink?"),
        ("path: /a/, state: absent", "which follows a link: write it without"),
        ("path: /a/., state: directory", "which follows a link: write it without"),
        ("path: /a/../b, state: absent", "write the path without"),
        ("path: /proc//self/x, state: absent", "is of one process"),
    ],
)
def test_what_is_refused(item: str, message: str) -> None:
    text = f'version: "1.0"\nfiles:\n- {{{item}}}\n'
    with pytest.raises(ConfigError) as raised:
        load_state(text.encode(), "state.yaml", "n")
    assert message in str(raised.value)
    assert str(raised.value).startswith("state.yaml:3:")


@pytest.mark.parametrize("path", ["/f/", "/a/../f", "/proc/self/f"])
def test_a_path_that_means_more_than_one_thing_is_refused_at_its_place(path: str) -> None:
    assert {field for field, _ in RESOURCE.problems(Declared(path=path, state="absent"))} == {
        "path"
    }


def test_the_root_folder_may_end_with_its_slash() -> None:
    load_state(b'version: "1.0"\nfiles:\n- {path: /, state: directory}\n', "state.yaml", "n")


LINKS = {
    "dangling": "/no/such",
    "-rf": "directory",
    "loop": "loop",
    "bytes": "caf\udce9\nx\n",
}


@each_shell()
def test_the_probe(shell: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "directory").mkdir(mode=0o755)
    for name, target in LINKS.items():
        (tmp_path / name).symlink_to(target)
    states: dict[str, dict[str, Any]] = {
        "no": {"state": "absent"},
        "file/below": {"state": "absent"},
        "-no": {"state": "absent"},
        "directory": {"state": "directory", "mode": "0755"},
        "dangling": {"state": "symlink", "target": "/no/such"},
        "-rf": {"state": "symlink", "target": "directory"},
        "bytes": {"state": "symlink", "target": "caf\udce9\nx\n"},
    }
    items = [Declared(path=f"{tmp_path}/{name}", **each) for name, each in states.items()]
    assert set(_outcomes(shell, items).values()) == {"compliant"}
    wrong: dict[str, dict[str, Any]] = {
        "file": {"state": "absent"},
        "dangling": {"state": "absent"},
        "loop": {"state": "absent"},
        "-rf": {"state": "directory"},
        "directory": {"state": "symlink", "target": "x"},
        "bytes": {"state": "symlink", "target": "caf\udce9\nx"},
    }
    items = [Declared(path=f"{tmp_path}/{name}", **each) for name, each in wrong.items()]
    assert set(_outcomes(shell, items).values()) == {"drift"}
    below_a_loop = Declared(path=f"{tmp_path}/loop/x", state="absent")
    assert set(_outcomes(shell, [below_a_loop]).values()) == {"unknown"}


def _outcomes(shell: list[str], items: list[Declared]) -> dict[str, str]:
    printed = probe_output(shell, "files", ask(items))
    observed = parse(printed)
    return {
        item.path: judge(RESOURCE, item_of(RESOURCE, item.path, item), observed).outcome.value
        for item in items
    }


def test_what_nothing_is_at_is_not_what_a_missing_file_is() -> None:
    assert parse(GONE.encode())["/f"] == Missing(itself=True)
