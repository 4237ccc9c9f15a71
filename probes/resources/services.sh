# systemd units: what they do now, and what the next boot starts. Needs no root.
#
# Arguments: unit names. `~` before a name: only what it does now is declared, not its boot. Then, `=`: it is to be down, and no boot is to start it; or
# `!`: give the full answer.
#
# `show` costs PID 1 0.7 to 2.5 ms a unit, since it reads all properties whatever is asked, and the file state another 1.6. So a unit that is plainly up
# is read from a listing, and where its boot is declared, from the job list of the next boot and a link on disk. Of the others those are shown, and no
# more is asked, that are plainly as declared then. Every other unit gets the full answer.

for tool in awk find grep sort xargs; do
    command -v "$tool" >/dev/null || { echo "there is no $tool" >&2; exit 1; }
done

# Prints texts of any length, a line for each: printf is a program in mksh, and takes 128 KiB.
case ${KSH_VERSION-} in
*MIRBSD* | *LEGACY*) say() { for text; do print -r -- "$text"; done; } ;;
*) say() { printf '%s\n' "$@"; } ;;
esac

# Names hold no blanks. Lists of them are split at newlines, and with `set -f` nothing in them is expanded.
newline='
'
boot='' wanted='' declared='' # NAME now|boot up|down|full
for name; do
    about=boot to_be=up
    case $name in '~'*) name=${name#'~'} about=now ;; esac
    case $name in
    !*) name=${name#!} to_be=full ;;
    =*) name=${name#=} to_be=down ;;
    *) wanted="$wanted$name$newline" ;;
    esac
    [ $about = now ] || boot="$boot$name$newline"
    declared="$declared$name $about $to_be$newline"
done

# A search for a manager that is not there must not end as an empty answer: in a chroot systemctl prints nothing and exits 0.
units=$(systemctl list-units --all --full --plain --no-legend --no-pager) || exit
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
    id=''
    [ ! -s etc/machine-id ] || read -r id <etc/machine-id || :
    if [ -z "$id" ] || [ "$id" = uninitialized ]; then
        echo 'trap the next boot counts as the first one and applies presets (/etc/machine-id is missing, empty or "uninitialized")'
    fi
    [ ! -L run/systemd/generator.early/default.target ] ||
        echo "trap the kernel's command line sent this boot to ${default:-another target}, and the next one may go elsewhere"
    # Units that the kernel's command line adds or masks (systemd.wants=, systemd.mask=).
    for file in run/systemd/generator.early/* run/systemd/generator.early/*.wants/*; do
        case $file in */default.target | *.wants | *'/*') ;; *) printf 'early %s\n' "${file##*/}" ;; esac
    done
}

# What a generator made at the last reload, and a boot may make otherwise. `look_at_generators` finds out what has changed since, and needs no job list;
# `stale` prints `unsure UNIT WHY`, with `*` for any unit.
look_at_generators() {
    doubts='' generators='' read_by='' changed='' scripts=''
    for made in run/systemd/generator run/systemd/generator.late run/systemd/generator.early run/systemd; do [ ! -d "$made" ] || break; done
    # `chmod` changes the time of the inode alone. busybox's find cannot compare it. Only the checks that a `chmod` could fool compare it: on a machine
    # without a clock of its own every file looks newer than what was made early in the boot.
    if find "$made" -maxdepth 0 -cnewer "$made" >/dev/null 2>&1; then
        inode=-cnewer
    elif find "$made" -maxdepth 0 -newer "$made" >/dev/null 2>&1; then
        inode=-newer
    else
        # A find that is missing, or knows no -newer, would print nothing below, as if nothing had changed.
        doubts='unsure * find could not tell whether the generators of systemd have changed'
        return
    fi
    for folder in run etc usr/local/lib usr/lib lib; do
        [ -d "$folder/systemd/system-generators" ] || continue
        [ "$folder" = lib ] && [ -L lib ] && continue
        generators="$generators $folder/systemd/system-generators"
        doubts=$(find "$folder/systemd/system-generators" \( -newer "$made" -o ! -perm -100 $inode "$made" \))
        [ -z "$doubts" ] || { doubts='unsure * generators of systemd have changed since the last systemctl daemon-reload'; break; }
        [ "$folder" != run ] || [ -z "$(ls "$folder/systemd/system-generators")" ] ||
            { doubts='unsure * a boot forgets the generators in /run/systemd/system-generators'; break; }
    done
    look_at_inputs
    look_at_scripts
}

