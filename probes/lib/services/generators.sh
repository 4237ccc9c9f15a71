# What a generator made at the last reload, and a boot may make otherwise.
# shellcheck disable=SC2154 # the probe sets what these functions read

# What a generator made at the last reload, and a boot may make otherwise. `look_at_generators` finds out what has changed since, and needs no job list;
# `stale` prints `unsure UNIT WHY`, with `*` for any unit.
look_at_generators() {
    doubts='' generators='' read_by='' changed='' lost=$newline scripts=''
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
        [ "$folder" = run ] || early_enough "$folder/systemd/system-generators" ||
            { doubts='unsure * a boot does not find all generators of systemd, or masks of them: a link leads to a folder that a boot empties, or to another file system'; break; }
    done
    [ -n "$doubts" ] || look_at_tables
    look_at_inputs
    look_at_scripts
}

# Whether a boot finds a file, or a folder and what links in it lead to, when it runs generators.
early_enough() { # PATH
    kept + "/$1" early || return 1
    for file in "$1"/*; do [ ! -L "$file" ] || kept + "/$file" early || return 1; done
}

# /etc/fstab and /etc/crypttab: what they mount may be missing, and then a boot ends in emergency mode; or it starts units (x-systemd.wants=).
look_at_tables() {
    read -r minutes _ <proc/uptime
    minutes=$((${minutes%%.*} / 60 + 2))
    for table in etc/fstab etc/crypttab; do
        if [ ! -e $table ]; then
            ! grep -qs "^SourcePath=/$table\$" run/systemd/generator/* || doubts="unsure * /$table is gone since the last systemctl daemon-reload"
        elif ! kept + "/$table" early; then
            doubts="unsure * /$table is a link to a folder that a boot empties, or to another file system"
        elif [ -n "$(find -L $table \( -newer "$made" -o "$inode" "$made" \))" ]; then
            # Without a clock of its own, a machine made this at a time before the boot. Then the file is newer if it has changed since the boot.
            [ -n "$(find "$made" -prune -mmin "+$minutes")" ] && [ -z "$(find -L $table \( -mmin "-$minutes" -o -cmin "-$minutes" \))" ] ||
                doubts="unsure * /$table has changed since the last systemctl daemon-reload (which settles it)"
        fi
    done
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
    # Of a file that is missing, the folder shows whether it has gone.
    inputs='' present='' gone=''
    for line in $read_by; do
        input=${line#*:/}
        case "$inputs" in *" $input$newline"*) continue ;; esac
        file=$input
        while [ ! -e "$file" ] && [ "$file" != etc ]; do file=${file%/*}; done
        inputs="$inputs$file $input$newline"
        if [ "$file" = "$input" ]; then present="$present $file"; else gone="$gone $file"; fi
    done
    # shellcheck disable=SC2086
    changed=$(
        {
            say "$inputs" '= changed'
            [ -z "$present" ] || find $present -maxdepth 3 $inode "$made"
            [ -z "$gone" ] || find $gone -maxdepth 0 $inode "$made" | sed 's/^/- /'
        } 2>/dev/null | awk '
            $1 == "=" { second = 1; next }
            !second && $1 == $2 { if (NF) present[$1]; next }
            !second { gone[$1] = gone[$1] $2 "\n"; next }
            sub(/^- /, "") { printf "%s", gone[$0]; next }
            { for (up = 0; up <= 3; up++) { if ($0 in present) print; if (!sub(/\/[^\/]*$/, "")) break } }
        '
    )
    for input in $present; do early_enough "$input" || lost="$lost$input$newline"; done
    [ "$lost" = "$newline" ] || changed=$changed$lost
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
        [ $native = yes ] || [ ! -L "$script" ] || kept + "/$script" early ||
            why=${why:-'its script in /etc/init.d is a link to a folder that a boot empties, or to another file system'}
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
    patterns=''
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
        [ -n "$patterns" ] || patterns=$(written_for)
        case $lost in
        *"$newline$input$newline"*) why='is not what a boot finds: it lies behind a link to a folder that a boot empties, or on another file system' ;;
        *) why='has changed since the last systemctl daemon-reload (which settles it)' ;;
        esac
        {
            say "$may_be" '= patterns' "$patterns" '= lines'
            say "$patterns" | sed 's/^[^ ]* //' | grep -aE -f - -- "$generator" | grep -av '^[[:blank:]]*#' | tr '\000' '\n'
        } | READ="/$input, which /$generator reads, $why" awk '
            $1 == "=" && part != "lines" { part = $2; next }
            part == "" { may_be[$1]; next }
            part == "patterns" { unit = $1; sub(/^[^ ]* /, ""); if (unit in may_be) pattern[unit] = $0; next }
            {
                for (unit in pattern) if ($0 ~ pattern[unit]) {
                    print "unsure", unit, ENVIRON["READ"]
                    delete pattern[unit]
                }
            }
        '
    done | sort -u
    set +f
}

# How a generator writes that it makes something of a unit, `UNIT PATTERN` for each unit whose boot is declared: by its name, an alias or the template;
# by drop-ins for units of a like name (a-.service.d), or for all of the type (service.d); by drop-ins for a name that it puts together
# ($name.service.d); or by the name of a unit that no boot starts as it is, and that would start this one in turn. UNIT.wants is only for those that
# UNIT wants.
written_for() {
    say "$aliases" '= starts' "$(starts_what)" '= jobs' "$found" '= units' "$boot" | awk '
        function literal(text) { gsub(/[].[*^$\\+?(){}|]/, "\\\\&", text); return text }
        function add(pattern) { patterns = patterns (patterns == "" ? "" : "|") pattern }
        function by_name(name) {
            sub(/@.*/, "@", name)
            add(literal(name) (name ~ /@$/ ? "" : "([^.A-Za-z0-9]|$|[.][^wu]|[.]$)"))
        }
        function named(name,    at) {
            by_name(name)
            sub(/@.*/, "@", name)
            sub(/\.[a-z]*$/, "", name)
            for (at = 1; at < length(name); at++) if (substr(name, at, 1) == "-") add(literal(substr(name, 1, at) "." type ".d"))
        }
        function starters(unit,    todo, end, at, i, count, names, met, name) {
            todo[++end] = unit
            for (at = 1; at <= end && end < 100; at++) {
                name = todo[at]
                if (sub(/\.service$/, "", name)) started_by[todo[at]] = started_by[todo[at]] " " name ".timer " name ".socket " name ".path"
                count = split(started_by[todo[at]], names, " ")
                for (i = 1; i <= count; i++) {
                    if (names[i] in job || names[i] in met) continue
                    met[names[i]]
                    by_name(names[i])
                    todo[++end] = names[i]
                }
            }
        }
        $0 == "" { next }
        $1 == "=" && NF == 2 { part = $2; next }
        part == "" { aliases[$1] = aliases[$1] " " $2; next }
        part == "starts" { started_by[$2] = started_by[$2] " " $1; next }
        part == "jobs" { if ($1 == "job") job[$2]; next }
        {
            patterns = ""
            type = $0
            sub(/.*\./, "", type)
            count = split($0 aliases[$0], names, " ")
            for (i = 1; i <= count; i++) named(names[i])
            add("/" type "[.]d")
            add("[$%)}`][^/ \t]*[.]" type "[.]d")
            for (i = 1; i <= count; i++) starters(names[i])
            print $0, patterns
        }
    '
}

# What starts what, by links, unit files and drop-ins: `UNIT OTHER`.
starts_what() {
    say "$links" | sed -n 's/^[a-z].*\/\([^/]*\)\.\(wants\|requires\|upholds\)\/\([^/]*\)$/\1 \3/p'
    set +f
    for parent in etc/systemd/system usr/local/lib/systemd/system usr/lib/systemd/system lib/systemd/system; do
        [ "$parent" = lib/systemd/system ] && [ -L lib ] && continue
        grep -EHs '^[[:blank:]]*(Wants|Requires|Requisite|BindsTo|Upholds|OnSuccess|OnFailure|Unit|Service)[[:blank:]]*=' /dev/null "$parent"/*.* \
            "$parent"/*.d/*.conf
    done | awk '
        {
            file = $0
            sub(/:[[:blank:]]*[A-Z][A-Za-z]*[[:blank:]]*=.*/, "", file)
            others = substr($0, length(file) + 2)
            sub(/^[^=]*=/, "", others)
            sub(/\.d\/[^\/]*$/, "", file)
            sub(/.*\//, "", file)
            count = split(others, names, " ")
            for (i = 1; i <= count; i++) print file, names[i]
        }
    '
    set -f
}
