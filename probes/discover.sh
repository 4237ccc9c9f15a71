# What a script that discovers has beside the prelude: the names of what there is to declare are found by a type's discovery, and asked of the type's
# probe, each under the section's deadline. The sections are `find.TYPE` and `TYPE.0`; the second is empty where nothing was found.
pe_discover() { # TYPE DISCOVERY PROBE MODE
    pe_type=$1 pe_probe=$3
    # The first section goes out as it comes, and its copy to awk, which reads on to the end: tee would stop with it.
    # Its names are quoted as words of the shell.
    pe_names=$(
        pe_section "find.$pe_type" "$2" "$4" 3>&1 | tee "$PE_COPY" 4>&1 >&3 3>&- 2>/dev/null | awk -F '\t' -v end="$PE_N E " '
            index($0, end) == 1 { ended = 1 }
            !ended && /^\+/ && !seen[$1]++ { name = substr($1, 2); gsub(/\047/, "\047\\\047\047", name); printf "\047%s\047 ", name }'
    )
    if [ -z "$pe_names" ]; then
        pe_section "$pe_type.0" :
        return
    fi
    pe_section "$pe_type.0" "$pe_probe" "$pe_names"
}
