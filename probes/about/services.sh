# What systemd runs, and what of it failed.
# shellcheck disable=SC2154 # lib/node.sh sets root
if [ ! -d "$root/run/systemd/system" ]; then
    missing services 'systemd does not run here'
    exit 0
fi
units=$(systemctl list-units --all --plain --full --no-legend --no-pager) || exit
# It prints running, degraded, starting..., and ends with 1 for all but the first.
state=$(systemctl is-system-running 2>/dev/null)
line state "${state:-unknown}"
printf '%s\n' "$units" | awk '
    { gsub(/[\001-\037\177]/, " "); unit = $1; load = $2; active = $3; sub_state = $4; $1 = $2 = $3 = $4 = ""; sub(/^ +/, "") }
    active == "failed" { print "failed\t" unit "\t" $0 }
    sub_state == "auto-restart" { print "failed\t" unit "\tends again and again: " $0 }
    unit !~ /\.service$/ { next }
    active == "active" && sub_state == "running" { print "running\t" unit "\t" $0 }
    active == "active" && sub_state == "exited" { exited++ }
    END { print "exited\t" exited + 0 }'
