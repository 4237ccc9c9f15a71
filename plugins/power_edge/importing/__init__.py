"""Declarations from the files of other tools."""
