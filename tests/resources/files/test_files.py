"""Files: the recordings, and what they do not hold."""

import hashlib
import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from power_edge.checking.evaluate import judge
from power_edge.model import NotObserved, Observations, Outcome, Result, Triggers
from power_edge.model.generated.resources.files_schema import File as Declared
from power_edge.report.shell_line import shell_line
from power_edge.resources import files
from power_edge.resources.files import RESOURCE, ask, parse
from power_edge.resources.files.observation import Broken, File, Missing, Mount, Place, Salted
from tests.support.items import item_of


def judged(observations: Observations | NotObserved, **declared: Any) -> Result:
    item = Declared(**declared)
    return judge(
        RESOURCE,
        item_of(RESOURCE, item.path, item),
        observations,
    )


def outcomes(result: Result) -> dict[str, str]:
    return {finding.field: finding.outcome.value for finding in result.findings}


HELLO = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
PLAIN = f"seen /f 81a4:0:0:6:root:root\nhash /f {HELLO}\n".encode()


def test_a_size_that_differs_decides_without_a_hash() -> None:
    result = judged(
        parse(b"seen /f 81a4:0:0:68719476736:root:root\n"), path="/f", content="hello\n"
    )
    assert outcomes(result) == {"type": "compliant", "content": "drift"}
    assert result.findings[1].actual == "68719476736 bytes"


def test_a_size_that_agrees_decides_nothing() -> None:
    assert (
        outcomes(judged(parse(b"seen /f 81a4:0:0:6:root:root\n"), path="/f", content="hello\n"))[
            "content"
        ]
        == "unknown"
    )


def test_an_empty_size_does_not_prove_an_empty_content() -> None:
    result = judged(
        parse(
            b"seen /proc/x 8124:0:0:0:root:root\ndark /proc/x hashing it took longer than 2 seconds\n"
        ),
        path="/proc/x",
        content="",
    )
    assert outcomes(result)["content"] == "unknown"


def test_the_size_of_a_kernel_file_decides_nothing() -> None:
    observed = parse(b"seen /proc/x 8124:0:0:0:root:root\ndark /proc/x Input/output error\n")
    assert outcomes(judged(observed, path="/proc/x", content="some"))["content"] == "unknown"


def test_what_is_no_regular_file_has_no_content() -> None:
    assert outcomes(
        judged(parse(b"seen /f 11a4:0:0:0:root:root\n"), path="/f", content="", sha256=HELLO)
    ) == {
        "type": "drift",
        "content": "drift",
        "sha256": "drift",
    }


def test_special_bits_are_shown() -> None:
    result = judged(parse(b"seen /f 89ed:0:0:0:root:root\n"), path="/f", mode="0755")
    assert result.findings[1].actual == "4755"


def test_a_hash_beats_a_size_that_lies() -> None:
    observed = parse(f"seen /sys/x 81a4:0:0:4096:root:root\nhash /sys/x {HELLO}\n".encode())
    assert judged(observed, path="/sys/x", content="hello\n").outcome is Outcome.COMPLIANT
    assert judged(observed, path="/sys/x", content="hullo\n").outcome is Outcome.DRIFT


def test_a_hash_that_takes_too_long_leaves_the_rest_decided() -> None:
    observed = parse(
        b"seen /f 81a4:0:0:68719476736:root:root\ndark /f hashing it took longer than 2 seconds\n"
    )
    result = judged(observed, path="/f", sha256=HELLO, mode="0644", owner="root")
    assert outcomes(result) == {
        "type": "compliant",
        "sha256": "unknown",
        "mode": "compliant",
        "owner": "compliant",
    }
    assert "2 seconds" in str(result.why)


@pytest.mark.parametrize(
    "why",
    [
        "stat: cannot statx '/f': Input/output error",
        "stat: not found",
        "sudo: a password is required",
        "sudo: /etc/sudoers: No such file or directory",
    ],
)
def test_a_file_that_could_not_be_examined_is_unknown(why: str) -> None:
    assert judged(parse(f"gone /f {why}\n".encode()), path="/f").outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    "why",
    [
        "No such file or directory",
        "Not a directory",
        "Too many levels of symbolic links",
        "Symbolic link loop",
        "Not a directory (os error 20)",
    ],
)
def test_a_missing_file_drifts_in_every_field(why: str) -> None:
    result = judged(
        parse(f"gone /f stat: cannot statx '/f': {why}\n".encode()),
        path="/f",
        mode="0644",
        owner="root",
        group="root",
        content="",
    )
    assert set(outcomes(result).values()) == {"drift"}
    assert {finding.actual for finding in result.findings} == {"missing"}


def test_a_dangling_link_is_reported_as_such() -> None:
    observed = parse(
        b"gone /f stat: cannot statx '/f': No such file or directory\nlink /f /nowhere\n"
    )
    result = judged(observed, path="/f", content="x")
    assert "a dangling symbolic link to /nowhere" in str(result.why)
    assert shell_line(result.remedy) is None
    assert isinstance(observed["/f"], Broken)
    assert files.fact(observed["/f"]) is None


def test_a_target_that_no_terminal_should_see_is_escaped() -> None:
    result = judged(
        parse(b"seen /f 81a4:0:0:6:root:root\nlink /f /caf\xe9\x1b[2J\xc3\xa9\n"), path="/f"
    )
    assert result.why == "type: a symbolic link to /caf\\xe9\\x1b[2J\u00e9"


