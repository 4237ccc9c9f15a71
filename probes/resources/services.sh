# systemd units: what they do now, and what the next boot starts. Needs no root.
#
# Arguments: unit names. `~` before a name: only what it does now is declared, not its boot. Then, `=`: it is to be down, and no boot is to start it; or
# `!`: give the full answer.
#
# `show` costs PID 1 0.7 to 2.5 ms a unit, since it reads all properties whatever is asked, and the file state another 1.6. So a unit that is plainly up
# is read from a listing, and where its boot is declared, from the job list of the next boot and a link on disk. The others are shown; a unit that is
# then plainly as declared needs no more questions. Every other unit gets the full answer.
#
# The functions are in probes/lib/services/.
# shellcheck disable=SC2034 # they read what is set here

for tool in awk find grep sort xargs; do
    command -v "$tool" >/dev/null || { echo "there is no $tool" >&2; exit 1; }
done

# Prints texts of any length, a line for each: printf is a program in mksh, and takes 128 KiB.
case ${KSH_VERSION-} in
*MIRBSD* | *LEGACY*) say() { for text; do print -r -- "$text"; done; } ;;
*) say() { printf '%s\n' "$@"; } ;;
esac

# Names hold no blanks. Lists of them are split at newlines, and with `set -f` nothing in them is expanded.
newline='
'
boot='' wanted='' declared='' # NAME now|boot up|down|full
for name; do
    about=boot to_be=up
    case $name in '~'*) name=${name#'~'} about=now ;; esac
    case $name in
    !*) name=${name#!} to_be=full ;;
    =*) name=${name#=} to_be=down ;;
    *) wanted="$wanted$name$newline" ;;
    esac
    [ $about = now ] || boot="$boot$name$newline"
    declared="$declared$name $about $to_be$newline"
done

# A search for a manager that is not there must not end as an empty answer: in a chroot systemctl prints nothing and exits 0.
units=$(systemctl list-units --all --full --plain --no-legend --no-pager) || exit
cd "${PE_ROOT:-/}" || exit
all_are_files || exit

