"""Merge what was discovered into a file: what it lacks is added, what it says stays."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from power_edge.config import ConfigError, load_state
from power_edge.config.yaml_reader import read
from power_edge.discover.merge import merge
from power_edge.yaml_edit.writer import Entry, NewDocument, Paragraph, emit

STATE = """\
version: "1.0"   # ours
metadata: {site: rig, environment: production}

# what runs
services:
  - name: cron
    enabled: false     # by hand
  - {name: ssh.service, state: running}

sysctl:
  vm/swappiness: "10"
firewall:
  default_incoming: deny
  rules:
  - {port: 22, proto: tcp, action: deny, from: 10.0.0.9/8}
  - {port: 80, proto: tcp, action: allow}
"""

FOUND = NewDocument(
    (
        Paragraph("version", "1.0"),
        Paragraph("metadata", {"site": "other", "environment": "development"}),
        Paragraph(
            "services",
            (
                Entry({"name": "cron.service", "state": "running", "enabled": True}, ("runs",)),
                Entry({"name": "ssh", "state": "running"}),
                Entry({"name": "docker", "state": "running"}, ("against the preset",)),
            ),
        ),
        Paragraph(
            "sysctl",
            (
                Entry("60", (), "vm.swappiness"),
                Entry("1", ("/etc/sysctl.d/9.conf",), "net.ipv4.ip_forward"),
            ),
        ),
        Paragraph("packages", (Entry({"name": "vim"}, ("asked for",)),), ("Packages",)),
        Paragraph("files", ()),
        Paragraph(
            "firewall",
            (
                Entry(True, ("ufw",), "enabled"),
                Entry("allow", (), "default_incoming"),
                Entry(
                    (
                        Entry({"port": 22, "proto": "tcp", "action": "deny", "from": "10.0.0.0/8"}),
                        Entry(
                            {"port": 22, "proto": "tcp", "action": "allow", "from": "10.0.0.0/8"}
                        ),
                        Entry(
                            {"port": 443, "proto": "tcp", "action": "allow", "from": "fd00::/8"},
                            ("the web",),
                        ),
                    ),
                    (),
                    "rules",
                ),
            ),
        ),
    )
)


def test_a_state_file() -> None:
    merged = merge(STATE, FOUND, "f")
    assert merged == STATE.replace(
        "state: running}\n", "state: running}\n  - {name: docker, state: running}  # against the preset\n"
    ).replace(
        '"10"\n', '"10"\n  net.ipv4.ip_forward: "1"  # /etc/sysctl.d/9.conf\n'
    ) + (
        '  - {port: 443, proto: tcp, action: allow, from: "fd00::/8"}  # the web\n  enabled: true  # ufw\n'
        "\n# Packages\npackages:\n  - name: vim  # asked for\n"
    )  # fmt: skip
    load_state(merged.encode(), "f", "n")
    assert merge(merged, FOUND, "f") == merged


def test_what_was_written_whole_is_merged_into_itself_without_a_change() -> None:
    text = emit(FOUND).replace("  - {port: 22, proto: tcp, action: allow, from: 10.0.0.0/8}\n", "")
    found = FOUND._replace(
        paragraphs=tuple(
            paragraph for paragraph in FOUND.paragraphs if paragraph.name != "firewall"
        )
    )
    assert merge(text, found, "f") == text


@pytest.mark.parametrize(
    "text", ["a: [", STATE.replace('"1.0"', "no"), STATE + "packages: [{name: 1}]\n"]
)
def test_a_file_that_is_no_state_is_refused_as_the_loader_does(text: str) -> None:
    with pytest.raises(ConfigError, match=r"\Af:\d+"):
        merge(text, FOUND, "f")


@pytest.mark.parametrize("kind", ["services", "sysctl", "firewall", "packages"])
def test_a_type_of_which_nothing_was_found_changes_nothing(kind: str) -> None:
    assert merge(STATE, NewDocument((Paragraph(kind, ()),)), "state.yaml") == STATE


LONG = f"sysctl left out: a.b: {'why ' * 40}".strip()


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_its_own_comments_are_true_after_a_merge(newline: str) -> None:
    """What an earlier discovery could not declare is declared now, or left out for another reason."""

    def merged(text: str, *left_out: str) -> str:
        sections = (
            Paragraph("sysctl", {"vm.swappiness": "60"}, left_out=left_out),
            Paragraph("packages", ()),
        )
        return merge(text, NewDocument(sections), "f")

    head = 'version: "1.0"\nsysctl:\n  vm.swappiness: "60"\n'
    tail = "\n# mine: sysctl left out: not yours\npackages: [{name: a}]\n# sysctl is mine\n"
    plain = (head + tail).replace("\n", newline)
    first = merged(plain, LONG, "sysctl not observed: c: d")
    assert first.count("why") == 40
    assert [line for line in first.split(newline) if line in plain.split(newline)] == plain.split(
        newline
    )
    assert first.index("# sysctl left out: a.b") < first.index("# mine: ")
    assert merged(first, LONG, "sysctl not observed: c: d") == first
    assert merged(first, "sysctl left out: e: f").count("# sysctl left out: ") == 1
    assert merged(first) == plain


def test_comments_on_a_section_that_is_not_there_come_last() -> None:
    section = Paragraph("sysctl", (), left_out=("sysctl not observed: it takes root",))
    text = merge('version: "1.0"\n', NewDocument((section,)), "f")
    assert text == 'version: "1.0"\n\n# sysctl not observed: it takes root\n'
    assert merge(text, NewDocument((Paragraph("sysctl", ()),)), "f").strip() == 'version: "1.0"'


def test_other_files() -> None:
    watcher = """\
