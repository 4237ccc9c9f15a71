# What a boot forgets: files in /run and the like, and mounts made by hand.
# shellcheck disable=SC2154 # the probe sets what these functions read

# Fails if a file that is read below is a pipe or a device: the probe would wait forever. systemd ignores such a unit file.
all_are_files() {
    for folder in etc/systemd/system run/systemd/system run/systemd/transient run/systemd/generator run/systemd/generator.early run/systemd/generator.late \
        usr/local/lib/systemd/system usr/lib/systemd/system lib/systemd/system; do
        [ "$folder" = lib/systemd/system ] && [ -L lib ] && continue
        set -- "$folder"/*.* "$folder"/*.d/*.conf
        for file; do
            [ -f "$file" ] || [ -d "$file" ] || refuse_device "$file" || return
        done
    done
    for file in etc/systemd/system.conf etc/systemd/system.conf.d/* run/systemd/system.conf.d/* etc/dbus-1/*.conf etc/dbus-1/system.d/* \
        etc/dbus-1/system-services/* usr/share/dbus-1/*.conf usr/share/dbus-1/system.d/* usr/share/dbus-1/system-services/*; do
        [ -f "$file" ] || refuse_device "$file" || return
    done
}

refuse_device() { # PATH
    [ -e "$1" ] && { [ -p "$1" ] || [ -c "$1" ]; } && ! [ "$1" -ef dev/null ] || return 0
    echo "/$1 is a pipe or a device, and not a file: remove it" >&2
    return 1
}

# The mounts, `PLACE TYPE` a line, in the order in which they were made. (In a sandbox: those outside of it, as process $PE_OUTSIDE has them.)
look_at_mounts() {
    mounts=''
    while read -r _ _ _ _ place rest; do # the type stands behind a dash
        rest=${rest##* - }
        mounts="$mounts$place ${rest%% *}$newline"
    done <"proc/${PE_OUTSIDE:-self}/mountinfo"
}

# Whether a boot forgets what was written to the root file system: it is an overlay whose upper folder lies in memory. An initrd may have put that folder
# out of sight, so what made it counts as well.
root_is_forgotten() {
    upper=$(sed -n 's/^\([^ ]* \)\{4\}\/ .* - overlay .*[ ,]upperdir=\([^,]*\).*$/\2/p' "proc/${PE_OUTSIDE:-self}/mountinfo" | sed -n '$p')
    [ -n "$upper" ] || return 1
    case " $(cat proc/cmdline) " in
    *' boot=live '* | *' boot=casper '* | *' overlayroot=tmpfs'* | *' systemd.volatile=overlay '* | *' rd.live.image '* | *' root=live:'*) return 0 ;;
    esac
    # What is not there lies on the disk of the machine that runs this container.
    [ -d "${upper#/}" ] || return 1
    mount_of "$upper"
    case $type in tmpfs | ramfs) return 0 ;; esac
    return 1
}

# Units whose files a boot does not find as they are now, or finds too late: a unit file, a drop-in, a folder of either, or the whole folder of units lies
# behind a link to where a boot begins with nothing, or on another file system. Also the names of drop-ins for many units (a-.service, service).
# `* WHY`: any unit.
forgotten() {
    places=''
    for parent in etc/systemd/system usr/local/lib/systemd/system usr/lib/systemd/system lib/systemd/system; do
        [ "$parent" = lib/systemd/system ] && [ -L lib ] && continue
        [ -d "$parent" ] || continue
        places="$places $parent/"
        kept + "/$parent" early || {
            find "$parent/" ! -name system | named_by_files
            [ -z "$by_hand" ] || echo '* a file system that was mounted by hand hides a folder of units'
        }
    done
    unmasked_by_a_boot
    [ -n "$places" ] || return 0
    # shellcheck disable=SC2086
    find $places -maxdepth 2 -type l -exec ls -ld {} + | unusual_links | {
        while read -r unusual; do
            case $unusual in
            # It pulls a unit in by its own name, wherever it leads to, unless that is empty.
            *.wants/* | *.requires/* | *.upholds/*) kept - "/$unusual" early || printf '%s\n' "${unusual%/*/*}/${unusual##*/}" ;;
            *) kept + "/$unusual" early || printf '%s\n' "$unusual" ;;
            esac
        done
        say "$mounts" | sed 's/ [^ ]*$//; s/^\///'
    } | named_by_files
}

