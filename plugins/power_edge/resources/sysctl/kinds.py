"""Which values a kernel parameter can never hold, for the keys whose kind is known.

Sources: Documentation/admin-guide/sysctl/ and
Documentation/networking/{ip-sysctl,nf_conntrack-sysctl}.rst of the kernel, and its tables of
sysctls. A key is listed only if every kernel since 3.10 shows it this way. A range is given only if
the kernel itself refuses values outside of it. A key that is not listed may hold anything.
"""

import re
from collections.abc import Mapping

NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,39})")
"""A number of the kernel's, which has 20 digits at most. Python reads no more than 4,300."""
_TRUE = frozenset(("yes", "true", "on", "enable", "enabled", "y", "t"))
_FALSE = frozenset(("no", "false", "off", "disable", "disabled", "n", "f"))
_PORTS = re.compile(r"[0-9]{1,9}(-[0-9]{1,9})?(,[0-9]{1,9}(-[0-9]{1,9})?)*")

_ONE_NUMBER = re.compile(
    "|".join(
        (
            r"net/ipv4/conf/[^/]+/\w+",
            r"net/ipv6/conf/[^/]+/(?!stable_secret$)\w+",
            r"net/ipv[46]/neigh/[^/]+/\w+",
            r"net/ipv4/tcp_(?!available_|allowed_|congestion_control$|fastopen_key$|mem$|rmem$|wmem$)\w+",
            r"net/ipv4/ip_(forward|forward_use_pmtu|forward_update_priority|default_ttl|dynaddr|early_demux|no_pmtu_disc)",
            r"net/ipv4/ip_(nonlocal_bind|unprivileged_port_start|autobind_reuse)",
            r"net/ipv4/(icmp|igmp|ipfrag|inet_peer)_\w+",
            r"net/ipv4/udp_(early_demux|rmem_min|wmem_min|l3mdev_accept)",
            r"net/ipv4/(fwmark_reflect|fib_multipath_hash_policy|fib_multipath_use_neigh)",
            r"net/ipv[46]/route/(?!flush$)\w+",
            r"net/ipv6/(bindv6only|ip_nonlocal_bind|auto_flowlabels|fwmark_reflect|mld_\w+|idgen_\w+|ip6frag_\w+)",
            r"net/ipv6/icmp/(ratelimit|echo_ignore_\w+)",
            r"net/core/([rw]mem_(default|max)|somaxconn|optmem_max|netdev_(max_backlog|budget|budget_usecs)|dev_weight)",
            r"net/core/(busy_(read|poll)|bpf_jit_(enable|harden|kallsyms)|message_(cost|burst)|rps_sock_flow_entries)",
            r"net/(netfilter/nf_conntrack_(?!log_invalid$)\w+|nf_conntrack_max|bridge/bridge-nf-[a-z0-9-]+|unix/max_dgram_qlen)",
            r"vm/(admin|user)_reserve_kbytes",
            r"vm/dirty_(background_bytes|background_ratio|bytes|expire_centisecs|ratio|writeback_centisecs)",
            r"vm/(compaction_proactiveness|extfrag_threshold|laptop_mode|max_map_count|min_free_kbytes|mmap_min_addr)",
            r"vm/(nr_hugepages|nr_overcommit_hugepages|oom_dump_tasks|oom_kill_allocating_task|page-cluster)",
            r"vm/(overcommit_(kbytes|memory|ratio)|panic_on_oom|stat_interval|swappiness|vfs_cache_pressure)",
            r"vm/(watermark_(boost_factor|scale_factor)|zone_reclaim_mode|unprivileged_userfaultfd)",
            r"fs/(aio-max-nr|dir-notify-enable|file-max|lease-break-time|leases-enable|mount-max|nr_open|overflow[gu]id)",
            r"fs/(pipe-max-size|pipe-user-pages-(hard|soft)|protected_(fifos|hardlinks|regular|symlinks)|suid_dumpable)",
            r"fs/(epoll|inotify|mqueue)/\w+",
            r"kernel/(core_pipe_limit|core_uses_pid|ctrl-alt-del|dmesg_restrict|kexec_load_disabled|kptr_restrict)",
            r"kernel/(hung_task_(panic|timeout_secs|warnings|check_count)|modules_disabled|msgmax|msgmnb|msgmni)",
            r"kernel/(nmi_watchdog|numa_balancing|panic|panic_on_(oops|warn|rcu_stall|io_nmi|unrecovered_nmi)|pid_max)",
            r"kernel/(perf_event_(paranoid|max_sample_rate|mlock_kb)|randomize_va_space|sched_rt_(period|runtime)_us)",
            r"kernel/(shmall|shmmax|shmmni|soft_watchdog|softlockup_panic|sysrq|threads-max|timer_migration)",
            r"kernel/(unprivileged_bpf_disabled|unprivileged_userns_clone|watchdog|watchdog_thresh|yama/ptrace_scope)",
            r"kernel/(io_uring_disabled|keys/(maxbytes|maxkeys|root_maxbytes|root_maxkeys)|pty/max)",
            r"user/max_\w+",
        )
    ),
    re.ASCII,
)
_NUMBERS: Mapping[str, str] = {
    "net/ipv4/ip_local_port_range": "32768 60999",
    "net/ipv4/ping_group_range": "0 2147483647",
    "net/ipv4/tcp_mem": "191568 255427 383136",
    "net/ipv4/tcp_rmem": "4096 131072 6291456",
    "net/ipv4/tcp_wmem": "4096 16384 4194304",
    "net/ipv4/udp_mem": "383136 510854 766272",
    "kernel/printk": "4 4 1 7",
    "kernel/sem": "32000 1024000000 500 32000",
    "vm/lowmem_reserve_ratio": "256 256 32 0 0",
}
"""Keys of several numbers, each with an example."""
_RANGES: Mapping[str, tuple[int, int]] = {
    "vm/swappiness": (0, 200),
    "vm/overcommit_memory": (0, 2),
    "vm/panic_on_oom": (0, 2),
    "vm/dirty_ratio": (0, 100),
    "vm/dirty_background_ratio": (0, 100),
    "vm/compaction_proactiveness": (0, 100),
    "vm/extfrag_threshold": (0, 1000),
    "vm/unprivileged_userfaultfd": (0, 1),
    "kernel/dmesg_restrict": (0, 1),
    "kernel/io_uring_disabled": (0, 2),
    "kernel/kexec_load_disabled": (0, 1),
    "kernel/kptr_restrict": (0, 2),
    "kernel/modules_disabled": (0, 1),
    "kernel/nmi_watchdog": (0, 1),
    "kernel/panic_on_rcu_stall": (0, 1),
    "kernel/panic_on_warn": (0, 1),
    "kernel/pid_max": (301, 4 * 1024 * 1024),
    "kernel/soft_watchdog": (0, 1),
    "kernel/timer_migration": (0, 1),
    "kernel/unprivileged_bpf_disabled": (0, 2),
    "kernel/watchdog": (0, 1),
    "kernel/watchdog_thresh": (0, 60),
    "kernel/yama/ptrace_scope": (0, 3),
    "fs/protected_fifos": (0, 2),
    "fs/protected_hardlinks": (0, 1),
    "fs/protected_regular": (0, 2),
    "fs/protected_symlinks": (0, 1),
    "fs/suid_dumpable": (0, 2),
    "net/ipv4/ip_default_ttl": (1, 255),
    "net/ipv4/ip_unprivileged_port_start": (0, 65535),
}
_NOT_NEGATIVE = re.compile(
    "|".join(
        (
            r"fs/(aio-max-nr|file-max|inotify/\w+)",
            r"vm/(dirty_expire_centisecs|max_map_count|min_free_kbytes|vfs_cache_pressure)",
            r"vm/nr_(overcommit_)?hugepages",
        )
    ),
    re.ASCII,
)
"""Keys that the kernel keeps in an unsigned number, or with 0 as their least."""
_LONGEST: Mapping[str, int] = {
    "kernel/core_pattern": 127,
    "kernel/hostname": 64,
    "kernel/domainname": 64,
}
"""Keys that hold a text -> how many bytes of it the kernel keeps."""
_WORDS = frozenset(("net/ipv4/tcp_congestion_control", "net/core/default_qdisc"))


