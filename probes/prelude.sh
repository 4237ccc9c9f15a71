# What a node's script begins with: the frame of the answer, the gate, and the deadline of each section.
#
# The answer is a head and one block for each section, each closed by its checksum, and a last line:
#
#     PE2 NONCE UID EPOCH NODE
#     NONCE S NAME...                the sections that follow if the gate is open
#     NONCE I KIND STATE HASH        one line for each identifier on file
#     NONCE G VERDICT
#     NONCE C CHECKSUM LENGTH
#
#     NONCE B NAME
#     raw output
#     NONCE E NAME STATUS MILLISECONDS
#     at most 2,000 characters of stderr
#     NONCE C CHECKSUM LENGTH
#
#     NONCE Z
#
# CHECKSUM and LENGTH are those of cksum(1), over all bytes from the first of the head or block to the blank before CHECKSUM. MILLISECONDS is `-`
# without a /proc/uptime, which counts in steps of 10 ms. The nonce is made on the node for this one answer, so nothing that a section prints can pass
# for the frame. The script only reads, and writes no file. It needs sh, od, tr, cat, date, id, tee, cksum and sha256sum.

# Prints a text that `ps` must not show: in mksh printf is a program.
case ${KSH_VERSION-} in
*MIRBSD* | *LEGACY*) pe_print() { print -rn -- "$1"; } ;;
*) pe_print() { printf %s "$1"; } ;;
esac

# Sets what every script needs: a known locale, the sbin folders on PATH, sudo for what only root may read, and the deadline of what comes first.
pe_prepare() {
    export LC_ALL=C SYSTEMD_PAGER='' SYSTEMD_COLORS=0
    # Over SSH, the PATH of a plain user lacks the sbin folders.
    export PATH="${PATH:-/usr/bin:/bin}:/usr/local/sbin:/usr/sbin:/sbin"
    umask 077
    # A sed script that removes lines of stderr that are warnings of a library, a wrapper or sudo, and no error of the tool. If a tool fails, the first
    # line that is left says why. (power_edge/stderr.py has the same lines.)
    export PE_NOISE='/^sudo: unable to resolve host /d
/^sudo-rs: unable to resolve host /d
/^ERROR: ld\.so: object /d
/[Ww]arning: /d
/WARNING: /d
/: cannot change locale /d'
    PE_UID=$(id -u)
    PE_SUDO=''
    if [ "$PE_UID" != 0 ] && command -v sudo >/dev/null 2>&1; then PE_SUDO='sudo -n'; fi
    # The ssh connection of this run, if there is one: sudo removes the variable.
    PE_WAY=${SSH_CONNECTION-}
    export PE_SUDO PE_WAY
    PE_N=''
    pe_epoch=$(date +%s)
    pe_clock
    pe_start=$pe_now pe_limit=10 pe_timeout=''
    # busybox before 1.30 has another syntax. Without -k, a child that ignores TERM runs until the node's deadline.
    if timeout -k 1 5 true 2>/dev/null; then pe_timeout='timeout -k 2'; elif timeout 5 true 2>/dev/null; then pe_timeout=timeout; fi
}

pe_begin() { # NODE SECTION_TIMEOUT NODE_TIMEOUT SECTION...
    exec 3>&1
    unset PE_SECTION
    pe_prepare
    for pe_tool in tee cksum; do
        command -v $pe_tool >/dev/null || { echo "power-edge: $pe_tool: not found" >&2; exit 1; }
    done
    # A pipe can be opened by these names. A socket cannot, and sshd may make stdout one.
    PE_COPY=/dev/fd/4 PE_BODY=/dev/fd/5
    [ -e /dev/fd ] || PE_COPY=/proc/self/fd/4 PE_BODY=/proc/self/fd/5
    PE_N=$(od -An -tx1 -N16 /dev/urandom | tr -d ' \n')
    [ -n "$PE_N" ] || { echo 'power-edge: no random bytes for the nonce' >&2; exit 1; }
    pe_node=$1 pe_limit=$2 pe_total=$3
    shift 3
    # The process group of this shell.
    pe_own=''
    # shellcheck disable=SC2034
    { read -r pe_a pe_b pe_c pe_d pe_own pe_e </proc/self/stat; } 2>/dev/null
    # busybox's timeout ends its child only: what that had started would go on, and hold the answer open.
    pe_whole=''
    case $(timeout --help 2>&1) in *BusyBox*) ! command -v setsid >/dev/null || pe_whole='exec 5<&0; trap "kill -9 0" TERM; "$@" <&5 & wait $!' ;; esac
    # A login shell's banner may end without a newline.
    echo
    pe_heading='' pe_newline='
