"""Who made a change, as signatures show it; and commits that need one."""

import subprocess
from pathlib import Path

import pytest

from tests.support.change import Site

pytestmark = pytest.mark.shell


@pytest.fixture
def signed_site(site: Site, tmp_path: Path) -> Site:
    """A repository whose git knows the keys of ann and bob."""
    allowed = ""
    for who in ("ann", "bob", "eve"):
        key = tmp_path / who
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", who, "-f", key], check=True
        )
        if who != "eve":
            allowed += f"{who}@example.org {key.with_suffix('.pub').read_text()}"
    (tmp_path / "allowed").write_text(allowed)
    site.git("config", "gpg.format", "ssh")
    site.git("config", "gpg.ssh.allowedSignersFile", str(tmp_path / "allowed"))
    for index in (1, 2, 3):
        site.node(f"rig-{index}")
    return site


def change(site: Site, value: str, who: str | None) -> None:
    site.node("rig-1", {"vm.swappiness": value})
    site.git("add", "-A")
    key = [] if who is None else ["-c", f"user.signingkey={site.path.parent / who}"]
    site.git(*key, "commit", "-q", "-m", "a", *([] if who is None else ["-S"]))


OWNED = [{"paths": ["node-configs/rig-1"], "who": ["ann@example.org"]}]


@pytest.mark.parametrize(
    ("signers", "rules"),
    [
        (["ann"], []),
        (["bob"], ["owners"]),
        (["ann", "bob"], ["owners"]),
        (["ann", None], ["owners"]),
        (["ann", "eve"], ["owners"]),
        ([None], ["owners"]),
    ],
)
def test_without_an_actor_all_signers_are_the_author(
    signed_site: Site, signers: list[str | None], rules: list[str]
) -> None:
    signed_site.policy(owners=OWNED)
    signed_site.branch()
    for index, who in enumerate(signers):
        change(signed_site, str(index), who)
    assert signed_site.rules() == rules


def test_what_is_not_committed_is_not_signed(signed_site: Site) -> None:
    signed_site.policy(owners=OWNED, signed=True)
    signed_site.branch()
    change(signed_site, "10", "ann")
    assert signed_site.rules() == []
    signed_site.node("rig-1", {"vm.swappiness": "11"})
    judgement = signed_site.judge()
    assert [breach.rule for breach in judgement.breaches] == ["owners", "signed"]
    assert "not verified" in signed_site.run().output
    assert "some of it is not committed" in signed_site.run().output


@pytest.mark.parametrize(
    ("who", "rules"), [("ann", []), ("bob", []), ("eve", ["signed"]), (None, ["signed"])]
)
def test_each_commit_needs_a_signature_where_asked(
    signed_site: Site, who: str | None, rules: list[str]
) -> None:
    signed_site.policy(signed=True)
    signed_site.branch()
    change(signed_site, "10", who)
    change(signed_site, "11", "ann")
    assert signed_site.rules(actor="joe") == rules


def test_a_merge_of_a_forge_needs_no_signature_unless_it_adds_something(
    signed_site: Site,
) -> None:
    signed_site.policy(signed=True, owners=OWNED)
    signed_site.branch()
    change(signed_site, "10", "ann")
    signed_site.git("checkout", "-q", "main")
    signed_site.node("rig-2", {"vm.swappiness": "10"})
    signed_site.commit()
    signed_site.git("checkout", "-q", "--detach", "main")
    signed_site.git("merge", "-q", "--no-ff", "-m", "merge", "change")
    assert signed_site.rules() == []
    signed_site.node("rig-3", {"vm.swappiness": "10"})
    signed_site.git("commit", "-q", "-a", "--amend", "-m", "merge")
    assert signed_site.rules() == ["owners", "signed"]


def test_a_change_of_nothing_asks_for_no_signature(signed_site: Site) -> None:
    signed_site.policy(signed=True)
    signed_site.branch()
    signed_site.commit()
    assert signed_site.rules() == []


GPG = """\
#!/bin/sh
case "$*" in
*--verify*)
    cat >/dev/null
    echo "[GNUPG:] NEWSIG"
    echo "[GNUPG:] GOODSIG 0123456789ABCDEF Ann <ann@example.org>"
    echo "[GNUPG:] VALIDSIG 0123456789ABCDEF0123456789ABCDEF01234567 2026-01-01 1 0 4 0 1 10 00 0123456789ABCDEF0123456789ABCDEF01234567"
    echo "[GNUPG:] $TRUST 0 pgp" ;;
*)
    cat >/dev/null
    echo "[GNUPG:] SIG_CREATED " >&2
    printf -- '-----BEGIN PGP SIGNATURE-----\\n\\nx\\n-----END PGP SIGNATURE-----\\n' ;;
esac
"""


@pytest.mark.parametrize(
    ("trust", "rules"), [("TRUST_ULTIMATE", []), ("TRUST_UNDEFINED", ["owners"])]
)
def test_a_key_without_trust_names_no_signer(
    site: Site, monkeypatch: pytest.MonkeyPatch, trust: str, rules: list[str]
) -> None:
    """Anybody may write any name into a key of GnuPG."""
    program = site.path.parent / "gpg"
    program.write_text(GPG)
    program.chmod(0o755)
    monkeypatch.setenv("TRUST", trust)
    site.git("config", "gpg.program", str(program))
    site.node("rig-1")
    site.policy(owners=OWNED, signed=True)
    site.branch()
    site.node("rig-1", {"vm.swappiness": "10"})
    site.git("add", "-A")
    site.git("-c", "user.signingkey=x", "commit", "-q", "-S", "-m", "a")
    assert site.rules() == rules
