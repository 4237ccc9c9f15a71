# Kernel parameters that files under /etc, /run and /usr/local set, and a few that make the machine a router; with `all` every one that can be set.
# What packages set (files below /usr/lib, and files of theirs under /etc that nobody changed) is the distribution's.
root=${PE_ROOT-}
tab='	'

for tool in awk cut grep md5sum sed sort tr; do
    command -v "$tool" >/dev/null || { echo "there is no $tool" >&2; exit 1; }
done
[ -d "$root/proc/sys" ] || { echo 'there is no /proc/sys' >&2; exit 1; }

if [ "$1" = all ]; then
    cd "$root/proc/sys" || exit
    # Not the pid that was handed out last, nor switches that only do something once, nor secrets.
    find . -type f -perm -0600 ! -name ns_last_pid ! -name drop_caches ! -name compact_memory ! -name flush ! -name stat_refresh |
        sed "s/^\.\///; s/.*/+&/; s/^+\(.*\(secret\|_key\)\)\$/-\1${tab}a secret/" | sort
    exit 0
fi

unchanged() { # FILE: a conffile of a package, as the package brought it
    [ -n "$conffiles" ] && sum=$(md5sum <"$root$1") && case "$conffiles" in *" $1 ${sum%% *}"*) true ;; *) false ;; esac
}

conffiles=$(dpkg-query ${root:+"--admindir=$root/var/lib/dpkg"} -W -f '${Conffiles}\n' 2>/dev/null | grep 'sysctl\.')

# Of a folder that may not be looked into a glob says that it is empty.
for folder in etc/sysctl.d run/sysctl.d usr/local/lib/sysctl.d; do
    if [ -d "$root/$folder" ] && ! { [ -r "$root/$folder" ] && [ -x "$root/$folder" ]; }; then
        printf '?/%s\tonly root may look into it\n' "$folder"
    fi
done

# In the order in which they are read, by name whatever the folder (sysctl.d(5)), so that the last word on a key is the one that is told.
for file in "$root"/etc/sysctl.d/*.conf "$root"/run/sysctl.d/*.conf "$root"/usr/local/lib/sysctl.d/*.conf; do
    [ -f "$file" ] && printf '%s\t%s\n' "${file##*/}" "${file#"$root"}"
done | sort -t "$tab" -k 1,1 | {
    cut -f 2
    [ ! -f "$root/etc/sysctl.conf" ] || echo /etc/sysctl.conf
} | while IFS= read -r file; do
    if ! [ -r "$root$file" ]; then
        printf '?%s\tonly root may read it\n' "$file"
    elif ! unchanged "$file"; then
        printf '%s\n' "= $file"
        sed 's/^/ /' "$root$file"
        echo
    fi
done | awk '
    /^\?/ { print; next }
    /^= / { file = substr($0, 3); next }
    /^[ \t]*([#;]|$)/ || !/=/ { next }
    {
        key = $0; sub(/=.*/, "", key); gsub(/^[ \t]*-?|[ \t]+$/, "", key)
        value = $0; sub(/^[^=]*=[ \t]*/, "", value); gsub(/[ \t\r]+/, " ", value); sub(/ $/, "", value)
        if (key ~ /[*?\[]/) { print "-" key "\ta pattern of " file; next }
        if (key !~ /^[A-Za-z0-9_.\/:@-]+$/) next
        if (match(key, /[.\/]/) && substr(key, RSTART, 1) == ".") {
            path = ""
            for (i = 1; i <= length(key); i++) { c = substr(key, i, 1); path = path (c == "." ? "/" : c == "/" ? "." : c) }
            key = path
        }
        if (key ~ /(secret|_key)$/) { print "-" key "\ta secret, set by " file; next }
        if (!(key in set)) order[++n] = key
        set[key] = file; to[key] = value
    }
    END { for (i = 1; i <= n; i++) print "=" order[i] "\t" set[order[i]] "\t" to[order[i]] }
' | while IFS="$tab" read -r key file value; do
    case $key in
    =*)
        key=${key#=}
        if [ ! -e "$root/proc/sys/$key" ]; then
            printf -- '-%s\t%s sets it, and the kernel has no such key\n' "$key" "$file"
            continue
        fi
        now=$(tr -s '\t ' ' ' <"$root/proc/sys/$key" 2>/dev/null)
        if [ "$now" = "$value" ]; then
            printf '+%s\t%s sets it\n' "$key" "$file"
        else
            printf '+%s\t%s sets it, but to %s\n' "$key" "$file" "$value"
        fi
        ;;
    *) printf '%s\t%s\n' "$key" "$file" ;;
    esac
done

for key in net/ipv4/ip_forward net/ipv6/conf/all/forwarding; do
    [ "$(cat "$root/proc/sys/$key" 2>/dev/null)" != 1 ] || printf '+%s\tthe machine forwards, whoever set it\n' "$key"
done
