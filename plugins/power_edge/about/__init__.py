"""What there is to know of a machine at a glance: asked in one round trip, part by part, and read
into one record.
"""
