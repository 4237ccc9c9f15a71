"""What there is to know about a machine at a glance: one round trip, one record."""
