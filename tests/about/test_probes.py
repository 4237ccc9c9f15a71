"""The parts of "about this node": run by the shells of nodes, on trees of files, with fake tools."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from power_edge.about.collect import script_for, section
from power_edge.checking.target import Target
from power_edge.probing.framing import read
from power_edge.probing.route import Route
from power_edge.probing.script import Timeouts
from tests.support.shells import each_shell

pytestmark = pytest.mark.shell

PROBES = Path(__file__).parents[2] / "probes"
every_shell = each_shell()
MACHINE_ID = "a5bc498e58b74733905edbb8c8aedf4e"


class Tree:
    """A machine's files, and its tools, which come first on PATH."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.tool("id", 'case $1 in -un) echo root ;; *) echo "${PE_ID-0}" ;; esac')

    def files(self, contents: Mapping[str, str | bytes]) -> None:
        for name, content in contents.items():
            file = self.root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content if isinstance(content, bytes) else content.encode())

    def tool(self, name: str, body: str) -> None:
        self.files({f"bin/{name}": f"#!/bin/sh\n{body}\n"})
        (self.root / "bin" / name).chmod(0o755)

    def says(self, name: str, printed: str, status: int = 0) -> None:
        self.files({f"said/{name}": printed})
        self.tool(name, f"cat {shlex.quote(str(self.root))}/said/{name}; exit {status}")

    def hidden(self, *names: str) -> str:
        """A PATH without these tools: the machine's own, linked one by one."""
        place = self.root / "usr-bin"
        place.mkdir(exist_ok=True)
        for folder in ("/usr/bin", "/bin", "/usr/sbin", "/sbin"):
            for tool in Path(folder).iterdir():
                if tool.name not in names and not (place / tool.name).exists():
                    (place / tool.name).symlink_to(tool)
        return f"{self.root}/bin:{place}"

    def part(
        self, shell: list[str], name: str, path: str | None = None, **environment: str
    ) -> list[list[str]]:
        """The lines of a part, split."""
        files = section(name).files
        body = "".join((PROBES / f"{file}.sh").read_text() for file in files)
        if shell[0] == "busybox":  # Debian's takes its own applets before what is on PATH
            replaced = sorted(
                tool.name for tool in (self.root / "bin").iterdir() if tool.name.isalnum()
            )
            body = (
                "".join(f'{name}() {{ "{self.root}/bin/{name}" "$@"; }}\n' for name in replaced)
                + body
            )
        variables = {
            "PE_ROOT": str(self.root),
            "LC_ALL": "C",
            "PATH": path or f"{self.root}/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            **environment,
        }
        done = subprocess.run(
            [*shell, "-c", body, "pe"],
            capture_output=True,
            check=True,
            env=variables,
            stdin=subprocess.DEVNULL,
            cwd=self.root,
            timeout=60,
        )
        return [line.split("\t") for line in done.stdout.decode().splitlines()]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    return Tree(tmp_path)


T420_CPU = "".join(
    f"processor\t: {number}\nmodel name\t: Intel(R) Xeon(R) CPU E5-2420 v2\nphysical id\t: {number % 2}\ncore id\t\t: {number // 4}\n\n"
    for number in range(24)
)


@every_shell
def test_hardware(tree: Tree, shell: list[str]) -> None:
    tree.files(
        {
            "sys/class/dmi/id/sys_vendor": "Dell Inc. \n",
            "sys/class/dmi/id/product_name": "PowerEdge T420\n",
            "proc/cpuinfo": T420_CPU,
            "proc/meminfo": "MemTotal:       263188812 kB\nMemFree: 1 kB\nMemAvailable:   200000000 kB\n",
            "sys/block/sda/size": "976773168\n",
            "sys/block/sda/queue/rotational": "0\n",
            "sys/block/sda/device/model": "Samsung SSD 870 \n",
            "sys/block/sdb/size": "0\n",
            "sys/block/loop0/size": "976773168\n",
            "proc/mounts": "proc /proc proc rw 0 0\n/dev/sda1 / ext4 rw 0 0\n/dev/sda1 /var/bind ext4 rw 0 0\n/dev/sdc1 /srv/my\\040data xfs rw 0 0\n"
            "nas:/srv /mnt/nas nfs4 rw 0 0\n/dev/loop3 /snap/x squashfs ro 0 0\ntmpfs /run tmpfs rw 0 0\n",
        }
    )
    for folder in ("srv/my data", "var/bind"):
        (tree.root / folder).mkdir(parents=True)
    tree.tool("df", 'echo Filesystem; echo "/dev/disk 5 1000 250 700 27% $3"')
    tree.tool("systemd-detect-virt", "echo none; exit 1")
    tree.tool("uname", "echo x86_64")
    assert tree.part(shell, "hardware") == [
        ["vendor", "Dell Inc."],
        ["model", "PowerEdge T420"],
        ["architecture", "x86_64"],
        ["cpu", "24", "12", "2", "Intel(R) Xeon(R) CPU E5-2420 v2"],
        ["memory", "263188812", "200000000"],
        ["disk", "sda", "488386584", "ssd", "Samsung SSD 870"],
        ["filesystem", "/dev/sda1", "ext4", "/", "1000", "250", "700"],
        ["filesystem", "/dev/sdc1", "xfs", "/srv/my data", "1000", "250", "700"],
        ["remote", "nas:/srv", "nfs4", "/mnt/nas"],
    ]


