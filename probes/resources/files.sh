# An argument is WANT:OWNER:GROUP:PATH. WANT: - for no hash, * for the hash, a size (the hash, unless the size differs), = for the content, or @ for what
# is at the path itself, where no link is followed. After commas follow the
# other declared fields, each may be empty: mode (of a regular file, hexadecimal), the first 8 digits of the SHA-256, uid, gid. OWNER, GROUP: names
# whose ids are wanted, or empty. All is printable ASCII without blanks: any other byte of a name, and the backslash, is \0ooo, as printf's %b reads
# it. Output, with PATH as in the argument:
#   seen PATH MODE:UID:GID:SIZE:USER:GROUP      link PATH TARGET      hash PATH SHA256      user NAME UID
#   gone PATH WHY                                                     dark PATH WHY         group NAME GID
#   text PATH =BASE64                 the content of a file that differs from a declared text, for a diff: one that everybody may read, no secret, 256 KiB at most;
#                                     or of one for =: no secret, 256 KiB at most, with a NUL at its end if it could not be read to the end
#   self PATH MODE:UID:GID:SIZE:USER:GROUP      none PATH WHY         for @, in place of seen and gone
#   leads PATH HEX                for @: the text of a symbolic link, in hexadecimal
#   salted PATH SALT:SHA256           for a secret, in place of its hash: the SHA-256 of a line with the salt and the hash
# For files that are missing or differ from the declared fields, what a command that changes them could run into (no process runs for the others):
#   more PATH MODES:LINKS:FLAGS:FOLDER_FLAGS:CAPABILITIES        from ls -l, lsattr, lsattr of the folder and getcap; - for no answer
#   above PATH d|x FOLDER         the nearest existing path above a missing file: d, a folder; x, something else
#   real PATH FOLDER              the real path of its folder, if that is below a symbolic link
#   apart PATH POINT                  this session sees another file system at POINT than process 1 does
#   mount POINT TYPE:OPTION:OPTION            all mounts of the kernel (or of process $PE_OUTSIDE); the options of the mount and of the file system, ro or rw
# WHY is a tool's stderr, with the byte 1 at the end of each line. It may hold warnings of libraries, wrappers and sudo; the reader finds the tool's
# own line. Values come from stdout only.
# shellcheck disable=SC2154 # lib/files.sh sets the lists of secrets
nl='
'
one=$(printf '\001')
format='%f:%u:%g:%s:%U:%G'
sudo=${PE_SUDO-}
out='' started='' users='' groups='' suspects='' as=''
tell=seen target='' how='' salt='' linked='' leads=''
contents='' texts='' wanted='' sent=0
longest=262144 most=2000000 # bytes of one content, and of all contents as they are sent

# Output is collected and printed in large pieces: mksh has no builtin printf, and an argument may have 128 KiB at most.
say() {
    out="$out$*$nl"
    [ ${#out} -lt 60000 ] || flush
}

flush() {
    printf %s "$out"
    out=''
}

# Whether the five seconds for all hashing are over. A hash that has begun may take four more; together that is less than the limit of a section.
late() {
    now=$(date +%s)
    : "${started:=$now}"
    [ $((now - started)) -ge 5 ]
}

# by_path PATH: whether it is the path of a secret.
patterns=''
for each in $accounts $keys $secrets; do patterns="$patterns|$each"; done
eval "by_path() { case \$1 in ${patterns#?}) ;; *) return 1 ;; esac; }"

# Whether an existing file is a secret by its path, or by the path that links lead to.
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

# Prints the names of files with a line that holds a secret, one per line; all names if that cannot be decided.
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

# $raw: the bytes of an escaped name. The dot protects a final newline from $().
decode() {
    raw=$1
    case $1 in *\\*) raw=$(printf '%b.' "$1") && raw=${raw%.} ;; esac
}

# Runs a command. Its stdout is then in $output, its stderr in $why. A refused sudo is not tried again, since the node logs each attempt as an
# incident.
run_tool() { # TOOL COMMAND...
    tool=$1
    shift
    output=$(
        { why=$("$@" 2>&1 >&3 3>&-); status=$?; } 3>&1
        printf '%s' "$one$why"
        exit "$status"
    )
    status=$?
    why=${output#*"$one"}
    output=${output%%"$one"*}
    case $status:$why in 0:* | *:*"$tool: "*) ;; *:sudo* | *"$nl"sudo* | *"Sorry, user "*) sudo='' ;; esac
    return "$status"
}

# Reports the stderr of a failed tool, as one line.
report_failure() { # gone|dark PATH
    tag=$1 of=$2 lines=''
    IFS=$nl
    for line in $why; do lines="$lines$line$one"; done
    IFS=$blanks
    say "$tag" "$of" "$lines"
}

