"""The gate for changes of the configuration: what a change will do to which nodes, and whether the
policy allows it.

It is not the gate of a node (identity/gate.py), which asks whether a machine is the right one.
"""
