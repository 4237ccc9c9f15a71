"""Is a machine the one on file? Pure."""
