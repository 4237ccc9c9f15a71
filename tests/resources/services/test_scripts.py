"""Which scripts start a unit that is declared to be down, by the lines that name it."""

import subprocess
from pathlib import Path

import pytest

from power_edge import package_data

BODY = "".join(
    package_data.text(f"probes/lib/services/{name}.sh") for name in ("generators", "scripts")
)
SAY = "say() { printf '%s\\n' \"$@\"; }\nnewline='\n'\nlinks=''\n"


def wakes(root: Path, place: str, text: str, first: str = "", **others: str) -> list[str]:
    """Return what is found about nginx.service and a.timer, where this file has this text.
    `first`: what the shell does before it looks. `others`: further files by their paths, with `__`
    in place of `/`.
    """
    for name, content in others.items():
        file = root / name.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    (root / place).parent.mkdir(parents=True, exist_ok=True)
    (root / place).write_text(f"#!/bin/sh\n{text}\n")
    declared = (
        "nginx.service boot down\na.timer boot down\nm\\x2dn.mount boot down\nssh.service boot up"
    )
    ran = subprocess.run(
        ["sh", "-c", f"{SAY}{BODY}\n{first}\ndeclared='{declared}'\nstarted_by_scripts"],
        env={"PATH": "/usr/bin:/bin"},
        stdin=subprocess.DEVNULL,
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
        timeout=50,
    )
    return ran.stdout.splitlines()


@pytest.mark.shell
@pytest.mark.parametrize(
    "line",
    [
        "systemctl start nginx",
        "systemctl restart nginx.service",
        "systemctl enable --now nginx",
        "systemctl --now enable nginx",
        "systemctl reload-or-restart nginx",
        "service nginx start",
        "/etc/init.d/nginx restart",
        "/usr/sbin/invoke-rc.d nginx start",
        "U=nginx; systemctl start $U",
        "for u in\\\n nginx\ndo\n systemctl start $u; done",
        "systemctl \\\n start nginx",
        'A=start; systemctl "$A" nginx',
        "echo nginx | xargs systemctl start",
        '"systemctl" "start" "nginx"',
        "systemctl preset --now nginx",
        "busctl call a b c StartUnit ss nginx.service replace",
        "dbus-send --dest=a b c.RestartUnit string:nginx.service string:replace",
        "busctl call a b c EnqueueUnitJob sss nginx.service start replace",
        "busctl call a /org/freedesktop/systemd1/unit/nginx_2eservice c.Unit Start s replace",
        "systemd-run --on-active=30 --unit=nginx",
        "systemd-run -p Wants=nginx.service true",
        "systemctl restart 'ngin*'",
        "systemctl restart ng?nx.service",
        "cd /etc/init.d && ./nginx start",
        "cd /etc/init.d\n./nginx start",
        "CTL=/bin/systemctl\n$CTL start nginx",
        "alias ctl=systemctl\nctl start nginx",
        'run([\n "systemctl",\n "start",\n "nginx",\n])',
    ],
)
def test_a_line_that_starts_a_unit(tmp_path: Path, line: str) -> None:
    assert wakes(tmp_path, "etc/rc.local", line) == ["wakes /etc/rc.local nginx.service"]


@pytest.mark.shell
@pytest.mark.parametrize(
    "line",
    [
        "systemctl stop nginx",
        "systemctl try-restart nginx",
        "systemctl disable --now nginx",
        "systemctl enable nginx",  # it is up after the boot after the next one
        "# systemctl start nginx",
        "/etc/init.d/nginx reload",
        "systemctl start ssh",
        "systemctl start a",  # a.service
        "U=nginx; systemctl stop $U",
        "U=nginx; systemctl try-restart $U",
        "# nginx\nsystemctl start $U",
        "U=nginx\nsystemctl start ssh",
        "a --skip-systemctl-redirect nginx start",
        "busctl call a b c TryRestartUnit ss nginx.service replace",
        "apt-get install nginx; start",
        "systemd-run nginx -t",
        "systemctl restart 'ss*'",
        "case $1 in\n*) systemctl start ssh ;;\nesac",
        "cd /etc/init.d\n./nginx stop",
    ],
)
def test_a_line_that_starts_no_unit_that_is_to_be_down(tmp_path: Path, line: str) -> None:
    assert wakes(tmp_path, "etc/rc.local", line) == []


@pytest.mark.shell
@pytest.mark.parametrize(
    "place",
    [
        "etc/cron.daily/web",
        "etc/logrotate.d/web",
        "etc/letsencrypt/renewal-hooks/deploy/web",
        "etc/letsencrypt/renewal/example.org.conf",
        "var/spool/cron/crontabs/root",
        "etc/ssh/sshrc",
        "etc/pam.d/sshd",
        "root/.profile",
        "etc/nut/upssched-cmd",
        "etc/fail2ban/action.d/web.conf",
        "etc/libvirt/hooks/qemu",
    ],
)
def test_a_script_that_a_clock_or_an_event_runs(tmp_path: Path, place: str) -> None:
    line = "post_hook = systemctl start a.timer"
    assert wakes(tmp_path, place, line) == [f"wakes /{place} a.timer"]


