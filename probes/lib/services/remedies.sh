# What a command that changes a unit would run into, and what else a missing name may mean.
# shellcheck disable=SC2154 # the probe sets what these functions read

# What keeps `systemctl start` from working, for the first ten units that are down and are to run, and for all that a socket may start: `UNIT unmet
# CONDITION`, and `UNIT lacks UNIT STATE` for what it requires and cannot be loaded. `UNIT ready` where its conditions hold, and all that it requires is up.
in_vain() {
    down=$(say "$shown" | WANTED=$wanted awk '
        BEGIN { RS = ""; FS = "\n"; count = split(ENVIRON["WANTED"], names, "\n"); for (i = 1; i <= count; i++) wanted[names[i]] }
        /LoadState=loaded/ {
            id = ""
            hit = 0
            socket = /TriggeredBy=[^\n]*\.socket/
            for (i = 1; i <= NF; i++) {
                if ($i ~ /^Id=/) id = substr($i, 4)
                if (!sub(/^(Id|Names)=/, "", $i)) continue
                count = split($i, names, " ")
                for (j = 1; j <= count; j++) if (names[j] in wanted) hit = 1
            }
            if (hit && (socket || (/ActiveState=(inactive|failed)/ && ++found <= 10))) print id
        }
    ')
    for unit in $down; do
        ready=yes
        # shellcheck disable=SC2086
        said=$(${PE_SUDO-} systemd-analyze condition --unit="$unit" </dev/null 2>&1) || ready=''
        # Only root sees each path.
        if [ -z "${PE_SUDO-}" ] && [ "$(id -u)" != 0 ]; then
            ! say "$said" | sed -n 's/^[^ ]*: [A-Za-z]*=[|!]*\(\/.*\) [a-z]*\.$/\1/p' | out_of_sight || ready=''
        fi
        unmet=$(say "$said" | sed -n 's/^.*: \([A-Z][^ ]*=.*\) failed\.$/\1/p' | sed -n 1p)
        [ -z "$unmet" ] || printf '%s unmet %s\n' "$unit" "$unmet"
        required=$(requirements_of "$unit")
        say "$required" | UNIT=$unit awk '$2 == "is" && $3 != "loaded" { print ENVIRON["UNIT"], "lacks", $1, $3 }'
        case $newline$required$newline in
        *" is not-found "* | *" is masked "* | *" inactive$newline"* | *" failed$newline"* | *"ing$newline"*) ready='' ;;
        *" is loaded active$newline"*) ;;
        *) ready='' ;;
        esac
        [ -z "$ready" ] || printf '%s ready\n' "$unit"
    done
}

# Whether one of the paths may be there though this user does not see it.
out_of_sight() {
    while read -r path; do
        [ -e "$path" ] || [ ! -L "$path" ] || return 0
        while [ -n "$path" ]; do
            path=${path%/*}
            [ ! -d "$path" ] || { [ -r "$path" ] && [ -x "$path" ]; } || return 0
        done
    done
    return 1
}

# What a unit requires, and what that requires in turn: `UNIT is LOAD-STATE ACTIVE-STATE`.
requirements_of() { # UNIT
    seen=" $1 "
    next=$1 first=yes
    while [ -n "$next" ]; do
        # shellcheck disable=SC2086
        blocks=$(systemctl show --no-pager -p Id,LoadState,ActiveState,Requires,Requisite,BindsTo -- $next)
        found=$(say "$blocks" '' | FIRST=$first awk '
            function tell(    i, count, names) {
                if (ENVIRON["FIRST"] == "") print is["Id"], "is", is["LoadState"], is["ActiveState"]
                gsub(/"/, "", needs)
                gsub(/\\\\/, "\\", needs)
                count = split(needs, names, " ")
                for (i = 1; i <= count; i++) print names[i]
                needs = ""
            }
            $0 == "" { if ("Id" in is) tell(); split("", is); next }
            { at = index($0, "="); key = substr($0, 1, at - 1); value = substr($0, at + 1); is[key] = value }
            key ~ /^Re|^Bi/ { needs = needs " " value }
        ')
        first='' next=''
        for line in $(say "$found" | awk 'NF == 1'); do
            case $seen in *" $line "*) ;; *) seen="$seen$line " next="$next $line" ;; esac
        done
        say "$found" | awk 'NF > 1'
    done
}

# The units that this very connection hangs on: those of the processes above this one.
way_in() {
    pid=$$
    while [ "${pid:-1}" -gt 1 ]; do
        while IFS=: read -r _ _ group; do
            case $group in *.service | *.scope) printf '%s\n' "${group##*/}" ;; esac
        done 2>/dev/null <"proc/$pid/cgroup"
        parent=''
        while read -r word value; do [ "$word" != PPid: ] || parent=$value; done 2>/dev/null <"proc/$pid/status"
        pid=$parent
    done
}

# What `enable` would do: the [Install] sections of unit files, behind a mask as well.
install_sections() {
    for parent in etc/systemd/system run/systemd/system usr/local/lib/systemd/system usr/lib/systemd/system lib/systemd/system; do
        [ "$parent" = lib/systemd/system ] && [ -L lib ] && continue
        for unit in $(of Id); do
            [ "$parent" != etc/systemd/system ] || [ ! -L "$parent/$unit" ] || [ ! -s "$parent/$unit" ] || printf '%s linked\n' "$unit"
            case $unit in *@*) set -- "$parent/$unit" "$parent/${unit%%@*}@.${unit##*.}" ;; *) set -- "$parent/$unit" ;; esac
            for file; do [ ! -f "$file" ] || [ ! -s "$file" ] || printf '= %s %s\n' "$unit" "$file"; done
        done
    done | awk '
        $1 != "=" { print; next }
        {
            while ((getline line < $3) > 0) if (line ~ /^[ \t]*(WantedBy|RequiredBy|UpheldBy|Also)[ \t]*=/) { sub(/^[ \t]+/, "", line); print $2, line }
            close($3)
        }
    '
}

# What else the name may mean: units of a like name, and those that claim it by Alias=.
similar_names() {
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
}