def test_an_empty_section_has_no_answers() -> None:
    assert judged(parse(b""), path="/f").outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    "line",
    [
        "seen /f 81a4:0:0",
        "seen /f",
        "what /f is this",
        "hash /f d41d8cd98f00b204e9800998ecf8427e",
        *(
            f"salted /f {salt}:{digest}"
            for salt, digest in (
                ("0" * 31, HELLO),
                ("0" * 33, HELLO),
                ("0" * 32, HELLO[1:]),
                ("0" * 32, f"0{HELLO}"),
            )
        ),
        f"salted /f {'0' * 32}",
        "user root zero",
        "\xff",
    ],
)
def test_an_answer_that_is_not_understood(line: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(PLAIN + line.encode("latin-1") + b"\n")


def test_ids_are_compared_where_names_differ() -> None:
    observed = parse(b"seen /f 81a4:0:4:6:root:adm\nuser toor 0\ngroup logs 4\n")
    assert judged(observed, path="/f", owner="toor", group="logs").outcome is Outcome.COMPLIANT
    assert judged(observed, path="/f", owner="0", group="4").outcome is Outcome.COMPLIANT
    assert judged(observed, path="/f", owner="nobody").outcome is Outcome.DRIFT


@pytest.mark.parametrize("name", ["UNKNOWN", "root"])
def test_an_id_without_a_name_has_no_name(name: str) -> None:
    observed = parse(b"seen /f 81a4:0:4:6:UNKNOWN:UNKNOWN\n")
    result = judged(observed, path="/f", owner=name, group=name)
    assert outcomes(result) == {"type": "compliant", "owner": "drift", "group": "drift"}
    assert [finding.actual for finding in result.findings[1:]] == ["0", "4"]


def test_the_content_of_a_node_is_never_shown() -> None:
    result = judged(parse(PLAIN), path="/f", content="hullo\n")
    assert result.findings[1].actual == f"sha256:{HELLO} (6 bytes)"


NAMES = st.text(
    st.characters(exclude_characters="\0", codec="utf-8")
    | st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF, categories=["Cs"])
)


@given(NAMES, NAMES)
def test_any_name_survives_the_trip_to_the_node_and_back(path: str, owner: str) -> None:
    [argument] = ask([Declared(path=f"/{path}", owner=owner or None)])
    assert argument.isascii()
    assert argument.isprintable()
    assert " " not in argument
    name = argument.split(":", 3)[3]
    assert set(parse(f"seen {name} 81a4:0:0:0:root:root\n".encode())) == {
        files.canonical(f"/{path}")
    }


def test_a_name_may_have_bytes_that_are_no_text() -> None:
    assert files.unescape("/caf\udce9\\0040\\0351") == "/caf\udce9 \udce9"
    assert [*ask([Declared(path="/caf\udce9")])] == ["-:::/caf\\0351"]


def test_the_arguments_of_the_probe() -> None:
    items = [
        Declared(path="/a", mode="0644"),
        Declared(path="/b c", content="hé", owner="root", group="0"),
        Declared(path="/d:e", sha256=HELLO, content="hello\n", group="DOM\\x:y"),
    ]
    assert list(ask(items)) == [
        "-,81a4:::/a",
        "3,,7dfbe0ea,,0:root::/b\\0040c",
        "*,,5891b5b5::DOM\\0134x\\0072y:/d:e",
    ]


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/etc//ssh/./x", "/etc/ssh/x"),
        ("//etc/x", "/etc/x"),
        ("/etc/x/", "/etc/x/"),
        ("/etc/x/.", "/etc/x/"),
        ("/a/../b", "/a/../b"),
        ("/", "/"),
    ],
)
def test_one_file_has_one_key(path: str, key: str) -> None:
    assert files.canonical(path) == key


GONE = "gone /f stat: cannot statx '/f': No such file or directory"
HERE = "more /f -rw-r--r--:1:-:-:-"
"""Of a file that has nothing about it."""


def rewritten(content: str, *, attributes: str = "", path: str = "/f") -> str:
    return (
        'sh -c \'t=$(mktemp "$1.XXXXXX") && cp -a -- "$1" "$t" && : >"$t" && '
        + attributes
        + f'printf "{content}" >"$t" && sync "$t" && mv -f -- "$t" "$1" || {{ rm -f -- "$t"; false; }}\' sh {path}'
    )


MENDS = [
    ("81a4:0:0", {"content": "no\n"}, rewritten("no\\n")),
    ("81a4:0:0", {"content": "-100%\n"}, rewritten("\\055100%%\\n")),
    (
        "81a4:0:0",
        {"content": "no\n", "mode": "0640", "group": "adm"},
        rewritten("no\\n", attributes='chown -- :adm "$t" && chmod -- 0640 "$t" && '),
    ),
    ("81a4:0:0", {"mode": "4755"}, "chmod -- 4755 /f"),
    (
        "81a4:0:0",
        {"owner": "adm", "group": "adm", "mode": "0644"},
        "chown -- adm:adm /f && chmod -- 0644 /f",
    ),
    ("81a4:0:0", {"owner": "root", "group": "adm"}, "chown -- :adm /f"),
    ("89ed:0:0", {"owner": "adm"}, "chown -- adm /f && chmod -- 4755 /f"),
    ("85ed:0:0", {"group": "4711"}, "chown -- :4711 /f && chmod -- 2755 /f"),
    ("8fed:0:0", {"owner": "adm", "mode": "0755"}, "chown -- adm /f && chmod -- 0755 /f"),
    (
        GONE,
        {"content": "x\n", "mode": "0600", "owner": "adm"},
        "install -D -m 0600 -o adm -- /dev/null /f && sh -c 'printf \"x\\n\" >/f'",
    ),
    (GONE, {"content": "", "group": "4711"}, "install -D -m 0644 -g 4711 -- /dev/null /f"),
]