# The files that a generator reads stand in it as text (/etc/rc.local, /etc/openvpn): which generators read which ($read_by), and which have changed
# ($changed). A generator is not run to find out what it makes: it may do anything on the node.
look_at_inputs() {
    [ -n "$generators" ] || return 0
    # shellcheck disable=SC2086
    read_by=$(
        find -L $generators -type f -exec grep -aoE '/etc/[[:alnum:]._/@-]*[[:alnum:]]' /dev/null {} + |
            grep -v ':/etc/\(systemd\|init\.d\|system-update\)' | sort -u
    )
    [ -n "$read_by" ] || return 0
    # Of a file that is not there the folder tells whether it has gone.
    inputs='' there='' gone=''
    for line in $read_by; do
        input=${line#*:/}
        case "$inputs" in *" $input$newline"*) continue ;; esac
        file=$input
        while [ ! -e "$file" ] && [ "$file" != etc ]; do file=${file%/*}; done
        inputs="$inputs$file $input$newline"
        if [ "$file" = "$input" ]; then there="$there $file"; else gone="$gone $file"; fi
    done
    # shellcheck disable=SC2086
    changed=$(
        {
            say "$inputs" '= changed'
            [ -z "$there" ] || find $there -maxdepth 3 $inode "$made"
            [ -z "$gone" ] || find $gone -maxdepth 0 $inode "$made" | sed 's/^/- /'
        } 2>/dev/null | awk '
            $1 == "=" { told = 1; next }
            !told && $1 == $2 { if (NF) there[$1]; next }
            !told { gone[$1] = gone[$1] $2 "\n"; next }
            sub(/^- /, "") { printf "%s", gone[$0]; next }
            { for (up = 0; up <= 3; up++) { if ($0 in there) print; if (!sub(/\/[^\/]*$/, "")) break } }
        '
    )
}

# Scripts in /etc/init.d of which a boot makes another service than the last reload did: `unsure UNIT WHY` in $scripts.
look_at_scripts() {
    [ -d etc/init.d ] || return 0
    late=run/systemd/generator.late
    newer=''
    for file in etc/init.d etc/rc[0-9S].d; do [ ! -d "$file" ] || newer="$newer $file"; done
    # shellcheck disable=SC2086
    newer=$(find $newer -newer "$made")
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
        [ $native = yes ] || [ -z "$newer" ] || why=${why:-'scripts in /etc/init.d or their links have changed since'}
        [ -z "$why" ] || scripts="${scripts}unsure $unit $why (systemctl daemon-reload settles it)$newline"
    done
}

stale() {
    [ -z "$doubts" ] || printf '%s\n' "$doubts"
    [ -z "$changed" ] || read_by_generators
    printf '%s' "$scripts"
}

# A generator holds as text the units that it makes, wants or writes drop-ins for. Where a file that it reads has changed since the last reload, the
# next boot may make another thing of these units.
read_by_generators() {
    set -f
    patterns=$(written_for)
    # Those of systemd make nothing of a file that is not there: only what was made of it before can go.
    made_of=$(find run/systemd/generator run/systemd/generator.early run/systemd/generator.late 2>/dev/null)
    made_before=''
    for unit in $boot; do case $made_of in *"/${unit%%@*}"*) made_before="$made_before$unit$newline" ;; esac; done
    for line in $read_by; do
        generator=${line%%:*} input=${line#*:/} may_be=$boot
        case "$newline$changed$newline" in *"$newline$input$newline"*) ;; *) continue ;; esac
        case $generator in
        usr/lib/systemd/system-generators/systemd-*setup-generator | usr/lib/systemd/system-generators/systemd-rc-local-generator | \
            lib/systemd/system-generators/systemd-*setup-generator | lib/systemd/system-generators/systemd-rc-local-generator)
            [ -e "$input" ] || may_be=$made_before
            ;;
        esac
        [ -n "$may_be" ] || continue
        {
            say "$may_be" '= patterns' "$patterns" '= lines'
            say "$patterns" | sed 's/^[^ ]* //' | grep -aE -f - -- "$generator" | grep -av '^[[:blank:]]*#' | tr '\000' '\n'
        } | READ="/$input, which /$generator reads," awk '
            $1 == "=" && part != "lines" { part = $2; next }
            part == "" { may_be[$1]; next }
            part == "patterns" { unit = $1; sub(/^[^ ]* /, ""); if (unit in may_be) pattern[unit] = $0; next }
            {
                for (unit in pattern) if ($0 ~ pattern[unit]) {
                    print "unsure", unit, ENVIRON["READ"], "has changed since the last systemctl daemon-reload (which settles it)"
                    delete pattern[unit]
                }
            }
        '
    done | sort -u
    set +f
}

# How a generator writes that it makes something of a unit, `UNIT PATTERN` for each unit whose boot is declared: by its name, an alias or the template;
# by drop-ins for units of a like name (a-.service.d), or for all of the type (service.d); or by drop-ins for a name that it puts together
# ($name.service.d). UNIT.wants is only for those that UNIT wants.
written_for() {
    say "$aliases" '= units' "$boot" | awk '
        function literal(text) { gsub(/[].[*^$\\+?(){}|]/, "\\\\&", text); return text }
        function add(pattern) { patterns = patterns (patterns == "" ? "" : "|") pattern }
        function named(name,    at) {
            sub(/@.*/, "@", name)
            add(literal(name) (name ~ /@$/ ? "" : "([^.A-Za-z0-9]|$|[.][^wu]|[.]$)"))
            sub(/\.[a-z]*$/, "", name)
            for (at = 1; at < length(name); at++) if (substr(name, at, 1) == "-") add(literal(substr(name, 1, at) "." type ".d"))
        }
        $0 == "" { next }
        $1 == "=" { told = 1; next }
        !told { aliases[$1] = aliases[$1] " " $2; next }
        {
            patterns = ""
            type = $0
            sub(/.*\./, "", type)
            count = split($0 aliases[$0], names, " ")
            for (i = 1; i <= count; i++) named(names[i])
            add("/" type "[.]d")
            add("[$%)}`][^/ \t]*[.]" type "[.]d")
            print $0, patterns
        }
    '
}

