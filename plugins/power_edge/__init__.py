"""Power Edge: is this machine what its configuration says it is?

PYTEST_DONT_REWRITE (for pytest: no module of ours has an assertion of a test, and this one is
imported before pytest could rewrite it)
"""