version: "1.0"
watchers:
  enabled: false
  inotify:
    paths: null   # none
  journald:
    units: [docker.service, ssh]
event_handler: {debounce_ms: 5}
"""
    found = NewDocument(
        (
            Paragraph("version", "1.0"),
            Paragraph(
                "watchers",
                {
                    "enabled": True,
                    "inotify": {"enabled": True, "paths": ["/etc/motd"]},
                    "journald": {"units": ["ssh.service", "docker", "cron.service"]},
                    "auditd": {"commands": ["ufw"]},
                },
                names={"ssh.service": "services", "/etc/motd": "files"},
            ),
        )
    )
    merged = merge(watcher, found, "f")
    assert merged == watcher.replace(
        "paths: null   # none\n", "paths:   # none\n    - /etc/motd\n    enabled: true\n"
    ).replace(
        "docker.service, ssh]\n",
        "docker.service, ssh, cron.service]\n  auditd:\n    commands: [ufw]\n",
    )
    assert merge(merged, found, "f") == merged


def test_roles_are_merged_by_name() -> None:
    text = "version: '1.0'\nnode: {hostname: x}\nroles:\n- name: vpn-gateway\n  enabled: false\n"
    roles = (
        Entry({"name": "vpn-gateway", "enabled": True}),
        Entry({"name": "k8s-node"}, ("kubelet runs",)),
    )
    found = NewDocument(
        (Paragraph("node", {"hostname": "y", "tags": ["a", "on"]}), Paragraph("roles", roles))
    )
    merged = merge(text, found, "f")
    assert (
        merged == text.replace("x}", 'x, tags: [a, "on"]}') + "- name: k8s-node  # kubelet runs\n"
    )
    assert read(merged.encode(), "f").problems == ()


entries = [
    (paragraph.name, entry) for paragraph in FOUND.paragraphs[2:5] for entry in paragraph.entries
]


@settings(deadline=None)
@given(st.sets(st.sampled_from(range(len(entries)))))
def test_whatever_is_missing_is_added_once(kept_entries: set[int]) -> None:
    def only(kept: set[int]) -> NewDocument:
        sections = {
            name: tuple(
                entry for number, (of, entry) in enumerate(entries) if of == name and number in kept
            )
            for name, _ in entries
        }
        return NewDocument(
            (*FOUND.paragraphs[:2], *(Paragraph(name, found) for name, found in sections.items()))
        )

    merged = merge(emit(only(kept_entries)), FOUND._replace(paragraphs=FOUND.paragraphs[:5]), "f")
    observed, wanted = (
        load_state(text.encode(), "f", "n").items
        for text in (merged, emit(only(set(range(len(entries))))))
    )
    assert {(item.type, item.key): item.declared for item in observed} == {
        (item.type, item.key): item.declared for item in wanted
    }
    assert len(observed) == len(wanted)
