"""Builds everything that a release is made of: `make dist`, `make dist-twice`."""