def drifting(observed: str, *more: str, **declared: Any) -> Result:
    """A drift of /f: `observed` is how its line begins, or the line that says that it is gone."""
    lines = (
        [observed]
        if observed.startswith("gone")
        else [f"seen /f {observed}:6:root:root", f"hash /f {HELLO}"]
    )
    given = {line.split(" ")[0] for line in more}
    lines += [
        line
        for line in (HERE, "user adm 3", "group adm 4", "mount / ext4:rw:rw")
        if line.split(" ")[0] not in given
    ]
    result = judged(parse("\n".join([*lines, *more, ""]).encode()), **{"path": "/f", **declared})
    assert result.outcome is Outcome.DRIFT
    return result


@pytest.mark.parametrize(("observed", "declared", "mend"), MENDS)
def test_mend(observed: str, declared: dict[str, Any], mend: str) -> None:
    result = drifting(observed, **declared)
    assert (shell_line(result.remedy), result.mend_cuts, result.advice) == (mend, False, None)


@pytest.mark.parametrize(
    ("observed", "more", "declared", "advice"),
    [
        ("81a4:0:0", [], {"content": "a\0"}, "NUL"),
        ("81a4:0:0", [], {"content": "x" * 2049}, "2049 bytes is too long"),
        (
            "81a4:0:0",
            [],
            {"sha256": HELLO.replace("5", "6")},
            "only the SHA-256 of its content is declared",
        ),
        ("41ed:0:0", [], {"content": "x"}, "a directory is in the way"),
        ("21b6:0:0", [], {"mode": "0644"}, "a character device is in the way"),
        ("81a4:0:0", [], {"owner": "nobody-knows"}, "the node knows no user nobody-knows"),
        (
            "81a4:0:0",
            [],
            {"group": "nobody-knows", "mode": "0600"},
            "the node knows no group nobody-knows",
        ),
        (
            GONE,
            [],
            {"content": "x", "owner": "nobody-knows"},
            "the node knows no user nobody-knows",
        ),
        (GONE, [], {"mode": "0600"}, "no content of it is declared"),
        (GONE, ["above /f x /"], {"content": "x"}, "/ is not a directory"),
        ("81a4:0:0", ["link /f /g"], {"content": "x"}, "would change /g"),
        ("81a4:0:0", ["link /f /g"], {"mode": "0600"}, "would change /g"),
        (GONE, ["link /f /g"], {"content": "x"}, "a dangling symbolic link to /g: create the file"),
        (
            "81a4:0:0",
            ["more /f -rw-r--r--:1:i:-:-"],
            {"mode": "0600"},
            "it is immutable: chattr -i /f first",
        ),
        (
            "81a4:0:0",
            ["more /f -rw-r--r--:1:a:-:-"],
            {"content": "x"},
            "it is append-only: chattr -a /f first",
        ),
        (
            "81a4:0:0",
            ["more /f -rw-r--r--:1:-:i:-"],
            {"content": "x"},
            "its folder is immutable: chattr -i / first",
        ),
        (GONE, ["more /f -:-:-:a:-"], {"content": "x"}, "its folder is append-only"),
        ("81a4:0:0", ["more /f -rw-r--r--:2:-:-:-"], {"mode": "0600"}, "find / -xdev -samefile /f"),
        (
            "81a4:0:0",
            ["more /f -rw-r--r--+:1:-:-:-"],
            {"mode": "0600"},
            "look at getfacl /f",
        ),
        (
            "81a4:0:0",
            ["more /f -rw-r--r--+:1:-:-:-"],
            {"group": "adm"},
            "look at getfacl /f",
        ),
        ("81a4:0:0", ["more /f -rwxr-xr-x:1:-:-:yes"], {"owner": "adm"}, "getcap /f"),
        ("81a4:0:0", ["more /f -:-:-:-:-"], {"mode": "0600"}, "check the file by hand"),
        ("81a4:0:0", ["mount / ext4:ro:rw"], {"mode": "0600"}, "/ is mounted read-only"),
        ("81a4:0:0", ["mount / ext4:rw:ro"], {"content": "x"}, "/ is mounted read-only"),
        ("81a4:0:0", ["mount / nfs4:rw:rw"], {"content": "x"}, "on another machine (nfs4)"),
        ("81a4:0:0", ["mount / vfat:rw:rw"], {"owner": "adm"}, "stores no modes and owners (vfat)"),
        ("81a4:0:0", ["mount / vfat:rw:rw"], {"group": "adm"}, "stores no modes and owners (vfat)"),
        ("81a4:0:0", ["mount / vfat:rw:rw"], {"mode": "0600"}, "stores no modes and owners (vfat)"),
        ("81a4:0:0", ["real /f /proc/sys/vm"], {"content": "x"}, "declare it under sysctl"),
        (
            "81a4:0:0",
            ["mount / ext4:rw:rw", "mount /f ext4:rw:rw"],
            {"content": "x"},
            "a mount point itself",
        ),
        ("81a4:0:0", ["mount / proc:rw:rw"], {"content": "x"}, "a file of the kernel (proc)"),
    ],
    ids=str,
)
def test_advice_says_what_is_in_the_way_of_a_command(
    observed: str, more: list[str], declared: dict[str, Any], advice: str
) -> None:
    result = drifting(observed, *more, **declared)
    assert shell_line(result.remedy) is None
    assert not result.mend_cuts
    assert advice in str(result.advice)


