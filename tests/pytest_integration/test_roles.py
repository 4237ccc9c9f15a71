"""What identity.yaml demands, in a run: ids, markers, the reason in every report, and selectors."""

import json
from pathlib import Path

import pytest

from power_edge import package_data
from tests.support.project import Project, gate_id, item_id

pytest_plugins = ["pytester"]

IDENTITY = """\
version: "1.0"
node: {hostname: a, tags: [north]}
roles:
- name: edge-router
system_tuning:
  swappiness: 60
"""
FORWARD, FILTER = "net.ipv4.ip_forward", "net.ipv4.conf.all.rp_filter"
DEMANDED = (
    "edge-router routes traffic: net.ipv4.ip_forward must be 1",
    "node-configs/a/identity.yaml:4",
)


@pytest.fixture
def router(project: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Node a declares vm.swappiness, which identity.yaml demands too; the rest it alone demands.

    Forwarding is off. The role has no suite here: test_role_suites.py is about suites.
    """
    real = package_data.folder
    monkeypatch.setattr(
        package_data, "folder", lambda name: real(name) if name != "compliance" else project.path
    )
    observed = {"vm.swappiness": "60", FORWARD: "0", FILTER: "2"}
    declared = {"vm.swappiness": "60", FORWARD: "1", FILTER: "2"}
    folder = project.node("a", declared, observed)
    state = folder / "state.yaml"
    head = state.read_text().partition("sysctl:")[0]
    state.write_text(f'{head}sysctl: {{vm.swappiness: "60"}}\n')
    (folder / "identity.yaml").write_text(IDENTITY)
    return project


def derived_id(name: str) -> str:
    return f"node-configs/a/identity.yaml::sysctl[{name}]"


def test_ids(router: Project) -> None:
    assert router.ids("--node=a") == [
        gate_id("a"),
        item_id("a"),
        derived_id(FORWARD),
        derived_id(FILTER),
    ]
    assert router.ids(derived_id(FORWARD)) == [derived_id(FORWARD)]
    assert router.ids("node-configs/a/identity.yaml") == [derived_id(FORWARD), derived_id(FILTER)]


def test_an_id_of_the_other_file_is_named(router: Project) -> None:
    result = router.run("node-configs/a/identity.yaml::sysctl[vm.swappiness]")
    assert result.ret == 4
    assert f"did you mean {item_id('a')}?" in result.stderr.str()


def test_an_unknown_role_names_the_roles(router: Project) -> None:
    result = router.run("--node=a", "-m", "role_x")
    assert (
        "-m 'role_x' selects no item; there are role_edge_router, role_system_tuning"
        in result.outlines
    )


@pytest.mark.parametrize("option", ["-m", "-k"])
def test_markers(router: Project, option: str) -> None:
    chosen = router.ids("--node=a", "--strict-markers", option, "role_edge_router")
    suite = [each for each in chosen if "::edge-router[" in each]
    assert [each for each in chosen if each not in suite] == [
        derived_id(FORWARD),
        derived_id(FILTER),
    ]


@pytest.mark.parametrize("option", ["-m", "-k"])
def test_a_section_has_a_marker_too(router: Project, option: str) -> None:
    assert router.ids("--node=a", "--strict-markers", option, "role_system_tuning") == [
        item_id("a")
    ]


def test_a_derived_item_is_judged_as_any_other(router: Project) -> None:
    assert router.outcomes("--node=a") == (
        1,
        {
            gate_id("a"): "compliant",
            item_id("a"): "compliant",
            derived_id(FORWARD): "drift",
            derived_id(FILTER): "compliant",
        },
    )


def test_the_reason_is_in_the_terminal(router: Project) -> None:
    result = router.run("--node=a")
    result.stdout.fnmatch_lines(
        [
            "*node-configs/a/identity.yaml:4: drift",
            "*expected  1",
            "*actual    0",
            f"  demand   {DEMANDED[0]}",
            "*(node-configs/a/identity.yaml:4, roles[[]0].name)",
        ]
    )


def test_the_reason_is_in_json(router: Project) -> None:
    _, report = router.report("--node=a")
    by_id = {test["nodeid"]: test["metadata"]["power_edge"] for test in report["tests"]}
    item = by_id[derived_id(FORWARD)]
    assert (item["why"], item["source"]) == DEMANDED
    assert item["reasons"] == [
        {
            "source": DEMANDED[1],
            "path": "roles[0].name",
            "role": "edge-router",
            "reason": DEMANDED[0],
        }
    ]
    both = by_id[item_id("a")]
    assert both["source"].startswith("node-configs/a/state.yaml:")
    assert both["why"].startswith("system_tuning sets how readily the kernel swaps")
    assert [(each["role"], each["path"]) for each in both["reasons"]] == [
        (None, "system_tuning.swappiness")
    ]
    assert "reasons" not in by_id[gate_id("a")]


def test_the_reason_is_in_junit_and_html(router: Project) -> None:
    cases = router.junit("--node=a", "--html=report.html", "--self-contained-html")
    case = cases[("a.sysctl", FORWARD)]
    properties = {each.get("name"): each.get("value") for each in case.iter("property")}
    assert properties["why"] == DEMANDED[0]
    assert json.loads(properties["reasons"] or "")[0]["role"] == "edge-router"
    html = (router.path / "report.html").read_text()
    assert "edge-router decides which sources it believes" in html  # it passed
    assert "edge-router routes traffic" in html


@pytest.mark.shell
def test_a_run_with_workers_is_the_same(router: Project) -> None:
    status, outcomes = router.outcomes("--node=a", "-n1")
    assert (status, outcomes[derived_id(FORWARD)]) == (1, "drift")


def test_a_broken_role_is_found_before_any_node_is_asked(router: Project) -> None:
    folder = router.path / "node-configs" / "roles"
    folder.mkdir()
    (folder / "edge-router.yaml").write_text("name: edge-router\ndescription: x\nrules: [{}]\n")
    result = router.run("--node=a")
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*node-configs/roles/edge-router.yaml:3:9: *"])


def test_items_that_are_unknown_for_one_reason_are_shown_together(project: Project) -> None:
    names = {f"vm.key{number}": "1" for number in range(9)}
    role = "name: keys\ndescription: x\nrules:\n" + "".join(
        f'- item: {{sysctl: {{{name}: "1"}}}}\n  reason: the reason of {name}\n' for name in names
    )
    folder = project.node("a", names, {})
    state = folder / "state.yaml"
    state.write_text(state.read_text().partition("sysctl:")[0])
    (folder / "identity.yaml").write_text(
        'version: "1.0"\nnode: {hostname: a}\nroles: [{name: keys}]\n'
    )
    (folder.parent / "roles").mkdir()
    (folder.parent / "roles" / "keys.yaml").write_text(role)
    project.answer("a", {"sysctl.0": (1, b"", "grep: not found")})
    result = project.run("--node=a")
    assert result.ret == 10
    result.stdout.fnmatch_lines(["a sysctl (9 items) unknown: grep: not found"])


# Selectors.


@pytest.fixture
def fleet(router: Project) -> Project:
    for name, text in (
        ("b", 'version: "1.0"\nnode: {hostname: b, tags: [north, old]}\n'),
        ("c", None),
    ):
        folder = router.node(name)
        if text is not None:
            (folder / "identity.yaml").write_text(text)
    state = router.path / "node-configs" / "c" / "state.yaml"
    state.write_text(state.read_text().replace("here", "there"))
    return router


def nodes_of(project: Project, *arguments: str) -> list[str]:
    ids = project.ids(*arguments, nodes=())
    return list(dict.fromkeys(Path(each.partition("::")[0]).parent.name for each in ids))


@pytest.mark.parametrize(
    ("arguments", "nodes"),
    [
        (["--node-role=edge-router"], ["a"]),
        (["--node-tag=north"], ["a", "b"]),
        (["--node-tag=north", "--node-tag=old"], ["a", "b"]),
        (["--node-tag=old"], ["b"]),
        (["--node-site=there"], ["c"]),
        (["--node-environment=development"], ["a", "b", "c"]),
        (["--node-tag=north", "--node-role=edge-router"], ["a"]),
        (["--node=[bc]", "--node-environment=development"], ["b", "c"]),
        (["--node=[bc]", "--node-tag=north"], ["b"]),
    ],
)
def test_selectors(fleet: Project, arguments: list[str], nodes: list[str]) -> None:
    assert nodes_of(fleet, *arguments) == nodes


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--node-role=edge-routr"], "no node has --node-role='edge-routr' (did you mean edge-router?)"),
        (["--node=b", "--node-role=edge-router"],
         "no node matches all selectors: the nodes given are b; --node-role='edge-router' has a"),
        (["--node=c", "--node-tag=nowhere"], "no node has --node-tag='nowhere'"),
        (["--node-site=zzz"], "no node has --node-site='zzz' (there are here, there)"),
        (["--node-site=there", "--node-tag=north"], "no node matches all selectors: --node-tag='north' has a, b; --node-site='there' has c"),
    ],
)  # fmt: skip
def test_a_selector_without_a_match_is_an_error(
    fleet: Project, arguments: list[str], said: str
) -> None:
    result = fleet.run(*arguments, nodes=())
    assert result.ret == 4
    assert said in result.stderr.str()


def test_a_node_that_cannot_be_read_is_not_passed_over(fleet: Project) -> None:
    (fleet.path / "node-configs" / "b" / "identity.yaml").write_text("{")
    result = fleet.run("--node-role=edge-router", nodes=())
    assert result.ret == 4
    result.stderr.fnmatch_lines(["*node-configs/b/identity.yaml*"])