# Units whose file on disk is a link into a folder that a boot empties.
forgotten() {
    places=''
    for parent in etc/systemd/system usr/local/lib/systemd/system usr/lib/systemd/system lib/systemd/system; do
        [ "$parent" = lib/systemd/system ] && [ -L lib ] && continue
        [ ! -d "$parent" ] || places="$places $parent/"
    done
    # shellcheck disable=SC2086
    [ -z "$places" ] ||
        find $places -maxdepth 2 -type l ! -path '*.wants/*' ! -path '*.requires/*' ! -path '*.upholds/*' -exec ls -ld {} + | awk '
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

# The dump of a dry run -> `job UNIT` for what a boot starts, `called ALIAS` for its other names, `wakes BY UNIT` for what that may start later, `condition UNIT KIND VALUE` for the
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
        /^\t\tBindsTo: / { binds[unit] = binds[unit] " " $2 }
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
                print "job", unit
                count = split(aliases[unit], names, " ")
                for (i = 1; i <= count; i++) print "called", names[i]
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
                # It has a job all the same, and fails when the job runs; by a plain Requires= it starts.
                count = split(binds[unit], names, " ")
                for (i = 1; i <= count; i++)
                    if (names[i] in load && load[names[i]] != "loaded") fails(unit, "it is bound (BindsTo=) to " names[i] ", which cannot be loaded")
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
                # What is started on failure: this dry run cannot tell what fails.
                follow(unit, wakes[unit] rescues[unit])
                count = split(unit aliases[unit], names, " ")
                conditions_of = split(conditions[unit], lines, "\n")
                for (i = 1; i <= count; i++) if (names[i] in declared) for (at = 1; at < conditions_of; at++) print "condition", names[i], lines[at]
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
    path=''
    set -f
    for folder in $(systemctl show -p UnitPath --value --no-pager); do
        case $folder in /run/systemd/system* | /run/systemd/transient*) ;; *) path=$path${path:+:}$folder ;; esac
    done
    set +f
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
    say "${secret:-$found}"
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
        case $at/ in "${place%/}/"*) [ ${#place} -lt ${#under} ] || under=$place type=${mount##* } ;; esac
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
                main=$(systemctl show -p MainPID --value --no-pager -- "$name")
                case $pids in *"$newline$main $how$newline"*) printf '%s %s\n' "$name" "$how" ;; esac
                ;;
            *) printf '%s %s\n' "$word" "$name" ;;
            esac
        done
    }
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
    failed=$(say "$units" | awk '$2 == "failed" || $3 == "failed" || $4 == "failed" { print $1 }')
    # The dry run takes most of the time: what needs none of it is looked at meanwhile.
    found=$(
        next_boot | {
            halted
            look_at_generators
            echo '= jobs'
            found=$(unmet)
            aliases=$(say "$found" | sed -n 's/^alias //p')
            say "$found"
            stale
        }
    )
    halted=${found%%"= jobs"*}
    halted=${halted%"$newline"}
    jobs="$jobs${found#*"= jobs$newline"}"
