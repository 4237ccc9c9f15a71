"""The script of mends, run as a whole on a node with drifts of all types."""

import sys
from pathlib import Path

import pytest

from tests.support.lab.checking import check, declare
from tests.support.lab.nodes import Lab

POWER_EDGE = str(Path(sys.executable).with_name("power-edge"))
pytestmark = pytest.mark.lab

DRIFT = """
systemctl disable --now cron
sysctl -qw net.ipv4.ip_forward=0
mkdir -p /etc/app; echo x >/etc/app/one; chmod 666 /etc/app/one; echo x >"/etc/app/it's \\$(two)"
chmod 666 "/etc/app/it's \\$(two)"
ufw --force reset >/dev/null; ufw disable >/dev/null
"""
STATE = {
    "packages": [{"name": "sl-none", "state": "absent"}],
    "services": [{"name": "cron", "state": "running", "enabled": True}],
    "sysctl": {"net.ipv4.ip_forward": "1"},
    "files": [
        {"path": "/etc/app/one", "mode": "0600"},
        {"path": "/etc/app/it's $(two)", "mode": "0600"},
    ],
    "firewall": {
        "enabled": True,
        "default_incoming": "deny",
        "rules": [
            {"port": 22, "proto": "tcp", "action": "allow"},
            {"port": 443, "proto": "tcp", "action": "allow"},
        ],
    },
}


def test_a_node_is_compliant_after_its_script(lab: Lab, tmp_path: Path) -> None:
    with lab.node("drifting") as node:
        node.sh(DRIFT)
        declare(tmp_path, node, STATE)
        before = check(lab, "--node=drifting", "--mend-script=mends.sh", folder=tmp_path)
        assert before.status == 1
        wrong = {
            item for item, outcome in before.outcomes("drifting").items() if outcome == "drift"
        }
        assert {item.partition("[")[0] for item in wrong} >= {
            "services", "sysctl", "files", "firewall",
        }  # fmt: skip
        text = (tmp_path / "mends.sh").read_text()
        printed = lab.run(
            *(POWER_EDGE, "mends", "drifting", f"--ssh-config={lab.ssh_config}"), cwd=tmp_path
        )
        assert printed.stdout == text
        node.write("/root/mends.sh", text)
        ran = node.run("sh", "/root/mends.sh", check=False)
        assert ran.returncode == 0, ran.stderr
        # Over ssh: it still gets in.
        after = check(lab, "--node=drifting", "--mend-script=none.sh", folder=tmp_path)
        assert set(after.outcomes("drifting").values()) == {"compliant"}, after.output
        assert after.status == 0
        assert "# No drift was found." in (tmp_path / "none.sh").read_text()
