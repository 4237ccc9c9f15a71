"""What was tried against Power Edge, and the test of each: first what did not hold then, and does
now; then what was found since; then what held.
"""

import ast
import os
import subprocess
import sys
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import pytest
import yaml

from power_edge import package_data
from tests.support import answers
from tests.support.hostile.values import unobeyed
from tests.support.project import Project, identity_of

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]
CHECKOUT = {"PYTHONPATH": str(package_data.folder("probes").parent / "plugins")}
NAME = "größe"

DID_NOT_HOLD: Mapping[str, tuple[str, ...]] = {
    "a file names a backend that runs programs here (ansible)": (
        "tests/config/test_node.py::test_urls_of_backends",
        "tests/probing/test_connection.py::test_ways_that_lead_nowhere",
    ),
    "a link below node-configs/ is written through": (
        "tests/config/test_links.py::test_nothing_is_written_through_a_link",
    ),
    "a link leads to a secret, which messages quote": (
        "tests/config/test_links.py::test_a_link_that_leads_out_is_refused_unread",
    ),
    "a value of a file is obeyed by a terminal or a runner": (
        "tests/hostile/test_configurations.py::test_validate",
        "tests/hostile/test_configurations.py::test_runs",
        "tests/hostile/test_commands.py::test_an_identity",
    ),
    "so is the name of a folder": (
        "tests/config/test_node.py::test_names_of_nodes",
        "tests/hostile/test_commands.py::test_arguments_and_folders",
        "tests/hostile/test_names.py::test_own_tests",
    ),
    "a node hangs, and ssh is left behind": (
        "tests/probing/test_process.py::test_nothing_outlives_a_parent_that_is_killed",
        "tests/lab/test_ends.py::test_a_deadline_leaves_no_ssh",
    ),
    "an endless answer": (
        "tests/probing/test_process.py::test_an_endless_answer_is_cut_and_its_command_ended",
        "tests/checking/test_bounds.py::test_an_answer_without_end_is_cut",
    ),
    "a ruleset that takes for ever": (
        "tests/resources/firewall/test_limits.py::test_the_verdict_of_an_item_is_the_same_alone_and_beside_any_others",
    ),
    "a rename that fails in the middle of a set": (
        "tests/test_atomic_file.py::test_a_rename_that_fails_is_as_if_nothing_was_written",
    ),
    "two commands write one folder": (
        "tests/config/test_links.py::test_one_command_waits_for_another_and_looks_again",
    ),
    "stderr of a node with a command where a line wraps": (
        "tests/test_text.py::test_nothing_is_obeyed_wherever_a_line_is_wrapped",
        "tests/hostile/test_answers.py::test_runs",
        "tests/hostile/test_commands.py::test_no_answer",
    ),
    "by hand, a machine's words reach the terminal": (
        "tests/hostile/test_by_hand.py::test_about",
        "tests/hostile/test_by_hand.py::test_identity",
        "tests/hostile/test_by_hand.py::test_discovery",
    ),
    "files in the home folder of another": (
        "tests/hostile/test_what_was_tried.py::test_odd_surroundings",
    ),
    "a run that is killed leaves files behind": (
        "tests/test_atomic_file.py::test_a_run_that_is_killed_leaves_whole_files_and_the_next_one_tidies_up",
    ),
    "too few open files": (
        "tests/probing/test_transport.py::test_as_many_nodes_are_asked_at_once_as_files_may_be_open",
        "tests/checking/test_bounds.py::test_nodes_wait_for_a_turn_where_few_files_may_be_open",
    ),
    "the operator's ssh keeps a master": (
        "tests/probing/test_ssh_options.py::test_a_connection_of_the_operator_is_neither_used_nor_kept",
    ),
    "a password in a message": (
        "tests/probing/test_connection.py::test_no_message_has_a_password",
    ),
    "a tag in an id, which pytest-html shows as it is": (
        "tests/test_text.py::test_an_id_begins_no_tag",
        "tests/hostile/test_configurations.py::test_reports",
        "tests/hostile/test_names.py::test_reports_of_own_tests",
    ),
    "folders that everybody may write": (
        "tests/test_atomic_file.py::test_without_a_umask_nobody_else_may_write",
    ),
    "ps shows the script": ("tests/lab/test_ends.py::test_ps_shows_nothing_of_the_script",),
}
FOUND_LATER: Mapping[str, tuple[str, ...]] = {
    "text that takes hours to be made printable": (
        "tests/test_text.py::test_a_megabyte_of_beginnings_of_commands",
    ),
    "judging without end in a watch": (
        "tests/checking/test_cpu_limit.py::test_work_without_end_is_ended_in_any_thread",
    ),
    "a number that Python does not read": (
        "tests/resources/sysctl/test_sysctl.py::test_a_number_without_end_is_no_number_of_the_kernel",
    ),
    "the event log and the pages of a watch, on a terminal": (
        "tests/hostile/test_watch.py::test_transitions",
        "tests/hostile/test_watch.py::test_pages",
        "tests/hostile/test_watch.py::test_metrics",
    ),
    "a page of the web asks a watch (DNS rebinding)": (
        "tests/watch/outputs/test_serve.py::test_a_page_of_the_web_does_not_get_through_by_a_name_of_its_own",
    ),
    "clients that ask for much and take nothing": (
        "tests/watch/outputs/test_serve.py::test_answers_that_nobody_takes_have_a_limit_together",
    ),
    "a server in place of a watch": (
        "tests/cli/test_status.py::test_an_answer_that_comes_byte_by_byte_has_a_deadline",
        "tests/cli/test_status.py::test_what_is_shown_has_a_limit",
        "tests/cli/test_status.py::test_what_is_no_watch",
    ),
    "a user of the machine claims what systemd would say": (
        "tests/watch/sources/test_dbus.py::test_what_somebody_claims_of_a_unit_hides_nothing_that_systemd_says",
    ),
    "a user of the machine keeps the watch from the audit rules": (
        "tests/watch/sources/test_auditd.py::test_no_other_user_can_keep_a_watch_from_the_rules",
    ),
    "what any command shows, in each of its forms": (
        "tests/hostile/test_every_command.py::test_each_command_is_tried",
        "tests/hostile/test_every_command.py::test_every_command",
    ),
    "a field or type that the mutated answers leave out": (
        "tests/fuzz/test_answers.py::test_each_field_of_each_type_is_declared",
    ),
    "a role that demands an impossible parameter": (
        "tests/config/test_roles.py::test_a_parameter_that_cannot_hold_stands_beside_no_other",
    ),
    "a key too long for readers of YAML": (
        "tests/yaml_edit/test_writer.py::test_a_key_of_any_length_is_one",
    ),
    "temporary folders of a gate or a promotion that is killed": (
        "tests/test_atomic_file.py::test_a_scratch_folder_is_for_its_user_alone_and_does_not_outlive_a_killed_run",
        "tests/test_atomic_file.py::test_a_scratch_folder_of_another_user_stays",
    ),
    "git, ssh-keygen and ssh of commands that end": (
        "tests/cli/test_ends.py::test_nothing_is_left_and_the_terminal_is_as_it_was",
    ),
    "the gate's reports, the mend script and units under kill and full disks": (
        "tests/crash/test_crash.py::test_whatever_fails_files_are_old_or_new_and_the_next_run_tidies_up",
    ),
    "the event log and the textfile of a watch, and the files of a release, under kill and full disks": (
        "tests/crash/test_watch.py::test_the_event_log_has_whole_lines_and_the_textfile_is_old_or_new",
        "tests/crash/test_releases.py::test_a_release_is_whole_or_absent_and_the_next_run_finishes_it",
        "tests/crash/test_all_commands.py::test_the_others_write_nothing",
    ),
    "a line of the event log that was torn by a power cut": (
        "tests/watch/outputs/test_event_log.py::test_what_a_watch_leaves_that_is_killed_while_it_writes_is_no_line",
    ),
    "a file of a release that is no wheel": (
        "tests/fuzz/test_releases.py::test_no_file_breaks_verify_and_none_that_was_changed_is_verified",
    ),
    "a password in the address of a server of repositories": (
        "tests/hostile/test_passwords.py::test_no_message_about_the_server_of_a_repository_shows_one",
    ),
    "a checkout in a folder whose name a terminal obeys": (
        "tests/hostile/test_names.py::test_the_folder_of_a_checkout",
    ),
    "node-configs is a link": (
        "tests/hostile/test_commands.py::test_a_node_configs_that_is_a_link_is_followed_and_where_it_leads_is_said",
    ),
    "names that look like others": (
        "tests/config/test_node.py::test_names_of_nodes",
        "tests/hostile/test_commands.py::test_no_node_is_made_whose_name_is_another_s_but_for_case",
        "tests/hostile/test_commands.py::test_names_that_differ_in_case_alone_are_reported",
    ),
}
HELD: Mapping[str, tuple[str, ...]] = {
    "options of ssh in host, user, port and url": (
        "tests/hostile/test_what_was_tried.py::test_options_of_ssh",
        "tests/config/test_node.py::test_bad_connections",
        "tests/probing/test_connection.py::test_ways_that_lead_nowhere",
    ),
    "bombs, depth and huge numbers in YAML": (
        "tests/config/test_yaml_reader.py::test_a_bomb_of_aliases",
        "tests/config/test_yaml_reader.py::test_deep_nesting",
        "tests/config/test_yaml_reader.py::test_a_huge_file",
        "tests/fuzz/test_configurations.py::test_no_file_breaks_a_run",
    ),
    "FIFOs and devices": ("tests/config/test_node.py::test_what_is_no_regular_file",),
    "answers that are cut, damaged, of another, or old": (
        "tests/probing/test_damage.py::test_each_byte",
        "tests/probing/test_framing.py::test_cut_at_every_byte",
        "tests/fuzz/test_answers.py::test_what_was_cut_moved_or_glued_is_not_compliant",
    ),
    "mutated answers": ("tests/fuzz/test_answers.py::test_no_answer_breaks_a_run",),
    "reports under kill and full disks": (
        "tests/test_atomic_file.py::test_what_goes_wrong_leaves_the_old_file_and_nothing_beside_it",
    ),
    "odd HOME, LANG, TZ and umask": (
        "tests/hostile/test_what_was_tried.py::test_odd_surroundings",
    ),
    "no machine-id in a report": (
        "tests/hostile/test_what_was_tried.py::test_no_report_has_an_identifier_of_the_machine",
    ),
}