@pytest.mark.parametrize(
    "filler",
    [
        "To Be Filled By O.E.M.",
        "System Product Name",
        "Default string",
        "Not Specified",
        "  ",
        "0123456789",
    ],
)
def test_fillers_of_firmware_are_no_model(tree: Tree, filler: str) -> None:
    tree.files(
        {
            "sys/class/dmi/id/product_name": f"{filler}\n",
            "sys/class/dmi/id/sys_vendor": f"{filler}\n",
        }
    )
    lines = tree.part(["sh"], "hardware")
    assert ["!model", "the firmware does not say"] in lines
    assert not any(line[0] == "vendor" for line in lines)


def test_hardware_that_cannot_be_read_says_so(tree: Tree) -> None:
    tree.files({"proc/mounts": "/dev/sda1 / ext4 rw 0 0\n"})
    tree.tool("df", "echo df: no >&2; exit 1")
    unread = {line[0]: line[1] for line in tree.part(["sh"], "hardware") if line[0].startswith("!")}
    assert unread.keys() == {"!model", "!cpu", "!memory", "!filesystem /"}


@every_shell
def test_system(tree: Tree, shell: list[str]) -> None:
    tree.files(
        {
            "etc/os-release": "NAME=Debian\nPRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_ID='12'\n",
            "proc/sys/kernel/osrelease": "6.1.0-9-amd64\n",
            "proc/uptime": "7260.55 1.00\n",
            "proc/1/stat": "1 (init (x) y) S 0 1 1 0 -1 4194560 1 1 1 1 1 1 1 1 20 0 1 0 6000 1 1\n",
            "proc/loadavg": "0.50 1.25 2.00 1/100 1\n",
            "boot/vmlinuz-6.1.0-9-amd64": "",
            "boot/vmlinuz-6.1.0-18-amd64": "",
            "boot/vmlinuz-6.1.0-20-cloud-amd64": "",
            "var/lib/apt/lists/x_Packages": "",
        }
    )
    tree.tool(
        "apt-get",
        'case $* in *-s*) echo "Inst a [1] (2 Debian-Security:12)"; echo "Inst b [1] (2 Debian:12)"; echo "Inst new (1)"; echo "Conf a" ;; esac',
    )
    lines = tree.part(shell, "system")
    assert lines[:-1] == [
        ["distribution", "Debian GNU/Linux 12 (bookworm)", "debian", "12"],
        ["kernel", "6.1.0-9-amd64"],
        ["uptime", "7200"],
        ["load", "0.50", "1.25", "2.00"],
        ["reboot", "yes", "the kernel 6.1.0-18-amd64 is installed, but 6.1.0-9-amd64 is running"],
    ]
    assert lines[-1][:3] == ["updates", "2", "1"]
    assert int(lines[-1][3]) < 3600


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (
            {"run/reboot-required": "", "run/reboot-required.pkgs": "linux\nlibc6\nlinux\n"},
            "/run/reboot-required exists, for libc6 linux",
        ),
        ({"lib/modules/6.9/x": ""}, "the modules of the running kernel 6.1.0-9-amd64 were removed"),
        ({"lib/modules/6.9/x": "", "proc/1/environ": "container=lxc"}, None),
        ({"boot/vmlinuz-6.1.0-9-amd64": "", "boot/vmlinuz-6.1.0-2-amd64": ""}, None),
        ({}, None),
    ],
)
def test_what_asks_for_a_reboot(tree: Tree, files: dict[str, str], reason: str | None) -> None:
    tree.files({"proc/sys/kernel/osrelease": "6.1.0-9-amd64\n", **files})
    tree.tool("apt-get", "exit 1")
    (line,) = (line for line in tree.part(["sh"], "system") if line[0] == "reboot")
    assert line == (["reboot", "no"] if reason is None else ["reboot", "yes", reason])


