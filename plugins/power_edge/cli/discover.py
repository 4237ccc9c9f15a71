"""`power-edge discover`."""