@pytest.mark.parametrize(
    "test",
    sorted(
        {
            test
            for kind in (DID_NOT_HOLD, FOUND_LATER, HELD)
            for tests in kind.values()
            for test in tests
        }
    ),
)
def test_the_tests_are_there(test: str) -> None:
    file, _, name = test.partition("::")
    tree = ast.parse((ROOT / file).read_text())
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


OPTION = "-oProxyCommand=touch pwned"


@pytest.mark.parametrize(
    "connection",
    [
        {"ssh": {"host": OPTION}},
        {"ssh": {"host": "rig", "user": OPTION}},
        {"ssh": {"host": f"rig {OPTION}"}},
        {"ssh": {"host": "rig", "user": f"joe {OPTION}"}},
        {"ssh": {"host": "rig\n", "user": "joe"}},
        {"ssh": {"host": "rig", "port": OPTION}},
        {"ssh": {"host": "rig", "port": "22"}},
        {"url": f"ssh://{OPTION}"},
        {"url": "ssh://-oProxyCommand=id"},
        {"url": f"ssh://joe@{OPTION}"},
        {"url": "ssh://%2DoProxyCommand=id"},
        {"url": "ssh://joe@rig;touch pwned"},
        {"url": "ssh://$(touch pwned)"},
        {"url": "ssh://rig?ssh_config=/tmp/x"},
        {"url": "ssh://rig?ssh_extra_args=-oProxyCommand%3Did"},
        {"url": "docker://-v"},
        {"url": "kubectl://pod?kubeconfig=/tmp/x"},
    ],
)
def test_options_of_ssh(
    project: Project, connection: Mapping[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """None of them starts anything here: the file is refused, or the way, before a process is."""

    def execute(*_: object) -> None:
        raise AssertionError("a process was started")

    monkeypatch.setattr("power_edge.probing.transport.execute", execute)
    (project.node("rig") / "connection.yaml").write_text(yaml.safe_dump(connection))
    result = project.run("--node=rig", nodes=())
    unobeyed(result.stderr.str())
    assert result.ret == 4


SURROUNDINGS: Mapping[str, Mapping[str, str | None]] = {
    "as it is": {},
    "no home, no language": {"HOME": None, "LANG": None, "LC_ALL": "C", "PATH": "/nonexistent"},
    "a home and a language that are not there": {
        "HOME": "/nonexistent",
        "LANG": "tlh_KL.UTF-8",
        "LC_ALL": "tlh_KL",
        "TZ": ":/etc/passwd",
    },
    "a home that is a file, Turkish": {
        "HOME": "/etc/passwd",
        "LANG": "tr_TR.UTF-8",
        "LC_ALL": "tr_TR.UTF-8",
        "TZ": "XXX+23:59:59",
    },
    "ASCII alone, no terminal": {
        "PYTHONIOENCODING": "ascii",
        "TERM": "dumb",
        "COLUMNS": "1",
        "LINES": "0",
    },
}


@pytest.mark.shell
@pytest.mark.parametrize("surroundings", SURROUNDINGS.values(), ids=SURROUNDINGS)
def test_odd_surroundings(project: Project, surroundings: Mapping[str, str | None]) -> None:
    """The verdict is the same, nothing is made in the home folder, and what is written nobody else
    need be let read.
    """
    project.node(
        NAME,
        {"vm.swappiness": "60", "kernel.panic": "1"},
        {"vm.swappiness": "60", "kernel.panic": "0"},
    )
    home = project.path / "home"
    home.mkdir()
    (project.path / "out").mkdir()
    given = {**os.environ, **CHECKOUT, "HOME": str(home), **surroundings}
    environment = {name: value for name, value in given.items() if value is not None}
    reports = (
        "--junitxml=out/junit.xml",
        "--prometheus-textfile=out/edge.prom",
        "--json-report",
        "--json-report-file=out/report.json",
    )
    pytest_ = (
        "-m",
        "pytest",
        "-p",
        "no:cacheprovider",
        f"--node={NAME}",
        f"--answers={project.answers[NAME]}",
        *reports,
    )
    for arguments, status in (
        (pytest_, 1),
        (("-c", "from power_edge.cli import main; main()", "validate"), 0),
    ):
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=project.path,
            env=environment,
            umask=0o077,
            capture_output=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        output = (done.stdout + done.stderr).decode("utf-8", "backslashreplace")
        assert done.returncode == status, output
        unobeyed(output)
        assert "Traceback" not in output
        assert "gr" in output
    assert sorted(each.name for each in (project.path / "out").iterdir()) == [
        "edge.prom",
        "junit.xml",
        "report.json",
    ]
    assert not [*home.iterdir()]


UUID = "4c4c4544-0035-3510-8053-b8c04f4d3732"
SERIAL = "CN7475141I0123"


@pytest.mark.parametrize("matches", [True, False])
def test_no_report_has_an_identifier_of_the_machine(project: Project, matches: bool) -> None:
    machine = answers.MACHINE if matches else answers.OTHER
    identity = identity_of(answers.MACHINE)
    identity["identifiers"] |= {"dmi_product_uuid": UUID, "dmi_board_serial": SERIAL}
    readings = [
        ("machine-id", "ok", answers.digest(machine)),
        ("board-serial", "ok", sha256(f"linux:{SERIAL}".encode()).hexdigest()),
        ("product-uuid", "ok", answers.digest(UUID)),
    ]
    folder = project.node(
        "rig", identity=identity, readings=readings, gate="open" if matches else "wrong"
    )
    (folder / "test_own.py").write_text("def test_it(node): assert node.name == 'b'\n")
    reports = (
        "--junitxml=out/junit.xml",
        "--prometheus-textfile=out/edge.prom",
        "--json-report",
        "--json-report-file=out/report.json",
    )
    result = project.run(
        "--node=rig",
        "-vv",
        "-rA",
        "--tb=long",
        *reports,
        "--html=out/report.html",
        "--self-contained-html",
    )
    assert result.ret == (1 if matches else 12)
    outputs = [
        result.stdout.str(),
        result.stderr.str(),
        *(file.read_text() for file in (project.path / "out").iterdir()),
    ]
    assert len(outputs) == 6
    for secret in (machine, answers.MACHINE, UUID, SERIAL):
        assert not [output for output in outputs if secret.lower() in output.lower()]
