# What every part of "about this node" begins with. A part prints lines `KEY<TAB>VALUE...`, and `!KEY<TAB>REASON` for what it could not read.

# Prints a line. A control character in a value becomes a blank, so that no value can pass for another line or value.
line() { # KEY VALUE...
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

# Sets `value` to the first line of a file; fails without one. A shell's own read takes single bytes, and files of /proc/sys do not answer that.
first_line() { # FILE
    value=$(head -n 1 "$1" 2>/dev/null) && [ -n "$value" ]
}
