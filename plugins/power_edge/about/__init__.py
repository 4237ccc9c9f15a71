"""An overview of a machine: one round trip, one record."""