'
    pe_head "PE2 $PE_N $PE_UID $pe_epoch $pe_node"
    pe_head "$PE_N S $*"
}

pe_end() {
    printf '\n%s Z\n' "$PE_N"
}

pe_head() { # LINE: prints a line of the head, and keeps it for the checksum
    printf '%s\n' "$1"
    pe_heading="$pe_heading$1
"
}

# Sets pe_now, a time in hundredths of a second, and pe_exact unless it counts whole seconds only. With a /proc/uptime it starts no process.
pe_clock() {
    pe_now='' pe_exact=yes
    # shellcheck disable=SC2034
    { read -r pe_now pe_idle </proc/uptime; } 2>/dev/null
    case $pe_now in
    *.[0-9][0-9]) pe_now=$((${pe_now%.*} * 100 + 1${pe_now#*.} - 100)) ;; # 1: a leading 0 would make it octal
    *) pe_now=$((($(date +%s) - pe_epoch) * 100)) pe_exact='' ;;
    esac
}

pe_bind() { # SECONDS: sets pe_bound, the words that give a command a deadline, if there is a timeout(1)
    pe_bound=${pe_timeout:+$pe_timeout $1}
}

# Prints the first of what a command prints, on standard input, up to the line that says how it ended; ends as it did. It does not wait for the end of
# the file: a process that nobody could end may hold the pipe.
pe_until() {
    pe_read='' pe_line=''
    while IFS= read -r pe_line; do
        case $pe_line in "$PE_N rc="*) break ;; esac
        [ ${#pe_read} -gt 2000 ] || pe_read="$pe_read$pe_line
"
    done
    pe_print "${pe_read%?}" # the newline before the last line
    case $pe_line in "$PE_N rc="*) return "${pe_line##*rc=}" ;; esac
    return 1
}

pe_ended() { # STATUS: prints the line that pe_until waits for
    printf '\n%s rc=%s\n' "$PE_N" "$1"
}

# shellcheck disable=SC2086 # words
pe_asked() { # COMMAND...: prints what a command prints; before the sections, all of these together have the deadline of one
    # In a section its own deadline holds. What a timeout(1) in it had started would be in a process group of its own, and outlive it.
    if [ -n "${PE_SECTION-}" ] || [ -z "${pe_limit-}" ]; then
        "$@" 2>/dev/null
        return
    fi
    pe_clock
    pe_left=$((pe_limit - (pe_now - pe_start) / 100))
    [ "$pe_left" -gt 0 ] || return 124
    pe_bind "$pe_left"
    {
        $pe_bound "$@" 2>/dev/null
        pe_ended $?
    } | pe_until
}

# Sets pe_state (ok, missing, unreadable, empty, invalid, filler) and pe_value.
pe_identifier() { # KIND
    case $1 in
    machine-id) pe_file=${PE_ROOT-}/etc/machine-id ;;
    product-uuid) pe_file=${PE_ROOT-}/sys/class/dmi/id/product_uuid ;;
    board-serial) pe_file=${PE_ROOT-}/sys/class/dmi/id/board_serial ;;
    io-platform-uuid) pe_file='' ;;
    *) pe_state=missing; return ;;
    esac
    if [ -z "$pe_file" ]; then
        # The marks of ioreg's tree before the name differ between machines.
        pe_value=$(pe_asked ioreg -rd1 -c IOPlatformExpertDevice | sed -n 's/^[ |]*"IOPlatformUUID" = "\([0-9A-Fa-f-]*\)"$/\1/p')
    elif [ ! -e "$pe_file" ]; then
        pe_state=missing
        return
    else
        # Only root may read the firmware's ids (mode 0400).
        # shellcheck disable=SC2086 # words
        pe_value=$(pe_asked cat "$pe_file" || { [ -n "$PE_SUDO" ] && pe_asked $PE_SUDO cat "$pe_file"; }) || {
            pe_state=unreadable
            return
        }
    fi
    pe_state=ok
    # Firmware pads serial numbers with blanks.
    [ "$1" != board-serial ] || { pe_value=${pe_value#"${pe_value%%[! ]*}"} && pe_value=${pe_value%"${pe_value##*[! ]}"}; }
    pe_folded=$(pe_print "$pe_value" | tr 'ABCDEFGHIJKLMNOPQRSTUVWXYZ' 'abcdefghijklmnopqrstuvwxyz')
    pe_digits=$(pe_print "$pe_folded" | tr -d '-')
    case $1 in
    # machine-id(5): 32 hexadecimal digits, and "uninitialized" until the first boot is complete.
    machine-id) pe_value=$pe_folded pe_digits=$pe_folded ;;
    board-serial)
        case $pe_folded in
        '' | none | 'n/a' | unknown | invalid | default* | 'not '* | 'to be filled'* | 'system serial'* | 'base board serial'* | 0123456789* | 123456789*) pe_state=filler ;;
        *[!0.\ -]*) ;;
        *) pe_state=filler ;;
        esac
        return
        ;;
    *) pe_value=$pe_folded ;;
    esac
    case $pe_digits in
    '') pe_state=empty ;;
    *[!0-9a-f]*) pe_state=invalid ;;
    *[!0]*) [ ${#pe_digits} -eq 32 ] || pe_state=invalid ;;
    *) pe_state=filler ;;
    esac
    case $pe_digits in
    # Fillers of firmware: thousands of boards share them.
    ffffffffffffffffffffffffffffffff | 03000200040005000006000700080009) pe_state=filler ;;
    esac
}

