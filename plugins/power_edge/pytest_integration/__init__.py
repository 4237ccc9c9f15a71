"""Nodes as pytest sees them: which are selected, their items, how those run, and what own tests are
given.
"""
