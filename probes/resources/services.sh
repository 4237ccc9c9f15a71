# systemd units: what they do now, and what the next boot starts. Needs no root.
#
# Arguments: unit names. `~` before a name: only what it does now is declared, not its boot. `!` before it (after `~`): give the full answer.
#
# `show` costs PID 1 0.7 to 2.5 ms a unit, and the file state another 0.5. So a unit that is plainly up is read from a listing, and where its boot
# is declared, from the job list of the next boot and a link on disk. Every other unit gets the full answer.

for tool in awk find grep sort xargs; do
    command -v "$tool" >/dev/null || { echo "there is no $tool" >&2; exit 1; }
done

# Names hold no blanks. Lists of them are split at newlines, and with `set -f` nothing in them is expanded.
newline='
'
names='' boot='' wanted=''
for name; do
    case $name in !* | '~!'*) ;; *) wanted="$wanted${name#'~'}$newline" ;; esac
    case $name in
    '~'*) name=${name#'~'} ;;
    *) boot="$boot${name#!}$newline" ;;
    esac
    names="$names${name#!}$newline"
done

# A search for a manager that is not there must not end as an empty answer: in a chroot systemctl prints nothing and exits 0.
set -f
# shellcheck disable=SC2086
units=$(IFS=$newline && systemctl list-units --all --full --plain --no-legend --no-pager -- $names) || exit
set +f
cd "${PE_ROOT:-/}" || exit

# The target that a boot goes for; a link by another name than its own, or a file.
default=''
for file in run/systemd/generator.early/default.target etc/systemd/system/default.target run/systemd/system/default.target \
    usr/local/lib/systemd/system/default.target usr/lib/systemd/system/default.target lib/systemd/system/default.target; do
    if [ -L "$file" ]; then default=$(readlink "$file"); elif [ -e "$file" ]; then default=$file; else continue; fi
    default=${default##*/}
    break
done

# Why this machine cannot tell what its next boot starts; nothing where it can.
unforeseeable() {
    for file in system-update etc/system-update; do
        [ ! -e "$file" ] && [ ! -L "$file" ] && continue
        echo "trap the next boot installs updates (/$file) and starts little else"
    done
    if [ ! -s etc/machine-id ] || [ "$(cat etc/machine-id)" = uninitialized ]; then
        echo 'trap the next boot counts as the first one and applies presets (/etc/machine-id is missing, empty or "uninitialized")'
    fi
    [ ! -L run/systemd/generator.early/default.target ] ||
        echo "trap the kernel's command line sent this boot to ${default:-another target}, and the next one may go elsewhere"
    # Units that the kernel's command line adds or masks (systemd.wants=, systemd.mask=).
    for file in run/systemd/generator.early/* run/systemd/generator.early/*.wants/*; do
        case $file in */default.target | *.wants | *'/*') ;; *) printf 'early %s\n' "${file##*/}" ;; esac
    done
}

# What a generator made at the last reload, and a boot may make otherwise: `unsure UNIT WHY`, with `*` for any unit.
stale() {
    for made in run/systemd/generator run/systemd/generator.late run/systemd/generator.early run/systemd; do [ ! -d "$made" ] || break; done
    late=run/systemd/generator.late
    # `chmod` changes the time of the inode alone. busybox's find cannot compare it. Only the checks that a `chmod` could fool compare it: on a machine
    # without a clock of its own every file looks newer than what was made early in the boot.
    inode=-newer
    ! find "$made" -maxdepth 0 -cnewer "$made" >/dev/null 2>&1 || inode=-cnewer
    # A find that is missing, or knows no -newer, would print nothing below, as if nothing had changed.
    find "$made" -maxdepth 0 -newer "$made" >/dev/null 2>&1 ||
        { echo 'unsure * find could not tell whether the generators of systemd have changed'; return 0; }
    generators=''
    for folder in run etc usr/local/lib usr/lib lib; do
        [ -d "$folder/systemd/system-generators" ] || continue
        [ "$folder" = lib ] && [ -L lib ] && continue
        generators="$generators $folder/systemd/system-generators"
        changed=$(find "$folder/systemd/system-generators" \( -newer "$made" -o ! -perm -100 $inode "$made" \))
        [ -z "$changed" ] || { echo 'unsure * generators of systemd have changed since the last systemctl daemon-reload'; break; }
        [ "$folder" != run ] || [ -z "$(ls "$folder/systemd/system-generators")" ] ||
            { echo 'unsure * a boot forgets the generators in /run/systemd/system-generators'; break; }
    done
    read_by_generators
    [ -d etc/init.d ] || return 0
    changed=$(for file in etc/init.d etc/rc[0-9S].d; do [ ! -d "$file" ] || find "$file" -newer "$made"; done)
    for file in etc/init.d/*; do
        script=$file unit=${file##*/}
        unit=${unit%.sh}.service
        why='' native=no
        for folder in etc usr/local/lib usr/lib lib; do
            file=$folder/systemd/system/$unit
            if [ -e "$file" ] || [ -L "$file" ]; then native=yes; fi
        done
        file=run/systemd/system/$unit
        if [ $native = no ] && { [ -e "$file" ] || [ -L "$file" ]; }; then why="a boot forgets /$file, and takes the script in /etc/init.d"; fi
        [ $native = no ] || [ ! -e "$late/$unit" ] || why='a unit file has come in place of its script in /etc/init.d'
        [ $native = yes ] || [ -e "$late/$unit" ] || why=${why:-'nothing was made of its script in /etc/init.d yet'}
        [ $native = yes ] || [ ! -e "$late/$unit" ] || [ -x "$script" ] || why='its script in /etc/init.d may not be run any more'
        [ $native = yes ] || [ -z "$changed" ] || why=${why:-'scripts in /etc/init.d or their links have changed since'}
        [ -z "$why" ] || printf 'unsure %s %s (systemctl daemon-reload settles it)\n' "$unit" "$why"
    done
}

