"""Kernel parameters that were set on a node are discovered as they were declared."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.lab.discovering import FEW, discovered, wrong
from tests.support.lab.nodes import Node

pytestmark = pytest.mark.lab

NUMBERS = {
    "net.ipv4.tcp_keepalive_time": st.integers(1, 32767),
    "net.ipv4.conf.all.rp_filter": st.integers(0, 2),
    "net.ipv4.tcp_max_syn_backlog": st.integers(16, 65535),
    "net.ipv6.conf.default.accept_ra": st.integers(0, 2),
    "net.core.somaxconn": st.integers(128, 65535),
}
RANGES = st.tuples(st.integers(1024, 30000), st.integers(30001, 65535)).map(
    lambda ends: f"{ends[0]}\t{ends[1]}"
)
STATES = st.fixed_dictionaries(
    {},
    optional={
        **{key: number.map(str) for key, number in NUMBERS.items()},
        "net.ipv4.ip_local_port_range": RANGES,
    },
)


@FEW
@given(STATES)
def test_a_state_that_was_made_is_discovered(node: Node, state: dict[str, str]) -> None:
    node.write(
        "/etc/sysctl.d/50-made.conf", "".join(f"{key} = {value}\n" for key, value in state.items())
    )
    node.sh("sysctl -qp /etc/sysctl.d/50-made.conf")
    found = discovered(node, "sysctl", user="guest")
    assert {
        key: value
        for key, value in found.value.items()
        if key in NUMBERS or key.endswith("port_range")
    } == state
    assert wrong(node, found, user="guest") == []


FOLDERS = ("/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d")
KEY = "net.ipv4.tcp_keepalive_time"
PLACES = st.tuples(
    st.sampled_from(FOLDERS), st.sampled_from(["50-pe.conf", "60-pe.conf", "9-pe.conf"])
)
CONTENTS = st.one_of(
    st.integers(1000, 9999).map(str), st.sampled_from(["empty", "null", "nowhere"])
)


@FEW
@given(st.dictionaries(PLACES, CONTENTS, min_size=1, max_size=8))
def test_the_file_that_is_named_is_the_one_whose_word_systemd_took(
    node: Node, settings: dict[tuple[str, str], str]
) -> None:
    # Another test of this node leaves 50-made.conf, which may set the key.
    others = " ".join(f"{folder}/*-pe.conf" for folder in FOLDERS)
    script = f"rm -f /etc/sysctl.d/50-made.conf {others}\n"
    for (folder, name), content in settings.items():
        path = f"{folder}/{name}"
        if content in ("null", "nowhere"):
            script += f"mkdir -p {folder}; ln -s /dev/{content} {path}\n"
        else:
            script += f"mkdir -p {folder}; echo '{'' if content == 'empty' else f'{KEY} = {content}'}' >{path}\n"
    node.sh(f"{script}sysctl -qw {KEY}=7200; /usr/lib/systemd/systemd-sysctl")
    now = node.sh(f"sysctl -n {KEY}")
    found = {one.name: one.why for one in discovered(node, "sysctl").found}.get(KEY)
    if found is None:
        assert now == "7200" or all(
            folder == "/usr/lib/sysctl.d"
            for (folder, _), content in settings.items()
            if content == now
        )
    else:
        file = found.split(" sets it")[0]
        in_file = settings[file.rpartition("/")[0], file.rpartition("/")[2]]
        assert in_file == now or f"but to {in_file}; /usr/lib/" in found
