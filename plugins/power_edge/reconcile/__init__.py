"""Bring configuration and machine together again: adopt what drifted."""
