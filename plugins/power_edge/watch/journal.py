"""systemd's journal, read by libsystemd (sd-journal(3)), without starting a process.

`journalctl -f` and a watch for new entries wake 0.4 s after an entry, since journald bundles its
notifications. An entry can be read at once, so the journal is polled.
"""

import ctypes
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Self

_LIBRARY = "libsystemd.so.0"
_FOLDERS = ("/run/log/journal", "/var/log/journal")
_LOCAL_ONLY = 1
"""SD_JOURNAL_LOCAL_ONLY: entries of this machine."""
_LONGEST = 64 * 1024
"""Bytes of a field that are read; this is the library's own default."""
_pointer = ctypes.c_void_p
_FUNCTIONS: dict[str, tuple[object, ...]] = {
    "sd_journal_open": (ctypes.POINTER(_pointer), ctypes.c_int),
    "sd_journal_close": (_pointer,),
    "sd_journal_add_match": (_pointer, ctypes.c_char_p, ctypes.c_size_t),
    "sd_journal_add_disjunction": (_pointer,),
    "sd_journal_seek_tail": (_pointer,),
    "sd_journal_seek_cursor": (_pointer, ctypes.c_char_p),
    "sd_journal_test_cursor": (_pointer, ctypes.c_char_p),
    "sd_journal_next": (_pointer,),
    "sd_journal_previous": (_pointer,),
    "sd_journal_get_cursor": (_pointer, ctypes.POINTER(_pointer)),
    "sd_journal_get_fd": (_pointer,),
    "sd_journal_process": (_pointer,),
    "sd_journal_get_data": (
        _pointer,
        ctypes.c_char_p,
        ctypes.POINTER(_pointer),
        ctypes.POINTER(ctypes.c_size_t),
    ),
    "sd_journal_get_realtime_usec": (_pointer, ctypes.POINTER(ctypes.c_uint64)),
}


class NoJournal(Exception):
    """There is no journal here that can be read; the message says why."""


class Entry(NamedTuple):
    """An entry of the journal. `time` is its own, in seconds since 1970. `kind` is the id of a
    message by PID 1, empty for any other.
    """

    time: float
    unit: str
    message: str
    cursor: str
    kind: str = ""


class _Library:
    """libsystemd, with typed functions. Raises NoJournal if it is not installed."""

    def __init__(self) -> None:
        try:
            self._library = ctypes.CDLL(_LIBRARY, use_errno=True)
            for name, arguments in _FUNCTIONS.items():
                getattr(self._library, name).argtypes = arguments
            self._library.sd_journal_close.restype = None
            self._free = ctypes.CDLL(None).free
        except (OSError, AttributeError) as error:
            raise NoJournal(f"{_LIBRARY} cannot be used: {error}") from None
        self._free.argtypes = (_pointer,)
        self._free.restype = None

    def call(self, name: str, *arguments: object) -> int:
        """Call `sd_journal_NAME`. Return its result. Raises OSError if that is an error."""
        result: int = getattr(self._library, f"sd_journal_{name}")(*arguments)
        if result < 0:
            raise OSError(-result, os.strerror(-result))
        return result

    def close(self, journal: ctypes.c_void_p) -> None:
        self._library.sd_journal_close(journal)

    def free(self, text: ctypes.c_void_p) -> None:
        self._free(text)


