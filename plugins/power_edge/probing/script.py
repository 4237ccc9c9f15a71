"""One self-contained sh script per node: the prelude, the gate, and a section for each probe, such
as those of the types that are declared.
"""

import base64
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from shlex import quote
from typing import NamedTuple

from power_edge import package_data
from power_edge.identity.identifiers import Expected
from power_edge.model import Item
from power_edge.resources import resource

COMMAND_LIMIT = 96 * 1024
"""Bytes of one command line. Linux takes 128 KiB (MAX_ARG_STRLEN), and a client may quote it once
more.
"""
_WORD = 1000
"""Characters of one word: csh as a login shell takes none longer than its line buffer (1,024 in the
oldest).
"""
_SECTION_LIMIT = 48 * 1024


class Timeouts(NamedTuple):
    """Deadlines in seconds: for the connection, one section of the script, the whole node."""

    connect: int = 10
    section: int = 10
    node: int = 60


class Section(NamedTuple):
    """One probe of the script: `services.0`, the files that it is made of, and its arguments.

    The files are run as one: `resources/services` is probes/resources/services.sh.
    """

    name: str
    files: tuple[str, ...]
    arguments: tuple[str, ...] = ()

    def sections(self) -> tuple[str, ...]:
        """Return the names of its sections in the answer."""
        return (self.name,)

    def call(self) -> str:
        """Return the line of the script that runs it."""
        return " ".join(["pe_section", self.name, _text(*self.files), *_words(self.arguments)])


class Discovery(Section):
    """The discovery of one type, and its probe, which reads what was found (probes/discover.sh).

    `name` is the type's. `files` ends with the discovery and the probe; both begin with the files
    before these.
    """

    def sections(self) -> tuple[str, ...]:
        """Return its sections in the answer: what was found, and what the probe read of it."""
        return f"find.{self.name}", f"{self.name}.0"

    def call(self) -> str:
        """Return the line of the script that runs both."""
        *shared, discovery, probe = self.files
        bodies = (_text(*shared, discovery), _text(*shared, probe))
        return " ".join(["pe_discover", self.name, *bodies, *_words(self.arguments)])


class ProbeScript(NamedTuple):
    """The script that reads a node: its gate, its sections, its deadlines."""

    node: str
    expected: Expected | None
    sections: tuple[Section, ...]
    timeouts: Timeouts
    functions: tuple[str, ...] = ()
    """Files of functions that the sections' calls need, beside the prelude."""

    def text(self, sections: Sequence[Section] | None = None) -> str:
        """Return the script as POSIX sh, with all sections or with some.

        It is one function, called on the last line: a script that was cut runs nothing.
        """
        sections_wanted = self.sections if sections is None else sections
        files = dict.fromkeys(file for section in sections_wanted for file in section.files)
        names = [name for section in sections_wanted for name in section.sections()]
        bodies = (
            f"{_variable(file)}={quote(package_data.text(f'probes/{file}.sh'))}" for file in files
        )
        limits = f"{self.timeouts.section} {self.timeouts.node}"
        lines = (
            "pe_main() {",
            # Tests set PE_ROOT to a file tree. On a node it must not redirect the reads.
            "    unset PE_ROOT",
            f"    pe_begin {quote(self.node)} {limits} {' '.join(names)}".rstrip(),
            f"    pe_gate {_gate(self.expected)} || {{ pe_end; return 0; }}",
            *(f"    {section.call()}" for section in sections_wanted),
            "    pe_end",
            "}",
            "pe_main </dev/null",
        )
        functions = (
            package_data.text(f"probes/{file}.sh") for file in ("prelude", *self.functions)
        )
        return "\n".join([*functions, *bodies, *lines, ""])

    def packed(self) -> bytes:
        """Return the script for the standard input of `unpacked_by`'s command."""
        return _packed(self.text()).encode()

    def commands(self, sudo: str = "") -> list[str]:
        """Return command lines that hold the script, for backends that give a command no input.

        Nearly always it is one. Each holds a whole script with a gate of its own. `sudo` is put
        before the shell that runs it (`sudo -n `). The login shell reads nothing but base64.
        """
        commands: list[str] = []
        remaining = list(self.sections)
        while remaining or not commands:
            take = len(remaining)
            while (
                len(line := command(self.text(remaining[:take]), sudo)) > COMMAND_LIMIT and take > 1
            ):
                take = take // 2
            commands.append(line)
            remaining = remaining[take:]
        return commands


