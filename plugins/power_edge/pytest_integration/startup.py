"""From the command line to a run: select the nodes, find their routes, send the scripts."""

from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import pytest

from power_edge.checking import answer_age, check
from power_edge.config import ConfigError, Node
from power_edge.probing.answer_file import read_file
from power_edge.probing.connection import BadRoute, Options
from power_edge.probing.framing import Kind, NoAnswer, kind
from power_edge.pytest_integration.head_start import HeadStart, Question
from power_edge.pytest_integration.nodes import Nodes, ask
from power_edge.pytest_integration.selection import Selection, selection, selectors

if TYPE_CHECKING:
    from power_edge.pytest_integration.run import Run

_SHOWS_ONLY = ("collectonly", "markers", "showfixtures", "show_fixtures_per_test", "cacheshow")
_NARROWING = ("keyword", "markexpr", "deselect", "lf", "stepwise", "stepwise_skip")
"""Options of pytest that deselect items."""
_JSON_FILE = ".report.json"
"""What pytest-json-report takes for --json-report-file if that is not given."""


def begin(
    options: Namespace,
    arguments: Sequence[str],
    cwd: Path,
    *,
    worker: bool,
    head_start: HeadStart | None = None,
) -> "Run | None":
    """Return the run of these options and paths, its scripts sent; None if they name no node.

    `head_start`: the nodes that were asked before; it is taken if the run asks the same.
    Raises UsageError before any node is contacted: for a broken node (unless
    --continue-on-collection-errors), a pattern without a match, an answer of another node.
    """
    routing = _transport(options)
    question = Question(
        tuple(options.node),
        options.node_configs,
        tuple(arguments),
        cwd,
        selectors(options),
        routing,
    )
    matching = head_start if head_start is not None and head_start.question == question else None
    chosen = matching.chosen if matching is not None else _chosen(question)
    for option, given in _outputs(options):
        if given == "":
            raise pytest.UsageError(f"{option}= is empty: give a value, or leave the option out")
    # A watch of broken nodes alone would watch nothing.
    nothing_to_watch = options.watch and not chosen.nodes
    if chosen.broken and (nothing_to_watch or not options.continue_on_collection_errors):
        raise pytest.UsageError("\n".join([_unusable(chosen), *map(str, chosen.broken.values())]))
    if not chosen.nodes and not chosen.broken:
        for option, given in (
            ("--watch", options.watch),
            ("--answers", options.answers),
            *_outputs(options),
        ):
            if given:
                raise pytest.UsageError(
                    f"{option} is about nodes, and none is selected: add --node=NAME"
                )
        return None
    _refuse_what_hides_a_drift(options)
    _refuse_json_unasked(options)
    names = Counter(folder.name for folder in (*chosen.nodes, *chosen.broken))
    if twice := [name for name, count in names.items() if count > 1]:
        raise pytest.UsageError(
            f"two nodes have the name {twice[0]}: check their node-configs/ one at a time"
        )
    if options.mend_script:
        if options.watch:
            raise pytest.UsageError("--mend-script is about one check: leave out --watch")
        if len(names) > 1:
            raise pytest.UsageError(
                f"--mend-script is for one node, and {len(names)} are selected: name one of them"
            )
    if options.watch:
        from power_edge.pytest_integration import publishing, watching

        watching.refuse(options, chosen.nodes.values())
        publishing.refuse(options)
    for option, given in (
        ("--event-log", options.event_log),
        ("--metrics-listen", options.metrics_listen),
    ):
        if given and not options.watch:
            raise pytest.UsageError(f"{option} is about a watch: add --watch")
    _refuse_textfile(options.prometheus_textfile)
    if not options.answers:
        _refuse_missing(routing, cwd, chosen.nodes.values())
    max_age = _age(options.max_age if options.max_age is not None else answer_age.DEFAULT)
    if options.max_age is not None and not options.answers:
        raise pytest.UsageError("--max-age is about answers: add --answers=FILE, or leave it out")
    idle = any(getattr(options, name, False) for name in _SHOWS_ONLY)
    by_answers = bool(options.answers)
    silent_now = idle or worker or by_answers or options.watch
    # Only what is selected is read: what that is, pytest says after the collection.
    narrowed = not silent_now and _narrowed(options, chosen)
    if narrowed:
        _refuse_routes(chosen.nodes.values(), routing)
    if silent_now or narrowed:
        pending = {}
    else:
        pending = matching.take() if matching is not None else ask(chosen.nodes.values(), routing)
    nodes = Nodes(chosen, routing, pending)
    for file in options.answers:
        _take_answer(nodes, file, cwd, max_age)
    if by_answers and (silent := nodes.silent()):
        raise pytest.UsageError(
            f"no answer from {', '.join(silent)}: --answers connects to no node,"
            " so give an answer from each selected node"
        )
    from power_edge.pytest_integration.run import Run  # imported while the nodes work

    return Run(
        nodes,
        idle=idle,
        ask_late=worker and not (idle or by_answers or options.watch),
        ask_selected=narrowed,
    )


def _chosen(question: Question) -> Selection:
    try:
        return selection(
            question.patterns,
            question.node_configs,
            question.arguments,
            question.cwd,
            question.selectors,
        )
    except ConfigError as error:
        raise pytest.UsageError(str(error)) from None
    except OSError as error:
        raise pytest.UsageError(f"{error.filename}: {error.strerror}") from None