# Judges the gate, prints its part of the head, and succeeds if the gate is open. Each pair is KIND=SHA256 of an identifier on file; of the node's own
# identifiers only hashes are printed. power_edge/identity/ judges these once more, by the same rules, and says why: change both or none.
pe_gate() { # OS REQUIRE_MATCH ALLOW_OS_MIGRATION PRIMARY_KIND PAIR...
    pe_os=$1 pe_require=$2 pe_migration=$3 pe_primary=$4
    shift 4
    pe_shown='' pe_differ='' pe_hardware=''
    for pe_pair in "$@"; do
        pe_kind=${pe_pair%%=*}
        pe_identifier "$pe_kind"
        pe_hash=-
        if [ "$pe_state" = ok ]; then
            pe_hash=$(pe_print "$pe_os:$pe_value" | sha256sum) || pe_hash=''
            pe_hash=${pe_hash%% *}
            [ ${#pe_hash} -eq 64 ] || { pe_state=unreadable pe_hash=-; }
        fi
        pe_head "$PE_N I $pe_kind $pe_state $pe_hash"
        if [ "$pe_state" = ok ]; then
            [ "$pe_kind" != "$pe_primary" ] || pe_shown=yes
            if [ "$pe_hash" != "${pe_pair#*=}" ]; then
                pe_differ="$pe_differ $pe_kind"
            elif [ "$pe_kind" = product-uuid ]; then
                pe_hardware=yes
            fi
        fi
    done
    pe_verdict=wrong
    if [ "$pe_require" = no ]; then
        pe_verdict=open
    elif [ -z "$pe_shown" ]; then
        pe_verdict=hidden
    elif [ -z "$pe_differ" ] || [ "$pe_differ$pe_migration$pe_hardware" = ' machine-idyesyes' ]; then
        pe_verdict=open
    fi
    pe_head "$PE_N G $pe_verdict"
    printf '%s C ' "$PE_N"
    pe_print "$pe_heading$PE_N C " | cksum 2>/dev/null
    [ "$pe_verdict" = open ]
}

# shellcheck disable=SC2086 # words
pe_section() { # NAME BODY [WORDS]: runs a probe; WORDS are its arguments as quoted words of the shell
    echo
    pe_clock
    pe_left=$((pe_total - (pe_now - pe_start) / 100))
    [ "$pe_left" -le "$pe_limit" ] || pe_left=$pe_limit
    [ "$pe_left" -ge 0 ] || pe_left=0
    # tee sends the block out as it comes, and a copy to cksum, which prints its line after the last byte: by then tee has written all. If a process
    # that nobody could end holds the pipe, tee ends by its deadline, after the block has.
    pe_bind $((pe_left + 8))
    pe_block "$@" | $pe_bound tee "$PE_COPY" 4>&1 >&3 3>&- 2>/dev/null | cksum 2>/dev/null 3>&-
}

# A probe's text and arguments come to its shell by a pipe: on a command line, every user of the node could read them. The braces make the shell read
# all of it before it runs any. First of all the shell says which its process group is.
pe_run() { # COMMAND...
    # shellcheck disable=SC2016 # for another sh
    pe_print "$pe_text" 2>/dev/null | "$@" sh -c '{ read -r pe_a pe_b pe_c pe_d pe_e pe_f </proc/self/stat; } 2>/dev/null
echo "pe_group=${pe_e-}" >&2
exec 5<&0 </dev/null; . "$1"' pe "$PE_BODY"
}

# Ends what a probe left behind at its deadline. timeout(1) ends with its child, and with TERM: sudo puts that off while it asks PAM, and the children of
# what root runs do not get it. Those only sudo can end.
# shellcheck disable=SC2086 # words
pe_end_group() { # GROUP
    case $1 in '' | *[!0-9]* | 0 | 1 | "$pe_own") return ;; esac
    kill -KILL "-$1" 2>/dev/null
    [ -n "$PE_SUDO" ] || return 0
    case $(kill -KILL "-$1" 2>&1) in *'No such process'*) return ;; esac
    pe_bind 2
    # shellcheck disable=SC2016 # for another sh
    $pe_bound $PE_SUDO sh -c 'kill -KILL "-$1"' pe "$1" >/dev/null 2>&1
}