class Journal:
    """The entries about some units, from a place in the journal on."""

    def __init__(self, units: Iterable[str], cursor: str | None = None) -> None:
        """Open the journal after the entry at `cursor`, at its beginning if that is empty, and at
        its end without one.

        Raises NoJournal, and OSError if the journal is damaged.
        """
        self._library = _Library()
        self._journal = _pointer()
        self.cursor = cursor or ""
        """The place of the last entry that was read, empty at the beginning of the journal."""
        try:
            self._library.call("open", ctypes.byref(self._journal), _LOCAL_ONLY)
        except OSError as error:
            raise NoJournal(f"the journal cannot be opened: {error.strerror}") from None
        try:
            for match in matches(units):
                if match is None:
                    self._call("add_disjunction")
                else:
                    self._call("add_match", match.encode(), 0)
            self._call("get_fd")  # from here on new files are noticed
            self._on_successor = self._seek(cursor)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the journal."""
        self._library.close(self._journal)

    def read(self, most: int = 1000) -> Iterator[Entry]:
        """Yield the entries since the last call, so many at most. Raises OSError.

        A vacuum overwrites the files that it removes: what is removed before this call is gone.
        """
        # Rotated and new files are taken in: the library looks for them here alone.
        self._call("process")
        for _ in range(most):
            if not self._on_successor and self._call("next") == 0:
                return
            self._on_successor = False
            entry = self._entry()
            self.cursor = entry.cursor
            yield entry

    def last(self, most: int, since: float = 0.0) -> list[Entry]:
        """Return the last entries, the oldest first. None is older than `since`. Raises OSError."""
        self._call("seek_tail")
        found: list[Entry] = []
        while len(found) < most and self._call("previous") > 0:
            entry = self._entry()
            if entry.time < since:
                break
            found.append(entry)
        return found[::-1]

    def _seek(self, cursor: str | None) -> bool:
        """Go to the entry at `cursor`. Return whether the present entry is already one to read."""
        if cursor is None:
            self._call("seek_tail")
            # Without a step back, the next entry is the last one again (sd_journal_seek_tail(3)).
            self.cursor = self._entry().cursor if self._call("previous") > 0 else ""
            return False
        if not cursor:
            return False
        self._call("seek_cursor", cursor.encode())
        # If the entry was removed (vacuum), the present one is its successor, which is not read
        # yet.
        return self._call("next") > 0 and self._call("test_cursor", cursor.encode()) == 0

    def _entry(self) -> Entry:
        microseconds = ctypes.c_uint64()
        self._call("get_realtime_usec", ctypes.byref(microseconds))
        unit = self._field("_SYSTEMD_UNIT")
        return Entry(
            microseconds.value / 1e6,
            # What systemd itself says of a unit has the name in UNIT.
            (self._field("UNIT") or unit) if unit in ("init.scope", "") else unit,
            self._field("MESSAGE"),
            self._cursor(),
            self._field("MESSAGE_ID") if self._field("_PID") == "1" else "",
        )

    def _cursor(self) -> str:
        text = _pointer()
        self._call("get_cursor", ctypes.byref(text))
        try:
            return ctypes.string_at(text.value or 0).decode()
        finally:
            self._library.free(text)

    def _field(self, name: str) -> str:
        """Return a field of the present entry, empty if it has none."""
        data, size = _pointer(), ctypes.c_size_t()
        with suppress(FileNotFoundError):
            self._call("get_data", name.encode(), ctypes.byref(data), ctypes.byref(size))
            raw = ctypes.string_at(data.value or 0, min(size.value, _LONGEST))
            return raw[len(name) + 1 :].decode("utf-8", "replace")
        return ""

    def _call(self, name: str, *arguments: object) -> int:
        return self._library.call(name, self._journal, *arguments)


def matches(units: Iterable[str]) -> Iterator[str | None]:
    """Yield the matches for the messages of units, and for what systemd itself says of them; None
    stands for `or`.

    The first is the service's own (`_SYSTEMD_UNIT`, set by journald), the second counts only from
    PID 1: anybody may send a field `UNIT` (systemd.journal-fields(7)).
    """
    for index, unit in enumerate(sorted(units)):
        if index:
            yield None
        yield f"_SYSTEMD_UNIT={unit}"
        yield None
        yield f"UNIT={unit}"
        yield "_PID=1"


def readable() -> None:
    """Raise NoJournal if this process may read no journal: journald keeps none, or it is for root
    and the group systemd-journal. libsystemd silently leaves out what it may not read.
    """
    journals = [journal for folder in _FOLDERS for journal in Path(folder).glob("*/*.journal")]
    if any(os.access(journal, os.R_OK) for journal in journals):
        return
    if journals:
        raise NoJournal(
            "no journal may be read: this user has to be root or in the group systemd-journal"
        )
    raise NoJournal(f"there is no journal in {' or '.join(_FOLDERS)}: systemd-journald has to run")
