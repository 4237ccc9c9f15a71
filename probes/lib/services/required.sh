# Units that others require: did they start, as their files are now?
# shellcheck disable=SC2154 # the probe sets what these functions read

# `needs OTHER UNIT...`, `file OTHER PATH` and `ends UNIT` -> `unsure UNIT WHY` for each unit, or `*`, that requires one which may fail at the next
# boot: it is not up now, or its files have changed since its start. In the same cases `asks UNIT NAME...` -> `unmet NAME ExecCondition=`, since the
# command has not let the unit start as it is now. Other lines are left as they are.
required() {
    lines=$(cat)
    case $newline$lines in
    *"${newline}needs "* | *"${newline}asks "* | *"${newline}ends "*) ;;
    *) say "$lines"; return ;;
    esac
    read -r seconds _ <proc/uptime
    minutes=$((${seconds%%.*} / 60 + 2))
    down=$(
        say "$units" '= lines' "$lines" | awk '
            $1 == "=" { second = 1; next }
            !second { if ($3 ~ /^(active|reloading|refreshing)$/) up[$1]; next }
            $1 ~ /^(needs|asks|ends)$/ && !($2 in up) { print $2 }
        ' | sort -u
    )
    set -f
    # shellcheck disable=SC2086
    [ -z "$down" ] || down=$(not_started $down)
    # What has left no mark of its start: how many minutes ago it ended.
    down=$(say "$down" | awk -v now="$seconds" '$1 == "done" { $3 = int((now - $3) / 60) + 1 } { print }')
    changed=$(say "$lines" | changed_since_start)
    set +f
    say "$lines" '= down' "$down" '= changed' "$changed" | awk '
        $1 == "=" && NF == 2 { part = $2; next }
        part == "down" { if ($1 == "failed") down[$2]; next }
        part == "changed" { changed[$1] = $2; next }
        $1 == "needs" { needs[$2] = $0; next }
        $1 == "asks" { asks[$2] = $0; next }
        $1 == "ends" { ends[$2]; next }
        $1 != "file" { print }
        END {
            for (other in needs) {
                if (other in down) why = "is not up now, and may fail"
                else if (other in changed) why = "may fail, since " changed[other] " has changed since its start"
                else continue
                count = split(needs[other], units, " ")
                for (i = 3; i <= count; i++) {
                    text = other (units[i] == "*" ? " " why " (a boot then starts little else)" : ", which it requires, " why)
                    if (!(units[i] in doubts) || text < doubts[units[i]]) doubts[units[i]] = text
                }
            }
            for (unit in asks) if (unit in down || unit in changed) {
                count = split(asks[unit], units, " ")
                for (i = 3; i <= count; i++) print "unmet", units[i], "ExecCondition="
            }
            for (unit in ends) if (unit in down) doubts["*"] = "a boot ends when " unit " does (SuccessAction=)"
            for (unit in doubts) print "unsure", unit, doubts[unit]
        }
    '
}

had_started=Id,ConditionResult,ConditionTimestampMonotonic,ExecMainCode,ExecMainStatus,InactiveEnterTimestampMonotonic,Result,Type,RemainAfterExit

# Units that are down -> `failed UNIT`, but `done UNIT SECOND` for a oneshot that has done its work, or a unit that a condition skipped: neither is a
# failure.
# Each has failed where systemctl does not tell of all of them.
not_started() { # UNIT...
    shows=$(systemctl show --no-pager -p "$had_started" -- "$@") || shows=''
    judged=$(say "$shows" '' | UNITS="$*" told_to_start)
    [ "$(say "$judged" | grep -c .)" = $# ] || judged=$(printf 'failed %s\n' "$@")
    say "$judged"
}

told_to_start() {
    awk -F= '
        BEGIN { split(ENVIRON["UNITS"], units, " ") }
        function judged() {
            if (shows["Id"] == "") return
            shows["Id"] = units[++count] # it was asked for by an alias, perhaps
            skipped = shows["ConditionResult"] == "no" ? shows["ConditionTimestampMonotonic"] + 0 : 0
            worked = shows["Type"] == "oneshot" && shows["RemainAfterExit"] == "no" && shows["Result"] == "success" &&
                shows["ExecMainCode"] == 1 && shows["ExecMainStatus"] == 0 ? shows["InactiveEnterTimestampMonotonic"] + 0 : 0
            end = skipped > worked ? skipped : worked
            if (end) printf "done %s %d\n", shows["Id"], end / 1000000
            else print "failed", shows["Id"]
            split("", shows)
        }
        $0 == "" { judged(); next }
        { shows[$1] = $2 }
    '
}

# `file UNIT PATH` -> `UNIT PATH` for each that has changed since the unit was started. Files of packages keep the time of their making, in whole
# seconds: an upgrade is not an edit.
changed_since_start() {
    IFS=$newline
    of=$(sed -n 's/^file \([^ ]*\) \/\(.*\)/\2 \1/p')
    set --
    for line in $of; do
        file=${line% *}
        case $file in run/systemd/generator*) continue ;; esac
        set -- "$@" "$file"
        case $file in etc/*.d/*) set -- "$@" "${file%/*}" ;; esac
    done
    [ $# -gt 0 ] || { unset IFS; return; }
    hits=$(find "$@" -prune \( -mmin "-$minutes" -o -cmin "-$minutes" \)) || hits=$(printf '%s\n' "$@")
    for hit in $hits; do
        for line in $of; do
            case $line in "$hit "* | "$hit/"*) ;; *) continue ;; esac
            start=run/systemd/units/invocation:${line##* }
            ended=${newline}$down$newline
            ended=${ended##*"${newline}done ${line##* } "}
            ended=${ended%%"$newline"*}
            case $ended:$hit in
            [0-9]*) newer=$(find "$hit" -prune \( -mmin "-$ended" -o -cmin "-$ended" \)) || newer=$hit ;;
            :etc/*) newer=$(find "$hit" -prune \( -newer "$start" -o -cnewer "$start" \)) || newer=$hit ;;
            *)
                newer=$(find "$hit" -prune -newer "$start") || newer=$hit
                case $newer$(ls -ld --full-time "$hit") in "$newer"*:[0-9][0-9].000000000*) newer='' ;; esac
                ;;
            esac
            [ -z "$newer" ] || printf '%s /%s\n' "${line##* }" "$hit"
        done
    done 2>/dev/null
    unset IFS
}
