#!/bin/sh
# Prints an answer that `power-edge discover` makes a configuration of: what can be declared of this machine, or of another one. It only reads. It
# uses `sudo -n` for what only root may read.
#
#     sh probes/discover-edge-node.sh [--all] [--only TYPE,TYPE] [user@host] >answer
#     power-edge discover --answers=answer
#
# --all: everything that can be declared, not only what differs from a fresh install.
# The answer goes to a file, not to a terminal.
# --print: print the script as one piece, for a machine that has no checkout.

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

pe_parts="prelude lib/node collect-identity lib/about about/who about/hardware$(pe_about roles)"
for pe_each in $pe_types; do pe_parts="$pe_parts $(pe_shared "$pe_each") discovery/$pe_each resources/$pe_each"; done
{
    echo "    pe_section identity$(pe_named prelude lib/node collect-identity)"
    echo "    pe_section about.who$(pe_named prelude lib/node lib/about about/who)"
    # shellcheck disable=SC2046 # words
    for pe_each in hardware roles; do echo "    pe_section about.$pe_each$(pe_named lib/node lib/about $(pe_about "$pe_each"))"; done
    for pe_each in $pe_types; do
        pe_first="lib/node $(pe_shared "$pe_each")"
        # shellcheck disable=SC2086 # one word or two
        echo "    pe_discover $pe_each$(pe_named $pe_first "discovery/$pe_each")$(pe_named $pe_first "resources/$pe_each") $pe_mode"
    done
} | pe_whole discover "$pe_parts" | pe_go "$pe_target"
