# The first lines of power-edge.pyz. Any Python since 2.7 must understand them: one that is too old
# is to say so in one line, or to start one that is not.
import os
import sys


def _begin():
    if not (3, 11) <= sys.version_info[:2] <= (3, 14):
        for python in ("python3.14", "python3.13", "python3.12", "python3.11"):
            if _works(python):
                os.execvp(python, [python] + sys.argv)
        _end(
            "it needs Python 3.11 to 3.14, and there is only %d.%d: install one (such as"
            " python3.11), or check this machine over SSH from another one" % sys.version_info[:2]
        )
    system = "%s on %s" % (os.uname()[0], os.uname()[4])
    try:
        libc = os.confstr("CS_GNU_LIBC_VERSION")
    except ValueError:
        libc = None
    if system != "Linux on x86_64" or not libc:
        _end(
            "it is for Linux on x86_64 with glibc, and this is %s%s: install the wheel, or check"
            " this machine over SSH from another one" % (system, "" if libc else " without glibc")
        )
    if os.geteuid() == 0:
        # Where a unit of systemd may write, and a package removes it.
        os.environ.setdefault("PEX_ROOT", "/var/cache/power-edge/@VERSION@")


def _works(python):
    # Tried, not looked up: a version manager leaves names behind which there is nothing.
    import subprocess

    with open(os.devnull, "r+") as nothing:
        try:
            return (
                subprocess.call([python, "-c", ""], stdin=nothing, stdout=nothing, stderr=nothing)
                == 0
            )
        except OSError:
            return False


def _end(why):
    sys.stderr.write("power-edge.pyz: %s\n" % why)
    sys.exit(4)


_begin()
