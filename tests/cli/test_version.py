"""`power-edge version`."""

import sys

import pytest

from power_edge.cli import main


def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str
) -> tuple[object, str, str]:
    monkeypatch.setattr(sys, "argv", ["power-edge", "version", *words])
    with pytest.raises(SystemExit) as ended:
        main()
    printed = capsys.readouterr()
    return ended.value.code, printed.out, printed.err


def test_each_form(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, capsys, "show", "v1.3.0-pre.145") == (
        0,
        "git tag   v1.3.0-pre.145\n"
        "wheel     1.3.0rc145\n"
        "OCI tags  1.3.0-pre.145\n"
        "deb, rpm  1.3.0~pre145-1\n",
        "",
    )


@pytest.mark.parametrize(
    ("first", "sign", "second"),
    [("1.3.0-pre.145", "<", "1.3.0"), ("1.10.0", ">", "1.9.9"), ("1.0.0", "=", "1.0.0")],
)
def test_which_is_higher(
    first: str,
    sign: str,
    second: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    printed = run(monkeypatch, capsys, "compare", f"v{first}", second)
    assert printed == (0, f"{first} {sign} {second}\n", "")


@pytest.mark.parametrize("words", [("show", "1.3"), ("compare", "1.3.0", "latest")])
def test_what_is_no_version(
    words: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(monkeypatch, capsys, *words)
    assert (code, out) == (4, "")
    assert "is no version: write three numbers, such as 1.3.0 or 1.3.0-pre.145\n" in err