# The files that a generator reads stand in it as text (/etc/rc.local, /etc/openvpn), and so do the units that it makes, wants or writes drop-ins for.
# Where such a file has changed since the last reload, the next boot may make another thing of these units. A generator is not run to find out what it
# makes: it may do anything on the node.
read_by_generators() {
    [ -n "$generators" ] || return 0
    # shellcheck disable=SC2086
    read_by=$(find -L $generators -type f -exec grep -aoE '/etc/[[:alnum:]._/@-]*[[:alnum:]]' /dev/null {} + | grep -v ':/etc/\(systemd\|init\.d\|system-update\)')
    [ -n "$read_by" ] || return 0
    # Of a file that is not there the folder tells whether it has gone.
    inputs=$(
        for line in $read_by; do
            file=${line#*:/}
            while [ ! -e "$file" ] && [ "$file" != etc ]; do file=${file%/*}; done
            printf '%s %s\n' "$file" "${line#*:/}"
        done | sort -u
    )
    changed=$(printf '%s\n' "$inputs" | while read -r file input; do
        [ "$file" = "$input" ] && depth=3 || depth=0
        [ -z "$(find "$file" -maxdepth "$depth" $inode "$made" 2>/dev/null | sed -n 1p)" ] || printf '%s\n' "$input"
    done)
    [ -n "$changed" ] || return 0
    set -f
    for line in $read_by; do
        generator=${line%%:*} input=${line#*:/}
        case "$newline$changed$newline" in *"$newline$input$newline"*) ;; *) continue ;; esac
        for unit in $boot; do
            # Those of systemd make nothing of a file that is not there: only what was made of it before can go.
            case $generator in
            usr/lib/systemd/system-generators/systemd-*setup-generator | usr/lib/systemd/system-generators/systemd-rc-local-generator | \
                lib/systemd/system-generators/systemd-*setup-generator | lib/systemd/system-generators/systemd-rc-local-generator)
                [ -e "$input" ] || [ -n "$(find run/systemd/generator* -name "${unit%%@*}*" 2>/dev/null | sed -n 1p)" ] || continue
                ;;
            esac
            grep -av '^[[:blank:]]*#' -- "$generator" | grep -aqE -e "$(written_for "$unit")" || continue
            printf 'unsure %s /%s, which /%s reads, has changed since the last systemctl daemon-reload (which settles it)\n' "$unit" "$input" "$generator"
        done
    done | sort -u
    set +f
}

# How a generator writes that it makes something of a unit: by its name, an alias or the template; by drop-ins for units of a like name (a-.service.d),
# or for all of the type (service.d); or by drop-ins for a name that it puts together ($name.service.d). UNIT.wants is only for those that UNIT wants.
written_for() { # UNIT
    type=${1##*.}
    printf '%s\n' "$1" "$(printf '%s\n' "$aliases" | awk -v unit="$1" '$1 == unit { print $2 }')" | awk -v type="$type" '
        function literal(text) { gsub(/[].[*^$\\+?(){}|]/, "\\\\&", text); return text }
        $0 == "" { next }
        /@/ { sub(/@.*/, "@") }
        { print literal($0) (/@$/ ? "" : "([^.[:alnum:]]|$|[.][^wu]|[.]$)") }
        {
            name = $0
            sub(/\.[a-z]*$/, "", name)
            for (at = 1; at < length(name); at++) if (substr(name, at, 1) == "-") print literal(substr(name, 1, at) "." type ".d")
        }
        END {
            print "/" type "[.]d"
            print "[$%)}`][^/[:blank:]]*[.]" type "[.]d"
        }
    ' | tr '\n' '|' | sed 's/|$//'
}

# Units whose file on disk is a link into a folder that a boot empties.
forgotten() {
    for parent in etc/systemd/system usr/local/lib/systemd/system usr/lib/systemd/system lib/systemd/system; do
        [ "$parent" = lib/systemd/system ] && [ -L lib ] && continue
        [ ! -d "$parent" ] ||
            find "$parent/" -maxdepth 2 -type l ! -path '*.wants/*' ! -path '*.requires/*' ! -path '*.upholds/*' -exec ls -ld {} +
    done | awk '
        sub(/.* etc\/|.* usr\/|.* lib\//, "") && split($0, part, " -> ") == 2 && part[2] ~ /^(\/|(\.\.\/)+)(run|var\/run|tmp|dev)\// &&
            part[2] !~ /^\/dev\/null$|\/run\/systemd\/generator/ {
            count = split(part[1], names, "/")
            name = names[count]
            if (name ~ /\.conf$/) { name = names[count - 1]; sub(/\.d$/, "", name) }
            print name
        }
    '
}

# A dry run of a manager that reads the unit files as the next boot finds them: without the folders in /run that a boot empties, but with the
# output of generators, which a boot makes again.
dry_run() { # WRAPPER...
    "$@" env -i SYSTEMD_UNIT_PATH="$path" SYSTEMD_GENERATOR_PATH=/nonexistent SYSTEMD_ENVIRONMENT_GENERATOR_PATH=/nonexistent \
        LC_ALL=C SYSTEMD_LOG_LEVEL=info SYSTEMD_LOG_TARGET=console "$manager" --test --system --unit=default.target </dev/null 2>&1
    echo "status $?"
}

# The dump of a dry run -> `job UNIT` for what a boot starts, `wakes BY UNIT` for what that may start later, `condition UNIT KIND VALUE` for the
# units whose boot is declared, `unsure UNIT WHY` where the boot may do otherwise (`*`: with any unit), `unloaded NAME`
# for declared names that the dry run has not met, `alias NAME OTHER` for the other names of declared units, and `complete`; else `why REASON`.
read_dump() (
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
        }
        # Of several reasons one that does not depend on the order in which awk walks its arrays.
        function doubt(unit, why) { if (!(unit in unsure) || why < unsure[unit]) unsure[unit] = why }
        # It does not start, and what needs it fails.
        function fails(unit, why) {
            doubt(unit, why)
            needers(unit, needed[unit] bound[unit])
        }
        function needers(unit, list,    i, count, names) {
            if (unit in failing) return
            failing[unit]
            count = split(list, names, " ")
            for (i = 1; i <= count; i++) fails(names[i], "a unit that it requires may fail to start")
        }
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
        function template(unit) { return sub(/@[^.]*/, "@", unit) ? unit : "" }
        function follow(from, list,    i, count, names) {
            count = split(list, names, " ")
            for (i = 1; i <= count; i++) {
                if (names[i] in job) continue
                print "wakes", from, names[i]
                if (!(names[i] in woken)) { woken[names[i]]; todo[++end] = names[i] }
            }
        }
        /^\t[^\t]+ Unit / { unit = $3; sub(/:$/, "", unit); known[unit]; next } # an arrow stands before it, in ASCII or in UTF-8
        /^\t\tAfter: / { after[unit] = after[unit] " " $2; next }
        /^\t\tBefore: / { before[unit] = before[unit] " " $2; next }
        /^\t\t(Requires|BindsTo): / { requires[unit] = requires[unit] " " $2 }
        /^\t\t(Wants|Requires|BindsTo|Upholds): / { pulls[unit] = pulls[unit] " " $2; next }
        /^\t\t(RequiredBy|RequisiteOf): / { needed[unit] = needed[unit] " " $2; next }
        /^\t\tBoundBy: / { bound[unit] = bound[unit] " " $2; next }
        /^\t\tRequisite: / { requisites[unit] = requisites[unit] " " $2; next }
        /^\t\tTriggers: / { triggered[unit] = triggered[unit] " " $2 }
        /^\t\t(Triggers|OnSuccess): / { wakes[unit] = wakes[unit] " " $2; next }
        /^\t\tUnit Load State: / { load[unit] = $4; next }
        /^\t\tUnit Active State: / { if ($4 == "active") up[unit]; next }
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
                count = split(unit aliases[unit], names, " ")
                for (i = 1; i <= count; i++) print "job", names[i]
            }
            root = "default.target" in name_of ? name_of["default.target"] : "default.target"
            for (unit in known) if (unit in forgotten || template(unit) in forgotten) gone[unit]
            for (name in forgotten) if (name in name_of) gone[name_of[name]]
            for (unit in gone) doubt(unit, "its file on disk is a link into a folder that a boot empties")
            chance = "an ordering cycle: which of its units a boot leaves out is a matter of chance"
            cyclic()
            for (unit in known) {
                count = split(requires[unit], names, " ")
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
                count = split(requisites[unit], names, " ")
                for (i = 1; i <= count; i++) if (!(names[i] in job)) fails(unit, names[i] " is to be up before it (Requisite=)")
                if (unit in asserts || unit in failed || (unit ~ /\.device$/ && !(unit in up))) needers(unit, needed[unit] bound[unit])
                else if (unit in conditional || unit in fleeting) needers(unit, bound[unit])
            }
            for (unit in up) if (unit !~ /\.(slice|scope)$/) may_start(unit, "a mount or device that is there now hides whether a boot starts it")
            for (unit in unsure) {
                count = split(unit aliases[unit], names, " ")
                for (i = 1; i <= count; i++) print "unsure", names[i], unsure[unit]
            }
            for (unit in job) {
                follow(unit, wakes[unit])
                count = split(unit aliases[unit], names, " ")
                conditions_of = split(conditions[unit], lines, "\n")
                for (i = 1; i <= count; i++) if (names[i] in declared) for (at = 1; at < conditions_of; at++) print "condition", names[i], lines[at]
            }
            for (at = 1; at <= end; at++) follow(todo[at], wakes[todo[at]] pulls[todo[at]])
            # What is started on failure alone, such as emergency.target, is not followed.
            for (unit in job) {
                count = split(rescues[unit], names, " ")
                for (i = 1; i <= count; i++) if (!(names[i] in job)) print "wakes", unit, names[i]
            }
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

# A file that a plain user may not read: systemd does not say of each that it left one out.
unreadable() {
    printf '%s\n' "$path" | tr ':' '\n' | while read -r folder; do
        for file in "$folder" "$folder"/* "$folder"/*.d/*.conf; do
            [ ! -e "$file" ] || [ -r "$file" ] || printf '%s\n' "$file"
        done
    done
}

next_boot() {
    manager=''
    for file in /usr/lib/systemd/systemd /lib/systemd/systemd /run/current-system/systemd/lib/systemd/systemd; do
        [ -x "$file" ] && manager=$file && break
    done
    path=$(systemctl show -p UnitPath --value --no-pager | tr ' ' '\n' | grep -v -e '^/run/systemd/system' -e '^/run/systemd/transient' | tr '\n' ':')
    path=${path%:}
    if [ -z "$manager" ] || [ -z "$path" ]; then echo 'why systemd itself was not found'; return; fi
    sudo='' secret=''
    if [ "$(id -u)" != 0 ]; then
        secret=$(unreadable)
        [ -n "$secret" ] || { dry_run | read_dump; return; }
        secret="why it takes root to read ${secret%%"$newline"*}"
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
    # shellcheck disable=SC2016,SC2086
    found=$(dry_run $sudo "$tools/unshare" -m -C sh -c 'mount -t tmpfs power-edge /tmp && exec "$@"' sh $nobody | read_dump)
    # shellcheck disable=SC2086
    case $found in *complete*) ;; *) found=$(dry_run $sudo $nobody | read_dump) ;; esac
    case $found in *complete*) secret='' ;; esac
    printf '%s\n' "${secret:-$found}"
}

# Whether a condition on a path that holds now holds at the next boot as well. What is mounted, only the boot knows.
lasts() { # KIND VALUE PATH
    case $1 in *MountPoint) return 1 ;; esac
    case $2 in '!'* | '|!'*) sign=-; ;; *) sign=+ ;; esac
    case $1 in
    *Glob)
        if [ $sign = - ]; then kept - "${3%%[*?[{]*}"; return; fi
        set -- "$3"
        IFS=''
        # shellcheck disable=SC2086
        set -- $1
        unset IFS
        for file; do ! kept + "$file" || return 0; done
        return 1
        ;;
    *SymbolicLink) kept $sign "${3%/*}/" ;;
    *) kept $sign "$3" ;;
    esac
}

# Whether a boot finds a path as it is now: no step on the way to it, through all symbolic links, lies where a boot begins with nothing (+; what is
# missing there is missing then as well), nor on what was mounted by hand.
kept() { # +|- PATH
    rest=${2#/} at='' links_left=40
    while [ -n "$rest" ]; do
        step=${rest%%/*}
        case $rest in */*) rest=${rest#*/} ;; *) rest='' ;; esac
        case $step in
        '' | .) continue ;;
        ..) at=${at%/*}; continue ;;
        esac
        if [ -L "$at/$step" ]; then
            links_left=$((links_left - 1))
            [ $links_left -gt 0 ] || return 1
            ! passing "$at/$step" || [ "$1" = - ] || return 1
            target=$(readlink "$at/$step") || return 1
            rest=$target${rest:+/$rest}
            case $target in /*) at='' ;; esac
        else
            at=$at/$step
        fi
    done
    ! passing "$at" || [ "$1" = - ] || return 1
    # The mount that it lies on, the last one of several in one place.
    under='' type='' IFS=$newline
    set -f
    for mount in $mounts; do
        place=${mount% *}
        case $place in *'\040'*) place=$(printf '%b' "$place") ;; esac
        case $at/ in "${place%/}"/*) [ ${#place} -lt ${#under} ] || under=$place type=${mount##* } ;; esac
    done
    set +f
    unset IFS
    case $under in
    / | /usr | /proc* | /sys* | /dev* | /run*) ;;
    *) [ -n "$(systemctl show -p FragmentPath --value -- "$(systemd-escape -p --suffix=mount -- "$under")")" ] || return 1 ;;
    esac
    case $under$type in
    /proc* | /sys* | /dev* | /run*) ;;
    *tmpfs | *ramfs) [ "$1" = - ] || return 1 ;;
    esac
}

# Whether a path lies where a boot begins with nothing, or with what the kernel and its modules bring. What each boot brings is left out.
passing() {
    case $1 in
    /dev/console | /dev/null | /dev/zero | /dev/full | /dev/random | /dev/urandom | /dev/tty | /dev/tty[0-9] | /dev/tty[0-9][0-9]) ;;
    /proc/sys | /proc/sys/fs | /proc/sys/fs/binfmt_misc | /proc/sys/fs/mqueue | /proc/sys/kernel | /proc/sys/net | /proc/sys/vm) ;;
    /sys/kernel | /sys/kernel/config | /sys/kernel/debug | /sys/kernel/tracing | /sys/kernel/mm/hugepages | /sys/fs | /sys/fs/cgroup) ;;
    /sys/fs/fuse/connections | /sys/fs/pstore | /sys/class/power_supply | /sys/firmware/*) ;;
    /dev/* | /proc/* | /sys/* | /run/* | /tmp/* | /var/run/* | /var/tmp/*) return 0 ;;
    esac
    return 1
}

# `condition` lines -> `unmet UNIT CONDITION` for each that keeps the next boot from starting the unit, or may: it does not hold now, or what
# holds now is of this boot. Only one of those that begin with `|` has to hold (systemd.unit(5)).
unmet() {
    checked='' mounts=''
    while read -r _ _ _ _ place rest; do # the type stands behind a dash
        rest=${rest##* - }
        mounts="$mounts$place ${rest%% *}$newline"
    done <proc/self/mountinfo
    while read -r word unit kind value; do
        if [ "$word" != condition ]; then
            printf '%s\n' "$word${unit:+ $unit}${kind:+ $kind}${value:+ $value}"
            continue
        fi
        file=${value#'|'}
        file=${file#!}
        holds=no
        case $kind in
        *PathExists) [ ! -e "$file" ] || holds=yes ;;
        *PathIsDirectory) [ ! -d "$file" ] || holds=yes ;;
        *PathIsSymbolicLink) [ ! -L "$file" ] || holds=yes ;;
        *FileNotEmpty) [ ! -f "$file" ] || [ ! -s "$file" ] || holds=yes ;;
        *FileIsExecutable) [ ! -f "$file" ] || [ ! -x "$file" ] || holds=yes ;;
        *) holds=unsure ;;
        esac
        case $value in
        '!'* | '|!'*) case $holds in yes) holds=no ;; no) holds=yes ;; esac ;;
        esac
        # The others, of the kind of machine it is, are for systemd to check. What is up may have got them since its start.
        if [ $holds = unsure ]; then
            if [ "$unit" != "$checked" ]; then
                checked=$unit met=unsure
                # shellcheck disable=SC2086
                ! ${PE_SUDO-} systemd-analyze condition --unit="$unit" </dev/null >/dev/null 2>&1 || met=yes
            fi
            holds=$met
        fi
        if [ "$holds" = yes ]; then
            case $kind in *Path* | *Directory* | *File*) lasts "$kind" "$value" "$file" || holds=no ;; esac
        fi
        case $value in '|'*) sort=any ;; *) sort=each ;; esac
        printf '%s %s %s %s=%s\n' "$sort" "$holds" "$unit" "$kind" "$value"
    done | awk '
        $1 == "each" && $2 != "yes" { sub(/^[a-z]+ [a-z]+ /, ""); print "unmet", $0; next }
        $1 == "any" && $2 == "yes" { met[$3]; next }
        $1 == "any" { sub(/^[a-z]+ [a-z]+ /, ""); if (!($1 in any)) any[$1] = $0; next }
        $1 == "each" { next }
        { print }
        END { for (unit in any) if (!(unit in met)) print "unmet", any[unit] }
    '
}

# What pulls units in: entries of X.wants and the like, with `-` where systemd reads the entry as a mask (empty, or a link to /dev/null), and `?`
# where it is no link. Globs that match nothing are printed as they are, and read as nothing. On merged systems lib is a link to usr/lib.
links='' jobs=''
if [ -n "$boot" ]; then
    links=$(
        for parent in etc/systemd/system* run/systemd/system* run/systemd/transient run/systemd/generator* \
            usr/local/lib/systemd/system usr/lib/systemd/system lib/systemd/system; do
            [ "$parent" = lib/systemd/system ] && [ -L lib ] && continue
            for file in "$parent"/*.wants/* "$parent"/*.requires/* "$parent"/*.upholds/*; do
                if [ -e "$file" ] && [ ! -s "$file" ]; then
                    printf -- '- %s\n' "$file"
                elif [ -e "$file" ] && [ ! -L "$file" ]; then
                    printf '? %s\n' "$file"
                else
                    printf '%s\n' "$file"
                fi
            done
        done
    )
    jobs=$(unforeseeable)
    [ -n "$jobs" ] && jobs="$jobs$newline"
    forgotten=$(forgotten)
    failed=$(systemctl list-units --state=failed --full --plain --no-legend --no-pager) || exit # an error is no empty list
    failed=$(printf '%s\n' "$failed" | sed 's/ .*//')
    jobs="$jobs$(next_boot | unmet)"
    aliases=$(printf '%s\n' "$jobs" | sed -n 's/^alias //p')
    jobs="$jobs$newline$(stale)"
fi

# Units none of whose processes run, or whose main process does not: `UNIT frozen` (`systemctl freeze`, or by hand; systemd's own word for it is new, and
# knows its own call alone), `UNIT stopped` (SIGSTOP). Groups below the unit's own count (Delegate=).
halted=$(
    frozen=$(
        for tree in sys/fs/cgroup sys/fs/cgroup/unified; do
            [ ! -e $tree/cgroup.procs ] || find $tree -name cgroup.events -exec grep -ls '^frozen 1' {} + | sed "s|^$tree||; s|/cgroup\.events\$||"
        done 2>/dev/null
    )
    stopped=$(printf '%s\n' proc/[0-9]*/status | xargs grep -ls '^State:[[:blank:]]*T' /dev/null)
    [ -n "$frozen$stopped" ] || exit 0
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
                main=$(systemctl show -p MainPID --value --no-pager -- "$name")
                case $pids in *"$newline$main $how$newline"*) printf '%s %s\n' "$name" "$how" ;; esac
                ;;
            *) printf '%s %s\n' "$word" "$name" ;;
            esac
        done
    }
)

