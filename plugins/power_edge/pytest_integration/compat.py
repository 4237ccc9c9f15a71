"""All private API of pytest and of its report plugins that Power Edge uses.

No other module imports `_pytest`, or reads an attribute of pytest's that begins with `_`. When a
new version of pytest breaks something, it is here.
"""

import os
import platform
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, NoReturn, Protocol, TextIO, TypeVar, cast

import pluggy
import pytest
from _pytest._code.code import ReprEntryNative, ReprExceptionInfo, ReprFileLocation, ReprTraceback
from _pytest.config.argparsing import PytestArgumentParser
from _pytest.config.exceptions import UsageError
from _pytest.junitxml import xml_key
from _pytest.mark import KeywordMatcher, MarkMatcher
from _pytest.mark.expression import Expression
from _pytest.nodeid import NodeId

from power_edge.pytest_integration.output import Output
from power_edge.report.junit import TestCase
from power_edge.text import Screen

__all__ = [
    "BadExpression",
    "Failure",
    "NodeId",
    "Report",
    "ReportedItem",
    "UnnamedModule",
    "end_fixtures_before",
    "failure",
    "failure_parts",
    "fixture_module",
    "header",
    "junit_testcase",
    "keep_among_failed",
    "keep_junit_testcase",
    "keep_width",
    "makes_json",
    "matches_expression",
    "option_names",
    "rename",
    "run_pytest",
    "selected",
    "set_json_metadata",
    "shield_terminal",
    "skip",
    "width",
    "word_usage_errors",
    "write_html_by",
    "write_json_by",
    "write_junit_by",
]

Failure = ReprExceptionInfo
"""A failure as pytest, JUnit and JSON take it apart."""

Report = pytest.TestReport | pytest.CollectReport


class FailureParts(NamedTuple):
    """What `failure` was called with."""

    lines: list[str]
    file: str
    line: int
    message: str


def failure(lines: Iterable[str], file: str, line: int, message: str) -> Failure:
    """Return a failure without a traceback.

    `lines` are its text, `file` and `line` (from 1) its place, `message` is for summaries. xdist
    can serialise it.
    """
    return ReprExceptionInfo(
        ReprTraceback([ReprEntryNative([f"{text}\n" for text in lines])], None, "native"),
        ReprFileLocation(file, line, message),
    )


def failure_parts(longrepr: object) -> FailureParts | None:
    """Return the parts of a failure made by `failure`, None for any other."""
    if not isinstance(longrepr, ReprExceptionInfo) or longrepr.reprcrash is None:
        return None
    lines = longrepr.reprtraceback.reprentries[0].lines
    crash = longrepr.reprcrash
    return FailureParts(
        [line.rstrip("\n") for line in lines], crash.path, crash.lineno, crash.message
    )


class ReportedItem(pytest.Item):
    """An item that words its own failures, in every phase. pytest asks `repr_failure` about the
    call phase alone.
    """

    def failure_of(self, error: BaseException) -> Failure | None:
        """Return how an error is reported, None as pytest reports it."""
        raise NotImplementedError

    def _repr_failure_py(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None
    ) -> Any:
        own = self.failure_of(excinfo.value)
        return super()._repr_failure_py(excinfo, style) if own is None else own


class UnnamedModule(pytest.Module):
    """A module of tests that no other can take the place of: it is not in sys.modules.

    Its assertions are rewritten, whatever `python_files` says.
    """

    def _getobj(self) -> ModuleType:
        hook: Any = self.config.pluginmanager.rewrite_hook
        loader = hook if hasattr(hook, "exec_module") else None  # with --assert=plain it has none
        name = f"power_edge_suite_{self.path.stem}"
        spec = spec_from_file_location(name, self.path, loader=loader)
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        try:
            spec.loader.exec_module(module)
        except (Exception, SystemExit) as error:
            raise self.CollectError(f"{self.path.name} cannot be imported: {error!r}") from error
        return module


def rename(item: pytest.Item, name: str, nodeid: NodeId) -> None:
    """Give an item another name and test id."""
    item.name = name
    item._id = nodeid


def keep_width(config: pytest.Config) -> None:
    """Let the terminal reporter keep the width that its lines have now. Standard output may become
    a pipe.
    """
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        reporter._tw.fullwidth = reporter._tw.fullwidth


def width(reporter: pytest.TerminalReporter) -> int:
    """Return the columns of the terminal."""
    return reporter._tw.fullwidth


