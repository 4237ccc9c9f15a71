"""From items to observations: plan the script, carry it to the node, read the answer.

The only place that starts processes.
"""