# Reports the line of stat for a file, and finds which ids are still needed. $how: how to hash it: b in the batch, o by itself, l by itself without a
# search for secrets since it is too long, r as root, - not at all.
examine() { # PATH FILE LINE WANT:OWNER:GROUP
    say "$tell" "$1" "$3"
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
    case $want in - | '*' | = | "$size") ;; @) suspect='' ;; *) suspect=yes ;; esac
    case $3 in 8???:*) [ -z "$suspect" ] || suspects="$suspects $1" ;; esac
    # Of a secret no digits of the hash are given. What not everybody may read is not sent.
    case $3,$want,$digest in
    *,-,* | *,@,* | *,=,* | *,'*',* | *, | *,!) ;;
    8??[4567cdef]:*) if [ "$want" = "$size" ]; then contents="$contents $1 "; elif [ "$size" -le $longest ]; then texts="$texts $1"; fi ;;
    esac
    how=-
    # Only regular files are opened: a FIFO blocks, a device may never end.
    case $3 in 8???:*) ;; *) return ;; esac
    # In /proc the size is always 0, in /sys 4096.
    case $want:$digest in
    =:!) say dark "$1" "a secret by discovery's rules, so its content is not read" && return ;;
    =:*)
        [ "$size" -gt $longest ] || wanted="$wanted $1"
        return
        ;;
    esac
    case $want:$size in -:* | @:*) return ;; '*':* | "$size:$size" | *:0 | *:4096) ;; *) return ;; esac
    how=b
    # Not in the batch: files that may delay it (10 MB and more; /proc/kmsg), and names that sha256sum escapes.
    case $2 in /proc/* | /sys/* | *\\* | *"$nl"*) how=o ;; esac
    case $size in ????????*) how=l ;; esac
    [ -r "$2" ] || how=r
}

# Reports the hash of a file. DIGITS: the first digits of the declared hash, or nothing, or `!` for a secret, whose hash is salted.
say_hash() { # PATH SHA256 DIGITS
    if [ "$3" = ! ]; then
        : "${salt:=$(od -An -tx1 -N16 /dev/urandom | tr -d ' \n')}"
        salted=$(echo "$salt$2" | sha256sum)
        if [ ${#salt} = 32 ]; then say salted "$1" "$salt:${salted%% *}"; else say dark "$1" 'it is a secret, and there are no random bytes to salt its hash with'; fi
        return
    fi
    say hash "$1" "$2"
    case $2 in "$3"*) return ;; esac
    suspects="$suspects $1"
    case $contents in *" $1 "*) texts="$texts $1" ;; esac
}

# Hashes one file by itself.
hash_one() { # PATH FILE DIGITS [SUDO...]
    path=$1 file=$2 digits=$3
    shift 3
    if late; then
        say dark "$path" 'no time was left to hash it'
        return
    fi
    run_tool sha256sum "$@" timeout 2 sha256sum -- "$file"
    case $? in
    0)
        hash=${output#\\}
        case $how:$digits:$file in
        l:* | *:!:* | *:*:$no_secrets | *:*:$sudo_rules) ;;
        *) [ -z "$(with_secret_lines 1 "$@" -- "$file")" ] || digits=! ;;
        esac
        say_hash "$path" "${hash%% *}" "$digits"
        ;;
    124 | 137 | 143) say dark "$path" 'hashing it took longer than 2 seconds' ;;
    *) report_failure dark "$path" ;;
    esac
}

# Runs one command for all files that $hows marks for the batch.
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

# Reports `user|group NAME ID` for each name that exists. Without getent (some musl systems) the table itself is read.
report_ids() { # user|group passwd|group NAME...
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

# Examines a block of existing files: one stat for all, one sha256sum for those whose hash is wanted.
look() { # FILE...; $paths: WANT:OWNER:GROUP:PATH of each
    lines=$(stat -L -c "$format" -- "$@") || exit # a file vanished in between; stat has printed which
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
            case $lined in *"$nl$1$nl"*) case $1 in $no_secrets | $sudo_rules) ;; *) digest=! ;; esac ;; esac
            # Lines belong to files by their order. If a file could not be read, no line is used.
            if [ "$count" = "$batched" ]; then
                line=${sums%%"$nl"*}
                line=${line#\\} # before names that sha256sum escapes; some versions do that for a carriage return
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

# Examines a file that stat did not find: it is missing, or this user may not see it.
look_closer() { # PATH FILE WANT:OWNER:GROUP
    run_tool stat stat -L -c "$format" -- "$2" && return # it has just appeared: without a line it is unknown
    case $why in
    *'Permission denied'*)
        # shellcheck disable=SC2086 # PE_SUDO is words
        if [ -n "$sudo" ] && run_tool stat $sudo stat -L -c "$format" -- "$2"; then
            as=$sudo
            stated=${output%"$nl"}
            case $3 in -*) request=$3 ;; *) is_secret "$raw" "$2" $sudo && request=!$3 || request=$3 ;; esac
            examine "$1" "$2" "$stated" "$request"
            [ "$how" = - ] || hash_one "$1" "$2" "$digest" $sudo
            return
        fi
        ;;
    esac
    report_failure gone "$1"
    suspects="$suspects $1"
    owner=${3#*:} group=${3##*:}
    [ -z "${owner%:*}" ] || users="$users ${owner%:*}"
    [ -z "$group" ] || groups="$groups $group"
}

# Examines what is at a path itself. One lstat decides; a message of stat says why there is none.
look_itself() { # PATH FILE @:OWNER:GROUP
    reader=''
    if ! run_tool stat stat -c "$format" -- "$2"; then
        case $why in *'Permission denied'*) reader=$sudo ;; esac
        # shellcheck disable=SC2086 # PE_SUDO is words
        if [ -z "$reader" ] || ! run_tool stat $reader stat -c "$format" -- "$2"; then
            report_failure none "$1"
            return
        fi
    fi
    stated=${output%"$nl"}
    tell=self
    examine "$1" "$2" "$stated" "$3"
    tell=seen
    case $stated in a???:*) ;; *) return ;; esac
    # shellcheck disable=SC2086
    target=$($reader readlink -n -- "$2" 2>/dev/null | od -An -v -tx1 | tr -d ' \n')
    [ -z "$target" ] || say leads "$1" "$target"
}

# $line: the line that ends with the name of a file, without that name; or nothing. (A name may hold anything, even a newline.)
line_of() { # LINES FILE
    line=''
    case "$nl$1$nl" in *" $2$nl"*) ;; *) return ;; esac
    line=$nl${1%%" $2$nl"*}
    line=${line##*"$nl"}
}

# $flags: the flag of lsattr that keeps a file from being written, or -.
flags_of() { # FILE
    line_of "$attributes" "$1"
    flags=-
    case ${line%% *} in *i*) flags=i ;; *a*) flags=a ;; esac
}

# $folder: the folder of a file, or the nearest existing one above it. $above: the same for the path in the argument.
folder_of() { # PATH FILE
    above=${1%/*} folder=${2%/*}
    while [ -n "$folder" ] && ! [ -e "$folder" ] && ! [ -L "$folder" ]; do above=${above%/*} folder=${folder%/*}; done
    : "${folder:=/}"
}

# Reports what a command that changes the suspects could run into. Each tool runs once for all, as root if one of them needed that.
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
    say "$(sed -n 's/^\([^ ]* \)\{4\}\([^ ]*\) \(r[ow]\)[^ ]* .*- \([^ ]*\) [^ ]* \(r[ow]\).*$/mount \2 \4:\3:\5/p' "/proc/${PE_OUTSIDE:-self}/mountinfo" 2>/dev/null)"
}

# Whether everybody may look for a file in all folders above it: its own mode does not say that. $real: its path without links.
in_open_folders() { # FILE
    real=$(readlink -f -- "$1") || return
    step=${real#"${PE_ROOT-}"}
    step=${step%/*}
    set -- "${PE_ROOT-}/"
    while [ -n "$step" ]; do
        set -- "$@" "${PE_ROOT-}$step"
        step=${step%/*}
    done
    modes=$(stat -c %A -- "$@" 2>/dev/null) || return
    for each in $modes; do
        case $each in d????????[xt]) ;; *) return 1 ;; esac
    done
}

# Sends the contents of the files that differ from a declared text. What is sent is what was searched for secrets: it is read once.
send_texts() {
    flush
    for path in $texts; do
        decode "$path"
        file=${PE_ROOT-}$raw
        [ -r "$file" ] || continue
        if late; then return; fi
        in_open_folders "$file" || continue
        text=$(timeout 2 head -c $longest -- "$file" 2>/dev/null | base64 2>/dev/null | tr -d '\n')
        [ $((sent + ${#text})) -le $most ] || continue
        # shellcheck disable=SC2254 # a pattern
        case $real in
        $no_secrets) ;;
        *)
            echo "$text" | base64 -d 2>/dev/null | timeout 1 grep -qiE -- "$secret_lines" 2>/dev/null
            [ $? = 1 ] || continue
            ;;
        esac
        sent=$((sent + ${#text}))
        printf 'text %s =' "$path"
        echo "$text"
    done
}

# Sends the contents that are asked for. As above, what is sent is what was searched.
send_wanted() {
    for path in $wanted; do
        decode "$path"
        file=${PE_ROOT-}$raw reader=''
        if late; then
            say dark "$path" 'no time was left to read it'
            continue
        fi
        [ -r "$file" ] || reader=$sudo
        if ! [ -r "$file" ] && [ -z "$reader" ]; then
            say dark "$path" 'Permission denied'
            continue
        fi
        # shellcheck disable=SC2086 # PE_SUDO is words
        text=$({ $reader timeout 2 head -c $((longest + 1)) -- "$file" 2>/dev/null || printf '\000'; } | base64 2>/dev/null | tr -d '\n')
        if [ $((sent + ${#text})) -gt $most ]; then
            say dark "$path" 'the contents that this check asks for are too large together'
            continue
        fi
        # shellcheck disable=SC2254 # a pattern
        case $raw in
        $no_secrets | $sudo_rules) ;;
        *)
            echo "$text" | base64 -d 2>/dev/null | timeout 1 grep -qiE -- "$secret_lines" 2>/dev/null
            case $? in
            1) ;;
            0)
                say dark "$path" "a secret by discovery's rules, so its content is not read"
                continue
                ;;
            *)
                say dark "$path" 'it could not be searched for secrets'
                continue
                ;;
            esac
            ;;
        esac
        sent=$((sent + ${#text}))
        flush
        printf 'text %s =' "$path"
        echo "$text"
    done
}

# Prints the mount points where this session sees another file system than process 1, because its sshd has PrivateTmp= or BindPaths=, or it runs in a
# chroot. If only the mount differs, such as read-only in a sandbox, it is the same file system.
apart() {
    if [ -r /proc/1/mountinfo ]; then cat /proc/1/mountinfo; elif [ -n "$sudo" ]; then $sudo cat /proc/1/mountinfo; fi 2>/dev/null | awk '
        FNR == 1 { part++; if (FILENAME != "-") part = 2 }
        {
            line[part, ++count[part]] = $0
            type = $0
            sub(/.* - /, "", type)
            sub(/ .*/, "", type)
            # A sandbox has its own mount of /proc, which shows the same content.
            device[part, count[part]] = type ~ /^(proc|sysfs)$/ ? type : $3
            root[part, count[part]] = $4
            place[part, count[part]] = $5
        }
        function file_at(which, point,    i, at, length_of, found) {
            length_of = -1
            for (i = 1; i <= count[which]; i++) {
                at = place[which, i] == "/" ? "" : place[which, i]
                if (length(at) >= length_of && index(point "/", at "/") == 1) { length_of = length(at); found = i }
            }
            if (length_of < 0) return ""
            return device[which, found] " " (root[which, found] == "/" ? "" : root[which, found]) substr(point, length_of + 1)
        }
        END {
            if (!count[1] || !count[2]) exit
            for (i = 1; i <= count[1] && line[1, i] == line[2, i]; i++) continue
            if (i > count[1] && count[1] == count[2]) exit
            for (which = 1; which <= 2; which++)
                for (i = 1; i <= count[which]; i++) {
                    point = place[which, i]
                    if (!(point in compared) && file_at(1, point) != file_at(2, point)) print point
                    compared[point]
                }
        }
    ' - /proc/self/mountinfo 2>/dev/null
}