# Plainly up: by the listing alone for what it does now. Where the boot is declared, a boot starts it, and a link below /etc says that it is to.
up=$(
    printf '%s\n= jobs\n%s\n= links\n%s\n= halted\n%s\n' "$units" "$jobs" "$links" "$halted" | awk '
        BEGIN {
            for (i = 1; i < ARGC; i++) if (ARGV[i] ~ /^~[^!]/) now[substr(ARGV[i], 2)]; else if (ARGV[i] !~ /!/) boot[ARGV[i]]
            ARGC = 1
        }
        $1 == "=" { part = $2; next }
        part == "" && $2 == "loaded" && $3 == "active" && $4 ~ /^(running|listening|waiting|active)$/ { if (($1 in now) || ($1 in boot)) up[$1] = $4 }
        part == "jobs" && $1 == "job" { job[$2] }
        part == "jobs" && $1 ~ /^(trap|why|early)$/ { split("", boot) }
        part == "jobs" && $1 ~ /^(unmet|unsure)$/ { if ($2 == "*") split("", boot); else delete boot[$2] }
        part == "links" && /^etc\/systemd\/system\// { file = $0; sub(/.*\//, "", file); linked[file] }
        part == "halted" { delete up[$1] }
        END { for (name in up) if ((name in now) || ((name in boot) && (name in job) && (name in linked))) print name, up[name] }
    ' "$@" | sort
) || exit