@pytest.mark.parametrize(
    ("observed", "more", "declared", "commands"),
    [
        ("81a4:0:0", [], {"content": "password = x", "mode": "0600"}, "`chmod -- 0600 /f`"),
        ("81a4:0:0", [], {"content": "password = x", "mode": "0600", "owner": "adm"}, "`chown -- adm /f`, `chmod -- 0600 /f`"),
        ("81a4:0:0", [], {"sha256": HELLO.replace("5", "6"), "group": "adm"}, "`chown -- :adm /f`"),
        ("81a4:0:0", [], {"content": "x" * 2049, "mode": "0600"}, "`chmod -- 0600 /f`"),
        ("81a4:0:0", [], {"content": "a\0", "mode": "0600"}, "`chmod -- 0600 /f`"),
        ("81a4:0:0", ["more /f -rw-r--r--:1:-:i:-"], {"content": "x", "mode": "0600"}, "`chmod -- 0600 /f`"),
        ("81a4:0:0", ["more /f -rw-r--r--:1:i:-:-"], {"content": "password = x", "mode": "0600"}, None),
        ("81a4:0:0", ["link /f /g"], {"content": "password = x", "mode": "0600"}, None),
        ("81a4:0:0", ["more /f -rw-r--r--+:1:-:-:-"], {"content": "password = x", "mode": "0600"}, None),
        ("41ed:0:0", [], {"content": "password = x", "mode": "0600"}, None),
        (GONE, [], {"content": "password = x", "mode": "0600"}, None),
    ],
    ids=str,
)  # fmt: skip
def test_if_only_content_has_no_command_advice_has_those_for_mode_and_owner(
    observed: str, more: list[str], declared: dict[str, Any], commands: str | None
) -> None:
    result = drifting(observed, *more, **declared)
    assert shell_line(result.remedy) is None
    assert result.advice is not None
    assert result.advice.partition(". Then run ")[2].removesuffix(".") == (commands or "")


@pytest.mark.parametrize("readable", [True, False], ids=["root", "plain user"])
def test_the_mode_of_a_secret_has_a_command_for_every_user(readable: bool) -> None:
    answer = "seen /etc/shadow 81a4:0:0:6:root:root\nmore /etc/shadow -rw-r--r--:1:-:-:-\nmount / ext4:rw:rw\n"
    answer += f"hash /etc/shadow {HELLO}\n" if readable else "dark /etc/shadow Permission denied\n"
    result = judged(
        parse(answer.encode()), path="/etc/shadow", sha256=HELLO.replace("5", "6"), mode="0640"
    )
    assert "chmod -- 0640 /etc/shadow" in f"{shell_line(result.remedy)} {result.advice}"


def test_a_command_in_advice_is_quoted_for_a_shell() -> None:
    answer = f"seen /a\\0040$b 81a4:0:0:6:root:root\nhash /a\\0040$b {HELLO}\nmore /a\\0040$b -rw-r--r--:1:-:-:-\nmount / ext4:rw:rw\n"
    result = judged(parse(answer.encode()), path="/a $b", content="password = x", mode="0600")
    assert str(result.advice).endswith(". Then run `chmod -- 0600 '/a $b'`.")


@pytest.mark.parametrize(
    ("observed", "more", "declared"),
    [
        ("81a4:0:0", ["more /f -rw-r--r--+:1:-:-:-"], {"content": "x"}),  # cp keeps it
        ("81a4:0:0", ["more /f -rw-r--r--+:1:-:-:-"], {"owner": "adm"}),
        ("81a4:0:0", [], {"content": "x" * 2048}),
        ("81a4:0:0", ["more /f -rw-r--r--:1:-:i:-"], {"mode": "0600"}),
        ("81a4:0:0", ["mount / ext4:rw:rw", "mount /f ext4:rw:rw"], {"mode": "0600"}),
        ("81a4:0:0", ["mount / vfat:rw:rw"], {"content": "x"}),
        ("81a4:0:0", ["mount / ext4:ro:ro", "mount /f ext4:rw:rw"], {"mode": "0600"}),
        ("81a4:0:0", ["mount / ext4:rw:rw", "mount /fs nfs:ro:ro"], {"mode": "0600"}),
    ],
    ids=str,
)
def test_what_is_not_in_the_way(observed: str, more: list[str], declared: dict[str, Any]) -> None:
    assert shell_line(drifting(observed, *more, **declared).remedy) is not None


