"""Roles of a machine: the evidence for them, and what they demand.

The files NAME.yaml here say what a role, or a section of identity.yaml, demands.
schemas/role.schema.yaml describes them.
"""
