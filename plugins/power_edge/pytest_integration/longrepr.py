"""A failure without a traceback, in the form that pytest, JUnit and JSON take apart."""

from collections.abc import Iterable

from _pytest._code.code import ReprEntryNative, ReprExceptionInfo, ReprFileLocation, ReprTraceback


def failure(lines: Iterable[str], file: str, line: int, message: str) -> ReprExceptionInfo:
    """The lines as the text of a failure at a place (its line counts from 1), the message for
    summaries. It survives the way from an xdist worker.
    """
    return ReprExceptionInfo(
        ReprTraceback([ReprEntryNative([f"{text}\n" for text in lines])], None, "native"),
        ReprFileLocation(file, line, message),
    )
