"""Versions: what changed between two of them, as their schemas show it."""
