# Units that a person made a decision about: enabled, disabled or masked against the distribution's default, started by hand, with a file that belongs
# to no package or was changed, or of a package that is installed manually or that such a package depends on. With `all`: every unit that can be
# declared. Root is not needed.
mode=$1

command -v systemctl >/dev/null || fail 'this node has no systemctl, and only systemd units can be declared'
need awk cat find grep sed sort

list() { # COMMAND ARG...
    systemctl --type=service,socket,timer,target,path --full --plain --no-legend --no-pager "$@"
}
units=$(list list-units --all) || exit
# In a chroot systemctl prints no unit and exits with 0.
[ -n "$units" ] || fail 'systemctl lists no units: is systemd running, or is this a chroot?'
cd "${PE_ROOT:-/}" || exit

# What Debian's packages enabled and masked (deb-systemd-helper(1)). After an installation with a strict umask only root can read it.
records=''
for folder in var/lib/systemd/deb-systemd-helper-enabled var/lib/systemd/deb-systemd-helper-masked; do
    [ -d "$folder" ] || continue
    found=$(find "$folder" 2>/dev/null) || found=$(as_root find "$folder" 2>/dev/null) || {
        printf '?what packages enabled\tonly root can read all of /%s\n' "$folder"
        exit 0
    }
    records="$records
