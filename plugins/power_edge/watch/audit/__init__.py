"""The kernel's audit subsystem: rules that a watch sets, and what its records say was done."""
