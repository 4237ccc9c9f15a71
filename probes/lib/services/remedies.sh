# What a command that changes a unit would run into, and what else a missing name may mean.
# shellcheck disable=SC2154 # the probe sets what these functions read

# What keeps `systemctl start` from working, for the first ten units that are down and are to run, and for all that a socket may start: `UNIT unmet
# CONDITION`, and `UNIT lacks UNIT STATE` for what it requires and cannot be loaded. `UNIT ready` where its conditions hold, and all that it requires is up.
# And what is wrong with its socket (`unheard`).
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
        case $newline$triggers$newline in *"$newline${unit%.service}.socket$newline"*) unheard "$unit" "${unit%.service}.socket" ;; esac
    done
}

# Why the socket of the unit's own name is not where its unit files say: `UNIT unheard now|boot WHY`. A drop-in may have moved it from the network to a
# path, or to this machine alone; and systemd keeps a socket active that it cannot find at its new address after a daemon-reload.
unheard() { # UNIT SOCKET
    set +f
    files=$(
        for parent in etc/systemd/system run/systemd/generator* usr/local/lib/systemd/system usr/lib/systemd/system lib/systemd/system; do
            [ ! -f "$parent/$2" ] || sed -n 's/^[[:blank:]]*Listen\(Stream\|Datagram\|SequentialPacket\)[[:blank:]]*=[[:blank:]]*\([^[:blank:]]\)/\1 \2/p' "$parent/$2"
        done
    )
    set -f
    {
        say '= files' "$files" '= now'
        systemctl show --no-pager -p Listen,BindToDevice,ActiveState -- "$2" | sed -n '
            s/^Listen=\(.*\) (\(Stream\|Datagram\|SequentialPacket\))$/\2 \1/p
            s/^BindToDevice=\(.\)/Device \1/p
            s/^ActiveState=active$/Up yes/p
        '
        say '= boot' "$jobs"
        for table in tcp tcp6 udp udp6 unix; do
            say "= $table"
            cat "proc/net/$table" 2>/dev/null
        done
    } | awk -v unit="$1" -v socket="$2" '
        function port(address) { sub(/.*:/, "", address); return sprintf("%04X", address) }
        # Whether other machines can reach an address: no path, not this machine alone.
        function public(address) { return address ~ /^([0-9]+|[0-9.]+:[0-9]+|[[].*[]]:[0-9]+)$/ && address !~ /^(127[.]|[[]::1[]]|[[]::ffff:127[.])/ }
        function is_open(kind, address) {
            if (kind == "SequentialPacket") return 1
            if (address ~ /^[\/@]/) return address in paths
            return (kind, port(address)) in ports || !public(address)
        }
        function tell(when,    i, kind, address, words, list, lost, deaf) {
            list = ""
            split("", reached)
            deaf = counted[when]
            for (i = 1; i <= counted[when]; i++) {
                split(addresses[when, i], words, " ")
                list = list (list == "" ? "" : ", ") words[2]
                if (!device[when] && public(words[2])) reached[words[1]]
                if (is_open(words[1], words[2])) deaf = 0
            }
            for (kind in wanted) if (!(kind in reached)) lost = 1
            if (lost) print unit, "unheard", when, socket " listens only at " (list == "" ? "no address" : list) (device[when] ? " (" device[when] ")" : "")
            else if (when == "now" && up && deaf) print unit, "unheard", when, socket " does not listen at " list " until it is restarted"
        }
        $1 == "=" && NF == 2 { part = $2; next }
        part == "files" { if (public($2)) wanted[$1]; next }
        part == "boot" && $1 == "listens" && $2 == socket { sub(/^[^ ]+ [^ ]+ /, ""); boot = 1; }
        part == "boot" && $1 == "complete" { complete = 1; next }
        part == "boot" && !boot { next }
        part == "now" || part == "boot" {
            boot = 0
            if ($1 == "Device") device[part] = $2
            else if ($1 == "Up") up = 1
            else addresses[part, ++counted[part]] = $0
            next
        }
        part == "unix" { if ($8 != "") paths[$8]; next }
        part ~ /^tcp/ { if ($4 == "0A") ports["Stream", substr($2, length($2) - 3)]; next }
        part ~ /^udp/ { ports["Datagram", substr($2, length($2) - 3)] }
        END {
            tell("now")
            if (complete) tell("boot")
        }
    '
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
        blocks=$(systemctl show --no-pager -p Id,LoadState,ActiveState,Requires,Requisite,BindsTo -- $next) || say "$1 is loaded failed" # unknown
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

# The units that this connection depends on: those of the processes above this one.
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
