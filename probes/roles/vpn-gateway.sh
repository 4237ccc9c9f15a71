# Evidence for the role vpn-gateway. about/roles.sh comes before it.
# shellcheck disable=SC2154 # lib/node.sh sets root, about/roles.sh what runs
# An openvpn whose configuration names a remote is a client. Debian's openvpn.service only stands for its instances.
for unit in $(printf '%s\n' "$started" "$enabled" | grep '^openvpn[a-z-]*@..*\.service$' | sort -u); do
    name=${unit#*@} name=${name%.service}
    case $unit in
    openvpn-server@*) config=$root/etc/openvpn/server/$name.conf ;;
    openvpn-client@*) config=$root/etc/openvpn/client/$name.conf ;;
    *) config=$root/etc/openvpn/$name.conf ;;
    esac
    settings=$(cat "$config" 2>/dev/null || ${PE_SUDO:-false} cat "$config" 2>/dev/null)
    if printf '%s\n' "$settings" | grep -q '^[[:blank:]]*\(remote\|client\)\([[:blank:]]\|$\)'; then
        kind=openvpn-client
    elif [ -n "$settings" ]; then
        kind=openvpn
    else
        case $unit in openvpn-server@*) kind=openvpn ;; openvpn-client@*) kind=openvpn-client ;; *) missing "$unit" 'its configuration cannot be read: server or client?' && continue ;; esac
    fi
    if contains "$unit" "$started"; then line "$kind" "$unit runs"; else line "$kind" "$unit is enabled, and does not run"; fi
done
for interface in "$root"/sys/class/net/*; do
    if grep -q '^DEVTYPE=wireguard' "$interface/uevent" 2>/dev/null; then line wireguard "the interface ${interface##*/} exists"; fi
done
for unit in $(printf '%s\n' "$started" "$enabled" | grep '^wg-quick@..*\.service$' | sort -u); do look_for wireguard '' "$unit"; done
look_for tailscale tailscaled tailscaled.service
