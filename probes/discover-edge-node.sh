#!/bin/sh
# Prints what there is to declare of the machine that it runs on, or of another one: an answer for `power-edge discover`, which makes a node's
# configuration of it. It reads only, and asks `sudo -n` for what root alone may read.
#
#     sh probes/discover-edge-node.sh [--all] [--only TYPE,TYPE] [user@host] >answer
#     power-edge discover --answers=answer
#
# --all: everything that can be declared, and not what is different from a fresh install alone.

# The names of what there is to declare are found by the type's discovery, and asked of the type's probe. Both are run under the section's deadline.
pe_discover() { # TYPE DISCOVERY PROBE
    pe_type=$1 pe_probe=$3
    pe_found=$(
        exec 3>&1
        pe_section "find.$pe_type" "$2" "$pe_mode"
    )
    printf '%s\n' "$pe_found"
    pe_names=$(printf '%s\n' "$pe_found" | awk -F '\t' -v end="$PE_N E " '
        index($0, end) == 1 { exit }
        /^\+/ && !seen[$1]++ { print substr($1, 2) }')
    [ -n "$pe_names" ] || return 0
    pe_ifs=$IFS
    IFS='
'
    set -f
    # shellcheck disable=SC2086
    set -- $pe_names
    set +f
    IFS=$pe_ifs
    pe_section "$pe_type.0" "$pe_probe" "$@"
}

# The bodies are in variables that are set before: pe_part_PART, pe_find_TYPE and pe_probe_TYPE.
pe_discover_all() { # NODE SECTION_TIMEOUT NODE_TIMEOUT EXPECTED MODE PARTS TYPES
    pe_begin "$1" "$2" "$3"
    pe_mode=$5 pe_parts=$6 pe_types=$7
    # shellcheck disable=SC2086
    if pe_gate $4; then
        for pe_part in $pe_parts; do
            eval "pe_section about.$pe_part \"\$pe_part_$pe_part\""
        done
        for pe_each in $pe_types; do
            eval "pe_discover $pe_each \"\$pe_find_$pe_each\" \"\$pe_probe_$pe_each\""
        done
    fi
    pe_end
}

pe_usage() {
    sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2
    exit 4
}

pe_variable() { # NAME FILE...
    printf "%s='" "$1"
    shift
    cat "$@" | sed "s/'/'\\\\''/g"
    echo "'"
}

pe_whole() {
    cat "$pe_here/prelude.sh"
    echo pe_together=yes
    pe_variable pe_part_identity "$pe_here/prelude.sh" "$pe_here/collect-identity.sh"
    for pe_each in hardware roles; do pe_variable "pe_part_$pe_each" "$pe_here/about/$pe_each.sh"; done
    pe_wanted=''
    for pe_file in "$pe_here"/discovery/*.sh; do
        pe_each=$(basename "$pe_file" .sh)
        case ",${pe_only:-$pe_each}," in *,"$pe_each",*) ;; *) continue ;; esac
        pe_wanted="$pe_wanted $pe_each"
        pe_variable "pe_find_$pe_each" "$pe_file"
        pe_variable "pe_probe_$pe_each" "$pe_here/resources/$pe_each.sh"
    done
    cat "$0"
    echo "pe_discover_all unknown 30 120 'linux no no none' $pe_mode 'identity hardware roles' '$pe_wanted' </dev/null"
}

pe_by_hand() {
    pe_here=$(dirname "$0") pe_mode=changed pe_only='' pe_target='' pe_print=''
    while [ $# -gt 0 ]; do
        case $1 in
        --all) pe_mode=all ;;
        --only) pe_only=${2-} && shift ;;
        --print) pe_print=yes ;;
        -*) pe_usage ;;
        *)
            [ -z "$pe_target" ] || pe_usage
            pe_target=$1
            ;;
        esac
        shift
    done

    if [ -n "$pe_print" ]; then
        pe_whole
    elif [ -n "$pe_target" ]; then
        pe_whole | ssh -o BatchMode=yes -- "$pe_target" sh
    else
        pe_whole | sh
    fi
}

# Put together with its bodies it is only called; by hand it does both.
[ -n "${pe_together-}" ] || pe_by_hand "$@"
