# What the next boot starts, by a dry run of systemd.
# shellcheck disable=SC2154 # the probe sets what these functions read

# Why this machine cannot tell what its next boot starts; nothing where it can.
unforeseeable() {
    for file in system-update etc/system-update; do
        [ ! -e "$file" ] && [ ! -L "$file" ] && continue
        echo "trap the next boot installs updates (/$file) and starts little else"
    done
    id=''
    [ ! -s etc/machine-id ] || read -r id <etc/machine-id || :
    if [ -z "$id" ] || [ "$id" = uninitialized ]; then
        echo 'trap the next boot counts as the first one and applies presets (/etc/machine-id is missing, empty or "uninitialized")'
    fi
    ! root_is_forgotten || echo 'trap the root file system keeps changes in memory alone (a live system, overlayroot, systemd.volatile=), and a boot forgets them'
    [ ! -L run/systemd/generator.early/default.target ] ||
        echo "trap the kernel's command line sent this boot to ${default:-another target}, and the next one may go elsewhere"
    other_environment
    # Units that the kernel's command line adds or masks (systemd.wants=, systemd.mask=).
    for file in run/systemd/generator.early/* run/systemd/generator.early/*.wants/*; do
        case $file in */default.target | *.wants | *'/*') ;; *) printf 'early %s\n' "${file##*/}" ;; esac
    done
}

