"""What sshd is configured to do, and whether it has read that."""

import re
from collections.abc import Iterator, Mapping
from shlex import quote
from typing import Any

from power_edge.suites import Unknown, output, run, sockets

_FILES = "/etc/ssh/sshd_config"
_FOLDER = "/etc/ssh/sshd_config.d"
_CANNOT_TELL = ("no hostkeys", "Missing privilege separation directory")
"""sshd says so to a user who is not root, and where nobody has connected to its socket yet."""
_OF_FILES = "/etc/ssh/"
"""What sshd says about its files begins with their path."""

SERVICES = {"ssh.service", "sshd.service"}
"""The units of the daemon, by distribution."""

_DAEMON = re.compile(r"(?:sshd: )?/\S*/sshd((?: .*?)?)(?: \[listener\].*)?\s*")
"""What a daemon calls itself, with its options; that of a login is `sshd: NAME@...`."""
_NO_SETTING = {"-D", "-e", "-4", "-6"}
_OPTIONS_FILES = ("/etc/default/ssh", "/etc/sysconfig/sshd")
"""Where distributions keep the daemon's options."""
_OPTIONS = re.compile(r"^ *(?:SSHD_OPTS|OPTIONS)=[\"' ]*[^\"' \n].*", re.MULTILINE)
_VARIABLES = {"$SSHD_OPTS", "$OPTIONS"}


def settings(host: Any, *, user: str | None = None) -> Mapping[str, list[str]]:
    """Return the settings in force for a new daemon (`sshd -T`): values by keyword.

    With `user`, those for a login of that user from another machine. Raises AssertionError if sshd
    refuses its configuration, and Unknown.
    """
    options = "".join(f" -o {quote(each)}" for each in _options(host))
    whom = f" -C {quote(f'user={user},host=client.invalid,addr=192.0.2.1')}" if user else ""
    done = run(host, f"LC_ALL=C timeout 10 /usr/sbin/sshd -T{options}{whom}")
    if done.rc != 0:
        why = (done.stderr.strip().splitlines() or [f"exit status {done.rc}"])[-1]
        # Else the connection may have failed.
        is_of_files = done.rc == 255 and _OF_FILES in done.stderr
        if not is_of_files or any(word in done.stderr for word in _CANNOT_TELL):
            raise Unknown(f"sshd -T: {why}")
        raise AssertionError(f"sshd refuses its configuration: {why}")
    found: dict[str, list[str]] = {}
    for line in done.stdout.splitlines():
        keyword, _, value = line.partition(" ")
        found.setdefault(keyword.lower(), []).append(value)
    return found


def _options(host: Any) -> Iterator[str]:
    """Yield the settings that the daemon was started with, which its files do not have. Raises
    Unknown, also if a second daemon listens.
    """
    daemons = dict[int, str]()
    for socket in sockets.listening(host, "tcp"):
        for program, pid in socket.owners:
            if program == "sshd":
                title = output(host, f"cat /proc/{pid}/cmdline").replace("\0", " ")
                if found := _DAEMON.fullmatch(title):
                    daemons[pid] = found[1]
                    if SERVICES.isdisjoint(sockets.units(host, socket)):
                        raise Unknown(f"the sshd of process {pid} has settings of its own")
    words = [word for options in daemons.values() for word in options.split()]
    if not daemons:  # systemd listens, and starts it when somebody connects
        _require_plain_start(host)
    while words:
        word = words.pop(0)
        if word == "-o" and words:
            yield words.pop(0)
        elif word.startswith("-o"):
            yield word.removeprefix("-o")
        elif word not in _NO_SETTING:
            raise Unknown(f"sshd was started with {word}, which is not understood")


def _require_plain_start(host: Any) -> None:
    """Raise Unknown if systemd would start the daemon with settings of its own."""
    units = "ssh.service sshd.service ssh@x.service sshd@x.service"
    shown = output(host, f"systemctl show {units} -p ExecStart -p Environment -p EnvironmentFiles")
    for line in shown.splitlines():
        name, _, value = line.partition("=")
        if name == "Environment" and any(f"{each[1:]}=" in value for each in _VARIABLES):
            raise Unknown(f"sshd is started with options: {line}")
        if name == "EnvironmentFiles" and value and value.split()[0] not in _OPTIONS_FILES:
            raise Unknown(f"sshd may be started with options of {value.split()[0]}")
        for argv in re.findall(r"argv\[\]=(.*?) ; ", value) if name == "ExecStart" else ():
            if others := set(argv.split()[1:]) - _NO_SETTING - _VARIABLES - {"-i"}:
                raise Unknown(f"sshd is started with {' '.join(sorted(others))}")
    text = output(host, f"sh -c 'cat {' '.join(_OPTIONS_FILES)} 2>/dev/null; :'")
    if found := _OPTIONS.search(text):
        raise Unknown(f"sshd is started with options: {found[0]}")