def files(kind: str, *folders: str) -> tuple[str, ...]:
    """Return the files of a type's probes in folders below probes/, as names without `.sh`.

    Before them stand lib/node.sh, which every probe begins with, and the functions that the type's
    probes share: lib/TYPE.sh, or all files of the folder lib/TYPE.
    """
    lib = package_data.folder("probes") / "lib"
    own = [
        path for path in (lib / f"{kind}.sh", *sorted((lib / kind).glob("*.sh"))) if path.is_file()
    ]
    shared = (path.relative_to(lib.parent).with_suffix("").as_posix() for path in own)
    return ("lib/node", *shared, *(f"{folder}/{kind}" for folder in folders))


def probe_script(
    node: str, expected: Expected | None, items: Iterable[Item], timeouts: Timeouts
) -> ProbeScript:
    """Return the script for the items of a node.

    `expected` is the identity on file; without one (None) the gate stays shut.
    """
    return ProbeScript(node, expected, tuple(_sections(items)), timeouts)


def _sections(items: Iterable[Item]) -> Iterator[Section]:
    for kind, group in groupby(
        sorted(items, key=lambda item: item.type), key=lambda item: item.type
    ):
        members = list(group)
        ask = resource(kind).ask
        arguments = (
            ask([item.declared for item in members])
            if ask is not None
            else [item.key for item in members]
        )
        for index, chunk in enumerate(_chunks(arguments)):
            yield Section(f"{kind}.{index}", files(kind, "resources"), tuple(chunk))


def _chunks(arguments: Iterable[str]) -> Iterator[list[str]]:
    chunk: list[str] = []
    size = 0
    for argument in arguments:
        length = len(_word(argument).encode("utf-8", "surrogateescape")) + 1
        if chunk and size + length > _SECTION_LIMIT:
            yield chunk
            chunk, size = [], 0
        chunk.append(argument)
        size += length
    yield chunk


def _word(argument: str) -> str:
    """Return an argument as a word of the script.

    The log of a CI job may show the script: `##[`, which a runner obeys anywhere in a line, is
    taken apart. Types escape what a terminal obeys: their arguments are ASCII.
    """
    word = quote(argument)  # in single quotes if it has a #
    return word.replace("#", "#''") if "##" in word else word


def _text(*files: str) -> str:
    return f'"{"".join(f"${_variable(file)}" for file in files)}"'


def _words(arguments: Iterable[str]) -> Iterator[str]:
    """Yield a probe's arguments, quoted, as the one word that pe_section takes; or nothing."""
    if words := " ".join(map(quote, arguments)):
        yield _word(words)


def _variable(file: str) -> str:
    """Return the variable of the script that holds a file."""
    return "pe_" + re.sub(r"[^A-Za-z0-9]", "_", file)


def _gate(expected: Expected | None) -> str:
    if expected is None:
        return "linux yes no none"
    pairs = [f"{kind}={digest}" for kind, digest in expected.hashes.items()]
    return " ".join(
        [
            expected.os,
            _yes_or_no(expected.require_match),
            _yes_or_no(expected.allow_os_migration),
            expected.primary or "none",
            *pairs,
        ]
    )


def _yes_or_no(value: bool) -> str:
    return "yes" if value else "no"


def command(script: str, sudo: str) -> str:
    """Return a command line that runs a script; `sudo` is put before the shell that does."""
    text = _packed(script)
    words = " ".join(text[at : at + _WORD] for at in range(0, len(text), _WORD))
    return f"printf %s {words}|{unpacked_by(sudo)}"


def unpacked_by(sudo: str) -> str:
    """Return the command that runs a packed script from its standard input.

    Any login shell can read it, and `ps` shows nothing of the script.
    """
    return f"base64 -d|gzip -dc|{sudo}sh"


def loop(sudo: str) -> str:
    """Return the command that runs packed scripts one after the other, until its input ends.

    Each is a line: a token, a blank, and the packed script. The token is printed on a line of its
    own before the answer (`TOKEN begin`) and after it (`TOKEN end`). Any login shell can read the
    command. `ps` shows nothing of a script: in every shell echo is not a program.
    """
    body = (
        'while read -r t l;do echo;echo "$t begin";'
        f'echo "$l"|{unpacked_by(sudo)};echo;echo "$t end";done'
    )
    return f"exec sh -c {quote(body)}"


def _packed(script: str) -> str:
    """Return a script, compressed and in base64.

    A startup file may put another shell in place of the login shell. Reading this, it finds one
    word, and no command.
    """
    packer = zlib.compressobj(6, wbits=31)  # 31: a gzip frame, without importing gzip
    packed = packer.compress(script.encode("utf-8", "surrogateescape")) + packer.flush()
    return base64.b64encode(packed).decode()
