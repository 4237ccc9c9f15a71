"""A machine at a glance, as a terminal shows it."""

import io
from collections.abc import Sequence

import pytest
from rich.console import Console

from power_edge.about.reading import PARTS, OnFile, about
from power_edge.model.generated.about_schema import About
from power_edge.report._layout import amount, span
from power_edge.report.about import draw
from tests.about.test_reading import T420, answer
from tests.support.cases import RECORDINGS

ON_FILE = OnFile(
    "stella-PowerEdge-T420",
    "VPN Gateway & Container Host",
    ("vpn-gateway", "docker-host"),
    ("vpn-gateway", "monitoring-target"),
)


def drawn(observed: About, *, width: int = 80, color: bool = False, encoding: str = "utf-8") -> str:
    file = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(
        file=file,
        width=width,
        force_terminal=color,
        color_system="standard" if color else None,
        highlight=False,
        markup=False,
        emoji=False,
    )
    draw(observed, console)
    file.flush()
    assert isinstance(file.buffer, io.BytesIO)
    return file.buffer.getvalue().decode(encoding)


def about_of(**parts: str) -> About:
    return about(
        answer(
            {**dict.fromkeys(PARTS, b""), **{name: lines.encode() for name, lines in parts.items()}}
        ),
        "a",
        OnFile(),
    )


def test_a_recorded_node() -> None:
    """Read it: it is what a person sees.

    `power-edge about` of a node in that state prints it anew.
    """
    page = drawn(about(T420, "stella-PowerEdge-T420", ON_FILE))
    assert page == (RECORDINGS / "about" / "t420.txt").read_text()


@pytest.mark.parametrize("width", [80, 60, 40])
def test_lines_fit(width: int) -> None:
    lines = drawn(about(T420, "a", ON_FILE), width=width).splitlines()
    assert max(map(len, lines)) <= width
    assert not any(line != line.rstrip() for line in lines)


def test_wide_terminals_are_not_filled() -> None:
    assert max(map(len, drawn(about(T420, "a", ON_FILE), width=300).splitlines())) == 100


def test_colour_is_all_that_colour_adds() -> None:
    plain, coloured = drawn(about(T420, "a", ON_FILE)), drawn(about(T420, "a", ON_FILE), color=True)
    assert "\x1b[1;31mcopy-logs.service" in coloured
    while "\x1b" in coloured:
        before, _, after = coloured.partition("\x1b[")
        coloured = before + after.partition("m")[2]
    assert coloured == plain


def test_terminals_without_blocks_and_lines() -> None:
    page = drawn(about(T420, "a", ON_FILE), encoding="latin-1")
    assert "Memory         #" in page
    assert "Who ---" in page


def test_nothing_of_a_machine_reaches_the_terminal_as_it_is() -> None:
    nasty = "\x1b]0;owned\x07\x9b31m\u202e[red]:smile:\r"
    lines = {
        "who": f"hostname\t{nasty}\nidentity\t{nasty}\t{nasty}\nuser\t{nasty}\tsudo\n",
        "hardware": f"model\t{nasty}\nvirtual\t{nasty}\ncpu\t1\t1\t1\t{nasty}\nfilesystem\t{nasty}\t{nasty}\t{nasty}\t9\t9\t0\n"
        f"disk\t{nasty}\t1\tssd\t{nasty}\n",
        "system": f"distribution\t{nasty}\nkernel\t{nasty}\nreboot\tyes\t{nasty}\n",
        "network": f"interface\t{nasty}\tup\t{nasty}\naddress\t{nasty}\t{nasty}\tglobal\n"
        f"route\t{nasty}\t{nasty}\t{nasty}\ndns\t{nasty}\nvpn\t{nasty}\t{nasty}\t{nasty}\n",
        "tuning": f"sysctl\t{nasty}\t{nasty}\nhugepages\t{nasty}\nswap\t{nasty}\t9\t1\n",
        "services": f"state\t{nasty}\nfailed\t{nasty}\t{nasty}\nrunning\t{nasty}\t{nasty}\n",
        "security": f"sshd\tpermitrootlogin\t{nasty}\nhook\t{nasty}\t{nasty}\t{nasty}\t{nasty}\t1\nfilter\t{nasty}\nfilter\tread\n"
        f"listening\ttcp\t{nasty}\t1\t{nasty}\nlogin\t{nasty}\t{nasty}\t{nasty}\t{nasty}\n!{nasty}\t{nasty}\n",
        "roles": f"openvpn\t{nasty}\n",
    }
    page = drawn(about_of(**lines))
    assert all(character.isprintable() for character in page.replace("\n", ""))
    assert "[red]:smile:" in page
    assert max(map(len, page.splitlines())) <= 80


