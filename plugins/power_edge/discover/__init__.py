"""From a running machine to its configuration: asked in one round trip, judged as it is declared,
written as files.
"""
