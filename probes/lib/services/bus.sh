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
    say "$callers" | while read -r bus unit; do
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