def beside(page: str, label: str) -> list[str]:
    """What stands beside a label."""
    lines = page.splitlines()
    first = next(index for index, line in enumerate(lines) if line.startswith(f" {label} "))
    following = next(
        (index for index in range(first + 1, len(lines)) if not lines[index].startswith("   ")),
        len(lines),
    )
    return [line[16:] for line in lines[first:following]]


def test_routes_in_words() -> None:
    routes = "route\tdefault\t10.0.0.1\teth0\nroute\t10.9.0.0/16\tblackhole\t\nroute\t10.8.0.0/16\t\twg0\n"
    assert beside(drawn(about_of(network=routes)), "Routes") == [
        "default via 10.0.0.1 on eth0",
        "10.9.0.0/16 blackhole",
        "10.8.0.0/16 on wg0",
    ]


@pytest.mark.parametrize(
    ("chains", "line"),
    [
        ([], "none: nothing filters incoming traffic"),
        (["ip\tfilter\tINPUT\taccept\t0"], "none: nothing filters incoming traffic"),
        (["ip\tfilter\tINPUT\tdrop\t0"], "drops all that no rule accepts (ip; 0 rules)"),
        (["ip\tfilter\tINPUT\taccept\t7"], "7 rules; accepts all that no rule stops"),
        (
            ["inet\ta\tone\taccept\t7", "inet\ta\ttwo\tdrop\t7"],
            "drops all that no rule accepts (inet; 7 rules)",
        ),
    ],
)
def test_the_firewall_in_words(chains: Sequence[str], line: str) -> None:
    lines = "".join(f"hook\t{chain}\n" for chain in chains)
    assert beside(drawn(about_of(security=f"{lines}filter\tread\n")), "Firewall") == [line]


@pytest.mark.parametrize(
    ("root", "passwords", "line"),
    [
        ("no", "yes", "refused"),
        ("yes", "yes", "accepted, also with a password"),
        ("yes", "no", "accepted"),
        ("prohibit-password", "yes", "with a key, not with a password"),
        ("odd", "yes", "odd"),
    ],
)
def test_root_by_ssh_in_words(root: str, passwords: str, line: str) -> None:
    lines = f"sshd\tpermitrootlogin\t{root}\nsshd\tpasswordauthentication\t{passwords}\n"
    assert beside(drawn(about_of(security=lines)), "SSH as root") == [line]
    assert beside(
        drawn(about_of(security=f"{lines}sshd\tmatch\tyes\n"), width=100), "SSH as root"
    ) == [f"{line}  (a Match block may change this)"]


def test_open_ports_of_one_program_are_one_line() -> None:
    lines = "".join(
        f"listening\t{each}\n"
        for each in (
            "tcp\t0.0.0.0\t22\tsshd",
            "tcp\t[::]\t22\tsshd",
            "udp\t0.0.0.0\t1194\topenvpn",
            "tcp\t10.8.0.1\t9100\t",
            "udp\t127.0.0.53%lo\t53\tsystemd-resolve",
            "tcp\t[::1]\t25\texim4",
        )
    )
    assert beside(drawn(about_of(security=lines)), "Open ports") == [
        "22/tcp     sshd",
        "1194/udp   openvpn on IPv4 only",
        "9100/tcp   on 10.8.0.1",
        "loopback only: 25/tcp exim4, 53/udp systemd-resolve",
    ]


def test_what_presses_comes_first() -> None:
    page = drawn(
        about_of(
            who="hostname\trig-7\n",
            services="state\tdegraded\n"
            + "".join(f"failed\tu{number}.service\tU\n" for number in range(15)),
            hardware="filesystem\t/dev/sda\text4\t/\t100\t93\t7\nfilesystem\t/dev/sdb\text4\t/srv\t100\t50\t40\n",
            system="reboot\tyes\ta kernel\nupdates\t5\t1\t60\n",
        )
    )
    assert (
        "15 units failed; / is 93% full; 1 security update to install; a reboot is\npending\n"
        in page
    )
    assert beside(page, "Failed")[-1] == "and 3 more"


@pytest.mark.parametrize(
    ("size", "line"),
    [
        (0, "0 B"),
        (1023, "1.0 KiB"),
        (12 << 20, "12 MiB"),
        (5 << 30, "5.0 GiB"),
        (256 << 40, "256 TiB"),
    ],
)
def test_sizes(size: int, line: str) -> None:
    assert amount(size) == line.replace("1.0 KiB", "1 KiB")


@pytest.mark.parametrize(
    ("seconds", "line"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (119, "119 seconds"),
        (7199, "119 minutes"),
        (400000, "4 days"),
    ],
)
def test_spans(seconds: int, line: str) -> None:
    assert span(seconds) == line
