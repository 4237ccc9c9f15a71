"""Roles of a machine: the evidence for them."""
