"""The series of the watch, beside those of a run."""

import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from power_edge.identity.gate import Gate
from power_edge.model import Outcome
from power_edge.watch.outputs.metrics import render
from power_edge.watch.outputs.view import BOUNDS, History, View
from tests.support.views import DOWN, NEVER, NOON, OPEN, UP, result, transition, view


def samples(*views: View, broken: tuple[str, ...] = (), **seen: float) -> dict[str, list[Sample]]:
    """The samples by series."""
    found: dict[str, list[Sample]] = {}
    for family in text_string_to_metric_families(render(views, broken, seen)):
        for sample in family.samples:
            found.setdefault(sample.name, []).append(sample)
    return found


def values(found: dict[str, list[Sample]], name: str, *labels: str) -> dict[object, float]:
    """The values of a series by these labels."""
    return {
        tuple(each.labels[label] for label in labels)
        if len(labels) > 1
        else each.labels[labels[0]]: each.value
        for each in found.get(name, ())
    }


def test_sources() -> None:
    found = samples(view(sources=[UP, DOWN, NEVER]), view("b", sources=[UP]))
    pairs = ("node", "source")
    assert values(found, "power_edge_watch_events_total", *pairs) == {
        ("a", "dbus"): 7,
        ("a", "inotify"): 2,
        ("a", "audit"): 0,
        ("b", "dbus"): 7,
    }
    assert values(found, "power_edge_watch_events_lost_total", *pairs) == {
        ("a", "dbus"): 0,
        ("a", "inotify"): 1,
        ("a", "audit"): 0,
        ("b", "dbus"): 0,
    }
    assert values(found, "power_edge_watch_source_up", *pairs) == {
        ("a", "dbus"): 1,
        ("a", "inotify"): 0,
        ("a", "audit"): 0,
        ("b", "dbus"): 1,
    }


def test_the_series_of_a_run_are_there_too() -> None:
    drift, well = result(Outcome.DRIFT, "x"), result(Outcome.COMPLIANT, "y")
    found = samples(view("a", OPEN, drift, well, own={"t.py::test_it": Outcome.DRIFT}))
    assert values(found, "power_edge_check_compliant", "name") == {
        "identity": 1,
        "x": 0,
        "y": 1,
        "t.py::test_it": 0,
    }
    checks = values(found, "power_edge_checks", "type", "outcome")
    assert {key for key, value in checks.items() if value} == {
        ("node", "compliant"),
        ("sysctl", "drift"),
        ("sysctl", "compliant"),
        ("own", "drift"),
    }
    for name, value in (
        ("power_edge_run_duration_seconds", 0.5),
        ("power_edge_last_run_timestamp_seconds", NOON - 60),
        ("power_edge_last_seen_timestamp_seconds", NOON),
        ("power_edge_node_reachable", 1),
        ("power_edge_identity_match", 1),
        ("power_edge_node_info", 1),
        ("power_edge_config_error", 0),
    ):
        assert values(found, name, "node") == {"a": value}, name


def test_every_series_has_its_node() -> None:
    found = samples(view("a", OPEN, result(Outcome.UNKNOWN), sources=[UP]), view("b", None))
    assert {sample.labels["node"] for each in found.values() for sample in each} == {"a", "b"}


def test_a_node_that_was_not_checked_has_only_the_series_of_the_watch() -> None:
    found = samples(view("a", None, sources=[NEVER]), a=5.0)
    assert {name.removesuffix("_bucket") for name in found} == {
        "power_edge_watch_events_total",
        "power_edge_watch_events_lost_total",
        "power_edge_watch_source_up",
        "power_edge_drift_detection_seconds",
        "power_edge_drift_detection_seconds_count",
        "power_edge_drift_detection_seconds_sum",
    }


def test_when_a_node_last_answered_is_kept_while_it_is_gone() -> None:
    gone = Gate(11, "unreachable: off")
    name = "power_edge_last_seen_timestamp_seconds"
    assert values(samples(view("a", gone), a=5.0), name, "node") == {"a": 5.0}
    answered = view("a", gone, last_answer=7.0)
    assert values(samples(answered, a=5.0), name, "node") == {"a": 7.0}
    assert values(samples(view("a", gone)), name, "node") == {}


def test_a_configuration_that_cannot_be_used() -> None:
    old = view("a", OPEN, result(Outcome.COMPLIANT), config_error="state.yaml:3: no such key")
    found = samples(old, view("b"), broken=("c",), c=9.0)
    assert values(found, "power_edge_config_error", "node") == {"a": 1, "b": 0, "c": 1}
    assert values(found, "power_edge_check_compliant", "node", "name")["a", "x"] == 1
    assert values(found, "power_edge_last_seen_timestamp_seconds", "node")["c"] == 9.0


def test_detection_times() -> None:
    history = History()
    for seconds in (0.0, 0.01, 0.011, 0.3, 61.0):
        history.add(transition(Outcome.DRIFT, seconds))
    history.add(transition(Outcome.DRIFT, None))  # the sweep found it
    history.add(transition(Outcome.COMPLIANT, 0.2, before=Outcome.DRIFT))
    found = samples(view(history=history))
    buckets = values(found, "power_edge_drift_detection_seconds_bucket", "le")
    assert buckets == {
        "0.01": 2,
        "0.025": 3,
        "0.05": 3,
        "0.1": 3,
        "0.25": 3,
        "0.5": 4,
        "1.0": 4,
        "2.5": 4,
        "5.0": 4,
        "10.0": 4,
        "30.0": 4,
        "60.0": 4,
        "+Inf": 5,
    }
    assert list(map(float, list(buckets)[:-1])) == list(BOUNDS)  # type: ignore[arg-type]
    assert values(found, "power_edge_drift_detection_seconds_count", "node") == {"a": 5}
    (total,) = values(found, "power_edge_drift_detection_seconds_sum", "node").values()
    assert total == pytest.approx(61.321)


def test_a_history_does_not_grow_with_transitions() -> None:
    history = History()
    for _ in range(3):
        history.add(transition(Outcome.DRIFT, 0.1, "x"))
        history.add(transition(Outcome.COMPLIANT, 0.1, "x"))
    assert history.since == {("sysctl", "x"): NOON}
    copy = history.copy()
    history.add(transition(Outcome.DRIFT, 0.1, "y"))
    assert ("sysctl", "y") not in copy.since
    assert sum(copy.detections) == 3
    history.forget_all_but({("sysctl", "y"), ("sysctl", "z")})
    assert list(history.since) == [("sysctl", "y")]


def test_names_are_escaped() -> None:
    name = 'x"\\\n\udcff{}'
    found = samples(view('n"\n', OPEN, result(Outcome.DRIFT, name), sources=[UP]))
    assert values(found, "power_edge_check_compliant", "name")['x"\\\n\\xff{}'] == 0
    assert ('n"\n', "dbus") in values(found, "power_edge_watch_source_up", "node", "source")
