# What begins every part of "about this node". A part prints lines `KEY<TAB>VALUE...`, and `!KEY<TAB>REASON` for what it could not read.

line() { # KEY VALUE...; a control character within a value becomes a blank, so that none can pass for another line or value
    printf %s "$1"
    shift
    for value; do
        case $value in
        *[!\ -~]*) value=$(printf %s "$value" | tr '\001-\037\177' ' ') ;;
        esac
        printf '\t%s' "$value"
    done
    echo
}

missing() { # KEY REASON
    line "!$1" "$2"
}

# A shell's own read takes single bytes, for which files of /proc/sys have no right answer.
first_of() { # FILE: its first line, into `value`; fails where there is none
    value=$(head -n 1 "$1" 2>/dev/null) && [ -n "$value" ]
}
