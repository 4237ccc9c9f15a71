#!/bin/sh
# Prints what there is to declare of the machine that it runs on, or of another one: an answer, of which `power-edge discover` makes a configuration.
# It reads only, and asks `sudo -n` for what root alone may read.
#
#     sh probes/discover-edge-node.sh [--all] [--only TYPE,TYPE] [user@host] >answer
#     power-edge discover --answers=answer
#
# --all: everything that can be declared, and not only what is different from a fresh install.
# The answer goes to a file, and to no terminal.
# --print: the script as one piece, to be carried to a machine that has no checkout.

# shellcheck source=probes/by-hand.sh
. "$(dirname "$0")/by-hand.sh"

pe_mode=changed pe_only='' pe_target=''
while [ $# -gt 0 ]; do
    case $1 in
    --all) pe_mode=all ;;
    --only)
        [ -n "${2-}" ] || pe_usage
        pe_only=$2
        shift
        ;;
    --print) pe_target=--print ;;
    -*) pe_usage ;;
    *)
        if [ -n "$pe_target" ] || ! pe_destination "$1"; then pe_usage; fi
        pe_target=$1
        ;;
    esac
    shift
done

# An answer is a stranger's text, which a terminal would obey.
if [ -t 1 ] && [ "$pe_target" != --print ]; then pe_usage; fi

pe_types=''
for pe_file in "$pe_here"/discovery/*.sh; do
    pe_each=$(basename "$pe_file" .sh)
    case ",${pe_only:-$pe_each}," in *",$pe_each,"*) pe_types="$pe_types $pe_each" ;; esac
done
[ -n "$pe_types" ] || pe_usage

pe_parts='prelude collect-identity about/line about/who about/hardware about/roles'
for pe_each in $pe_types; do pe_parts="$pe_parts $(pe_shared "$pe_each") discovery/$pe_each resources/$pe_each"; done
{
    echo "    pe_section identity$(pe_named prelude collect-identity)"
    echo "    pe_section about.who$(pe_named prelude about/line about/who)"
    for pe_each in hardware roles; do echo "    pe_section about.$pe_each$(pe_named about/line "about/$pe_each")"; done
    for pe_each in $pe_types; do
        pe_first=$(pe_shared "$pe_each")
        # shellcheck disable=SC2086 # one word or none
        echo "    pe_discover $pe_each$(pe_named $pe_first "discovery/$pe_each")$(pe_named $pe_first "resources/$pe_each") $pe_mode"
    done
} | pe_whole discover "$pe_parts" | pe_go "$pe_target"
