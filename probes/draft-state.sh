#!/bin/sh
# Prints a small state.yaml of the machine that it runs on: a few things that are true and likely to stay so, to begin from. It reads only, and
# what takes root is left out.
#
#     sh probes/draft-state.sh >node-configs/NAME/state.yaml

export LC_ALL=C PATH="${PATH:-/usr/bin:/bin}:/usr/sbin:/sbin"

about_services() {
    # Without systemd as PID 1 systemctl knows what is installed, but not what runs.
    [ -d /run/systemd/system ] || return
    {
        systemctl list-unit-files --type=service --state=enabled --no-legend --no-pager
        systemctl list-units --type=service --state=running --plain --full --no-legend --no-pager
    } 2>/dev/null | awk '
        # Only plain names, for they go into YAML as they are; systemd-* last, for they say least about this machine.
        $1 !~ /^[A-Za-z0-9][A-Za-z0-9@._-]*\.service$/ { next }
        ++seen[$1] == 2 { if ($1 ~ /^systemd-/) late[++l] = $1; else early[++e] = $1 }
        END {
            for (i = 1; i <= e + l && i <= 6; i++) {
                name = i <= e ? early[i] : late[i - e]
                sub(/\.service$/, "", name)
                if (i == 1) print "\nservices:"
                printf "- name: \"%s\"\n  state: running\n  enabled: true\n", name
            }
        }'
}

about_sysctl() {
    about_heading='
sysctl:'
    for about_key in fs.protected_symlinks kernel.randomize_va_space net.ipv4.tcp_syncookies vm.swappiness; do
        about_value=$(cat "/proc/sys/$(printf %s "$about_key" | tr . /)" 2>/dev/null) || continue
        case $about_value in '' | *[!0-9]*) continue ;; esac
        printf '%s\n  %s: "%s"' "$about_heading" "$about_key" "$about_value"
        about_heading=''
    done
    [ -n "$about_heading" ] || echo
}

about_files() {
    about_heading='
files:
'
    for about_file in /etc/group /etc/os-release /etc/passwd /etc/ssh/sshd_config /etc/sudoers; do
        [ -f "$about_file" ] || continue
        # BSD's stat has another syntax.
        about_stat=$(stat -L -c '0%a %U %G' "$about_file" 2>/dev/null || stat -L -f '0%Lp %Su %Sg' "$about_file" 2>/dev/null)
        case $about_stat in 0[0-7]*\ [a-z]*\ [a-z]*) ;; *) continue ;; esac
        printf '%s- path: %s\n  mode: "%s"\n  owner: "%s"\n  group: "%s"\n' "$about_heading" "$about_file" \
            "${about_stat%% *}" "$(printf %s "$about_stat" | cut -d ' ' -f 2)" "${about_stat##* }"
        about_heading=''
    done
}

about_site=$(uname -n | tr -cd 'A-Za-z0-9._-')
# shellcheck disable=SC2016
echo '# yaml-language-server: $schema=../../schemas/merged/state.schema.json'
printf 'version: "1.0"\n\nmetadata:\n  site: "%s"\n  environment: development\n' "${about_site:-unnamed}"
about_services
about_sysctl
about_files