def held_by_socket(host: Any, port: int) -> bool:
    """Whether systemd listens on a port for sshd. Raises Unknown."""
    shown = output(host, "systemctl show ssh.socket sshd.socket -p ActiveState -p Listen")
    return any(
        "ActiveState=active" in unit.splitlines() and f":{port} (Stream)" in unit
        for unit in shown.split("\n\n")
    )


def only(found: Mapping[str, list[str]], keyword: str) -> str:
    """Return the one value of a keyword. Raises Unknown if sshd printed none, or several."""
    values = found.get(keyword, [])
    if len(values) != 1:
        raise Unknown(f"sshd -T: {len(values)} values of {keyword}")
    return values[0]


def exceptions(host: Any, *keywords: str) -> list[str]:
    """Return the lines of Match blocks that set one of these keywords (in small letters), as
    `FILE: LINE`. `sshd -T` shows the blocks of one login alone. Raises Unknown.
    """
    return list(_exceptions(_configuration(host), keywords))


def _exceptions(text: str, keywords: tuple[str, ...]) -> Iterator[str]:
    file, inside = "", False
    for raw in text.splitlines():
        if raw.startswith("==> "):
            file, inside = raw.removeprefix("==> "), False
            continue
        word, *rest = raw.replace("=", " ").replace('"', " ").split() or [""]
        keyword = word.lower()
        if keyword == "match":
            inside = [each.lower() for each in rest] != ["all"]
        elif keyword == "include" and (inside or rest != [f"{_FOLDER}/*.conf"]):
            raise Unknown(f"{file}: {raw.strip()}: files of other places are not read")
        elif inside and keyword in keywords:
            yield f"{file}: {raw.strip()}"


def _configuration(host: Any) -> str:
    """Return all files, each after a line `==> FILE`."""
    return output(
        host,
        f"sh -c 'for f in {_FILES} {_FOLDER}/*.conf; do"
        """ test -e "$f" || continue; echo "==> $f"; cat "$f" || exit 1; echo; done'""",
    )


def loaded(host: Any) -> bool:
    """Whether the daemon has read the files as they are. Raises Unknown if that is not certain."""
    shown = output(
        host,
        "systemctl show ssh.service sshd.service --timestamp=unix"
        " -p LoadState -p ActiveState -p StateChangeTimestamp -p ReloadResult",
    )
    units = [
        dict(line.split("=", 1) for line in unit.splitlines())
        for unit in shown.split("\n\n")
        if unit
    ]
    if failed := [unit for unit in units if unit.get("ReloadResult", "success") != "success"]:
        raise Unknown(f"the daemon was not reloaded ({failed[0]['ReloadResult']}): reload it")
    since = [
        unit.get("StateChangeTimestamp", "")
        for unit in units
        if unit.get("LoadState") == "loaded" and unit.get("ActiveState") == "active"
    ]
    if not since:
        sockets = output(host, "systemctl show ssh.socket sshd.socket -p ActiveState")
        if "ActiveState=active" in sockets.splitlines():
            return True  # whoever connects next starts it
        raise Unknown("neither ssh.service nor sshd.service is active")
    if not all(each.startswith("@") for each in since):
        raise Unknown(f"systemctl show: no time in {since[0]!r}")
    read = min(int(each[1:]) for each in since)
    times = output(
        host,
        f"sh -c 'for f in {_FILES} {_FOLDER} {_FOLDER}/*; do"
        """ test -e "$f" || continue; stat -L -c "%Y %Z" "$f" || exit 1; done'""",
    )
    files = [tuple(map(int, line.split())) for line in times.splitlines()]
    if not files:
        raise Unknown(f"{_FILES} is not there")
    written, changed = max(each[0] for each in files), max(each[1] for each in files)
    if written > read:
        return False
    if written == read or changed >= read:
        raise Unknown("the files may have changed just after the daemon read them: reload it")
    exceptions(host)  # Unknown if it includes files whose times were not read
    return True
