"""The machine that commands record and look at, and its node."""

from tests.support.answers import answer, digest, sysctl

_ID = "a5bc498e58b74733905edbb8c8aedf4e"
STATE = 'version: "1.0"\nmetadata: {site: roof, environment: production}  # ours\n'
OPEN = "validation: {require_match: false}\n"
IDENTITY = (
    f"platform: {{os_type: linux}}\nidentifiers: {{primary_id: '{_ID}', id_type: machine-id}}\n"
    f"composite_key: {{key: 'linux:{_ID}', hash: {digest(_ID)}}}\n"
)
ANSWER = answer(
    "stella@rig",
    {
        "identity": IDENTITY.encode(),
        "about.who": b"hostname\trig\n",
        "find.sysctl": b"+vm/swappiness\t/etc/sysctl.d/a.conf sets it\n",
        "sysctl.0": sysctl({"vm.swappiness": "60"}),
    },
    machine=None,
)
CHECKED_ANSWER = answer(
    "rig", {"sysctl.0": sysctl({"kernel.ostype": "Linux"})}, machine=None
).decode()
"""Of the node whose state.yaml declares that."""