# Entries of X.wants and the like that mask a unit now, and that a boot may not find to be masks: `* WHY`, since what is masked was not loaded, and nobody
# knows what else it starts or keeps from starting.
unmasked_by_a_boot() {
    say "$links" | sed -n 's/^- //p' | while read -r entry; do
        target=/$entry
        case $entry in
        run/systemd/system* | run/systemd/transient/*) continue ;;
        run/systemd/generator*) # a boot makes the entry again
            [ -L "$entry" ] || continue
            target=$(readlink "$entry")
            case $target in /*) ;; *) target=/${entry%/*}/$target ;; esac
            ;;
        esac
        kept + "$target" early || echo "* /$entry masks a unit now, and a boot may not find what it leads to; then it starts that unit"
    done
}

# Whether systemd takes an entry of X.wants and the like for a mask.
masks() { # PATH
    if [ -f "$1" ]; then [ ! -s "$1" ]; else [ -c "$1" ] || [ -b "$1" ]; fi
}

# `ls -l` of links -> those that lead elsewhere than to a file in a folder of units, also by way of another link there.
unusual_links() {
    awk '
        # A path in full, with neither `..` nor the folder usr that is lib on merged systems.
        function plain(path) {
            gsub(/\/\.?\//, "/", path)
            while (sub(/\/[^\/]+\/\.\.\//, "/", path)) continue
            sub(/^\/usr\/lib\//, "/lib/", path)
            return path
        }
        function folder(path) { sub(/\/[^\/]*$/, "", path); return path }
        match($0, / (etc|usr\/local\/lib|usr\/lib|lib)\/systemd\/system\//) {
            path = substr($0, RSTART + 1)
            at = index(path, " -> ")
            target = substr(path, at + 4)
            path = substr(path, 1, at - 1)
            own = plain("/" path)
            paths[own] = path
            targets[own] = plain(target ~ /^\// ? target : "/" folder(path) "/" target)
        }
        END {
            for (own in paths) {
                target = own
                for (steps = 0; target in targets && steps < 40; steps++) target = targets[target]
                if (target == "/dev/null" || target ~ /^\/run\/systemd\/generator/) continue
                if (target !~ /^\/(etc|usr\/local\/lib|lib)\/systemd\/system\/[^\/]+(\/[^\/]+)?$/ || folder(target) in targets) print paths[own]
            }
        }
    '
}

# Paths in folders of units -> the units, or drop-ins for many of them, that they belong to.
named_by_files() {
    awk '
        sub(/^(etc|usr\/local\/lib|usr\/lib|lib)\/systemd\/system\//, "") {
            sub(/\/.*/, "")
            sub(/\.(d|wants|requires|upholds)$/, "")
            if ($0 != "" && !($0 in named)) { named[$0]; print }
        }
    '
}

# Whether a condition on a path, $sign $file, that holds now holds at the next boot as well.
lasts() { # KIND
    case $1 in
    *Glob)
        ! swept "$file" || return 1
        kept "$sign" "${file%%[*?[{]*}" || [ "$sign" = + ] || return 1
        [ "$sign" = + ] || return 0
        [ -z "$hidden" ] || return 1
        set -- "$file"
        IFS=''
        # shellcheck disable=SC2086
        set -- $1
        unset IFS
        for found; do ! kept + "$found" || return 0; done
        return 1
        ;;
    *SymbolicLink) kept "$sign" "${file%/*}/" ;;
    *) kept "$sign" "$file" ;;
    esac || return 1
    case $1 in *NotEmpty) set -- "$file" "$at" "$file/." "$at/." ;; *) set -- "$file" "$at" ;; esac
    for found; do ! swept "$found" || return 1; done
}