$found"
done
disk=$(
    printf '%s\n' etc/systemd/system/* usr/local/lib/systemd/system/* \
        etc/systemd/system/*.wants/* etc/systemd/system/*.requires/* etc/systemd/system/*.upholds/* run/systemd/generator*/*.wants/*
)
folder=usr/lib/systemd/system-preset
[ -d "$folder" ] || folder=lib/systemd/system-preset
presets=''
for file in "$folder"/*.preset; do
    [ ! -e "$file" ] || presets=$(cat "$folder"/*.preset) || exit
    break
done
packages='' owned='' automatic=''
for file in var/lib/dpkg/info/*.list; do
    [ -e "$file" ] || break
    # shellcheck disable=SC2016
    packages=$(dpkg-query --admindir=var/lib/dpkg -W -f '${Package}\t${Priority}\t${Essential}\t${db:Status-Status}\t${Depends}, ${Pre-Depends}\t'\
'${Provides}\n') || exit
    owned=$(grep -HE '/(systemd/system|init\.d)/.' var/lib/dpkg/info/*.list) || [ $? -eq 1 ] || exit
    [ ! -e var/lib/apt/extended_states ] || automatic=$(cat var/lib/apt/extended_states) || exit
    break
done

# Listing the files of all units takes 0.2 s on a small machine, since systemd looks for the links of each; by name it takes 1 ms each.
[ "$mode" != all ] || files=$(list list-unit-files) || exit
names=$(
    {
        printf '%s\n%s\n' "$disk" "$records"
        printf '%s\n' "${files-}" | awk '{ print $1 }'
        printf '%s\n' "$units" | awk '$3 != "inactive" { print $1 }'
        [ -n "$records" ] || printf '%s\n' "$presets" | awk '$1 == "enable" { print $2 }'
    } | sed 's/.*\///' | grep -E '^[A-Za-z0-9:_.\\][A-Za-z0-9:_.\\@-]*\.(service|socket|timer|target)$' | grep -v '@\.[a-z]*$' | sort -u
)
IFS='
'
set -f
# shellcheck disable=SC2086
set -- $names
[ "$mode" = all ] || files=$(list list-unit-files -- "$@") || exit
properties=Id,LoadState,ActiveState,SubState,Type,RemainAfterExit,UnitFileState,FragmentPath,SourcePath,DropInPaths
properties=$properties,NRestarts,ActiveEnterTimestampMonotonic,BusName,TriggeredBy,WantedBy,RequiredBy
properties_of=$(systemctl show --no-pager -p "$properties" -- "$@") || exit

{
    printf '= units\n%s\n= files\n%s\n= records\n%s\n= disk\n%s\n= presets\n%s\n' "$units" "$files" "$records" "$disk" "$presets"
    printf '= packages\n%s\n= automatic\n%s\n= owned\n%s\n' "$packages" "$automatic" "$owned"
    printf '= uptime\n%s\n= show\n%s\n\n' "$(cat proc/uptime)" "$properties_of"
} | awk -v mode="$mode" '
    function last(path) { sub(/.*\//, "", path); return path }
    # A list of names without quotes: systemd C-quotes a name that holds a backslash.
    function plain(list) { gsub(/"/, "", list); gsub(/\\\\/, "\\", list); return list }

    function owner(file) { sub(/^\/usr\/lib\//, "/lib/", file); return owned[file] }
    function by_hand(file) { return file ~ /^\// && (dpkg ? owner(file) == "" : file !~ /^(\/usr)?\/lib\/|^\/etc\/init\.d\//) }
    function is_manual(package) { return package != "" && !(package in automatic) && priority[package] !~ /^(required|important|standard)$/ }

    # The manually installed package that depends on this one (postgresql on postgresql-common, which has the unit); empty if there is none, or if the
    # base system needs this one, too.
    function needed_by(package,    name) {
        if (!followed) {
            followed = 1
            for (name in priority) if (priority[name] ~ /^(required|important|standard)$/ || essential[name] == "yes") follow(name, based)
            for (name in priority) if (is_manual(name) && !(name in based)) follow(name, users)
        }
        return (package in based) ? "" : users[package]
    }
    # Sets into[NAME] to the start for every package that it depends on, directly or not.
    function follow(start, into,    queue, head, tail, needs, count, i) {
        if (start in into) return
        queue[tail = 1] = start
        into[start] = start
        for (head = 1; head <= tail; head++) {
            count = split(depends[queue[head]], needs, "\t")
            for (i = 1; i <= count; i++) tail = reach(needs[i], start, into, queue, tail)
        }
    }
    function reach(need, start, into, queue, tail,    names, count, i) {
        count = split((need in priority ? need : "") "\t" providers[need], names, "\t")
        for (i = 1; i <= count; i++) if (names[i] != "" && !(names[i] in into)) { into[names[i]] = start; queue[++tail] = names[i] }
        return tail
    }
    function bare(list) { gsub(/\([^)]*\)|:[a-z0-9]+|[ \n]/, "", list); gsub(/[,|]+/, "\t", list); return list }

    # Whether a preset enables the unit, or its template with this instance, by name (systemd.preset(5)). `enable *`, which is the default, does not
    # count: Debian has it, and its packages decide.
    function preset(unit, file,    i, template, instance) {
        template = instance = unit
        if (sub(/@.*\./, "@.", template)) { sub(/^[^@]*@/, "", instance); sub(/\.[a-z]+$/, "", instance) }
        for (i = 1; i <= presets; i++) {
            if (pattern[i] != template && (regex[i] == "" || template !~ regex[i])) continue
            if (pattern[i] == "*" || verb[i] == "disable") return 0
            if (template == unit) return 1
            return index(" " (instances[i] != "" ? instances[i] : default_instance(substr(file, 2))) " ", " " instance " ")
        }
        return 0
    }
    function default_instance(file,    line, found) {
        while ((getline line <file) > 0) if (sub(/^DefaultInstance=/, "", line)) found = line
        close(file)
        return found
    }

    # The reason to declare a unit (after `+`) or to leave it out (after `-`); nothing if nobody made a decision about it.
    function decided(    file, package, manual, origin, distribution, by) {
        state = unit in files ? files[unit] : linked == "disk" ? "enabled" : is["UnitFileState"]
        running = is["ActiveState"] !~ /^(inactive|failed)$/
        if (state == "transient") return running ? "-made at run time (systemd-run); the next boot removes it" : ""
        if (state == "generated" && is["SourcePath"] !~ /^\/etc\/init\.d\//) return running ? "-a generator of systemd makes it at each boot" : ""
        file = state == "masked" ? "/etc/systemd/system/" unit : state == "generated" ? is["SourcePath"] : is["FragmentPath"]
        package = owner(file)
        by = package != "" ? "its package " package : "the distribution"
        enabled = state == "enabled" || (linked && state ~ /^(enabled-runtime|generated)$/)
        if (state == "masked") {
            if ((substr(file, 2) in disk) && package == "" && !(unit in masked)) return "+masked in /etc/systemd/system"
        } else if (is["LoadState"] == "not-found") {
            return running || linked == "disk" ? "-there is no such unit file" : ""
        } else if (file ~ /^\/run\// || (state ~ /-runtime$/ && !enabled)) {
            if (running) return "-" (file ~ /^\/run\// ? file : state) ", which a boot forgets"
        } else if (by_hand(file)) {
            return "+" file " belongs to no package"
        } else if (changed() != "") {
            return "+" changed() " belongs to no package"
        } else {
            # Generators enable units, too (for SysV scripts what update-rc.d enabled).
            distribution = recorded || linked == "generator"
            manual = is_manual(package)
            origin = manual ? " is installed manually" : ""
            if (enabled && !manual && needed_by(package) != "") origin = " is a dependency of " needed_by(package) ", which is installed manually"
            if (enabled && !distribution && !preset(unit, file)) return "+" by (manual ? origin : " does not enable it")
            # A unit that normally does not run, or is linked for services only, goes with its package.
            if (enabled && origin != "" && ((unit in targets) || linked == "generator") &&
                (running || is["Type"] != "oneshot" || is["RemainAfterExit"] == "yes")) return "+" by origin
            if (state == "disabled" && (helper ? recorded : preset(unit, file))) return "+" by " enables it"
            if (running && !enabled && (manual || (unit !~ /@/ && !pulled))) {
                if (state ~ /^(disabled|indirect)$/) return "+nothing enables it"
                if (state == "static" && unit !~ /@|\.target$/ && manual) return "+" by " is installed manually"
            }
        }
        # Instances of static templates come and go with connections and sessions.
        return mode == "all" && state != "" && (unit !~ /@/ || enabled) ? "+" state : ""
    }
    function changed(    i, count, paths, folder) {
        count = split(plain(is["DropInPaths"]), paths, " ")
        for (i = 1; i <= count; i++) {
            folder = last(substr(paths[i], 1, length(paths[i]) - length(last(paths[i])) - 1))
            # Not a drop-in for all units of a type, such as service.d.
            if (paths[i] ~ /^\/etc\// && folder ~ /\..*\.d$/ && by_hand(paths[i])) return paths[i]
        }
        return ""
    }

    # The line to print: `-` for what does not last, and a note for people on the rest.
    function line_for(text,    i, count, names, waking, why) {
        why = substr(text, 2)
        count = split(plain(is["TriggeredBy"]), names, " ")
        for (i = 1; i <= count; i++) if (active[names[i]] == "active") waking = waking (waking == "" ? "" : ", ") names[i]
        if (text ~ /^\+/ && is["LoadState"] !~ /^(loaded|masked)$/) text = "-" why "; it cannot be loaded: " is["LoadState"]
        else if (text ~ /^\+/ && !enabled && waking != "") text = "-" why "; " waking " starts it"
        else if (text ~ /^\+/ && !enabled && is["BusName"] != "" && !pulled && (running || state == "static"))
            text = "-" why "; D-Bus starts it when it is needed"
        else if (text ~ /^\+/ && is["NRestarts"] > 0 && is["ActiveState"] == "active" && now - is["ActiveEnterTimestampMonotonic"] / 1000000 < 60)
            text = "-" why "; systemd restarted it " is["NRestarts"] " times, the last time within a minute"
        else if (is["ActiveState"] == "failed") text = text "; it has failed"
        else if (is["ActiveState"] ~ /ing$/) text = text "; it is " is["ActiveState"] " (" is["SubState"] ") now"
        if (text ~ /^\+/ && waking != "") return "+!" unit "\t" substr(text, 2)
        return substr(text, 1, 1) unit "\t" substr(text, 2)
    }

    function unit_is_complete(    text) {
        unit = is["Id"]
        linked = links[unit]
        recorded = unit in records
        pulled = is["WantedBy"] is["RequiredBy"] != ""
        if (!(unit in done)) text = decided()
        if (text != "") print line_for(text)
        done[unit] # an alias may name it again
        split("", is)
    }

    $1 == "=" && NF == 2 { part = $2; next }
    part == "units" { active[$1] = $3 }
    part == "files" { files[$1] = $2 }
    part == "records" && /-enabled\// { helper = 1 }
    part == "records" && /-enabled\/.*\.(wants|requires|upholds)\/./ { records[last($0)] }
    part == "records" && /-masked\/./ { masked[last($0)] }
    part == "disk" && /^etc.*\.target\.(wants|requires)\// { targets[last($0)] }
    part == "disk" && /^run/ && !(last($0) in links) { links[last($0)] = "generator" }
    part == "disk" && /^etc.*\.(wants|requires|upholds)\// { links[last($0)] = "disk" }
    part == "disk" { disk[$0] }
    part == "presets" && /^[ \t]*(enable|disable)[ \t]/ {
        verb[++presets] = $1
        pattern[presets] = $2
        if ($2 ~ /[*?[]/) {
            regex[presets] = "^" $2 "$"
            gsub(/\*/, ".*", regex[presets])
            gsub(/\?/, ".", regex[presets])
        }
        for (i = 3; i <= NF; i++) instances[presets] = instances[presets] " " $i
    }
    part == "packages" && NF {
        split($0, field, "\t")
        dpkg = 1
        if (field[4] ~ /^(not-installed|config-files)$/) next
        priority[field[1]] = field[2]
        essential[field[1]] = field[3]
        depends[field[1]] = bare(field[5])
        count = split(bare(field[6]), names, "\t")
        for (i = 1; i <= count; i++) providers[names[i]] = providers[names[i]] "\t" field[1]
    }
    part == "automatic" && $1 == "Package:" { package = $2 }
    part == "automatic" && $1 == "Auto-Installed:" && $2 == 1 { automatic[package] }
    part == "owned" && NF {
        package = last(substr($0, 1, index($0, ".list:") - 1))
        sub(/:.*/, "", package) # of a foreign architecture
        file = substr($0, index($0, ".list:") + 6)
        sub(/^\/usr\/lib\//, "/lib/", file)
        owned[file] = package
    }
    part == "uptime" { now = $1 }
    part == "show" && $0 != "" { key = $0; sub(/=.*/, "", key); is[key] = substr($0, length(key) + 2) }
    part == "show" && $0 == "" && ("Id" in is) { unit_is_complete() }
'
