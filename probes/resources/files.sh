# An argument is WANT:OWNER:GROUP:PATH. WANT: - for no hash, * for the hash, or a size (the hash, unless the size differs); then, after commas, what
# else is declared, each may be empty: mode (of a regular file, hexadecimal), the first 8 digits of the SHA-256, uid, gid. OWNER, GROUP: names whose ids
# are wanted, or empty. All in printable ASCII without blanks: any other byte of a name, and the backslash, is \0ooo, as printf's %b reads it.
# Printed, with PATH as it was given:
#   seen PATH MODE:UID:GID:SIZE:USER:GROUP      link PATH TARGET      hash PATH SHA256      user NAME UID
#   gone PATH WHY                                                     dark PATH WHY         group NAME GID
#   salted PATH SALT:SHA256           of a secret, in place of its hash: the SHA-256 of the line that is the salt and the hash
# and of what is missing, or not as declared by the above, what a command that mends it must not run into (no process is spent on the others):
#   more PATH MODES:LINKS:FLAGS:FOLDER_FLAGS:CAPABILITIES        as ls -l, lsattr, lsattr of the folder and getcap have it; - where they say nothing
#   above PATH d|x FOLDER         the nearest that there is above a missing file: d, a folder; x, something else
#   real PATH FOLDER              where its folder is, if that is below a symbolic link
#   mount POINT TYPE:OPTION:OPTION            all mounts, as the kernel has them; the options of the mount and of the file system, ro or rw
# WHY is what a tool said on stderr, its lines ended by the byte 1. It may hold warnings of libraries, wrappers and sudo: what is printed as a value is
# stdout alone, and which line of WHY is the tool's own is found by who reads it.
# shellcheck disable=SC2154 # lib/files.sh sets the lists of secrets
nl='
'
one=$(printf '\001')
format='%f:%u:%g:%s:%U:%G'
sudo=${PE_SUDO-}
out='' started='' users='' groups='' suspects='' as=''
target='' how='' salt='' linked='' leads=''

# Gathered and printed in large pieces: mksh has no printf of its own, and 128 KiB is the most that an argument may have.
say() {
    out="$out$*$nl"
    [ ${#out} -lt 60000 ] || flush
}

flush() {
    printf %s "$out"
    out=''
}

# Whether the five seconds that all hashing may take are over. What has begun may take four more: together less than a section has.
late() {
    now=$(date +%s)
    : "${started:=$now}"
    [ $((now - started)) -ge 5 ]
}

# by_path PATH: whether it is a secret's.
patterns=''
for each in $accounts $keys $secrets; do patterns="$patterns|$each"; done
eval "by_path() { case \$1 in ${patterns#?}) ;; *) return 1 ;; esac; }"

# Whether a file that is there is a secret by its path, or by the path that links lead to.
is_secret() { # PATH FILE [SUDO...]
    path_of=$1 file_of=$2
    shift 2
    if by_path "$path_of"; then return; fi
    step=$file_of
    case $step/ in */../*) ;; *) while [ -n "$step" ] && ! [ -L "$step" ]; do step=${step%/*}; done ;; esac
    [ -n "$step" ] || [ $# != 0 ] || return
    if [ $# != 0 ] || [ -L "$file_of" ]; then
        real=$("$@" readlink -f -- "$file_of")
    else
        # readlink runs once for all files of a folder.
        [ "$linked" = "${file_of%/*}" ] || { linked=${file_of%/*} && leads=$(readlink -f -- "$linked"); }
        real=$leads/${file_of##*/}
    fi
    by_path "${real#"${PE_ROOT-}"}"
}

# Which of some files have a line that holds a secret: their names, a line each. All, where that cannot be found out.
with_secret_lines() { # SECONDS [SUDO...] -- FILE...
    seconds=$1 before=''
    shift
    while [ "$1" != -- ]; do
        before="$before $1"
        shift
    done
    shift
    # shellcheck disable=SC2086 # words
    $before timeout "$seconds" grep -liE -- "$secret_lines" "$@" 2>/dev/null
    case $? in 0 | 1) ;; *) printf '%s\n' "$@" ;; esac
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

# What stat said of a file: which ids its line leaves open, and in $how, how it is to be hashed: b in the batch, o on its own, l the same of one that is
# too long to be searched for secrets, r as root, - not at all.
examine() { # PATH FILE LINE WANT:OWNER:GROUP
    say seen "$1" "$3"
    want=${4%%:*} owner=${4#*:} group=${4##*:}
    owner=${owner%:*}
    declared=$want,,,,
    want=${want%%,*} declared=${declared#*,}
    mode=${declared%%,*} declared=${declared#*,}
    digest=${declared%%,*} declared=${declared#*,}
    case $want in !*) want=${want#!} digest=! ;; esac
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
    case $2 in /proc/* | /sys/* | *\\* | *"$nl"*) how=o ;; esac
    case $size in ????????*) how=l ;; esac
    [ -r "$2" ] || how=r
}

# The hash of a file, of which the first digits are declared, or nothing; `!` for a secret's, which is salted.
say_hash() { # PATH SHA256 DIGITS
    if [ "$3" = ! ]; then
        : "${salt:=$(od -An -tx1 -N16 /dev/urandom | tr -d ' \n')}"
        salted=$(echo "$salt$2" | sha256sum)
        if [ ${#salt} = 32 ]; then say salted "$1" "$salt:${salted%% *}"; else say dark "$1" 'it is a secret, and there are no random bytes to salt its hash with'; fi
        return
    fi
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
        hash=${said#\\}
        case $how:$digits:$file in
        l:* | *:!:* | *:*:$no_secrets) ;;
        *) [ -z "$(with_secret_lines 1 "$@" -- "$file")" ] || digits=! ;;
        esac
        say_hash "$path" "${hash%% *}" "$digits"
        ;;
    124 | 137 | 143) say dark "$path" 'hashing it took longer than 2 seconds' ;;
    *) tell_why dark "$path" ;;
    esac
}

# The files of $hows that are in the batch: one command for all.
batch() ( # COMMAND FILE...
    command=$1
    shift
    for entry in $hows; do
        file=$1
        shift
        case $entry in b:*) set -- "$@" "$file" ;; esac
    done
    $command "$@"
)

hash_batch() { # FILE...
    timeout 3 sha256sum -- "$@" 2>/dev/null
}

search_batch() { # FILE...
    with_secret_lines 1 -- "$@"
}

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
    sums='' count=0 lined=''
    if [ "$batched" != 0 ] && ! late; then
        sums=$(batch hash_batch "$@")
        lined=$nl$(batch search_batch "$@")$nl
        IFS=$nl
        for line in $sums; do count=$((count + 1)); done
        IFS=$blanks
    fi
    for entry in $hows; do
        path=${entry#*:*:} digest=${entry#*:}
        digest=${digest%%:*}
        how=${entry%%:*}
        case $how in
        b)
            # shellcheck disable=SC2254 # a pattern
            case $lined in *"$nl$1$nl"*) case $1 in $no_secrets) ;; *) digest=! ;; esac ;; esac
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
        o | l) hash_one "$path" "$1" "$digest" ;;
        r)
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
            stated=${said%"$nl"}
            case $3 in -*) asked=$3 ;; *) is_secret "$raw" "$2" $sudo && asked=!$3 || asked=$3 ;; esac
            examine "$1" "$2" "$stated" "$asked"
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
        case $asked in -*) ;; *) ! is_secret "$raw" "$file" || asked=!$asked ;; esac
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
