"""What brings a file to its declared state.

The commands leave everything else as it is: other names of the file, what a link leads to, ACLs and
capabilities, the bits of the mode. Where they could not, a sentence says what stands in the way.
"""

import re
import shlex
import stat
from collections.abc import Iterator, Mapping, Sequence

from power_edge.model import Command, Finding, Remedy
from power_edge.model.generated.resources.files_schema import File as Declared
from power_edge.resources.files.judge import HIDDEN, content_bytes, is_secret
from power_edge.resources.files.observation import REGULAR, Broken, File, Missing, Mount, Place
from power_edge.resources.files.spelling import canonical

LONGEST_CONTENT = 2048
"""Bytes of a declared content up to which a command that writes it is still one to paste."""

_OF_THE_KERNEL = frozenset(
    (
        "proc",
        "sysfs",
        "cgroup",
        "cgroup2",
        "securityfs",
        "debugfs",
        "tracefs",
        "configfs",
        "efivarfs",
    )
)
_GONE_AFTER_A_BOOT = frozenset(("tmpfs", "ramfs", "devtmpfs"))
_WITHOUT_OWNERS = frozenset(("vfat", "msdos", "exfat", "ntfs", "ntfs3", "fuseblk", "hfs", "udf"))
"""Modes and owners come from options of the mount: mount(8)."""
_OF_ANOTHER_MACHINE = re.compile(
    r"nfs|cifs|smb|9p|ceph|afs|gluster|lustre|ocfs|gfs|fuse(?!blk)|virtiofs"
)

_WAY_IN = re.compile(
    r"/etc/(ssh/|sudoers|passwd$|shadow$|group$|gshadow$|pam\.|security/|nsswitch\.conf$|login\.defs$|shells$"
    r"|nologin$|hosts\.(allow|deny)$|krb5|sssd/|ldap/|nslcd|securetty$|selinux/"
    r"|profile|environment$|bash|zsh|csh|fish/|ld\.so"
    r"|network|netplan/|systemd/(network|resolved|system|logind)|NetworkManager/|sysconfig/|dhcp|resolv\.conf$|hosts$|wpa|iproute2/"
    r"|wireguard/|openvpn/|ipsec|tailscale|default/(ufw|ssh|networking|openvpn)|ufw/|nftables|iptables|firewalld/|shorewall|conf\.d/"
    r"|fstab$|crypttab$|default/grub|modprobe\.d/|modules|sysctl)"
    r"|/run/nologin$|/boot/|/\.ssh/|/\.(bash|zsh|profile|cshrc|tcshrc|login)[^/]*$"
    r"|/(s?bin|lib)/(sshd|sudo|su|login|sh|bash|dash|zsh|nologin|systemd)$"
)
"""Files that a login, the network or the firewall hangs on, and what a boot needs to come up."""


def remedy(
    declared: Declared, observed: File | Missing | Broken, drifted: Sequence[Finding]
) -> Remedy:
    """The commands that end a drift, or what a person would do."""
    fields = {finding.field for finding in drifted}
    if (obstacle := next(_obstacles(declared, observed, fields), None)) is not None:
        commands = ", ".join(
            f"`{shlex.join(command)}`"
            for command in _attributes_alone(declared, observed, fields - set(HIDDEN))
        )
        return Remedy(advice=f"{obstacle}. Then {commands}." if commands else obstacle)
    assert not isinstance(observed, Broken)
    assert observed.place is not None
    steps = (
        _created(declared)
        if isinstance(observed, Missing)
        else _changed(declared, observed, fields)
    )
    remarks = "; ".join(_remarks(declared, observed, observed.place)) or None
    return Remedy(tuple(steps), _WAY_IN.search(observed.place.path) is not None, remarks)


def _attributes_alone(
    declared: Declared, observed: File | Missing | Broken, fields: set[str]
) -> Iterator[Command]:
    """The commands for mode and owner, where the content alone takes a person.

    A key that all can read is not to wait for its new content.
    """
    if (
        isinstance(observed, File)
        and fields
        and next(_obstacles(declared, observed, fields), None) is None
    ):
        yield from _changed(declared, observed, fields)