@pytest.mark.parametrize(
    ("line", "more", "place"),
    [
        ("seen /a/b/f 81a4:0:0:6:root:root", [], "/a/b/f"),
        ("seen /a/b/f 81a4:0:0:6:root:root", ["real /a/b/f /srv/c"], "/srv/c/f"),
        ("seen /a/b/f 81a4:0:0:6:root:root", ["real /a/b/f /"], "/f"),
        ("gone /a/b/f {}", ["above /a/b/f d /a"], "/a/b/f"),
        ("gone /a/b/f {}", ["above /a/b/f d /a", "real /a/b/f /srv/a"], "/srv/a/b/f"),
        ("gone /a/b/f {}", ["above /a/b/f d /a", "real /a/b/f /"], "/b/f"),
    ],
)
def test_the_place_of_a_file_is_beyond_the_links_among_its_folders(
    line: str, more: list[str], place: str
) -> None:
    line = line.format("stat: cannot statx '/a/b/f': No such file or directory")
    lines = [line, "more /a/b/f -rw-r--r--:1:-:-:-", "mount / ext4:rw:rw", *more, ""]
    observed = parse("\n".join(lines).encode())["/a/b/f"]
    assert isinstance(observed, File | Missing)
    assert observed.place == Place(place, mount=Mount("/", "ext4", False))


def test_the_real_folder_decides_whether_a_command_could_cut_off_access() -> None:
    assert drifting("81a4:0:0", "real /f /etc/ssh", mode="0600").mend_cuts
    assert not drifting("81a4:0:0", "real /f /srv", mode="0600").mend_cuts


def test_the_folder_that_refuses_a_change_is_named() -> None:
    answer = "seen /a/b/f 81a4:0:0:6:root:root\nhash /a/b/f {}\nmore /a/b/f -rw-r--r--:1:-:i:-\n"
    result = judged(parse(answer.format(HELLO).encode()), path="/a/b/f", content="x")
    assert result.advice == (
        "its folder is immutable: chattr -i /a/b first, if you want to change it"
    )


@pytest.mark.parametrize(
    ("declared", "paths", "databases", "values"),
    [
        ({}, ("/f",), (), ()),
        ({"mode": "0600"}, ("/f",), (), ()),
        ({"owner": "root"}, ("/f",), ("/etc/passwd", "/etc/group"), ()),
        ({"group": "root"}, ("/f",), ("/etc/passwd", "/etc/group"), ()),
        ({"content": "x"}, ("/f",), (), ()),
        # The kernel tells nobody of a change of its files.
        ({"path": "/proc/f", "mode": "0600"}, ("/proc/f",), (), ()),
        *(
            ({"path": path, field: "x"}, (path,), (), (path,))
            for path in ("/proc/f", "/sys/f")
            for field in ("content", "sha256", "source", "contains", "matches")
        ),
    ],
)
def test_the_watch_follows_the_file_and_what_names_its_owner(
    declared: dict[str, Any],
    paths: tuple[str, ...],
    databases: tuple[str, ...],
    values: tuple[str, ...],
) -> None:
    given = RESOURCE.triggers(Declared(**{"path": "/f", **declared}), "debian")
    assert given == Triggers(paths=paths, databases=databases, values=values)


CONTRADICTION = "contradicts content{}: declare only one of the two"


@pytest.mark.parametrize(
    ("declared", "problems"),
    [
        ({"content": "hello\n"}, []),
        ({"sha256": HELLO}, []),
        ({"content": "hello\n", "sha256": HELLO.upper()}, []),
        (
            {"content": "hello\n", "sha256": "0" * 64},
            [("sha256", CONTRADICTION.format(f", whose SHA-256 is {HELLO}"))],
        ),
        (
            {"path": "/etc/shadow", "content": "hello\n", "sha256": "0" * 64},
            [("sha256", CONTRADICTION.format(""))],
        ),
    ],
)
def test_a_hash_that_does_not_fit_the_content_is_refused(
    declared: dict[str, Any], problems: list[tuple[str, str]]
) -> None:
    assert [*files.problems(Declared(**{"path": "/f", **declared}))] == problems


def test_what_own_tests_get_of_a_file() -> None:
    attributes = {"type": "regular file", "mode": "0644", "owner": "root", "group": "adm"}
    for observed, digest in (
        (REGULAR_FILE, HELLO),
        (SHADOW, NotObserved(HIDDEN)),
        (REGULAR_FILE._replace(sha256=None, no_hash="no"), NotObserved("no")),
        (
            REGULAR_FILE._replace(sha256=None),
            NotObserved(
                "not read, because state.yaml declares neither sha256 nor a content of this length"
            ),
        ),
    ):
        assert files.fact(observed) == {**attributes, "sha256": digest}


def test_what_a_command_leaves_undone_is_reported() -> None:
    assert "the next boot removes it" in str(
        drifting("81a4:0:0", "mount / tmpfs:rw:rw", mode="0600").advice
    )
    through = drifting("81a4:0:0", "real /f /srv/real", "mount /srv tmpfs:rw:rw", mode="0600")
    assert shell_line(through.remedy) == "chmod -- 0600 /f"
    assert "its folder is /srv/real" in str(through.advice)
    assert "/srv is a tmpfs" in str(through.advice)
    missing = "gone /etc/a/b/f stat: '/etc/a/b/f': No such file or directory"
    created = drifting(
        missing,
        "above /etc/a/b/f d /etc",
        "more /etc/a/b/f -:-:-:-:-",
        path="/etc/a//b/./f",
        content="x",
    )
    assert shell_line(created.remedy) is not None
    assert (
        created.advice
        == "missing directories below /etc are created as well, owned by root with mode 0755"
    )