# A service that started within the last hour may be one that ends again and again. Each start makes a new link in run/systemd/units, and each end
# removes it. Services without a link that is an hour old are asked for. Those get the full answer that systemd has restarted by itself three times,
# or in the last two minutes, or that a socket, timer or path may have started again in these.
invocations() { # MINUTES
    find run/systemd/units -name 'invocation:*' -mmin "+$1" 2>/dev/null | sed 's/.*invocation://'
}
young=$(
    printf '%s\n= up\n%s\n' "$(invocations 60)" "$up" | awk '
        $1 == "=" { part = "up"; next }
        part == "" { old[$0]; next }
        $1 ~ /\.service$/ && !($1 in old) { print $1 }
    '
)
if [ -n "$young" ]; then
    set -f
    # shellcheck disable=SC2086
    restarts=$(systemctl show --no-pager -p Id,NRestarts,TriggeredBy -- $young) || restarts=''
    set +f
    up=$(
        printf '%s\n= settled\n%s\n= restarts\n%s\n\n= up\n%s\n' "$young" "$(invocations 1)" "$restarts" "$up" | awk '
            $1 == "=" { part = $2; next }
            part == "" { young[$0]; next }
            part == "settled" { settled[$0]; next }
            part == "restarts" && /^Id=/ { id = substr($0, 4) }
            part == "restarts" && /^NRestarts=[0-9]+$/ { count = substr($0, 11) }
            part == "restarts" && /^TriggeredBy=./ { triggered = 1 }
            part == "restarts" && $0 == "" {
                if (count != "" && (id in settled ? count < 3 : count == 0 && !triggered)) delete young[id]
                id = count = triggered = ""
            }
            part == "up" && NF && !($1 in young)
        '
    )
