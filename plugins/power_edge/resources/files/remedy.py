"""The commands that make a file as declared, or what a person would do.

The commands change nothing else: not the other names of the file, the target of a link, ACLs,
capabilities, or other bits of the mode. If they would, advice says what is in the way.
"""

import re
import shlex
import stat
from collections.abc import Iterator, Sequence

from power_edge.model import Command, Finding, Remedy
from power_edge.model.generated.resources.files_schema import File as Declared
from power_edge.resources.files import path_state
from power_edge.resources.files.judge import HIDDEN, content_bytes, is_secret
from power_edge.resources.files.observation import REGULAR, Broken, File, Missing, Mount, Place
from power_edge.resources.files.spelling import canonical

LONGEST_CONTENT = 2048
"""Bytes of a declared content up to which a command that writes it can be pasted."""

_KERNEL_FILE_SYSTEMS = frozenset(
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
_LOST_AT_BOOT = frozenset(("tmpfs", "ramfs", "devtmpfs"))
_WITHOUT_OWNERS = frozenset(("vfat", "msdos", "exfat", "ntfs", "ntfs3", "fuseblk", "hfs", "udf"))
"""File systems whose modes and owners come from mount options (mount(8))."""
_REMOTE = re.compile(r"nfs|cifs|smb|9p|ceph|afs|gluster|lustre|ocfs|gfs|fuse(?!blk)|virtiofs")

_ACCESS = re.compile(
    r"/etc/(ssh/|sudoers|passwd$|shadow$|group$|gshadow$|pam\.|security/|nsswitch\.conf$|login\.defs$|shells$"
    r"|nologin$|hosts\.(allow|deny)$|krb5|sssd/|ldap/|nslcd|securetty$|selinux/"
    r"|profile|environment$|bash|zsh|csh|fish/|ld\.so"
    r"|network|netplan/|systemd/(network|resolved|system|logind)|NetworkManager/|sysconfig/|dhcp|resolv\.conf$|hosts$|wpa|iproute2/"
    r"|wireguard/|openvpn/|ipsec|tailscale|default/(ufw|ssh|networking|openvpn)|ufw/|nftables|iptables|firewalld/|shorewall|conf\.d/"
    r"|fstab$|crypttab$|default/grub|modprobe\.d/|modules|sysctl)"
    r"|/run/nologin$|/boot/|/\.ssh/|/\.(bash|zsh|profile|cshrc|tcshrc|login)[^/]*$"
    r"|/(s?bin|lib)/(sshd|sudo|su|login|sh|bash|dash|zsh|nologin|systemd)$"
)
"""Files that a login, the network, the firewall or a boot depends on."""


def remedy(
    declared: Declared, observed: File | Missing | Broken, drifted: Sequence[Finding]
) -> Remedy:
    """Return the commands that end the drift, or advice for a person."""
    if declared.state is not None:
        return Remedy(advice=_by_hand(declared, observed))
    fields = {finding.field for finding in drifted}
    if (obstacle := next(_obstacles(declared, observed, fields), None)) is not None:
        commands = ", ".join(
            f"`{shlex.join(command)}`"
            for command in _attributes_only(declared, observed, fields - set(HIDDEN))
        )
        return Remedy(advice=f"{obstacle}. Then run {commands}." if commands else obstacle)
    assert not isinstance(observed, Broken)
    assert observed.place is not None
    steps = (
        _created(declared)
        if isinstance(observed, Missing)
        else _changed(declared, observed, fields)
    )
    remarks = "; ".join(_remarks(declared, observed, observed.place)) or None
    return Remedy(tuple(steps), _ACCESS.search(observed.place.path) is not None, remarks)


def _by_hand(declared: Declared, observed: File | Missing | Broken) -> str:
    """Return what a person would do about a declared state: a command would remove or replace what
    somebody may need.
    """
    assert not isinstance(observed, Broken)
    found = path_state.kind(observed)
    if declared.state == path_state.ABSENT:
        return f"a {found} is there: remove it, or move it away if somebody may need it"
    if found == path_state.ABSENT:
        leads = f" to {declared.target}" if declared.target is not None else ""
        return f"nothing is there: make the {declared.state}{leads}"
    if found != declared.state:
        return f"a {found} is in the way: move it aside, and make the {declared.state}"
    if found == path_state.SYMLINK:
        return f"make a link to {declared.target}, and rename it into the place of this one"
    return "change the mode and owner of the directory, and see what in it relies on them"


def _attributes_only(
    declared: Declared, observed: File | Missing | Broken, fields: set[str]
) -> Iterator[Command]:
    """Yield the commands for mode and owner if only the content needs a person: a key that all
    users can read should not wait for its new content.
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
    """Yield the reasons why there is no command, the most important one first."""
    if isinstance(observed, Broken):
        yield (
            f"it is a dangling symbolic link to {observed.target}: create the file that it leads"
            " to, or replace the link with a file"
        )
        return
    if isinstance(observed, File) and observed.type != REGULAR:
        yield f"a {observed.type} is in the way: move it aside first"
    if isinstance(observed, File) and observed.target is not None:
        yield (
            f"it is a symbolic link, and a command would change {observed.target}: declare that"
            " file, or replace the link with a file"
        )
    if not declared.path.isprintable():
        yield "its name cannot be pasted into a shell: change it with a tool that accepts any name"
    yield from _unknown_names(declared, observed, fields)
    if isinstance(observed, Missing) and not observed.in_folder:
        yield f"{observed.above} is not a directory: move it aside first"
    writes = isinstance(observed, Missing) or bool(fields & set(HIDDEN))
    if (
        writes
        and (declared.content is not None or declared.sha256 is not None)
        and is_secret(declared, observed)
    ):
        yield (
            "it holds a secret, which must not be on a command line: copy the file there by a"
            " method that shows it to nobody"
        )
    if writes:
        yield from _unwritable(declared, missing=isinstance(observed, Missing))
    if observed.place is None:
        yield "the node did not report what a command could run into: check the file by hand"
        return
    yield from _guarded(observed.place, declared.path, writes=writes)
    if observed.place.mount is not None:
        yield from _mounted(observed.place, observed.place.mount, fields, writes=writes)
    if isinstance(observed, File):
        yield from _shared(observed.place, declared.path, fields)


def _unknown_names(declared: Declared, observed: File | Missing, fields: set[str]) -> Iterator[str]:
    kinds = (
        ("owner", "user", declared.owner, observed.uids),
        ("group", "group", declared.group, observed.gids),
    )
    for field, kind, name, known_id in kinds:
        if name is not None and field in fields and not name.isdecimal() and name not in known_id:
            yield f"the node knows no {kind} {name}: create it first, or declare one that exists"


def _unwritable(declared: Declared, *, missing: bool) -> Iterator[str]:
    if declared.source is not None:
        yield f"its content is {declared.source} beside state.yaml: copy that file there"
        return
    if declared.content is None and not missing and declared.sha256 is None:
        yield "only a part of its content is declared: change it by hand, where that part belongs"
        return
    if declared.content is None:
        what = (
            "only the SHA-256 of its content is declared"
            if declared.sha256 is not None
            else "no content of it is declared"
        )
        yield (
            f"{what}: copy the file there by"
            f" hand{', because an empty file would be useless' if missing else ''}"
        )
        return
    content = content_bytes(declared.content)
    if len(content) > LONGEST_CONTENT:
        yield f"its content of {len(content)} bytes is too long to paste: copy the file there"
    elif b"\0" in content:
        yield "its content has NUL bytes, which no command line can have: copy the file there"


def _guarded(place: Place, path: str, *, writes: bool) -> Iterator[str]:
    """Yield attributes of the file and its folder that refuse a change (chattr(1))."""
    words = {"i": ("immutable", "chattr -i"), "a": ("append-only", "chattr -a")}
    if place.flags in words:
        kind, command = words[place.flags]
        yield f"it is {kind}: {command} {shlex.quote(path)} first, if you want to change it"
    if writes and place.folder_flags in words:
        kind, command = words[place.folder_flags]
        folder = path.rpartition("/")[0] or "/"
        yield (
            f"its folder is {kind}: {command} {shlex.quote(folder)} first, if you want to change it"
        )


def _mounted(place: Place, mount: Mount, fields: set[str], *, writes: bool) -> Iterator[str]:
    if place.path.startswith("/proc/sys/"):
        yield "it is a kernel parameter: declare it under sysctl"
    elif mount.type in _KERNEL_FILE_SYSTEMS:
        yield (
            f"it is a file of the kernel ({mount.type}): what may be written differs from file to"
            " file"
        )
    if mount.read_only:
        yield (
            f"{mount.point} is mounted read-only: mount -o remount,rw {shlex.quote(mount.point)}"
            " first, if you want to change it"
        )
    if _REMOTE.match(mount.type):
        yield f"{mount.point} is on another machine ({mount.type}): change the file there"
    if mount.type in _WITHOUT_OWNERS and (fields & {"mode", "owner", "group"}):
        yield f"{mount.point} stores no modes and owners ({mount.type}): change its mount options"
    if writes and mount.point == place.path:
        yield (
            "it is a mount point itself, so no file can replace it: change the file that is"
            " mounted here"
        )


def _shared(place: Place, path: str, fields: set[str]) -> Iterator[str]:
    """Yield what else a change of the file would change."""
    if place.names > 1:
        names = (
            f"find {shlex.quote(place.mount.point if place.mount is not None else '/')} -xdev"
            f" -samefile {shlex.quote(path)}"
        )
        yield (
            f"the file has {place.names} names (hard links), and a change also changes the others"
            f" or separates it from them: find them with {names}"
        )
    if place.acl and fields & {"mode", "group"}:
        yield (
            f"it has an ACL, whose mask is part of its mode: look at getfacl {shlex.quote(path)},"
            " then change it with setfacl"
        )
    if place.capabilities:
        yield (
            "it has capabilities, which any change removes: note the output of getcap"
            f" {shlex.quote(path)}, and set them again afterwards"
        )


def _created(declared: Declared) -> Iterator[Command]:
    """Yield the commands that create a file: first empty with the declared attributes, then its
    content, so that no other user can read it in between.
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
    """Yield the commands that change the drifted fields of a file that exists."""
    owner = declared.owner if "owner" in fields and declared.owner else ""
    group = f":{declared.group}" if "group" in fields else ""
    chown = [("chown", "--", f"{owner}{group}")] if owner or group else []
    # After chown, since that clears setuid and setgid (chown(2)).
    mode_after = (
        f"{stat.S_IMODE(observed.mode):04o}"
        if chown and observed.mode & (stat.S_ISUID | stat.S_ISGID)
        else None
    )
    mode = (
        declared.mode if "mode" in fields or (chown and declared.mode is not None) else mode_after
    )
    modes = [("chmod", "--", mode)] if mode is not None else []
    if fields & set(HIDDEN) and declared.content is not None:
        yield _rewritten(declared, [*chown, *modes])
        return
    for command in (*chown, *modes):
        yield *command, declared.path


def _rewritten(declared: Declared, attributes: Sequence[Command]) -> Command:
    """Return a command that writes a copy and renames it into place, so that nobody reads half a
    file. The copy has all attributes of the file, and the declared ones.
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
    """Yield side effects of the commands, and what they leave undone."""
    folder = canonical(declared.path).rpartition("/")[0] or "/"
    real = place.path.rpartition("/")[0] or "/"
    if isinstance(observed, Missing) and observed.above != folder:
        yield (
            f"missing directories below {observed.above} are created as well, owned by root with"
            " mode 0755"
        )
    if real != folder:
        yield f"its folder is {real}"
    if place.mount is not None and place.mount.type in _LOST_AT_BOOT:
        yield (
            f"{place.mount.point} is a {place.mount.type}, so the next boot removes it: a line in"
            " tmpfiles.d(5) makes it last"
        )


def _printf(content: bytes) -> str:
    """Return a format of printf(1) that prints these bytes: one line, without characters that a
    shell treats specially within double quotes.
    """
    octal = re.sub(
        rb"^-|[^ !#%&(-[\]-_a-~]", lambda byte: f"\\{ord(byte[0]):03o}".encode(), content
    )
    return octal.decode("ascii").replace("%", "%%").replace("\\012", "\\n")