def never(path: str, value: str) -> str | None:
    """Return why the key at this path can never hold a value, and what to write instead; None if it
    may hold it, or if the kind of the key is unknown.
    """
    text = value.strip()
    if _ONE_NUMBER.fullmatch(path):
        return _quoted(path, text) or _one_number(path, text)
    if path in _NUMBERS:
        return _quoted(path, text) or _numbers(path, text)
    if path == "net/ipv4/ip_local_reserved_ports":
        return _quoted(path, text) or _ports(text)
    if path in _WORDS:
        return _quoted(path, text) or _word(text)
    if (longest := _LONGEST.get(path)) is not None and len(
        text.encode("utf-8", "surrogateescape")
    ) > longest:
        return f"the kernel keeps {longest} bytes at most"
    return None


def another_count(declared: str, observed: str) -> str | None:
    """Return that the kernel holds more or fewer numbers than declared, so that no write makes them
    equal; None if that is not so.
    """
    numbers, actual = declared.split(), observed.split()
    if (
        numbers
        and actual
        and len(numbers) != len(actual)
        and all(map(NUMBER.fullmatch, (*numbers, *actual)))
    ):
        return (
            f"the kernel holds {len(actual)} number{'s' if len(actual) > 1 else ''}, not"
            f" {len(numbers)}: write, for example, {' '.join(actual)}"
        )
    return None