def header(config: pytest.Config) -> tuple[list[str], list[str]]:
    """Return the lines that pytest prints before a run: its own, and those of other plugins.

    There are none without a terminal reporter.
    """
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:
        return [], []
    own = reporter.pytest_report_header(config)
    others: list[str] = []
    for each in reversed(
        config.hook.pytest_report_header(config=config, start_path=reporter.startpath)
    ):
        if each != own:
            others += [each] if isinstance(each, str) else each
    return [
        f"platform {sys.platform} -- Python {platform.python_version()},"
        f" pytest-{pytest.__version__}, pluggy-{pluggy.__version__}",
        *own,
    ], others


def end_fixtures_before(
    item: pytest.Item, nextitem: pytest.Item | None
) -> pytest.CallInfo[None] | None:
    """Tear down the fixtures of an earlier test that `nextitem` does not share.

    Returns the call if it failed, None if it did not or if there was nothing to do.
    """
    state = item.session._setupstate
    if not state.stack:
        return None
    call = pytest.CallInfo.from_call(lambda: state.teardown_exact(nextitem), "teardown")
    return None if call.excinfo is None else call


def stop_capture(config: pytest.Config) -> None:
    """Stop pytest from capturing output: copies of a process share the file that holds it."""
    capture = config.pluginmanager.get_plugin("capturemanager")
    if capture is not None:
        capture.stop_global_capturing()
        capture._method = "no"
        capture.start_global_capturing()


def skip(reason: str) -> BaseException:
    """Return the exception that skips a test, reported at the test's own line."""
    return pytest.skip.Exception(reason, _use_item_location=True)


def fixture_module(metafunc: pytest.Metafunc, name: str) -> str | None:
    """Return the module of the fixture that a test's argument means, None if it means none."""
    definitions = metafunc._arg2fixturedefs.get(name, ())
    return definitions[-1].func.__module__ if definitions else None


def keep_among_failed(config: pytest.Config, report: Report) -> None:
    """Let --lf run this test again."""
    last_failed = config.pluginmanager.get_plugin("lfplugin")
    if last_failed is not None:
        last_failed.lastfailed[report.id] = True


def shield_terminal(config: pytest.Config) -> Output | None:
    """Make all that pytest writes to the terminal printable: names and output of own tests quote
    what machines answer. A reader that has gone is not an error. Return where it is written to,
    None if it is nowhere.
    """
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    if reporter is not None:
        writer = reporter._tw
        output = Output(writer._file)
        writer._file = Screen(cast(TextIO, output), colours=writer.hasmarkup)
        return output
    return None


_Item = TypeVar("_Item", bound=pytest.Item)


def selected(config: pytest.Config, items: Iterable[_Item]) -> list[_Item]:
    """Return the items that -k, -m and --deselect select. Their expressions were used before, so
    they are valid. The hook pytest_deselected is not called for the others.
    """
    keyword, marks = config.option.keyword.lstrip(), config.option.markexpr
    by_keyword = Expression.compile(keyword) if keyword else None
    by_marks = Expression.compile(marks) if marks else None
    deselected = tuple(config.option.deselect or ())
    return [
        item
        for item in items
        if not (deselected and item.nodeid.startswith(deselected))
        and (by_keyword is None or by_keyword.evaluate(KeywordMatcher.from_item(item)))
        and (by_marks is None or by_marks.evaluate(MarkMatcher.from_markers(item.iter_markers())))
    ]


class BadExpression(Exception):
    """An expression of -k that pytest refuses; the text says why."""


def matches_expression(expression: str, names: Iterable[str]) -> bool:
    """Whether pytest's -k with this expression selects what has these names.

    Raises BadExpression.
    """
    try:
        return Expression.compile(expression).evaluate(KeywordMatcher(frozenset(names)))
    except UsageError as error:
        raise BadExpression(str(error)) from None
    except SyntaxError as error:
        raise BadExpression(f"at column {error.offset}: {error.msg}") from None


# Reports of other plugins.


class WriteFile(Protocol):
    """Write a report's file: call `write` with a path. Return why that failed, None if it did not.

    Raises nothing: an error would keep the plugins after it from ending their session.
    """

    def __call__(self, file: Path, write: Callable[[Path], None]) -> OSError | None: ...


def junit_testcase(config: pytest.Config, report: Report) -> TestCase | None:
    """Return the test case that --junitxml writes for a report, None without that option."""
    xml = config.stash.get(xml_key, None)
    return None if xml is None else xml.node_reporter(report)


def keep_junit_testcase(config: pytest.Config, report: Report) -> None:
    """Let a teardown that fails be a part of its test's case in --junitxml. pytest gives it another
    one if the test has failed as well.
    """
    xml = config.stash.get(xml_key, None)
    if xml is None:
        return

    def place(of: object) -> list[object]:
        # With xdist two workers may report at once.
        return [getattr(of, name, None) for name in ("nodeid", "worker_id", "item_index")]

    xml.open_reports[:] = [each for each in xml.open_reports if place(each) != place(report)]


