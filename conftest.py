"""Makes `pytest --node=NAME` work in a checkout that is not installed; where it is, this names the
plugin that pytest has loaded already.
"""

pytest_plugins = ["power_edge.pytest_plugin"]
