"""The command that sets a kernel parameter now.

It writes nothing to /etc/sysctl.d, so the next boot sets what those files say.
"""

import re
from collections.abc import Iterator, Sequence

from power_edge.model import NOTHING, Finding, Remedy
from power_edge.resources.sysctl.key import Setting, Value, canonical, module_of
from power_edge.resources.sysctl.kinds import another_count

_INTERFACES = r"net/ipv[46]/conf/[^/]+/"
_ANY, _ON, _OFF = r".*", r"(?!0$).*", r"0"
_CUTS: tuple[tuple[str, str], ...] = (
    (r"net/ipv4/(ip_forward|conf/[^/]+/forwarding)", _OFF),
    # A router ignores router advertisements, and may lose its own default route.
    (r"net/ipv6/conf/[^/]+/forwarding", _ANY),
    (_INTERFACES + r"disable_(ipv6|policy|xfrm)", _ON),
    (
        _INTERFACES
        + r"(rp_filter|arp_ignore|arp_filter|arp_announce|drop_unicast_in_l2_multicast)",
        _ON,
    ),
    (_INTERFACES + r"(accept_ra\w*|autoconf|addr_gen_mode|accept_dad|use_tempaddr)", _ANY),
    (r"net/ipv4/tcp_(tw_recycle|l3mdev_accept|mem|abort_on_overflow)", _ANY),
    (
        r"net/netfilter/nf_conntrack_(max|buckets|tcp_loose|tcp_be_liberal)|net/nf_conntrack_max",
        _ANY,
    ),
    (r"net/bridge/bridge-nf-call-\w+", _ON),
    (r"net/ipv4/ip_local_port_range|net/ipv[46]/(neigh/[^/]+/gc_thresh[123]|route/max_size)", _ANY),
    # Without memory, processes or open files no login is possible.
    (r"vm/(overcommit_(memory|ratio|kbytes)|nr_hugepages|min_free_kbytes|panic_on_oom)", _ANY),
    (
        r"kernel/(pid_max|threads-max|panic_on_\w+|modules_disabled)|fs/(file-max|nr_open)|user/max_\w+",
        _ANY,
    ),
)
"""Patterns of keys and values that could cut off access to the node."""

_LATCHES = {
    "kernel/modules_disabled": ("1",),
    "kernel/kexec_load_disabled": ("1",),
    "kernel/unprivileged_bpf_disabled": ("1",),
    "kernel/yama/ptrace_scope": ("3",),
}
"""Key -> values that the kernel keeps until the next boot, whatever is written."""

_RATIOS = {
    "vm/dirty_bytes": "vm.dirty_ratio",
    "vm/dirty_background_bytes": "vm.dirty_background_ratio",
    "vm/overcommit_kbytes": "vm.overcommit_ratio",
}
"""Pairs of keys of which only one is in force: a write to either sets the other to 0
(admin-guide/sysctl/vm.rst).
"""
_COUNTERPARTS = {
    **_RATIOS,
    **{canonical(ratio): path.replace("/", ".") for path, ratio in _RATIOS.items()},
}

_ALL = re.compile(r"net/ipv([46])/(?:ip_forward|conf/all/(forwarding|disable_ipv6|addr_gen_mode))")


def remedy(declared: Setting, observed: str | None, _: Sequence[Finding]) -> Remedy:
    """Return the command `sysctl -w`, or advice if no write helps."""
    path, value = canonical(declared.key), declared.value.strip()
    if observed is None:
        module = module_of(path)
        return (
            NOTHING
            if module is None
            else Remedy(
                advice=f"load the kernel module {module}, which brings the key, then set it"
            )
        )
    if (obstacle := _obstacle(observed) or _latched(path, observed)) is not None:
        return Remedy(advice=f"no command on the node can change it: {obstacle}")
    if (count := another_count(value, observed)) is not None:
        return Remedy(advice=f"no command can set this value: {count}")
    if value == "0" and path in _RATIOS:
        return Remedy(
            advice=(
                f"set {_RATIOS[path]}, which sets this key to 0: the kernel refuses a 0 here, or"
                " sets both to 0"
            )
        )
    if "\n" in value:
        return Remedy(advice="set it by hand: sysctl writes one line only")
    cuts = any(re.fullmatch(key, path) and re.fullmatch(values, value) for key, values in _CUTS)
    return Remedy(
        (("sysctl", "-w", f"{declared.key}={value}"),), cuts, "; ".join(_also(path, value)) or None
    )


def _obstacle(observed: str) -> str | None:
    return observed.obstacle if isinstance(observed, Value) else None


def _latched(path: str, observed: str) -> str | None:
    if observed.strip() in _LATCHES.get(path, ()):
        return f"the kernel keeps {observed.strip()} until the next boot"
    return None


def _also(path: str, value: str) -> Iterator[str]:
    """Yield what a write changes besides the key (include/net/ip.h, net/ipv4/devinet.c,
    net/ipv6/addrconf.c; checked on a node).
    """
    if match := _ALL.fullmatch(path):
        name = match[2] or "forwarding"
        yield f"it sets {name} of every interface, future ones included"
        if match[1] == "4":
            yield (
                "ip_forward and conf.all.forwarding are one setting, which also sets"
                " conf.all.accept_redirects"
            )
    if path in _COUNTERPARTS:
        yield f"it sets {_COUNTERPARTS[path]} to 0, because only one of the two is in force"
    if value in _LATCHES.get(path, ()):
        yield "only a reboot undoes it"
