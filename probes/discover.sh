# What a script that discovers has beside the prelude: the names of what there is to declare are found by a type's discovery, and asked of the type's
# probe, each under the section's deadline.
pe_discover() { # TYPE DISCOVERY PROBE MODE
    pe_type=$1 pe_probe=$3
    pe_found=$(
        exec 3>&1
        pe_section "find.$pe_type" "$2" "$4"
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
