# systemd units: what they do now, and what starts them at boot. Needs no root.
#
# `show` costs PID 1 0.7 to 2.5 ms a unit, and the file state another 0.5. So a unit that is plainly up (active, and linked on disk from a target
# that every boot passes) is told from a listing and the links. All else gets the full answer, and so does a name that is marked with `!`.

for tool in awk grep; do
    command -v "$tool" >/dev/null || { echo "there is no $tool" >&2; exit 1; }
done

# A search for a manager that is not there must not end as an empty answer: in a chroot systemctl prints nothing and exits 0.
units=$(systemctl list-units --all --full --plain --no-legend --no-pager -- "$@") || exit
cd "${PE_ROOT:-/}" || exit

# The target that a boot goes for; a link by another name than its own, or a file.
default=''
for file in run/systemd/generator.early/default.target etc/systemd/system/default.target run/systemd/system/default.target \
    usr/local/lib/systemd/system/default.target usr/lib/systemd/system/default.target lib/systemd/system/default.target; do
    if [ -L "$file" ]; then default=$(readlink "$file"); elif [ -e "$file" ]; then default=$file; else continue; fi
    default=${default##*/}
    break
done

up=$(
    case $default in (multi-user.target | graphical.target | runlevel[2-5].target) ;; (*) exit ;; esac
    {
        printf '%s\n' "$units"
        # An empty file, a link to /dev/null or a folder masks a unit, and all of these dirs come before the vendor's.
        echo '= masked'
        for file in etc/systemd/system/* run/systemd/system/* etc/systemd/system.control/* run/systemd/system.control/* \
            run/systemd/generator.early/* usr/local/lib/systemd/system/*; do
            [ -f "$file" ] && [ -s "$file" ] || printf '%s\n' "$file"
        done
        # A link that leads nowhere starts nothing; nor does one that leads to a file, when the unit of that name has none: the name decides.
        links='= links'
        for file in etc/systemd/system/sysinit.target.wants/* etc/systemd/system/multi-user.target.wants/* \
            etc/systemd/system/sockets.target.wants/* etc/systemd/system/timers.target.wants/* etc/systemd/system/getty.target.wants/*; do
            [ -e "$file" ] || continue
            for parent in etc/systemd/system usr/lib/systemd/system lib/systemd/system usr/local/lib/systemd/system run/systemd/system; do
                if [ -f "$parent/${file##*/}" ] && [ -s "$parent/${file##*/}" ]; then
                    links="$links
$file"
                    break
                fi
            done
        done
        printf '%s\n' "$links"
    } | awk '
        BEGIN { for (i = 1; i < ARGC; i++) asked[ARGV[i]] = 1; ARGC = 1 }
        $1 == "=" { part = $2; next }
        part == "" && $2 == "loaded" && $3 == "active" && $4 ~ /^(running|listening|waiting|active)$/ && ($1 in asked) && $1 !~ /@/ { up[$1] = $4; next }
        { unit = $0; sub(/.*\//, "", unit) }
        part == "masked" { delete up[unit]; masked[unit] = 1 }
        part == "links" && (unit in up) {
            target = $0
            sub(/\.wants\/.*/, "", target)
            sub(/.*\//, "", target)
            if (target in masked) next
            print unit, up[unit], target
            delete up[unit]
        }
    ' "$@"
) || exit

echo '== up'
[ -z "$up" ] || printf '%s\n' "$up"

for unit; do
    shift
    case "
$up" in
    *"
$unit "*) ;;
    *) set -- "$@" "${unit#!}" ;;
    esac
done
[ $# -gt 0 ] || { echo '== end'; exit 0; }
echo '== asked'
printf '%s\n' "$@"

show() {
    # One invalid name ends the answer for all that follow it: then each is asked on its own.
    properties=Id,Names,LoadState,ActiveState,SubState,Type,RemainAfterExit,Job,ControlGroup,TriggeredBy,WantedBy,RequiredBy,UpheldBy,BoundBy
    systemctl show --no-pager -p "$properties" -- "$@" 2>/dev/null && return
    for unit; do
        echo
        systemctl show --no-pager -p "$properties" -- "$unit"
    done
}

of() {
    # Units named by properties of the answer, C-quoted where they hold a backslash.
    printf '%s\n' "$shown" | awk -v wanted=" $* " -F= '
        index(wanted, " " $1 " ") {
            gsub(/"/, "", $2)
            gsub(/\\\\/, "\\", $2)
            count = split($2, units, " ")
            for (i = 1; i <= count; i++) if (!seen[units[i]]++) print units[i]
        }'
}

echo '== show'
shown=$(show "$@")
[ -n "$shown$up" ] || { echo 'systemctl tells nothing about these units; does systemd run here (a chroot?)' >&2; exit 1; }
printf '%s\n' "$shown"

# Links that pull a unit in. Globs that match nothing are printed as they are, and read as nothing. On merged systems lib is a link to usr/lib.
links=$(
    for parent in etc/systemd/system* run/systemd/system* run/systemd/transient run/systemd/generator* \
        usr/local/lib/systemd/system usr/lib/systemd/system lib/systemd/system; do
        [ "$parent" = lib/systemd/system ] && [ -L lib ] && continue
        printf '%s\n' "$parent"/*.wants/* "$parent"/*.requires/* "$parent"/*.upholds/*
    done
)

# Triggers that name another unit than their own; the manager knows those that it has loaded.
activating=$(
    for parent in etc/systemd/system run/systemd/system usr/local/lib/systemd/system usr/lib/systemd/system lib/systemd/system; do
        [ "$parent" = lib/systemd/system ] && [ -L lib ] && continue
        grep -Es '^[[:blank:]]*(Unit|Service)[[:blank:]]*=' /dev/null "$parent"/*.socket "$parent"/*.timer "$parent"/*.path \
            "$parent"/*.socket.d/*.conf "$parent"/*.timer.d/*.conf "$parent"/*.path.d/*.conf
    done
)

# What follows takes names that systemd itself gave; they hold neither blanks nor anything a shell would expand.
set -f
triggers=$(of TriggeredBy)
if [ -n "$triggers" ]; then
    echo
    # shellcheck disable=SC2086
    show $triggers
fi

# `show` remembers the file state of the last reload; the listing reads the disk, as a boot does. It leaves out instances, and for a SysV
# script it says "generated" where is-enabled asks the script's links. (A batch of is-enabled stops at the first missing unit.)
# shellcheck disable=SC2086,SC2046
pullers=$(printf '%s\n' "$links" | awk -F/ '
    BEGIN { for (i = 1; i < ARGC; i++) pulled[ARGV[i]] = 1; ARGC = 1 }
    ($NF in pulled) { puller = $(NF - 1); sub(/\.(wants|requires|upholds)$/, "", puller); if (!seen[puller]++) print puller }
' $(of Id Names TriggeredBy))
# shellcheck disable=SC2086,SC2046
files=$(
    systemctl list-unit-files --full --plain --no-legend --no-pager -- "$@" $(of Id TriggeredBy WantedBy RequiredBy UpheldBy BoundBy) $pullers |
        awk '{ print $1, $2 }'
)
missing=$(printf '%s\n' "$shown" | awk -F= '$1 == "Id" { id = $2 } $1 == "LoadState" && $2 == "not-found" { print id }')
echo '== files'
printf '%s\n' "$files"
# shellcheck disable=SC2086,SC2046
for unit in $(of Id) $triggers; do
    case "
$missing
$files
" in
    *"
$unit generated
"*) ;;
    *"
$unit
"* | *"
$unit "*) continue ;;
    esac
    printf '%s %s\n' "$unit" "$(systemctl is-enabled -- "$unit" 2>/dev/null)"
done

# A unit that has stopped may have left processes behind (KillMode=process), and its control group with them. A process 0 is one of another
# machine: containers that share the host's tree have groups of the same name.
echo '== left'
for group in $(printf '%s\n' "$shown" | awk '
    BEGIN { RS = ""; FS = "\n" }
    /ActiveState=(inactive|failed)/ { for (i = 1; i <= NF; i++) if (sub(/^ControlGroup=\//, "", $i)) print $i }
'); do
    set +f
    for tree in sys/fs/cgroup sys/fs/cgroup/unified sys/fs/cgroup/systemd; do
        [ -d "$tree/$group" ] || continue
        # A unit with Delegate= has groups of its own below.
        grep -qs '^[1-9]' "$tree/$group"/cgroup.procs "$tree/$group"/*/cgroup.procs "$tree/$group"/*/*/cgroup.procs \
            "$tree/$group"/*/*/*/cgroup.procs && printf '%s\n' "$group"
    done
    set -f
done
set +f

printf '== links\n%s\n== activating\n%s\n== default\n%s\n' "$links" "$activating" "$default"

case $shown in
*LoadState=not-found* | *LoadState=masked*) ;;
*) echo '== end'; exit 0 ;;
esac
# What else the name may mean: units of a like name, and those that claim it by Alias=.
echo '== names'
for parent in etc/systemd/system run/systemd/system run/systemd/generator.late \
    usr/local/lib/systemd/system usr/lib/systemd/system lib/systemd/system; do
    [ "$parent" = lib/systemd/system ] && [ -L lib ] && continue
    set -- "$parent"/*.service "$parent"/*.socket "$parent"/*.timer "$parent"/*.target
    printf '%s\n' "$@"
    for file; do
        [ ! -f "$file" ] || [ -r "$file" ] || printf '? %s\n' "$file"
    done
    grep -s '^[[:blank:]]*Alias[[:blank:]]*=' /dev/null "$@"
done
echo '== end'
