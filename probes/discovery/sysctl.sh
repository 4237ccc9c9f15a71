# Kernel parameters that files under /etc, /run and /usr/local set, and a few that make the machine a router; with `all`: every one that can be set.
# Files of packages (below /usr/lib, or unchanged under /etc) belong to the distribution; they are read as well, since they may come last. The rules
# are those of sysctl.d(5).
# shellcheck disable=SC2154 # lib/node.sh sets root
tab='	'

need awk cut grep md5sum sed sort tr
[ -d "$root/proc/sys" ] || fail 'this node has no /proc/sys'

if [ "$1" = all ]; then
    cd "$root/proc/sys" || exit
    # Without the last pid, switches that act once, and secrets.
    find . -type f -perm -0600 ! -name ns_last_pid ! -name drop_caches ! -name compact_memory ! -name flush ! -name stat_refresh |
        sed "s/^\.\///; s/.*/+&/; s/^+\(.*\(secret\|_key\)\)\$/-\1${tab}a secret/" | sort
    exit 0
fi

unchanged() { # FILE: whether it is an unchanged conffile of a package
    [ -n "$conffiles" ] && sum=$(md5sum <"$root$1") && case "$conffiles" in *" $1 ${sum%% *}"*) true ;; *) false ;; esac
}

conffiles=$(dpkg-query ${root:+"--admindir=$root/var/lib/dpkg"} -W -f '${Conffiles}\n' 2>/dev/null | grep 'sysctl\.')

folders='etc/sysctl.d run/sysctl.d usr/local/lib/sysctl.d usr/lib/sysctl.d lib/sysctl.d'

# A glob in an unreadable folder finds nothing, as if the folder were empty.
for folder in $folders; do
    if [ -d "$root/$folder" ] && ! { [ -r "$root/$folder" ] && [ -x "$root/$folder" ]; }; then
        printf '?/%s\tonly root can look into it\n' "$folder"
    fi
done

# Of files with the same name only the one in the first folder counts, even if it is empty or a dangling link. Files are read in the order of their
# names, whatever their folder, and the last value of a key counts.
for folder in $folders; do
    for file in "$root/$folder"/*.conf; do
        if [ -f "$file" ] || [ -L "$file" ]; then printf '%s\t/%s\n' "${file##*/}" "$folder/${file##*/}"; fi
    done
done | awk -F '\t' '!printed[$1]++' | sort -t "$tab" -k 1,1 | cut -f 2 | {
    linked=''
    while IFS= read -r file; do
        case $(readlink "$root$file") in
        ../sysctl.conf | /etc/sysctl.conf) linked=yes file=/etc/sysctl.conf ;;
        esac
        printf '%s\n' "$file"
    done
    # systemd reads /etc/sysctl.conf only if a link in a folder leads to it; other systems read it last.
    if [ -z "$linked" ] && [ -f "$root/etc/sysctl.conf" ]; then
        [ ! -d "$root/run/systemd/system" ] || echo unread
        echo /etc/sysctl.conf
    fi
} | {
    note=''
    while IFS= read -r file; do
        if [ "$file" = unread ]; then
            note=' (which systemd does not read)'
        elif ! [ -e "$root$file" ]; then
            continue
        elif ! [ -r "$root$file" ]; then
            printf '?%s\tonly root can read it\n' "$file"
        else
            by=person
            case $file in /usr/lib/* | /lib/*) by=distribution ;; *) ! unchanged "$file" || by=distribution ;; esac
            printf '%s\n' "= $by $file$note"
            sed 's/^/ /' "$root$file"
            echo
        fi
    done
} | awk '
    /^\?/ { print; next }
    /^= / { by = $2; file = $0; sub(/^= [a-z]+ /, "", file); next }
    /^[ \t]*([#;]|$)/ || !/=/ { next }
    {
        key = $0; sub(/=.*/, "", key); gsub(/^[ \t]*-?|[ \t]+$/, "", key)
        value = $0; sub(/^[^=]*=[ \t]*/, "", value); gsub(/[ \t\r]+/, " ", value); sub(/ $/, "", value)
        if (key ~ /[*?\[]/) {
            if (by == "person") print "-" key "\ta pattern in " file
            next
        }
        if (key !~ /^[A-Za-z0-9_.\/:@-]+$/) next
        if (match(key, /[.\/]/) && substr(key, RSTART, 1) == ".") {
            path = ""
            for (i = 1; i <= length(key); i++) { c = substr(key, i, 1); path = path (c == "." ? "/" : c == "/" ? "." : c) }
            key = path
        }
        if (by == "distribution") { last[key] = file; next }
        if (key ~ /(secret|_key)$/) { print "-" key "\ta secret, set by " file; next }
        if (!(key in set)) order[++n] = key
        set[key] = file; to[key] = value
        delete last[key]
    }
    END {
        for (i = 1; i <= n; i++) {
            key = order[i]
            print "=" key "\t" set[key] "\t" (key in last ? "; " last[key] " comes later and sets it as well" : "-") "\t" to[key]
        }
    }
' | while IFS="$tab" read -r key file later value; do
    case $key in
    =*)
        key=${key#=}
        [ "$later" != - ] || later=''
        if [ ! -e "$root/proc/sys/$key" ]; then
            printf -- '-%s\t%s sets it, but the kernel has no such key\n' "$key" "$file"
            continue
        fi
        now=$(tr -s '\t ' ' ' <"$root/proc/sys/$key" 2>/dev/null)
        if [ "$now" = "$value" ]; then
            printf '+%s\t%s sets it%s\n' "$key" "$file" "$later"
        else
            printf '+%s\t%s sets it, but to %s%s\n' "$key" "$file" "$value" "$later"
        fi
        ;;
    *) printf '%s\t%s\n' "$key" "$file" ;;
    esac
done

for key in net/ipv4/ip_forward net/ipv6/conf/all/forwarding; do
    [ "$(cat "$root/proc/sys/$key" 2>/dev/null)" != 1 ] || printf '+%s\tthe machine forwards packets\n' "$key"
done