def makes_json(config: pytest.Config) -> bool:
    """Whether pytest-json-report makes a report of the run."""
    return hasattr(config, "_json_report")


def set_json_metadata(report: Report, metadata: dict[str, Any]) -> None:
    """Set `metadata` of a test in the report of pytest-json-report."""
    report._json_report_extra = {"metadata": metadata}  # type: ignore[union-attr]


def write_junit_by(config: pytest.Config, write_file: WriteFile) -> None:
    """Let `write_file` write the file of --junitxml, if that was asked for."""
    xml = config.stash.get(xml_key, None)
    if xml is None:
        return
    write, announce = xml.pytest_sessionfinish, xml.pytest_terminal_summary
    written = False

    def write_to(path: Path) -> None:
        named, xml.logfile = xml.logfile, str(path)
        try:
            write()
        finally:
            xml.logfile = named

    def pytest_sessionfinish() -> None:
        nonlocal written
        written = write_file(Path(xml.logfile), write_to) is None

    def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
        if written:
            announce(terminalreporter, config)

    # pluggy reads the hooks of a plugin when it is registered.
    config.pluginmanager.unregister(xml)
    xml.pytest_sessionfinish = pytest_sessionfinish  # type: ignore[method-assign]
    xml.pytest_terminal_summary = pytest_terminal_summary  # type: ignore[method-assign]
    config.pluginmanager.register(xml)


def write_html_by(
    config: pytest.Config, write_file: WriteFile, failed: Callable[[Path, OSError], None]
) -> None:
    """Let `write_file` write the file of pytest-html, if that was asked for.

    `failed` is called if the plugin cannot read its own templates and scripts.
    """
    for plugin in list(config.pluginmanager.get_plugins()):
        if type(plugin).__module__.startswith("pytest_html.") and hasattr(plugin, "_write_report"):
            _write_html_by(config, plugin, write_file, failed)


def _write_html_by(
    config: pytest.Config,
    html: Any,
    write_file: WriteFile,
    failed: Callable[[Path, OSError], None],
) -> None:
    generate, write = html._generate_report, html._write_report
    announce = html.pytest_terminal_summary
    written = False

    def write_page(page: str) -> None:
        def write_to(path: Path) -> None:
            named, html._report_path = html._report_path, path
            try:
                write(page)
            finally:
                html._report_path = named

        nonlocal written
        written = write_file(html._report_path, write_to) is None

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(terminalreporter: Any) -> None:
        if written:
            announce(terminalreporter)

    def generate_report(*arguments: Any, **options: Any) -> None:
        try:
            generate(*arguments, **options)
        except OSError as error:
            failed(Path(html._report_path), error)

    config.pluginmanager.unregister(html)
    html._generate_report = generate_report
    html._write_report = write_page
    html.pytest_terminal_summary = pytest_terminal_summary
    config.pluginmanager.register(html)


def write_json_by(config: pytest.Config, write_file: WriteFile) -> None:
    """Let `write_file` write the file of pytest-json-report, if that was asked for."""
    json_report = getattr(config, "_json_report", None)
    if json_report is None or not hasattr(json_report, "save_report"):  # a worker of xdist has none
        return
    save = json_report.save_report

    def save_report(path: str) -> None:
        error = write_file(Path(path), lambda beside: save(str(beside)))
        if error is not None:
            raise error  # the plugin prints it

    json_report.save_report = save_report


def option_names(parser: pytest.Parser) -> list[str]:
    """Return the options that are known so far: `-k`, `--tb`, ..."""
    return [*parser.optparser._option_string_actions]


def run_pytest(words: Sequence[str], plugins: Sequence[object]) -> int:
    """Run pytest in this process as its command does, with these words and objects as plugins.

    Return its exit status.
    """
    status = int(pytest.main([*words], plugins=[*plugins]))
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # Python flushes once more at the end, and would complain
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return status


def word_usage_errors(words: Callable[[str, Iterable[str]], str]) -> None:
    """Let a wrong option be one error in our words, for this whole process.

    `words` takes argparse's message and the options that are known, and returns what is printed.
    pytest prints its usage before the message, which says nothing to a person who typed
    `power-edge check`.
    """

    def error(self: PytestArgumentParser, message: str) -> NoReturn:
        raise UsageError(words(message, self._option_string_actions))

    PytestArgumentParser.error = error  # type: ignore[method-assign]
