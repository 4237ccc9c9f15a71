# A function for scripts that discover, beside the prelude. A type's discovery prints the names of what can be declared (section `find.TYPE`), and the
# type's probe reads these (section `TYPE.0`, empty if there are none). Each has the deadline of a section.
pe_discover() { # TYPE DISCOVERY PROBE MODE
    pe_type=$1 pe_probe=$3
    # tee sends the first section out as it comes, and a copy to awk. awk reads to the end, or else tee would stop with it. It prints the names as
    # quoted words of the shell.
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
