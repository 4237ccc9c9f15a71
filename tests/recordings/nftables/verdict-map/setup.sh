set -eu
nft -f - <<'E'
table inet filter {
    chain web {
        ip saddr 10.0.0.0/8 accept
    }
    chain input {
        type filter hook input priority 0; policy drop;
        ct state established,related accept
        iif lo accept
        ct state invalid drop
        meta l4proto { icmp, ipv6-icmp } accept
        tcp dport vmap { 22 : accept, 80 : drop, 443 : jump web }
    }
}
E