# shellcheck disable=SC2086 # words
pe_block() { # NAME BODY [WORDS]
    exec 3>&1 # this is a shell of its own, as part of a pipe
    export PE_SECTION="$1"
    pe_name=$1
    pe_text="set -- ${3-}
{
$2
}
"
    printf '%s B %s\n' "$PE_N" "$pe_name"
    pe_began=$pe_now
    pe_bind "$pe_left"
    pe_errors=$(
        if [ "$pe_left" = 0 ]; then
            pe_ended 124
        elif [ -n "$pe_whole" ]; then
            pe_run $pe_bound setsid sh -c "$pe_whole" pe 2>&1 1>&3 3>&-
            pe_ended $?
        else
            pe_run $pe_bound 2>&1 1>&3 3>&-
            pe_ended $?
        fi | pe_until
    )
    pe_status=$?
    case $pe_errors in
    *pe_group=*)
        pe_number="${pe_errors#*pe_group=}$pe_newline"
        pe_errors=${pe_errors%%pe_group=*}${pe_number#*"$pe_newline"}
        pe_number=${pe_number%%"$pe_newline"*}
        case $pe_status in 124 | 137 | 143) pe_end_group "$pe_number" ;; esac
        ;;
    esac
    pe_clock
    pe_spent=-
    [ -z "$pe_exact" ] || pe_spent=$(((pe_now - pe_began) * 10))
    printf '\n%s E %s %s %s\n%.2000s\n%s C ' "$PE_N" "$pe_name" "$pe_status" "$pe_spent" "$pe_errors" "$PE_N"
}