def _quoted(path: str, text: str) -> str | None:
    """Return why quotes within the value are wrong. YAML has already removed its own."""
    inner = text.strip("\"'")
    if inner == text:
        return None
    suggestion = f': write "{inner[:40]}"' if inner and never(path, inner) is None else ""
    return f"the quotes would be part of the value{suggestion}"


def _one_number(path: str, text: str) -> str | None:
    low, high = _RANGES.get(path, (None, None))
    if NUMBER.fullmatch(text):
        if low is not None and high is not None and not low <= int(text) <= high:
            return f"the kernel accepts {low} to {high}"
        if int(text) < 0 and _NOT_NEGATIVE.fullmatch(path):
            return "the kernel accepts no negative number"
        if path == "fs/pipe-max-size" and int(text) > 0 and int(text) & (int(text) - 1):
            return f"the kernel rounds it up to a power of two: write {1 << int(text).bit_length()}"
        return None
    example = "1" if text.lower() in _TRUE else "0" if text.lower() in _FALSE else None
    hint = f': write "{example}" for {text}' if example is not None else ': write, for example, "1"'
    return f"the kernel holds one whole number, not {_quote(text)}{hint}"


def _numbers(path: str, text: str) -> str | None:
    tokens = text.split()
    if not tokens or not all(map(NUMBER.fullmatch, tokens)):
        separated = " ".join(re.split(r"[-,;:/ \t]+", text))
        blank = (
            f'"{separated}"'
            if re.fullmatch(r"[0-9]{1,20}( [0-9]{1,20}){1,9}", separated)
            else f'"{_NUMBERS[path]}"'
        )
        return (
            f"the kernel holds whole numbers separated by blanks, not {_quote(text)}: write {blank}"
        )
    if path == "net/ipv4/ip_local_port_range" and len(tokens) == 2:
        low, high = map(int, tokens)
        if not 1 <= low <= high <= 65535:
            return (
                'the kernel holds two ports from 1 to 65535, the lower one first: write "32768'
                ' 60999"'
            )
    return None


def _ports(text: str) -> str | None:
    if not text:
        return None
    if not _PORTS.fullmatch(text):
        return (
            f"the kernel holds ports and ranges separated by commas, not {_quote(text)}: write"
            ' "8080,9000-9010"'
        )
    for part in text.split(","):
        low, _, high = part.partition("-")
        if not int(low) <= int(high or low) <= 65535:
            return (
                "the kernel accepts ports up to 65535, and ranges with the lower port first, not"
                f" {_quote(part)}"
            )
    return None


def _word(text: str) -> str | None:
    return (
        None
        if re.fullmatch(r"[A-Za-z0-9_.-]+", text)
        else f"the kernel holds one name, not {_quote(text)}"
    )


def _quote(text: str) -> str:
    return repr(text[:40]) if text else "nothing"