def test_updates_that_are_unknown(tree: Tree) -> None:
    def unread() -> str:
        return next(line[1] for line in tree.part(["sh"], "system") if line[0] == "!updates")

    tree.tool("apt-get", "echo 'E: The lists are broken' >&2; exit 100")
    assert unread() == "there are no package lists: apt-get update fetches them"
    tree.files({"var/lib/apt/lists/x_Packages": ""})
    assert unread() == "E: The lists are broken"


@every_shell
def test_services(tree: Tree, shell: list[str]) -> None:
    assert tree.part(shell, "services") == [["!services", "systemd does not run here"]]
    (tree.root / "run/systemd/system").mkdir(parents=True)
    units = (
        "ssh.service loaded active running OpenBSD Secure Shell server\n"
        "ufw.service loaded active exited Firewall\n"
        "a\\x09b.service loaded failed failed Copies\tthe  logs\n"
        "x.mount loaded failed failed /x\n"
        "loop.service loaded activating auto-restart Never stays\n"
        "gone.service not-found inactive dead gone.service\n"
    )
    tree.files({"units": units})
    tree.tool(
        "systemctl",
        f"case $1 in is-system-running) echo degraded; exit 1 ;; *) cat {shlex.quote(str(tree.root))}/units ;; esac",
    )
    assert tree.part(shell, "services") == [
        ["state", "degraded"],
        ["running", "ssh.service", "OpenBSD Secure Shell server"],
        ["failed", "a\\x09b.service", "Copies the logs"],
        ["failed", "x.mount", "/x"],
        ["failed", "loop.service", "ends again and again: Never stays"],
        ["exited", "1"],
    ]


def test_a_systemctl_that_fails_is_no_machine_without_services(tree: Tree) -> None:
    (tree.root / "run/systemd/system").mkdir(parents=True)
    tree.tool("systemctl", "echo 'Failed to connect to bus' >&2; exit 1")
    with pytest.raises(subprocess.CalledProcessError):
        tree.part(["sh"], "services")


@every_shell
def test_network(tree: Tree, shell: list[str]) -> None:
    tree.files(
        {
            "sys/class/net/eth0/operstate": "up\n",
            "sys/class/net/eth0/address": "52:54:00:12:34:56\n",
            "sys/class/net/tun0/operstate": "unknown\n",
            "sys/class/net/tun0/flags": "0x1091\n",
            "sys/class/net/tun0/tun_flags": "0x5001\n",
            "sys/class/net/vnet0/operstate": "up\n",
            "sys/class/net/vnet0/tun_flags": "0x5002\n",
            "sys/class/net/wg0/operstate": "unknown\n",
            "sys/class/net/wg0/flags": "0x90\n",
            "sys/class/net/wg0/uevent": "DEVTYPE=wireguard\nINTERFACE=wg0\n",
            "etc/resolv.conf": "nameserver 127.0.0.53\nsearch stub\n",
            "run/systemd/resolve/resolv.conf": "# x\nnameserver 10.0.0.1\nnameserver fe80::1%eth0\nsearch lan example.org\n",
        }
    )
    tree.tool(
        "ip",
        """case $* in
        '-o addr show') echo '2: eth0    inet 10.0.0.2/24 brd 10.0.0.255 scope global dynamic eth0\\       valid_lft 1sec'
            echo '2: eth0    inet6 fe80::1/64 scope link \\       valid_lft forever' ;;
        '-4 route show') echo 'default via 10.0.0.1 dev eth0 proto dhcp src 10.0.0.2 metric 100'
            echo '10.0.0.0/24 dev eth0 proto kernel scope link src 10.0.0.2'
            echo '10.1.0.0/24 dev eth0 scope link  src 10.0.0.2'
            echo '10.9.0.0/16 dev wg0 scope link'; echo 'blackhole 10.66.0.0/16' ;;
        '-6 route show') echo 'fe80::/64 dev eth0 proto kernel metric 256 pref medium'; echo 'default via fe80::9 dev eth0 proto ra metric 100' ;;
        esac""",
    )
    assert tree.part(shell, "network") == [
        ["interface", "eth0", "up", "52:54:00:12:34:56"],
        ["interface", "tun0", "up", ""],
        ["vpn", "tun0", "tun", "up"],
        ["interface", "vnet0", "up", ""],
        ["interface", "wg0", "down", ""],
        ["vpn", "wg0", "wireguard", "down"],
        ["address", "eth0", "10.0.0.2/24", "global"],
        ["address", "eth0", "fe80::1/64", "link"],
        ["route", "default", "10.0.0.1", "eth0"],
        ["route", "10.9.0.0/16", "", "wg0"],
        ["route", "10.66.0.0/16", "blackhole", ""],
        ["route", "default", "fe80::9", "eth0"],
        ["dns", "10.0.0.1"],
        ["dns", "fe80::1%eth0"],
        ["search", "lan"],
        ["search", "example.org"],
    ]


