# Conditions of units (systemd.unit(5)) at the next boot.
# shellcheck disable=SC2154 # the probe sets what these functions read

# `condition` lines -> `unmet UNIT CONDITION` for each that keeps the next boot from starting the unit, or may: it does not hold now, or what
# holds now is of this boot. Only one of those that begin with `|` has to hold (systemd.unit(5)).
unmet() {
    checked | awk '
        $1 == "each" && $2 != "yes" { sub(/^[a-z]+ [a-z]+ /, ""); print "unmet", $0; next }
        $1 == "any" && $2 == "yes" { met[$3]; next }
        $1 == "any" { sub(/^[a-z]+ [a-z]+ /, ""); if (!($1 in any)) any[$1] = $0; next }
        $1 == "each" { next }
        { print }
        END { for (unit in any) if (!(unit in met)) print "unmet", any[unit] }
    '
}

# `condition UNIT KIND VALUE` -> `each|any yes|no|unsure UNIT KIND=VALUE`. Other lines are left as they are.
checked() {
    answered='' mine=''
    # shellcheck disable=SC2034 # for swept
    sweeps=''
    while read -r word unit kind value; do
        if [ "$word" != condition ]; then
            printf '%s\n' "$word${unit:+ $unit}${kind:+ $kind}${value:+ $value}"
            continue
        fi
        [ -n "$mine" ] || look_at_specifiers
        plain=${value#'|'}
        file=${plain#!}
        case $plain in '!'*) sign=- ;; *) sign=+ ;; esac
        holds=no
        case $kind in
        *PathExists | *PathIsDirectory | *PathIsSymbolicLink | *FileNotEmpty | *FileIsExecutable) is_so || holds=unsure ;;
        *PathIsMountPoint) holds=unsure ;; # what is mounted, only the boot knows
        # Of the machine and its kernel, and the same at each boot.
        *Architecture | *Virtualization | *Firmware | *Security | *Capability | *Memory | *CPUs | *CPUFeature | *ControlGroupController | *OSRelease | \
            *KernelCommandLine | *NeedsUpdate | *PathExistsGlob | *PathIsReadWrite | *PathIsEncrypted | *DirectoryNotEmpty)
            systemd_says
            ;;
        *FirstBoot) case $file in 0 | n | no | f | false | off) holds=yes ;; esac ;; # the first one is over
        *User) case $file in root | 0 | @system) holds=yes ;; *) holds=unsure ;; esac ;;
        # The manager keeps what it was given by `systemctl set-environment`, and a boot does not.
        *Environment)
            given=$(systemctl show-environment) && [ $sign = - ] || holds=unsure
            case $newline$given in *"$newline${file%%=*}="*) holds=unsure ;; esac
            ;;
        *Host)
            name=''
            read -r name <etc/hostname
            [ "$file" = "$name" ] && [ "$name" = "$(uname -n)" ] && holds=yes || holds=unsure
            ;;
        # Power, load, the kernel's version: only the boot knows.
        *) holds=unsure ;;
        esac
        case $sign$holds in -yes) holds=no ;; -no) holds=yes ;; esac
        if [ "$holds" = yes ]; then
            case $kind in *Path* | *Directory* | *File*) lasts "$kind" || holds=no ;; esac
        fi
        ! foreign "$file" || holds=no
        case $value in '|'*) sort=any ;; *) sort=each ;; esac
        printf '%s %s %s %s=%s\n' "$sort" "$holds" "$unit" "$kind" "$value"
    done
}

# The dry run has another user than the manager: specifiers of that user (%u, %U, %g, %G, %s) and of this boot (%b) give wrong values.
look_at_specifiers() {
    me=$(id -u)
    mine='nobody nogroup 65534 nologin'
    [ "$me" = 0 ] || mine="$mine $(id -un) $me $(id -gn) $(id -g) ${HOME-} ${SHELL-}"
    boot_id=''
    read -r boot_id <proc/sys/kernel/random/boot_id || :
    mine="$mine $(printf '%s' "$boot_id" | tr -d -)"
}

foreign() { # VALUE
    for word in $mine; do case $1 in *"$word"*) return 0 ;; esac; done
    return 1
}

# What root sees of $file, in $holds; fails where a folder on the way hides it from this user.
is_so() {
    more=-e
    case $kind in
    *PathExists) first=-e ;;
    *PathIsDirectory) first=-d ;;
    *PathIsSymbolicLink) first=-L more=-L ;;
    *FileNotEmpty) first=-f more=-s ;;
    *FileIsExecutable) first=-f more=-x ;;
    esac
    if test "$first" "$file" && test "$more" "$file"; then holds=yes; return; fi
    [ "$me" != 0 ] || return 0
    kept + "$file" || :
    [ -n "$hidden" ] || [ $more = -x ] || return 0
    # shellcheck disable=SC2016
    case $(as_root sh -c 'if test "$1" "$3" && test "$2" "$3"; then echo yes; else echo no; fi' sh "$first" "$more" "$file") in
    yes) holds=yes ;;
    no) ;;
    *) return 1 ;;
    esac
}

