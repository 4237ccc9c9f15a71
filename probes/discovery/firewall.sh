# Print whether anything stops incoming connections, by whose rules, and which rules programs made. The rules themselves come from the check's probe.
# With `all` it also prints that nothing stops them.
root=${PE_ROOT-}
tab='	'

tell() { printf '%s%s%s\n' "$1" "$tab" "$2"; }

hidden() { # STDERR of the tool that failed
    case "
$1" in
    '
' | *'
sudo'*) tell '?firewall' 'only root can read it' ;;
    *) tell '?firewall' "it could not be read: $(printf '%s\n' "$1" | sed -n 1p)" ;;
    esac
    exit 0
}

if [ "$(id -u)" != 0 ] && [ -z "${PE_SUDO-}" ]; then hidden ''; fi

if command -v nft >/dev/null; then
    rules=$(${PE_SUDO-} nft list ruleset 2>/dev/null) ||
        hidden "$(${PE_SUDO-} nft list ruleset 2>&1 >/dev/null | sed "${PE_NOISE-}")"
    # The base chains for incoming packets that hold, or lead to, anything that could stop them. A named verdict map could.
    stops=$(printf '%s\n' "$rules" | awk '
        /^table / { table = $2 " " $3; next }
        /^\tchain / { chain = table SUBSEP $2; name[chain] = $2; of[chain] = table; next }
        /^\t}/ { chain = "" }
        chain == "" { next }
        /^\t\ttype / {
            if (/ hook (ingress|prerouting|input) /) base[++n] = chain
            if (/policy drop/) stops[chain] = 1
            next
        }
        /drop|reject|queue|DROP|REJECT|QUEUE|TARPIT|vmap @/ { stops[chain] = 1 }
        {
            while (match($0, /(jump|goto) [^ ,}]+/)) {
                leads[++m] = chain
                to[m] = of[chain] SUBSEP substr($0, RSTART + 5, RLENGTH - 5)
                $0 = substr($0, RSTART + RLENGTH)
            }
        }
        END {
            do {
                more = 0
                for (i = 1; i <= m; i++) if (stops[to[i]] && !stops[leads[i]]) more = stops[leads[i]] = 1
            } while (more)
            for (i = 1; i <= n; i++) {
                if (!stops[base[i]]) continue
                # a chain of iptables
                if (name[base[i]] ~ /^[A-Z]+$/) print "iptables: iptables-save shows its rules"
                else print "nftables: nft list table " of[base[i]]
            }
        }' | sort -u | sed -n 1p)
elif command -v iptables-save >/dev/null; then
    # The kernel may hold rules of nftables. Only the check's probe can rule that out.
    rules=$(for tool in iptables-save ip6tables-save; do ${PE_SUDO-} $tool 2>/dev/null; done)
    stops='iptables: iptables-save shows its rules'
else
    hidden 'neither nft nor iptables-save is on the machine'
fi
for family in ip ip6; do
    names=$root/proc/net/${family}_tables_names
    if [ -e "$names" ] && [ "$(${PE_SUDO-} cat "$names" 2>/dev/null || echo unreadable)" ]; then
        # Tables that were listed once stay, and are empty.
        case $(${PE_SUDO-} "${family}tables-legacy-save" 2>/dev/null) in
        *DROP* | *REJECT* | *QUEUE* | *TARPIT*) stops=${stops:-"iptables: iptables-legacy-save shows its rules"} ;;
        ?*) ;;
        *) stops=${stops:-"iptables: the legacy variant has tables"} ;;
        esac
    fi
done

conf=$(sed -n 's/^ENABLED=//p' "$root/etc/ufw/ufw.conf" 2>/dev/null)
case $rules in
# ufw itself looks for this chain: `ufw disable` leaves the others, and they are empty.
*'chain ufw-user-input'* | *'chain ufw6-user-input'* | *':ufw-user-input '*) stops='ufw is active: ufw status verbose' ;;
*'table inet firewalld '* | *INPUT_ZONES*) stops='firewalld: firewall-cmd --list-all' ;;
*) [ "$conf" != yes ] || stops=${stops:-'ufw is enabled in /etc/ufw/ufw.conf'} ;;
esac

if [ -n "$stops" ]; then
    tell '+firewall' "$stops"
elif [ "$1" = all ]; then
    tell '+firewall' 'nothing stops what comes in'
elif [ -n "$conf" ]; then
    tell '-firewall' 'nothing stops what comes in; ufw is installed, and not enabled'
else
    tell '-firewall' 'nothing stops what comes in'
fi

program() { # WORD NAME WHY
    case $rules in
    *"$1"*) tell "-rules of $2" "$3" ;;
    esac
}
program 'chain DOCKER' docker 'docker makes them for its containers; a published port is forwarded, so rules for the node do not cover it'
program NETAVARK podman 'podman makes them for its containers'
program LIBVIRT_ libvirt 'libvirt makes them for its networks'
program KUBE- kubernetes 'kubernetes makes them for its services'
program ts-input tailscale 'tailscale makes them for its network'
program f2b- fail2ban 'each ban changes who gets in at the ports that it watches, so these are left out'
exit 0