else
    halted=$(halted)
fi

# Plainly up: by the listing alone for what it does now. Where the boot is declared, a boot starts it, and a link below /etc says that it is to.
up=$(
    say "$declared" '= units' "$units" '= jobs' "$jobs" '= links' "$links" '= halted' "$halted" | awk '
        $1 == "=" && NF == 2 { part = $2; next }
        part == "" && $3 == "up" { if ($2 == "now") now[$1]; else boot[$1] }
        part == "" && $3 != "up" { answered[$1] }
        part == "units" && $2 == "loaded" && $3 == "active" && $4 ~ /^(running|listening|waiting|active|mounted|plugged|elapsed|abandoned)$/ {
            if (($1 in now) || ($1 in boot)) up[$1] = $4
        }
        part == "jobs" && $1 == "job" { job[$2] }
        part == "jobs" && $1 ~ /^(trap|why|early)$/ { split("", boot) }
        part == "jobs" && $1 ~ /^(unmet|unsure)$/ { if ($2 == "*") split("", boot); else delete boot[$2] }
        part == "links" && /^etc\/systemd\/system\// { file = $0; sub(/.*\//, "", file); linked[file] }
        part == "halted" { delete up[$1] }
        END {
            for (name in up) if (!(name in answered) && ((name in now) || ((name in boot) && (name in job) && (name in linked)))) print name, up[name]
        }
    ' | sort
) || exit