def test_a_network_that_cannot_be_read_says_so(tree: Tree) -> None:
    tree.tool("ip", "exit 1")
    assert {line[0] for line in tree.part(["sh"], "network")} == {
        "!interfaces",
        "!addresses",
        "!routes",
        "!dns",
    }
    (tree.root / "bin/ip").unlink()
    assert {line[0] for line in tree.part(["sh"], "network", tree.hidden("ip"))} == {
        "!interfaces",
        "!addresses",
        "!routes",
        "!dns",
    }


@every_shell
def test_tuning(tree: Tree, shell: list[str]) -> None:
    tree.files(
        {
            "proc/sys/vm/swappiness": "60\n",
            "proc/sys/net/ipv4/conf/all/rp_filter": "2\n",
            "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor": "powersave\n",
            "sys/devices/system/cpu/cpu1/cpufreq/scaling_governor": "powersave\n",
            "sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never\n",
            "proc/swaps": "Filename Type Size Used Priority\n/swap\\040file file 1048572\t512\t-2\n",
        }
    )
    assert tree.part(shell, "tuning") == [
        ["sysctl", "vm.swappiness", "60"],
        ["sysctl", "net.ipv4.conf.all.rp_filter", "2"],
        ["governor", "powersave", "2"],
        ["hugepages", "madvise"],
        ["swap", "/swap file", "1048572", "512"],
    ]


RULESET = """table ip filter {
\tchain INPUT {
\t\ttype filter hook input priority filter; policy drop;
\t\tcounter packets 1 bytes 1 jump ufw-user-input
\t\tiifname "lo" accept
\t}

\tchain ufw-user-input {
\t\ttcp dport 22 accept
\t}
}
table inet nat {
\tchain post {
\t\ttype nat hook postrouting priority srcnat; policy accept;
\t\tmasquerade
\t}
}
table inet mine {
\tset s {
\t\ttype ipv4_addr
\t}

\tchain one {
\t\ttype filter hook input priority 0;
\t\tip saddr @s drop
\t}
}
"""


@every_shell
def test_security(tree: Tree, shell: list[str]) -> None:
    tree.files(
        {
            "etc/ssh/sshd_config": "PermitRootLogin yes\n  Match User a\n",
            "etc/ufw/ufw.conf": "# /etc/ufw/ufw.conf\n\nENABLED=yes\n",
        }
    )
    tree.says(
        "sshd", "port 22\nport 2222\npermitrootlogin yes\npasswordauthentication no\nbanner none\n"
    )
    tree.says("nft", RULESET)
    tree.says(
        "ss",
        "Netid State Recv-Q Send-Q Local Address:Port Peer Address:PortProcess\n"
        'tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=1,fd=3))\n'
        'tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=2,fd=3))\n'
        'udp UNCONN 0 0 127.0.0.53%lo:53 0.0.0.0:* users:(("systemd-resolve",pid=9,fd=3))\n'
        "tcp LISTEN 0 128 [::1]:25 [::]:*\n",
    )
    tree.says(
        "last",
        "stella   pts/0        10.8.0.254       2026-03-01T10:00:00+00:00 - 2026-03-01T11:00:00+00:00  (01:00)\n"
        "reboot   system boot  6.1.0            2026-03-01T09:00:00+00:00   still running\n"
        "root     tty1         2026-02-28T09:00:00+00:00   still logged in\n\nwtmp begins 2026-02-01T00:00:00+00:00\n",
    )
    assert tree.part(shell, "security") == [
        ["sshd", "port", "22"],
        ["sshd", "port", "2222"],
        ["sshd", "permitrootlogin", "yes"],
        ["sshd", "passwordauthentication", "no"],
        ["sshd", "match", "yes"],
        ["ufw", "yes"],
        ["hook", "ip", "filter", "INPUT", "drop", "3"],
        ["hook", "inet", "mine", "one", "accept", "1"],
        ["filter", "ufw"],
        ["filter", "read"],
        ["listening", "tcp", "0.0.0.0", "22", "sshd"],
        ["listening", "udp", "127.0.0.53%lo", "53", "systemd-resolve"],
        ["listening", "tcp", "[::1]", "25", ""],
        ["login", "stella", "pts/0", "10.8.0.254", "2026-03-01T10:00:00+00:00"],
        ["login", "root", "tty1", "", "2026-02-28T09:00:00+00:00"],
    ]


