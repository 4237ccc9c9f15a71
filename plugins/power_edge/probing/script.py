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
"""Bytes of one command line; Linux takes 128 KiB (MAX_ARG_STRLEN), and a transport may quote it
once more.
"""
_WORD = 1000
"""Letters of one word: csh, as a login shell, takes none that is longer than its line buffer (1,024
in the oldest).
"""
_SECTION_LIMIT = 48 * 1024


class Timeouts(NamedTuple):
    """Deadlines in seconds: for the connection, for one section of the script, for the node as a
    whole.
    """

    connect: int = 10
    section: int = 10
    node: int = 60


class Section(NamedTuple):
    """A probe to be run: `services.0`, the files that it is made of, one after the other
    (`resources/services` is probes/resources/services.sh), and its arguments.
    """

    name: str
    files: tuple[str, ...]
    arguments: tuple[str, ...] = ()

    def sections(self) -> tuple[str, ...]:
        """The names of the sections that it brings into the answer."""
        return (self.name,)

    def call(self) -> str:
        """The line of the script that runs it."""
        return " ".join(["pe_section", self.name, _text(*self.files), *_words(self.arguments)])


class Discovery(Section):
    """A discovery and the probe that is asked what it found, of one type. See probes/discover.sh.

    `name` is the type's; `files` are the discovery and the probe, after what both begin with.
    """

    def sections(self) -> tuple[str, ...]:
        return f"find.{self.name}", f"{self.name}.0"

    def call(self) -> str:
        *shared, discovery, probe = self.files
        bodies = (_text(*shared, discovery), _text(*shared, probe))
        return " ".join(["pe_discover", self.name, *bodies, *_words(self.arguments)])


class Plan(NamedTuple):
    """What a node is to be asked."""

    node: str
    expected: Expected | None
    sections: tuple[Section, ...]
    timeouts: Timeouts
    functions: tuple[str, ...] = ()
    """Files with functions that the sections' calls need, beside the prelude."""

    def script(self, sections: Sequence[Section] | None = None) -> str:
        """The script, whole (or with some of its sections).

        It is one function, called on the last line: cut short, it runs nothing.
        """
        wanted = self.sections if sections is None else sections
        files = dict.fromkeys(file for section in wanted for file in section.files)
        names = [name for section in wanted for name in section.sections()]
        bodies = (
            f"{_variable(file)}={quote(package_data.text(f'probes/{file}.sh'))}" for file in files
        )
        lines = (
            "pe_main() {",
            # tests point it at made trees; on a node, whoever set it must not choose what is read
            "    unset PE_ROOT",
            f"    pe_begin {quote(self.node)} {self.timeouts.section} {self.timeouts.node} {' '.join(names)}".rstrip(),
            f"    pe_gate {_gate(self.expected)} || {{ pe_end; return 0; }}",
            *(f"    {section.call()}" for section in wanted),
            "    pe_end",
            "}",
            "pe_main </dev/null",
        )
        functions = (
            package_data.text(f"probes/{file}.sh") for file in ("prelude", *self.functions)
        )
        return "\n".join([*functions, *bodies, *lines, ""])

    def packed(self) -> bytes:
        """The script for the standard input of `unpacked_by`'s command."""
        return _packed(self.script()).encode()

    def commands(self, sudo: str = "") -> list[str]:
        """Command lines that hold the script, for backends that give a command no input; nearly
        always one. Each is a whole script with a gate of its own.

        `sudo` is put before the shell that runs it (`sudo -n `). Nothing but base64 meets the login
        shell.
        """
        commands: list[str] = []
        rest = list(self.sections)
        while rest or not commands:
            take = len(rest)
            while len(line := command(self.script(rest[:take]), sudo)) > COMMAND_LIMIT and take > 1:
                take = take // 2
            commands.append(line)
            rest = rest[take:]
        return commands


def files(kind: str, *folders: str) -> tuple[str, ...]:
    """The files of a type's probes in folders below probes/, after probes/lib/TYPE.sh, which they
    share where it exists.
    """
    shared = (
        (f"lib/{kind}",) if (package_data.folder("probes") / "lib" / f"{kind}.sh").is_file() else ()
    )
    return (*shared, *(f"{folder}/{kind}" for folder in folders))


def plan(node: str, expected: Expected | None, items: Iterable[Item], timeouts: Timeouts) -> Plan:
    """The plan for the items of a node; `expected` is the identity on file, None where there is
    none (the gate stays shut).
    """
    return Plan(node, expected, tuple(_sections(items)), timeouts)


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
    """An argument as a word of the script.

    A log of a CI job may show the script: what a runner obeys anywhere in a line, `##[`, is taken
    apart.

    Whatever a terminal obeys, types escape in their own way: what they ask for is ASCII.
    """
    word = quote(argument)
    return (
        word.replace("#", "#''") if "##" in word else word
    )  # what has a # stands in single quotes


def _text(*files: str) -> str:
    return f'"{"".join(f"${_variable(file)}" for file in files)}"'


def _words(arguments: Iterable[str]) -> Iterator[str]:
    """All arguments of a probe as the one argument of a function that takes them as quoted words."""
    if words := " ".join(map(quote, arguments)):
        yield _word(words)


def _variable(file: str) -> str:
    """The script's variable that holds a file."""
    return "pe_" + re.sub(r"[^A-Za-z0-9]", "_", file)


def _gate(expected: Expected | None) -> str:
    if expected is None:
        return "linux yes no none"
    pairs = [f"{kind}={digest}" for kind, digest in expected.hashes.items()]
    return " ".join(
        [
            expected.os,
            _yes(expected.require_match),
            _yes(expected.allow_os_migration),
            expected.primary or "none",
            *pairs,
        ]
    )


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def command(script: str, sudo: str) -> str:
    """A command line that runs a script; `sudo` is put before the shell that does."""
    text = _packed(script)
    words = " ".join(text[at : at + _WORD] for at in range(0, len(text), _WORD))
    return f"printf %s {words}|{unpacked_by(sudo)}"


def unpacked_by(sudo: str) -> str:
    """The command that runs a packed script from its standard input.

    Any login shell can read it, and `ps` shows nothing of the script.
    """
    return f"base64 -d|gzip -dc|{sudo}sh"


def _packed(script: str) -> str:
    """base64, for a startup file may have put another shell in place: reading this, it finds one
    word, and no command.
    """
    packer = zlib.compressobj(6, wbits=31)  # 31: a gzip frame, and without the gzip module's import
    return base64.b64encode(
        packer.compress(script.encode("utf-8", "surrogateescape")) + packer.flush()
    ).decode()