# A service that started a while ago may be one that ends again and again. Each start makes a new link in run/systemd/units, and each end removes it.
# One that has been up for an hour, or for a third of the time since the boot, is in no loop that its restarts would tell (judge.py); 3 minutes more
# leave it time to start. In the first hour a link older than the boot is one from before the clock was set, and tells nothing. Services without a link
# of that age are asked for. Those get the full answer that systemd has restarted by itself three times, or in the last two minutes, or that a socket,
# timer or path may have started again in these.
read -r uptime _ 2>/dev/null <proc/uptime || uptime=0
uptime=$((${uptime%.*} / 60))
[ $uptime -lt 171 ] && long=$((uptime / 3 + 3)) || long=60
[ $uptime -lt 60 ] && oldest=$((uptime + 1)) || oldest=999999999
invocations() { # MINUTES
    find run/systemd/units -name 'invocation:*' -mmin "+$1" ! -mmin "+$oldest" 2>/dev/null
}
young=$(
    say "$(invocations "$long")" '= up' "$up" | awk '
        $1 == "=" { part = "up"; next }
        part == "" { sub(/.*invocation:/, ""); old[$0]; next }
        $1 ~ /\.service$/ && !($1 in old) { print $1 }
    '
)
if [ -n "$young" ]; then
    set -f
    # shellcheck disable=SC2086
    restarts=$(systemctl show --no-pager -p Id,NRestarts,TriggeredBy -- $young) || restarts=''
    set +f
    up=$(
        say "$young" '= settled' "$(invocations 1)" '= restarts' "$restarts" '' '= up' "$up" | awk '
            $1 == "=" { part = $2; next }
            part == "" { young[$0]; next }
            part == "settled" { sub(/.*invocation:/, ""); settled[$0]; next }
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
[ -z "$up" ] || say "$up"
[ -z "$boot" ] || say '== boot' "$jobs"

for unit; do
    shift
    unit=${unit#'~'}
    unit=${unit#[=!]}
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
say "$halted"

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
    say "$shown" | awk -v wanted=" $* " -F= '
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
say "$shown"

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

# A unit that has stopped may have left processes behind (KillMode=process), and its control group with them. A process 0 is one of another
# machine: containers that share the host's tree have groups of the same name.
echo '== left'
for group in $(say "$shown" | awk '
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
called=''
if [ -n "$boot" ]; then
    called=$(called)
    say '== bus' "$called"
fi
say '== links' "$links" '== default' "$default"

# Which of the units are plainly as declared, by what was shown: `NAME up`; `NAME enabled`, where also a boot starts it, and a link below /etc says so;
# `NAME down`; `NAME off`, where also no boot starts it, nothing on disk pulls it in, and nothing wakes it. A unit that is asked for by another name, that
# has a job, that systemd has restarted or that a socket, timer or path may start is none of these.
plain=$(
    say "$declared" '= jobs' "$jobs" '= called' "$called" '= links' "$links" '= halted' "$halted" '= show' "$shown" '' | awk '
        function plainly(id,    count, names, i) {
            if (id in halted || shows["LoadState"] != "loaded" || shows["Job"] !~ /^0?$/ || shows["Names"] ~ /["\\]/) return ""
            if (to_be[id] == "up") {
                if (shows["ActiveState"] != "active" || shows["NRestarts"] !~ /^0?$/) return ""
                if (shows["SubState"] == "exited" ? shows["Type"] != "oneshot" : shows["TriggeredBy"] != "") return ""
                if (about[id] == "now") return "up"
                return foreseen && (id in job) && (id in linked) && !(id in doubted) ? "enabled" : ""
            }
            if (to_be[id] != "down" || shows["ActiveState"] !~ /^(inactive|failed)$/ || shows["SubState"] !~ /^(dead|failed)$/) return ""
            if (shows["TriggeredBy"] != "") return ""
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
)

# The blocks of what was shown, but for the units that $plain names.
others() {
    say "$plain" '= show' "$shown" '' | awk '
        $1 == "=" && NF == 2 { told = 1; next }
        !told { plain[$1]; next }
        /^Id=/ { id = substr($0, 4) }
        $0 != "" { block = block $0 "\n"; next }
        { if (block != "" && !(id in plain)) print block; block = "" }
    '
}
all=$shown
shown=$(others)

# `show` remembers the file state of the last reload; the listing reads the disk, as a boot does. It leaves out instances, and for a SysV
# script it says "generated" where is-enabled asks the script's links. (A batch of is-enabled stops at the first missing unit.)
# What pulls a unit in counts only where there is no job list of the next boot.
pullers=''
if [ -n "$boot" ]; then
    case "$newline$jobs$newline" in
    *"${newline}complete$newline"* | *"${newline}trap "*) ;;
    *)
        # shellcheck disable=SC2046
        pullers=$(
            say "$links" | awk -F/ '
                BEGIN { for (i = 1; i < ARGC; i++) pulled[ARGV[i]] = 1; ARGC = 1 }
                ($NF in pulled) { puller = $(NF - 1); sub(/\.(wants|requires|upholds)$/, "", puller); if (!seen[puller]++) print puller }
            ' $(of Id Names TriggeredBy)
            of WantedBy RequiredBy UpheldBy BoundBy
        )
        ;;
    esac
fi
named=$(
    for unit; do
        case "$newline$plain$newline" in
        *"$newline$unit off$newline"*) ;;
        *"$newline$unit "*) continue ;;
        esac
        printf '%s\n' "$unit"
    done
    of Id TriggeredBy
    [ -z "$pullers" ] || printf '%s\n' "$pullers"
)
# shellcheck disable=SC2086
files=$([ -z "$named" ] || systemctl list-unit-files --full --plain --no-legend --no-pager -- $named | awk '{ print $1, $2 }')
echo '== files'
[ -z "$files" ] || say "$files"
# What is enabled, if only for an alias, is not plainly off.
plain=$(
    say "$files" '= plain' "$plain" | awk '
        $1 == "=" { told = 1; next }
        !told { states[$1] = $2; next }
        $2 != "off" || states[$1] ~ /^(disabled|static|indirect)$/
    '
)
say "$plain" | sed -n 's/ enabled$/&/p'
shown=$all
shown=$(others)
[ -n "$shown" ] || { echo '== end'; exit 0; }

missing=$(say "$shown" | awk -F= '$1 == "Id" { id = $2 } $1 == "LoadState" && $2 == "not-found" { print id }')
triggers=$(of TriggeredBy)
# shellcheck disable=SC2046
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
echo '== active'
say "$(of RequiredBy BoundBy UpheldBy ConsistsOf PropagatesStopTo Conflicts ConflictedBy)" '= units' "$units" | awk '
    $1 == "=" { told = 1; next }
    !told { near[$1]; next }
    ($1 in near) && $3 ~ /^(active|reloading|activating)$/ { print $1 }
'

# What keeps `systemctl start` from working, for the first ten units that are down and are to run: `UNIT unmet CONDITION`, and `UNIT lacks UNIT STATE` for
# what it requires and cannot be loaded.
echo '== vain'
down=$(say "$shown" | WANTED=$wanted awk '
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
            for file; do [ ! -f "$file" ] || [ ! -s "$file" ] || printf '= %s %s\n' "$unit" "$file"; done
        done
    done | awk '
        $1 != "=" { print; next }
        {
            while ((getline line < $3) > 0) if (line ~ /^[ \t]*(WantedBy|RequiredBy|UpheldBy|Also)[ \t]*=/) { sub(/^[ \t]+/, "", line); print $2, line }
            close($3)
        }
    '
fi

set +f
# Triggers that name another unit than their own, where the job list does not tell: the manager knows those that it has loaded.
activating=$(
    [ -n "$boot" ] || exit
    case $jobs in *complete*) exit ;; esac
    for parent in etc/systemd/system run/systemd/system usr/local/lib/systemd/system usr/lib/systemd/system lib/systemd/system; do
        [ "$parent" = lib/systemd/system ] && [ -L lib ] && continue
        grep -Es '^[[:blank:]]*(Unit|Service)[[:blank:]]*=' /dev/null "$parent"/*.socket "$parent"/*.timer "$parent"/*.path \
            "$parent"/*.socket.d/*.conf "$parent"/*.timer.d/*.conf "$parent"/*.path.d/*.conf
    done
)

say '== activating' "$activating"

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