def test_iptables_where_there_is_no_nft(tree: Tree) -> None:
    path = tree.hidden("nft", "ip6tables-save", "iptables-save", "iptables-legacy-save")
    assert ["!firewall", "there is neither nft nor iptables-save"] in tree.part(
        ["sh"], "security", path
    )
    tree.says(
        "iptables-save",
        "*nat\n:INPUT ACCEPT [0:0]\nCOMMIT\n*filter\n:INPUT DROP [0:0]\n-A INPUT -i lo -j ACCEPT\nCOMMIT\n",
    )
    tree.says("ip6tables-save", "", 1)
    lines = tree.part(["sh"], "security", path)
    assert ["hook", "ip", "filter", "INPUT", "drop", "1"] in lines
    assert ["!firewall", "ip6tables-save failed"] in lines
    assert ["filter", "read"] not in lines
    tree.says("ip6tables-save", "*filter\n:INPUT ACCEPT [0:0]\nCOMMIT\n")
    unread = ["!firewall", "there is no nft to read the rules of nftables"]
    for folder, file, known in (
        ("sys/module/nf_tables", None, False),
        (f"lib/modules/{os.uname().release}", "kernel/net/netfilter/nf_tables.ko", False),
        (f"lib/modules/{os.uname().release}", "kernel/fs/ext4.ko", True),
    ):
        (tree.root / folder).mkdir(parents=True, exist_ok=True)
        if file is not None:
            shutil.rmtree(tree.root / "sys/module/nf_tables", ignore_errors=True)
            (tree.root / folder / "modules.builtin").write_text(f"{file}\n")
        lines = tree.part(["sh"], "security", path)
        assert (unread in lines, ["filter", "read"] in lines) == (not known, known)


def test_tools_that_fail_are_not_read_as_nothing(tree: Tree) -> None:
    for name in ("sshd", "nft", "ss", "last"):
        tree.tool(name, f"echo {name}: it broke >&2; exit 1")
    lines = tree.part(["sh"], "security")
    assert [line[0] for line in lines] == ["!sshd", "!firewall", "!listening", "!logins"]
    assert lines[0][1:] == ["sshd: it broke"]
    assert lines[1][1:] == ["nft: it broke"]


@every_shell
def test_without_root_what_takes_it_says_so(tree: Tree, shell: list[str]) -> None:
    for name in ("sshd", "nft"):
        tree.says(name, "never asked")
    tree.says("ss", "tcp LISTEN 0 128 0.0.0.0:22 0.0.0.0:*\n")
    tree.says("last", "")
    lines = tree.part(shell, "security", PE_ID="1000")
    assert [line[0] for line in lines] == ["!sshd", "!firewall", "!programs", "listening"]
    assert all("root" in line[1] for line in lines[:3])
    assert ["!masquerade", "only root can read the firewall"] in tree.part(
        shell, "roles", PE_ID="1000"
    )
    tree.tool("sudo", 'shift; PE_ID=0; export PE_ID; "$@"')
    assert "!sshd" not in {
        line[0]
        for line in tree.part(shell, "security", PE_ID="1000", PE_SUDO="sudo -n")
        if line[1:] == ["only root can ask sshd"]
    }


UNITS = [
    "openvpn@home.service",
    "openvpn-server@rig.service",
    "openvpn@gone.service",
    "openvpn.service",
    "docker.socket",
    "containerd.service",
]


