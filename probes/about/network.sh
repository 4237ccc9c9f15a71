# Interfaces, addresses, routes that somebody set, name servers, and VPNs.
# shellcheck disable=SC2154 # lib/node.sh sets root
if [ ! -d "$root/sys/class/net" ]; then
    missing interfaces 'there is no /sys/class/net'
fi
for interface in "$root"/sys/class/net/*; do
    name=${interface##*/} kind=''
    [ -e "$interface/operstate" ] || continue
    first_line "$interface/operstate"
    state=$value
    # A tunnel has no state of its own: 1 is IFF_UP.
    if [ "$state" = unknown ] && first_line "$interface/flags"; then
        case $value in *[13579bdfBDF]) state=up ;; *) state=down ;; esac
    fi
    first_line "$interface/address" || value=''
    line interface "$name" "$state" "$value"
    if [ -e "$interface/tun_flags" ]; then
        first_line "$interface/tun_flags"
        # IFF_TUN is 1, IFF_TAP 2; most taps belong to virtual machines.
        case $value in *[13579bdf]) kind=tun ;; esac
    elif grep -q '^DEVTYPE=wireguard' "$interface/uevent" 2>/dev/null; then
        kind=wireguard
    fi
    case $name in tailscale*) kind=tailscale ;; zt*) [ -z "$kind" ] || kind=zerotier ;; ppp[0-9]*) kind=ppp ;; esac
    [ -z "$kind" ] || line vpn "$name" "$kind" "$state"
done

if command -v ip >/dev/null; then
    if addresses=$(ip -o addr show); then
        printf '%s\n' "$addresses" | awk '$3 ~ /^inet/ { scope = ""; for (i = 4; i < NF; i++) if ($i == "scope") scope = $(i + 1); print "address\t" $2 "\t" $4 "\t" scope }'
    else
        missing addresses 'ip failed'
    fi
    # The kernel adds a route for each address; no person set it.
    for family in 4 6; do
        if ! ip -$family route show; then echo "failed"; fi
    done | awk '
        $0 == "failed" { failed = 1 }
        /^(fe80|ff00|multicast|local|broadcast)/ || / proto (kernel|ra) / && $1 != "default" || $0 == "failed" { next }
        !/ via / && / (scope link +src|metric 256) / && !/ proto / { next } # as busybox prints them
        ++count > 50 { next }
        {
            to = $1; via = ""; device = ""
            if ($1 ~ /^[a-z]+$/ && $1 != "default") { to = $2; via = $1 }
            for (i = 2; i < NF; i++) { if ($i == "via") via = $(i + 1); if ($i == "dev") device = $(i + 1) }
            print "route\t" to "\t" via "\t" device
        }
        END { if (count > 50) print "!routes\tonly the first 50 of " count; if (failed) print "!routes\tip failed" }'
else
    missing addresses 'there is no ip command'
    missing routes 'there is no ip command'
fi

# With systemd-resolved, its own file names the servers.
resolv=$root/etc/resolv.conf
if [ -r "$root/run/systemd/resolve/resolv.conf" ] && grep -q '^nameserver 127\.0\.0\.53' "$resolv" 2>/dev/null; then
    resolv=$root/run/systemd/resolve/resolv.conf
fi
if [ -r "$resolv" ]; then
    awk '{ gsub(/[\001-\010\013-\037\177]/, " ") } $1 == "nameserver" { print "dns\t" $2 } $1 == "search" || $1 == "domain" { for (i = 2; i <= NF; i++) print "search\t" $i }' "$resolv"
else
    missing dns '/etc/resolv.conf cannot be read'
fi
