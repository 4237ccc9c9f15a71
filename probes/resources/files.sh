# An argument is WANT:OWNER:GROUP:PATH. WANT: - for no hash, * for the hash, or a size (the hash, unless the size differs); then, after commas, what
# else is declared, each may be empty: mode (of a regular file, hexadecimal), the first 8 digits of the SHA-256, uid, gid. OWNER, GROUP: names whose ids
# are wanted, or empty. All in printable ASCII without blanks: any other byte of a name, and the backslash, is \0ooo, as printf's %b reads it.
# Printed, with PATH as it was given:
#   seen PATH MODE:UID:GID:SIZE:USER:GROUP      link PATH TARGET      hash PATH SHA256      user NAME UID
#   gone PATH WHY                                                     dark PATH WHY         group NAME GID
# and of what is missing, or not as declared by the above, what a command that mends it must not run into (no process is spent on the others):
#   more PATH MODES:LINKS:FLAGS:FOLDER_FLAGS:CAPABILITIES        as ls -l, lsattr, lsattr of the folder and getcap have it; - where they say nothing
#   above PATH d|x FOLDER         the nearest that there is above a missing file: d, a folder; x, something else
#   real PATH FOLDER              where its folder is, if that is below a symbolic link
#   mount POINT TYPE:OPTION:OPTION            all mounts, as the kernel has them; the options of the mount and of the file system, ro or rw
# WHY is what a tool said on stderr, its lines ended by the byte 1. It may hold warnings of libraries, wrappers and sudo: what is printed as a value is
# stdout alone, and which line of WHY is the tool's own is found by who reads it.
set -f
nl='
'
one=$(printf '\001')
format='%f:%u:%g:%s:%U:%G'
sudo=${PE_SUDO-}
out='' started='' users='' groups='' suspects='' as=''
target='' how=''

# Gathered and printed in large pieces: mksh has no printf of its own, and 128 KiB is the most that an argument may have.
say() {
    out="$out$*$nl"
    [ ${#out} -lt 60000 ] || flush
}

flush() {
    printf %s "$out"
    out=''
}

# Whether the six seconds that all hashing may take are over. A single hash may take two more: together less than a section has.
late() {
    now=$(date +%s)
    : "${started:=$now}"
    [ $((now - started)) -ge 6 ]
}

# The bytes that an escaped name stands for, in $raw. The dot saves a final newline from $().
decode() {
    raw=$1
    case $1 in *\\*) raw=$(printf '%b.' "$1") && raw=${raw%.} ;; esac
}

# Runs a command; what it said on stdout is then in $said, on stderr in $why. A refused sudo is not tried again: each attempt is an incident in the
# node's log.
hear() { # TOOL COMMAND...
    tool=$1
    shift
    said=$(
        { why=$("$@" 2>&1 >&3 3>&-); status=$?; } 3>&1
        printf '%s' "$one$why"
        exit "$status"
    )
    status=$?
    why=${said#*"$one"}
    said=${said%%"$one"*}
    case $status:$why in 0:* | *:*"$tool: "*) ;; *:sudo* | *"$nl"sudo* | *"Sorry, user "*) sudo='' ;; esac
    return "$status"
}

# What a tool said, as one line.
tell_why() { # gone|dark PATH
    tag=$1 of=$2 lines=''
    IFS=$nl
    for line in $why; do lines="$lines$line$one"; done
    IFS=$blanks
    say "$tag" "$of" "$lines"
}

