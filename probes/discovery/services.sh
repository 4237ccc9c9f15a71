# Units that a person decided about: enabled, disabled or masked where the distribution would not, started by hand, of a file that no package brought
# or that was changed, or of a package that was asked for or that such a one depends on. With `all` every unit that can be declared. Needs no root.
mode=$1

command -v systemctl >/dev/null || fail 'there is no systemctl, and only units of systemd can be declared'
need awk cat find grep sed sort

list() { # COMMAND ARG...
    systemctl --type=service,socket,timer,target,path --full --plain --no-legend --no-pager "$@"
}
units=$(list list-units --all) || exit
# In a chroot systemctl knows what is installed, prints no unit, and exits 0.
[ -n "$units" ] || fail 'systemctl prints no units; does systemd run here (a chroot?)'
cd "${PE_ROOT:-/}" || exit

# What Debian's packages enabled and masked themselves (deb-systemd-helper(1)). Where they were installed with a strict umask it takes root to read.
records=''
for folder in var/lib/systemd/deb-systemd-helper-enabled var/lib/systemd/deb-systemd-helper-masked; do
    [ -d "$folder" ] || continue
    found=$(find "$folder" 2>/dev/null) || found=$(as_root find "$folder" 2>/dev/null) || {
        printf '?what packages enabled themselves\tit takes root to read all of /%s\n' "$folder"
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

# Asking for the files of all units costs 0.2 s on a small machine, since systemd looks for each one's links; for some by name, 1 ms each.
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
shown=$(systemctl show --no-pager -p "$properties" -- "$@") || exit

{
    printf '= units\n%s\n= files\n%s\n= records\n%s\n= disk\n%s\n= presets\n%s\n' "$units" "$files" "$records" "$disk" "$presets"
    printf '= packages\n%s\n= automatic\n%s\n= owned\n%s\n' "$packages" "$automatic" "$owned"
    printf '= uptime\n%s\n= show\n%s\n\n' "$(cat proc/uptime)" "$shown"
} | awk -v mode="$mode" '
    function last(path) { sub(/.*\//, "", path); return path }
    # A list of names, C-quoted by systemd where one holds a backslash.
    function plain(list) { gsub(/"/, "", list); gsub(/\\\\/, "\\", list); return list }

    function owner(file) { sub(/^\/usr\/lib\//, "/lib/", file); return owned[file] }
    function by_hand(file) { return file ~ /^\// && (dpkg ? owner(file) == "" : file !~ /^(\/usr)?\/lib\/|^\/etc\/init\.d\//) }
    function asked_for(package) { return package != "" && !(package in automatic) && priority[package] !~ /^(required|important|standard)$/ }

    # The package that was asked for and brought this one along, since it depends on it (postgresql brings postgresql-common, which has the unit);
    # empty where there is none, or where the base system needs it as well.
    function brought_by(package,    name) {
        if (!followed) {
            followed = 1
            for (name in priority) if (priority[name] ~ /^(required|important|standard)$/ || essential[name] == "yes") follow(name, based)
            for (name in priority) if (asked_for(name) && !(name in based)) follow(name, brought)
        }
        return (package in based) ? "" : brought[package]
    }
    # Writes down for all that a package depends on, directly or not, who it is for.
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

    # Whether a preset names the unit, or its template with this instance, to be enabled (systemd.preset(5)). Not so the `enable *` that is in force
    # where nothing else is said: Debian has that, and its packages decide.
    function preset(unit, file,    i, whole, instance) {
        whole = instance = unit
        if (sub(/@.*\./, "@.", whole)) { sub(/^[^@]*@/, "", instance); sub(/\.[a-z]+$/, "", instance) }
        for (i = 1; i <= presets; i++) {
            if (pattern[i] != whole && (regex[i] == "" || whole !~ regex[i])) continue
            if (pattern[i] == "*" || verb[i] == "disable") return 0
            if (whole == unit) return 1
            return index(" " (instances[i] != "" ? instances[i] : default_instance(substr(file, 2))) " ", " " instance " ")
        }
        return 0
    }
    function default_instance(file,    line, found) {
        while ((getline line <file) > 0) if (sub(/^DefaultInstance=/, "", line)) found = line
        close(file)
        return found
    }

    # What there is to say of a unit: after `+` where it is to be declared, after `-` where it is not; nothing where nobody decided anything.
    function decided(    file, package, asked, origin, distribution, by) {
        state = unit in files ? files[unit] : linked == "disk" ? "enabled" : is["UnitFileState"]
        running = is["ActiveState"] !~ /^(inactive|failed)$/
        if (state == "transient") return running ? "-made at run time (systemd-run); a boot forgets it" : ""
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
            return "+" file " is of no package"
        } else if (changed() != "") {
            return "+" changed() " is of no package"
        } else {
            # Generators enable as well (for SysV scripts what update-rc.d enabled).
            distribution = recorded || linked == "generator"
            asked = asked_for(package)
            origin = asked ? " was asked for" : ""
            if (enabled && !asked && brought_by(package) != "") origin = " came with " brought_by(package) ", which was asked for"
            if (enabled && !distribution && !preset(unit, file)) return "+" by (asked ? origin : " does not enable it")
            # What is at rest between its runs, or linked for services alone, goes with the package.
            if (enabled && origin != "" && ((unit in targets) || linked == "generator") &&
                (running || is["Type"] != "oneshot" || is["RemainAfterExit"] == "yes")) return "+" by origin
            if (state == "disabled" && (helper ? recorded : preset(unit, file))) return "+" by " enables it"
            if (running && !enabled && (asked || (unit !~ /@/ && !pulled))) {
                if (state ~ /^(disabled|indirect)$/) return "+nothing enables it"
                if (state == "static" && unit !~ /@|\.target$/ && asked) return "+" by " was asked for"
            }
        }
        # Instances of static templates come and go with connections and sessions.
        return mode == "all" && state != "" && (unit !~ /@/ || enabled) ? "+" state : ""
    }
    function changed(    i, count, paths, folder) {
        count = split(plain(is["DropInPaths"]), paths, " ")
        for (i = 1; i <= count; i++) {
            folder = last(substr(paths[i], 1, length(paths[i]) - length(last(paths[i])) - 1))
            # Not one for all units of a kind, such as service.d.
            if (paths[i] ~ /^\/etc\// && folder ~ /\..*\.d$/ && by_hand(paths[i])) return paths[i]
        }
        return ""
    }

    # What cannot be declared since it does not last, and what a person should know of the rest.
    function told(text,    i, count, names, waking, why) {
        why = substr(text, 2)
        count = split(plain(is["TriggeredBy"]), names, " ")
        for (i = 1; i <= count; i++) if (active[names[i]] == "active") waking = waking (waking == "" ? "" : ", ") names[i]
        if (text ~ /^\+/ && is["LoadState"] !~ /^(loaded|masked)$/) text = "-" why "; it cannot be loaded: " is["LoadState"]
        else if (text ~ /^\+/ && !enabled && waking != "") text = "-" why "; started by " waking
        else if (text ~ /^\+/ && !enabled && is["BusName"] != "" && !pulled && (running || state == "static"))
            text = "-" why "; started by D-Bus when it is needed"
        else if (text ~ /^\+/ && is["NRestarts"] > 0 && is["ActiveState"] == "active" && now - is["ActiveEnterTimestampMonotonic"] / 1000000 < 60)
            text = "-" why "; systemd had to start it again " is["NRestarts"] " times, the last time within a minute"
        else if (is["ActiveState"] == "failed") text = text "; it has failed"
        else if (is["ActiveState"] ~ /ing$/) text = text "; at the moment it is " is["ActiveState"] " (" is["SubState"] ")"
        if (text ~ /^\+/ && waking != "") return "+!" unit "\t" substr(text, 2)
        return substr(text, 1, 1) unit "\t" substr(text, 2)
    }

    function unit_is_complete(    text) {
        unit = is["Id"]
        linked = links[unit]
        recorded = unit in records
        pulled = is["WantedBy"] is["RequiredBy"] != ""
        if (!(unit in done)) text = decided()
        if (text != "") print told(text)
        done[unit] # asked for by an alias as well
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