# Whether tmpfiles.d (5) removes the path at each boot, or makes it where it must not be.
swept() { # PATH OR GLOB
    [ -n "$sweeps" ] || sweeps=$(
        set --
        for folder in etc run usr/local/lib usr/lib lib; do
            [ "$folder" = lib ] && [ -L lib ] && continue
            set -- "$@" "$folder"/tmpfiles.d/*.conf
        done
        # Of paths with specifiers nobody here knows more than where they stand.
        grep -hs '^[[:blank:]]*[rRDfFdvqQpLcbC]' "$@" | awk '
            { gsub(/"/, "") }
            $1 ~ /^[rRD]/ { remove = 1 }
            $1 ~ /^[fFdDvqQpLcbC]/ { make = 1 }
            remove || make { path = $2; gsub(/%./, "*", path); sub(/\/+$/, "", path) }
            remove { print "+", path ($1 ~ /^D/ ? "/*" : "") }
            make { print "-", path }
            { remove = make = 0 }
        '
        echo '='
    )
    IFS=$newline
    set -f
    for line in $sweeps; do
        line_path=${line#* }
        case $line in
        "$sign "*) ;;
        *) continue ;;
        esac
        # shellcheck disable=SC2254 # both may be globs
        case $sign in
        +) case $1 in $line_path | $line_path/*) break ;; esac ;;
        -) case $line_path in $1 | ${1%/}/*) break ;; esac ;;
        esac
        line=''
    done
    set +f
    unset IFS
    case $line in [+-]*) return 0 ;; esac
    return 1
}

# Sets $under and $type: the mount that a path without links lies on, the last one of several in one place.
mount_of() { # PATH
    under='' type='' IFS=$newline
    set -f
    for mount in $mounts; do
        place=${mount% *}
        case $place in *'\040'*) place=$(printf '%b' "$place") ;; esac
        case $1/ in "${place%/}/"*) [ ${#place} -lt ${#under} ] || under=$place type=${mount##* } ;; esac
    done
    set +f
    unset IFS
}

# Whether a boot finds a path as it is now: no step on the way to it, through all symbolic links, lies where a boot begins with nothing (+; what is
# missing there is missing then as well), nor on what was mounted by hand. `early`: it is to be found before anything is mounted. $by_hand is set
# where it lies on a mount that no boot makes, $hidden where this user may not search a folder on the way, and $at is where it leads to.
kept() { # +|- PATH [early]
    rest=${2#/} at='' links_left=40 by_hand='' hidden=''
    while [ -n "$rest" ]; do
        step=${rest%%/*}
        case $rest in */*) rest=${rest#*/} ;; *) rest='' ;; esac
        case $step in
        '' | .) continue ;;
        ..) at=${at%/*}; continue ;;
        esac
        if [ -n "$at" ] && [ -d "$at" ] && [ ! -x "$at" ]; then hidden=yes; fi
        if [ -n "$hidden" ]; then
            # shellcheck disable=SC2016
            target=$(as_root sh -c 'readlink "$1"; echo .' sh "$at/$step") || return 1
            target=${target%.}
            target=${target%"$newline"}
        elif [ -L "$at/$step" ]; then
            target=$(readlink "$at/$step") || return 1
        else
            target=''
        fi
        if [ -n "$target" ]; then
            links_left=$((links_left - 1))
            [ $links_left -gt 0 ] || return 1
            ! passing "$at/$step" || [ "$1" = - ] || return 1
            rest=$target${rest:+/$rest}
            case $target in /*) at='' ;; esac
        else
            at=$at/$step
        fi
    done
    ! passing "$at" || [ "$1" = - ] || return 1
    mount_of "$at"
    case $under in
    / | /proc* | /sys* | /dev* | /run*) ;;
    # An overlay is what systemd-sysext makes, or a person: systemd has read its unit files by then.
    /usr) [ "$type" != overlay ] || mounted_again /usr || return 1 ;;
    # What an initrd mounts.
    /etc | /nix | /nix/* | /gnu/store) mounted_again "$under" || return 1 ;;
    *) mounted_again "$under" && [ -z "${3-}" ] || return 1 ;;
    esac
    case $under$type in
    /proc* | /sys* | /dev* | /run*) ;;
    *tmpfs | *ramfs) [ "$1" = - ] || return 1 ;;
    esac
}

# Runs a command for a user who is not root; fails also where sudo is not possible.
as_root() { # COMMAND...
    # shellcheck disable=SC2086
    [ -n "${PE_SUDO-}" ] && ${PE_SUDO-} "$@" </dev/null 2>/dev/null
}

# Whether each boot makes this mount, before it looks at conditions: of what is not ordered before local-fs.target (nofail, a network's) it may be too
# late, and what nothing pulls in (noauto) somebody mounted.
mounted_again() { # PLACE
    mount=$(systemctl show -p FragmentPath -p Before -p WantedBy -p RequiredBy -- "$(systemd-escape -p --suffix=mount -- "$1")")
    case $newline$mount in
    *"${newline}FragmentPath=/run/systemd/system/"* | *"${newline}FragmentPath=/run/systemd/transient/"*) by_hand=yes ;;
    *"${newline}FragmentPath=/"*) case $newline$mount in *"${newline}WantedBy="[!"$newline"]* | *"${newline}RequiredBy="[!"$newline"]*) ;; *) by_hand=yes ;; esac ;;
    *) by_hand=yes ;;
    esac
    [ -z "$by_hand" ] || return 1
    case $mount in *Before=*local-fs.target*) ;; *) return 1 ;; esac
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