@pytest.mark.parametrize(
    ("path", "cuts"),
    [
        ("/etc/ssh/sshd_config", True),
        ("/etc/ssh/sshd_config.d/a.conf", True),
        ("/home/stella/.ssh/authorized_keys", True),
        ("/etc/sudoers", True),
        ("/etc/sudoers.d/stella", True),
        ("/etc/passwd", True),
        ("/etc/shadow", True),
        ("/etc/pam.d/sshd", True),
        ("/etc/nsswitch.conf", True),
        ("/etc/netplan/01.yaml", True),
        ("/etc/network/interfaces", True),
        ("/etc/systemd/network/10.network", True),
        ("/etc/NetworkManager/system-connections/a.nmconnection", True),
        ("/etc/nftables.conf", True),
        ("/etc/ufw/before.rules", True),
        ("/etc/fstab", True),
        ("/root/.bashrc", True),
        ("/usr/sbin/sshd", True),
        ("/usr/bin/sudo", True),
        ("/etc/motd", False),
        ("/etc/passwd.md", False),
        ("/srv/etc/ssh.txt", False),
        ("/usr/bin/show", False),
    ],
)
def test_a_command_that_could_cut_off_access_says_so(path: str, cuts: bool) -> None:
    result = judged(
        parse(
            f"seen {path} 81a4:0:0:6:root:root\nmore {path} -rw-r--r--:1:-:-:-\nmount / ext4:rw:rw\n".encode()
        ),
        path=path,
        mode="0600",
    )
    assert result.mend_cuts is cuts


def test_a_command_to_mend_is_one_line_that_a_terminal_can_show() -> None:
    result = drifting(
        "gone /f\\0033[2J\\0012 stat: x: No such file or directory", path="/f\x1b[2J\n", content="x"
    )
    assert shell_line(result.remedy) is None
    mend = shell_line(drifting(GONE, content="a\x1b[2J\n'\"$(reboot)\\").remedy)
    assert mend is not None
    assert mend.isprintable()
    assert shlex.split(mend)[-1] == 'printf "a\\033[2J\\n\\047\\042\\044(reboot)\\134" >/f'


NOISE = "ERROR: ld.so: object '/opt/x' from LD_PRELOAD cannot be preloaded (cannot open shared object file): ignored."
MISSING = "/usr/bin/stat: cannot statx '/f': No such file or directory"
DENIED = "stat: cannot statx '/f': Permission denied"


@pytest.mark.parametrize(
    ("messages", "outcome"),
    [
        ([NOISE, MISSING], "drift"),
        ([NOISE, MISSING, "cat: /opt/x: Permission denied"], "drift"),
        (
            [
                "stat: the library /opt/x was not found",
                MISSING,
                "/usr/local/bin/stat: 4: logger: not found",
            ],
            "drift",
        ),
        (["/usr/local/bin/stat: line 4: /opt/x: No such file or directory", DENIED], "unknown"),
        (["/usr/local/bin/stat: line 4: /opt/x: No such file or directory"], "unknown"),
        (["cat: /opt/x: No such file or directory"], "unknown"),
        ([DENIED, "cat: /opt/x: No such file or directory"], "unknown"),
        ([MISSING, DENIED], "unknown"),
        ([NOISE, "sudo: a password is required"], "unknown"),
        ([NOISE], "unknown"),
        ([], "unknown"),
    ],
    ids=str,
)
def test_only_stat_can_say_that_a_file_is_missing(messages: list[str], outcome: str) -> None:
    observed = parse(b"gone /f " + b"".join(line.encode() + b"\1" for line in messages) + b"\n")
    assert judged(observed, path="/f").outcome.value == outcome


def test_a_name_of_several_lines() -> None:
    for path in ("/a\nb", "/a\nstat: cannot stat '/f': No such file or directory\n"):
        messages = f"{NOISE}\1stat: can't stat '{path}': Permission denied\1".replace(
            "\n", "\1"
        ).replace("\1\1", "\1")
        name = "".join(
            char if char.isalnum() or char in "/:'" else f"\\0{ord(char):03o}" for char in path
        )
        observed = parse(f"gone {name} {messages}\n".encode())
        assert judged(observed, path=path).outcome is Outcome.UNKNOWN
        observed = parse(
            f"gone {name} {messages}\n".replace("Permission denied", "Not a directory").encode()
        )
        assert judged(observed, path=path).outcome is (Outcome.DRIFT)


def test_the_reason_for_a_missing_hash_is_no_warning() -> None:
    observed = parse(
        f"seen /f 81a4:0:0:6:root:root\ndark /f {NOISE}\1sha256sum: /f: Input/output error\1\n".encode()
    )
    assert isinstance(observed["/f"], File)
    assert observed["/f"].no_hash == "sha256sum: /f: Input/output error"


REGULAR_FILE = File(0o100644, 0, 4, 6, "root", "adm", sha256=HELLO)
SHADOW = REGULAR_FILE._replace(sha256=None, salted=Salted.from_sha256("x", HELLO))
KEY = "/etc/ssl/private/key.pem"
HIDDEN = "a secret: neither content nor hash is shown"


