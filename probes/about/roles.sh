# Evidence of what the machine is for: lines `EVIDENCE<TAB>what was observed`, for people. What runs, or would after a boot, is evidence; what is only
# installed is none.
# shellcheck disable=SC2154 # lib/node.sh sets root
started='' enabled='' processes='' value=''
if [ -d "$root/run/systemd/system" ]; then
    started=$(systemctl list-units --type=service,socket --state=active --plain --full --no-legend --no-pager | awk '{ print $1 }') || missing units 'systemctl failed'
    enabled=$(systemctl list-unit-files --type=service,socket --state=enabled --no-legend --no-pager | awk '{ print $1 }')
fi
# A program may run outside of a unit. The kernel cuts names at 15 characters.
processes=$(cat "$root"/proc/[0-9]*/comm 2>/dev/null | sort -u)

contains() { # WORD LIST, a word a line
    case "
$2
" in
    *"
$1
"*) true ;;
    *) false ;;
    esac
}

look_for() { # EVIDENCE PROGRAM UNIT...: prints the first unit that runs, else the program, else the first unit that is enabled
    evidence=$1 program=$2
    shift 2
    for unit; do
        if contains "$unit" "$started"; then
            line "$evidence" "$unit runs"
            return
        fi
    done
    if [ -n "$program" ] && contains "$program" "$processes"; then
        line "$evidence" "the program $program runs"
        return
    fi
    for unit; do
        if contains "$unit" "$enabled"; then
            line "$evidence" "$unit is enabled, and does not run"
            return
        fi
    done
}

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

look_for docker dockerd docker.service docker.socket
look_for podman '' podman.socket podman.service
for file in "$root"/etc/containers/systemd/*.container; do
    if [ -e "$file" ]; then line podman "${file#"$root"} declares a container"; fi
done
if contains conmon "$processes"; then line podman 'the program conmon runs, which attends to a container of podman'; fi
look_for containerd containerd containerd.service
look_for k3s k3s-server k3s.service k3s-agent.service
look_for kubelet kubelet kubelet.service snap.kubelet.daemon.service

look_for node_exporter node_exporter node_exporter.service prometheus-node-exporter.service node-exporter.service
look_for prometheus prometheus prometheus.service

look_for desktop '' display-manager.service gdm.service gdm3.service lightdm.service sddm.service
for program in gcc clang; do
    if command -v "$program" >/dev/null && command -v git >/dev/null; then
        line compiler "$program and git are installed"
        break
    fi
done

for key in net.ipv4.ip_forward net.ipv6.conf.all.forwarding; do
    if first_line "$root/proc/sys/$(printf %s "$key" | tr . /)" && [ "$value" = 1 ]; then line forwarding "$key is 1"; fi
done

# Containers and virtual machines bring a masquerade of their own. It does not make the machine a router.
of_others='docker\|br-[0-9a-f]\{12\}\|172\.1[789]\.\|KUBE\|CNI\|cni\|NETAVARK\|LIBVIRT\|podman\|virbr\|flannel'
if ! can_be_root; then
    missing masquerade 'only root can read the firewall'
elif command -v nft >/dev/null; then
    if rules=$(as_root nft list ruleset 2>/dev/null); then
        rule=$(printf '%s\n' "$rules" | grep -i '^[[:blank:]]*[^[:blank:]].*masquerade' | grep -v "$of_others" | sed 's/^[[:blank:]]*//; s/ counter packets [0-9]* bytes [0-9]*//' | head -n 1)
        if [ -n "$rule" ]; then line masquerade "the firewall has the rule: $rule"; fi
    else
        missing masquerade 'nft failed'
    fi
elif command -v iptables-save >/dev/null; then
    rule=$(as_root iptables-save -t nat 2>/dev/null | grep -e '-j MASQUERADE' | grep -v "$of_others" | head -n 1)
    if [ -n "$rule" ]; then line masquerade "the firewall has the rule: $rule"; fi
else
    missing masquerade 'there is neither nft nor iptables-save'
fi
exit 0