fi
echo '== up'
[ -z "$up" ] || printf '%s\n' "$up"
[ -z "$boot" ] || printf '== boot\n%s\n' "$jobs"

for unit; do
    shift
    unit=${unit#'~'}
    unit=${unit#!}
    case "$newline$up" in
    *"$newline$unit "*) ;;
    *) set -- "$@" "$unit" ;;
    esac
done
[ $# -gt 0 ] || { echo '== end'; exit 0; }
# The time by the wall clock and since the boot, both in seconds.
printf '== clock\n%s %s\n' "$(date +%s)" "$(cat proc/uptime)"
echo '== asked'
printf '%s\n' "$@"
echo '== halted'
printf '%s\n' "$halted"

show() {
    # One invalid name ends the answer for all that follow it: then each is asked on its own.
    properties=Id,Names,LoadState,ActiveState,SubState,Type,RemainAfterExit,Job,ControlGroup,TriggeredBy,WantedBy,RequiredBy,UpheldBy,BoundBy
    properties=$properties,NRestarts,RuntimeMaxUSec,ActiveEnterTimestamp,ActiveEnterTimestampMonotonic,ActiveExitTimestampMonotonic
    properties=$properties,InactiveEnterTimestampMonotonic,InactiveExitTimestampMonotonic,StateChangeTimestampMonotonic,ExecStopPost,ExecCondition,Result,StopWhenUnneeded
    properties=$properties,FragmentPath,SourcePath,NeedDaemonReload
    properties=$properties,RefuseManualStart,RefuseManualStop,ConsistsOf,PropagatesStopTo,Conflicts,ConflictedBy
    TZ=UTC systemctl show --no-pager -p "$properties" -- "$@" 2>/dev/null && return
    for unit; do
        echo
        TZ=UTC systemctl show --no-pager -p "$properties" -- "$unit"
    done
}

of() {
    # Units named by properties of the answer, C-quoted where they hold a backslash.
    printf '%s\n' "$shown" | awk -v wanted=" $* " -F= '
        index(wanted, " " $1 " ") {
            gsub(/"/, "", $2)
            gsub(/\\\\/, "\\", $2)
            count = split($2, units, " ")
            for (i = 1; i <= count; i++) if (!seen[units[i]]++) print units[i]
        }'
}

echo '== show'
shown=$(show "$@")
[ -n "$shown$up" ] || { echo 'systemctl tells nothing about these units; does systemd run here (a chroot?)' >&2; exit 1; }
printf '%s\n' "$shown"

# Triggers that name another unit than their own, where the job list does not tell: the manager knows those that it has loaded.
activating=$(
    case $jobs in *complete*) exit ;; esac
    for parent in etc/systemd/system run/systemd/system usr/local/lib/systemd/system usr/lib/systemd/system lib/systemd/system; do
        [ "$parent" = lib/systemd/system ] && [ -L lib ] && continue
        grep -Es '^[[:blank:]]*(Unit|Service)[[:blank:]]*=' /dev/null "$parent"/*.socket "$parent"/*.timer "$parent"/*.path \
            "$parent"/*.socket.d/*.conf "$parent"/*.timer.d/*.conf "$parent"/*.path.d/*.conf
    done
)

# What the jobs are for that the manager has for them.
case $shown in
*Job=[1-9]*)
    echo
    echo '== jobs'
    systemctl list-jobs --full --plain --no-legend --no-pager | awk '{ print $2, $3 }'
    echo '== show'
    ;;
esac

# What follows takes names that systemd itself gave; they hold neither blanks nor anything a shell would expand.
set -f
triggers=$(of TriggeredBy)
if [ -n "$triggers" ]; then
    echo
    # shellcheck disable=SC2086
    show $triggers
fi

# `show` remembers the file state of the last reload; the listing reads the disk, as a boot does. It leaves out instances, and for a SysV
# script it says "generated" where is-enabled asks the script's links. (A batch of is-enabled stops at the first missing unit.)
# shellcheck disable=SC2086,SC2046
pullers=$(printf '%s\n' "$links" | awk -F/ '
    BEGIN { for (i = 1; i < ARGC; i++) pulled[ARGV[i]] = 1; ARGC = 1 }
    ($NF in pulled) { puller = $(NF - 1); sub(/\.(wants|requires|upholds)$/, "", puller); if (!seen[puller]++) print puller }
' $(of Id Names TriggeredBy))
# shellcheck disable=SC2086,SC2046
files=$(
    systemctl list-unit-files --full --plain --no-legend --no-pager -- "$@" $(of Id TriggeredBy WantedBy RequiredBy UpheldBy BoundBy) $pullers |
        awk '{ print $1, $2 }'
)
missing=$(printf '%s\n' "$shown" | awk -F= '$1 == "Id" { id = $2 } $1 == "LoadState" && $2 == "not-found" { print id }')
echo '== files'
printf '%s\n' "$files"
# shellcheck disable=SC2086,SC2046
for unit in $(of Id) $triggers; do
    case "
$missing
$files
" in
    *"
$unit generated
"*) ;;
    *"
$unit
"* | *"
$unit "*) continue ;;
    esac
    printf '%s %s\n' "$unit" "$(systemctl is-enabled -- "$unit" 2>/dev/null)"
done

# What a stop or a start of these would stop as well, if it is active.
near=$(of RequiredBy BoundBy UpheldBy ConsistsOf PropagatesStopTo Conflicts ConflictedBy)
echo '== active'
[ -z "$near" ] || systemctl list-units --full --plain --no-legend --no-pager --state=active,reloading,activating |
    NEAR=$near awk 'BEGIN { count = split(ENVIRON["NEAR"], list, "\n"); for (i = 1; i <= count; i++) near[list[i]] } ($1 in near) { print $1 }'

# What keeps `systemctl start` from working, for the first ten units that are down and are to run: `UNIT unmet CONDITION`, and `UNIT lacks UNIT STATE` for
# what it requires and cannot be loaded.
echo '== vain'
down=$(printf '%s\n' "$shown" | WANTED=$wanted awk '
    BEGIN { RS = ""; FS = "\n"; count = split(ENVIRON["WANTED"], names, "\n"); for (i = 1; i <= count; i++) wanted[names[i]] }
    /LoadState=loaded/ && /ActiveState=(inactive|failed)/ {
        id = ""
        hit = 0
        for (i = 1; i <= NF; i++) {
            if ($i ~ /^Id=/) id = substr($i, 4)
            if (!sub(/^(Id|Names)=/, "", $i)) continue
            count = split($i, names, " ")
            for (j = 1; j <= count; j++) if (names[j] in wanted) hit = 1
        }
        if (hit && ++found <= 10) print id
    }
')
for unit in $down; do
    unmet=$(systemd-analyze condition --unit="$unit" </dev/null 2>&1 | sed -n 's/^.*: \([A-Z][^ ]*=.*\) failed\.$/\1/p' | sed -n 1p)
    [ -z "$unmet" ] || printf '%s unmet %s\n' "$unit" "$unmet"
    needs=$(systemctl show --no-pager --value -p Requires -p BindsTo -- "$unit")
    # shellcheck disable=SC2086
    [ -z "$needs" ] || systemctl show --no-pager -p Id,LoadState -- $needs | UNIT=$unit awk -F= '
        $1 == "Id" { id = $2 }
        $1 == "LoadState" && $2 != "loaded" { print ENVIRON["UNIT"], "lacks", id, $2 }
    '
done


# The units that this very connection hangs on: those of the processes above this one.
echo '== way'
pid=$$
while [ "${pid:-1}" -gt 1 ]; do
    while IFS=: read -r _ _ group; do
        case $group in *.service | *.scope) printf '%s\n' "${group##*/}" ;; esac
    done 2>/dev/null <"proc/$pid/cgroup"
    parent=''
    while read -r word value; do [ "$word" != PPid: ] || parent=$value; done 2>/dev/null <"proc/$pid/status"
    pid=$parent
done

# What `enable` would do: the [Install] sections of unit files, behind a mask as well.
if [ -n "$boot" ]; then
    echo '== install'
    for parent in etc/systemd/system run/systemd/system usr/local/lib/systemd/system usr/lib/systemd/system lib/systemd/system; do
        [ "$parent" = lib/systemd/system ] && [ -L lib ] && continue
        for unit in $(of Id); do
            [ "$parent" != etc/systemd/system ] || [ ! -L "$parent/$unit" ] || [ ! -s "$parent/$unit" ] || printf '%s linked\n' "$unit"
            case $unit in *@*) set -- "$parent/$unit" "$parent/${unit%%@*}@.${unit##*.}" ;; *) set -- "$parent/$unit" ;; esac
            for file; do
                [ ! -s "$file" ] || grep -E '^[[:blank:]]*(WantedBy|RequiredBy|UpheldBy|Also)[[:blank:]]*=' "$file" | while read -r line; do
                    printf '%s %s\n' "$unit" "$line"
                done
            done
        done
    done