@pytest.mark.parametrize(
    ("observed", "declared", "expected"),
    [
        (REGULAR_FILE, {}, ("type", "compliant", "regular file", "regular file", None, False)),
        (
            REGULAR_FILE._replace(target="g"),
            {},
            ("type", "compliant", "regular file", "regular file", "a symbolic link to g", False),
        ),
        (
            REGULAR_FILE._replace(mode=0o40755),
            {},
            ("type", "drift", "regular file", "directory", None, False),
        ),
        (
            REGULAR_FILE._replace(mode=0o40755),
            {"content": "x"},
            ("content", "drift", "x", "directory", None, False),
        ),
        (
            REGULAR_FILE._replace(mode=0o40755),
            {"sha256": HELLO},
            ("sha256", "drift", HELLO, "directory", None, False),
        ),
        (
            REGULAR_FILE,
            {"content": "hello\n"},
            ("content", "compliant", "hello\n", f"sha256:{HELLO} (6 bytes)", None, False),
        ),
        (
            REGULAR_FILE,
            {"content": "\udcff"},
            ("content", "drift", "\udcff", f"sha256:{HELLO} (6 bytes)", None, False),
        ),
        (
            REGULAR_FILE._replace(sha256=None),
            {"content": "x"},
            ("content", "drift", "x", "6 bytes", "declared: 1 bytes", False),
        ),
        (
            REGULAR_FILE._replace(sha256=None),
            {"content": "hello\n"},
            ("content", "unknown", "hello\n", None, "the node did not send its hash", False),
        ),
        (
            REGULAR_FILE._replace(sha256=None, no_hash="no"),
            {"content": "x"},
            ("content", "unknown", "x", None, "no", False),
        ),
        (
            REGULAR_FILE,
            {"sha256": HELLO.upper()},
            ("sha256", "compliant", HELLO.upper(), HELLO, None, False),
        ),
        (REGULAR_FILE, {"sha256": "0" * 64}, ("sha256", "drift", "0" * 64, HELLO, None, False)),
        (
            REGULAR_FILE._replace(sha256=None),
            {"sha256": HELLO},
            ("sha256", "unknown", HELLO, None, "the node did not send its hash", False),
        ),
        (
            REGULAR_FILE._replace(sha256=None, no_hash="no"),
            {"sha256": HELLO},
            ("sha256", "unknown", HELLO, None, "no", False),
        ),
        (REGULAR_FILE, {"mode": "644"}, ("mode", "compliant", "644", "0644", None, False)),
        (
            REGULAR_FILE._replace(mode=0o104644),
            {"mode": "0644"},
            ("mode", "drift", "0644", "4644", None, False),
        ),
        (REGULAR_FILE, {"owner": "root"}, ("owner", "compliant", "root", "root", None, False)),
        (REGULAR_FILE, {"owner": "0"}, ("owner", "compliant", "0", "0", None, False)),
        (REGULAR_FILE, {"owner": "1"}, ("owner", "drift", "1", "0", None, False)),
        (
            REGULAR_FILE._replace(uids={"toor": 0}),
            {"owner": "toor"},
            ("owner", "compliant", "toor", "toor", "id 0, also called root", False),
        ),
        (
            REGULAR_FILE._replace(uids={"toor": 1}),
            {"owner": "toor"},
            ("owner", "drift", "toor", "root", None, False),
        ),
        (
            REGULAR_FILE,
            {"owner": "toor"},
            ("owner", "drift", "toor", "root", "the node knows no user of that name", False),
        ),
        (
            REGULAR_FILE._replace(user=None, uid=7),
            {"owner": "root"},
            ("owner", "drift", "root", "7", "the node knows no user of that name", False),
        ),
        (
            REGULAR_FILE._replace(uids={"adm": 4}),
            {"group": "x"},
            ("group", "drift", "x", "adm", "the node knows no group of that name", False),
        ),
        (Missing(), {"mode": "0644"}, ("mode", "drift", "0644", "missing", "no such file", False)),
        (Missing(), {"content": "x"}, ("content", "drift", "x", "missing", "no such file", False)),
        (
            Broken("g"),
            {"content": "x"},
            ("content", "drift", "x", "missing", "a dangling symbolic link to g", False),
        ),
        # Secrets: by the declared path, by where a link leads, by what the node found.
        (
            Missing(),
            {"path": KEY, "content": "x"},
            ("content", "drift", "equal", "missing", "no such file", True),
        ),
        (
            Missing(),
            {"path": KEY, "mode": "0600"},
            ("mode", "drift", "0600", "missing", "no such file", False),
        ),
        (
            Broken("private/key.pem"),
            {"path": "/etc/ssl/x", "sha256": HELLO},
            (
                "sha256",
                "drift",
                "equal",
                "missing",
                "a dangling symbolic link to private/key.pem",
                True,
            ),
        ),
        (
            REGULAR_FILE,
            {"path": KEY, "content": "hello\n"},
            ("content", "compliant", "equal", "equal", HIDDEN, True),
        ),
        (
            REGULAR_FILE,
            {"path": KEY, "content": "x"},
            ("content", "drift", "equal", "different", HIDDEN, True),
        ),
        (
            REGULAR_FILE,
            {"path": KEY, "sha256": "0" * 64},
            ("sha256", "drift", "equal", "different", HIDDEN, True),
        ),
        (
            REGULAR_FILE._replace(target="private/key.pem"),
            {"path": "/etc/ssl/x", "sha256": HELLO},
            ("sha256", "compliant", "equal", "equal", HIDDEN, True),
        ),
        (
            REGULAR_FILE._replace(target="shadow"),
            {"path": "/etc/x", "sha256": HELLO},
            ("sha256", "compliant", "equal", "equal", HIDDEN, True),
        ),
        (
            REGULAR_FILE._replace(target="g"),
            {"path": "/etc/ssl/private/x", "sha256": HELLO},
            ("sha256", "compliant", "equal", "equal", HIDDEN, True),
        ),
        (
            REGULAR_FILE._replace(mode=0o40755),
            {"path": KEY, "content": "x"},
            ("content", "drift", "equal", "directory", None, True),
        ),
        (
            REGULAR_FILE._replace(sha256=None, no_hash="no"),
            {"path": KEY, "content": "x"},
            ("content", "unknown", "equal", None, "no", True),
        ),
        (SHADOW, {"content": "hello\n"}, ("content", "compliant", "equal", "equal", HIDDEN, True)),
        (
            SHADOW,
            {"sha256": HELLO.upper()},
            ("sha256", "compliant", "equal", "equal", HIDDEN, True),
        ),
        (SHADOW, {"sha256": "0" * 64}, ("sha256", "drift", "equal", "different", HIDDEN, True)),
        (SHADOW, {"mode": "0644"}, ("mode", "compliant", "0644", "0644", None, False)),
    ],
)
def test_what_a_finding_shows(
    observed: File | Missing | Broken, declared: dict[str, Any], expected: tuple[object, ...]
) -> None:
    found = {
        finding.field: finding
        for finding in RESOURCE.judge(Declared(**{"path": "/f", **declared}), observed)
    }
    assert {*found} == {"type", *declared} - {"path"}
    finding = found[str(expected[0])]
    assert (
        finding.field,
        finding.outcome.value,
        finding.expected,
        finding.actual,
        finding.why,
        finding.secret,
    ) == expected


