# Services that end and start again, again and again.
# shellcheck disable=SC2154 # the probe sets what these functions read

# Prints $up without the services that may be in such a loop. Those get the full answer.
#
# Each start makes a new link in run/systemd/units, and each end removes it. A service that has been up for an hour, or for a third of the time since
# the boot, is in no loop that its restarts would show (running.py); 3 minutes more leave it time to start. In the first hour a link older than the
# boot is one from before the clock was set, and shows nothing. Services without a link of that age are asked about. One may be in a loop if systemd
# has restarted it by itself three times, or in the last two minutes, or if in these it was started again, or a socket, timer or path may have started
# it again. (Other units and scripts can start a service again and again as well.) systemd forgets the end of a unit that no unit wants.
without_loops() {
    # shellcheck disable=SC2016 # awk reads it
    names_of_links='
        function without_link(id,    start) {
            if (id in direct) return 1
            for (start in prefixes) if (substr(id, 1, length(start)) == start) return 1
            return 0
        }
        $1 == "=" && NF == 2 { part = $2; next }
        part == "" { sub(/.*invocation:/, ""); old[$0]; next }
        part == "direct" && sub(/\*$/, "") { prefixes[$0]; next }
        part == "direct" && NF { direct[$0] }
    '
    read -r uptime _ 2>/dev/null <proc/uptime || uptime=0
    uptime=$((${uptime%.*} / 60))
    [ $uptime -lt 171 ] && long=$((uptime / 3 + 3)) || long=60
    [ $uptime -lt 60 ] && oldest=$((uptime + 1)) || oldest=999999999
    direct=''
    restarted_directly
    young=$(
        say "$(invocations "$long")" '= direct' "$direct" '= up' "$up" | awk '
            '"$names_of_links"'
            part == "up" && $1 ~ /\.service$/ && !($1 in old && !without_link($1)) { print $1 }
        '
    )
    [ -n "$young" ] || { say "$up"; return; }
    set -f
    # shellcheck disable=SC2086
    restarts=$(systemctl show --no-pager -p Id,NRestarts,TriggeredBy,WantedBy,RequiredBy,ActiveExitTimestampMonotonic -- $young) || restarts=''
    set +f
    say "$(invocations 1)" '= direct' "$direct" '= young' "$young" '= restarts' "$restarts" '' '= up' "$up" | awk '
        '"$names_of_links"'
        part == "young" { young[$0] }
        part == "restarts" && /^Id=/ { id = substr($0, 4) }
        part == "restarts" && /^NRestarts=[0-9]+$/ { count = substr($0, 11) }
        part == "restarts" && /^(TriggeredBy=.|ActiveExitTimestampMonotonic=[^0])/ { again = 1 }
        part == "restarts" && /^(WantedBy|RequiredBy)=./ { remembered = 1 }
        part == "restarts" && $0 == "" {
            if (count != "" && (id in old && !without_link(id) ? count < 3 : count == 0 && !again && remembered)) delete young[id]
            id = count = again = remembered = ""
        }
        part == "up" && NF && !($1 in young)
    '
}

invocations() { # MINUTES: the links of services that were started longer ago, in this boot
    find run/systemd/units -name 'invocation:*' -mmin "+$1" ! -mmin "+$oldest" 2>/dev/null
}

# Services that may say RestartMode=: with RestartMode=direct they keep the link of their first start (systemd 257). In $direct: `NAME`,
# or `PREFIX*`. On most nodes there are none, and grep alone is a process.
restarted_directly() {
    for parent in etc/systemd/system* run/systemd/system* run/systemd/transient run/systemd/generator* \
        usr/local/lib/systemd/system usr/lib/systemd/system lib/systemd/system; do
        [ "$parent" = lib/systemd/system ] && [ -L lib ] && continue
        [ ! -d "$parent" ] || set -- "$@" "$parent"/*.service "$parent"/*service.d/*.conf
    done
    direct=$(grep -Fls RestartMode /dev/null "$@")
    [ -z "$direct" ] || direct=$(say "$direct" | while read -r file; do
        case $file in
        *.conf) file=${file%/*} file=${file%.d} ;;
        esac
        name=${file##*/}
        case $name in
        service) echo '*' ;;
        *@.service | *-.service) printf '%s*\n' "${name%.service}" ;;
        *) printf '%s\n' "$name" ;;
        esac
        # A drop-in of an alias is one of its unit.
        for file in etc/systemd/system run/systemd/system usr/local/lib/systemd/system usr/lib/systemd/system; do
            ! target=$(readlink "$file/$name") || printf '%s\n' "${target##*/}"
        done
    done)
}

# What the journal has of services that may be up again: `UNIT start SECONDS` for the last start, `UNIT before SECONDS` for the one before, and
# `UNIT stop SECONDS` for the last stop by a job, by the monotonic clock. A service that ends by itself leaves no such stop. What the journal does not
# have, or may not be read, is left out.
starts_and_stops() {
    set -f
    # shellcheck disable=SC2046
    set -- $(
        say "$shown" | awk '
            BEGIN { RS = ""; FS = "\n" }
            /ActiveState=(active|reloading|refreshing)/ && (/ActiveExitTimestampMonotonic=[1-9]/ || !/(WantedBy|RequiredBy)=[^\n]/) {
                for (i = 1; i <= NF; i++) if ($i ~ /^Id=.*\.service$/) print "UNIT=" substr($i, 4)
            }'
    )
    set +f
    [ $# -gt 0 ] || return 0
    ${PE_SUDO-} journalctl -q -b --no-pager -o json --output-fields=MESSAGE_ID,UNIT \
        MESSAGE_ID=39f53479d3a045ac8e11786248231fbf MESSAGE_ID=de5b426a63be47a7b6ac3eaac82e2f6f "$@" 2>/dev/null </dev/null | awk '
        function field(name,    text) {
            text = $0
            if (!sub(".*\"" name "\":\"", "", text)) return ""
            sub(/".*/, "", text)
            gsub(/\\\\/, "\\", text)
            return text
        }
        {
            unit = field("UNIT")
            kind = field("MESSAGE_ID") ~ /^39f/ ? "start" : "stop"
            if (kind == "start" && (unit " start") in last) last[unit " before"] = last[unit " start"]
            last[unit " " kind] = field("__MONOTONIC_TIMESTAMP") / 1000000
        }
        END { for (key in last) printf "%s %.6f\n", key, last[key] }
    ' | sort
}
