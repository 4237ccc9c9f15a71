"""The pytest plugin: selects nodes, collects and runs their items, reports, and gives fixtures to
own tests.
"""
