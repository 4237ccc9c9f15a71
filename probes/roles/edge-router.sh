# Evidence for the role edge-router. about/roles.sh comes before it.
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
