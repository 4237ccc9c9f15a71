# What D-Bus calls start.
# shellcheck disable=SC2154 # the probe sets what these functions read

# What a D-Bus call starts: `NAME UNIT`. The unit is often named by an alias, whose link may not be loaded.
called() {
    set +f
    # The folders of dbus-daemon(1), and those that its configuration adds.
    folders=$(sed -n 's/.*<servicedir>[[:blank:]]*\/\([^<]*[^<[:blank:]]\)[[:blank:]]*<\/servicedir>.*/\1/p' \
        etc/dbus-1/system.conf etc/dbus-1/system-local.conf etc/dbus-1/system.d/*.conf usr/share/dbus-1/system.conf usr/share/dbus-1/system.d/*.conf 2>/dev/null)
    for folder in etc/dbus-1/system-services run/dbus-1/system-services usr/local/share/dbus-1/system-services usr/share/dbus-1/system-services \
        usr/lib/dbus-1/system-services lib/dbus-1/system-services; do
        folders="$folder$newline$folders"
    done
    callers=$(
        IFS=$newline
        set --
        for folder in $folders; do set -- "$@" "$folder"/*.service; done
        grep -EHs '^[[:blank:]]*SystemdService[[:blank:]]*=' "$@" |
            sed 's/^.*\/\([^/]*\)\.service:[^=]*=[[:blank:]]*\([^[:blank:]]*\)[[:blank:]]*$/\1 \2/' | sort -u
    )
    set -f
    say "$callers" | existing | pulled_by_called
    set +f
}

# `NAME UNIT` -> the same, by the own name of each unit that exists.
existing() {
    while read -r bus unit; do
        case $unit in *@*) template=${unit%%@*}@.${unit##*.} ;; *) template=$unit ;; esac
        for parent in etc/systemd/system run/systemd/system run/systemd/generator usr/local/lib/systemd/system usr/lib/systemd/system lib/systemd/system \
            run/systemd/generator.late; do
            [ -e "$parent/$unit" ] || [ -L "$parent/$unit" ] || [ -e "$parent/$template" ] || continue
            [ ! -L "$parent/$unit" ] || unit=$(readlink -f "$parent/$unit")
            printf '%s %s\n' "$bus" "${unit##*/}"
            break
        done
    done
}

# `NAME UNIT` -> the same, and what each unit pulls in. The dry run has not loaded all of them: their files and links tell.
pulled_by_called() {
    found=$(cat)
    [ -n "$found" ] || return 0
    set +f
    pulls=$(
        for parent in etc/systemd/system usr/local/lib/systemd/system usr/lib/systemd/system lib/systemd/system run/systemd/generator run/systemd/generator.late; do
            [ "$parent" = lib/systemd/system ] && [ -L lib ] && continue
            # grep -R would read what an entry of X.wants leads to: a folder with all that is in it, a pipe or a device.
            [ ! -d "$parent" ] || find -L "$parent" -maxdepth 2 -type f ! -path '*.wants/*' ! -path '*.requires/*' ! -path '*.upholds/*' -exec \
                grep -EHs '^[[:blank:]]*(Wants|Requires|BindsTo|Upholds|OnSuccess|OnFailure|Sockets)[[:blank:]]*=' {} +
        done
    )
    set -f
    say "$found" '= links' "$links" '= pulls' "$pulls" | awk '
        # The unit of a file or a drop-in, below a folder of units.
        function owner(path,    count, parts) {
            count = split(path, parts, "/")
            if (parts[count] !~ /\.conf$/) return parts[count]
            sub(/\.d$/, "", parts[count - 1])
            return parts[count - 1]
        }
        function add(bus, unit) { if (!((bus, unit) in seen)) { seen[bus, unit]; buses[++end] = bus; units[end] = unit } }
        function template(unit) { return sub(/@[^.]*/, "@", unit) ? unit : "" }
        $1 == "=" && NF == 2 { part = $2; next }
        part == "" { add($1, $2); next }
        part == "links" {
            count = split($NF, parts, "/")
            puller = parts[count - 1]
            if (sub(/\.(wants|requires|upholds)$/, "", puller)) pulls[puller] = pulls[puller] " " parts[count]
            next
        }
        {
            at = index($0, ":")
            from = owner(substr($0, 1, at - 1))
            text = substr($0, at + 1)
            sub(/^[^=]*=/, "", text)
            pulls[from] = pulls[from] " " text
        }
        END {
            for (at = 1; at <= end; at++) {
                print buses[at], units[at]
                list = pulls[units[at]] " " (template(units[at]) == "" ? "" : pulls[template(units[at])])
                count = split(list, names, " ")
                for (i = 1; i <= count; i++) if (names[i] !~ /\.(target|slice)$|%/ || names[i] in pulls) add(buses[at], names[i])
            }
        }
    ' | existing
}