def _obstacles(
    declared: Declared, observed: File | Missing | Broken, fields: set[str]
) -> Iterator[str]:
    """Why there is no command, the first of all."""
    if isinstance(observed, Broken):
        yield f"it is a symbolic link to {observed.target}: make the file that it leads to, or put a file in its place"
        return
    if isinstance(observed, File) and observed.type != REGULAR:
        yield f"a {observed.type} is in the way: move it aside first"
    if isinstance(observed, File) and observed.target is not None:
        yield f"it is a symbolic link, and a command would change {observed.target}: declare that file, or put one in place of the link"
    if not declared.path.isprintable():
        yield "its name cannot be pasted: change it with a tool that takes any name"
    yield from _unknown_names(declared, observed, fields)
    if isinstance(observed, Missing) and not observed.in_folder:
        yield f"{observed.above} is in the way, which is no folder: move it aside first"
    writes = isinstance(observed, Missing) or bool(fields & set(HIDDEN))
    if (
        writes
        and (declared.content is not None or declared.sha256 is not None)
        and is_secret(declared, observed)
    ):
        yield "it holds a secret, which belongs in no command line: put the file there by hand, by a way that shows it to nobody"
    if writes:
        yield from _unwritable(declared, missing=isinstance(observed, Missing))
    if observed.place is None:
        yield "the node did not show what a command could run into: look at it by hand"
        return
    yield from _guarded(observed.place, declared.path, writes=writes)
    if observed.place.mount is not None:
        yield from _mounted(observed.place, observed.place.mount, fields, writes=writes)
    if isinstance(observed, File):
        yield from _shared(observed.place, declared.path, fields)


def _unknown_names(declared: Declared, observed: File | Missing, fields: set[str]) -> Iterator[str]:
    kinds: tuple[tuple[str, str, str | None, Mapping[str, int], str | None], ...] = (
        (
            "owner",
            "user",
            declared.owner,
            observed.uids,
            observed.user if isinstance(observed, File) else None,
        ),
        (
            "group",
            "group",
            declared.group,
            observed.gids,
            observed.group if isinstance(observed, File) else None,
        ),
    )
    for field, kind, name, known, own in kinds:
        if (
            name is not None
            and field in fields
            and not name.isdecimal()
            and name != own
            and name not in known
        ):
            yield f"the node knows no {kind} {name}: make it first, or declare one that it knows"


def _unwritable(declared: Declared, *, missing: bool) -> Iterator[str]:
    if declared.content is None:
        what = (
            "of its content only the SHA-256 is declared"
            if declared.sha256 is not None
            else "no content of it is declared"
        )
        yield f"{what}: put the file there by hand{', for an empty one would be of no use' if missing else ''}"
        return
    content = content_bytes(declared.content)
    if len(content) > LONGEST_CONTENT:
        yield f"its content of {len(content)} bytes is too long to paste: copy it there"
    elif b"\0" in content:
        yield "its content holds NUL bytes, which no command line can: copy it there"


def _guarded(place: Place, path: str, *, writes: bool) -> Iterator[str]:
    """Attributes of ext4, XFS, Btrfs: chattr(1)."""
    words = {"i": ("immutable", "chattr -i"), "a": ("append-only", "chattr -a")}
    if place.flags in words:
        kind, command = words[place.flags]
        yield f"it is {kind}: {command} {shlex.quote(path)} first, if that is meant to be changed"
    if writes and place.folder_flags in words:
        kind, command = words[place.folder_flags]
        folder = path.rpartition("/")[0] or "/"
        yield f"its folder is {kind}: {command} {shlex.quote(folder)} first, if that is meant to be changed"


def _mounted(place: Place, mount: Mount, fields: set[str], *, writes: bool) -> Iterator[str]:
    if place.path.startswith("/proc/sys/"):
        yield "it is a kernel parameter: declare it under sysctl"
    elif mount.type in _OF_THE_KERNEL:
        yield f"it is a file of the kernel ({mount.type}): what changes it differs from file to file"
    if mount.read_only:
        yield f"{mount.point} is mounted read-only: mount -o remount,rw {shlex.quote(mount.point)} first, if that is meant to be changed"
    if _OF_ANOTHER_MACHINE.match(mount.type):
        yield f"{mount.point} is of another machine ({mount.type}): change the file there"
    if mount.type in _WITHOUT_OWNERS and (fields & {"mode", "owner", "group"}):
        yield f"{mount.point} keeps no modes and owners ({mount.type}): the options of its mount say them"
    if writes and mount.point == place.path:
        yield "it is a mount of its own, which no file can be put in place of: change the file that is mounted here"