# Reports a path that is on a file system that this session and process 1 do not share.
report_apart() { # PATH FILE
    real=$(readlink -f -- "$2" 2>/dev/null) || real=$2
    for each in $apart; do
        point=$(printf '%b' "$each")
        case $real/ in "${point%/}/"*) say apart "$1" "$each" && return ;; esac
    done
}

apart=''
[ -n "${PE_ROOT-}" ] || apart=$(apart)
blanks=$IFS
paths=''
mine='' # set once "$@" is the block of files; the loop has its own list of the arguments
for argument; do
    [ -n "$mine" ] || set --
    mine=yes
    path=${argument#*:*:*:}
    request=${argument%":$path"}
    decode "$path"
    file=${PE_ROOT-}$raw
    [ -z "$apart" ] || report_apart "$path" "$file"
    case $request in
    @*)
        look_itself "$path" "$file" "$request"
        continue
        ;;
    esac
    if [ -e "$file" ]; then
        [ ! -L "$file" ] || target=$(readlink -f "$file")
        case $request in -*) ;; *) ! is_secret "$raw" "$file" || request=!$request ;; esac
        paths="$paths $request:$path"
        set -- "$@" "$file"
    else
        [ ! -L "$file" ] || target=$(readlink "$file")
        look_closer "$path" "$file" "$request"
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
[ -z "$texts" ] || send_texts
[ -z "$wanted" ] || send_wanted
# shellcheck disable=SC2086 # names without blanks
report_ids user passwd $users
# shellcheck disable=SC2086
report_ids group group $groups
flush
