"""Commands in containers, which end with their standard input."""

import shlex

CONTAINERS = {"docker": "-i ", "podman": "-i ", "kubectl": "-i ", "lxc": ""}
"""Backends whose client `exec`s, and its option that connects standard input.

If the client dies, its command goes on: dockerd only closes the command's standard input, and goes
on reading what it prints.
"""
# In a container, the first line of standard input is the command's input. Standard input ends when
# this side is gone or gives up. Then all descendants of this shell (`$$`) are killed: their process
# groups, which timeout(1) makes, and each process. `self` is the reader. The shell's message that
# the reader was killed goes to /dev/null.
_HELD = """
exec 3>&2 2>/dev/null
{
    exec 2>&3 3>&-
    sh -c 'echo $PPID'
    head -n 1
    exec >/dev/null 2>&1
    read -r word
    read -r self word </proc/self/stat
    tree=" $$ " found=yes
    while [ -n "$found" ]; do
        found=
        for each in /proc/[0-9]*/stat; do
            read -r word <"$each" || continue
            each=${each#/proc/}
            each=${each%%/*}
            set -- ${word##*) }
            case $tree in *" $each "*) continue ;; *" $2 "*) found=yes tree="$tree$each " ;; esac
        done
    done
    for each in $tree; do
        case $each in "$self" | $$) ;; *) kill -KILL "-$each" "$each" ;; esac
    done
    kill -KILL $$
} | {
    exec 2>&3 3>&-
    read -r reader
    %s
    status=$?
    kill -KILL "$reader"
    exit $status
}
"""


def held(command: str, reads: bool) -> str:
    """Return a command line for a container that ends when its standard input does.

    The first line of standard input is for the command, if it `reads` any.
    """
    return _HELD % f"sh -c {shlex.quote(command)}{'' if reads else ' </dev/null'}"
