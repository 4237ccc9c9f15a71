# Units that need no full answer.
# shellcheck disable=SC2154 # the probe sets what these functions read

# Which of the units are plainly as declared, by what was shown: `NAME up`; `NAME enabled`, where also a boot starts it, and a link below /etc says so;
# `NAME down`; `NAME off`, where also no boot starts it, nothing on disk pulls it in, and nothing wakes it. A unit that is asked for by another name, that
# has a job, that was started again or that another unit may start (as a socket, or by Upholds=) is none of these.
plainly() {
    say "$declared" '= jobs' "$jobs" '= called' "$called" '= links' "$links" '= halted' "$halted" '= show' "$shown" '' | awk '
        function plainly(id,    count, names, i) {
            if (id in halted || shows["LoadState"] != "loaded" || shows["Job"] !~ /^0?$/ || shows["Names"] ~ /["\\]/) return ""
            if (to_be[id] == "up") {
                if (shows["ActiveState"] != "active" || shows["NRestarts"] !~ /^0?$/) return ""
                # What may have ended before (systemd forgets that of a unit that no unit wants) is asked more about.
                if (shows["SubState"] != "exited" && id ~ /\.service$/) {
                    if (shows["ActiveExitTimestampMonotonic"] !~ /^0?$/ || shows["WantedBy"] shows["RequiredBy"] == "") return ""
                }
                if (shows["SubState"] == "exited" ? shows["Type"] != "oneshot" : shows["TriggeredBy"] != "") return ""
                if (about[id] == "now") return "up"
                return foreseen && (id in job) && (id in linked) && !(id in doubted) ? "enabled" : ""
            }
            if (to_be[id] != "down" || shows["ActiveState"] !~ /^(inactive|failed)$/ || shows["SubState"] !~ /^(dead|failed)$/) return ""
            if (shows["TriggeredBy"] shows["UpheldBy"] shows["OnSuccessOf"] shows["OnFailureOf"] != "") return ""
            if (about[id] == "now") return "down"
            if (!foreseen) return ""
            count = split(shows["Names"], names, " ")
            for (i = 1; i <= count; i++) if (names[i] in job || names[i] in woken || names[i] in doubted || names[i] in pulled) return ""
            return "off"
        }
        $1 == "=" && NF == 2 { part = $2; if (part == "called") foreseen = complete && !hidden; next }
        part == "" { about[$1] = $2; if ($1 in to_be) to_be[$1] = "full"; else if (NF) to_be[$1] = $3; next }
        part == "jobs" && $1 == "job" { job[$2] }
        part == "jobs" && $1 == "wakes" { woken[$3] }
        part == "jobs" && $1 ~ /^(unmet|unsure|alias)$/ { doubted[$2] }
        part == "jobs" && ($1 ~ /^(trap|why|early)$/ || $2 == "*") { hidden = 1 }
        part == "jobs" && $1 == "complete" { complete = 1 }
        part == "called" { woken[$2] }
        part == "links" {
            pulls = $0
            sub(/.*\//, "", pulls)
            pulled[pulls]
            if (/^etc\/systemd\/system\//) linked[pulls]
        }
        part == "halted" { halted[$1] }
        part == "show" && $0 == "" {
            id = shows["Id"]
            # Asked for by an alias as well, it is shown twice.
            if (id in words) words[id] = ""; else if (id in to_be) words[id] = plainly(id)
            split("", shows)
        }
        part == "show" { at = index($0, "="); shows[substr($0, 1, at - 1)] = substr($0, at + 1) }
        END { for (id in words) if (words[id] != "") print id, words[id] }
    ' | sort
}