fi

# What a D-Bus call starts: `NAME UNIT`. The unit is often named by an alias, whose link may not be loaded.
if [ -n "$boot" ]; then
    echo '== bus'
    set +f
    # The folders of dbus-daemon(1), and those that its configuration adds.
    folders=$(sed -n 's/.*<servicedir>[[:blank:]]*\/\([^<]*[^<[:blank:]]\)[[:blank:]]*<\/servicedir>.*/\1/p' \
        etc/dbus-1/system.conf etc/dbus-1/system-local.conf etc/dbus-1/system.d/*.conf usr/share/dbus-1/system.conf usr/share/dbus-1/system.d/*.conf 2>/dev/null)
    called=$(
        IFS=$newline
        for folder in etc/dbus-1/system-services run/dbus-1/system-services usr/local/share/dbus-1/system-services usr/share/dbus-1/system-services \
            usr/lib/dbus-1/system-services lib/dbus-1/system-services $folders; do
            grep -EHs '^[[:blank:]]*SystemdService[[:blank:]]*=' "$folder"/*.service
        done | sed 's/^.*\/\([^/]*\)\.service:[^=]*=[[:blank:]]*\([^[:blank:]]*\)[[:blank:]]*$/\1 \2/' | sort -u
    )
    set -f
    printf '%s\n' "$called" | while read -r bus unit; do
        case $unit in *@*) template=${unit%%@*}@.${unit##*.} ;; *) template=$unit ;; esac
        for parent in etc/systemd/system run/systemd/system run/systemd/generator usr/local/lib/systemd/system usr/lib/systemd/system lib/systemd/system \
            run/systemd/generator.late; do
            [ -e "$parent/$unit" ] || [ -L "$parent/$unit" ] || [ -e "$parent/$template" ] || continue
            [ ! -L "$parent/$unit" ] || unit=$(readlink -f "$parent/$unit")
            printf '%s %s\n' "$bus" "${unit##*/}"
            break
        done
    done
