"""Makes `pytest --node=NAME` work in a checkout that is not installed."""

import sys

# pytest refuses `pytest_plugins` in a conftest.py below the folder that a run starts in, as with
# --node-configs=/srv/power-edge/node-configs from /. An installed plugin is loaded already.
if "power_edge.pytest_plugin" not in sys.modules:
    pytest_plugins = ["power_edge.pytest_plugin"]
