# What a boot forgets: files in /run and the like, and mounts made by hand.
# shellcheck disable=SC2154 # the probe sets what these functions read

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