# What stat said of a file: which ids its line leaves open, and in $how, how it is to be hashed: b in the batch, o on its own, r as root, - not at all.
examine() { # PATH FILE LINE WANT:OWNER:GROUP
    say seen "$1" "$3"
    want=${4%%:*} owner=${4#*:} group=${4##*:}
    owner=${owner%:*}
    declared=$want,,,,
    want=${want%%,*} declared=${declared#*,}
    mode=${declared%%,*} declared=${declared#*,}
    digest=${declared%%,*} declared=${declared#*,}
    ids=$3
    ids=${ids#*:}
    suspect=''
    case $mode in '' | "${3%%:*}") ;; *) suspect=yes ;; esac
    case ${declared%%,*} in '' | "${ids%%:*}") ;; *) suspect=yes ;; esac
    ids=${ids#*:} declared=${declared#*,}
    case ${declared%%,*} in '' | "${ids%%:*}") ;; *) suspect=yes ;; esac
    rest=${3#*:*:*:}
    size=${rest%%:*}
    user=${rest#*:}
    # "UNKNOWN" is what stat prints for an id without a name.
    case $owner in '') ;; "${user%%:*}") [ "$owner" != UNKNOWN ] || users="$users $owner" ;; *) users="$users $owner" suspect=yes ;; esac
    case $group in '') ;; "${user#*:}") [ "$group" != UNKNOWN ] || groups="$groups $group" ;; *) groups="$groups $group" suspect=yes ;; esac
    case $want in - | '*' | "$size") ;; *) suspect=yes ;; esac
    case $3 in 8???:*) [ -z "$suspect" ] || suspects="$suspects $1" ;; esac
    how=-
    # Regular files alone are ever opened: a FIFO blocks, a device may never end.
    case $3 in 8???:*) ;; *) return ;; esac
    # /proc says 0 and /sys says 4096, whatever is in the file.
    case $want:$size in -:*) return ;; '*':* | "$size:$size" | *:0 | *:4096) ;; *) return ;; esac
    how=b
    # Not in the batch: what may hold it up (10 MB and more; /proc/kmsg), and names that sha256sum writes in a way of its own.
    case $size in ????????*) how=o ;; esac
    case $2 in /proc/* | /sys/* | *\\* | *"$nl"*) how=o ;; esac
    [ -r "$2" ] || how=r
}

# The hash of a file, of which the first digits are declared, or nothing.
say_hash() { # PATH SHA256 DIGITS
    say hash "$1" "$2"
    case $2 in "$3"*) ;; *) suspects="$suspects $1" ;; esac
}

# One file by itself.
hash_one() { # PATH FILE DIGITS [SUDO...]
    path=$1 file=$2 digits=$3
    shift 3
    if late; then
        say dark "$path" 'no time was left to hash it'
        return
    fi
    hear sha256sum "$@" timeout 2 sha256sum -- "$file"
    case $? in
    0)
        said=${said#\\}
        say_hash "$path" "${said%% *}" "$digits"
        ;;
    124 | 137 | 143) say dark "$path" 'hashing it took longer than 2 seconds' ;;
    *) tell_why dark "$path" ;;
    esac
}

# The files of $hows that are in the batch: one sha256sum for all.
hash_batch() (
    for entry in $hows; do
        file=$1
        shift
        case $entry in b:*) set -- "$@" "$file" ;; esac
    done
    timeout 3 sha256sum -- "$@" 2>/dev/null
)

# user|group NAME ID, for each name that somebody has. Without getent (some musl systems): from the table itself.
tell_ids() { # user|group passwd|group NAME...
    kind=$1 table=$2
    shift 2
    known=' '
    for name; do
        case $known in *" $name "*) continue ;; esac
        known="$known$name "
        decode "$name"
        if [ -z "${PE_ROOT-}" ] && command -v getent >/dev/null; then
            entry=$(getent "$table" "$raw") || continue
            entry=${entry#*:*:}
            say "$kind" "$name" "${entry%%:*}"
        else
            while IFS=: read -r entry _ id _; do
                [ "$entry" != "$raw" ] || say "$kind" "$name" "$id"
            done <"${PE_ROOT-}/etc/$table"
        fi
    done
}

# Files that are there, no more than a block at a time: one stat for them, one sha256sum for those whose hash is wanted.
look() { # FILE...; $paths: WANT:OWNER:GROUP:PATH of each
    lines=$(stat -L -c "$format" -- "$@") || exit # a file vanished in between; stat has said which
    hows='' batched=0
    IFS=$nl
    for line in $lines; do
        IFS=$blanks
        paths=${paths# }
        entry=${paths%% *}
        paths=${paths#"$entry"}
        path=${entry#*:*:*:}
        examine "$path" "$1" "$line" "${entry%":$path"}"
        if [ "$how" != - ]; then
            set -- "$@" "$1"
            hows="$hows $how:$digest:$path"
            [ "$how" != b ] || batched=$((batched + 1))
        fi
        shift
    done
    IFS=$blanks
    sums='' count=0
    if [ "$batched" != 0 ] && ! late; then
        sums=$(hash_batch "$@")
        IFS=$nl
        for line in $sums; do count=$((count + 1)); done
        IFS=$blanks
    fi
    for entry in $hows; do
        path=${entry#*:*:} digest=${entry#*:}
        digest=${digest%%:*}
        case $entry in
        b:*)
            # Lines and files go together by their order, or, where one could not be read, not at all.
            if [ "$count" = "$batched" ]; then
                line=${sums%%"$nl"*}
                line=${line#\\} # before names that sha256sum escapes, as some do those with a carriage return
                sums=${sums#*"$nl"}
                say_hash "$path" "${line%% *}" "$digest"
            else
                hash_one "$path" "$1" "$digest"
            fi
            ;;
        o:*) hash_one "$path" "$1" "$digest" ;;
        r:*)
            # shellcheck disable=SC2086 # PE_SUDO is words
            if [ -n "$sudo" ]; then as=$sudo && hash_one "$path" "$1" "$digest" $sudo; else say dark "$path" 'Permission denied'; fi
            ;;
        esac
        shift
    done
}

# A file that a plain user cannot find: missing, or out of his sight.
look_closer() { # PATH FILE WANT:OWNER:GROUP
    hear stat stat -L -c "$format" -- "$2" && return # it came just now: without an answer it is unknown
    case $why in
    *'Permission denied'*)
        # shellcheck disable=SC2086 # PE_SUDO is words
        if [ -n "$sudo" ] && hear stat $sudo stat -L -c "$format" -- "$2"; then
            as=$sudo
            examine "$1" "$2" "${said%"$nl"}" "$3"
            [ "$how" = - ] || hash_one "$1" "$2" "$digest" $sudo
            return
        fi
        ;;
    esac
    tell_why gone "$1"
    suspects="$suspects $1"
    owner=${3#*:} group=${3##*:}
    [ -z "${owner%:*}" ] || users="$users ${owner%:*}"
    [ -z "$group" ] || groups="$groups $group"
}

# What a tool says of a file, of lines that end with its name: the line, in $line, or nothing. (A name may hold anything, also a newline.)
line_of() { # LINES FILE
    line=''
    case "$nl$1$nl" in *" $2$nl"*) ;; *) return ;; esac
    line=$nl${1%%" $2$nl"*}
    line=${line##*"$nl"}
}

# The same of lsattr: the letters that keep a file from being written, in $flags.
flags_of() { # FILE
    line_of "$attributes" "$1"
    flags=-
    case ${line%% *} in *i*) flags=i ;; *a*) flags=a ;; esac
}

# The folder that a file is in, or is to be in, in $folder; of a missing one the nearest that there is above it, as $above of the path as it was given.
folder_of() { # PATH FILE
    above=${1%/*} folder=${2%/*}
    while [ -n "$folder" ] && ! [ -e "$folder" ] && ! [ -L "$folder" ]; do above=${above%/*} folder=${folder%/*}; done
    : "${folder:=/}"
}

# What there is to know before the suspects are touched: each tool is asked once for all, as root where that was needed for one of them.
look_around() {
    set --
    for path in $suspects; do
        decode "$path"
        folder_of "$path" "${PE_ROOT-}$raw"
        set -- "$@" "${PE_ROOT-}$raw" "$folder"
    done
    # shellcheck disable=SC2086 # words
    {
        listed=$($as env QUOTING_STYLE=literal ls -lnd -- "$@" 2>/dev/null)$nl
        attributes=$($as lsattr -d -- "$@" 2>/dev/null)$nl
        capable=$nl$($as getcap -- "$@" 2>/dev/null)$nl
    }
    for path in $suspects; do
        file=$1
        shift 2
        folder_of "$path" "$file"
        [ -d "$folder" ] && kind=d || kind=x
        [ -e "$file" ] || say above "$path" "$kind" "${above:-/}"
        step=$folder
        case $step/ in */../*) ;; *) while [ -n "$step" ] && ! [ -L "$step" ]; do step=${step%/*}; done ;; esac
        if [ -n "$step" ]; then
            step=$(readlink -f "$folder")
            case $step in *"$nl"*) ;; *) say real "$path" "$step" ;; esac
        fi
        flags_of "$folder"
        of_folder=$flags
        flags_of "$file"
        line_of "$listed" "$file"
        modes=${line%% *} links=${line#* }
        links=${links#"${links%%[! ]*}"}
        links=${links%% *}
        case $capable in *"$nl$file "*) of_file=yes ;; *) of_file=- ;; esac
        say more "$path" "${modes:--}:${links:--}:$flags:$of_folder:$of_file"
    done
    say "$(sed -n 's/^\([^ ]* \)\{4\}\([^ ]*\) \(r[ow]\)[^ ]* .*- \([^ ]*\) [^ ]* \(r[ow]\).*$/mount \2 \4:\3:\5/p' /proc/self/mountinfo 2>/dev/null)"
}

blanks=$IFS
paths=''
mine='' # whether "$@" is the block of files by now; the loop has its own list of the arguments
for argument; do
    [ -n "$mine" ] || set --
    mine=yes
    path=${argument#*:*:*:}
    asked=${argument%":$path"}
    decode "$path"
    file=${PE_ROOT-}$raw
    if [ -e "$file" ]; then
        [ ! -L "$file" ] || target=$(readlink -f "$file")
        paths="$paths $asked:$path"
        set -- "$@" "$file"
    else
        [ ! -L "$file" ] || target=$(readlink "$file")
        look_closer "$path" "$file" "$asked"
    fi
    if [ -L "$file" ]; then
        case $target in *"$nl"*) target='a name with a newline' ;; esac
        say link "$path" "$target"
    fi
    if [ $# = 60 ]; then
        look "$@"
        set --
    fi
done
[ $# = 0 ] || look "$@"

[ -z "$suspects" ] || look_around
# shellcheck disable=SC2086 # names without blanks
tell_ids user passwd $users
# shellcheck disable=SC2086
tell_ids group group $groups
flush