# The target that a boot goes for; a link by another name than its own, or a file.
default=''
for file in run/systemd/generator.early/default.target etc/systemd/system/default.target run/systemd/system/default.target \
    usr/local/lib/systemd/system/default.target usr/lib/systemd/system/default.target lib/systemd/system/default.target; do
    if [ -L "$file" ]; then default=$(readlink "$file"); elif [ -e "$file" ]; then default=$file; else continue; fi
    default=${default##*/}
    break
done

# What pulls units in: entries of X.wants and the like, with `-` where systemd reads the entry as a mask (empty, or a device such as /dev/null), and `?`
# where it is not a link. Globs that match nothing are printed as they are, and read as nothing. On merged systems lib is a link to usr/lib.
links='' jobs=''
if [ -n "$boot" ]; then
    links=$(
        for parent in etc/systemd/system* run/systemd/system* run/systemd/transient run/systemd/generator* \
            usr/local/lib/systemd/system usr/lib/systemd/system lib/systemd/system; do
            [ "$parent" = lib/systemd/system ] && [ -L lib ] && continue
            for file in "$parent"/*.wants/* "$parent"/*.requires/* "$parent"/*.upholds/*; do
                if masks "$file"; then
                    printf -- '- %s\n' "$file"
                elif [ -e "$file" ] && [ ! -L "$file" ]; then
                    printf '? %s\n' "$file"
                else
                    printf '%s\n' "$file"
                fi
            done
        done
    )
    look_at_mounts
    search_path=$(systemctl show -p UnitPath --value --no-pager)
    # The dry run takes most of the time: what needs none of it is looked at meanwhile.
    found=$(
        next_boot | {
            halted
            look_at_generators
            echo '= jobs'
            unforeseeable </dev/null
            started_by_scripts </dev/null
            found=$(unmet | required)
            aliases=$(say "$found" | sed -n 's/^alias //p')
            say "$found"
            stale
        }
    )
    halted=${found%%"= jobs"*}
    halted=${halted%"$newline"}
    jobs=${found#*"= jobs$newline"}
else
    halted=$(halted)
fi

# Plainly up: by the listing alone for what it does now. Where the boot is declared, a boot starts it, and a link below /etc says that it is to.
up=$(
    say "$declared" '= units' "$units" '= jobs' "$jobs" '= links' "$links" '= halted' "$halted" | awk '
        $1 == "=" && NF == 2 { part = $2; next }
        part == "" && $3 == "up" { if ($2 == "now") now[$1]; else boot[$1] }
        part == "" && $3 != "up" { answered[$1] }
        part == "units" && $2 == "loaded" && $3 == "active" && $4 ~ /^(running|listening|waiting|active|mounted|plugged|elapsed|abandoned)$/ {
            if (($1 in now) || ($1 in boot)) up[$1] = $4
        }
        part == "jobs" && $1 == "job" { job[$2] }
        part == "jobs" && $1 ~ /^(trap|why|early)$/ { split("", boot) }
        part == "jobs" && $1 ~ /^(unmet|unsure)$/ { if ($2 == "*") split("", boot); else delete boot[$2] }
        part == "links" && /^etc\/systemd\/system\// { file = $0; sub(/.*\//, "", file); linked[file] }
        part == "halted" { delete up[$1] }
        END {
            for (name in up) if (!(name in answered) && ((name in now) || ((name in boot) && (name in job) && (name in linked)))) print name, up[name]
        }
    ' | sort
) || exit

up=$(without_loops)
echo '== up'
[ -z "$up" ] || say "$up"
[ -z "$boot" ] || say '== boot' "$jobs"
# Less is read about the boot of these, and what is read depends on what else is declared.
now=$(say "$declared" | awk '$2 == "now" { print $1 }')
[ -z "$now" ] || say '== now' "$now"

for unit; do
    shift
    unit=${unit#'~'}
    unit=${unit#[=!]}
    case "$newline$up" in
    *"$newline$unit "*) ;;
    *) set -- "$@" "$unit" ;;
    esac
done
[ $# -gt 0 ] || { echo '== end'; exit 0; }
# The time by the wall clock and since the boot, both in seconds.
printf '== clock\n%s %s\n' "$(date +%s)" "$(cat proc/uptime)"
echo '== asked'
printf '%s\n' "$@"
echo '== halted'
say "$halted"

show() {
    # One invalid name ends the answer for all that follow it: then each is asked on its own.
    properties=Id,Names,LoadState,ActiveState,SubState,Type,RemainAfterExit,Job,ControlGroup,TriggeredBy,WantedBy,RequiredBy,UpheldBy,BoundBy,OnSuccessOf,OnFailureOf
    properties=$properties,NRestarts,RuntimeMaxUSec,ActiveEnterTimestamp,ActiveEnterTimestampMonotonic,ActiveExitTimestampMonotonic
    properties=$properties,InactiveEnterTimestamp,InactiveEnterTimestampMonotonic,InactiveExitTimestampMonotonic,StateChangeTimestampMonotonic,ExecStop,ExecStopPost,ExecCondition,Result,StopWhenUnneeded
    properties=$properties,Restart,RestartMode,RestartUSec
    properties=$properties,FragmentPath,SourcePath,NeedDaemonReload
    properties=$properties,RefuseManualStart,RefuseManualStop,ConsistsOf,PropagatesStopTo,Conflicts,ConflictedBy
    TZ=UTC systemctl show --no-pager -p "$properties" -- "$@" 2>/dev/null && return
    for unit; do
        echo
        TZ=UTC systemctl show --no-pager -p "$properties" -- "$unit"
    done
}

of() {
    # Units named by properties of the answer, C-quoted where they hold a backslash.
    say "$shown" | awk -v wanted=" $* " -F= '
        index(wanted, " " $1 " ") {
            gsub(/"/, "", $2)
            gsub(/\\\\/, "\\", $2)
            count = split($2, units, " ")
            for (i = 1; i <= count; i++) if (!seen[units[i]]++) print units[i]
        }'
}

echo '== show'
shown=$(show "$@")
[ -n "$shown$up" ] || { echo 'systemctl says nothing about these units: check that systemd runs here (in a chroot it does not)' >&2; exit 1; }
say "$shown"

# What the jobs are for that the manager has for them.
case $shown in
*Job=[1-9]*)
    echo
    echo '== jobs'
    systemctl list-jobs --full --plain --no-legend --no-pager | awk '{ print $2, $3 }'
    echo '== show'
    ;;
esac

# What follows takes names that systemd itself gave; they hold neither blanks nor anything a shell would expand.
set -f
triggers=$(of TriggeredBy)
if [ -n "$triggers" ]; then
    echo
    # shellcheck disable=SC2086
    show $triggers
fi

# A unit that has stopped may have left processes behind (KillMode=process), and its control group with them. A process 0 is one of another
# machine: containers that share the host's tree have groups of the same name.
echo '== left'
for group in $(say "$shown" | awk '
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

called=''
if [ -n "$boot" ]; then
    called=$(called)
    say '== bus' "$called"
fi
say '== links' "$links" '== default' "$default"

plain=$(plainly)

# The blocks of what was shown, but for the units that $plain names.
others() {
    say "$plain" '= show' "$shown" '' | awk '
        $1 == "=" && NF == 2 { second = 1; next }
        !second { plain[$1]; next }
        /^Id=/ { id = substr($0, 4) }
        $0 != "" { block = block $0 "\n"; next }
        { if (block != "" && !(id in plain)) print block; block = "" }
    '
}
all=$shown
shown=$(others)

# `show` remembers the file state of the last reload; the listing reads the disk, as a boot does. It leaves out instances, and for a SysV
# script it says "generated" where is-enabled asks the script's links. (A batch of is-enabled stops at the first missing unit.)
# What pulls a unit in counts only where there is no job list of the next boot.
pullers=''
if [ -n "$boot" ]; then
    case "$newline$jobs$newline" in
    *"${newline}complete$newline"* | *"${newline}trap "*) ;;
    *)
        # shellcheck disable=SC2046
        pullers=$(
            say "$links" | awk -F/ '
                BEGIN { for (i = 1; i < ARGC; i++) pulled[ARGV[i]] = 1; ARGC = 1 }
                ($NF in pulled) { puller = $(NF - 1); sub(/\.(wants|requires|upholds)$/, "", puller); if (!seen[puller]++) print puller }
            ' $(of Id Names TriggeredBy)
            of WantedBy RequiredBy UpheldBy BoundBy
        )
        ;;
    esac
fi
named=$(
    for unit; do
        case "$newline$plain$newline" in
        *"$newline$unit off$newline"*) ;;
        *"$newline$unit "*) continue ;;
        esac
        printf '%s\n' "$unit"
    done
    of Id TriggeredBy
    [ -z "$pullers" ] || printf '%s\n' "$pullers"
)
# shellcheck disable=SC2086
files=$([ -z "$named" ] || systemctl list-unit-files --full --plain --no-legend --no-pager -- $named | awk '{ print $1, $2 }')
echo '== files'
[ -z "$files" ] || say "$files"
# What is enabled, if only for an alias, is not plainly off.
plain=$(
    say "$files" '= plain' "$plain" | awk '
        $1 == "=" { second = 1; next }
        !second { states[$1] = $2; next }
        $2 != "off" || states[$1] ~ /^(disabled|static|indirect)$/
    '
)
say "$plain" | sed -n 's/ enabled$/&/p'
shown=$all
shown=$(others)
[ -n "$shown" ] || { echo '== end'; exit 0; }

missing=$(say "$shown" | awk -F= '$1 == "Id" { id = $2 } $1 == "LoadState" && $2 == "not-found" { print id }')
triggers=$(of TriggeredBy)
# shellcheck disable=SC2046
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

# What a stop or a start of these would stop as well, if it is active.
echo '== active'
say "$(of RequiredBy BoundBy UpheldBy ConsistsOf PropagatesStopTo Conflicts ConflictedBy)" '= units' "$units" | awk '
    $1 == "=" { second = 1; next }
    !second { near[$1]; next }
    ($1 in near) && $3 ~ /^(active|reloading|activating)$/ { print $1 }
'

echo '== again'
starts_and_stops

echo '== vain'
in_vain

echo '== way'
way_in

if [ -n "$boot" ]; then
    echo '== install'
    install_sections
fi

set +f
# Triggers that name another unit than their own, where the job list does not tell: the manager knows those that it has loaded.
activating=$(
    [ -n "$boot" ] || exit
    case $jobs in *complete*) exit ;; esac
    for parent in etc/systemd/system run/systemd/system usr/local/lib/systemd/system usr/lib/systemd/system lib/systemd/system; do
        [ "$parent" = lib/systemd/system ] && [ -L lib ] && continue
        grep -Es '^[[:blank:]]*(Unit|Service)[[:blank:]]*=' /dev/null "$parent"/*.socket "$parent"/*.timer "$parent"/*.path \
            "$parent"/*.socket.d/*.conf "$parent"/*.timer.d/*.conf "$parent"/*.path.d/*.conf
    done
)

say '== activating' "$activating"

case $shown in
*LoadState=not-found* | *LoadState=masked*) ;;
*) echo '== end'; exit 0 ;;
esac
echo '== names'
similar_names
echo '== end'