CALLS = {
    "a-script": ("/opt/a.sh", {"opt__a.sh": "systemctl start nginx"}, "/opt/a.sh"),
    "by-its-name": (
        "a.sh >/dev/null",
        {"usr__local__bin__a.sh": "systemctl start nginx"},
        "/usr/local/bin/a.sh",
    ),
    "one-that-calls": (
        "/opt/a.sh",
        {"opt__a.sh": "/opt/b.sh", "opt__b.sh": "systemctl start nginx"},
        "/opt/b.sh",
    ),
    "with-the-name": ("/opt/a.sh nginx", {"opt__a.sh": "systemctl start $1"}, "/opt/a.sh"),
    "with-a-file-of-names": (
        ". /etc/default/a; systemctl start $U",
        {"etc__default__a": "U=nginx"},
        "/etc/rc.local",
    ),
    "by-way-of-two-units": (
        "systemctl start web",
        {
            "etc__systemd__system__b.service": "[Unit]\nWants=nginx.service\n[Service]\nExecStart=web\n",
            "etc__systemd__system__web.service": "[Unit]\nWants=b.service\n",
        },
        "/etc/rc.local",
    ),
    "after-a-word-like-an-option": (
        'tr " " "[/-]"; echo "/-x"; /opt/a.sh',
        {"opt__a.sh": "systemctl start nginx"},
        "/opt/a.sh",
    ),
    "a-trigger": ("systemctl start nginx.socket", {}, "/etc/rc.local"),
}


@pytest.mark.shell
@pytest.mark.parametrize("case", CALLS)
def test_a_script_that_leads_to_one_that_starts_a_unit(tmp_path: Path, case: str) -> None:
    line, files, by = CALLS[case]
    assert wakes(tmp_path, "etc/rc.local", line, **files) == [f"wakes {by} nginx.service"]


@pytest.mark.shell
def test_a_script_that_nothing_calls(tmp_path: Path) -> None:
    files = {"opt__a.sh": "systemctl start nginx", "usr__local__bin__b": "systemctl start nginx"}
    assert wakes(tmp_path, "etc/rc.local", "/opt/a.shell; bb; a/b", **files) == []


@pytest.mark.shell
def test_a_program_that_a_unit_of_its_package_runs_with_its_own_name(tmp_path: Path) -> None:
    files = {"usr__sbin__ctl": "systemctl start $1"}
    unit = "[Service]\nExecStart=/usr/sbin/ctl nginx"
    assert wakes(tmp_path, "usr/lib/systemd/system/a.service", unit, **files) == []
    assert wakes(tmp_path, "etc/systemd/system/a.service", unit) == [
        "wakes /usr/sbin/ctl nginx.service"
    ]


@pytest.mark.shell
def test_a_name_with_a_backslash_as_a_shell_takes_it(tmp_path: Path) -> None:
    for line in ("systemctl start 'm\\x2dn.mount'", 'systemctl start "m\\\\x2dn.mount"'):
        assert wakes(tmp_path, "etc/rc.local", line) == ["wakes /etc/rc.local m\\x2dn.mount"]


@pytest.mark.shell
def test_more_scripts_than_one_command_takes_as_arguments(tmp_path: Path) -> None:
    folder = tmp_path / "etc/cron.d"
    folder.mkdir(parents=True)
    for number in range(1500):
        (folder / f"{'a' * 200}{number}").write_text("systemctl start ssh\n")
    found = wakes(tmp_path, "etc/rc.local", "systemctl start nginx", first="ulimit -s 1024")
    assert found == ["wakes /etc/rc.local nginx.service"]


@pytest.mark.shell
def test_more_programs_of_the_machine_than_a_pattern_can_name(tmp_path: Path) -> None:
    folder = tmp_path / "usr/local/bin"
    folder.mkdir(parents=True)
    for number in range(700):
        (folder / f"{'a' * 200}{number}").touch()
    (folder / "own").write_text("systemctl start nginx\n")
    found = wakes(tmp_path, "etc/rc.local", "own\nsystemctl start a.timer")
    assert "wakes /usr/local/bin nginx.service" in found
    assert "wakes /etc/rc.local a.timer" in found


@pytest.mark.shell
def test_a_script_on_a_server_is_left_alone(tmp_path: Path) -> None:
    files = {"far__a.sh": "systemctl start nginx", "farther__a.sh": "systemctl start a.timer"}
    found = wakes(
        tmp_path, "etc/rc.local", "/far/a.sh\n/farther/a.sh", first="mounts='/far nfs4'", **files
    )
    assert found == ["wakes /farther/a.sh a.timer"]


@pytest.mark.shell
def test_a_link_to_a_file_that_blocks_its_reader(tmp_path: Path) -> None:
    folder = tmp_path / "etc/cron.d"
    folder.mkdir(parents=True)
    (folder / "kmsg").symlink_to("/proc/kmsg")
    found = wakes(tmp_path, "etc/cron.d/z", "systemctl start nginx")
    assert found == ["wakes /etc/cron.d/z nginx.service"]