# Why the next manager may have an environment (SYSTEMD_UNIT_PATH) that names other folders of units or generators: by a file that sets it, read or not,
# or since this one has folders that are not the usual ones. Nothing else tells whether the manager has read a file as it is now.
other_environment() {
    set --
    for folder in etc run usr/local/lib usr/lib lib; do
        [ "$folder" = lib ] && [ -L lib ] && continue
        for file in "$folder"/systemd/system.conf "$folder"/systemd/system.conf.d/*.conf; do
            if [ -f "$file" ] && [ ! -r "$file" ]; then echo "unsure * /$file, which only root may read, may name other folders of units"; fi
            [ ! -r "$file" ] || set -- "$@" "$file"
        done
    done
    # Values may hold escapes and specifiers, and lines may be continued.
    for file; do
        # How much the manager logs, and in which colours, changes nothing.
        sed 's/SYSTEMD_\(LOG_[A-Z_]*\|COLORS\)=//g' "$file" |
            grep -Eqs '^[[:blank:]]*[^#;[:blank:]].*SYSTEMD_|^[[:blank:]]*(Manager|Default)Environment[[:blank:]]*=.*[%\\]' || continue
        echo "unsure * /$file sets SYSTEMD_... for the manager: a boot may read other folders of units"
    done
    ! grep -qs 'systemd\.setenv=.*SYSTEMD_' proc/cmdline ||
        echo "unsure * the kernel's command line sets SYSTEMD_... for the manager, and the next one may not"
    case " $search_path " in *" /etc/systemd/system "*) ;; *) echo 'unsure * the manager does not read /etc/systemd/system, and a boot may' ;; esac
    set -f
    for folder in $search_path; do
        case $folder in
        /etc/systemd/system | /etc/systemd/system.control | /etc/systemd/system.attached | /run/systemd/* | /nix/store/*) ;;
        /usr/local/lib/systemd/system | /usr/lib/systemd/system | /lib/systemd/system | /usr/local/share/systemd/system | /usr/share/systemd/system) ;;
        *) echo "unsure * the manager reads the folder $folder, and a boot may not" ;;
        esac
    done
    set +f
}

# A dry run of a manager that reads the unit files as the next boot finds them: without the folders in /run that a boot empties, but with the
# output of generators, which a boot makes again.
dry_run() { # WRAPPER...
    "$@" env -i ${home:+HOME="$home"} SYSTEMD_UNIT_PATH="$path" SYSTEMD_GENERATOR_PATH=/nonexistent SYSTEMD_ENVIRONMENT_GENERATOR_PATH=/nonexistent \
        LC_ALL=C SYSTEMD_LOG_LEVEL=info SYSTEMD_LOG_TARGET=console "$manager" --test --system --unit=default.target </dev/null 2>&1
    echo "status $?"
}

# The dump of a dry run -> `job UNIT` for what a boot starts, `called ALIAS` for its other names, `wakes BY UNIT` for what that may start later, `condition UNIT KIND VALUE` for the
# units whose boot is declared, `unsure UNIT WHY` where the boot may do otherwise (`*`: with any unit), `unloaded NAME`
# for declared names that the dry run has not met, `alias NAME OTHER` for the other names of declared units, `listens SOCKET KIND ADDRESS` for their
# sockets, and `complete`; else `why REASON`.
read_dump() (
    # systemd reads the unit files meanwhile.
    forgotten=$(forgotten </dev/null)
    failed=$(say "$units" | awk '$2 == "failed" || $3 == "failed" || $4 == "failed" { print $1 }')
    IFS=$newline
    set -f
    # shellcheck disable=SC2086
    FORGOTTEN=$forgotten FAILED=$failed awk '
        BEGIN {
            for (i = 1; i < ARGC; i++) declared[ARGV[i]]
            ARGC = 1
            count = split(ENVIRON["FORGOTTEN"], names, "\n")
            for (i = 1; i <= count; i++) forgotten[names[i]]
            count = split(ENVIRON["FAILED"], names, "\n")
            for (i = 1; i <= count; i++) failed[names[i]]
            # How the lines begin that the rules for two tabs read: all others are passed over, five of six.
            count = split("After: Before: Requires: BindsTo: Wants: Upholds: RequiredBy: RequisiteOf: Conflicts: ConflictedBy: BoundBy: " \
                "PropagatesStopTo: Requisite: Triggers: OnSuccess: Unit Fragment DropIn OnFailureJobMode: Failure Where: ListenStream: " \
                "ListenDatagram: ListenSequentialPacket: BindToDevice: Job Success OnFailure: RemainAfterExit: Type: Alias: Action:", names, " ")
            for (i = 1; i <= count; i++) read[names[i]]
        }
        # Of several reasons one that does not depend on the order in which awk walks its arrays.
        function doubt(unit, why) { if (!(unit in unsure) || why < unsure[unit]) unsure[unit] = why }
        # It does not start, and what needs it fails.
        function fails(unit, why) {
            doubt(unit, why)
            cut(unit)
        }
        function cut(unit) {
            if (unit in failing) return
            failing[unit]
            needers(needed[unit] bound[unit])
        }
        function needers(list,    i, count, names) {
            count = split(list, names, " ")
            for (i = 1; i <= count; i++) fails(names[i], "a unit that it requires may fail to start")
        }
        # What a unit requires, and what that requires: `needs OTHER UNIT...`, and the files of each for what can fail.
        function requirements(unit, by,    i, end, at, todo, count, names, met) {
            todo[++end] = unit
            for (at = 1; at <= end; at++) {
                count = split(requires[todo[at]] requisites[todo[at]], names, " ")
                for (i = 1; i <= count; i++) {
                    if (names[i] in met || !(names[i] in job)) continue
                    met[names[i]]
                    todo[++end] = names[i]
                    require_too(names[i], by)
                }
            }
        }
        function require_too(unit, by) { if (unit !~ /\.(target|slice|timer|path|device)$/) needed_by[unit] = needed_by[unit] by }
        # A boot may start it and what it pulls, though this dry run starts neither.
        function may_start(unit, why,    i, count, names) {
            if (unit in job || (unit, why) in maybe || unit ~ /\.slice$/) return
            maybe[unit, why]
            doubt(unit, why)
            count = split(pulls[unit], names, " ")
            for (i = 1; i <= count; i++) may_start(names[i], why)
        }
        # Units that may be on an ordering cycle, or between two: what is left when all that nothing comes after, or before, is taken away.
        function cyclic(    unit, i, count, names, end, at, todo, before_it, after_it) {
            closure(root)
            for (unit in job) candidate[unit]
            for (unit in candidate) {
                before_it[unit] = degree(after[unit])
                after_it[unit] = degree(before[unit])
            }
            for (unit in candidate) if (!before_it[unit] || !after_it[unit]) { todo[++end] = unit; peeled[unit] }
            for (at = 1; at <= end; at++) {
                count = split(after[todo[at]], names, " ")
                for (i = 1; i <= count; i++)
                    if (names[i] in candidate && !--after_it[names[i]] && !(names[i] in peeled)) { todo[++end] = names[i]; peeled[names[i]] }
                count = split(before[todo[at]], names, " ")
                for (i = 1; i <= count; i++)
                    if (names[i] in candidate && !--before_it[names[i]] && !(names[i] in peeled)) { todo[++end] = names[i]; peeled[names[i]] }
            }
            # systemd keeps what default.target requires.
            require(root)
            for (unit in candidate) if (!(unit in peeled) && !(unit in kept)) leave_out(unit)
        }
        function degree(list,    i, count, names, found) {
            count = split(list, names, " ")
            for (i = 1; i <= count; i++) if (names[i] in candidate) found++
            return found + 0
        }
        function closure(unit,    i, count, names) {
            if (unit in candidate) return
            candidate[unit]
            count = split(pulls[unit], names, " ")
            for (i = 1; i <= count; i++) closure(names[i])
        }
        function require(unit,    i, count, names) {
            if (unit in kept) return
            kept[unit]
            count = split(requires[unit], names, " ")
            for (i = 1; i <= count; i++) require(names[i])
        }
        function leave_out(unit,    i, count, names) {
            if (unit in dropped) return
            dropped[unit]
            gone[unit]
            doubt(unit, chance)
            may_start(unit, chance)
            count = split(needed[unit] bound[unit], names, " ")
            for (i = 1; i <= count; i++) leave_out(names[i])
        }
        # A unit that it requires cannot be loaded: systemd stops there, and what else it pulls has a job or not, in an order of chance.
        function breaks(unit,    i, count, names) {
            if (unit in broken) return
            broken[unit]
            count = split(needed[unit] bound[unit], names, " ")
            for (i = 1; i <= count; i++) breaks(names[i])
        }
        function reach(unit,    i, count, names) {
            if (unit in reached || unit in gone) return
            reached[unit]
            if (unit in broken) return
            count = split(pulls[unit], names, " ")
            for (i = 1; i <= count; i++) reach(names[i])
        }
        # Of two units that conflict one has no job. Where a boot may start the one or not, the same holds for the other.
        function rivalry(    unit, at, end, i, count, names, todo, seen) {
            for (;;) {
                end = 0
                for (unit in unsure) if (!(unit in seen) && unit in rivals) { seen[unit]; todo[++end] = unit }
                if (!end) return
                for (at = 1; at <= end; at++) {
                    count = split(rivals[todo[at]], names, " ")
                    for (i = 1; i <= count; i++) {
                        if (!(names[i] in candidate)) continue
                        if (!(names[i] in job)) may_start(names[i], "a unit that it conflicts with may not start")
                        else if (!(todo[at] in job)) doubt(names[i], "a unit that it conflicts with may start")
                    }
                }
            }
        }
        function template(unit) { return sub(/@[^.]*/, "@", unit) ? unit : "" }
        # Whether a boot mounts what is not mounted now over the path of a condition.
        function hidden_by_a_boot(condition,    unit) {
            sub(/^[^ ]* [|]?!?/, "", condition)
            for (unit in where) if (unit in job && index(condition "/", where[unit] "/") == 1) return 1
            return 0
        }
        function covers(name, unit,    type) {
            type = name
            sub(/.*\./, "", type)
            if (unit !~ "[.]" type "$") return 0
            return name == type || index(unit, substr(name, 1, length(name) - length(type) - 1)) == 1
        }
        function follow(from, list,    i, count, names) {
            count = split(list, names, " ")
            for (i = 1; i <= count; i++) {
                if (names[i] in job) continue
                print "wakes", from, names[i]
                if (!(names[i] in woken)) { woken[names[i]]; todo[++end] = names[i] }
            }
        }
        /^\t\t/ && !($1 in read) && !/^\t\t(Condition|Assert)|ExecCondition:/ { next }
        /^\t[^\t]+ Unit / { unit = $3; sub(/:$/, "", unit); known[unit]; next } # an arrow stands before it, in ASCII or in UTF-8
        /^\t\tAfter: / { after[unit] = after[unit] " " $2; next }
        /^\t\tBefore: / { before[unit] = before[unit] " " $2; next }
        /^\t\t(Requires|BindsTo): / { requires[unit] = requires[unit] " " $2 }
        /^\t\tBindsTo: / { binds[unit] = binds[unit] " " $2 }
        /^\t\t(Wants|Requires|BindsTo|Upholds): / { pulls[unit] = pulls[unit] " " $2; next }
        /^\t\t(RequiredBy|RequisiteOf): / { needed[unit] = needed[unit] " " $2; next }
        /^\t\t(Conflicts|ConflictedBy): / { rivals[unit] = rivals[unit] " " $2; next }
        # PropagatesStopTo=, of StopPropagatedFrom= as well, stops like BindsTo=.
        /^\t\t(BoundBy|PropagatesStopTo): / { bound[unit] = bound[unit] " " $2; next }
        /^\t\tRequisite: / { requisites[unit] = requisites[unit] " " $2; next }
        /^\t\tTriggers: / { triggered[unit] = triggered[unit] " " $2 }
        /^\t\t(Triggers|OnSuccess): / { wakes[unit] = wakes[unit] " " $2; next }
        /^\t\tUnit Load State: / { load[unit] = $4; next }
        /^\t\tUnit Active State: / { if ($4 == "active") up[unit]; next }
        sub(/^\t\t(Fragment|DropIn) Path: /, "") { files[unit] = files[unit] $0 "\n"; next }
        /^\t\tOnFailureJobMode: (isolate|replace-irreversibly|flush)$/ { if (unit in rescues) drastic[unit] = "a boot starts little else if " unit " fails"; next }
        /^\t\tFailure Action: / { if ($3 != "none") drastic[unit] = "a boot ends if " unit " fails"; next }
        sub(/^\t\tWhere: /, "") { if (!/^\/(dev|proc|run|sys)\//) where[unit] = $0; next }
        /^\t\tListen(Stream|Datagram|SequentialPacket): / { listens[unit] = listens[unit] substr($1, 7, length($1) - 7) " " $2 "\n"; next }
        /^\t\tBindToDevice: / { if ($2 != "n/a") listens[unit] = listens[unit] "Device " $2 "\n"; next }
        /^\t\tJob Timeout: / { hurried[unit]; next }
        /^\t\t[^ ]+ ExecCondition:/ { asking[unit]; next }
        /^\t\tSuccess Action: / { if ($3 != "none") ends[unit]; next }
        /^\t\tOnFailure: / { rescues[unit] = rescues[unit] " " $2; next }
        /^\t\tRemainAfterExit: no$/ { leaves[unit]; next }
        /^\t\tType: oneshot$/ { if (unit in leaves) fleeting[unit]; next }
        /^\t\tAlias: / { aliases[unit] = aliases[unit] " " $2; name_of[$2] = unit; next }
        /^\t\t(Condition|Assert)[A-Za-z]+: / {
            if (/^\t\tA/) asserts[unit]; else conditional[unit]
            sub(/^\t\t/, "")
            sub(/: /, " ")
            sub(/ [a-z]+$/, "")
            conditions[unit] = conditions[unit] $0 "\n"
            next
        }
        /^\t\tAction: .* -> start$/ { job[$2]; if ($2 ~ /\.target$/) target = 1; next }
        /^[\t-]/ { next }
        /Permission denied/ { unread = $0 }
        $1 == "status" { status = $2; next }
        { last = $0 }
        END {
            for (unit in job) if (!(unit in known)) { target = 0; last = "the dump of systemd --test has a form of its own" }
            if (unread != "" || status != "0" || !target) {
                print "why", unread != "" ? unread : last != "" ? last : "systemd --test printed nothing"
                exit
            }
            for (unit in job) {
                print "job", unit
                count = split(aliases[unit], names, " ")
                for (i = 1; i <= count; i++) print "called", names[i]
            }
            root = "default.target" in name_of ? name_of["default.target"] : "default.target"
            for (unit in known) if (unit in forgotten || template(unit) in forgotten) gone[unit]
            for (name in forgotten) {
                if (name ~ /^\* /) print "unsure", name
                if (name in name_of) gone[name_of[name]]
                # A drop-in for all units of a type, or for all that begin so.
                if (name ~ /^[a-z]+$|-\.[a-z]+$/) for (unit in known) if (covers(name, unit)) gone[unit]
            }
            for (unit in gone) doubt(unit, "a boot does not find its file or a drop-in: it lies behind a link to a folder that a boot empties, or on another file system")
            chance = "an ordering cycle: which of its units a boot leaves out is a matter of chance"
            cyclic()
            for (unit in known) {
                count = split(requires[unit] requisites[unit], names, " ")
                for (i = 1; i <= count; i++) if (names[i] in load && load[names[i]] != "loaded") { breaks(unit); break }
            }
            reach(root)
            for (name in job) if (!(name in reached)) doubt(name, "what pulls it may be left out at the next boot, or may not pull it")
            for (unit in broken) if (unit in candidate) {
                count = split(pulls[unit], names, " ")
                for (i = 1; i <= count; i++) may_start(names[i], "a unit that may start it requires one that cannot be loaded")
            }
            for (unit in job) {
                count = split(triggered[unit], names, " ")
                for (i = 1; i <= count; i++)
                    if (load[names[i]] != "loaded" || names[i] in gone) fails(unit, "systemd refuses to start it, since " names[i] " cannot be loaded")
                # It has a job all the same, and fails when the job runs; by a plain Requires= it starts.
                count = split(binds[unit], names, " ")
                for (i = 1; i <= count; i++)
                    if (names[i] in load && load[names[i]] != "loaded") fails(unit, "it is bound (BindsTo=) to " names[i] ", which cannot be loaded")
                count = split(requisites[unit], names, " ")
                # One that cannot be loaded is not asked whether it is up: what has a job all the same starts.
                for (i = 1; i <= count; i++)
                    if (names[i] in job ? names[i] in gone : load[names[i]] == "loaded") fails(unit, names[i] " is to be up before it (Requisite=)")
                if (unit in hurried) fails(unit, "its job may run out of time (JobTimeoutSec=)")
                if (unit in asserts || unit in failed || (unit ~ /\.device$/ && !(unit in up))) cut(unit)
                else if (unit in conditional || unit in fleeting) needers(bound[unit])
            }
            # A mount that is up has no job here, and neither has its device.
            for (unit in up) if (unit ~ /\.mount$/ && needed[unit] != "") {
                count = split(requires[unit], names, " ")
                for (i = 1; i <= count; i++) if (names[i] ~ /\.device$/ && names[i] in load && !(names[i] in up)) cut(unit)
            }
            for (unit in job) if (unit in drastic) {
                if (unit in failing) print "unsure * " drastic[unit]
                requirements(unit, " *")
                require_too(unit, " *")
            }
            for (unit in ends) if (unit in job) print "ends", unit
            # Triggers have to be up, unlike units that only pull: the same is asked about them.
            for (name in declared) concerned[name in name_of ? name_of[name] : name]
            for (unit in triggered) {
                count = split(triggered[unit], names, " ")
                for (i = 1; i <= count; i++) if (names[i] in concerned) arms[unit] = arms[unit] " " names[i]
            }
            for (unit in arms) {
                concerned[unit]
                count = split(listens[unit], lines, "\n")
                for (i = 1; i < count; i++) print "listens", unit, lines[i]
                count = split(arms[unit], names, " ")
                if (unit in job) for (i = 1; i <= count; i++) awaited[names[i]]
            }
            for (unit in concerned) if (unit in job) requirements(unit, " " unit aliases[unit])
            for (unit in job) if (unit in asking) {
                count = split(unit aliases[unit], names, " ")
                for (i = 1; i <= count; i++) if (names[i] in declared) { asks[unit] = " " unit aliases[unit]; break }
            }
            for (unit in asks) print "asks", unit asks[unit]
            for (unit in needed_by) print "needs", unit needed_by[unit]
            for (unit in files) if (unit in needed_by || unit in asks) {
                count = split(files[unit], lines, "\n")
                for (i = 1; i < count; i++) print "file", unit, lines[i]
            }
            for (unit in up) if (unit !~ /\.(slice|scope)$/) may_start(unit, "a mount or device that is there now hides whether a boot starts it")
            rivalry()
            for (unit in unsure) {
                count = split(unit aliases[unit], names, " ")
                for (i = 1; i <= count; i++) print "unsure", names[i], unsure[unit]
            }
            # What is started on failure: this dry run cannot tell what fails.
            for (unit in job) follow(unit, wakes[unit] rescues[unit])
            for (unit in concerned) if (unit in job || unit in awaited) {
                count = split(unit aliases[unit], names, " ")
                conditions_of = split(conditions[unit], lines, "\n")
                for (i = 1; i <= count; i++) for (at = 1; at < conditions_of; at++) {
                    print "condition", names[i], lines[at]
                    if (hidden_by_a_boot(lines[at])) { text = lines[at]; sub(/ /, "=", text); print "unmet", names[i], text }
                }
            }
            for (at = 1; at <= end; at++) follow(todo[at], wakes[todo[at]] rescues[todo[at]] pulls[todo[at]])
            for (name in declared) {
                if (!(name in known) && !(name in name_of)) { print "unloaded", name; continue }
                unit = name in name_of ? name_of[name] : name
                count = split(unit aliases[unit], names, " ")
                for (i = 1; i <= count; i++) if (names[i] != name) print "alias", name, names[i]
            }
            print "complete"
        }
    ' $boot | sort -u
)

# A file that a plain user may not read, or a link into a folder that hides what it leads to, perhaps a mask: systemd does not say of each that it left
# one out.
unreadable() {
    printf '%s\n' "$path" | tr ':' '\n' | while read -r folder; do
        for file in "$folder" "$folder"/* "$folder"/*.d/*.conf "$folder"/*.wants/* "$folder"/*.requires/* "$folder"/*.upholds/*; do
            hidden=''
            if [ -e "$file" ]; then [ -r "$file" ] || hidden=yes; elif [ -L "$file" ]; then kept - "$file" || :; fi
            [ -z "$hidden" ] || printf '%s\n' "$file"
        done
    done
}

next_boot() {
    manager=''
    for file in /usr/lib/systemd/systemd /lib/systemd/systemd /run/current-system/systemd/lib/systemd/systemd; do
        [ -x "$file" ] && manager=$file && break
    done
    path=''
    set -f
    for folder in $search_path; do
        case $folder in /run/systemd/system* | /run/systemd/transient*) ;; *) path=$path${path:+:}$folder ;; esac
    done
    set +f
    if [ -z "$manager" ] || [ -z "$path" ]; then echo 'why systemd itself was not found'; return; fi
    sudo='' secret='' home=''
    if [ "$(id -u)" != 0 ]; then
        secret=$(unreadable)
        [ -n "$secret" ] || { dry_run | read_dump; return; }
        secret="why only root may read ${secret%%"$newline"*}"
        sudo=${PE_SUDO-}
        [ -n "$sudo" ] || { echo "$secret"; return; }
    fi
    # systemd refuses the dry run to root. As `nobody`, with one capability, it reads unit files of mode 0600 all the same. It makes a folder in
    # /tmp and removes it again: where namespaces can be had, in a /tmp of its own. setpriv and unshare are called by their paths: busybox's sh takes
    # its own, which know less.
    tools=''
    for place in /usr/bin /bin /run/current-system/sw/bin; do [ -z "$tools" ] && [ -x "$place/setpriv" ] && tools=$place; done
    nobody="$tools/setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=+dac_read_search --ambient-caps=+dac_read_search"
    [ -n "$tools" ] || { echo 'why there is no setpriv'; return; }
    home=/root # what %h is for the manager
    # shellcheck disable=SC2016,SC2086
    found=$(dry_run $sudo "$tools/unshare" -m -C sh -c 'mount -t tmpfs power-edge /tmp && exec "$@"' sh $nobody | read_dump)
    # shellcheck disable=SC2086
    case $found in *complete*) ;; *) found=$(dry_run $sudo $nobody | read_dump) ;; esac
    case $found in *complete*) secret='' ;; esac
    say "${secret:-$found}"
}
