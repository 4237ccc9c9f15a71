"""The names of systemd's units (systemd.unit(5))."""

SUFFIXES = (
    ".service",
    ".socket",
    ".timer",
    ".target",
    ".mount",
    ".automount",
    ".swap",
    ".path",
    ".slice",
    ".scope",
    ".device",
)
"""What a name ends with, by the type of the unit."""