@every_shell
def test_evidence_of_roles(tree: Tree, shell: list[str]) -> None:
    (tree.root / "run/systemd/system").mkdir(parents=True)
    tree.files(
        {
            "etc/openvpn/home.conf": "client\nremote vpn.example.org 1194\n",
            "etc/openvpn/server/rig.conf": "server 10.9.0.0 255.255.255.0\n# remote x\n",
            "started": "".join(f"{unit} loaded active running X\n" for unit in UNITS),
            "enabled": "k3s.service enabled enabled\n",
            "proc/77/comm": "node_exporter\n",
            "proc/77/status": "Name:\tnode_exporter\nNSpid:\t77\n",
            # A docker in a container is not the machine's.
            "proc/78/comm": "dockerd\n",
            "proc/78/status": "Name:\tdockerd\nNSpid:\t78\t5\n",
            "proc/79/comm": "kubelet\n",
            "proc/79/status": "Name:\tkubelet\nNSpid:\t79\t6\t1\n",
            "proc/sys/net/ipv4/ip_forward": "1\n",
            "proc/sys/net/ipv6/conf/all/forwarding": "0\n",
        }
    )
    root = shlex.quote(str(tree.root))
    tree.tool(
        "systemctl", f"case $1 in list-units) cat {root}/started ;; *) cat {root}/enabled ;; esac"
    )
    tree.says(
        "nft",
        "table ip nat {\n\tchain p {\n"
        '\t\toifname != "docker0" ip saddr 172.17.0.0/16 masquerade\n\t\toifname "eth0" counter packets 7 bytes 9 masquerade\n\t}\n}\n',
    )
    tree.tool("git", "")
    tree.tool("gcc", "")
    assert tree.part(shell, "roles") == [
        ["forwarding", "net.ipv4.ip_forward is 1"],
        ["docker", "docker.socket runs"],
        ["containerd", "containerd.service runs"],
        ["compiler", "gcc and git are installed"],
        ["masquerade", 'the firewall has the rule: oifname "eth0" masquerade'],
        ["k3s", "k3s.service is enabled, and does not run"],
        ["node_exporter", "the program node_exporter runs"],
        ["openvpn", "openvpn-server@rig.service runs"],
        ["!openvpn@gone.service", "its configuration cannot be read: server or client?"],
        ["openvpn-client", "openvpn@home.service runs"],
    ]


@every_shell
def test_who(tree: Tree, shell: list[str]) -> None:
    tree.files(
        {
            "proc/sys/kernel/hostname": "rig-7\x1b[31m\ty\n",
            "etc/machine-id": f"{MACHINE_ID.upper()}\n",
        }
    )
    assert tree.part(shell, "who") == [
        ["hostname", "rig-7 [31m y"],
        [
            "identity",
            "machine-id",
            "e8ccc88d6fab54001cbbdbca24262b2e35c56022b31dd48a3a44985fb4696ac3",
        ],
        ["user", "root", "root"],
    ]


def test_an_id_that_is_none_is_never_hashed(tree: Tree) -> None:
    tree.files({"etc/machine-id": "uninitialized\n"})
    assert ["!identity", "machine-id: invalid, product-uuid: missing"] in tree.part(["sh"], "who")


@each_shell()
def test_a_part_that_hangs_takes_no_other_with_it(tree: Tree, shell: list[str]) -> None:
    tree.files({"etc/ufw/ufw.conf": "ENABLED=no\n", "proc/sys/vm/swappiness": "60\n"})
    tree.tool("ss", "sleep 1000")
    script = (
        script_for(Target(Route("local://"), Timeouts(section=1, node=60), None, "this machine"))
        .text()
        .replace("    unset PE_ROOT\n", "")
    )
    (tree.root / "script").write_text(script)
    variables = {
        "PE_ROOT": str(tree.root),
        "PATH": f"{tree.root}/bin:/usr/bin:/bin",
        "LANG": "tr_TR.UTF-8",
    }
    done = subprocess.run(
        [*shell, tree.root / "script"],
        capture_output=True,
        check=True,
        env=variables,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )
    outputs = read(done.stdout).outputs
    assert outputs["about.security"].failure() == "timed out"
    assert b"ufw\tno\n" in outputs["about.security"].stdout
    assert (
        outputs["about.tuning"].stdout
        == b"sysctl\tvm.swappiness\t60\n!swap\t/proc/swaps cannot be read\n"
    )
