"""From items to observations: make the script, carry it to the node, read the answer.

This is the only package that starts processes.
"""