def test_what_is_expected_of_a_secret_is_not_shown() -> None:
    declared = Declared(path=KEY, content="x", mode="0600", owner="root")
    assert files.expected(declared) == {
        "type": "regular file",
        "content": "equal",
        "mode": "0600",
        "owner": "root",
    }
    assert files.expected(Declared(path="/f", content="x")) == {
        "type": "regular file",
        "content": "x",
    }


TOO = "seen /f 81a4:0:0:4:root:root\ntext /f ={}\n"


@pytest.mark.parametrize(
    ("sent", "text"),
    [
        ("dG9vCg==", "too\n"),
        ("dG9v", None),  # not as long as stat says: it has changed meanwhile
        ("/////w==", None),
        ("AAAAAA==", None),
        ("no base64", None),
        ("dG9v*Cg==", None),
        ("", None),
    ],
)
def test_a_text_that_was_sent(sent: str, text: str | None) -> None:
    observed = parse(TOO.format(sent).encode())
    finding = judged(observed, path="/f", content="one\n two\n").findings[1]
    assert (finding.outcome.value, finding.text) == ("drift", text)


def test_a_text_is_shown_where_it_drifts_alone() -> None:
    observed = parse(TOO.format("dG9vCg==").encode())
    assert judged(observed, path="/f", content="too\n").findings[1].text is None
    assert judged(observed, path="/f", mode="0600").findings[0].text is None
    private = parse(TOO.replace("81a4", "81a0").format("dG9vCg==").encode())
    assert judged(private, path="/f", content="x").findings[1].text is None
    assert judged(observed, path="/f", content="x").findings[1].text == "too\n"
    secret = parse(TOO.replace("/f", "/etc/shadow").format("dG9vCg==").encode())
    assert judged(secret, path="/etc/shadow", content="x").findings[1].text is None


def test_a_text_of_another_hash_is_not_shown() -> None:
    section = TOO.format("dG9vCg==") + "hash /f {}\n"
    for digest, text in ((HELLO, None), (hashlib.sha256(b"too\n").hexdigest(), "too\n")):
        assert parse(section.format(digest).encode())["/f"].text == text  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("content", "expected"),
    [("hello\n", ("compliant", "equal")), ("hullo\n", ("drift", "different"))],
)
def test_a_salted_hash_says_whether_a_secret_is_equal(
    content: str, expected: tuple[str, str]
) -> None:
    salt = "0123456789abcdef" * 2
    salted = hashlib.sha256(f"{salt}{HELLO}\n".encode()).hexdigest()
    observed = parse(f"seen /f 81a4:0:0:6:root:root\nsalted /f {salt}:{salted}\n".encode())
    finding = judged(observed, path="/f", content=content).findings[1]
    assert (finding.outcome.value, finding.actual) == expected


def test_the_hash_of_a_secret_is_salted_where_the_node_did_not() -> None:
    section = PLAIN.replace(b"/f", b"/etc/shadow")
    salts = set()
    for _ in range(2):
        file = parse(section)["/etc/shadow"]
        assert isinstance(file, File)
        assert file.sha256 is None
        assert file.salted is not None
        assert (file.salted.fits(HELLO), len(file.salted.salt)) == (True, 32)
        salts.add(file.salted.salt)
    assert len(salts) == 2


def test_the_text_of_a_secret_is_not_kept() -> None:
    section = TOO.format("dG9vCg==") + f"salted /f {'0' * 32}:{HELLO}\n"
    assert parse(section.encode())["/f"].text is None  # type: ignore[union-attr]


def test_a_text_is_no_fact() -> None:
    (file,) = parse(TOO.format("dG9vCg==").encode()).values()
    assert "too" in repr(file)
    assert RESOURCE.fact is not None
    assert "too" not in repr(RESOURCE.fact(file))  # type: ignore[arg-type]
