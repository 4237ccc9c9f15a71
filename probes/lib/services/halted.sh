# Units that do not run although systemd says active.
# shellcheck disable=SC2154 # the probe sets what these functions read

# Units none of whose processes run, or whose main process does not: `UNIT frozen` (`systemctl freeze`, or by hand; systemd's own word for it is new, and
# knows its own call alone), `UNIT stopped` (SIGSTOP). Groups below the unit's own count (Delegate=).
halted() {
    frozen=$(
        for tree in sys/fs/cgroup sys/fs/cgroup/unified; do
            [ ! -e $tree/cgroup.procs ] || find $tree -name cgroup.events -exec grep -ls '^frozen 1' {} + | sed "s|^$tree||; s|/cgroup\.events\$||"
        done 2>/dev/null
    )
    stopped=$(printf '%s\n' proc/[0-9]*/status | xargs grep -ls '^State:[[:blank:]]*[Tt]' /dev/null)
    [ -n "$frozen$stopped" ] || return 0
    printf '%s\n' proc/[0-9]*/cgroup | xargs grep -Es '^0::|:name=systemd:' /dev/null | FROZEN=$frozen STOPPED=$stopped awk '
        # The unit of the system that a group belongs to; systemd puts `_` before a name that the kernel could take for its own.
        function unit_of(path,    count, steps, i) {
            count = split(path, steps, "/")
            for (i = 1; i <= count; i++) {
                sub(/^_/, "", steps[i])
                if (steps[i] ~ /\.(service|scope|socket|mount|swap)$/) break
            }
            if (i > count && steps[count] ~ /\.slice$/) i = count
            own = i == count
            return steps[i]
        }
        BEGIN {
            count = split(ENVIRON["FROZEN"], paths, "\n")
            for (i = 1; i <= count; i++) {
                frozen[paths[i]]
                unit = unit_of(paths[i])
                if (own) print unit, "frozen"
            }
            count = split(ENVIRON["STOPPED"], files, "\n")
            for (i = 1; i <= count; i++) { split(files[i], parts, "/"); held[parts[2]] = "stopped" }
        }
        {
            split($0, parts, "/")
            sub(/^[^:]*:[0-9]+:[^:]*:/, "")
            units[parts[2]] = unit_of($0)
            if ($0 in frozen) held[parts[2]] = "frozen"
        }
        END {
            for (pid in units) {
                all[units[pid]]++
                if (pid in held) { still[units[pid]]++; how[units[pid]] = held[pid]; print "held", pid, held[pid] }
            }
            for (unit in still) if (unit != "") print (still[unit] == all[unit] ? unit : "part " unit), how[unit]
        }
    ' | sort | {
        pids=$newline
        while read -r word name how; do
            case $word in
            held) pids="$pids$name $how$newline" ;;
            part)
                # Where systemctl does not tell which is the main one, this may be it.
                main=$(systemctl show -p MainPID --value --no-pager -- "$name") || { printf '%s %s\n' "$name" "$how"; continue; }
                case $pids in *"$newline$main $how$newline"*) printf '%s %s\n' "$name" "$how" ;; esac
                ;;
            *) printf '%s %s\n' "$word" "$name" ;;
            esac
        done
    }
}