def _unusable(chosen: Selection) -> str:
    """Return that nodes are broken; if there are others, also how these are checked."""
    good, broken = len(chosen.nodes), len(chosen.broken)
    if not good:
        return "unusable configuration"
    others = "the other" if good == 1 else f"the other {good}"
    return (
        f"unusable configuration: {broken} of {good + broken} nodes, so none was contacted;"
        f" --continue-on-collection-errors checks {others}"
    )


def _refuse_what_hides_a_drift(options: Namespace) -> None:
    if getattr(options, "nagios", False):
        raise pytest.UsageError(
            "--nagios knows passed and failed only, and reports a blocked node as OK:"
            " use the exit status (0 1 10 11 12) instead"
        )
    for option, given in (
        # Plugins of pytest that may be switched off.
        ("--setup-plan", getattr(options, "setupplan", False)),
        ("--setup-only", getattr(options, "setuponly", False)),
    ):
        if given:
            raise pytest.UsageError(
                f"{option} runs no test, so that reports would have no drift: leave it out, or"
                " list the items with --collect-only"
            )


def _refuse_json_unasked(options: Namespace) -> None:
    """Raise UsageError for a file of pytest-json-report's without the option that asks for it: the
    plugin would write nothing, in silence.
    """
    file = getattr(options, "json_report_file", _JSON_FILE)
    if file not in (None, _JSON_FILE) and not options.json_report:
        raise pytest.UsageError(
            f"--json-report-file={file} alone writes nothing: add --json-report"
        )


def _narrowed(options: Namespace, chosen: Selection) -> bool:
    """Whether a command line may select a part of what its nodes declare."""
    whole = all(node.name in chosen.whole for node in chosen.nodes.values())
    return not whole or any(getattr(options, name, None) for name in _NARROWING)


def _refuse_routes(nodes: Iterable[Node], options: Options) -> None:
    """Raise UsageError for a route that cannot be used, as asking does."""
    for node in nodes:
        try:
            check.route_to(node, options)
        except BadRoute as error:
            raise pytest.UsageError(str(error)) from None


def _outputs(options: Namespace) -> tuple[tuple[str, str | None], ...]:
    """Return each option that says where results go, with its value; None if it was not given."""
    return (
        ("--prometheus-textfile", options.prometheus_textfile),
        ("--event-log", options.event_log),
        ("--metrics-listen", options.metrics_listen),
        ("--mend-script", options.mend_script),
    )


def _refuse_textfile(file: str | None) -> None:
    """Raise UsageError for a name of --prometheus-textfile that node_exporter passes over.

    A pipe, or /dev/stdout, is not for node_exporter.
    """
    if file is None or file.endswith(".prom"):
        return
    if not Path(file).exists() or Path(file).is_file():
        raise pytest.UsageError(
            f"--prometheus-textfile={file}: node_exporter reads *.prom alone: {file}.prom"
        )


def _refuse_missing(options: Options, cwd: Path, nodes: Iterable[Node]) -> None:
    """Raise UsageError if ssh would miss a file that the command line names.

    Each node would be unreachable then, and each of its items blocked.
    """
    for option, file in (
        ("--ssh-config", options.ssh_config),
        ("--ssh-identity-file", options.ssh_identity_file),
    ):
        # ssh(1) takes `none` for no file.
        missing = file not in (None, "none") and not (cwd / Path(file or "").expanduser()).exists()
        if missing and any(_over_ssh(node, options) for node in nodes):
            raise pytest.UsageError(f"{option}={file}: there is no such file")


def _over_ssh(node: Node, options: Options) -> bool:
    try:
        return check.route_to(node, options).url.startswith(("ssh:", "paramiko:"))
    except BadRoute:
        return False  # it is reported where the node is asked


def _take_answer(nodes: Nodes, file: str, cwd: Path, max_age: float) -> None:
    path = cwd / file
    try:
        answer = read_file(path)
        if (of := kind(answer)) is not Kind.CHECK:
            reader = f"; power-edge discover --answers={quote(file)} reads it"
            raise pytest.UsageError(
                f"this is the answer of {of.value}, and not of a check"
                f"{reader if of is Kind.DISCOVERY else ''}"
            )
        nodes.take_answer(answer, max_age)
    except OSError as error:
        raise pytest.UsageError(f"--answers={path}: {error.strerror}") from None
    except NoAnswer as error:
        raise pytest.UsageError(
            f"--answers={path}: not an answer of a probe: {error}; make one:"
            " power-edge probe-script NODE >probe.sh, then on the node: sh probe.sh >answer"
        ) from None
    except pytest.UsageError as error:
        raise pytest.UsageError(f"--answers={path}: {error}") from None


def _age(text: str) -> float:
    found = answer_age.seconds(text)
    if found is None:
        raise pytest.UsageError(f"--max-age={text}: {answer_age.FORMS}")
    return found


def _transport(options: Namespace) -> Options:
    """Return the values of testinfra's options. If its plugin is switched off, there are none."""
    given: dict[str, Any] = {
        name: getattr(options, name) for name in Options._fields if hasattr(options, name)
    }
    return Options(**given)
