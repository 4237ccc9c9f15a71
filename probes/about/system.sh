# The operating system: what it is, how long it has run, and whether it needs a reboot or updates.
# shellcheck disable=SC2154 # lib/node.sh sets root
if os_release; then
    line distribution "$os_name" "$os_id" "$os_version"
else
    missing distribution 'there is no os-release that can be read'
fi
first_line "$root/proc/sys/kernel/osrelease" || value=$(uname -r)
kernel=$value
line kernel "$kernel"

# The time since process 1 began: in a container it is later than the kernel. Its start is in ticks, of which Linux has 100 a second everywhere.
if first_line "$root/proc/uptime"; then
    up=${value%%.*}
    first_line "$root/proc/1/stat" || value=''
    began=$(printf '%s\n' "${value##*) }" | awk '{ print int($20 / 100) }')
    line uptime $((up - ${began:-0}))
else
    missing uptime '/proc/uptime cannot be read'
fi
# shellcheck disable=SC2086
if first_line "$root/proc/loadavg"; then
    set -- $value
    line load "$1" "$2" "$3"
fi

# Only kernels of one kind are compared: their names end in the same way, as 6.1.0-18-cloud-amd64.
newest_kernel() {
    kind=${kernel##*[0-9]-}
    case $kind in "$kernel" | *[0-9].*) kind='' ;; esac
    for file in "$root"/boot/vmlinuz-*"$kind"; do
        name=${file#"$root"/boot/vmlinuz-}
        [ "${name##*[0-9]-}" != "$name" ] && [ "${name##*[0-9]-}" != "$kind" ] && [ -n "$kind" ] || printf '%s\n' "$name"
    done | sort -V | tail -n 1
}
if [ -e "$root/run/reboot-required" ]; then
    packages=$(sort -u "$root/run/reboot-required.pkgs" 2>/dev/null | tr '\n' ' ')
    line reboot yes "/run/reboot-required exists${packages:+, for ${packages% }}"
elif [ -e "$root/boot/vmlinuz-$kernel" ] && newest=$(newest_kernel) && [ "$newest" != "$kernel" ]; then
    line reboot yes "the kernel $newest is installed, but $kernel is running"
elif [ -d "$root/lib/modules" ] && [ -n "$(ls "$root/lib/modules")" ] && [ ! -d "$root/lib/modules/$kernel" ] && ! grep -q '^container=' "$root/proc/1/environ" 2>/dev/null; then
    line reboot yes "the modules of the running kernel $kernel were removed"
else
    line reboot no
fi

# Which packages would be upgraded, by the lists on the node: nothing is fetched, and no cache is written.
updates() { # UPDATE SECURITY AGE: patterns for lines of `answer` that are an update, and that are for security; the age of the lists
    line updates "$(printf '%s\n' "$answer" | grep -c "$1")" "$(printf '%s\n' "$answer" | grep "$1" | grep -c "${2:-^\$}")" "$3"
}
if command -v apt-get >/dev/null; then
    newest=$(find "$root/var/lib/apt/lists" -maxdepth 1 -type f -name '*_Packages*' -exec stat -c %Y {} + 2>/dev/null | sort -n | tail -n 1)
    if [ -z "$newest" ]; then
        missing updates 'there are no package lists: apt-get update fetches them'
    elif answer=$(apt-get -s -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= dist-upgrade 2>&1); then
        updates '^Inst .*\[' '[Ss]ecurity' $(($(date +%s) - newest))
    else
        missing updates "$(printf '%s\n' "$answer" | grep -m 1 '^E:' || echo 'apt-get failed')"
    fi
elif command -v pacman >/dev/null; then
    answer=$(pacman -Qu 2>/dev/null)
    updates . '' ''
elif command -v apk >/dev/null; then
    if answer=$(apk version -l '<' 2>/dev/null); then updates ' < ' '' ''; else missing updates 'apk failed'; fi
elif command -v dnf >/dev/null || command -v yum >/dev/null; then
    missing updates 'not looked for: dnf writes caches and logs whenever it runs'
else
    missing updates 'there is no package manager that Power Edge knows'
fi
