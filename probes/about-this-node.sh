#!/bin/sh
# Shows what a machine is, on 80 columns: this one, or another one. It only reads. It uses `sudo -n` for what only root may read.
#
#     sh probes/about-this-node.sh [user@host]
#
# --print: print the script as one piece, for a machine that has no checkout.

# shellcheck source=probes/by-hand.sh
. "$(dirname "$0")/by-hand.sh"

# Reads an answer as it comes, and prints each part when it is complete.
# shellcheck disable=SC2016
pe_sheet='
function put(line) { # a CI runner must not obey a line
    if (line ~ /^ *::[A-Za-z-]+.*::/) sub(/::/, ":?", line)
    print line
}
function fold(label, value,  n, i, w, room, out) {
    if (untitled) { print ""; put(toupper(substr(part, 1, 1)) substr(part, 2) " " substr(rule, length(part) + 2)); untitled = 0; last = "" }
    out = sprintf(" %-15s", label == last ? "" : label); last = label; room = 64
    n = split(value, w, " ")
    for (i = 1; i <= n; i++) {
        if (length(w[i]) + 1 > room && room < 64) { put(out); out = sprintf("%16s", ""); room = 64 }
        out = out (room < 64 ? " " : "") w[i]; room -= length(w[i]) + (room < 64)
    }
    put(out)
}
function amount(kib,  i, unit) {
    split("KiB MiB GiB TiB PiB", unit, " ")
    for (i = 1; kib >= 1000 && i < 5; i++) kib /= 1024
    return sprintf(kib < 10 && i > 1 ? "%.1f %s" : "%.0f %s", kib, unit[i])
}
function bar(used, size,  share, i, out) {
    share = size > 0 ? used / size : 0; if (share > 1) share = 1
    for (i = 1; i <= 20; i++) out = out (i <= share * 20 + 0.5 ? "#" : ".")
    return out sprintf(" %3.0f%%  %s of %s", share * 100, amount(used), amount(size))
}
function span(s) {
    if (s >= 172800) return int(s / 86400) " days"
    if (s >= 7200) return int(s / 3600) " hours"
    return s >= 120 ? int(s / 60) " minutes" : s " seconds"
}
function unread(what, why) { hidden[++hiding] = part "\t" what "\t" why }
function flush(label) { if (many[label]) fold(label, many[label]); many[label] = "" }
function add(label, value) { many[label] = many[label] (many[label] ? ", " : "") value }
END { if (!nonce) exit 11 }
BEGIN { for (i = 1; i <= 80; i++) rule = rule "-" }
{ gsub(/[^ -~\t]/, "?"); gsub(/##/, "#?") } # a terminal must not obey what a machine prints
!nonce { if ($0 ~ /^PE2 /) { split($0, w, " "); nonce = w[2] } next }
index($0, nonce " B ") == 1 { split($0, w, " "); part = substr(w[3], 7); untitled = within = 1; next }
index($0, nonce " E ") == 1 {
    split($0, w, " "); within = 0
    flush("Running"); flush("Name servers"); flush("Search")
    if (w[4] != 0) unread(part, w[4] == 124 || w[4] == 137 || w[4] == 143 ? "timed out" : "it ended with status " w[4])
    next
}
index($0, nonce " Z") == 1 {
    if (hiding) {
        part = "not read"; untitled = 1
        for (i = 1; i <= hiding; i++) { split(hidden[i], w, "\t"); fold(w[1], (w[2] != w[1] ? w[2] ": " : "") w[3]) }
    }
    next
}
!within || $0 == "" { next }
{ key = $1 }
key ~ /^!/ { unread(substr(key, 2), $2); next }
key == "hostname" { fold("Host name", $2); next }
key == "identity" { fold("Identity", $3); fold("Identity", "by its " $2); next }
key == "user" { fold("Read", "as " $2 ($3 == "sudo" ? ", with sudo" : $3 == "plain" ? ", without root" : "")); next }
key == "vendor" { vendor = $2 " "; next }
key == "model" { fold("Model", vendor $2); next }
key == "virtual" { fold("Virtual", $2); next }
key == "architecture" { fold("Architecture", $2); next }
key == "cpu" { fold("Processor", ($4 > 1 ? $4 " x " : "") $5 ", " $3 " cores, " $2 " threads"); next }
key == "memory" { fold("Memory", bar($2 - $3, $2)); next }
key == "disk" { fold("Disks", $2 "  " amount($3) ", " $4 ($5 != "" ? ", " $5 : "")); next }
key == "filesystem" { fold("Filesystems", bar($6, $6 + $7) "  " $4 "  " $3); next }
key == "remote" { fold("Filesystems", $4 "  " $3 " of " $2); next }
key == "distribution" { fold("Distribution", $2); next }
key == "kernel" { fold("Kernel", $2); next }
key == "uptime" { fold("Up", span($2)); next }
key == "load" { fold("Load", $2 " " $3 " " $4); next }
key == "reboot" { fold("Reboot", $2 == "yes" ? "PENDING: " $3 : "not needed"); next }
key == "updates" { fold("Updates", $2 ($4 != "" ? ", " $3 " of them for security, by lists " span($4) " old" : "")); next }
key == "interface" { state[$2] = $3; next }
key == "address" { if ($4 != "link" && $2 != "lo") fold("Interfaces", $2 "  " state[$2] "  " $3); next }
key == "route" { fold("Routes", $2 ($3 ~ /[.:]/ ? " via " $3 : $3 != "" ? " " $3 : "") ($4 != "" ? " on " $4 : "")); next }
key == "dns" { add("Name servers", $2); next }
key == "search" { add("Search", $2); next }
key == "vpn" { fold("VPNs", $2 " (" $3 ", " $4 ")"); next }
key == "sysctl" { fold("Kernel", $2 " = " $3); next }
key == "governor" { fold("Governor", $2 " (" $3 " processors)"); next }
key == "hugepages" { fold("Huge pages", $2); next }
key == "swap" { fold("Swap", bar($4, $3) "  " $2); next }
key == "failed" { fold("FAILED", $2 "  " $3); next }
key == "state" { fold("State", $2); next }
key == "running" { sub(/\.service$/, "", $2); add("Running", $2); next }
key == "exited" { flush("Running"); next }
key == "sshd" { fold("sshd", $2 " " $3); next }
key == "ufw" { fold("ufw.conf", "ENABLED=" $2); next }
key == "hook" { fold("Firewall", $2 " " $3 " " $4 ": " $5 " unless one of " $6 " rules says otherwise"); hooks++; next }
key == "filter" { if ($2 == "read" && !hooks) fold("Firewall", "none: nothing filters incoming traffic"); next }
key == "listening" { fold("Open ports", $4 "/" $2 " " $5 " on " $3); next }
key == "login" { fold("Last logins", $2 " " $3 ($4 != "" ? " from " $4 : "") " " $5); next }
part == "roles" { fold(key, $2); next }
END { if (!nonce) exit 11 }
'

case $# in
0) ;;
1) [ "$1" = --print ] || pe_destination "$1" || pe_usage ;;
*) pe_usage ;;
esac

