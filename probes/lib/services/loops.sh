# Services that end and start again, again and again.
# shellcheck disable=SC2154 # the probe sets what these functions read

# Prints $up without the services that may be in such a loop. Those get the full answer.
#
# Each start makes a new link in run/systemd/units, and each end removes it. A service that has been up for an hour, or for a third of the time since the
# boot, is in no loop that its restarts would tell (running.py); 3 minutes more leave it time to start. In the first hour a link older than the boot is
# one from before the clock was set, and tells nothing. Services without a link of that age are asked for: may be in a loop what systemd has restarted
# by itself three times, or in the last two minutes, or what a socket, timer or path may have started again in these.
without_loops() {
    read -r uptime _ 2>/dev/null <proc/uptime || uptime=0
    uptime=$((${uptime%.*} / 60))
    [ $uptime -lt 171 ] && long=$((uptime / 3 + 3)) || long=60
    [ $uptime -lt 60 ] && oldest=$((uptime + 1)) || oldest=999999999
    young=$(
        say "$(invocations "$long")" '= up' "$up" | awk '
            $1 == "=" { part = "up"; next }
            part == "" { sub(/.*invocation:/, ""); old[$0]; next }
            $1 ~ /\.service$/ && !($1 in old) { print $1 }
        '
    )
    [ -n "$young" ] || { say "$up"; return; }
    set -f
    # shellcheck disable=SC2086
    restarts=$(systemctl show --no-pager -p Id,NRestarts,TriggeredBy -- $young) || restarts=''
    set +f
    say "$young" '= settled' "$(invocations 1)" '= restarts' "$restarts" '' '= up' "$up" | awk '
        $1 == "=" { part = $2; next }
        part == "" { young[$0]; next }
        part == "settled" { sub(/.*invocation:/, ""); settled[$0]; next }
        part == "restarts" && /^Id=/ { id = substr($0, 4) }
        part == "restarts" && /^NRestarts=[0-9]+$/ { count = substr($0, 11) }
        part == "restarts" && /^TriggeredBy=./ { triggered = 1 }
        part == "restarts" && $0 == "" {
            if (count != "" && (id in settled ? count < 3 : count == 0 && !triggered)) delete young[id]
            id = count = triggered = ""
        }
        part == "up" && NF && !($1 in young)
    '
}

invocations() { # MINUTES: the links of services that were started longer ago, in this boot
    find run/systemd/units -name 'invocation:*' -mmin "+$1" ! -mmin "+$oldest" 2>/dev/null
}
