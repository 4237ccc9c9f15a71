"""Adopting drift: the edit for each kind of drift, and what is left as it is."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from power_edge.checking.check import Checked, script_for
from power_edge.checking.evaluate import judge
from power_edge.config import Node, State, load_state
from power_edge.identity.gate import Gate
from power_edge.model import Item, NotObserved, Outcome, Result
from power_edge.probing.failure import Unreachable
from power_edge.reconcile.adopt import Adoption, adopt, widened
from power_edge.reconcile.proposals import Adopted
from power_edge.resources import resource
from power_edge.resources.files import File, Missing
from power_edge.resources.packages.observation import Package, Row
from power_edge.resources.services.unit import Puller, Trigger, Unit
from power_edge.yaml_edit.edit import Edit, Put
from tests.support.cases import RECORDINGS

HEAD = "version: '1.0'\nmetadata: {site: x, environment: development}\n"
UP = Unit(
    "a.service",
    "loaded",
    "active",
    "running",
    "enabled",
    "simple",
    pullers=(Puller("multi-user.target", "disk", True),),
)
DOWN = UP._replace(active="inactive", sub="dead", file_state="disabled", pullers=())
FAILED = UP._replace(active="failed", sub="failed")
MISSING = Unit("a.service", "not-found", "inactive", "dead", "")
HASH = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
FILE = File(
    mode=0o100644,
    uid=0,
    gid=0,
    size=6,
    user="root",
    group="root",
    sha256=HASH,
    uids={"root": 0},
    gids={"root": 0},
)


def packages(*versions: str) -> Package:
    return Package(
        "dpkg",
        "apt",
        tuple(Row("vim", "amd64", "install", "installed", "ok", version) for version in versions),
    )


def adopted(
    text: str, observed: Mapping[str, Mapping[str, Any]], names: frozenset[str] | None = None
) -> Adoption:
    """Adopt a state.yaml by observations (type -> key -> observation).

    Every adopted item must be compliant in the new text.
    """
    state = load_state(text.encode(), "f", "n")
    checked = Checked(Node(name="n", path=Path("/n"), state=state), Unreachable(""))
    vars(checked).update(_cached=observed, gate=Gate(0))
    done = adopt(
        text, checked, [item for item in state.items if names is None or item.name in names]
    )
    touched = {(one.item.type, one.item.key) for one in done.adopted}
    for item in load_state(done.text.encode(), "f", "n").items:
        if (item.type, item.key) in touched:
            assert (
                judge(resource(item.type), item, observed[item.type]).outcome is Outcome.COMPLIANT
            )
    return done


@pytest.mark.parametrize(
    ("declared", "observed", "new", "summary"),
    [
        ("state: running", DOWN, "state: stopped", "state: running -> stopped"),
        (
            "state: running, enabled: true",
            DOWN,
            "state: stopped, enabled: false",
            "state: running -> stopped, enabled: true -> false",
        ),
        (
            "state: running, enabled: false",
            DOWN,
            "state: stopped, enabled: false",
            "state: running -> stopped",
        ),
        ("state: stopped", UP, "state: running", "state: stopped -> running"),
        ("enabled: false", UP, "enabled: true", "enabled: false -> true"),
        (
            "state: disabled, optional: true",
            UP,
            "state: running, optional: true",
            "state: disabled -> running",
        ),
        ("state: running, enabled: true", FAILED, "enabled: true", "state left out"),
        ("state: running", FAILED, "enabled: true", "state left out, enabled: true added"),
    ],
)
def test_services(declared: str, observed: Unit, new: str, summary: str) -> None:
    text = f"{HEAD}services: # ours\n- {{name: a, {{}}}}  # the one\n- {{name: b.socket, state: running}}\n"
    before, after = (text.replace("{}", fields) for fields in (declared, new))
    done = adopted(before, {"services": {"a.service": observed, "b.socket": UP}})
    assert (done.text, [one.summary for one in done.adopted], done.left) == (after, [summary], ())


@pytest.mark.parametrize(
    ("type_", "item", "observed", "why"),
    [
        ("services", "{name: a, state: running}", MISSING, "no such unit"),
        ("packages", "{name: a}", packages(), "removed: it does not exist any more"),
        ("files", "{path: a, mode: '0644'}", Missing(), "no such file"),
        (
            "files",
            "{path: a, mode: '0644'}",
            FILE._replace(mode=0o040755),
            "it does not exist any more",
        ),
    ],
)
def test_what_is_gone_is_removed(type_: str, item: str, observed: Any, why: str) -> None:
    name = {"services": "a.service", "packages": "a", "files": "/a"}[type_]
    other = {
        "services": "{name: b, state: running}",
        "packages": "{name: b}",
        "files": "{path: /b}",
    }[type_]
    fine = {"services": UP, "packages": packages("1"), "files": FILE}[type_]
    text = f"{HEAD}{type_}:\n# of a\n- {item.replace('path: a', 'path: /a')}\n\n# of b\n- {other}\n"
    done = adopted(text, {type_: {name: observed, name.replace("a", "b", 1): fine}})
    assert done.text == f"{HEAD}{type_}:\n# of b\n- {other}\n"
    assert why in done.adopted[0].summary


def test_the_last_of_a_section_takes_it_along() -> None:
    assert adopted(f"{HEAD}sysctl:\n  vm.x: '1'\n", {"sysctl": {"vm/x": None}}).text == HEAD


def test_sysctl() -> None:
    text = f"{HEAD}sysctl:\n  vm/x: '1'   # why\n  vm.y: \"2\"\n  vm.z: '3'\n"
    done = adopted(
        text, {"sysctl": {"vm/x": "4\t5", "vm/y": "no", "vm/z": NotObserved("permission denied")}}
    )
    assert done.text == text.replace("'1'", '"4\\t5"').replace('"2"', '"no"')
    assert [(left.item.name, left.why) for left in done.left] == [
        ("vm.z", "unknown: permission denied")
    ]
    assert adopted(text, {"sysctl": {"vm/x": "1", "vm/y": "2", "vm/z": "3"}}) == Adoption(
        text, (), ()
    )


@pytest.mark.parametrize(
    ("declared", "observed", "new"),
    [
        ("mode: '0600', owner: root", FILE, "mode: '0644', owner: root"),
        ("content: \"hello!\\n\", mode: '0644'", FILE, f"mode: '0644', sha256: {HASH}"),
        (f"sha256: {'f' * 64}", FILE, f"sha256: {HASH}"),
        ("owner: '8'", FILE, "owner: '0'"),
        ("owner: root, group: adm", FILE, "owner: root, group: root"),
        ("owner: root", FILE._replace(uid=1007, user=None), 'owner: "1007"'),
        ("owner: root", FILE._replace(uid=1007, user="a:b"), 'owner: "1007"'),
    ],
)
def test_files(declared: str, observed: File, new: str) -> None:
    text = f"{HEAD}files:\n- {{path: //a, {{}}}}\n"
    before, after = (text.replace("{}", fields) for fields in (declared, new))
    assert adopted(before, {"files": {"/a": observed}}).text == after


@pytest.mark.parametrize(
    ("declared", "observed", "new"),
    [
        (", version: '1'", packages("2"), ", version: '2'"),
        (", state: absent", packages("2"), ", state: present"),
        (", state: present, version: '1'", packages("1:2-3"), ", state: present, version: '1:2-3'"),
    ],
)
def test_packages(declared: str, observed: Package, new: str) -> None:
    text = f"{HEAD}packages:\n- {{name: vim{declared}}}\n"
    assert (
        adopted(text, {"packages": {"vim": observed}}).text
        == f"{HEAD}packages:\n- {{name: vim{new}}}\n"
    )


def test_bytes_that_no_file_can_hold() -> None:
    text = f"{HEAD}sysctl: {{vm.x: '1', vm.y: '2'}}\nfiles: [{{path: /a, owner: root}}]\n"
    observed: dict[str, dict[str, Any]] = {
        "sysctl": {"vm/x": "\udcff", "vm/y": "3"},
        "files": {"/a": FILE._replace(uid=7, user="\udcff")},
    }
    done = adopted(text, observed)
    assert done.text == text.replace("'2'", "'3'").replace("owner: root", 'owner: "7"')
    assert [left.item.name for left in done.left] == ["vm.x"]


def test_one_item_of_many() -> None:
    text = f"{HEAD}sysctl: {{vm.x: '1', vm.y: '2'}}\n"
    assert adopted(
        text, {"sysctl": {"vm/x": "3", "vm/y": "4"}}, frozenset(("vm.y",))
    ).text == text.replace("'2'", "'4'")


def test_what_takes_a_person_holds_up_nothing_else() -> None:
    text = f"{HEAD}sysctl: {{vm.x: &x '1', vm.y: *x, vm.z: '5'}}\n"
    done = adopted(text, {"sysctl": {"vm/x": "1", "vm/y": "4", "vm/z": "6"}})
    assert done.text == text.replace("'5'", "'6'")
    assert [left.item.name for left in done.left] == ["vm.y"]
    assert "by hand" in done.left[0].why


UFW = f"{HEAD}firewall:\n  enabled: true\n  default_incoming: deny\n  rules:\n  # ssh\n  - {{port: 22, proto: tcp, action: allow}}\n"


def firewall(text: str, case: str) -> Adoption:
    answer = (RECORDINGS / case / "section").read_bytes()
    return adopted(text, {"firewall": resource("firewall").parse(answer)})


def test_a_firewall_that_opens_more_than_is_declared() -> None:
    done = firewall(f"{UFW}  exclusive: true\n", "ufw/list")
    assert done.text == (
        f"{UFW}  - {{port: 80, proto: tcp, action: allow}}\n  - {{port: 443, proto: tcp, action: allow}}\n  exclusive: true\n"
    )
    assert [one.summary for one in done.adopted] == ["2 added to rules"]


def test_only_rules_that_open_something_are_added() -> None:
    text = f"{UFW}  exclusive: true\n".replace("port: 22", "port: 23")
    done = firewall(text, "ufw/deny-and-reject")
    assert done.text == text.replace(
        "  # ssh\n  - {port: 23, proto: tcp, action: allow}\n",
        "  - {port: 22, proto: tcp, action: allow}\n",
    )


@pytest.mark.parametrize(
    ("edits", "why"),
    [
        ((Put(("sysctl", "vm.x"), "7"),), "it would still be drift: None"),
        (
            (Put(("sysctl", "vm.x"), "2"), Put(("sysctl", "vm.z"), "7")),
            "what would be added is not compliant",
        ),
    ],
)
def test_what_turns_out_not_to_hold_is_not_adopted(
    monkeypatch: pytest.MonkeyPatch, edits: tuple[Edit, ...], why: str
) -> None:
    def alone(_: object, result: Result, path: tuple[str, ...], *__: object) -> Adopted:
        return Adopted(result.item, edits if path[-1] == "vm.x" else (Put(path, "3"),), "")

    monkeypatch.setattr("power_edge.reconcile.adopt.adopt_item", alone)
    text = f"{HEAD}sysctl: {{vm.x: '1'}}\npackages: [{{name: a, version: '1'}}]\n"
    done = adopted(text, {"sysctl": {"vm/x": "2", "vm/z": "8"}, "packages": {"a": packages("1")}})
    assert (done.text, done.adopted, [left.why for left in done.left]) == (text, (), [why])


def test_a_default_that_makes_rules_open_something() -> None:
    text = f"{UFW}  exclusive: true\n"
    done = firewall(text.replace("default_incoming: deny", "default_incoming: allow"), "ufw/list")
    assert done.text == text.replace(
        "  exclusive",
        "  - {port: 80, proto: tcp, action: allow}\n  - {port: 443, proto: tcp, action: allow}\n  exclusive",
    )
    assert [one.summary for one in done.adopted] == [
        "allow -> deny, and so exclusive: 2 added to rules"
    ]


def test_rules_that_hold_when_another_goes() -> None:
    text = f"{UFW}  - {{port: 80, proto: tcp, action: deny}}\n  - {{port: 443, proto: tcp, action: allow}}\n  exclusive: true\n"
    done = firewall(text, "ufw/list")
    assert done.text == text.replace("action: deny", "action: allow")
    assert [one.summary for one in done.adopted] == [
        "action: deny -> allow",
        "it is compliant with the other adopted items",
    ]


def test_rules_that_are_gone_and_fields_that_differ() -> None:
    text = (
        UFW.replace("default_incoming: deny", "default_incoming: reject")
        + "  - {port: 99, proto: tcp, action: allow} # gone\n"
    )
    done = firewall(text, "ufw/list")
    assert done.text == UFW
    assert [one.summary.partition(":")[0] for one in done.adopted] == ["reject -> deny", "removed"]


@pytest.mark.parametrize(
    ("declared", "observed"),
    [
        (
            "{port: 22, proto: tcp, action: allow, from: 10.0.0.0/8, comment: ours}",
            "{port: 22, proto: tcp, action: allow, from: any, comment: ours}",
        ),
        (
            "{comment: ours, action: deny, proto: tcp, port: 22}",
            "{comment: ours, action: allow, proto: tcp, port: 22}",
        ),
        (
            "{port: 22, proto: tcp, to: any, action: reject}  # ours",
            "{port: 22, proto: tcp, to: any, action: allow}  # ours",
        ),
    ],
)
def test_a_rule_that_differs(declared: str, observed: str) -> None:
    text = UFW.replace("{port: 22, proto: tcp, action: allow}", "{}")
    assert firewall(text.replace("{}", declared), "ufw/basic-22-tcp").text == text.replace(
        "{}", observed
    )


def test_the_probe_hashes_a_declared_content() -> None:
    state = load_state(
        f"{HEAD}files: [{{path: /a, content: x}}, {{path: /b}}]\nsysctl: {{vm.x: '1'}}\n".encode(),
        "f",
        "n",
    )
    node = widened(Node(name="n", path=Path("/n"), state=state))
    assert {"*,,2d711642:::/a", "-:::/b"} <= {
        argument for section in script_for(node).sections for argument in section.arguments
    }


units = st.builds(
    Unit,
    st.just("a.service"),
    st.sampled_from(["loaded", "masked", "not-found", "bad-setting"]),
    st.sampled_from(["active", "inactive", "failed", "activating", "reloading", "deactivating"]),
    st.sampled_from(["running", "dead", "exited", "auto-restart", "failed"]),
    st.sampled_from(
        ["enabled", "disabled", "static", "masked", "generated", "enabled-runtime", "linked", ""]
    ),
    st.sampled_from(["simple", "oneshot", None]),
    remains=st.booleans(),
    queued=st.booleans(),
    triggers=st.lists(
        st.builds(
            Trigger,
            st.sampled_from(["a.socket", "a.timer"]),
            st.booleans() | st.none(),
            st.booleans(),
        ),
        max_size=2,
    ).map(tuple),
    pullers=st.lists(
        st.builds(
            Puller,
            st.just("multi-user.target"),
            st.sampled_from(["disk", "runtime"]),
            st.booleans(),
        ),
        max_size=1,
    ).map(tuple),
)
declarations = st.sampled_from(
    [
        "state: running",
        "state: stopped",
        "state: disabled",
        "enabled: true",
        "enabled: false",
        "state: running, enabled: true",
        "state: stopped, enabled: false",
        "state: running, enabled: false",
        "state: disabled, optional: true",
    ]
)


@settings(deadline=None)
@given(declarations, units)
def test_any_unit_is_true_afterwards_or_left_or_gone(declared: str, unit: Unit) -> None:
    text = f"{HEAD}services:\n- {{name: a, {declared}}}\n"
    (item,) = load_state(text.encode(), "f", "n").items
    before = judge(resource("services"), item, {"a.service": unit}).outcome
    done = adopted(text, {"services": {"a.service": unit}})
    assert bool(done.adopted) + bool(done.left) == (before is not Outcome.COMPLIANT)
    assert not done.adopted or before is Outcome.DRIFT
    assert (done.text == HEAD) == (bool(done.adopted) and unit.missing)


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.DRIFT])
def test_what_would_not_be_compliant_is_left_alone(
    outcome: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The new text is judged again, whatever the edits were; unknown is not compliant."""
    written: list[Item] = []

    def loaded(*arguments: Any) -> State:
        state = load_state(*arguments)
        written.extend(state.items)
        return state

    def judged(kind: Any, item: Any, observed: Any) -> Result:
        result = judge(kind, item, observed)
        new = item.name == "a" and any(item is each for each in written)
        return result._replace(outcome=outcome, why="a reason") if new else result

    monkeypatch.setattr("power_edge.reconcile.adopt.load_state", loaded)
    monkeypatch.setattr("power_edge.reconcile.adopt.judge", judged)
    text = f"{HEAD}services:\n- {{name: a, state: running}}\n- {{name: b, state: running}}\n"
    done = adopted(text, {"services": {"a.service": DOWN, "b.service": DOWN}})
    assert done.text == text.replace("name: b, state: running", "name: b, state: stopped")
    assert [one.item.name for one in done.adopted] == ["b"]
    assert [(one.item.name, one.why) for one in done.left] == [
        ("a", f"it would still be {outcome.value}: a reason")
    ]