fi

# A unit that has stopped may have left processes behind (KillMode=process), and its control group with them. A process 0 is one of another
# machine: containers that share the host's tree have groups of the same name.
echo '== left'
for group in $(printf '%s\n' "$shown" | awk '
    BEGIN { RS = ""; FS = "\n" }
    /ActiveState=(inactive|failed)/ { for (i = 1; i <= NF; i++) if (sub(/^ControlGroup=\//, "", $i)) print $i }
'); do
    set +f
    for tree in sys/fs/cgroup sys/fs/cgroup/unified sys/fs/cgroup/systemd; do
        [ -d "$tree/$group" ] || continue
        # A unit with Delegate= has groups of its own below.
        grep -qs '^[1-9]' "$tree/$group"/cgroup.procs "$tree/$group"/*/cgroup.procs "$tree/$group"/*/*/cgroup.procs \
            "$tree/$group"/*/*/*/cgroup.procs && printf '%s\n' "$group"
    done
    set -f
done
set +f

printf '== links\n%s\n== activating\n%s\n== default\n%s\n' "$links" "$activating" "$default"

case $shown in
*LoadState=not-found* | *LoadState=masked*) ;;
*) echo '== end'; exit 0 ;;
esac
# What else the name may mean: units of a like name, and those that claim it by Alias=.
echo '== names'
for parent in etc/systemd/system run/systemd/system run/systemd/generator.late \
    usr/local/lib/systemd/system usr/lib/systemd/system lib/systemd/system; do
    [ "$parent" = lib/systemd/system ] && [ -L lib ] && continue
    set -- "$parent"/*.service "$parent"/*.socket "$parent"/*.timer "$parent"/*.target
    printf '%s\n' "$@"
    for file; do
        [ ! -f "$file" ] || [ -r "$file" ] || printf '? %s\n' "$file"
    done
    grep -s '^[[:blank:]]*Alias[[:blank:]]*=' /dev/null "$@"
done
echo '== end'
