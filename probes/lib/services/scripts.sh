# Scripts that start a unit after a boot, by a command and not by a dependency.
# shellcheck disable=SC2154 # the probe sets what these functions read

# Prints `wakes FILE UNIT` if FILE starts a declared unit, or a unit that leads to it. FILE is a script that runs at a boot, by a timer, at a login or
# by the network, a script that such a script calls, a rule of udev, or a unit (Exec...=). Only units that must be down are searched for.
started_by_scripts() {
    to_be_down=$(say "$declared" | awk '$2 == "boot" && $3 != "up" { print $1 }')
    [ -n "$to_be_down" ] || return 0
    set --
    for place in etc/rc.local etc/rc.d/rc.local etc/crontab etc/anacrontab etc/cron.* var/spool/cron var/spool/at etc/incron.d var/spool/incron \
        etc/logrotate.conf etc/logrotate.d etc/letsencrypt/renewal etc/letsencrypt/renewal-hooks etc/network etc/networkd-dispatcher \
        etc/NetworkManager/dispatcher.d usr/lib/NetworkManager/dispatcher.d etc/dhcp etc/ppp etc/wireguard etc/openvpn etc/keepalived \
        etc/monit etc/monit.d etc/monitrc etc/supervisor etc/supervisord.d etc/acpi etc/apt/apt.conf.d etc/cloud var/lib/cloud/scripts etc/update-motd.d \
        etc/profile etc/profile.d etc/udev/rules.d usr/local/lib/udev/rules.d usr/lib/udev/rules.d etc/systemd/system usr/local/lib/systemd/system \
        usr/lib/systemd/system lib/systemd/system etc/systemd/user usr/local/lib/systemd/user root/.config/systemd/user \
        etc/systemd/system-sleep usr/lib/systemd/system-sleep etc/pm/sleep.d etc/pam.d etc/ssh/sshrc etc/bash.bashrc root/.profile root/.bashrc \
        root/.bash_profile root/.bash_login etc/xdg/autostart etc/nut etc/apcupsd etc/libvirt/hooks etc/zfs/zed.d etc/fail2ban/action.d \
        etc/smartmontools etc/dhcpcd.enter-hook etc/dhcpcd.exit-hook etc/dpkg/dpkg.cfg.d etc/kernel; do
        [ "$place" = lib/systemd/system ] && [ -L lib ] && continue
        [ ! -e "$place" ] || set -- "$@" "$place"
    done
    for place in etc/rc[2-5S].d/S[0-9][0-9]* etc/rc.d/rc[2-5S].d/S[0-9][0-9]*; do
        # If a unit has the name of the script, a boot runs the unit, and not the script.
        name=${place##*/S[0-9][0-9]}
        for folder in etc usr/local/lib usr/lib lib; do [ ! -e "$folder/systemd/system/$name.service" ] || continue 2; done
        [ ! -e "$place" ] || set -- "$@" "$place"
    done
    [ $# -gt 0 ] || return 0
    # What is larger is a program. What has no size may be a file of the kernel that blocks its reader, such as /proc/kmsg.
    small='-type f -size +0 -size -256'
    commands='(^|[^[:alnum:]_-])systemctl|invoke-rc\.d|systemd-invoke|systemd-run|/init\.d([^[:alnum:]._-]|$)|StartUnit|RestartUnit|EnqueueUnitJob|systemd1/unit/|SYSTEMD_WANTS|(^|[^[:alnum:]._-])service[^[:alnum:]._-]'
    # Matches words that may be the path of a script, or the name of a script in /usr/local.
    word='(^|[^[:alnum:]._/-])(/[[:alnum:]._@+/-]+'
    locals=''
    for name in usr/local/bin/* usr/local/sbin/*; do case ${name##*/} in *[!A-Za-z0-9._-]*) ;; ?*) locals="$locals|${name##*/}" ;; esac; done
    # An argument of a command holds 128 KiB (execve(2)). Without the names, no call of such a script is found.
    if [ ${#locals} -gt 100000 ]; then
        say "$to_be_down" | sed 's|^|wakes /usr/local/bin |'
        locals=''
    fi
    word="$word${locals:+|(${locals#|})([^[:alnum:]._/-]|\$)})"
    # shellcheck disable=SC2086 # words
    calls=$(${PE_SUDO-} find -L "$@" -maxdepth 4 $small -exec grep -HoEs "$word" {} + 2>/dev/null | calls_of)
    # shellcheck disable=SC2086
    candidates=$(${PE_SUDO-} find -L "$@" -maxdepth 4 $small -exec grep -lEs "$commands" {} + 2>/dev/null)
    # Follow calls up to three levels deep.
    for _ in 1 2 3; do
        new=$(say "$calls" '= before' "${before-}" | awk '$1 == "=" { second = 1; next } !second { called[$2]; next } { delete called[$1] } END { for (file in called) print file }' | within_reach)
        [ -n "$new" ] || break
        before="${before-}$newline$new"
        candidates=$candidates$newline$(say "$new" | lines_of -lE "$commands")
        calls=$calls$newline$(say "$new" | lines_of -HoE "$word" | calls_of)
    done
    unset before
    candidates=$(say "$candidates" | grep .) || return 0
    near=$(
        say "$candidates" '= calls' "$calls" | awk '
            $1 == "=" && NF == 2 { second = 1; next }
            !second { candidate[$0]; print; next }
            $1 in candidate { print $2 }
            $2 in candidate { print $1 }
        ' | sort -u
    )
    leading=$({ starts_what; aliases_of; } | leads_to)
    lines=$(say "$near" | lines_of -H '')
    say "$leading" '= calls' "$calls" '= lines' "$lines" | starting | sort -u
}

# `lines_of OPTION PATTERN`: what grep says of the small files among these paths, however many they are.
lines_of() {
    # shellcheck disable=SC2086,SC2016 # words; the inner shell's
    grep . | tr '\n' '\0' | xargs -0 -n 500 sh -c \
        'option=$1 pattern=$2; shift 2; '"${PE_SUDO-}"' find -L "$@" -prune '"$small"' -exec grep "$option" -s -e "$pattern" /dev/null {} +' sh "$1" "$2" 2>/dev/null
}

# Paths -> those on file systems of this machine. To look at others may mount them, or wait for a server that is gone.
within_reach() {
    say "${mounts-}" '= paths' "$(cat)" | awk '
        $1 == "=" { second = 1; next }
        !second { if ($2 ~ /^(autofs|nfs|nfs4|cifs|smb3|ceph|9p|afs|glusterfs|fuse[.].*)$/) far[$1 "/"]; next }
        { for (place in far) if (index("/" $0 "/", place) == 1) next; print }
    '
}

# `FILE:WORD` -> `FILE CALLED`: what FILE may call. Tools that start a unit by its name (systemctl) do not count. Nor do the programs of a package that
# its own unit calls: they would only name their own unit.
calls_of() {
    awk '
        {
            file = substr($0, 1, index($0, ":") - 1)
            name = substr($0, index($0, ":") + 1)
            if (!sub(/^[^\/]*\//, "", name)) { gsub(/[^A-Za-z0-9._-]/, "", name); print file, "usr/local/bin/" name; print file, "usr/local/sbin/" name; next }
            if (name ~ /^-/ || file ~ /[ \t]|\.(wants|requires|upholds)\// || name ~ /^(dev|proc|sys|run|usr\/share\/(man|doc|locale))\// || name ~ /(^|\/)init\.d\// || name == file) next
            if (file ~ /^(usr\/)?lib\/systemd\/system\// && name ~ /^(usr\/)?(s?bin|lib|lib64|libexec|share)\//) next
            if (name ~ /bin\/(service|invoke-rc\.d|systemctl|update-rc\.d|deb-systemd-[a-z]*|sh|bash|dash|env)$/) next
            print file, name
        }
    ' | sort -u
}

# Other names of units, as links: `NAME UNIT`.
aliases_of() {
    find etc/systemd/system usr/local/lib/systemd/system usr/lib/systemd/system lib/systemd/system -maxdepth 1 -type l -exec ls -ld {} + 2>/dev/null |
        sed -n 's/^.*\/\([^/]*\) -> \(.*\/\)\{0,1\}\([^/]*\)$/\1 \3/p'
}

# `UNIT OTHER` where UNIT starts OTHER -> `lead NAME UNIT`: to start NAME leads to a declared unit.
leads_to() {
    UNITS=$to_be_down awk '
        { by[$2] = by[$2] " " $1 }
        function template(name) { return sub(/@[^.]+/, "@", name) ? name : "" }
        END {
            count = split(ENVIRON["UNITS"], units, "\n")
            for (i = 1; i <= count; i++) {
                split("", met)
                todo[end = 1] = units[i]
                met[units[i]]
                for (at = 1; at <= end && end < 200; at++) {
                    name = todo[at]
                    print "lead", name, units[i]
                    more = by[name] " " by[template(name)]
                    if (sub(/@.*/, "@", name)) print "lead", name, units[i]
                    name = todo[at]
                    if (sub(/\.service$/, "", name)) {
                        print "lead", name, units[i]
                        more = more " " name ".timer " name ".socket " name ".path"
                    }
                    number = split(more, names, " ")
                    for (j = 1; j <= number; j++) if (!(names[j] in met)) { met[names[j]]; todo[++end] = names[j] }
                }
            }
        }
    '
}

# `lead NAME UNIT`, `FILE CALLED` and `FILE:LINE` -> `wakes FILE UNIT`. If a command has a variable for the unit, all units count
# that the script names, or its callers, or the files that it calls or reads. If it has a variable for the verb, the same holds if they name such a verb.
starting() {
    awk '
        function path_of(file,    path) { path = "/" file; gsub(/[[:blank:]]/, "?", path); return path }
        # A unit is not started by its own file.
        function wakes(file, name,    i, count, units) {
            count = split(lead[name], units, " ")
            for (i = 1; i <= count; i++)
                if (("/" file) !~ ("/(S[0-9][0-9])?" literal(units[i]) "(\\.d/.*)?$") && ("/" file ".service") !~ ("/S[0-9][0-9]" literal(units[i]) "$"))
                    print "wakes", path_of(file), units[i]
        }
        function literal(text) { gsub(/[].[*^$\\+?(){}|]/, "\\\\&", text); return text }
        # The units that patterns in a line stand for (systemctl takes them too).
        function matching(text,    i, count, words, name, units) {
            if (text !~ /[A-Za-z0-9@._:-][*?]|[*?][A-Za-z0-9@._:-]/) return ""
            count = split(text, words, /[^A-Za-z0-9_@.:*?\\-]+/)
            for (i = 1; i <= count; i++) {
                if (words[i] !~ /[*?]/ || words[i] !~ /[A-Za-z0-9]/) continue
                words[i] = literal(words[i])
                gsub(/\\[*]/, ".*", words[i])
                gsub(/\\[?]/, ".", words[i])
                for (name in lead) if (name ~ ("^" words[i] "$")) units = units " " name
            }
            return units
        }
        function read(file, text,    i, count, words, units) {
            if (file ~ /\.(wants|requires|upholds)\//) return
            if (file ~ /(^|\/)systemd\/(system|user)\// && text !~ /^[[:blank:]]*(Exec|Environment)[A-Za-z]*[[:blank:]]*=/) return
            if (text ~ /^#!.*(python|perl|ruby|php|lua|node)/) program[file]
            if (text ~ /^[[:blank:]]*[#;]/) return
            gsub(/(try-|reload-or-try-|cond)(reload-or-)?restart|TryRestartUnit|ReloadOrTryRestartUnit/, "", text)
            if (text ~ /systemd1\/unit\//) { gsub(/_2e/, ".", text); gsub(/_2d/, "-", text); gsub(/_40/, "@", text); gsub(/_5f/, "_", text) }
            gsub(/\\\\/, "\\", text)
            count = split(text, words, /[^A-Za-z0-9_@.:\\-]+/)
            units = matching(text)
            for (i = 1; i <= count; i++) {
                sub(/[.:]$/, "", words[i])
                if (!(words[i] in lead)) sub(/^.*:/, "", words[i]) # string:nginx.service
                if (words[i] in lead) units = units " " words[i]
                else if (sub(/@[^.]+/, "@", words[i]) && words[i] in lead) units = units " " words[i]
            }
            named[file] = named[file] units
            if (text ~ /start|isolate/) verb[file]
            # It may start what is named by other lines.
            if (text ~ /(^|[^A-Za-z0-9_-])systemctl|\/init\.d([^A-Za-z0-9._\/-]|$)/ && text !~ /[^A-Za-z-](stop|status|is-[a-z]+|reload|kill|disable|mask|unmask|show|cat|list-[a-z-]+|daemon-re[a-z]+|reset-failed|enable)([^A-Za-z-]|$)/ && text !~ /start|isolate/) maybe[file]
            if (text !~ /(^|[^A-Za-z0-9_-])systemctl|invoke-rc\.d|systemd-invoke|systemd-run.*((--unit|-u)[= ]|(Wants|Requires|BindsTo|Upholds|OnSuccess|OnFailure|Unit)=)|\/init\.d([^A-Za-z0-9._-]|$)|StartUnit|RestartUnit|EnqueueUnitJob|systemd1\/unit\/|SYSTEMD_WANTS|(^|[^A-Za-z0-9._-])service[^A-Za-z0-9._-]/) return
            if (text ~ /start|isolate|Start|SYSTEMD_WANTS|systemd-run|(enable|preset).*--now|--now.*(enable|preset)/) {
                count = split(units, words, " ")
                for (i = 1; i <= count; i++) wakes(file, words[i])
                if (file !~ /[.]rules$/ && (text ~ /[$`%]|xargs|parallel/ || file in program)) open[file]
            } else if (text ~ /[$`]/ && text !~ /[^A-Za-z-](stop|status|is-[a-z]+|reload|kill|disable|mask|unmask|show|cat|list-[a-z-]+|daemon-re[a-z]+|reset-failed|enable)([^A-Za-z-]|$)/) maybe[file]
        }
        function flush() { if (held != "") read(last, held); held = "" }
        $1 == "=" && NF == 2 { part = $2; next }
        part == "" { if (!(index(" " lead[$2] " ", " " $3 " "))) lead[$2] = lead[$2] " " $3; next }
        part == "calls" { if (NF == 2) { near[$1] = near[$1] " " $2; near[$2] = near[$2] " " $1 } next }
        {
            file = substr($0, 1, index($0, ":") - 1)
            text = substr($0, index($0, ":") + 1)
            if (file != last) flush()
            last = file
            held = held (held == "" ? "" : " ") text
            if (!sub(/\\$/, "", held)) flush()
        }
        END {
            flush()
            for (file in maybe) {
                count = split(file near[file], files, " ")
                for (i = 1; i <= count; i++) if (files[i] in verb) open[file]
            }
            for (file in open) {
                count = split(file near[file], files, " ")
                for (i = 1; i <= count; i++) {
                    number = split(named[files[i]], names, " ")
                    for (j = 1; j <= number; j++) if (names[j] in lead && ("/" files[i]) !~ ("/" literal(names[j]) "([.]service)?$")) wakes(file, names[j])
                }
            }
        }
    '
}
