set -eu
nft -f - <<'E'
table inet filter {
    set ports { type inet_service; flags interval; elements = { 22, 6000-6007 } }
    chain input {
        type filter hook input priority 0; policy drop;
        ct state established,related accept
        iif lo accept
        ct state invalid drop
        meta l4proto { icmp, ipv6-icmp } accept
        tcp dport @ports accept
    }
}
E
