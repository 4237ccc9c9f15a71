# For scripts that are run by hand: makes one script of the probes, the same that `power-edge` sends, and runs it here or over ssh.

pe_here=$(dirname "$0")

pe_usage() { # prints the comment at the top of the script
    sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2
    exit 4
}

pe_named() { # FILE...: prints, as one argument, the script's variables that hold these files
    printf ' "'
    # shellcheck disable=SC2016
    for pe_file in "$@"; do printf '$pe_%s' "$(printf %s "$pe_file" | tr -c 'A-Za-z0-9' _)"; done
    printf '"'
}

pe_shared() { # TYPE: the files that its probes share beside lib/node.sh, if there are any
    for pe_file in "$pe_here/lib/$1.sh" "$pe_here/lib/$1"/*.sh; do
        [ ! -e "$pe_file" ] || { pe_file=${pe_file#"$pe_here/"} && echo "${pe_file%.sh}"; }
    done
}

pe_about() { # PART: the files that a part of "about this node" alone has
    printf ' about/%s' "$1"
    [ "$1" != roles ] || for pe_file in "$pe_here"/roles/*.sh; do printf ' roles/%s' "$(basename "$pe_file" .sh)"; done
}

pe_whole() { # FILES-WITH-FUNCTIONS FILES; the calls of the sections on stdin
    pe_calls=$(cat)
    cat "$pe_here/prelude.sh"
    for pe_file in $1; do cat "$pe_here/$pe_file.sh"; done
    for pe_file in $2; do
        printf "pe_%s='" "$(printf %s "$pe_file" | tr -c 'A-Za-z0-9' _)"
        sed "s/'/'\\\\''/g" "$pe_here/$pe_file.sh"
        echo "'"
    done
    echo 'pe_main() {'
    echo "    pe_begin unknown 30 120 $(printf '%s\n' "$pe_calls" |
        sed -n 's/^    pe_section \([^ ]*\) .*/\1/p; s/^    pe_discover \([^ ]*\) .*/find.\1 \1.0/p' | tr '\n' ' ' | sed 's/ $//')"
    echo "    pe_gate linux no no none || { pe_end; return 0; }"
    printf '%s\n' "$pe_calls"
    echo '    pe_end'
    echo '}'
    echo 'pe_main </dev/null'
}

# ssh asks no question, ends a dead connection, and ignores what an ssh_config does for interactive use.
pe_ssh() { # DESTINATION SECONDS: runs the script on stdin there
    pe_bound=''
    if timeout 5 true 2>/dev/null; then pe_bound="timeout $2"; fi # macOS has none
    # Its stderr may be the machine's own words: neither a terminal nor a CI runner must obey them.
    {
        pe_status=$(
            {
                {
                    $pe_bound ssh -T -o BatchMode=yes -o ControlMaster=no -o ControlPath=none -o ConnectTimeout=10 -o ServerAliveInterval=5 \
                        -o RemoteCommand=none -o ClearAllForwardings=yes -o ForwardAgent=no -o ForwardX11=no -- "$1" sh 2>&1 >&4 4>&-
                    echo "rc=$?" >&3
                } | LC_ALL=C tr -c '\n -~' '?' | sed 's/##/#?/g; s/^/> /' >&2
            } 3>&1
        )
    } 4>&1
    return "${pe_status#rc=}"
}

pe_destination() { # TEXT: whether it can be a destination, and is not an option of ssh and nothing that a shell obeys
    case $1 in '' | -* | *@-* | *://-* | *[!][A-Za-z0-9_.:@%+/-]*) false ;; esac
}

pe_go() { # TARGET: runs the script on stdin there, or here if it is empty; `--print` prints the script. Fails with 11 if it did not run
    case $1 in
    --print) cat ;;
    '') sh ;;
    *) pe_ssh "$1" 150 || return 11 ;;
    esac
}