# The part that asks the package manager comes last, since it takes longest. Each pattern of `case` has both brackets: in a command substitution,
# bash 3.2 (macOS) takes a closing bracket alone for the end.
pe_parts='who roles hardware services network security tuning system'
pe_script=$(
    for pe_part in $pe_parts; do
        case $pe_part in (who) pe_needs='prelude lib/node lib/about' ;; (*) pe_needs='lib/node lib/about' ;; esac
        # shellcheck disable=SC2046,SC2086
        echo "    pe_section about.$pe_part$(pe_named $pe_needs $(pe_about "$pe_part"))"
    done | pe_whole '' "prelude lib/node lib/about$(for pe_part in $pe_parts; do pe_about "$pe_part"; done)"
)
if [ "${1-}" = --print ]; then
    printf '%s\n' "$pe_script" | sed '$d'
    printf "pe_sheet='%s'\n" "$(printf '%s\n' "$pe_sheet" | sed "s/'/'\\\\''/g")"
    # shellcheck disable=SC2016
    printf '%s\n' 'pe_main </dev/null | LC_ALL=C awk -F "\t" "$pe_sheet"'
else
    printf '%s\n' "$pe_script" | pe_go "${1-}" | LC_ALL=C awk -F '\t' "$pe_sheet"
fi