# What systemd itself says of the condition, in $holds; unsure where it cannot see all of the path, or fails.
systemd_says() {
    holds=unsure
    run=''
    case $kind in
    *Path* | *Directory*)
        run=${PE_SUDO-}
        if [ "$me" != 0 ] && [ -z "$run" ]; then
            kept + "${file%%[*?[{]*}" || :
            [ -z "$hidden" ] || return 0
            [ ! -d "$file" ] || [ -r "$file" ] || return 0
            case $kind$sign$file in *Glob-*[*?[]*/*) return 0 ;; esac
        fi
        ;;
    esac
    case $newline$answered in
    *"$newline$kind=$plain yes$newline"*) said=yes ;;
    *"$newline$kind=$plain no$newline"*) said=no ;;
    *)
        if [ -z "${PE_OUTSIDE-}" ] || ! said_outside; then
            said=no
            # shellcheck disable=SC2086
            ! $run systemd-analyze condition "$kind=$plain" </dev/null >/dev/null 2>&1 || said=yes
        fi
        answered="$answered$kind=$plain $said$newline"
        ;;
    esac
    case $said$sign in yes+) holds=yes ;; yes-) holds=no ;; esac
}

# What systemd would say of $file outside of the sandbox that this runs in, in $said: what is read-only in here need not be so there, and process
# $PE_OUTSIDE has the machine's capabilities. Fails for conditions that a sandbox does not change.
said_outside() {
    said=yes
    case $kind in
    *PathIsReadWrite) [ ! -e "$file" ] || writable_outside || said=no ;;
    *Capability) capable_outside || said=no ;;
    *NeedsUpdate) needs_update || said=no ;;
    *) return 1 ;;
    esac
    case $sign$said in -yes) said=no ;; -no) said=yes ;; esac # $plain begins with the sign
}

# Whether the file system that a path lies on is not mounted read-only there.
writable_outside() {
    AT=$(readlink -f -- "$file") awk '
        {
            place = $5
            gsub(/\\040/, " ", place)
            at = 7
            while (at < NF && $at != "-") at++
            under = place == "/" ? place : place "/"
            if (index(ENVIRON["AT"] "/", under) == 1 && length(under) >= longest) {
                longest = length(under)
                readonly = ("," $6 "," $NF ",") ~ /,ro,/
            }
        }
        END { exit readonly }
    ' "proc/$PE_OUTSIDE/mountinfo"
}

# Whether the capability named by $file is in the bounding set there (capability.h has their numbers).
capable_outside() {
    NAME=$file awk '
        BEGIN {
            count = split("chown dac_override dac_read_search fowner fsetid kill setgid setuid setpcap linux_immutable net_bind_service net_broadcast " \
                "net_admin net_raw ipc_lock ipc_owner sys_module sys_rawio sys_chroot sys_ptrace sys_pacct sys_admin sys_boot sys_nice sys_resource " \
                "sys_time sys_tty_config mknod lease audit_write audit_control setfcap mac_override mac_admin syslog wake_alarm block_suspend " \
                "audit_read perfmon bpf checkpoint_restore", names, " ")
            bit = -1
            for (i = 1; i <= count; i++) if ("cap_" names[i] == tolower(ENVIRON["NAME"])) bit = i - 1
        }
        $1 == "CapBnd:" && bit >= 0 {
            digit = index("0123456789abcdef", substr($2, length($2) - int(bit / 4), 1)) - 1
            for (i = bit % 4; i > 0; i--) digit = int(digit / 2)
            has = digit % 2
        }
        END { exit !has }
    ' "proc/$PE_OUTSIDE/status"
}

# ConditionNeedsUpdate= (systemd.unit(5)), of /etc or /var: /usr was changed after it was updated.
needs_update() {
    writable_outside || return 1
    [ -e "$file/.updated" ] || return 0
    [ usr/ -nt "$file/.updated" ] || return 1
    # systemd writes whole seconds on some file systems, and the rest into the file.
    nanoseconds=$(sed -n 's/^TIMESTAMP_NSEC=\([0-9]*\)[0-9]\{9\}$/\1/p' "$file/.updated")
    [ "$(stat -c %Y usr/)" != "$nanoseconds" ]
}