def _shared(place: Place, path: str, fields: set[str]) -> Iterator[str]:
    """What a change would take along that is not declared."""
    if place.names > 1:
        names = f"find {shlex.quote(place.mount.point if place.mount is not None else '/')} -xdev -samefile {shlex.quote(path)}"
        yield f"the file has {place.names} names (hard links), and what changes it changes the others or parts from them: {names}"
    if place.acl and fields & {"mode", "group"}:
        yield f"it has an ACL, whose mask is part of its mode: change it with setfacl, after getfacl {shlex.quote(path)}"
    if place.capabilities:
        yield f"it has capabilities, which any change takes away: note those of getcap {shlex.quote(path)}, and set them again afterwards"


def _created(declared: Declared) -> Iterator[Command]:
    """An empty file with the declared attributes, and then its content: others can read a secret at
    no moment.
    """
    owner = ("-o", declared.owner) if declared.owner is not None else ()
    group = ("-g", declared.group) if declared.group is not None else ()
    yield (
        "install",
        "-D",
        "-m",
        declared.mode or "0644",
        *owner,
        *group,
        "--",
        "/dev/null",
        declared.path,
    )
    if declared.content:
        yield (
            "sh",
            "-c",
            f'printf "{_printf(content_bytes(declared.content))}" >{shlex.quote(declared.path)}',
        )


def _changed(declared: Declared, observed: File, fields: set[str]) -> Iterator[Command]:
    owner = declared.owner if "owner" in fields and declared.owner else ""
    group = f":{declared.group}" if "group" in fields else ""
    owns = [("chown", "--", f"{owner}{group}")] if owner or group else []
    # After chown: the kernel drops setuid and setgid when a program changes hands (chown(2)).
    kept = (
        f"{stat.S_IMODE(observed.mode):04o}"
        if owns and observed.mode & (stat.S_ISUID | stat.S_ISGID)
        else None
    )
    mode = declared.mode if "mode" in fields or (owns and declared.mode is not None) else kept
    modes = [("chmod", "--", mode)] if mode is not None else []
    if fields & set(HIDDEN) and declared.content is not None:
        yield _rewritten(declared, [*owns, *modes])
        return
    for command in (*owns, *modes):
        yield *command, declared.path


def _rewritten(declared: Declared, attributes: Sequence[Command]) -> Command:
    """A copy with all attributes of the file, emptied, given what is declared, written, and put in
    the file's place: nobody reads half a file.
    """
    steps = (
        't=$(mktemp "$1.XXXXXX")',
        'cp -a -- "$1" "$t"',
        ': >"$t"',
        *(f'{shlex.join(command)} "$t"' for command in attributes),
        f'printf "{_printf(content_bytes(declared.content or ""))}" >"$t"',
        'sync "$t"',
        'mv -f -- "$t" "$1"',
    )
    return "sh", "-c", f'{" && ".join(steps)} || {{ rm -f -- "$t"; false; }}', "sh", declared.path


def _remarks(declared: Declared, observed: File | Missing, place: Place) -> Iterator[str]:
    """What the commands do beside, and what they leave undone."""
    folder = canonical(declared.path).rpartition("/")[0] or "/"
    real = place.path.rpartition("/")[0] or "/"
    if isinstance(observed, Missing) and observed.above != folder:
        yield f"the folders that are missing below {observed.above} are made too, as root's with mode 0755"
    if real != folder:
        yield f"its folder is {real}"
    if place.mount is not None and place.mount.type in _GONE_AFTER_A_BOOT:
        yield f"{place.mount.point} is a {place.mount.type}, so the next boot takes it away: a line of tmpfiles.d(5) makes it last"


def _printf(content: bytes) -> str:
    """A format of printf(1) that prints these bytes, on one line and without anything that a shell
    would read within double quotes.
    """
    octal = re.sub(
        rb"^-|[^ !#%&(-[\]-_a-~]", lambda byte: f"\\{ord(byte[0]):03o}".encode(), content
    )
    return octal.decode("ascii").replace("%", "%%").replace("\\012", "\\n")
